/*
 * The steps of a child of dosvc-spawn before it is the program: most of it is seen by running
 * the real dosvc-spawn with a fake worker, which reports what it finds itself to be. Needs root.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <keyutils.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/str.h"

#include "spawn/child.h"
#include "tests/lib/fake-worker.h"
#include "tests/lib/process.h"
#include "tests/lib/spawn-driver.h"
#include "tests/lib/temp-dir.h"
#include "tests/lib/users.h"

/* The owner ------------------------------------------------------------------------------- */

START_TEST(a_worker_is_its_owner_and_nothing_more)
{
        Spawn spawn = spawn_start(0);
        int link = spawn_start_worker(&spawn, USERS_ALICE_UID, "alice");
        const char *facts = fake_worker_read(link);

        assert_fact(facts, "uids", "7101 7101 7101");
        assert_fact(facts, "gids", "7101 7101 7101");
        assert_fact(facts, "groups", "7101 7200");
        assert_fact(facts, "back-to-root", "0");
        assert_fact(facts, "CapInh", "0000000000000000");
        assert_fact(facts, "CapPrm", "0000000000000000");
        assert_fact(facts, "CapEff", "0000000000000000");
        assert_fact(facts, "CapAmb", "0000000000000000");
        assert_fact(facts, "CapBnd", "00000000000000e0");
        assert_fact(facts, "NoNewPrivs", "1");
        (void) close(link);
        spawn_stop(&spawn);
}
END_TEST

START_TEST(two_owners_have_their_own_workers)
{
        Spawn spawn = spawn_start(0);
        int alice = spawn_start_worker(&spawn, USERS_ALICE_UID, "alice");
        int bob = spawn_start_worker(&spawn, USERS_BOB_UID, "bob");

        assert_fact(fake_worker_read(alice), "uids", "7101 7101 7101");
        assert_fact(fake_worker_read(bob), "uids", "7102 7102 7102");
        assert_fact(fake_worker_read(spawn_start_worker(&spawn, USERS_BOB_UID, "bob")),
                    "groups",
                    "7102");
        spawn_stop(&spawn);
        ck_assert(fake_worker_is_gone(alice));
        ck_assert(fake_worker_is_gone(bob));
}
END_TEST

START_TEST(roots_worker_has_no_capability_either)
{
        Spawn spawn = spawn_start(0);
        const char *facts = fake_worker_read(spawn_start_worker(&spawn, 0, "root"));

        assert_fact(facts, "uids", "0 0 0");
        assert_fact(facts, "CapPrm", "0000000000000000");
        assert_fact(facts, "CapEff", "0000000000000000");
        assert_fact(facts, "NoNewPrivs", "1");
        spawn_stop(&spawn);
}
END_TEST

START_TEST(a_worker_has_constant_arguments_and_environment)
{
        Spawn spawn;
        const char *facts;

        (void) setenv("LD_LIBRARY_PATH", "/nonexistent", 1);
        (void) setenv("http_proxy", "http://127.0.0.1:1", 1);
        spawn = spawn_start(0);
        facts = fake_worker_read(spawn_start_worker(&spawn, USERS_ALICE_UID, "alice"));
        assert_fact(facts, "argc", "1");
        assert_fact(facts, "argv0", "dosvc-worker");
        assert_fact(facts, "environment", "PATH=/usr/bin:/bin;LANG=C.UTF-8;");
        spawn_stop(&spawn);
}
END_TEST

START_TEST(a_worker_has_four_descriptors)
{
        int stray = fcntl(STDERR_FILENO, F_DUPFD, 57);
        Spawn spawn = spawn_start(0);
        const char *facts;

        /* The second one, so that the first one's pipe and link are there to be leaked. */
        (void) spawn_ask(&spawn, USERS_BOB_UID, "bob");
        spawn_read_started(&spawn, 1, 0);
        facts = fake_worker_read(spawn_start_worker(&spawn, USERS_ALICE_UID, "alice"));
        assert_fact(facts, "fds", "0 1 2 3");
        assert_fact(facts, "stdin-null", "1");
        assert_fact(facts, "link-is-socket", "1");
        spawn_stop(&spawn);
        (void) close(stray);
}
END_TEST

START_TEST(a_worker_has_a_keyring_of_its_own)
{
        Spawn spawn;
        const char *facts;
        char number[32];

        (void) snprintf(number, sizeof(number), "%d", keyctl_join_session_keyring(NULL));
        ck_assert_int_ge(add_key("user", FAKE_WORKER_KEY, "k", 1, KEY_SPEC_SESSION_KEYRING), 0);
        ck_assert_int_ge(keyctl_search(KEY_SPEC_SESSION_KEYRING, "user", FAKE_WORKER_KEY, 0), 0);

        spawn = spawn_start(0);
        facts = fake_worker_read(spawn_start_worker(&spawn, USERS_ALICE_UID, "alice"));
        assert_fact(facts, "vault-key", strerror(ENOKEY));
        ck_assert_str_ne(fake_worker_fact(facts, "session"), number);
        ck_assert(str_starts_with(fake_worker_fact(facts, "keyring"), "keyring;0;0;"));

        facts = fake_worker_read(spawn_start_worker(&spawn, 0, "root"));
        assert_fact(facts, "vault-key", strerror(ENOKEY));
        spawn_stop(&spawn);
}
END_TEST

