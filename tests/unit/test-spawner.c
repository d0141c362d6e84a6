/*
 * manager/spawner in front of the real dosvc-spawn, and of a peer that the test plays. Needs
 * root.
 */
#include <check.h>
#include <fcntl.h>
#include <keyutils.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "dbus/spawn-wire.h"

#include "base/macro.h"
#include "base/str.h"

#include "manager/spawner.h"
#include "tests/lib/fake-worker.h"
#include "tests/lib/network.h"
#include "tests/lib/process.h"
#include "tests/lib/temp-dir.h"
#include "tests/lib/users.h"

static char *program_dir; /* owned by main(): where the programs under test are */

/* The manager's side ---------------------------------------------------------------------- */

typedef struct Heard {
        SpawnerEvent events[8];
        int values[8];
        size_t n;
} Heard;

static sd_event *event; /* owned by the fixture */
static Spawner *spawner;
static bool in_loop;
static char *lingering_dir; /* owned by its fixture */

static void note(void *userdata, SpawnerEvent what, int value)
{
        Heard *heard = userdata;

        ck_assert(in_loop);
        ck_assert_uint_lt(heard->n, ARRAY_SIZE(heard->events));
        heard->events[heard->n] = what;
        heard->values[heard->n++] = value;
}

static void count_news(void *userdata)
{
        ck_assert(in_loop);
        ++*(unsigned *) userdata;
}

static void run_loop(uint64_t usec)
{
        in_loop = true;
        ck_assert_int_ge(sd_event_run(event, usec), 0);
        in_loop = false;
}

static void run_until(const Heard *heard, size_t n)
{
        const uint64_t deadline = process_now_msec() + FAKE_WORKER_PATIENCE_MSEC;

        while (heard->n < n) {
                ck_assert_msg(process_now_msec() < deadline, "event %zu does not come", n);
                run_loop(100000);
        }
        ck_assert_uint_eq(heard->n, n);
}

