/* Rights that are given up cannot be taken back, so most checks run in a forked child. Needs root.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/macro.h"

#include "confine/rights.h"
#include "tests/lib/in-child.h"
#include "tests/lib/users.h"

/* A line of /proc/self/status is there and has that value. */
static bool status_has(const char *line)
{
        char text[8192];
        size_t size;
        FILE *status = fopen("/proc/self/status", "re");

        if (!status)
                return false;
        size = fread(text, 1, sizeof(text) - 1, status);
        text[size] = '\0';
        (void) fclose(status);
        return strstr(text, line) != NULL;
}

/* Capabilities ---------------------------------------------------------------------------- */

#define KEPT (RIGHTS_CAPABILITY(CAP_KILL) | RIGHTS_CAPABILITY(CAP_SETUID))

static void check_kept_capabilities(void)
{
        MUST(rights_bound_capabilities(KEPT) == 0);
        MUST(rights_keep_capabilities(KEPT) == 0);
        MUST(status_has("CapInh:\t0000000000000000\n"));
        MUST(status_has("CapPrm:\t00000000000000a0\n"));
        MUST(status_has("CapEff:\t00000000000000a0\n"));
        MUST(status_has("CapBnd:\t00000000000000a0\n"));
        MUST(status_has("CapAmb:\t0000000000000000\n"));
        /* Without CAP_SETPCAP it is still no error, as long as nothing is left to take out. */
        MUST(rights_bound_capabilities(KEPT) == 0);
        MUST(rights_bound_capabilities(0) == -EPERM);
}

START_TEST(the_capabilities_named_are_kept_and_no_others)
{
        in_child(check_kept_capabilities);
}
END_TEST

/* Becoming a user ------------------------------------------------------------------------- */

static void check_becoming(void)
{
        gid_t groups[8];

        MUST(rights_become_user("alice", USERS_ALICE_UID, USERS_ALICE_UID) == 0);
        MUST(status_has("Uid:\t7101\t7101\t7101\t7101\n"));
        MUST(status_has("Gid:\t7101\t7101\t7101\t7101\n"));
        MUST(getgroups(8, groups) == 2 && groups[0] == 7101 && groups[1] == 7200);
        MUST(status_has("CapPrm:\t0000000000000000\n"));
        MUST(status_has("CapEff:\t0000000000000000\n"));
        MUST(setresuid(0, 0, 0) < 0 && errno == EPERM);
}

START_TEST(a_user_has_its_own_groups_and_no_way_back)
{
        in_child(check_becoming);
}
END_TEST

static void check_staying_root(void)
{
        MUST(rights_become_user("root", 0, 0) == 0);
        MUST(status_has("Uid:\t0\t0\t0\t0\n"));
        MUST(status_has("CapPrm:\t0000000000000000\n"));
}

START_TEST(root_as_a_user_has_no_capability)
{
        in_child(check_staying_root);
}
END_TEST

/* A saved id of root is what a program that "dropped" its rights often forgets. */
static void check_way_back(void)
{
        MUST(setresuid(USERS_ALICE_UID, USERS_ALICE_UID, 0) == 0);
        MUST(rights_become_user("alice", USERS_ALICE_UID, USERS_ALICE_UID) == -EPERM);
}

START_TEST(an_open_way_back_to_root_is_an_error)
{
        in_child(check_way_back);
}
END_TEST

/* Dumps ----------------------------------------------------------------------------------- */

static void check_no_dumps(void)
{
        struct rlimit core;

        MUST(prctl(PR_SET_DUMPABLE, 1) == 0);
        MUST(rights_forbid_dumps() == 0);
        MUST(prctl(PR_GET_DUMPABLE) == 0);
        MUST(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 0 && core.rlim_max == 0);
}

START_TEST(nothing_can_be_dumped)
{
        in_child(check_no_dumps);
}
END_TEST

/* The self-check -------------------------------------------------------------------------- */

#define GOOD                                                                                       \
        "Name:\tx\nTracerPid:\t0\nCapInh:\t0000000000000000\nCapPrm:\t0000000000000000\n"          \
        "CapEff:\t0000000000000000\nCapBnd:\t00000000000000c0\nCapAmb:\t0000000000000000\n"        \
        "NoNewPrivs:\t1\nSeccomp:\t0\n"

START_TEST(a_status_with_any_right_is_refused)
{
        static const char *const lines[] = {
                "TracerPid:\t0",
                "CapInh:\t0000000000000000",
                "CapPrm:\t0000000000000000",
                "CapEff:\t0000000000000000",
                "CapAmb:\t0000000000000000",
                "NoNewPrivs:\t1",
        };
        const char *reason = NULL;

        ck_assert_int_eq(rights_check_status(GOOD, &reason), 0);
        for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
                char status[] = GOOD;
                char *line = strstr(status, lines[i]);

                ck_assert_ptr_nonnull(line);
                /* The last digit of the value is another one. */
                line[strlen(lines[i]) - 1] = '4';
                ck_assert_msg(rights_check_status(status, &reason) == -EPERM, "%s", lines[i]);
                ck_assert_ptr_nonnull(reason);
                /* And a line that is not there is no consent. */
                line[0] = '#';
                ck_assert_int_eq(rights_check_status(status, &reason), -EPERM);
        }
}
END_TEST

static void check_self_of_root(void)
{
        const char *reason = NULL;
        int pair[2];

        MUST(rights_forbid_gain() == 0);
        MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
        MUST(rights_check_self(pair[0], &reason) == -EPERM);
        MUST(rights_become_user("alice", USERS_ALICE_UID, USERS_ALICE_UID) == 0);
        MUST(rights_check_self(pair[0], &reason) == 0);
        MUST(prctl(PR_GET_DUMPABLE) == 0);
        MUST(rights_check_self(open("/dev/null", O_RDONLY | O_CLOEXEC), &reason) == -EPERM);
        MUST(rights_check_self(-1, &reason) == -EPERM);
}

START_TEST(the_self_check_needs_an_owner_and_a_link)
{
        ck_assert_msg(geteuid() == 0, "this test needs root: it becomes another user");
        in_child(check_self_of_root);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("rights");
        TCase *reduce = tcase_create("reduce"), *check = tcase_create("check");
        SRunner *runner;
        int failed;

        users_setup();
        tcase_add_test(reduce, the_capabilities_named_are_kept_and_no_others);
        tcase_add_test(reduce, a_user_has_its_own_groups_and_no_way_back);
        tcase_add_test(reduce, root_as_a_user_has_no_capability);
        tcase_add_test(reduce, an_open_way_back_to_root_is_an_error);
        tcase_add_test(reduce, nothing_can_be_dumped);
        tcase_add_test(check, a_status_with_any_right_is_refused);
        tcase_add_test(check, the_self_check_needs_an_owner_and_a_link);
        suite_add_tcase(suite, reduce);
        suite_add_tcase(suite, check);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
