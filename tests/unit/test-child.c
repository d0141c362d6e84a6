#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <keyutils.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/child.h"
#include "base/macro.h"

#include "tests/lib/in-child.h"

/* Signals --------------------------------------------------------------------------------- */

static void on_signal(int signal_number)
{
}

static void check_signals(void)
{
        struct sigaction handler = { .sa_handler = on_signal }, now;
        sigset_t all, blocked;

        (void) sigfillset(&all);
        MUST(sigprocmask(SIG_SETMASK, &all, NULL) == 0);
        MUST(sigaction(SIGUSR1, &handler, NULL) == 0);
        MUST(signal(SIGPIPE, SIG_IGN) != SIG_ERR && signal(SIGCHLD, SIG_IGN) != SIG_ERR);
        MUST(signal(SIGRTMAX, SIG_IGN) != SIG_ERR);

        MUST(child_reset_signals() == 0);
        MUST(sigprocmask(SIG_SETMASK, NULL, &blocked) == 0);
        for (int signal_number = 1; signal_number <= SIGRTMAX; signal_number++) {
                MUST(sigismember(&blocked, signal_number) <= 0);
                if (sigaction(signal_number, NULL, &now) == 0)
                        MUST(now.sa_handler == SIG_DFL);
        }
}

START_TEST(no_signal_stays_blocked_ignored_or_handled)
{
        in_child(check_signals);
}
END_TEST

/* The keyring ----------------------------------------------------------------------------- */

static void check_keyring(void)
{
        MUST(keyctl_join_session_keyring(NULL) > 0);
        MUST(add_key("user", "dosvcd:test", "k", 1, KEY_SPEC_SESSION_KEYRING) > 0);
        MUST(keyctl_search(KEY_SPEC_SESSION_KEYRING, "user", "dosvcd:test", 0) > 0);
        MUST(child_leave_keyring() == 0);
        MUST(keyctl_search(KEY_SPEC_SESSION_KEYRING, "user", "dosvcd:test", 0) < 0);
        MUST(errno == ENOKEY);
}

START_TEST(a_key_of_the_parent_is_out_of_reach)
{
        in_child(check_keyring);
}
END_TEST

/* Each call of keyctl(2) ends with that errno. */
static void fail_keyctl(int error)
{
        scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

        MUST(seccomp_rule_add(filter, SCMP_ACT_ERRNO((uint16_t) error), SCMP_SYS(keyctl), 0) == 0);
        MUST(seccomp_load(filter) == 0);
        seccomp_release(filter);
}

static void check_no_keys(void)
{
        fail_keyctl(ENOSYS);
        MUST(child_leave_keyring() == 0);
}

static void check_hidden_keys(void)
{
        fail_keyctl(EPERM);
        MUST(child_leave_keyring() == 0);
}

static void check_used_up_keys(void)
{
        fail_keyctl(EDQUOT);
        MUST(child_leave_keyring() == -EDQUOT);
}

START_TEST(only_where_there_are_no_keys_the_keyring_may_stay)
{
        in_child(check_no_keys);
        in_child(check_hidden_keys);
        in_child(check_used_up_keys);
}
END_TEST

/* Descriptors ----------------------------------------------------------------------------- */

/* A descriptor of a new file with that many bytes, by which it is known again. */
static int open_marked(off_t mark)
{
        int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

        MUST(fd >= 0 && ftruncate(fd, mark) == 0);
        return fd;
}

static off_t mark_of(int fd)
{
        struct stat st;

        return fstat(fd, &st) < 0 ? -errno : st.st_size;
}

static bool is_null(int fd)
{
        struct stat null, st;

        return fstat(fd, &st) == 0 && stat("/dev/null", &null) == 0 && st.st_rdev == null.st_rdev;
}