static void setup_fork(void)
{
        int dir = open(program_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

        ck_assert_int_eq(sd_event_new(&event), 0);
        ck_assert_int_eq(spawner_new(event, SPAWNER_FORK, dir, &spawner), 0);
}

static void teardown(void)
{
        spawner = spawner_free(spawner);
        event = sd_event_unref(event);
}

static uint64_t begin(uint32_t uid, const char *user, Heard *heard, int *ret_link)
{
        uint64_t id = 0;
        int theirs;

        fake_worker_link(ret_link, &theirs);
        ck_assert_int_eq(
                spawner_start(spawner, SPAWN_PROGRAM_WORKER, uid, user, theirs, note, heard, &id),
                0);
        ck_assert_int_ge(fcntl(theirs, F_GETFD), 0);
        (void) close(theirs);
        return id;
}

/* The pid of the dosvc-spawn that this process has forked. */
static pid_t spawn_of_ours(void)
{
        pid_t pid = 0;

        ck_assert(PROCESS_WAIT_UNTIL(FAKE_WORKER_PATIENCE_MSEC,
                                     process_descendants(getpid(), "dosvc-spawn", &pid, 1) == 1));
        return pid;
}

START_TEST(a_worker_starts_and_ends_in_the_loop)
{
        Heard heard = { 0 };
        int link;
        uint64_t id = begin(USERS_ALICE_UID, "alice", &heard, &link);

        ck_assert_uint_ne(id, 0);
        run_until(&heard, 1);
        ck_assert_int_eq(heard.events[0], SPAWNER_STARTED);
        assert_fact(fake_worker_read(link), "uids", "7101 7101 7101");
        (void) close(link);
        run_until(&heard, 2);
        ck_assert_int_eq(heard.events[1], SPAWNER_EXITED);
        ck_assert_int_eq(WEXITSTATUS(heard.values[1]), FAKE_WORKER_EXIT);
}
END_TEST

START_TEST(the_managers_keys_and_descriptors_stay_behind)
{
        Heard heard = { 0 };
        int link, stray = fcntl(STDERR_FILENO, F_DUPFD, 40);
        const char *facts;

        ck_assert_int_ge(keyctl_join_session_keyring(NULL), 0);
        ck_assert_int_ge(add_key("user", FAKE_WORKER_KEY, "k", 1, KEY_SPEC_SESSION_KEYRING), 0);
        (void) begin(0, "root", &heard, &link);
        run_until(&heard, 1);
        facts = fake_worker_read(link);
        assert_fact(facts, "vault-key", strerror(ENOKEY));
        assert_fact(facts, "fds", "0 1 2 3");
        (void) close(stray);
}
END_TEST

START_TEST(a_refusal_carries_the_errno)
{
        Heard heard = { 0 };
        int link;

        (void) begin(USERS_ALICE_UID, "bob", &heard, &link);
        run_until(&heard, 1);
        ck_assert_int_eq(heard.events[0], SPAWNER_REFUSED);
        ck_assert_int_eq(heard.values[0], -ESTALE);
        ck_assert(fake_worker_is_gone(link));
}
END_TEST

START_TEST(a_name_that_does_not_fit_is_not_asked_for)
{
        char name[SPAWN_USER_MAX + 1] = "";
        uint64_t id;

        ck_assert_int_eq(
                spawner_start(spawner, SPAWN_PROGRAM_WORKER, 1, "", STDERR_FILENO, note, NULL, &id),
                -EINVAL);
        memset(name, 'a', SPAWN_USER_MAX);
        ck_assert_int_eq(spawner_start(spawner,
                                       SPAWN_PROGRAM_WORKER,
                                       1,
                                       name,
                                       STDERR_FILENO,
                                       note,
                                       NULL,
                                       &id),
                         -EINVAL);
}
END_TEST

START_TEST(a_killed_worker_exits_by_signal)
{
        Heard alice = { 0 }, bob = { 0 };
        int links[2];
        uint64_t id = begin(USERS_ALICE_UID, "alice", &alice, &links[0]);

        (void) begin(USERS_BOB_UID, "bob", &bob, &links[1]);
        run_until(&alice, 1);
        run_until(&bob, 1);
        spawner_kill(spawner, id);
        spawner_kill(spawner, id + 100);
        run_until(&alice, 2);
        ck_assert_int_eq(alice.events[1], SPAWNER_EXITED);
        ck_assert_int_eq(WTERMSIG(alice.values[1]), SIGKILL);
        spawner_kill(spawner, id);
        ck_assert_uint_eq(bob.n, 1);
}
END_TEST

START_TEST(a_forgotten_worker_dies_unheard)
{
        Heard heard = { 0 }, other = { 0 };
        int link, other_link;
        uint64_t id = begin(USERS_ALICE_UID, "alice", &heard, &link);

        spawner_forget(spawner, id);
        spawner_forget(spawner, id);
        ck_assert_uint_eq(heard.n, 0);
        (void) begin(USERS_BOB_UID, "bob", &other, &other_link);
        run_until(&other, 1);
        while (!fake_worker_is_gone(link))
                run_loop(10000);
        run_loop(100000);
        ck_assert_uint_eq(heard.n, 0);
}
END_TEST

START_TEST(a_lost_spawner_is_told_to_all_and_replaced)
{
        Heard heard[3] = { 0 }, next = { 0 };
        int links[3], link, theirs;
        uint64_t id, unused;

        for (size_t i = 0; i < ARRAY_SIZE(heard); i++) {
                id = begin(USERS_ALICE_UID, "alice", &heard[i], &links[i]);
                run_until(&heard[i], 1);
        }
        ck_assert_int_eq(kill(spawn_of_ours(), SIGKILL), 0);
        spawner_forget(spawner, id);
        ck_assert(fake_worker_is_gone(links[0]));

        /* Before the loop has seen it, nothing starts and nothing is told. */
        fake_worker_link(&link, &theirs);
        ck_assert_int_eq(spawner_start(spawner,
                                       SPAWN_PROGRAM_WORKER,
                                       0,
                                       "root",
                                       theirs,
                                       note,
                                       &next,
                                       &unused),
                         -EAGAIN);
        (void) close(theirs);

        run_until(&heard[0], 2);
        run_until(&heard[1], 2);
        ck_assert_int_eq(heard[0].events[1], SPAWNER_LOST);
        ck_assert_int_eq(heard[1].events[1], SPAWNER_LOST);
        ck_assert_uint_eq(heard[2].n, 1);
        ck_assert_uint_eq(next.n, 0);

        (void) begin(USERS_BOB_UID, "bob", &next, &link);
        run_until(&next, 1);
        ck_assert_int_eq(next.events[0], SPAWNER_STARTED);
        assert_fact(fake_worker_read(link), "uids", "7102 7102 7102");
}
END_TEST

static Heard restarted;
static int restarted_link;

static void start_again(void *userdata, SpawnerEvent what, int value)
{
        if (what != SPAWNER_LOST)
                return;
        note(userdata, what, value);
        (void) begin(USERS_BOB_UID, "bob", &restarted, &restarted_link);
}

START_TEST(a_start_from_the_news_of_a_loss_is_a_new_worker)
{
        Heard lost = { 0 }, after = { 0 };
        int ours, theirs, after_link;
        uint64_t id;

        fake_worker_link(&ours, &theirs);
        ck_assert_int_eq(spawner_start(spawner,
                                       SPAWN_PROGRAM_WORKER,
                                       USERS_ALICE_UID,
                                       "alice",
                                       theirs,
                                       start_again,
                                       &lost,
                                       &id),
                         0);
        (void) close(theirs);
        (void) begin(USERS_ALICE_UID, "alice", &after, &after_link);
        run_until(&after, 1);

        ck_assert_int_eq(kill(spawn_of_ours(), SIGKILL), 0);
        run_until(&lost, 1);
        run_until(&after, 2);
        ck_assert_int_eq(after.events[1], SPAWNER_LOST);
        run_until(&restarted, 1);
        ck_assert_int_eq(restarted.events[0], SPAWNER_STARTED);
}
END_TEST

START_TEST(who_is_connected_hears_of_the_network)
{
        Heard heard = { 0 };
        unsigned n = 0;
        int link;

        network_leave();
        network_set(false);
        spawner_watch_network(spawner, count_news, &n);
        ck_assert_int_eq(spawner_connect(spawner), 0);
        ck_assert_int_eq(spawner_connect(spawner), 0); /* it is */
        (void) spawn_of_ours();
        (void) begin(USERS_ALICE_UID, "alice", &heard, &link);
        run_until(&heard, 1); /* it listens by now */
        network_set(true);
        run_loop(3000000);
        ck_assert_uint_eq(n, 1);
}
END_TEST

START_TEST(a_freed_spawner_leaves_no_worker)
{
        Heard heard = { 0 };
        int link;
        pid_t worker, helper;

        (void) begin(USERS_ALICE_UID, "alice", &heard, &link);
        run_until(&heard, 1);
        worker = fake_worker_pid(fake_worker_read(link));
        helper = spawn_of_ours();
        spawner = spawner_free(spawner);
        ck_assert(!process_is_alive(worker));
        ck_assert(!process_is_alive(helper));
        ck_assert_uint_eq(heard.n, 1);
}
END_TEST

/*
 * This program under the name dosvc-spawn: hangs up at the first record, and takes its time to
 * end, as one whose workers hang in the kernel.
 */
#define LINGER_MSEC 500U

static _noreturn_ void be_lingering_spawner(void)
{
        SpawnRequest request;

        (void) recv(SPAWN_CONNECTED_FD, &request, sizeof(request), 0);
        (void) close(SPAWN_CONNECTED_FD);
        process_nap_msec(LINGER_MSEC);
        _exit(0);
}

static void setup_lingering(void)
{
        _cleanup_free_ char *self = realpath("/proc/self/exe", NULL), *path = NULL;

        lingering_dir = temp_dir_new();
        path = temp_dir_path(lingering_dir, "dosvc-spawn");
        ck_assert_int_eq(symlink(self, path), 0);
        ck_assert_int_eq(sd_event_new(&event), 0);
        ck_assert_int_eq(spawner_new(event,
                                     SPAWNER_FORK,
                                     open(lingering_dir, O_PATH | O_DIRECTORY | O_CLOEXEC),
                                     &spawner),
                         0);
}

static void teardown_lingering(void)
{
        teardown();
        lingering_dir = temp_dir_remove(lingering_dir);
}

START_TEST(nothing_starts_until_the_old_spawner_has_ended)
{
        Heard heard = { 0 }, next = { 0 };
        const uint64_t began = process_now_msec();
        unsigned refused = 0;
        int link, theirs;
        uint64_t id;

        (void) begin(USERS_ALICE_UID, "alice", &heard, &link);
        (void) close(link);
        while (heard.n == 0) {
                run_loop(20000);
                if (heard.n > 0)
                        break;
                fake_worker_link(&link, &theirs);
                if (spawner_start(spawner,
                                  SPAWN_PROGRAM_WORKER,
                                  0,
                                  "root",
                                  theirs,
                                  note,
                                  &next,
                                  &id) == -EAGAIN)
                        refused++;
                (void) close(theirs);
                (void) close(link);
        }
        ck_assert_int_eq(heard.events[0], SPAWNER_LOST);
        ck_assert_uint_ge(process_now_msec() - began, LINGER_MSEC - 50);
        ck_assert_uint_gt(refused, 5);
        (void) begin(USERS_BOB_UID, "bob", &next, &link);
}
END_TEST

START_TEST(freeing_waits_for_the_end_of_the_spawner)
{
        Heard heard = { 0 };
        const uint64_t began = process_now_msec();
        int link;

        (void) begin(USERS_ALICE_UID, "alice", &heard, &link);
        spawner = spawner_free(spawner);
        ck_assert_uint_ge(process_now_msec() - began, LINGER_MSEC - 50);
        ck_assert_uint_eq(heard.n, 0);
}
END_TEST

START_TEST(a_directory_without_dosvc_spawn_is_an_error)
{
        _cleanup_(temp_dir_removep) char *dir = temp_dir_new();
        int ours, theirs;
        uint64_t id;

        spawner = spawner_free(spawner);
        ck_assert_int_eq(spawner_new(event,
                                     SPAWNER_FORK,
                                     open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC),
                                     &spawner),
                         0);
        fake_worker_link(&ours, &theirs);
        for (int turn = 0; turn < 2; turn++)
                ck_assert_int_eq(spawner_start(spawner,
                                               SPAWN_PROGRAM_WORKER,
                                               0,
                                               "root",
                                               theirs,
                                               note,
                                               NULL,
                                               &id),
                                 -ENOENT);
        (void) close(theirs);
}
END_TEST

