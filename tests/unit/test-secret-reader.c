/* The descriptors that a client may hand over. Needs root, for a pipe of another user. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/fd.h"

#include "manager/secret-reader.h"
#include "tests/lib/process.h"
#include "tests/lib/temp-dir.h"
#include "tests/lib/users.h"

#define MAX_BYTES     100000U
#define DEADLINE_USEC (300 * USEC_PER_MSEC)

static sd_event *event; /* owned by the fixture */

typedef struct Outcome {
        SecretReader *reader; /* freed by the callback, as the manager does */
        Secret *secret;
        int result;
        int times;
        bool in_loop;
} Outcome;

static Outcome outcome;

static void setup(void)
{
        (void) signal(SIGPIPE, SIG_IGN);
        ck_assert_int_eq(sd_event_new(&event), 0);
}

static void teardown(void)
{
        outcome.reader = secret_reader_free(outcome.reader);
        outcome.secret = secret_free(outcome.secret);
        event = sd_event_unref(event);
}

static void on_done(void *userdata, int result, Secret *secret)
{
        ck_assert_ptr_eq(userdata, &outcome);
        ck_assert(outcome.in_loop);
        outcome.times++;
        outcome.result = result;
        outcome.secret = secret;
        outcome.reader = secret_reader_free(outcome.reader);
}

static int begin(int fd, uint64_t timeout_usec)
{
        return secret_reader_new(event,
                                 fd,
                                 MAX_BYTES,
                                 timeout_usec,
                                 on_done,
                                 &outcome,
                                 &outcome.reader);
}

static void run_loop(uint64_t usec)
{
        outcome.in_loop = true;
        ck_assert_int_ge(sd_event_run(event, usec), 0);
        outcome.in_loop = false;
}

static void run_until_told(void)
{
        const uint64_t give_up = process_now_msec() + 10000;

        while (outcome.times == 0) {
                ck_assert_msg(process_now_msec() < give_up, "the reader says nothing");
                run_loop(100 * USEC_PER_MSEC);
        }
        run_loop(0);
        ck_assert_int_eq(outcome.times, 1);
}

static void expect_secret(const char *data, size_t size)
{
        run_until_told();
        ck_assert_int_eq(outcome.result, 0);
        ck_assert_uint_eq(secret_size(outcome.secret), size);
        ck_assert_mem_eq(secret_data(outcome.secret), data, size);
        ck_assert_int_eq(secret_data(outcome.secret)[size], 0);
}

static void expect_error(int error)
{
        run_until_told();
        ck_assert_int_eq(outcome.result, error);
        ck_assert_ptr_null(outcome.secret);
}

/* A pipe with that content; its writing end, open. */
static int make_pipe(const char *text, int *ret_reading)
{
        int ends[2];

        ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
        ck_assert_int_eq(fd_write_all(ends[1], text, strlen(text)), 0);
        *ret_reading = ends[0];
        return ends[1];
}

static void refuse(int fd, int error)
{
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(begin(fd, DEADLINE_USEC), error);
        ck_assert_ptr_null(outcome.reader);
        (void) close(fd);
}

/* FIFOs ----------------------------------------------------------------------------------- */

START_TEST(a_pipe_is_read_to_its_end)
{
        int reading, writing = make_pipe("pass", &reading);

        ck_assert_int_eq(begin(reading, DEADLINE_USEC), 0);
        (void) close(reading);
        run_loop(0);
        ck_assert_int_eq(outcome.times, 0);
        ck_assert_int_eq(fd_write_all(writing, "word", 4), 0);
        (void) close(writing);
        expect_secret("password", 8);
}
END_TEST

START_TEST(an_empty_password_is_a_password)
{
        int reading, writing = make_pipe("", &reading);

        (void) close(writing);
        ck_assert_int_eq(begin(reading, DEADLINE_USEC), 0);
        expect_secret("", 0);
        (void) close(reading);
}
END_TEST

START_TEST(a_named_fifo_is_read_to_its_end)
{
        _cleanup_(temp_dir_removep) char *dir = temp_dir_new();
        _cleanup_free_ char *path = temp_dir_path(dir, "fifo");
        int reading, writing;

        ck_assert_int_eq(mkfifo(path, 0600), 0);
        reading = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        ck_assert_int_eq(begin(reading, 5 * USEC_PER_SEC), 0);
        run_loop(0);
        run_loop(0);
        ck_assert_int_eq(outcome.times, 0);
        writing = open(path, O_WRONLY | O_CLOEXEC);
        ck_assert_int_eq(fd_write_all(writing, "late", 4), 0);
        (void) close(writing);
        expect_secret("late", 4);
}
END_TEST

static char long_text[MAX_BYTES + 2];

static pid_t write_in_child(int reading, int writing, size_t size)
{
        pid_t pid = fork();

        memset(long_text, 'x', sizeof(long_text) - 1);
        if (pid == 0) {
                (void) close(reading);
                (void) fd_write_all(writing, long_text, size);
                if (size > MAX_BYTES)
                        (void) pause();
                _exit(0);
        }
        (void) close(writing);
        return pid;
}

