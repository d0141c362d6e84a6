/*
 * The real dosvc-spawn through its socket: which requests it refuses, what it reports, what ends
 * it and its children. Needs root.
 */
#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "tests/lib/fake-worker.h"
#include "tests/lib/network.h"
#include "tests/lib/process.h"
#include "tests/lib/spawn-driver.h"
#include "tests/lib/temp-dir.h"
#include "tests/lib/users.h"

/* Programs -------------------------------------------------------------------------------- */

static int ask_for_proxies(Spawn *spawn)
{
        SpawnRequest request =
                spawn_make_request(SPAWN_START, ++spawn->last_id, USERS_ALICE_UID, "alice");
        int ours, theirs;

        request.program = SPAWN_PROGRAM_PROXY;
        fake_worker_link(&ours, &theirs);
        spawn_send(spawn->fd, &request, sizeof(request), &theirs, 1);
        (void) close(theirs);
        return ours;
}

START_TEST(the_program_asked_for_is_run_as_the_owner)
{
        Spawn spawn = spawn_start(0);
        int link = ask_for_proxies(&spawn);
        const char *facts = fake_worker_read(link);

        spawn_read_started(&spawn, spawn.last_id, 0);
        assert_fact(facts, "argv0", "dosvc-proxy");
        assert_fact(facts, "uids", "7101 7101 7101");
        assert_fact(facts, "environment", "PATH=/usr/bin:/bin;LANG=C.UTF-8;");
        (void) close(link);
        spawn_stop(&spawn);
}
END_TEST

START_TEST(a_program_that_is_not_installed_is_refused_and_workers_start)
{
        _cleanup_free_ char *program = NULL;
        char *common = spawn_dir;
        Spawn spawn;
        int link;

        spawn_dir = fake_worker_install();
        program = temp_dir_path(spawn_dir, "dosvc-proxy");
        ck_assert_int_eq(unlink(program), 0);
        spawn = spawn_start(0);
        link = ask_for_proxies(&spawn);
        spawn_read_started(&spawn, spawn.last_id, ENOENT);
        ck_assert(fake_worker_is_gone(link));
        link = spawn_start_worker(&spawn, USERS_ALICE_UID, "alice");
        assert_fact(fake_worker_read(link), "argv0", "dosvc-worker");
        (void) close(link);
        spawn_stop(&spawn);
        temp_dir_remove(spawn_dir);
        spawn_dir = common;
}
END_TEST

/* Refusals -------------------------------------------------------------------------------- */

START_TEST(nobodys_uids_get_no_worker)
{
        static const uint32_t uids[] = { 65534, 65535, UINT32_MAX, 61184, 63000, 65519 };
        Spawn spawn = spawn_start(0);

        for (size_t i = 0; i < ARRAY_SIZE(uids); i++)
                spawn_refuse_worker(&spawn, uids[i], "nobody", EPERM);
        spawn_stop(&spawn);
}
END_TEST

START_TEST(without_a_worker_program_nothing_starts)
{
        _cleanup_(temp_dir_removep) char *dir = spawn_make_dir(0);
        Spawn spawn = spawn_start_in(dir, 0);

        ck_assert_int_ne(spawn_wait(spawn.pid), 0);
}
END_TEST

START_TEST(a_user_instance_starts_its_own_workers_only)
{
        Spawn spawn = spawn_start(USERS_ALICE_UID);
        const char *facts;

        spawn_refuse_worker(&spawn, USERS_BOB_UID, "bob", EPERM);
        spawn_refuse_worker(&spawn, 0, "root", EPERM);
        spawn_refuse_worker(&spawn, USERS_ALICE_UID, "bob", ESTALE);

        facts = fake_worker_read(spawn_start_worker(&spawn, USERS_ALICE_UID, "alice"));
        assert_fact(facts, "uids", "7101 7101 7101");
        assert_fact(facts, "groups", "7101 7200");
        assert_fact(facts, "CapPrm", "0000000000000000");
        assert_fact(facts, "NoNewPrivs", "1");
        assert_fact(facts, "fds", "0 1 2 3");
        assert_fact(facts, "environment", "PATH=/usr/bin:/bin;LANG=C.UTF-8;");
        spawn_stop(&spawn);
}
END_TEST

