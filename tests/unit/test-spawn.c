/*
 * dosvc-spawn through its socket: what it makes of a worker, whom it refuses, what ends it.
 * Needs root.
 */
#include <check.h>
#include <err.h>
#include <fcntl.h>
#include <keyutils.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "dbus/spawn-wire.h"

#include "base/macro.h"
#include "base/str.h"

#include "tests/lib/network.h"
#include "tests/lib/process.h"
#include "tests/lib/stand-in.h"
#include "tests/lib/temp-dir.h"
#include "tests/lib/users.h"

static char *stage; /* owned by main(): the programs under test */

/* dosvc-spawn under test ------------------------------------------------------------------ */

typedef struct Spawn {
        pid_t pid;
        int fd; /* our end of the connection */
        uint64_t last_id;
} Spawn;

/* Becomes dosvc-spawn of that directory with the descriptor as 3. */
static _noreturn_ void run_spawn(const char *dir, int fd, uint32_t uid, const char *argument)
{
        _cleanup_free_ char *path = temp_dir_path(dir, "dosvc-spawn");

        /* Some stdin that is not /dev/null, to see what becomes of it. */
        if (dup2(open("/proc/self/exe", O_RDONLY | O_CLOEXEC), STDIN_FILENO) < 0)
                err(127, "stdin");
        if (dup2(fd, SPAWN_CONNECTED_FD) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
                err(127, "descriptor");
        if (fd == SPAWN_CONNECTED_FD && fcntl(fd, F_SETFD, 0) < 0)
                err(127, "descriptor");
        if (uid != 0)
                users_become(uid);
        (void) execl(path, "dosvc-spawn", argument, NULL);
        err(127, "%s", path);
}

static Spawn spawn_start_in(const char *dir, uint32_t uid)
{
        Spawn spawn = { 0 };
        int pair[2];

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
        spawn.pid = fork();
        if (spawn.pid == 0)
                run_spawn(dir, pair[1], uid, "--connected");
        (void) close(pair[1]);
        stand_in_patience(pair[0]);
        spawn.fd = pair[0];
        return spawn;
}

static Spawn spawn_start(uint32_t uid)
{
        return spawn_start_in(stage, uid);
}

static int wait_for_end(pid_t pid)
{
        int status = -1;

        ck_assert_msg(process_wait(pid, STAND_IN_PATIENCE_MSEC, &status),
                      "process %d does not end",
                      pid);
        return status;
}

/* Hangs up; it must end well. */
static void spawn_stop(Spawn *spawn)
{
        (void) close(spawn->fd);
        ck_assert_int_eq(wait_for_end(spawn->pid), 0);
}

static void send_record(int fd, const void *record, size_t size, const int *fds, size_t n_fds)
{
        char control[CMSG_SPACE(sizeof(int) * 4)] __attribute__((aligned(sizeof(long)))) = { 0 };
        char copy[1024] = { 0 };
        struct iovec iovec = { .iov_base = copy, .iov_len = size };
        struct msghdr message = { .msg_iov = &iovec, .msg_iovlen = 1 };

        ck_assert_uint_le(size, sizeof(copy));
        memcpy(copy, record, size < sizeof(SpawnRequest) ? size : sizeof(SpawnRequest));
        if (n_fds > 0) {
                struct cmsghdr *header = (void *) control;

                message.msg_control = control;
                message.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
                header->cmsg_level = SOL_SOCKET;
                header->cmsg_type = SCM_RIGHTS;
                header->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
                memcpy(CMSG_DATA(header), fds, sizeof(int) * n_fds);
        }
        ck_assert_int_eq(sendmsg(fd, &message, MSG_NOSIGNAL), (ssize_t) size);
}

static SpawnRequest make_request(uint32_t kind, uint64_t id, uint32_t uid, const char *user)
{
        SpawnRequest request = { .version = SPAWN_PROTOCOL_VERSION,
                                 .kind = kind,
                                 .id = id,
                                 .uid = uid };

        ck_assert_uint_lt(strlen(user), sizeof(request.user));
        memcpy(request.user, user, strlen(user));
        return request;
}

/* Asks for a worker and returns our end of its link. */
static int ask(Spawn *spawn, uint32_t uid, const char *user)
{
        const SpawnRequest request = make_request(SPAWN_START, ++spawn->last_id, uid, user);
        int ours, theirs;

        stand_in_link(&ours, &theirs);
        send_record(spawn->fd, &request, sizeof(request), &theirs, 1);
        (void) close(theirs);
        return ours;
}

/* What it says of the machine's network is no answer to anything. */
static SpawnReply hear(const Spawn *spawn)
{
        SpawnReply reply = { 0 };

        do {
                ck_assert_int_eq(recv(spawn->fd, &reply, sizeof(reply), 0), sizeof(reply));
                ck_assert_uint_eq(reply.version, SPAWN_PROTOCOL_VERSION);
        } while (reply.kind == SPAWN_NETWORK);
        return reply;
}

static void hear_started(const Spawn *spawn, uint64_t id, int error)
{
        const SpawnReply reply = hear(spawn);

        ck_assert_uint_eq(reply.kind, SPAWN_STARTED);
        ck_assert_uint_eq(reply.id, id);
        ck_assert_int_eq(reply.error, error);
}

static int hear_exited(const Spawn *spawn, uint64_t id)
{
        const SpawnReply reply = hear(spawn);

        ck_assert_uint_eq(reply.kind, SPAWN_EXITED);
        ck_assert_uint_eq(reply.id, id);
        return reply.status;
}

static int start_worker(Spawn *spawn, uint32_t uid, const char *user)
{
        int link = ask(spawn, uid, user);

        hear_started(spawn, spawn->last_id, 0);
        return link;
}

static void refuse_worker(Spawn *spawn, uint32_t uid, const char *user, int error)
{
        int link = ask(spawn, uid, user);

        hear_started(spawn, spawn->last_id, error);
        ck_assert(stand_in_is_gone(link));
        (void) close(link);
}

/* Programs -------------------------------------------------------------------------------- */

static int ask_for_proxies(Spawn *spawn)
{
        SpawnRequest request =
                make_request(SPAWN_START, ++spawn->last_id, USERS_ALICE_UID, "alice");
        int ours, theirs;

        request.program = SPAWN_PROGRAM_PROXY;
        stand_in_link(&ours, &theirs);
        send_record(spawn->fd, &request, sizeof(request), &theirs, 1);
        (void) close(theirs);
        return ours;
}

START_TEST(the_program_asked_for_is_run_as_the_owner)
{
        Spawn spawn = spawn_start(0);
        int link = ask_for_proxies(&spawn);
        const char *facts = stand_in_read(link);

        hear_started(&spawn, spawn.last_id, 0);
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
        char *others = stage; /* of all tests */
        Spawn spawn;
        int link;

        stage = stand_in_stage();
        program = temp_dir_path(stage, "dosvc-proxy");
        ck_assert_int_eq(unlink(program), 0);
        spawn = spawn_start(0);
        link = ask_for_proxies(&spawn);
        hear_started(&spawn, spawn.last_id, ENOENT);
        ck_assert(stand_in_is_gone(link));
        link = start_worker(&spawn, USERS_ALICE_UID, "alice");
        assert_fact(stand_in_read(link), "argv0", "dosvc-worker");
        (void) close(link);
        spawn_stop(&spawn);
        temp_dir_remove(stage);
        stage = others;
}
END_TEST

/* Becoming the owner ---------------------------------------------------------------------- */

START_TEST(a_worker_is_its_owner_and_nothing_more)
{
        Spawn spawn = spawn_start(0);
        int link = start_worker(&spawn, USERS_ALICE_UID, "alice");
        const char *facts = stand_in_read(link);

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
        int alice = start_worker(&spawn, USERS_ALICE_UID, "alice");
        int bob = start_worker(&spawn, USERS_BOB_UID, "bob");

        assert_fact(stand_in_read(alice), "uids", "7101 7101 7101");
        assert_fact(stand_in_read(bob), "uids", "7102 7102 7102");
        assert_fact(stand_in_read(start_worker(&spawn, USERS_BOB_UID, "bob")), "groups", "7102");
        spawn_stop(&spawn);
        ck_assert(stand_in_is_gone(alice));
        ck_assert(stand_in_is_gone(bob));
}
END_TEST

START_TEST(roots_worker_has_no_capability_either)
{
        Spawn spawn = spawn_start(0);
        const char *facts = stand_in_read(start_worker(&spawn, 0, "root"));

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
        facts = stand_in_read(start_worker(&spawn, USERS_ALICE_UID, "alice"));
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
        (void) ask(&spawn, USERS_BOB_UID, "bob");
        hear_started(&spawn, 1, 0);
        facts = stand_in_read(start_worker(&spawn, USERS_ALICE_UID, "alice"));
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
        ck_assert_int_ge(add_key("user", STAND_IN_KEY, "k", 1, KEY_SPEC_SESSION_KEYRING), 0);
        ck_assert_int_ge(keyctl_search(KEY_SPEC_SESSION_KEYRING, "user", STAND_IN_KEY, 0), 0);

        spawn = spawn_start(0);
        facts = stand_in_read(start_worker(&spawn, USERS_ALICE_UID, "alice"));
        assert_fact(facts, "vault-key", strerror(ENOKEY));
        ck_assert_str_ne(stand_in_fact(facts, "session"), number);
        ck_assert(str_starts_with(stand_in_fact(facts, "keyring"), "keyring;0;0;"));

        facts = stand_in_read(start_worker(&spawn, 0, "root"));
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
        link = start_worker(&spawn, USERS_ALICE_UID, "alice");
        facts = stand_in_read(link);
        assert_fact(facts, "SigBlk", "0000000000000000");
        /* 32 and 33 are glibc's own: no program of its can set them, whoever ignored them before.
         */
        ck_assert_uint_eq(strtoull(stand_in_fact(facts, "SigIgn"), NULL, 16) & ~(3ULL << 31), 0);
        assert_fact(facts, "cwd", "/");
        assert_fact(facts, "umask", "077");
        assert_fact(facts, "core", "0 0");
        assert_fact(facts, "leader", "1");

        /* Nor does an ignored SIGCHLD swallow its end. */
        (void) close(link);
        ck_assert_int_eq(WEXITSTATUS(hear_exited(&spawn, 1)), STAND_IN_EXIT);
        spawn_stop(&spawn);
}
END_TEST

START_TEST(the_spawner_itself_keeps_three_capabilities)
{
        Spawn spawn = spawn_start(0);
        _cleanup_free_ char *path = NULL, *status = NULL;

        (void) start_worker(&spawn, USERS_ALICE_UID, "alice");
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
        const char *facts = stand_in_read(start_worker(&spawn, USERS_ALICE_UID, "alice"));

        ck_assert_str_ne(stand_in_fact(facts, "dumpable"), "1");
        spawn_stop(&spawn);
}
END_TEST

START_TEST(workers_die_with_a_killed_spawner)
{
        Spawn spawn = spawn_start(0);
        int link = start_worker(&spawn, USERS_ALICE_UID, "alice");
        const char *facts = stand_in_read(link);
        pid_t worker = stand_in_pid(facts);

        assert_fact(facts, "death", "9");
        process_kill(&spawn.pid);
        ck_assert(stand_in_is_gone(link));
        ck_assert(PROCESS_WAIT_UNTIL(STAND_IN_PATIENCE_MSEC, !process_is_alive(worker)));
}
END_TEST

/* Refusals -------------------------------------------------------------------------------- */

START_TEST(nobodys_uids_get_no_worker)
{
        static const uint32_t uids[] = { 65534, 65535, UINT32_MAX, 61184, 63000, 65519 };
        Spawn spawn = spawn_start(0);

        for (size_t i = 0; i < ARRAY_SIZE(uids); i++)
                refuse_worker(&spawn, uids[i], "nobody", EPERM);
        spawn_stop(&spawn);
}
END_TEST

START_TEST(a_user_must_have_the_uid_and_the_name)
{
        Spawn spawn = spawn_start(0);

        refuse_worker(&spawn, USERS_ALICE_UID, "bob", ESTALE);
        refuse_worker(&spawn, USERS_ALICE_UID, "Alice", ESTALE);
        refuse_worker(&spawn, 0, "alice", ESTALE);
        refuse_worker(&spawn, 7999, "alice", ESTALE);
        refuse_worker(&spawn, 7999, "nobody-of-that-name", ESTALE);
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
        refuse_worker(&spawn, USERS_DRIFTER_UID, "drifter", ESTALE);
        users_set_uid("drifter", 7300);
        refuse_worker(&spawn, USERS_DRIFTER_UID, "drifter", ESTALE);
        users_set_uid("drifter", USERS_DRIFTER_UID);
        (void) close(start_worker(&spawn, USERS_DRIFTER_UID, "drifter"));
        spawn_stop(&spawn);
}
END_TEST

/* A directory like the stage whose dosvc-worker has that mode; 0: there is none. */
static char *make_broken_stage(unsigned mode)
{
        char *dir = temp_dir_new();
        _cleanup_free_ char *from = temp_dir_path(stage, "dosvc-spawn");
        _cleanup_free_ char *to = temp_dir_path(dir, "dosvc-spawn");
        _cleanup_free_ char *worker = temp_dir_path(dir, "dosvc-worker");

        ck_assert_int_eq(link(from, to), 0);
        if (mode) {
                temp_dir_write(worker, "not a program\n");
                ck_assert_int_eq(chmod(worker, mode), 0);
        }
        return dir;
}

START_TEST(an_exec_that_fails_is_told_with_its_error)
{
        _cleanup_(temp_dir_removep) char *closed = make_broken_stage(0600);
        _cleanup_(temp_dir_removep) char *text = make_broken_stage(0711);
        Spawn spawn = spawn_start_in(closed, 0);

        refuse_worker(&spawn, USERS_ALICE_UID, "alice", EACCES);
        spawn_stop(&spawn);
        spawn = spawn_start_in(text, 0);
        refuse_worker(&spawn, USERS_ALICE_UID, "alice", ENOEXEC);
        spawn_stop(&spawn);
}
END_TEST

START_TEST(without_a_worker_program_nothing_starts)
{
        _cleanup_(temp_dir_removep) char *dir = make_broken_stage(0);
        Spawn spawn = spawn_start_in(dir, 0);

        ck_assert_int_ne(wait_for_end(spawn.pid), 0);
}
END_TEST

START_TEST(a_user_instance_starts_its_own_workers_only)
{
        Spawn spawn = spawn_start(USERS_ALICE_UID);
        const char *facts;

        refuse_worker(&spawn, USERS_BOB_UID, "bob", EPERM);
        refuse_worker(&spawn, 0, "root", EPERM);
        refuse_worker(&spawn, USERS_ALICE_UID, "bob", ESTALE);

        facts = stand_in_read(start_worker(&spawn, USERS_ALICE_UID, "alice"));
        assert_fact(facts, "uids", "7101 7101 7101");
        assert_fact(facts, "groups", "7101 7200");
        assert_fact(facts, "CapPrm", "0000000000000000");
        assert_fact(facts, "NoNewPrivs", "1");
        assert_fact(facts, "fds", "0 1 2 3");
        assert_fact(facts, "environment", "PATH=/usr/bin:/bin;LANG=C.UTF-8;");
        spawn_stop(&spawn);
}
END_TEST

START_TEST(nobody_takes_more_places_than_are_his)
{
        const rlim_t n_files = SPAWN_CHILDREN_MAX + 64;
        Spawn spawn;
        int links[SPAWN_CHILDREN_MAX];

        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ n_files, n_files }), 0);
        spawn = spawn_start(0);
        for (size_t i = 0; i < SPAWN_CHILDREN_PER_USER_MAX; i++)
                links[i] = start_worker(&spawn, USERS_BOB_UID, "bob");
        refuse_worker(&spawn, USERS_BOB_UID, "bob", EAGAIN);
        for (size_t i = SPAWN_CHILDREN_PER_USER_MAX; i < ARRAY_SIZE(links); i++)
                links[i] = start_worker(&spawn, USERS_ALICE_UID, "alice");
        refuse_worker(&spawn, 0, "root", EAGAIN);

        (void) stand_in_read(links[100]);
        (void) close(links[100]);
        ck_assert_int_eq(WEXITSTATUS(hear_exited(&spawn, 101)), STAND_IN_EXIT);
        (void) close(start_worker(&spawn, USERS_BOB_UID, "bob"));
        spawn_stop(&spawn);
        for (size_t i = 0; i < ARRAY_SIZE(links); i++)
                if (i != 100)
                        ck_assert(stand_in_is_gone(links[i]));
}
END_TEST

