#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/macro.h"

#include "manager/helper.h"
#include "tests/lib/process.h"

#define PATIENCE_MSEC 10000

static sd_event *event; /* owned by the fixture */
static int bin_fd, output, status;
static bool ended;

static void setup(void)
{
        ck_assert_int_ge(sd_event_new(&event), 0);
        bin_fd = open("/bin", O_PATH | O_DIRECTORY | O_CLOEXEC);
        ck_assert_int_ge(bin_fd, 0);
        output = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        ck_assert_int_ge(output, 0);
        ended = false;
}

static void teardown(void)
{
        (void) close(output);
        (void) close(bin_fd);
        event = sd_event_unref(event);
}

static void on_exit_of_helper(void *userdata, int new_status)
{
        ended = true;
        status = new_status;
}

/* A shell that runs the script. */
static HelperSpec make_spec(char *script, int link_fd)
{
        static char name[] = "sh", option[] = "-c", variable[] = "GIVEN=yes";
        static char *argv[4], *environment[] = { variable, NULL };

        argv[0] = name;
        argv[1] = option;
        argv[2] = script;
        return (HelperSpec){
                .dir_fd = bin_fd,
                .argv = argv,
                .environment = environment,
                .stdout_fd = output,
                .link_fd = link_fd,
        };
}

static Helper *start(char *script, int link_fd)
{
        const HelperSpec spec = make_spec(script, link_fd);
        Helper *helper = NULL;

        ck_assert_int_eq(helper_new(event, &spec, on_exit_of_helper, NULL, &helper), 0);
        return helper;
}

static void run_to_the_end(void)
{
        const uint64_t give_up = process_now_msec() + PATIENCE_MSEC;

        while (!ended) {
                ck_assert_uint_lt(process_now_msec(), give_up);
                ck_assert_int_ge(sd_event_run(event, 100 * USEC_PER_MSEC), 0);
        }
}

static const char *read_output(void)
{
        static char text[4096];
        size_t size;

        ck_assert_int_eq(lseek(output, 0, SEEK_SET), 0);
        ck_assert_int_eq(fd_read_all(output, text, sizeof(text) - 1, &size), 0);
        text[size] = '\0';
        return text;
}

START_TEST(the_end_of_a_helper_is_reported_with_its_status)
{
        char script[] = "exit 7";
        Helper *helper = start(script, -EBADF);

        ck_assert(!ended);
        run_to_the_end();
        ck_assert(WIFEXITED(status));
        ck_assert_int_eq(WEXITSTATUS(status), 7);
        helper_free(helper);
}
END_TEST

START_TEST(a_helper_has_what_it_was_given_and_nothing_else)
{
        char script[] = "echo GIVEN=$GIVEN HOME=$HOME; "
                        "for fd in 0 1 2 3 4 5 6 7 8 9 50; do "
                        "[ ! -e /proc/$$/fd/$fd ] || echo fd $fd; done";
        int pair[2];
        Helper *helper;

        ck_assert_int_eq(setenv("HOME", "/nonexistent", 1), 0);
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        ck_assert_int_eq(dup2(pair[0], 50), 50);
        helper = start(script, pair[1]);
        run_to_the_end();
        ck_assert_str_eq(read_output(), "GIVEN=yes HOME=\nfd 0\nfd 1\nfd 2\nfd 3\n");
        helper_free(helper);
        (void) close(50);
        (void) close(pair[0]);
        (void) close(pair[1]);
}
END_TEST

START_TEST(a_helper_without_a_link_has_no_descriptor_3)
{
        char script[] = "[ -e /proc/$$/fd/3 ] || echo none";
        Helper *helper = start(script, -EBADF);

        run_to_the_end();
        ck_assert_str_eq(read_output(), "none\n");
        helper_free(helper);
}
END_TEST

START_TEST(a_program_that_is_not_there_is_an_error)
{
        char script[] = "", missing[] = "no-such-program", directory[] = ".";
        HelperSpec spec = make_spec(script, -EBADF);
        Helper *helper = NULL;

        spec.argv = (char *[]){ missing, NULL };
        ck_assert_int_eq(helper_new(event, &spec, on_exit_of_helper, NULL, &helper), -ENOENT);
        ck_assert_ptr_null(helper);
        /* Something that exists and still is no program ends with a failure. */
        spec.argv = (char *[]){ directory, NULL };
        ck_assert_int_eq(helper_new(event, &spec, on_exit_of_helper, NULL, &helper), 0);
        run_to_the_end();
        ck_assert_int_eq(WEXITSTATUS(status), EXIT_FAILURE);
        helper_free(helper);
}
END_TEST

START_TEST(a_helper_that_is_freed_is_killed_and_not_reported)
{
        char script[] = "echo $$; exec sleep 100";
        Helper *helper = start(script, -EBADF);
        pid_t pid;

        ck_assert(PROCESS_WAIT_UNTIL(PATIENCE_MSEC, strchr(read_output(), '\n') != NULL));
        pid = (pid_t) strtoul(read_output(), NULL, 10);
        ck_assert_int_gt(pid, 1);
        ck_assert(process_is_alive(pid));
        helper_free(helper);
        ck_assert(!process_is_alive(pid));
        ck_assert(!ended);
}
END_TEST

START_TEST(a_program_can_be_started_without_a_loop)
{
        char script[] = "read word <&3; exit 9";
        HelperSpec spec;
        int pair[2], exit_status = 0;
        pid_t pid;

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        spec = make_spec(script, pair[1]);
        ck_assert_int_eq(helper_fork(&spec, &pid), 0);
        (void) close(pair[1]);
        (void) close(pair[0]);
        ck_assert(process_wait(pid, PATIENCE_MSEC, &exit_status));
        ck_assert_int_eq(exit_status, 9);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("helper");
        TCase *tcase = tcase_create("helper");
        SRunner *runner;
        int failed;

        tcase_set_timeout(tcase, 30);
        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, the_end_of_a_helper_is_reported_with_its_status);
        tcase_add_test(tcase, a_helper_has_what_it_was_given_and_nothing_else);
        tcase_add_test(tcase, a_helper_without_a_link_has_no_descriptor_3);
        tcase_add_test(tcase, a_program_that_is_not_there_is_an_error);
        tcase_add_test(tcase, a_helper_that_is_freed_is_killed_and_not_reported);
        tcase_add_test(tcase, a_program_can_be_started_without_a_loop);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