START_TEST(nobody_takes_more_places_than_there_are_for_one_user)
{
        const rlim_t n_files = SPAWN_CHILDREN_MAX + 64;
        Spawn spawn;
        int links[SPAWN_CHILDREN_MAX];

        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ n_files, n_files }), 0);
        spawn = spawn_start(0);
        for (size_t i = 0; i < SPAWN_CHILDREN_PER_USER_MAX; i++)
                links[i] = spawn_start_worker(&spawn, USERS_BOB_UID, "bob");
        spawn_refuse_worker(&spawn, USERS_BOB_UID, "bob", EAGAIN);
        for (size_t i = SPAWN_CHILDREN_PER_USER_MAX; i < ARRAY_SIZE(links); i++)
                links[i] = spawn_start_worker(&spawn, USERS_ALICE_UID, "alice");
        spawn_refuse_worker(&spawn, 0, "root", EAGAIN);

        (void) fake_worker_read(links[100]);
        (void) close(links[100]);
        ck_assert_int_eq(WEXITSTATUS(spawn_read_exited(&spawn, 101)), FAKE_WORKER_EXIT);
        (void) close(spawn_start_worker(&spawn, USERS_BOB_UID, "bob"));
        spawn_stop(&spawn);
        for (size_t i = 0; i < ARRAY_SIZE(links); i++)
                if (i != 100)
                        ck_assert(fake_worker_is_gone(links[i]));
}
END_TEST

/* Ends ------------------------------------------------------------------------------------ */

START_TEST(an_end_is_told_with_its_status)
{
        Spawn spawn = spawn_start(0);
        int link = spawn_start_worker(&spawn, USERS_ALICE_UID, "alice");
        int status;

        (void) fake_worker_read(link);
        (void) close(link);
        status = spawn_read_exited(&spawn, 1);
        ck_assert(WIFEXITED(status));
        ck_assert_int_eq(WEXITSTATUS(status), FAKE_WORKER_EXIT);
        spawn_stop(&spawn);
}
END_TEST

START_TEST(kill_ends_that_worker_alone)
{
        Spawn spawn = spawn_start(0);
        int alice = spawn_start_worker(&spawn, USERS_ALICE_UID, "alice");
        int bob = spawn_start_worker(&spawn, USERS_BOB_UID, "bob");
        const SpawnRequest unknown = spawn_make_request(SPAWN_KILL, 99, 0, "");
        const SpawnRequest request = spawn_make_request(SPAWN_KILL, 1, 0, "");
        int status;

        spawn_send(spawn.fd, &unknown, sizeof(unknown), NULL, 0);
        spawn_send(spawn.fd, &request, sizeof(request), NULL, 0);
        status = spawn_read_exited(&spawn, 1);
        ck_assert(WIFSIGNALED(status));
        ck_assert_int_eq(WTERMSIG(status), SIGKILL);
        ck_assert(fake_worker_is_gone(alice));
        assert_fact(fake_worker_read(bob), "uids", "7102 7102 7102");
        spawn_stop(&spawn);
}
END_TEST

START_TEST(a_hang_up_ends_all_workers_first)
{
        Spawn spawn = spawn_start(0);
        int links[3];
        pid_t workers[3];

        for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
                links[i] = spawn_start_worker(&spawn, USERS_ALICE_UID, "alice");
                workers[i] = fake_worker_pid(fake_worker_read(links[i]));
        }
        spawn_stop(&spawn);
        for (size_t i = 0; i < ARRAY_SIZE(links); i++)
                ck_assert(!process_is_alive(workers[i]));
}
END_TEST

START_TEST(sigterm_ends_all_workers_first)
{
        Spawn spawn = spawn_start(0);
        pid_t worker = fake_worker_pid(
                fake_worker_read(spawn_start_worker(&spawn, USERS_ALICE_UID, "alice")));

        ck_assert_int_eq(kill(spawn.pid, SIGTERM), 0);
        ck_assert_int_eq(spawn_wait(spawn.pid), 0);
        ck_assert(!process_is_alive(worker));
}
END_TEST

/* Records --------------------------------------------------------------------------------- */