/* A given connection whose other end the test plays --------------------------------------- */

static int peer;

static void setup_fd(void)
{
        int pair[2];

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
        ck_assert_int_eq(sd_event_new(&event), 0);
        ck_assert_int_eq(spawner_new(event, SPAWNER_FD, pair[0], &spawner), 0);
        fake_worker_patience(pair[1]);
        peer = pair[1];
}

static void reply_with(uint32_t kind, uint64_t id, int error)
{
        const SpawnReply reply = { .version = SPAWN_PROTOCOL_VERSION,
                                   .kind = kind,
                                   .id = id,
                                   .error = error };

        ck_assert_int_eq(send(peer, &reply, sizeof(reply), 0), sizeof(reply));
}

enum { GOOD = SPAWN_PROTOCOL_VERSION };

static const struct {
        const char *what;
        SpawnReply reply;
        size_t size;
} lies[] = {
        { "short", { GOOD, SPAWN_STARTED, 1, 0, 0 }, sizeof(SpawnReply) - 1 },
        { "long", { GOOD, SPAWN_STARTED, 1, 0, 0 }, sizeof(SpawnReply) + 1 },
        { "version", { GOOD + 1, SPAWN_STARTED, 1, 0, 0 }, sizeof(SpawnReply) },
        { "kind", { GOOD, SPAWN_START, 1, 0, 0 }, sizeof(SpawnReply) },
        { "unknown id", { GOOD, SPAWN_EXITED, 77, 0, 0 }, sizeof(SpawnReply) },
        { "negative error", { GOOD, SPAWN_STARTED, 1, -5, 0 }, sizeof(SpawnReply) },
        { "news of a worker", { GOOD, SPAWN_NETWORK, 1, 0, 0 }, sizeof(SpawnReply) },
        { "news with an error", { GOOD, SPAWN_NETWORK, 0, 1, 0 }, sizeof(SpawnReply) },
        { "news with a status", { GOOD, SPAWN_NETWORK, 0, 0, 1 }, sizeof(SpawnReply) },
};

