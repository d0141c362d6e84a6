#include "spawn/server.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "base/log.h"
#include "base/network-watch.h"
#include "base/uid.h"

#include "spawn/child.h"

/* Each child causes two replies. A manager that leaves more than these unread is gone. */
#define REPLIES_MAX (4 * SPAWN_CHILDREN_MAX)

/* Without a connection for so long the server ends; systemd starts it again when it is needed. */
#define IDLE_MSEC (60 * 1000)

typedef struct Child {
        uint64_t id;
        uint32_t uid;
        pid_t pid;
        int status_fd; /* owned; -EBADF once SPAWN_STARTED was sent */
        bool refused;  /* SPAWN_STARTED carried an error: no SPAWN_EXITED follows */
} Child;

struct SpawnServer {
        Child children[SPAWN_CHILDREN_MAX];
        size_t n_children;
        SpawnReply replies[REPLIES_MAX]; /* ring of those that the socket did not take yet */
        size_t first_reply, n_replies;
        SpawnServerSockets sockets;          /* owned; .connected is -EBADF while nobody is */
        int signal_fd;                       /* owned */
        int program_fds[SPAWN_PROGRAMS_MAX]; /* owned, O_PATH; or the errno of open(2) */
        NetworkWatch network;                /* open as long as somebody is connected */
        bool terminating;
};

/* Replies --------------------------------------------------------------------------------- */