enum { BROKEN_ID = 2, GOOD = SPAWN_PROTOCOL_VERSION };

/* Each makes one broken record out of a good one; worker 1 is running. */
static const struct {
        const char *what;
        size_t size;
        uint32_t version, kind;
        uint64_t id;
        size_t n_fds;
        char fill; /* of the whole user name, NUL included */
} broken[] = {
        { "no byte less", sizeof(SpawnRequest) - 1, GOOD, SPAWN_START, BROKEN_ID, 1, 0 },
        { "no byte more", sizeof(SpawnRequest) + 1, GOOD, SPAWN_START, BROKEN_ID, 1, 0 },
        { "one byte", 1, GOOD, SPAWN_START, BROKEN_ID, 0, 0 },
        { "version 0", sizeof(SpawnRequest), 0, SPAWN_START, BROKEN_ID, 1, 0 },
        { "the version before", sizeof(SpawnRequest), GOOD - 1, SPAWN_START, BROKEN_ID, 1, 0 },
        { "the next version", sizeof(SpawnRequest), GOOD + 1, SPAWN_START, BROKEN_ID, 1, 0 },
        { "kind 0", sizeof(SpawnRequest), GOOD, 0, BROKEN_ID, 1, 0 },
        { "a reply", sizeof(SpawnRequest), GOOD, SPAWN_STARTED, BROKEN_ID, 0, 0 },
        { "news", sizeof(SpawnRequest), GOOD, SPAWN_NETWORK, BROKEN_ID, 0, 0 },
        { "kind of all ones", sizeof(SpawnRequest), GOOD, UINT32_MAX, BROKEN_ID, 1, 0 },
        { "name without NUL", sizeof(SpawnRequest), GOOD, SPAWN_START, BROKEN_ID, 1, 'a' },
        { "no descriptor", sizeof(SpawnRequest), GOOD, SPAWN_START, BROKEN_ID, 0, 0 },
        { "two descriptors", sizeof(SpawnRequest), GOOD, SPAWN_START, BROKEN_ID, 2, 0 },
        { "four descriptors", sizeof(SpawnRequest), GOOD, SPAWN_START, BROKEN_ID, 4, 0 },
        { "kill with descriptor", sizeof(SpawnRequest), GOOD, SPAWN_KILL, 1, 1, 0 },
        { "an id that runs", sizeof(SpawnRequest), GOOD, SPAWN_START, 1, 1, 0 },
};

START_TEST(a_broken_record_ends_the_connection)
{
        Spawn spawn = spawn_start(0);
        SpawnRequest request =
                spawn_make_request(broken[_i].kind, broken[_i].id, USERS_ALICE_UID, "alice");
        int link = spawn_start_worker(&spawn, USERS_ALICE_UID, "alice"), ours, theirs;
        SpawnReply reply;

        fake_worker_link(&ours, &theirs);
        request.version = broken[_i].version;
        if (broken[_i].fill)
                memset(request.user, broken[_i].fill, sizeof(request.user));
        spawn_send(spawn.fd,
                   &request,
                   broken[_i].size,
                   (int[]){ theirs, theirs, theirs, theirs },
                   broken[_i].n_fds);
        (void) close(theirs);

        ck_assert_msg(recv(spawn.fd, &reply, sizeof(reply), 0) <= 0, "%s", broken[_i].what);
        ck_assert_int_eq(spawn_wait(spawn.pid), 0);
        ck_assert(fake_worker_is_gone(link));
        ck_assert(fake_worker_is_gone(ours));
}
END_TEST

START_TEST(a_program_of_no_number_ends_the_connection)
{
        Spawn spawn = spawn_start(0);
        SpawnRequest request = spawn_make_request(SPAWN_START, 1, USERS_ALICE_UID, "alice");
        SpawnReply reply;
        int ours, theirs;

        fake_worker_link(&ours, &theirs);
        request.program = SPAWN_PROGRAMS_MAX;
        spawn_send(spawn.fd, &request, sizeof(request), &theirs, 1);
        (void) close(theirs);
        ck_assert_int_le(recv(spawn.fd, &reply, sizeof(reply), 0), 0);
        ck_assert_int_eq(spawn_wait(spawn.pid), 0);
        ck_assert(fake_worker_is_gone(ours));
}
END_TEST