/* Ends ------------------------------------------------------------------------------------ */

START_TEST(an_end_is_told_with_its_status)
{
        Spawn spawn = spawn_start(0);
        int link = start_worker(&spawn, USERS_ALICE_UID, "alice");
        int status;

        (void) stand_in_read(link);
        (void) close(link);
        status = hear_exited(&spawn, 1);
        ck_assert(WIFEXITED(status));
        ck_assert_int_eq(WEXITSTATUS(status), STAND_IN_EXIT);
        spawn_stop(&spawn);
}
END_TEST

START_TEST(kill_ends_that_worker_alone)
{
        Spawn spawn = spawn_start(0);
        int alice = start_worker(&spawn, USERS_ALICE_UID, "alice");
        int bob = start_worker(&spawn, USERS_BOB_UID, "bob");
        const SpawnRequest unknown = make_request(SPAWN_KILL, 99, 0, "");
        const SpawnRequest request = make_request(SPAWN_KILL, 1, 0, "");
        int status;

        send_record(spawn.fd, &unknown, sizeof(unknown), NULL, 0);
        send_record(spawn.fd, &request, sizeof(request), NULL, 0);
        status = hear_exited(&spawn, 1);
        ck_assert(WIFSIGNALED(status));
        ck_assert_int_eq(WTERMSIG(status), SIGKILL);
        ck_assert(stand_in_is_gone(alice));
        assert_fact(stand_in_read(bob), "uids", "7102 7102 7102");
        spawn_stop(&spawn);
}
END_TEST

