/*
 * One connection, from which one record is read in an iteration of the loop. A send that fails
 * for another reason than a full socket is not handled where it fails: the loop reads the hang-up
 * next and reports it to all workers.
 *
 *   fd >= 0            connected
 *   fd < 0, helper     FORK only: dosvc-spawn is still ending its workers. Nothing starts until
 *                      it is gone, so that two workers of one job never run at a time
 *   fd < 0, no helper  the next start connects
 *
 * Workers of an ended connection are marked as lost and reported one by one, since a callback may
 * start, kill or forget others meanwhile. This module does not log.
 */
#include "manager/spawner.h"

#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "dbus/spawn-wire.h"

#include "base/child.h"
#include "base/hash.h"

#include "manager/helper.h"
#include "model/limits.h"

/* Each download may have a search for proxies beside it. */
_Static_assert(2 * LIMIT_ACTIVE_JOBS + LIMIT_ENDINGS_PER_USER <= SPAWN_CHILDREN_PER_USER_MAX,
               "one user's workers never meet the spawner's limit");
_Static_assert(2 * LIMIT_ACTIVE_JOBS + LIMIT_ENDINGS <= SPAWN_CHILDREN_MAX,
               "all workers together never meet the spawner's limit");

typedef struct Worker {
        uint64_t id;
        spawner_event_t callback; /* NULL once forgotten */
        void *userdata;
        bool kill_wanted; /* the KILL did not fit into the socket yet */
        bool lost;
        UT_hash_handle hh;
} Worker;

struct Spawner {
        SpawnerMode mode;
        int fd;              /* owned: the connection */
        int dir_fd;          /* owned: FORK */
        sd_event *event;     /* owned reference */
        sd_event_source *io; /* owned: of fd */
        Helper *helper;      /* owned: FORK, the process at the other end */
        Worker *workers;     /* owned: Worker.hh by id, in the order of their starts */
        uint64_t last_id;
        void (*network)(void *userdata); /* NULL: not watched */
        void *network_userdata;
};

static Worker *find_worker(Spawner *spawner, uint64_t id)
{
        Worker *worker = NULL;

        HASH_FIND(hh, spawner->workers, &id, sizeof(id), worker);
        return worker;
}

static void remove_worker(Spawner *spawner, Worker *worker)
{
        HASH_DEL(spawner->workers, worker);
        free(worker);
}

/* Removes the entry before the callback, which may change the table. */
static void report_last(Spawner *spawner, Worker *worker, SpawnerEvent event, int value)
{
        spawner_event_t callback = worker->callback;
        void *userdata = worker->userdata;

        remove_worker(spawner, worker);
        if (callback)
                callback(userdata, event, value);
}

/* Losing the connection ------------------------------------------------------------------- */

static void disconnect(Spawner *spawner)
{
        spawner->io = sd_event_source_disable_unref(spawner->io);
        spawner->fd = macro_close(spawner->fd);
        for (Worker *worker = spawner->workers; worker; worker = worker->hh.next)
                worker->lost = true;
}

/* Workers that a callback starts are added to the end, behind the lost ones. */
static void report_lost(Spawner *spawner)
{
        while (spawner->workers && spawner->workers->lost)
                report_last(spawner, spawner->workers, SPAWNER_LOST, 0);
}

static void lose_connection(Spawner *spawner)
{
        disconnect(spawner);
        if (!spawner->helper)
                report_lost(spawner);
}

static void on_helper_exit(void *userdata, int status)
{
        Spawner *spawner = userdata;

        spawner->helper = helper_free(spawner->helper);
        disconnect(spawner);
        report_lost(spawner);
}

/* Records --------------------------------------------------------------------------------- */