START_TEST(an_empty_name_ends_the_connection)
{
        Spawn spawn = spawn_start(0);
        SpawnReply reply;

        (void) spawn_ask(&spawn, USERS_ALICE_UID, "");
        ck_assert_int_le(recv(spawn.fd, &reply, sizeof(reply), 0), 0);
        ck_assert_int_eq(spawn_wait(spawn.pid), 0);
}
END_TEST

START_TEST(random_records_start_nothing)
{
        srand(42); /* NOLINT: the same bytes each time */
        for (size_t turn = 0; turn < 30; turn++) {
                Spawn spawn = spawn_start(0);
                unsigned char bytes[sizeof(SpawnRequest)] = { 0 };
                SpawnReply reply;

                for (size_t i = 0; i < sizeof(bytes); i++)
                        bytes[i] = (unsigned char) rand(); /* NOLINT */
                spawn_send(spawn.fd, bytes, sizeof(bytes), (int[]){ spawn.fd }, turn % 2);
                ck_assert_int_le(recv(spawn.fd, &reply, sizeof(reply), 0), 0);
                ck_assert_int_eq(spawn_wait(spawn.pid), 0);
                (void) close(spawn.fd);
        }
}
END_TEST

START_TEST(it_starts_in_no_third_way)
{
        static const char *const arguments[] = { NULL, "--connected", "--help" };

        for (size_t i = 0; i < ARRAY_SIZE(arguments); i++) {
                int null = open("/dev/null", O_RDWR | O_CLOEXEC);
                pid_t pid = fork();

                if (pid == 0)
                        spawn_run(spawn_dir, null, 0, arguments[i]);
                ck_assert_int_eq(spawn_wait(pid), EXIT_FAILURE);
                (void) close(null);
        }
}
END_TEST

/* The network ----------------------------------------------------------------------------- */

/* The next word must be that, at most so much later. */
static void hear_network(const Spawn *spawn, int timeout_msec)
{
        struct pollfd polled = { .fd = spawn->fd, .events = POLLIN };
        SpawnReply reply = { 0 };

        ck_assert_int_eq(poll(&polled, 1, timeout_msec), 1);
        ck_assert_int_eq(recv(spawn->fd, &reply, sizeof(reply), 0), sizeof(reply));
        ck_assert_uint_eq(reply.version, SPAWN_PROTOCOL_VERSION);
        ck_assert_uint_eq(reply.kind, SPAWN_NETWORK);
        ck_assert_uint_eq(reply.id, 0);
        ck_assert_int_eq(reply.error, 0);
        ck_assert_int_eq(reply.status, 0);
}

static void hear_nothing(const Spawn *spawn, int timeout_msec)
{
        struct pollfd polled = { .fd = spawn->fd, .events = POLLIN };

        ck_assert_int_eq(poll(&polled, 1, timeout_msec), 0);
}

/* One whose worker runs, so that it is known to listen. */
static Spawn spawn_start_offline(uint32_t uid, const char *user)
{
        Spawn spawn;

        network_leave();
        network_set(false);
        spawn = spawn_start(uid);
        (void) spawn_start_worker(&spawn, uid ? uid : USERS_ALICE_UID, uid ? user : "alice");
        return spawn;
}

START_TEST(a_network_that_comes_up_is_told_once)
{
        static const struct {
                uint32_t uid;
                const char *user;
        } cases[] = { { 0, "root" }, { USERS_ALICE_UID, "alice" } };
        Spawn spawn = spawn_start_offline(cases[_i].uid, cases[_i].user);

        hear_nothing(&spawn, 200);
        network_set(true);
        hear_network(&spawn, 3000);
        network_set(false);
        hear_nothing(&spawn, 2500);
        spawn_stop(&spawn);
}
END_TEST