START_TEST(a_hang_up_ends_all_workers_first)
{
        Spawn spawn = spawn_start(0);
        int links[3];
        pid_t workers[3];

        for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
                links[i] = start_worker(&spawn, USERS_ALICE_UID, "alice");
                workers[i] = stand_in_pid(stand_in_read(links[i]));
        }
        spawn_stop(&spawn);
        for (size_t i = 0; i < ARRAY_SIZE(links); i++)
                ck_assert(!process_is_alive(workers[i]));
}
END_TEST

START_TEST(sigterm_ends_all_workers_first)
{
        Spawn spawn = spawn_start(0);
        pid_t worker = stand_in_pid(stand_in_read(start_worker(&spawn, USERS_ALICE_UID, "alice")));

        ck_assert_int_eq(kill(spawn.pid, SIGTERM), 0);
        ck_assert_int_eq(wait_for_end(spawn.pid), 0);
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
                make_request(broken[_i].kind, broken[_i].id, USERS_ALICE_UID, "alice");
        int link = start_worker(&spawn, USERS_ALICE_UID, "alice"), ours, theirs;
        SpawnReply reply;

        stand_in_link(&ours, &theirs);
        request.version = broken[_i].version;
        if (broken[_i].fill)
                memset(request.user, broken[_i].fill, sizeof(request.user));
        send_record(spawn.fd,
                    &request,
                    broken[_i].size,
                    (int[]){ theirs, theirs, theirs, theirs },
                    broken[_i].n_fds);
        (void) close(theirs);

        ck_assert_msg(recv(spawn.fd, &reply, sizeof(reply), 0) <= 0, "%s", broken[_i].what);
        ck_assert_int_eq(wait_for_end(spawn.pid), 0);
        ck_assert(stand_in_is_gone(link));
        ck_assert(stand_in_is_gone(ours));
}
END_TEST