static int send_request(Spawner *spawner, const SpawnRequest *request, int link_fd)
{
        union {
                struct cmsghdr header;
                char bytes[CMSG_SPACE(sizeof(int))];
        } control = { 0 };
        SpawnRequest copy = *request; /* an iovec takes no const */
        struct iovec iovec = { .iov_base = &copy, .iov_len = sizeof(copy) };
        struct msghdr message = { .msg_iov = &iovec, .msg_iovlen = 1 };

        if (link_fd >= 0) {
                message.msg_control = &control;
                message.msg_controllen = sizeof(control);
                control.header.cmsg_level = SOL_SOCKET;
                control.header.cmsg_type = SCM_RIGHTS;
                control.header.cmsg_len = CMSG_LEN(sizeof(int));
                memcpy(CMSG_DATA(&control.header), &link_fd, sizeof(int));
        }
        if (sendmsg(spawner->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
                return -errno;
        return 0;
}

static int send_kill(Spawner *spawner, Worker *worker)
{
        const SpawnRequest request = {
                .version = SPAWN_PROTOCOL_VERSION,
                .kind = SPAWN_KILL,
                .id = worker->id,
        };
        int r = send_request(spawner, &request, -EBADF);

        worker->kill_wanted = r == -EAGAIN;
        return r;
}

static void send_wanted_kills(Spawner *spawner)
{
        for (Worker *worker = spawner->workers; worker; worker = worker->hh.next)
                if (worker->kill_wanted && send_kill(spawner, worker) == -EAGAIN)
                        return;
        (void) sd_event_source_set_io_events(spawner->io, EPOLLIN);
}

static int handle_network(Spawner *spawner, const SpawnReply *reply)
{
        if (reply->id != 0 || reply->error != 0 || reply->status != 0)
                return -EBADMSG;
        if (spawner->network)
                spawner->network(spawner->network_userdata);
        return 0;
}

static int handle_reply(Spawner *spawner, const SpawnReply *reply)
{
        Worker *worker = find_worker(spawner, reply->id);

        if (reply->kind == SPAWN_NETWORK)
                return handle_network(spawner, reply);
        if (!worker)
                return -EBADMSG;
        if (reply->kind == SPAWN_EXITED) {
                report_last(spawner, worker, SPAWNER_EXITED, reply->status);
                return 0;
        }
        if (reply->kind != SPAWN_STARTED || reply->error < 0)
                return -EBADMSG;
        if (reply->error > 0)
                report_last(spawner, worker, SPAWNER_REFUSED, -reply->error);
        else if (worker->callback)
                worker->callback(worker->userdata, SPAWNER_STARTED, 0);
        return 0;
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        Spawner *spawner = userdata;
        SpawnReply reply;
        ssize_t n;

        if (revents & EPOLLOUT)
                send_wanted_kills(spawner);

        n = recv(fd, &reply, sizeof(reply), MSG_DONTWAIT | MSG_TRUNC);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return 0;
        if (n != sizeof(reply) || reply.version != SPAWN_PROTOCOL_VERSION ||
            handle_reply(spawner, &reply) < 0)
                lose_connection(spawner);
        return 0;
}

/* Connecting ------------------------------------------------------------------------------ */

static int adopt_connection(Spawner *spawner, int fd)
{
        int r;

        r = sd_event_add_io(spawner->event, &spawner->io, fd, EPOLLIN, on_io, spawner);
        if (r >= 0)
                spawner->fd = fd;
        return r < 0 ? r : 0;
}

static int connect_socket(Spawner *spawner)
{
        const struct sockaddr_un address = {
                .sun_family = AF_UNIX,
                .sun_path = SPAWN_SOCKET_PATH,
        };
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        int r;

        if (fd < 0)
                return -errno;
        if (connect(fd, (const struct sockaddr *) &address, sizeof(address)) < 0)
                return -errno;
        r = adopt_connection(spawner, fd);
        if (r == 0)
                (void) steal_fd(&fd);
        return r;
}

/* Runs the dosvc-spawn of that directory with the descriptor as its connection. */
static HelperSpec spawn_spec(int dir_fd, int connection_fd)
{
        static char name[] = "dosvc-spawn", connected[] = "--connected",
                    path[] = "PATH=/usr/bin:/bin";
        static char *const argv[] = { name, connected, NULL }, *const environment[] = { path,
                                                                                        NULL };

        _Static_assert(SPAWN_CONNECTED_FD == CHILD_LINK_FD, "the link of a helper");
        return (HelperSpec){
                .dir_fd = dir_fd,
                .argv = argv,
                .environment = environment,
                .stdout_fd = -EBADF,
                .link_fd = connection_fd,
        };
}

static int make_connection(int *ret_ours, int *ret_theirs)
{
        int pair[2];

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        *ret_ours = pair[0];
        *ret_theirs = pair[1];
        return 0;
}

static int connect_fork(Spawner *spawner)
{
        _cleanup_close_ int ours = -EBADF, theirs = -EBADF;
        HelperSpec spec;
        int r;

        if (spawner->helper)
                return -EAGAIN;
        r = make_connection(&ours, &theirs);
        if (r < 0)
                return r;
        r = adopt_connection(spawner, ours);
        if (r < 0)
                return r;
        (void) steal_fd(&ours);

        spec = spawn_spec(spawner->dir_fd, theirs);
        r = helper_new(spawner->event, &spec, on_helper_exit, spawner, &spawner->helper);
        if (r < 0)
                disconnect(spawner);
        return r;
}

int spawner_fork(int dir_fd, int *ret_fd)
{
        _cleanup_close_ int ours = -EBADF, theirs = -EBADF;
        HelperSpec spec;
        pid_t pid;
        int r;

        r = make_connection(&ours, &theirs);
        if (r < 0)
                return r;
        spec = spawn_spec(dir_fd, theirs);
        r = helper_fork(&spec, &pid);
        if (r < 0)
                return r;
        *ret_fd = steal_fd(&ours);
        return 0;
}

int spawner_connect(Spawner *spawner)
{
        if (spawner->fd >= 0)
                return 0;
        switch (spawner->mode) {
        case SPAWNER_SOCKET:
                return connect_socket(spawner);
        case SPAWNER_FORK:
                return connect_fork(spawner);
        case SPAWNER_FD:
                return -ENOTCONN;
        }
        return -EINVAL;
}

/* Verbs ----------------------------------------------------------------------------------- */

int spawner_new(sd_event *event, SpawnerMode mode, int fd, Spawner **ret)
{
        _cleanup_(spawner_freep) Spawner *spawner = NULL;
        int r = 0;

        spawner = calloc(1, sizeof(*spawner));
        if (!spawner) {
                (void) macro_close(fd);
                return -ENOMEM;
        }
        spawner->event = sd_event_ref(event);
        spawner->mode = mode;
        spawner->fd = -EBADF;
        spawner->dir_fd = mode == SPAWNER_FORK ? fd : -EBADF;

        if (mode == SPAWNER_FD) {
                r = adopt_connection(spawner, fd);
                if (r < 0)
                        (void) macro_close(fd);
        }
        if (r < 0)
                return r;
        *ret = STEAL_PTR(spawner);
        return 0;
}

Spawner *spawner_free(Spawner *spawner)
{
        Worker *worker, *next;

        if (!spawner)
                return NULL;

        disconnect(spawner);
        HASH_ITER (hh, spawner->workers, worker, next)
                remove_worker(spawner, worker);
        if (spawner->helper)
                helper_wait(spawner->helper);
        (void) helper_free(spawner->helper);
        (void) macro_close(spawner->dir_fd);
        (void) sd_event_unref(spawner->event);
        free(spawner);
        return NULL;
}

void spawner_watch_network(Spawner *spawner, void (*callback)(void *userdata), void *userdata)
{
        spawner->network = callback;
        spawner->network_userdata = userdata;
}

int spawner_start(Spawner *spawner,
                  uint32_t program,
                  uint32_t uid,
                  const char *user,
                  int link_fd,
                  spawner_event_t callback,
                  void *userdata,
                  uint64_t *ret_id)
{
        _cleanup_free_ Worker *worker = NULL;
        SpawnRequest request = {
                .version = SPAWN_PROTOCOL_VERSION,
                .kind = SPAWN_START,
                .id = spawner->last_id + 1,
                .uid = uid,
                .program = program,
        };
        size_t length = strlen(user);
        int r;

        if (length == 0 || length >= sizeof(request.user))
                return -EINVAL;
        memcpy(request.user, user, length);

        worker = calloc(1, sizeof(*worker));
        if (!worker)
                return -ENOMEM;
        worker->id = request.id;
        worker->callback = callback;
        worker->userdata = userdata;

        r = spawner_connect(spawner);
        if (r < 0)
                return r;
        /* Before the request, because a worker that is in no table could not be ended. */
        HASH_ADD(hh, spawner->workers, id, sizeof(worker->id), worker);
        if (!HASH_WAS_ADDED(worker))
                return -ENOMEM;
        r = send_request(spawner, &request, link_fd);
        if (r < 0) {
                HASH_DEL(spawner->workers, worker);
                /* The spawner has hung up, which the loop will read; the next attempt may work. */
                return r == -EPIPE || r == -ECONNRESET ? -EAGAIN : r;
        }
        spawner->last_id = request.id;
        *ret_id = STEAL_PTR(worker)->id;
        return 0;
}

void spawner_kill(Spawner *spawner, uint64_t id)
{
        Worker *worker = find_worker(spawner, id);

        if (!worker || worker->lost)
                return;
        if (send_kill(spawner, worker) == -EAGAIN)
                (void) sd_event_source_set_io_events(spawner->io, EPOLLIN | EPOLLOUT);
}

void spawner_forget(Spawner *spawner, uint64_t id)
{
        Worker *worker = find_worker(spawner, id);

        if (!worker)
                return;
        worker->callback = NULL;
        if (worker->lost)
                remove_worker(spawner, worker);
        else
                spawner_kill(spawner, id);
}
