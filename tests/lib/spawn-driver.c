#include "tests/lib/spawn-driver.h"

#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "tests/lib/fake-worker.h"
#include "tests/lib/process.h"
#include "tests/lib/temp-dir.h"
#include "tests/lib/users.h"

char *spawn_dir;

int spawn_run_suite(int argc, char **argv, char **environment, Suite *(*make_suite)(void) )
{
        SRunner *runner;
        int failed;

        fake_worker_main(argc, argv, environment);
        users_setup();
        spawn_dir = fake_worker_install();
        runner = srunner_create(make_suite());
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        spawn_dir = temp_dir_remove(spawn_dir);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

_noreturn_ void spawn_run(const char *dir, int fd, uint32_t uid, const char *argument)
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

Spawn spawn_start_in(const char *dir, uint32_t uid)
{
        Spawn spawn = { 0 };
        int pair[2];

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
        spawn.pid = fork();
        if (spawn.pid == 0)
                spawn_run(dir, pair[1], uid, "--connected");
        (void) close(pair[1]);
        fake_worker_patience(pair[0]);
        spawn.fd = pair[0];
        return spawn;
}

Spawn spawn_start(uint32_t uid)
{
        return spawn_start_in(spawn_dir, uid);
}

int spawn_wait(pid_t pid)
{
        int status = -1;

        ck_assert_msg(process_wait(pid, FAKE_WORKER_PATIENCE_MSEC, &status),
                      "process %d does not end",
                      pid);
        return status;
}

void spawn_stop(Spawn *spawn)
{
        (void) close(spawn->fd);
        ck_assert_int_eq(spawn_wait(spawn->pid), 0);
}

void spawn_send(int fd, const void *record, size_t size, const int *fds, size_t n_fds)
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

SpawnRequest spawn_make_request(uint32_t kind, uint64_t id, uint32_t uid, const char *user)
{
        SpawnRequest request = { .version = SPAWN_PROTOCOL_VERSION,
                                 .kind = kind,
                                 .id = id,
                                 .uid = uid };

        ck_assert_uint_lt(strlen(user), sizeof(request.user));
        memcpy(request.user, user, strlen(user));
        return request;
}

int spawn_ask(Spawn *spawn, uint32_t uid, const char *user)
{
        const SpawnRequest request = spawn_make_request(SPAWN_START, ++spawn->last_id, uid, user);
        int ours, theirs;

        fake_worker_link(&ours, &theirs);
        spawn_send(spawn->fd, &request, sizeof(request), &theirs, 1);
        (void) close(theirs);
        return ours;
}

SpawnReply spawn_read(const Spawn *spawn)
{
        SpawnReply reply = { 0 };

        do {
                ck_assert_int_eq(recv(spawn->fd, &reply, sizeof(reply), 0), sizeof(reply));
                ck_assert_uint_eq(reply.version, SPAWN_PROTOCOL_VERSION);
        } while (reply.kind == SPAWN_NETWORK);
        return reply;
}

void spawn_read_started(const Spawn *spawn, uint64_t id, int error)
{
        const SpawnReply reply = spawn_read(spawn);

        ck_assert_uint_eq(reply.kind, SPAWN_STARTED);
        ck_assert_uint_eq(reply.id, id);
        ck_assert_int_eq(reply.error, error);
}

int spawn_read_exited(const Spawn *spawn, uint64_t id)
{
        const SpawnReply reply = spawn_read(spawn);

        ck_assert_uint_eq(reply.kind, SPAWN_EXITED);
        ck_assert_uint_eq(reply.id, id);
        return reply.status;
}

int spawn_start_worker(Spawn *spawn, uint32_t uid, const char *user)
{
        int link = spawn_ask(spawn, uid, user);

        spawn_read_started(spawn, spawn->last_id, 0);
        return link;
}

void spawn_refuse_worker(Spawn *spawn, uint32_t uid, const char *user, int error)
{
        int link = spawn_ask(spawn, uid, user);

        spawn_read_started(spawn, spawn->last_id, error);
        ck_assert(fake_worker_is_gone(link));
        (void) close(link);
}

char *spawn_make_dir(unsigned worker_mode)
{
        char *dir = temp_dir_new();
        _cleanup_free_ char *from = temp_dir_path(spawn_dir, "dosvc-spawn");
        _cleanup_free_ char *to = temp_dir_path(dir, "dosvc-spawn");
        _cleanup_free_ char *worker = temp_dir_path(dir, "dosvc-worker");

        ck_assert_int_eq(link(from, to), 0);
        if (worker_mode) {
                temp_dir_write(worker, "not a program\n");
                ck_assert_int_eq(chmod(worker, worker_mode), 0);
        }
        return dir;
}