START_TEST(a_program_of_no_number_ends_the_connection)
{
        Spawn spawn = spawn_start(0);
        SpawnRequest request = make_request(SPAWN_START, 1, USERS_ALICE_UID, "alice");
        SpawnReply reply;
        int ours, theirs;

        stand_in_link(&ours, &theirs);
        request.program = SPAWN_PROGRAMS_MAX;
        send_record(spawn.fd, &request, sizeof(request), &theirs, 1);
        (void) close(theirs);
        ck_assert_int_le(recv(spawn.fd, &reply, sizeof(reply), 0), 0);
        ck_assert_int_eq(wait_for_end(spawn.pid), 0);
        ck_assert(stand_in_is_gone(ours));
}
END_TEST

START_TEST(an_empty_name_ends_the_connection)
{
        Spawn spawn = spawn_start(0);
        SpawnReply reply;

        (void) ask(&spawn, USERS_ALICE_UID, "");
        ck_assert_int_le(recv(spawn.fd, &reply, sizeof(reply), 0), 0);
        ck_assert_int_eq(wait_for_end(spawn.pid), 0);
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
                send_record(spawn.fd, bytes, sizeof(bytes), (int[]){ spawn.fd }, turn % 2);
                ck_assert_int_le(recv(spawn.fd, &reply, sizeof(reply), 0), 0);
                ck_assert_int_eq(wait_for_end(spawn.pid), 0);
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
                        run_spawn(stage, null, 0, arguments[i]);
                ck_assert_int_eq(wait_for_end(pid), EXIT_FAILURE);
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
        (void) start_worker(&spawn, uid ? uid : USERS_ALICE_UID, uid ? user : "alice");
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
                        (void) start_worker(&spawn, USERS_BOB_UID, "bob");
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
        assert_fact(stand_in_read(start_worker(&spawn, USERS_ALICE_UID, "alice")),
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
                run_spawn(stage, fd, 0, NULL);
        }
        (void) close(fd);
        return unit;
}