/* Nor does it keep the spawner from its work. */
START_TEST(a_network_that_flaps_is_told_when_it_rests)
{
        Spawn spawn = spawn_start_offline(0, "root");
        const uint64_t until = process_now_msec() + 2500;
        unsigned n = 0;

        for (; process_now_msec() < until; n++) {
                network_set(true);
                network_set(false);
                if (n < 5)
                        (void) spawn_start_worker(&spawn, USERS_BOB_UID, "bob");
        }
        ck_assert_uint_gt(n, 100);
        hear_network(&spawn, 3000);
        hear_nothing(&spawn, 2000);
        spawn_stop(&spawn);
}
END_TEST

static void forbid_netlink(void)
{
        scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

        ck_assert_int_eq(seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0), 0);
        ck_assert_int_eq(seccomp_rule_add(filter,
                                          SCMP_ACT_ERRNO(EPERM),
                                          SCMP_SYS(socket),
                                          1,
                                          SCMP_A0(SCMP_CMP_EQ, AF_NETLINK, 0)),
                         0);
        ck_assert_int_eq(seccomp_load(filter), 0);
        seccomp_release(filter);
        ck_assert_int_lt(socket(AF_NETLINK, SOCK_RAW, 0), 0);
}

START_TEST(without_netlink_workers_start_all_the_same)
{
        Spawn spawn;

        forbid_netlink();
        spawn = spawn_start(0);
        assert_fact(fake_worker_read(spawn_start_worker(&spawn, USERS_ALICE_UID, "alice")),
                    "uids",
                    "7101 7101 7101");
        spawn_stop(&spawn);
}
END_TEST

/* Activated by a socket ------------------------------------------------------------------- */

typedef struct Unit {
        pid_t pid;
        char *dir;
        struct sockaddr_un address;
} Unit;

static Unit unit_start(void)
{
        Unit unit = { .dir = temp_dir_new(), .address = { .sun_family = AF_UNIX } };
        int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

        (void) snprintf(unit.address.sun_path, sizeof(unit.address.sun_path), "%s/spawn", unit.dir);
        ck_assert_int_eq(bind(fd, (void *) &unit.address, sizeof(unit.address)), 0);
        ck_assert_int_eq(chmod(unit.address.sun_path, 0666), 0);
        ck_assert_int_eq(listen(fd, 8), 0);

        unit.pid = fork();
        if (unit.pid == 0) {
                char pid[32];

                (void) snprintf(pid, sizeof(pid), "%d", getpid());
                (void) setenv("LISTEN_PID", pid, 1);
                (void) setenv("LISTEN_FDS", "1", 1);
                spawn_run(spawn_dir, fd, 0, NULL);
        }
        (void) close(fd);
        return unit;
}

static void unit_stop(Unit *unit)
{
        ck_assert_int_eq(kill(unit->pid, SIGTERM), 0);
        ck_assert_int_eq(spawn_wait(unit->pid), 0);
        unit->dir = temp_dir_remove(unit->dir);
}

/* SO_PEERCRED says who connected, so this one does it as that user. */
static Spawn unit_connect(const Unit *unit, uint32_t uid)
{
        Spawn spawn = { .fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0) };

        ck_assert_int_eq(seteuid(uid), 0);
        ck_assert_int_eq(connect(spawn.fd, (const void *) &unit->address, sizeof(unit->address)),
                         0);
        ck_assert_int_eq(seteuid(0), 0);
        fake_worker_patience(spawn.fd);
        return spawn;
}

START_TEST(a_connection_is_dosvcs_or_nobodys)
{
        static const uint32_t strangers[] = { 0, USERS_ALICE_UID };
        Unit unit = unit_start();
        Spawn spawn;

        for (size_t i = 0; i < ARRAY_SIZE(strangers); i++) {
                SpawnReply reply;

                spawn = unit_connect(&unit, strangers[i]);
                ck_assert_int_eq(recv(spawn.fd, &reply, sizeof(reply), 0), 0);
                (void) close(spawn.fd);
        }

        spawn = unit_connect(&unit, USERS_DOSVC_UID);
        assert_fact(fake_worker_read(spawn_start_worker(&spawn, USERS_ALICE_UID, "alice")),
                    "fds",
                    "0 1 2 3");
        (void) close(spawn.fd);
        unit_stop(&unit);
}
END_TEST