static void flush_replies(SpawnServer *server)
{
        while (server->n_replies > 0) {
                const SpawnReply *reply = &server->replies[server->first_reply];

                if (send(server->sockets.connected,
                         reply,
                         sizeof(*reply),
                         MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
                        if (errno != EAGAIN && errno != EINTR)
                                server->n_replies = 0; /* receive_request() reads the hang-up */
                        return;
                }
                server->first_reply = (server->first_reply + 1) % REPLIES_MAX;
                server->n_replies--;
        }
}

static void reply(SpawnServer *server, uint32_t kind, uint64_t id, int error, int status)
{
        if (server->sockets.connected < 0)
                return;
        if (server->n_replies == REPLIES_MAX) {
                log_warning("dosvcd reads no replies, so its connection is ended");
                (void) shutdown(server->sockets.connected, SHUT_RDWR);
                return;
        }
        server->replies[(server->first_reply + server->n_replies) % REPLIES_MAX] = (SpawnReply){
                .version = SPAWN_PROTOCOL_VERSION,
                .kind = kind,
                .id = id,
                .error = error,
                .status = status,
        };
        server->n_replies++;
        flush_replies(server);
}

/* Children -------------------------------------------------------------------------------- */

static Child *find_child(SpawnServer *server, uint64_t id)
{
        for (size_t i = 0; i < server->n_children; i++)
                if (server->children[i].id == id)
                        return &server->children[i];
        return NULL;
}

/* To be called when the status pipe is readable, or the child is reaped. */
static void report_start(SpawnServer *server, Child *child)
{
        int error;

        if (child->status_fd < 0)
                return;
        error = spawn_child_error(child->status_fd);
        child->status_fd = macro_close(child->status_fd);
        child->refused = error != 0;
        reply(server, SPAWN_STARTED, child->id, error, 0);
}

static void reap_children(SpawnServer *server)
{
        for (size_t i = server->n_children; i-- > 0;) {
                Child *child = &server->children[i];
                int status;

                if (waitpid(child->pid, &status, WNOHANG) != child->pid)
                        continue;
                report_start(server, child);
                if (!child->refused)
                        reply(server, SPAWN_EXITED, child->id, 0, status);
                *child = server->children[--server->n_children];
        }
}

static size_t count_children_of(const SpawnServer *server, uint32_t uid)
{
        size_t n = 0;

        for (size_t i = 0; i < server->n_children; i++)
                n += server->children[i].uid == uid;
        return n;
}

static int start_child(SpawnServer *server, const SpawnRequest *request, int link_fd)
{
        Child child = { .id = request->id, .uid = request->uid };
        int r;

        if (server->n_children == SPAWN_CHILDREN_MAX ||
            count_children_of(server, request->uid) >= SPAWN_CHILDREN_PER_USER_MAX)
                return -EAGAIN;
        r = spawn_child_start(request,
                              server->program_fds[request->program],
                              link_fd,
                              &child.pid,
                              &child.status_fd);
        if (r == 0)
                server->children[server->n_children++] = child;
        return r;
}

/* No child outlives the connection, and none may be left when the next connection comes. */
static void end_connection(SpawnServer *server)
{
        server->sockets.connected = macro_close(server->sockets.connected);
        network_watch_close(&server->network);
        server->first_reply = server->n_replies = 0;

        for (size_t i = 0; i < server->n_children; i++)
                (void) kill(server->children[i].pid, SIGKILL);
        while (server->n_children > 0) {
                Child *child = &server->children[--server->n_children];

                while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
                        ;
                child->status_fd = macro_close(child->status_fd);
        }
}

/* Requests -------------------------------------------------------------------------------- */

static int check_start(const SpawnServer *server, const SpawnRequest *request)
{
        if (uid_is_refused(request->uid))
                return -EPERM;
        if (geteuid() != 0 && request->uid != geteuid())
                return -EPERM;
        return server->program_fds[request->program] < 0 ? server->program_fds[request->program]
                                                         : 0;
}

static int handle_request(SpawnServer *server, const SpawnRequest *request, int link_fd)
{
        const Child *child = find_child(server, request->id);
        int r;

        if (request->kind == SPAWN_KILL && link_fd < 0) {
                if (child)
                        (void) kill(child->pid, SIGKILL);
                return 0;
        }
        if (request->kind != SPAWN_START || link_fd < 0 || child || request->user[0] == '\0' ||
            request->program >= SPAWN_PROGRAMS_MAX ||
            !memchr(request->user, '\0', sizeof(request->user)))
                return -EBADMSG;

        r = check_start(server, request);
        if (r == 0)
                r = start_child(server, request, link_fd);
        if (r < 0)
                reply(server, SPAWN_STARTED, request->id, -r, 0);
        return 0;
}

/* *ret is the descriptor of a message or -EBADF. -EBADMSG: there are several; all are closed. */
static int take_descriptor(struct msghdr *message, int *ret)
{
        _cleanup_close_ int taken = -EBADF;
        bool surplus = (message->msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;

        for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
                size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

                if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
                        continue;
                for (size_t i = 0; i < count; i++) {
                        int fd;

                        memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
                        surplus = surplus || taken >= 0;
                        (void) macro_close(taken);
                        taken = fd;
                }
        }
        if (surplus)
                return -EBADMSG;
        *ret = steal_fd(&taken);
        return 0;
}

/* 1: a request was handled; 0: hang-up; -EAGAIN; -EBADMSG: the record breaks the contract. */
static int receive_request(SpawnServer *server)
{
        _cleanup_close_ int link_fd = -EBADF;
        union {
                struct cmsghdr align;
                char bytes[CMSG_SPACE(sizeof(int))];
        } control;
        SpawnRequest request;
        struct iovec iovec = { .iov_base = &request, .iov_len = sizeof(request) };
        struct msghdr message = {
                .msg_iov = &iovec,
                .msg_iovlen = 1,
                .msg_control = &control,
                .msg_controllen = sizeof(control),
        };
        ssize_t n = recvmsg(server->sockets.connected, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        int r;

        if (n < 0)
                return errno == EINTR ? -EAGAIN : -errno;
        r = take_descriptor(&message, &link_fd);
        if (r < 0)
                return r;
        if (n == 0)
                return 0;
        if (n != sizeof(request) || request.version != SPAWN_PROTOCOL_VERSION)
                return -EBADMSG;
        r = handle_request(server, &request, link_fd);
        return r < 0 ? r : 1;
}

static void serve_connection(SpawnServer *server)
{
        int r = receive_request(server);

        if (r > 0 || r == -EAGAIN)
                return;
        if (r < 0)
                log_errno(LOG_WARNING, r, "The connection of dosvcd is ended");
        end_connection(server);
}

/* The network ----------------------------------------------------------------------------- */

static uint64_t now_msec(void)
{
        struct timespec now = { 0 };

        (void) clock_gettime(CLOCK_BOOTTIME, &now);
        return (uint64_t) now.tv_sec * 1000 + (uint64_t) now.tv_nsec / 1000000;
}

/* A failure is not fatal: jobs then wait until the time of their next attempt. */
static void watch_network(SpawnServer *server)
{
        int r = network_watch_open(&server->network);

        if (r < 0)
                log_errno(LOG_DEBUG, r, "Changes of the network cannot be watched");
}

static void report_network(SpawnServer *server)
{
        if (network_watch_check(&server->network, now_msec()))
                reply(server, SPAWN_NETWORK, 0, 0, 0);
}

/* Connections ----------------------------------------------------------------------------- */

static void accept_connection(SpawnServer *server)
{
        _cleanup_close_ int fd = accept4(server->sockets.listening, NULL, NULL, SOCK_CLOEXEC);
        struct ucred peer = { .uid = (uid_t) -1 };
        socklen_t size = sizeof(peer);

        if (fd < 0)
                return;
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 ||
            peer.uid != server->sockets.client) {
                log_warning("A connection of uid %u is refused", peer.uid);
                return;
        }
        server->sockets.connected = steal_fd(&fd);
        watch_network(server);
}

static void take_signals(SpawnServer *server)
{
        struct signalfd_siginfo info;

        while (read(server->signal_fd, &info, sizeof(info)) == sizeof(info))
                if (info.ssi_signo == SIGTERM)
                        server->terminating = true;
        reap_children(server);
}

/* The descriptors to wait for, in this order. poll(2) skips those that are negative. */
enum { POLL_SIGNALS, POLL_SOCKET, POLL_NETWORK, POLL_FIRST_CHILD };

static size_t list_polled(const SpawnServer *server,
                          uint64_t now,
                          struct pollfd ret[static POLL_FIRST_CHILD + SPAWN_CHILDREN_MAX])
{
        const SpawnServerSockets *sockets = &server->sockets;

        ret[POLL_SIGNALS] = (struct pollfd){ .fd = server->signal_fd, .events = POLLIN };
        ret[POLL_SOCKET] = (struct pollfd){
                .fd = sockets->connected >= 0 ? sockets->connected : sockets->listening,
                .events = (short) (server->n_replies > 0 ? POLLIN | POLLOUT : POLLIN),
        };
        ret[POLL_NETWORK] = (struct pollfd){
                .fd = network_watch_fd(&server->network, now),
                .events = POLLIN,
        };
        for (size_t i = 0; i < server->n_children; i++)
                ret[POLL_FIRST_CHILD + i] = (struct pollfd){
                        .fd = server->children[i].status_fd,
                        .events = POLLIN,
                };
        return POLL_FIRST_CHILD + server->n_children;
}

static void serve_socket(SpawnServer *server, short events)
{
        if (events & POLLOUT)
                flush_replies(server);
        if ((events & (POLLIN | POLLHUP | POLLERR)) == 0)
                return;
        if (server->sockets.connected >= 0)
                serve_connection(server);
        else
                accept_connection(server);
}

/* One iteration of the loop; false when there is nothing left to do. */
static bool serve_once(SpawnServer *server)
{
        struct pollfd polled[POLL_FIRST_CHILD + SPAWN_CHILDREN_MAX];
        const bool connected = server->sockets.connected >= 0;
        const uint64_t now = now_msec();
        const size_t n_polled = list_polled(server, now, polled);
        int n;

        n = poll(polled,
                 n_polled,
                 connected ? network_watch_timeout_msec(&server->network, now) : IDLE_MSEC);
        if (n < 0)
                return errno == EINTR;
        if (n == 0 && !connected)
                return false;

        report_network(server);
        /* Children keep their indices until they are reaped, which is done after this. */
        for (size_t i = POLL_FIRST_CHILD; i < n_polled; i++)
                if (polled[i].revents)
                        report_start(server, &server->children[i - POLL_FIRST_CHILD]);
        if (polled[POLL_SIGNALS].revents)
                take_signals(server);
        serve_socket(server, polled[POLL_SOCKET].revents);
        return !server->terminating &&
               (server->sockets.connected >= 0 || server->sockets.listening >= 0);
}

/* Life ------------------------------------------------------------------------------------ */

static int open_signals(SpawnServer *server)
{
        sigset_t mask;

        (void) sigemptyset(&mask);
        (void) sigaddset(&mask, SIGCHLD);
        (void) sigaddset(&mask, SIGTERM);
        if (sigprocmask(SIG_SETMASK, &mask, NULL) < 0)
                return -errno;
        /* An inherited SIG_IGN would make the kernel reap the children. */
        (void) signal(SIGCHLD, SIG_DFL);
        server->signal_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
        return server->signal_fd < 0 ? -errno : 0;
}

int spawn_server_new(const SpawnServerSockets *sockets,
                     const int program_fds[static SPAWN_PROGRAMS_MAX],
                     SpawnServer **ret)
{
        _cleanup_(spawn_server_freep) SpawnServer *server = calloc(1, sizeof(*server));
        int r;

        if (!server)
                return -ENOMEM;
        server->sockets = *sockets;
        memcpy(server->program_fds, program_fds, sizeof(server->program_fds));
        server->network.fd = server->signal_fd = -EBADF;
        r = open_signals(server);
        if (r < 0)
                return r;
        if (sockets->connected >= 0)
                watch_network(server);
        *ret = STEAL_PTR(server);
        return 0;
}

void spawn_server_run(SpawnServer *server)
{
        while (serve_once(server))
                ;
}

SpawnServer *spawn_server_free(SpawnServer *server)
{
        if (!server)
                return NULL;

        end_connection(server);
        (void) macro_close(server->sockets.listening);
        (void) macro_close(server->signal_fd);
        for (size_t i = 0; i < SPAWN_PROGRAMS_MAX; i++)
                (void) macro_close(server->program_fds[i]);
        free(server);
        return NULL;
}