static void unit_stop(Unit *unit)
{
        ck_assert_int_eq(kill(unit->pid, SIGTERM), 0);
        ck_assert_int_eq(wait_for_end(unit->pid), 0);
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
        stand_in_patience(spawn.fd);
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
        assert_fact(stand_in_read(start_worker(&spawn, USERS_ALICE_UID, "alice")),
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
        pid_t worker = stand_in_pid(stand_in_read(start_worker(&first, USERS_ALICE_UID, "alice")));
        struct pollfd polled = { .fd = second.fd, .events = POLLIN };
        int link = ask(&second, USERS_ALICE_UID, "alice");

        ck_assert_int_eq(poll(&polled, 1, 200), 0);
        ck_assert(process_is_alive(worker));

        (void) close(first.fd);
        hear_started(&second, 1, 0);
        ck_assert(!process_is_alive(worker));
        (void) stand_in_read(link);
        unit_stop(&unit);
        ck_assert(stand_in_is_gone(link));
}
END_TEST

START_TEST(a_broken_record_does_not_end_the_unit)
{
        Unit unit = unit_start();
        Spawn spawn = unit_connect(&unit, USERS_DOSVC_UID);
        SpawnReply reply;

        send_record(spawn.fd, "garbage", 7, NULL, 0);
        ck_assert_int_le(recv(spawn.fd, &reply, sizeof(reply), 0), 0);
        (void) close(spawn.fd);

        spawn = unit_connect(&unit, USERS_DOSVC_UID);
        (void) stand_in_read(start_worker(&spawn, USERS_BOB_UID, "bob"));
        unit_stop(&unit);
}
END_TEST

static void add_process_tests(Suite *suite)
{
        TCase *owner = tcase_create("owner"), *refusals = tcase_create("refusals");
        TCase *ends = tcase_create("ends");

        tcase_add_test(owner, the_program_asked_for_is_run_as_the_owner);
        tcase_add_test(owner, a_program_that_is_not_installed_is_refused_and_workers_start);
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
        tcase_set_timeout(refusals, 60);
        tcase_add_test(refusals, nobodys_uids_get_no_worker);
        tcase_add_test(refusals, a_user_must_have_the_uid_and_the_name);
        tcase_add_test(refusals, a_user_who_is_gone_or_another_is_stale);
        tcase_add_test(refusals, an_exec_that_fails_is_told_with_its_error);
        tcase_add_test(refusals, without_a_worker_program_nothing_starts);
        tcase_add_test(refusals, a_user_instance_starts_its_own_workers_only);
        tcase_add_test(refusals, nobody_takes_more_places_than_are_his);

        tcase_add_test(ends, an_end_is_told_with_its_status);
        tcase_add_test(ends, kill_ends_that_worker_alone);
        tcase_add_test(ends, a_hang_up_ends_all_workers_first);
        tcase_add_test(ends, sigterm_ends_all_workers_first);

        suite_add_tcase(suite, owner);
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

int main(int argc, char **argv, char **environment)
{
        Suite *suite;
        SRunner *runner;
        int failed;

        stand_in_main(argc, argv, environment);
        users_setup();
        stage = stand_in_stage();
        suite = suite_create("spawn");
        add_process_tests(suite);
        add_connection_tests(suite);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        stage = temp_dir_remove(stage);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