static bool is_closed_by_exec(int fd)
{
        return (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0;
}

/* The sources lie on each other's numbers, and 50 is one that nobody gave. */
static void check_crossed_descriptors(void)
{
        enum { LOG = 100, OUTPUT, LINK, PROGRAM, STATUS };

        MUST(dup2(open_marked(LOG), STDERR_FILENO) == STDERR_FILENO);
        MUST(dup2(open_marked(OUTPUT), CHILD_STATUS_FD) == CHILD_STATUS_FD);
        MUST(dup2(open_marked(LINK), STDIN_FILENO) == STDIN_FILENO);
        MUST(dup2(open_marked(PROGRAM), CHILD_LINK_FD) == CHILD_LINK_FD);
        MUST(dup2(open_marked(STATUS), CHILD_PROGRAM_FD) == CHILD_PROGRAM_FD);
        MUST(dup2(STDERR_FILENO, 50) == 50);

        MUST(child_arrange_descriptors(&(ChildDescriptors){
                     .output = CHILD_STATUS_FD,
                     .link = STDIN_FILENO,
                     .program = CHILD_LINK_FD,
                     .status = CHILD_PROGRAM_FD,
             }) == 0);

        MUST(is_null(STDIN_FILENO) && !is_closed_by_exec(STDIN_FILENO));
        MUST(mark_of(STDOUT_FILENO) == OUTPUT && !is_closed_by_exec(STDOUT_FILENO));
        MUST(mark_of(STDERR_FILENO) == LOG && !is_closed_by_exec(STDERR_FILENO));
        MUST(mark_of(CHILD_LINK_FD) == LINK && !is_closed_by_exec(CHILD_LINK_FD));
        MUST(mark_of(CHILD_PROGRAM_FD) == PROGRAM && is_closed_by_exec(CHILD_PROGRAM_FD));
        MUST(mark_of(CHILD_STATUS_FD) == STATUS && is_closed_by_exec(CHILD_STATUS_FD));
        for (int fd = CHILD_FIRST_CLOSED_FD; fd < 1024; fd++)
                MUST(mark_of(fd) == -EBADF);
}

START_TEST(each_descriptor_comes_to_its_number_and_no_other_stays)
{
        in_child(check_crossed_descriptors);
}
END_TEST

static void check_missing_descriptors(void)
{
        for (int fd = CHILD_LINK_FD; fd < 10; fd++)
                MUST(dup2(STDERR_FILENO, fd) == fd);
        MUST(child_arrange_descriptors(&(ChildDescriptors){
                     .output = -EBADF,
                     .link = -EBADF,
                     .program = -EBADF,
                     .status = -EBADF,
             }) == 0);
        MUST(is_null(STDIN_FILENO));
        MUST(mark_of(STDOUT_FILENO) == mark_of(STDERR_FILENO));
        for (int fd = CHILD_LINK_FD; fd < 10; fd++)
                MUST(mark_of(fd) == -EBADF);
}

START_TEST(what_is_not_given_stays_closed)
{
        in_child(check_missing_descriptors);
}
END_TEST

static void check_closed_source(void)
{
        (void) close(50);
        MUST(child_arrange_descriptors(&(ChildDescriptors){
                     .output = -EBADF,
                     .link = 50,
                     .program = -EBADF,
                     .status = -EBADF,
             }) == -EBADF);
}

START_TEST(a_descriptor_that_is_not_open_is_an_error)
{
        in_child(check_closed_source);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("child");
        TCase *tcase = tcase_create("child");
        SRunner *runner;
        int failed;

        tcase_add_test(tcase, no_signal_stays_blocked_ignored_or_handled);
        tcase_add_test(tcase, a_key_of_the_parent_is_out_of_reach);
        tcase_add_test(tcase, only_where_there_are_no_keys_the_keyring_may_stay);
        tcase_add_test(tcase, each_descriptor_comes_to_its_number_and_no_other_stays);
        tcase_add_test(tcase, what_is_not_given_stays_closed);
        tcase_add_test(tcase, a_descriptor_that_is_not_open_is_an_error);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