START_TEST(the_longest_password_fits_and_one_byte_more_does_not)
{
        const size_t size = _i ? MAX_BYTES + 1 : MAX_BYTES;
        int reading, writing = make_pipe("", &reading);
        pid_t pid = write_in_child(reading, writing, size);

        ck_assert_int_eq(begin(reading, 5 * USEC_PER_SEC), 0);
        if (_i)
                expect_error(-EMSGSIZE);
        else
                expect_secret(long_text, size);
        (void) close(reading);
        process_kill(&pid);
}
END_TEST

START_TEST(a_silent_pipe_ends_with_its_deadline)
{
        int reading, writing = make_pipe(_i ? "some bytes" : "", &reading);
        uint64_t began = process_now_msec();

        ck_assert_int_eq(begin(reading, DEADLINE_USEC), 0);
        expect_error(-ETIMEDOUT);
        ck_assert_uint_ge(process_now_msec() - began, DEADLINE_USEC / USEC_PER_MSEC);
        ck_assert_uint_lt(process_now_msec() - began, 5000);
        (void) close(writing);
        (void) close(reading);
}
END_TEST

START_TEST(a_pipe_that_reads_itself_ends_with_its_deadline)
{
        _cleanup_(temp_dir_removep) char *dir = temp_dir_new();
        _cleanup_free_ char *path = temp_dir_path(dir, "fifo");
        int both;

        ck_assert_int_eq(mkfifo(path, 0600), 0);
        both = open(path, O_RDWR | O_CLOEXEC);
        ck_assert_int_eq(begin(both, DEADLINE_USEC), 0);
        expect_error(-ETIMEDOUT);
        (void) close(both);
}
END_TEST

/* The client still has the same open file description. */
START_TEST(the_clients_flags_stay_as_they_are)
{
        int reading, writing = make_pipe("some", &reading), flags = fcntl(reading, F_GETFL);

        ck_assert_int_eq(begin(reading, DEADLINE_USEC), 0);
        for (int turn = 0; turn < 3; turn++)
                run_loop(0);
        ck_assert_int_eq(fcntl(reading, F_GETFL), flags);
        ck_assert_int_eq(fcntl(writing, F_GETFL) & O_NONBLOCK, 0);
        (void) close(writing);
        expect_secret("some", 4);
        ck_assert_int_eq(fcntl(reading, F_GETFL), flags);
        (void) close(reading);
}
END_TEST

/* Between poll(2) and the read, another reader takes what was there: the read must not block. */
START_TEST(a_client_that_takes_its_bytes_back_blocks_nobody)
{
        int reading, writing = make_pipe("", &reading);
        pid_t thief;
        uint64_t began = process_now_msec(), turns = 0;

        ck_assert_int_eq(begin(reading, DEADLINE_USEC), 0);
        thief = fork();
        if (thief == 0) {
                char byte;

                for (;;)
                        if (write(writing, "x", 1) != 1 || read(reading, &byte, 1) < 0)
                                _exit(1);
        }
        while (outcome.times == 0) {
                run_loop(1000);
                turns++;
                ck_assert_uint_lt(process_now_msec() - began, 3000);
        }
        ck_assert_int_eq(outcome.result, -ETIMEDOUT);
        ck_assert_uint_gt(turns, 100);
        process_kill(&thief);
        (void) close(reading);
        (void) close(writing);
}
END_TEST

START_TEST(a_pipe_of_another_user_is_read)
{
        int reading, writing, status;
        pid_t pid;

        /* Root has the right to open the pipe anew; the service's user has not. */
        writing = make_pipe("password", &reading);
        ck_assert_int_eq(fchown(reading, USERS_ALICE_UID, USERS_ALICE_UID), 0);
        ck_assert_int_eq(fchmod(reading, 0600), 0);
        (void) close(writing);

        pid = fork();
        if (pid == 0) {
                users_become(USERS_DOSVC_UID);
                event = sd_event_unref(event);
                ck_assert_int_eq(sd_event_new(&event), 0);
                ck_assert_int_eq(begin(reading, DEADLINE_USEC), 0);
                expect_secret("password", 8);
                _exit(0);
        }
        ck_assert(process_wait(pid, 10000, &status));
        ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(a_freed_reader_says_nothing)
{
        int reading, writing = make_pipe("password", &reading);

        ck_assert_int_eq(begin(reading, DEADLINE_USEC), 0);
        (void) close(writing);
        outcome.reader = secret_reader_free(outcome.reader);
        run_loop(2 * DEADLINE_USEC);
        ck_assert_int_eq(outcome.times, 0);
        ck_assert_ptr_null(secret_reader_free(NULL));
        (void) close(reading);
}
END_TEST

/* Memory files ---------------------------------------------------------------------------- */

START_TEST(a_sealed_memory_file_is_read_from_its_start)
{
        int fd = fd_new_sealed("password", "password", 8);

        ck_assert_int_eq(lseek(fd, 0, SEEK_END), 8);
        ck_assert_int_eq(begin(fd, DEADLINE_USEC), 0);
        (void) close(fd);
        expect_secret("password", 8);
}
END_TEST

START_TEST(an_empty_memory_file_is_an_empty_password)
{
        int fd = fd_new_sealed("password", NULL, 0);

        ck_assert_int_eq(begin(fd, DEADLINE_USEC), 0);
        expect_secret("", 0);
        (void) close(fd);
}
END_TEST

START_TEST(a_memory_file_may_be_as_long_as_the_limit)
{
        int fd = fd_new_sealed("password", long_text, _i ? MAX_BYTES + 1 : MAX_BYTES);

        ck_assert_int_eq(begin(fd, DEADLINE_USEC), 0);
        if (_i)
                expect_error(-EMSGSIZE);
        else
                expect_secret(long_text, MAX_BYTES);
        (void) close(fd);
}
END_TEST

/* Each lacks a seal that is needed. */
static const unsigned seals[] = {
        0,
        F_SEAL_SHRINK,
        F_SEAL_GROW,
        F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW,
        F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW,
};

START_TEST(a_memory_file_that_may_change_is_refused)
{
        int fd = memfd_create("password", MFD_CLOEXEC | MFD_ALLOW_SEALING);

        ck_assert_int_eq(fd_write_all(fd, "password", 8), 0);
        if (seals[_i])
                ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, seals[_i]), 0);
        refuse(fd, -EINVAL);
}
END_TEST