START_TEST(a_spawner_that_lies_is_lost)
{
        Heard heard = { 0 };
        char bytes[sizeof(SpawnReply) + 1] = { 0 };
        int link;

        (void) begin(USERS_ALICE_UID, "alice", &heard, &link);
        memcpy(bytes, &lies[_i].reply, sizeof(SpawnReply));
        ck_assert_int_eq(send(peer, bytes, lies[_i].size, 0), (ssize_t) lies[_i].size);
        run_until(&heard, 1);
        ck_assert_msg(heard.events[0] == SPAWNER_LOST, "%s", lies[_i].what);
}
END_TEST

START_TEST(a_given_connection_does_not_come_back)
{
        Heard heard = { 0 };
        int link, theirs;
        uint64_t id;

        (void) begin(USERS_ALICE_UID, "alice", &heard, &link);
        (void) close(peer);
        run_until(&heard, 1);
        ck_assert_int_eq(heard.events[0], SPAWNER_LOST);
        fake_worker_link(&link, &theirs);
        ck_assert_int_eq(
                spawner_start(spawner, SPAWN_PROGRAM_WORKER, 0, "root", theirs, note, &heard, &id),
                -ENOTCONN);
        (void) close(theirs);
}
END_TEST

START_TEST(an_exit_may_be_the_first_news)
{
        Heard heard = { 0 };
        int link;
        uint64_t id = begin(USERS_ALICE_UID, "alice", &heard, &link);

        reply_with(SPAWN_EXITED, id, 0);
        run_until(&heard, 1);
        ck_assert_int_eq(heard.events[0], SPAWNER_EXITED);
}
END_TEST