START_TEST(a_worker_starts_in_a_clean_place)
{
        Spawn spawn;
        sigset_t all;
        const char *facts;
        int link;

        (void) sigfillset(&all);
        (void) sigprocmask(SIG_SETMASK, &all, NULL);
        (void) signal(SIGPIPE, SIG_IGN);
        (void) signal(SIGCHLD, SIG_IGN);
        spawn = spawn_start(0);
        (void) signal(SIGCHLD, SIG_DFL);
        link = spawn_start_worker(&spawn, USERS_ALICE_UID, "alice");
        facts = fake_worker_read(link);
        assert_fact(facts, "SigBlk", "0000000000000000");
        /* 32 and 33 are glibc's own: no program of its can set them, whoever ignored them before.
         */
        ck_assert_uint_eq(strtoull(fake_worker_fact(facts, "SigIgn"), NULL, 16) & ~(3ULL << 31), 0);
        assert_fact(facts, "cwd", "/");
        assert_fact(facts, "umask", "077");
        assert_fact(facts, "core", "0 0");
        assert_fact(facts, "leader", "1");

        /* Nor does an ignored SIGCHLD swallow its end. */
        (void) close(link);
        ck_assert_int_eq(WEXITSTATUS(spawn_read_exited(&spawn, 1)), FAKE_WORKER_EXIT);
        spawn_stop(&spawn);
}
END_TEST

START_TEST(the_spawner_itself_keeps_three_capabilities)
{
        Spawn spawn = spawn_start(0);
        _cleanup_free_ char *path = NULL, *status = NULL;

        (void) spawn_start_worker(&spawn, USERS_ALICE_UID, "alice");
        ck_assert_int_eq(str_format(&path, "/proc/%d/status", spawn.pid), 0);
        status = temp_dir_read(path, NULL);
        ck_assert_ptr_nonnull(strstr(status, "CapInh:\t0000000000000000\n"));
        ck_assert_ptr_nonnull(strstr(status, "CapPrm:\t00000000000000e0\n"));
        ck_assert_ptr_nonnull(strstr(status, "CapEff:\t00000000000000e0\n"));
        ck_assert_ptr_nonnull(strstr(status, "CapBnd:\t00000000000000e0\n"));
        ck_assert_ptr_nonnull(strstr(status, "CapAmb:\t0000000000000000\n"));
        spawn_stop(&spawn);
}
END_TEST

START_TEST(an_unreadable_worker_cannot_be_dumped_by_its_owner)
{
        Spawn spawn = spawn_start(0);
        const char *facts = fake_worker_read(spawn_start_worker(&spawn, USERS_ALICE_UID, "alice"));

        ck_assert_str_ne(fake_worker_fact(facts, "dumpable"), "1");
        spawn_stop(&spawn);
}
END_TEST

START_TEST(workers_die_with_a_killed_spawner)
{
        Spawn spawn = spawn_start(0);
        int link = spawn_start_worker(&spawn, USERS_ALICE_UID, "alice");
        const char *facts = fake_worker_read(link);
        pid_t worker = fake_worker_pid(facts);

        assert_fact(facts, "death", "9");
        process_kill(&spawn.pid);
        ck_assert(fake_worker_is_gone(link));
        ck_assert(PROCESS_WAIT_UNTIL(FAKE_WORKER_PATIENCE_MSEC, !process_is_alive(worker)));
}
END_TEST

/* Refusals -------------------------------------------------------------------------------- */

START_TEST(a_user_must_have_the_uid_and_the_name)
{
        Spawn spawn = spawn_start(0);

        spawn_refuse_worker(&spawn, USERS_ALICE_UID, "bob", ESTALE);
        spawn_refuse_worker(&spawn, USERS_ALICE_UID, "Alice", ESTALE);
        spawn_refuse_worker(&spawn, 0, "alice", ESTALE);
        spawn_refuse_worker(&spawn, 7999, "alice", ESTALE);
        spawn_refuse_worker(&spawn, 7999, "nobody-of-that-name", ESTALE);
        spawn_stop(&spawn);
}
END_TEST

static void restore_drifter(void)
{
        users_set_uid("drifter", USERS_DRIFTER_UID);
}

START_TEST(a_user_who_is_gone_or_another_is_stale)
{
        Spawn spawn = spawn_start(0);

        users_set_uid("drifter", 0);
        spawn_refuse_worker(&spawn, USERS_DRIFTER_UID, "drifter", ESTALE);
        users_set_uid("drifter", 7300);
        spawn_refuse_worker(&spawn, USERS_DRIFTER_UID, "drifter", ESTALE);
        users_set_uid("drifter", USERS_DRIFTER_UID);
        (void) close(spawn_start_worker(&spawn, USERS_DRIFTER_UID, "drifter"));
        spawn_stop(&spawn);
}
END_TEST