/* Others ---------------------------------------------------------------------------------- */

START_TEST(other_kinds_of_files_are_refused)
{
        _cleanup_(temp_dir_removep) char *dir = temp_dir_new();
        _cleanup_free_ char *path = temp_dir_path(dir, "file");
        int pair[2];

        temp_dir_write(path, "password");
        refuse(open(path, O_RDONLY | O_CLOEXEC), -EINVAL);
        refuse(open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), -EINVAL);
        refuse(open("/dev/zero", O_RDONLY | O_CLOEXEC), -EINVAL);
        refuse(open("/dev/null", O_RDONLY | O_CLOEXEC), -EINVAL);
        refuse(open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC), -EINVAL);
        refuse(open("/proc/self/status", O_RDONLY | O_CLOEXEC), -EINVAL);
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        refuse(pair[0], -EINVAL);
        (void) close(pair[1]);
}
END_TEST

START_TEST(what_cannot_be_read_is_no_descriptor)
{
        int reading, writing = make_pipe("", &reading), memory;
        char path[64];

        ck_assert_int_eq(begin(-EBADF, DEADLINE_USEC), -EBADF);
        refuse(writing, -EBADF);
        (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", reading);
        refuse(open(path, O_PATH | O_CLOEXEC), -EBADF);
        memory = fd_new_sealed("password", "password", 8);
        (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", memory);
        refuse(open(path, O_PATH | O_CLOEXEC), -EBADF);
        (void) close(memory);
        (void) close(reading);
}
END_TEST

static Suite *make_suite(void)
{
        Suite *suite = suite_create("secret-reader");
        TCase *fifos = tcase_create("fifos"), *memory = tcase_create("memory");
        TCase *others = tcase_create("others");

        tcase_add_checked_fixture(fifos, setup, teardown);
        tcase_set_timeout(fifos, 30);
        tcase_add_test(fifos, a_pipe_is_read_to_its_end);
        tcase_add_test(fifos, an_empty_password_is_a_password);
        tcase_add_test(fifos, a_named_fifo_is_read_to_its_end);
        tcase_add_loop_test(fifos, the_longest_password_fits_and_one_byte_more_does_not, 0, 2);
        tcase_add_loop_test(fifos, a_silent_pipe_ends_with_its_deadline, 0, 2);
        tcase_add_test(fifos, a_pipe_that_reads_itself_ends_with_its_deadline);
        tcase_add_test(fifos, the_clients_flags_stay_as_they_are);
        tcase_add_test(fifos, a_client_that_takes_its_bytes_back_blocks_nobody);
        tcase_add_test(fifos, a_pipe_of_another_user_is_read);
        tcase_add_test(fifos, a_freed_reader_says_nothing);
        suite_add_tcase(suite, fifos);

        tcase_add_checked_fixture(memory, setup, teardown);
        tcase_add_test(memory, a_sealed_memory_file_is_read_from_its_start);
        tcase_add_test(memory, an_empty_memory_file_is_an_empty_password);
        tcase_add_loop_test(memory, a_memory_file_may_be_as_long_as_the_limit, 0, 2);
        tcase_add_loop_test(memory, a_memory_file_that_may_change_is_refused, 0, ARRAY_SIZE(seals));
        suite_add_tcase(suite, memory);

        tcase_add_checked_fixture(others, setup, teardown);
        tcase_add_test(others, other_kinds_of_files_are_refused);
        tcase_add_test(others, what_cannot_be_read_is_no_descriptor);
        suite_add_tcase(suite, others);
        return suite;
}

int main(void)
{
        SRunner *runner;
        int failed;

        users_setup();
        runner = srunner_create(make_suite());
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
