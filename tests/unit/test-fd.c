#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "base/macro.h"

#include "tests/lib/in-child.h"
#include "tests/lib/temp-dir.h"

static void on_alarm(int signal_number)
{
}

/* Signals every 5 ms without SA_RESTART, so that blocked calls end early. */
static void interrupt_often(void)
{
        const struct itimerval interval = { { 0, 5000 }, { 0, 5000 } };
        const struct sigaction action = { .sa_handler = on_alarm };

        ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
        ck_assert_int_eq(setitimer(ITIMER_REAL, &interval, NULL), 0);
}

START_TEST(a_slow_pipe_is_written_and_read_whole)
{
        static char sent[1 << 20], received[(1 << 20) + 10];
        size_t size = 0;
        int ends[2], status;
        pid_t writer;

        for (size_t i = 0; i < sizeof(sent); i++)
                sent[i] = (char) (i * 7 % 251);
        ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
        writer = fork();
        if (writer == 0) {
                (void) close(ends[0]);
                interrupt_often();
                _exit(fd_write_all(ends[1], sent, sizeof(sent)) == 0 ? 0 : 1);
        }
        (void) close(ends[1]);

        /* Long enough that the writer finds the pipe full and is interrupted with nothing done. */
        (void) usleep(50000);
        interrupt_often();
        ck_assert_int_eq(fd_read_all(ends[0], received, sizeof(received), &size), 0);
        ck_assert_uint_eq(size, sizeof(sent));
        ck_assert_mem_eq(sent, received, sizeof(sent));
        ck_assert_int_eq(waitpid(writer, &status, 0), writer);
        ck_assert_int_eq(status, 0);
        (void) close(ends[0]);
}
END_TEST

START_TEST(no_more_is_read_than_there_is_room)
{
        _cleanup_close_ int fd = fd_new_sealed("test", "0123456789", 10);
        char room[4];
        size_t size = 0;

        ck_assert_int_eq(fd_read_all(fd, room, sizeof(room), &size), 0);
        ck_assert_uint_eq(size, 4);
        ck_assert_mem_eq(room, "0123", 4);
}
END_TEST

START_TEST(errors_of_the_kernel_come_back)
{
        _cleanup_close_ int full = open("/dev/full", O_RDWR | O_CLOEXEC);
        size_t size = 99;
        char byte;

        ck_assert_int_eq(fd_write_all(full, "x", 1), -ENOSPC);
        ck_assert_int_eq(fd_write_all(-EBADF, "x", 1), -EBADF);
        ck_assert_int_eq(fd_read_all(-EBADF, &byte, 1, &size), -EBADF);
        ck_assert_uint_eq(size, 99);
}
END_TEST

START_TEST(a_directory_is_synced_however_it_was_opened)
{
        _cleanup_(temp_dir_removep) char *dir = temp_dir_new();
        _cleanup_close_ int path_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        _cleanup_close_ int read_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_close_ int file_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

        ck_assert_int_eq(fd_sync_dir(path_fd), 0);
        ck_assert_int_eq(fd_sync_dir(read_fd), 0);
        ck_assert_int_eq(fd_sync_dir(file_fd), -ENOTDIR);
}
END_TEST

START_TEST(closing_from_a_number_leaves_those_below)
{
        int low = fcntl(STDERR_FILENO, F_DUPFD, 300), high = fcntl(STDERR_FILENO, F_DUPFD, 400);

        ck_assert_int_eq(fd_close_from(high), 0);
        ck_assert_int_ge(fcntl(low, F_GETFD), 0);
        ck_assert_int_eq(fcntl(high, F_GETFD), -1);
        (void) close(low);
}
END_TEST

START_TEST(a_sealed_file_does_not_change_any_more)
{
        _cleanup_close_ int fd = fd_new_sealed("test", "content", 7);
        char text[8] = "";
        size_t size;

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
        ck_assert_int_eq(fcntl(fd, F_GET_SEALS),
                         F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
        ck_assert_int_eq(fd_write_all(fd, "x", 1), -EPERM);
        ck_assert_int_eq(ftruncate(fd, 3), -1);
        ck_assert_int_eq(ftruncate(fd, 30), -1);
        ck_assert_int_eq(fd_read_all(fd, text, 7, &size), 0);
        ck_assert_str_eq(text, "content");
}
END_TEST

START_TEST(an_empty_sealed_file_is_a_file)
{
        _cleanup_close_ int fd = fd_new_sealed("test", NULL, 0);
        struct stat st;

        ck_assert_int_eq(fstat(fd, &st), 0);
        ck_assert_int_eq(st.st_size, 0);
}
END_TEST

static void check_limit(void)
{
        struct rlimit limit = { 20, 100 };

        MUST(setrlimit(RLIMIT_NOFILE, &limit) == 0);
        MUST(fd_set_limit(50) == 0);
        MUST(getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur == 50);
        MUST(fd_set_limit(UINT64_MAX) == 0);
        MUST(getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur == 100);
        MUST(limit.rlim_max == 100);
}

START_TEST(the_limit_of_descriptors_goes_up_to_the_hard_one)
{
        in_child(check_limit);
}
END_TEST

static Suite *make_suite(void)
{
        Suite *suite = suite_create("fd");
        TCase *whole = tcase_create("whole"), *descriptors = tcase_create("descriptors");

        tcase_add_test(whole, a_slow_pipe_is_written_and_read_whole);
        tcase_add_test(whole, no_more_is_read_than_there_is_room);
        tcase_add_test(whole, errors_of_the_kernel_come_back);
        suite_add_tcase(suite, whole);

        tcase_add_test(descriptors, a_directory_is_synced_however_it_was_opened);
        tcase_add_test(descriptors, closing_from_a_number_leaves_those_below);
        tcase_add_test(descriptors, a_sealed_file_does_not_change_any_more);
        tcase_add_test(descriptors, an_empty_sealed_file_is_a_file);
        tcase_add_test(descriptors, the_limit_of_descriptors_goes_up_to_the_hard_one);
        suite_add_tcase(suite, descriptors);
        return suite;
}

int main(void)
{
        SRunner *runner = srunner_create(make_suite());
        int failed;

        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