START_TEST(news_of_the_network_are_passed_on)
{
        Heard heard = { 0 };
        unsigned n = 0;
        int link;
        uint64_t id;

        /* Nobody wants to know, which is no reason to hang up. */
        reply_with(SPAWN_NETWORK, 0, 0);
        run_loop(100000);
        spawner_watch_network(spawner, count_news, &n);
        id = begin(USERS_ALICE_UID, "alice", &heard, &link);
        for (unsigned expected = 1; expected <= 2; expected++) {
                reply_with(SPAWN_NETWORK, 0, 0);
                run_loop(1000000);
                ck_assert_uint_eq(n, expected);
        }
        reply_with(SPAWN_STARTED, id, 0);
        run_until(&heard, 1);
        ck_assert_int_eq(heard.events[0], SPAWNER_STARTED);
}
END_TEST

START_TEST(a_full_queue_refuses_starts_and_keeps_kills)
{
        static Heard heard;
        SpawnRequest request;
        uint64_t first = 0, id;
        int ours, theirs, r, started = 0, kills = 0;

        fake_worker_link(&ours, &theirs);
        while ((r = spawner_start(spawner,
                                  SPAWN_PROGRAM_WORKER,
                                  1,
                                  "user",
                                  theirs,
                                  note,
                                  &heard,
                                  &id)) == 0) {
                first = first ? first : id;
                started++;
        }
        ck_assert_int_eq(r, -EAGAIN);
        ck_assert_int_gt(started, 1);
        spawner_kill(spawner, first);
        spawner_kill(spawner, first + 1);
        spawner_forget(spawner, first + 1);

        while (kills < 2) {
                run_loop(0);
                ck_assert_int_eq(recv(peer, &request, sizeof(request), 0), sizeof(request));
                if (request.kind == SPAWN_KILL)
                        ck_assert_uint_eq(request.id, first + (uint64_t) kills++);
                else
                        started--;
        }
        ck_assert_int_eq(started, 0);
        ck_assert_uint_eq(heard.n, 0);
        (void) close(theirs);
}
END_TEST

static void add_manager_tests(Suite *suite)
{
        TCase *forked = tcase_create("manager"), *given = tcase_create("connection");
        TCase *lingering = tcase_create("lingering");

        tcase_add_checked_fixture(forked, setup_fork, teardown);
        tcase_add_test(forked, a_worker_starts_and_ends_in_the_loop);
        tcase_add_test(forked, the_managers_keys_and_descriptors_stay_behind);
        tcase_add_test(forked, a_refusal_carries_the_errno);
        tcase_add_test(forked, a_name_that_does_not_fit_is_not_asked_for);
        tcase_add_test(forked, a_killed_worker_exits_by_signal);
        tcase_add_test(forked, a_forgotten_worker_dies_unheard);
        tcase_add_test(forked, a_lost_spawner_is_told_to_all_and_replaced);
        tcase_add_test(forked, a_start_from_the_news_of_a_loss_is_a_new_worker);
        tcase_add_test(forked, who_is_connected_hears_of_the_network);
        tcase_add_test(forked, a_freed_spawner_leaves_no_worker);
        tcase_add_test(forked, a_directory_without_dosvc_spawn_is_an_error);

        tcase_add_checked_fixture(lingering, setup_lingering, teardown_lingering);
        tcase_add_test(lingering, nothing_starts_until_the_old_spawner_has_ended);
        tcase_add_test(lingering, freeing_waits_for_the_end_of_the_spawner);

        tcase_add_checked_fixture(given, setup_fd, teardown);
        tcase_add_loop_test(given, a_spawner_that_lies_is_lost, 0, ARRAY_SIZE(lies));
        tcase_add_test(given, a_given_connection_does_not_come_back);
        tcase_add_test(given, an_exit_may_be_the_first_news);
        tcase_add_test(given, news_of_the_network_are_passed_on);
        tcase_add_test(given, a_full_queue_refuses_starts_and_keeps_kills);

        suite_add_tcase(suite, forked);
        suite_add_tcase(suite, lingering);
        suite_add_tcase(suite, given);
}

int main(int argc, char **argv, char **environment)
{
        Suite *suite;
        SRunner *runner;
        int failed;

        fake_worker_main(argc, argv, environment);
        if (str_equal(argv[0], "dosvc-spawn"))
                be_lingering_spawner();
        users_setup();
        program_dir = fake_worker_install();
        suite = suite_create("spawner");
        add_manager_tests(suite);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        program_dir = temp_dir_remove(program_dir);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