START_TEST(an_exec_that_fails_is_told_with_its_error)
{
        _cleanup_(temp_dir_removep) char *closed = spawn_make_dir(0600);
        _cleanup_(temp_dir_removep) char *text = spawn_make_dir(0711);
        Spawn spawn = spawn_start_in(closed, 0);

        spawn_refuse_worker(&spawn, USERS_ALICE_UID, "alice", EACCES);
        spawn_stop(&spawn);
        spawn = spawn_start_in(text, 0);
        spawn_refuse_worker(&spawn, USERS_ALICE_UID, "alice", ENOEXEC);
        spawn_stop(&spawn);
}
END_TEST

/* The status pipe ------------------------------------------------------------------------- */

/* Starts a child out of this very process and returns its status descriptor. */
static int start_directly(const char *user, pid_t *ret_pid, int *ret_link)
{
        const SpawnRequest request = spawn_make_request(SPAWN_START, 1, USERS_ALICE_UID, user);
        _cleanup_free_ char *path = temp_dir_path(spawn_dir, "dosvc-worker");
        _cleanup_close_ int program = open(path, O_PATH | O_CLOEXEC);
        int theirs, status;

        fake_worker_link(ret_link, &theirs);
        ck_assert_int_eq(spawn_child_start(&request, program, theirs, ret_pid, &status), 0);
        (void) close(theirs);
        return status;
}

static void wait_for_status(int status_fd)
{
        struct pollfd polled = { .fd = status_fd, .events = POLLIN };

        ck_assert_int_eq(poll(&polled, 1, FAKE_WORKER_PATIENCE_MSEC), 1);
}

START_TEST(a_program_that_runs_has_closed_the_status_pipe)
{
        pid_t pid;
        int link, status_fd = start_directly("alice", &pid, &link);

        wait_for_status(status_fd);
        ck_assert_int_eq(spawn_child_error(status_fd), 0);
        assert_fact(fake_worker_read(link), "fds", "0 1 2 3");
        (void) close(link);
        ck_assert_int_eq(spawn_wait(pid), FAKE_WORKER_EXIT);
}
END_TEST

START_TEST(a_child_that_failed_has_said_why)
{
        pid_t pid;
        int link, status_fd = start_directly("bob", &pid, &link);

        wait_for_status(status_fd);
        ck_assert_int_eq(spawn_child_error(status_fd), ESTALE);
        ck_assert_int_eq(spawn_wait(pid), EXIT_FAILURE);
        ck_assert(fake_worker_is_gone(link));
}
END_TEST

START_TEST(a_child_that_was_killed_says_nothing)
{
        pid_t pid;
        int link, status_fd = start_directly("alice", &pid, &link);

        process_kill(&pid);
        ck_assert_int_eq(spawn_child_error(status_fd), 0);
        (void) close(link);
}
END_TEST

static Suite *make_suite(void)
{
        Suite *suite = suite_create("spawn-child");
        TCase *owner = tcase_create("owner"), *refusals = tcase_create("refusals");
        TCase *status = tcase_create("status");

        tcase_add_test(owner, a_worker_is_its_owner_and_nothing_more);
        tcase_add_test(owner, two_owners_have_their_own_workers);
        tcase_add_test(owner, roots_worker_has_no_capability_either);
        tcase_add_test(owner, a_worker_has_constant_arguments_and_environment);
        tcase_add_test(owner, a_worker_has_four_descriptors);
        tcase_add_test(owner, a_worker_has_a_keyring_of_its_own);
        tcase_add_test(owner, a_worker_starts_in_a_clean_place);
        tcase_add_test(owner, the_spawner_itself_keeps_three_capabilities);
        tcase_add_test(owner, an_unreadable_worker_cannot_be_dumped_by_its_owner);
        tcase_add_test(owner, workers_die_with_a_killed_spawner);

        tcase_add_unchecked_fixture(refusals, NULL, restore_drifter);
        tcase_add_test(refusals, a_user_must_have_the_uid_and_the_name);
        tcase_add_test(refusals, a_user_who_is_gone_or_another_is_stale);
        tcase_add_test(refusals, an_exec_that_fails_is_told_with_its_error);

        tcase_add_test(status, a_program_that_runs_has_closed_the_status_pipe);
        tcase_add_test(status, a_child_that_failed_has_said_why);
        tcase_add_test(status, a_child_that_was_killed_says_nothing);

        suite_add_tcase(suite, owner);
        suite_add_tcase(suite, refusals);
        suite_add_tcase(suite, status);
        return suite;
}

int main(int argc, char **argv, char **environment)
{
        return spawn_run_suite(argc, argv, environment, make_suite);
}
