/* Each test that confines runs in a forked child (Check's default): there is no way back. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "confine/sandbox.h"
#include "tests/lib/in-child.h"
#include "tests/lib/sanitizer.h"
#include "tests/lib/temp-dir.h"

static char *dir, *inside, *outside;

static void set_up(void)
{
        dir = temp_dir_new();
        inside = temp_dir_path(dir, "inside");
        outside = temp_dir_path(dir, "outside");
        temp_dir_make(inside, 0755, geteuid());
        temp_dir_make(outside, 0755, geteuid());
}

static void tear_down(void)
{
        free(inside);
        free(outside);
        dir = temp_dir_remove(dir);
}

static void forbid_new_rights(void)
{
        MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
}

static bool can_write(const char *parent, const char *name)
{
        char path[4096];
        int fd;

        (void) snprintf(path, sizeof(path), "%s/%s", parent, name);
        fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0)
                return false;
        (void) close(fd);
        return true;
}

static void confine(void)
{
        int fd = open(inside, O_PATH | O_DIRECTORY | O_CLOEXEC);

        MUST(fd >= 0);
        MUST(sandbox_confine(&fd, 1) > 0);
}

static void check_writing(void)
{
        char from[4096], to[4096];

        forbid_new_rights();
        MUST(can_write(outside, "before"));
        confine();
        MUST(can_write(inside, "file"));
        MUST(!can_write(outside, "file") && errno == EACCES);
        MUST(!can_write(outside, "before") && errno == EACCES);
        MUST(!can_write("/dev", "null"));
        (void) snprintf(from, sizeof(from), "%s/file", inside);
        (void) snprintf(to, sizeof(to), "%s/file", outside);
        MUST(rename(from, to) < 0 && errno != ENOENT);
        MUST(link(from, to) < 0 && errno != ENOENT);
        (void) snprintf(to, sizeof(to), "%s/renamed", inside);
        MUST(rename(from, to) == 0);
        MUST(truncate(to, 10) == 0);
        MUST(unlink(to) == 0);
        (void) snprintf(to, sizeof(to), "%s/before", outside);
        MUST(unlink(to) < 0 && errno == EACCES);
        MUST(truncate(to, 10) < 0 && errno == EACCES);
        /* A symlink inside that leads outside does not help. */
        MUST(symlink(to, from) < 0 && errno == EACCES);
        (void) snprintf(to, sizeof(to), "%s/directory", inside);
        MUST(mkdir(to, 0755) < 0 && errno == EACCES);
        MUST(mkfifo(to, 0755) < 0 && errno == EACCES);
}

START_TEST(writing_is_confined_to_the_destination_directories)
{
        in_child(check_writing);
}
END_TEST

static void check_nothing(void)
{
        forbid_new_rights();
        MUST(sandbox_confine(NULL, 0) > 0);
        MUST(!can_write(inside, "file") && errno == EACCES);
}

START_TEST(without_a_directory_nothing_can_be_written)
{
        in_child(check_nothing);
}
END_TEST

static void check_reading_and_running(void)
{
        int fd;

        forbid_new_rights();
        confine();
        fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
        MUST(fd >= 0);
        (void) execl("/bin/true", "true", (char *) NULL);
        MUST(errno == EACCES);
}

START_TEST(reading_stays_and_running_ends)
{
        in_child(check_reading_and_running);
}
END_TEST

static void *in_thread(void *ran)
{
        *(bool *) ran = true;
        return NULL;
}

static void check_calls(void)
{
        bool ran = false;
        pthread_t thread;
        struct rlimit limit;
        int dir_fd;

        forbid_new_rights();
        MUST(sandbox_enter(STDERR_FILENO) == 0);
        dir_fd = open(inside, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        MUST(dir_fd >= 0);
        /* needed */
        MUST(pthread_create(&thread, NULL, in_thread, &ran) == 0);
        MUST(pthread_join(thread, NULL) == 0 && ran);
        MUST(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0);
        MUST(can_write(inside, "file"));
        MUST(getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_max == 0);
        MUST(fchown(dir_fd, (uid_t) -1, getegid()) == 0);
        MUST(getenv("HOME") == NULL && getenv("PATH") != NULL);
#ifndef WITH_SANITIZER
        /* not needed */
        MUST(fork() < 0 && errno == EPERM);
        MUST(execl("/bin/true", "true", (char *) NULL) < 0 && errno == EPERM);
        MUST(kill(getppid(), 0) < 0 && errno == EPERM);
        MUST(ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 && errno == EPERM);
        MUST(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0) < 0 && errno == EPERM);
        MUST(chmod(inside, 0777) < 0 && errno == EPERM);
        MUST(chown(inside, 1, 1) < 0 && errno == EPERM);
        MUST(fchown(dir_fd, geteuid(), (gid_t) -1) < 0 && errno == EPERM);
        MUST(prctl(PR_SET_DUMPABLE, 1) < 0 && errno == EPERM);
        limit.rlim_cur = limit.rlim_max = 1;
        MUST(setrlimit(RLIMIT_CORE, &limit) < 0 && errno == EPERM);
#endif
}

START_TEST(only_the_listed_system_calls_are_left)
{
        in_child(check_calls);
}
END_TEST

static void check_descriptors(void)
{
        int pair[2];

        forbid_new_rights();
        MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
        MUST(dup2(pair[0], 50) == 50 && dup2(pair[1], 60) == 60);
        MUST(sandbox_enter(50) == 0);
        MUST(fcntl(50, F_GETFD) >= 0);
        MUST(fcntl(60, F_GETFD) < 0 && errno == EBADF);
}

START_TEST(descriptors_behind_the_link_are_closed)
{
        in_child(check_descriptors);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("sandbox");
        TCase *calls = tcase_create("calls"), *landlock = tcase_create("landlock");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(calls, set_up, tear_down);
        tcase_add_checked_fixture(landlock, set_up, tear_down);
        tcase_add_test(calls, only_the_listed_system_calls_are_left);
        tcase_add_test(calls, descriptors_behind_the_link_are_closed);
        tcase_add_test(landlock, writing_is_confined_to_the_destination_directories);
        tcase_add_test(landlock, without_a_directory_nothing_can_be_written);
        tcase_add_test(landlock, reading_stays_and_running_ends);
        suite_add_tcase(suite, calls);
        suite_add_tcase(suite, landlock);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