START_TEST(the_next_connection_finds_no_worker_of_the_last)
{
        Unit unit = unit_start();
        Spawn first = unit_connect(&unit, USERS_DOSVC_UID);
        Spawn second = unit_connect(&unit, USERS_DOSVC_UID);
        pid_t worker = fake_worker_pid(
                fake_worker_read(spawn_start_worker(&first, USERS_ALICE_UID, "alice")));
        struct pollfd polled = { .fd = second.fd, .events = POLLIN };
        int link = spawn_ask(&second, USERS_ALICE_UID, "alice");

        ck_assert_int_eq(poll(&polled, 1, 200), 0);
        ck_assert(process_is_alive(worker));

        (void) close(first.fd);
        spawn_read_started(&second, 1, 0);
        ck_assert(!process_is_alive(worker));
        (void) fake_worker_read(link);
        unit_stop(&unit);
        ck_assert(fake_worker_is_gone(link));
}
END_TEST

START_TEST(a_broken_record_does_not_end_the_unit)
{
        Unit unit = unit_start();
        Spawn spawn = unit_connect(&unit, USERS_DOSVC_UID);
        SpawnReply reply;

        spawn_send(spawn.fd, "garbage", 7, NULL, 0);
        ck_assert_int_le(recv(spawn.fd, &reply, sizeof(reply), 0), 0);
        (void) close(spawn.fd);

        spawn = unit_connect(&unit, USERS_DOSVC_UID);
        (void) fake_worker_read(spawn_start_worker(&spawn, USERS_BOB_UID, "bob"));
        unit_stop(&unit);
}
END_TEST

static void add_child_tests(Suite *suite)
{
        TCase *programs = tcase_create("programs"), *refusals = tcase_create("refusals");
        TCase *ends = tcase_create("ends");

        tcase_add_test(programs, the_program_asked_for_is_run_as_the_owner);
        tcase_add_test(programs, a_program_that_is_not_installed_is_refused_and_workers_start);

        tcase_set_timeout(refusals, 60);
        tcase_add_test(refusals, nobodys_uids_get_no_worker);
        tcase_add_test(refusals, without_a_worker_program_nothing_starts);
        tcase_add_test(refusals, a_user_instance_starts_its_own_workers_only);
        tcase_add_test(refusals, nobody_takes_more_places_than_there_are_for_one_user);

        tcase_add_test(ends, an_end_is_told_with_its_status);
        tcase_add_test(ends, kill_ends_that_worker_alone);
        tcase_add_test(ends, a_hang_up_ends_all_workers_first);
        tcase_add_test(ends, sigterm_ends_all_workers_first);

        suite_add_tcase(suite, programs);
        suite_add_tcase(suite, refusals);
        suite_add_tcase(suite, ends);
}

static void add_connection_tests(Suite *suite)
{
        TCase *records = tcase_create("records"), *unit = tcase_create("unit");
        TCase *network = tcase_create("network");

        tcase_set_timeout(records, 60);
        tcase_add_loop_test(records, a_broken_record_ends_the_connection, 0, ARRAY_SIZE(broken));
        tcase_add_test(records, a_program_of_no_number_ends_the_connection);
        tcase_add_test(records, an_empty_name_ends_the_connection);
        tcase_add_test(records, random_records_start_nothing);
        tcase_add_test(records, it_starts_in_no_third_way);

        tcase_set_timeout(network, 20);
        tcase_add_loop_test(network, a_network_that_comes_up_is_told_once, 0, 2);
        tcase_add_test(network, a_network_that_flaps_is_told_when_it_rests);
        tcase_add_test(network, without_netlink_workers_start_all_the_same);

        tcase_add_test(unit, a_connection_is_dosvcs_or_nobodys);
        tcase_add_test(unit, the_next_connection_finds_no_worker_of_the_last);
        tcase_add_test(unit, a_broken_record_does_not_end_the_unit);

        suite_add_tcase(suite, records);
        suite_add_tcase(suite, network);
        suite_add_tcase(suite, unit);
}

static Suite *make_suite(void)
{
        Suite *suite = suite_create("spawn-server");

        add_child_tests(suite);
        add_connection_tests(suite);
        return suite;
}

int main(int argc, char **argv, char **environment)
{
        return spawn_run_suite(argc, argv, environment, make_suite);
}
