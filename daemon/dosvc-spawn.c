/*
 * dosvc-spawn: the only holder of CAP_SETUID, CAP_SETGID and CAP_KILL. It takes records of
 * dbus/spawn-wire.h from one connection at a time, and for each START forks a child that
 * becomes the user, gives up everything else and runs dosvc-worker, or dosvc-proxy, with the
 * given link.
 *
 *   dosvc-spawn              activated by systemd: a listening socket; dosvc's uid only
 *   dosvc-spawn --connected  the connection is descriptor 3: forked by dosvcd
 *
 * It is also where the manager, which has no network, hears that something of the network came
 * up (base/network-watch): that one word and nothing of its content.
 *
 * Knows no job, bus or database. The user database is asked in the child only, as
 * it may block; what the child reports comes back through a pipe that exec closes. Without
 * root's rights (user instance) it starts workers of its own uid only, and the steps that
 * take rights are left out. Follows credentials(7), capabilities(7), keyrings(7).
 */
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <pwd.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "dbus/spawn-wire.h"
#include "dbus/worker-wire.h"

#include "base/child.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/macro.h"
#include "base/network-watch.h"
#include "base/uid.h"

#include "confine/rights.h"

#define SERVICE_USER "dosvc"

/* Well over the active jobs of a busy machine, well under what a pid or fd limit allows. */
#define CHILDREN_MAX 256

/* Of one user: whoever stops his workers with a signal does not take the places of all others. */
#define CHILDREN_PER_USER_MAX (CHILDREN_MAX / 2)

/* Two records a child, and refusals: a manager that leaves more than this unread is gone. */
#define REPLIES_MAX (4 * CHILDREN_MAX)

#define IDLE_MSEC (60 * 1000)

#define CAPABILITIES_KEPT                                                                          \
        (RIGHTS_CAPABILITY(CAP_SETUID) | RIGHTS_CAPABILITY(CAP_SETGID) |                           \
         RIGHTS_CAPABILITY(CAP_KILL))

_Static_assert(WORKER_LINK_FD == CHILD_LINK_FD, "the link of a worker");

#define SPAWN_PROGRAM_NAME(name, file) file,
static char program_names[][16] = { SPAWN_PROGRAMS(SPAWN_PROGRAM_NAME) };

typedef struct Child {
        uint64_t id;
        uint32_t uid;
        pid_t pid;
        int status_fd; /* owned; -EBADF once STARTED was told */
        bool refused;  /* STARTED told an error: its end is nobody's business */
} Child;

typedef struct Server {
        Child children[CHILDREN_MAX];
        size_t n_children;
        SpawnReply replies[REPLIES_MAX]; /* ring of those that the socket did not take yet */
        size_t first_reply, n_replies;
        int listen_fd;                       /* owned; -EBADF with --connected */
        int connection_fd;                   /* owned; -EBADF while nobody is connected */
        int signal_fd;                       /* owned */
        int program_fds[SPAWN_PROGRAMS_MAX]; /* owned, O_PATH; -ENOENT: not installed */
        NetworkWatch network;                /* open as long as somebody is connected */
        uid_t service_uid;                   /* who may connect to listen_fd */
        bool terminating;
} Server;

/* The child, from fork to exec ------------------------------------------------------------ */

/* The entry of that name must still have that uid: uids are given out again. */
static int child_find_user(const SpawnRequest *request, gid_t *ret_gid)
{
        char buffer[16384];
        struct passwd entry, *found = NULL;
        int r = getpwuid_r(request->uid, &entry, buffer, sizeof(buffer), &found);

        if (!found)
                return r > 0 && r != ENOENT && r != ESRCH ? -r : -ESTALE;
        if (strcmp(entry.pw_name, request->user) != 0)
                return -ESTALE;
        *ret_gid = entry.pw_gid;
        return 0;
}

static int child_become_user(const SpawnRequest *request)
{
        gid_t gid = (gid_t) -1; /* no group: initgroups(3) fails with it */
        int r;

        r = child_find_user(request, &gid);
        if (r < 0)
                return r;

        /* As root where possible: a user has 200 keys, and each keyring would be one of them. */
        r = child_leave_keyring();
        if (r < 0)
                return r;
        return rights_become_user(request->user, request->uid, gid);
}

static int child_settle(pid_t parent)
{
        const struct rlimit no_core = { 0, 0 };
        int r;

        /* A change of credentials clears this, so it comes after; the parent may be gone by now. */
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
                return -errno;
        if (getppid() != parent)
                _exit(EXIT_FAILURE);

        if (setrlimit(RLIMIT_CORE, &no_core) < 0 || chdir("/") < 0)
                return -errno;
        r = rights_forbid_gain();
        if (r < 0)
                return r;
        (void) umask(0077);
        /* What the user database has opened meanwhile. */
        return child_close_others();
}

static int child_prepare(const SpawnRequest *request, pid_t parent)
{
        int r;

        r = child_reset_signals();
        if (r < 0)
                return r;
        if (setsid() < 0)
                return -errno;
        r = child_become_user(request);
        if (r < 0)
                return r;
        return child_settle(parent);
}

static _noreturn_ void child_run(const Server *server,
                                 const SpawnRequest *request,
                                 pid_t parent,
                                 int link_fd,
                                 int status_fd)
{
        static char path[] = "PATH=/usr/bin:/bin", lang[] = "LANG=C.UTF-8";
        char *const environment[] = { path, lang, NULL };
        char *const argv[] = { program_names[request->program], NULL };
        int r;

        r = child_arrange_descriptors(&(ChildDescriptors){
                .output = -EBADF,
                .link = link_fd,
                .program = server->program_fds[request->program],
                .status = status_fd,
        });
        if (r == 0) {
                status_fd = CHILD_STATUS_FD;
                r = child_prepare(request, parent);
        }
        if (r == 0) {
                (void) execveat(CHILD_PROGRAM_FD, "", argv, environment, AT_EMPTY_PATH);
                r = -errno;
        }

        (void) fd_write_all(status_fd, &r, sizeof(r));
        _exit(EXIT_FAILURE);
}

/* Replies --------------------------------------------------------------------------------- */

static void flush_replies(Server *server)
{
        while (server->n_replies > 0) {
                const SpawnReply *reply = &server->replies[server->first_reply];

                if (send(server->connection_fd,
                         reply,
                         sizeof(*reply),
                         MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
                        if (errno != EAGAIN && errno != EINTR)
                                server->n_replies = 0; /* the end is read by receive_request() */
                        return;
                }
                server->first_reply = (server->first_reply + 1) % REPLIES_MAX;
                server->n_replies--;
        }
}

static void reply(Server *server, uint32_t kind, uint64_t id, int error, int status)
{
        if (server->connection_fd < 0)
                return;
        if (server->n_replies == REPLIES_MAX) {
                log_warning("dosvcd does not read, ending the connection");
                (void) shutdown(server->connection_fd, SHUT_RDWR);
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

static Child *find_child(Server *server, uint64_t id)
{
        for (size_t i = 0; i < server->n_children; i++)
                if (server->children[i].id == id)
                        return &server->children[i];
        return NULL;
}

/* The status pipe is readable or closed: the child has failed, runs the worker, or is dead. */
static void tell_started(Server *server, Child *child)
{
        size_t size = 0;
        int error = 0;

        if (child->status_fd < 0)
                return;
        if (fd_read_all(child->status_fd, &error, sizeof(error), &size) < 0 ||
            size != sizeof(error))
                error = 0;
        child->status_fd = macro_close(child->status_fd);
        child->refused = error != 0;
        reply(server, SPAWN_STARTED, child->id, -error, 0);
}

static void reap_children(Server *server)
{
        for (size_t i = server->n_children; i-- > 0;) {
                Child *child = &server->children[i];
                int status;

                if (waitpid(child->pid, &status, WNOHANG) != child->pid)
                        continue;
                tell_started(server, child);
                if (!child->refused)
                        reply(server, SPAWN_EXITED, child->id, 0, status);
                *child = server->children[--server->n_children];
        }
}

static size_t count_children_of(const Server *server, uint32_t uid)
{
        size_t n = 0;

        for (size_t i = 0; i < server->n_children; i++)
                n += server->children[i].uid == uid;
        return n;
}

static int fork_child(Server *server, const SpawnRequest *request, int link_fd)
{
        pid_t parent = getpid(), pid;
        int status[2];

        if (server->n_children == CHILDREN_MAX ||
            count_children_of(server, request->uid) >= CHILDREN_PER_USER_MAX)
                return -EAGAIN;
        if (pipe2(status, O_CLOEXEC | O_NONBLOCK) < 0)
                return -errno;

        pid = fork();
        if (pid == 0)
                child_run(server, request, parent, link_fd, status[1]);
        if (pid < 0) {
                int r = -errno;

                (void) close(status[0]);
                (void) close(status[1]);
                return r;
        }

        (void) close(status[1]);
        server->children[server->n_children++] = (Child){
                .id = request->id,
                .uid = request->uid,
                .pid = pid,
                .status_fd = status[0],
        };
        return 0;
}

/* No worker outlives the connection, and none may be left when the next one comes. */
static void end_connection(Server *server)
{
        server->connection_fd = macro_close(server->connection_fd);
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

static int start_worker(Server *server, const SpawnRequest *request, int link_fd)
{
        if (uid_is_refused(request->uid))
                return -EPERM;
        if (geteuid() != 0 && request->uid != geteuid())
                return -EPERM;
        if (server->program_fds[request->program] < 0)
                return server->program_fds[request->program];
        return fork_child(server, request, link_fd);
}

static int handle_request(Server *server, const SpawnRequest *request, int link_fd)
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

        r = start_worker(server, request, link_fd);
        if (r < 0)
                reply(server, SPAWN_STARTED, request->id, -r, 0);
        return 0;
}

/* The one descriptor of a message in *ret, -EBADF for none; -EBADMSG and all closed for more. */
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

/* 1: a request was handled; 0: hang-up; -EAGAIN; -EBADMSG: not what the contract says. */
static int receive_request(Server *server)
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
        ssize_t n = recvmsg(server->connection_fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
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

static void serve_connection(Server *server)
{
        int r = receive_request(server);

        if (r > 0 || r == -EAGAIN)
                return;
        if (r < 0)
                log_errno(LOG_WARNING, r, "Ending the connection of dosvcd");
        end_connection(server);
}

/* The network ----------------------------------------------------------------------------- */

static uint64_t now_msec(void)
{
        struct timespec now = { 0 };

        (void) clock_gettime(CLOCK_BOOTTIME, &now);
        return (uint64_t) now.tv_sec * 1000 + (uint64_t) now.tv_nsec / 1000000;
}

/* Without it jobs wait out their delays, which is no reason to start none. */
static void watch_network(Server *server)
{
        int r = network_watch_open(&server->network);

        if (r < 0)
                log_errno(LOG_DEBUG, r, "It cannot be heard when the network comes up");
}

static void tell_network(Server *server)
{
        if (network_watch_turn(&server->network, now_msec()))
                reply(server, SPAWN_NETWORK, 0, 0, 0);
}

/* Connections ----------------------------------------------------------------------------- */

static void accept_connection(Server *server)
{
        _cleanup_close_ int fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC);
        struct ucred peer = { .uid = (uid_t) -1 };
        socklen_t size = sizeof(peer);

        if (fd < 0)
                return;
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 ||
            peer.uid != server->service_uid) {
                log_warning("Refused a connection of uid %u", peer.uid);
                return;
        }
        server->connection_fd = steal_fd(&fd);
        watch_network(server);
}

static void take_signals(Server *server)
{
        struct signalfd_siginfo info;

        while (read(server->signal_fd, &info, sizeof(info)) == sizeof(info))
                if (info.ssi_signo == SIGTERM)
                        server->terminating = true;
        reap_children(server);
}

/* One turn of the loop; false when there is nothing left to do. */
static bool serve_once(Server *server)
{
        enum { SIGNALS, SOCKET, NETWORK, FIRST_CHILD };
        struct pollfd polled[FIRST_CHILD + CHILDREN_MAX] = {
                [SIGNALS] = { .fd = server->signal_fd, .events = POLLIN },
        };
        bool connected = server->connection_fd >= 0;
        size_t n_children = server->n_children;
        uint64_t now = now_msec();
        int n;

        polled[SOCKET].fd = connected ? server->connection_fd : server->listen_fd;
        polled[SOCKET].events = (short) (server->n_replies > 0 ? POLLIN | POLLOUT : POLLIN);
        polled[NETWORK] = (struct pollfd){
                .fd = network_watch_fd(&server->network, now),
                .events = POLLIN,
        };
        for (size_t i = 0; i < n_children; i++)
                polled[FIRST_CHILD + i] = (struct pollfd){
                        .fd = server->children[i].status_fd, /* a negative one is skipped */
                        .events = POLLIN,
                };

        n = poll(polled,
                 FIRST_CHILD + n_children,
                 connected ? network_watch_timeout_msec(&server->network, now) : IDLE_MSEC);
        if (n < 0)
                return errno == EINTR;
        if (n == 0 && !connected)
                return false;
        tell_network(server);

        /* Children keep their places until they are reaped. */
        for (size_t i = 0; i < n_children; i++)
                if (polled[FIRST_CHILD + i].revents)
                        tell_started(server, &server->children[i]);
        if (polled[SIGNALS].revents)
                take_signals(server);
        if (polled[SOCKET].revents & POLLOUT)
                flush_replies(server);
        if (polled[SOCKET].revents & (POLLIN | POLLHUP | POLLERR)) {
                if (connected)
                        serve_connection(server);
                else
                        accept_connection(server);
        }
        return !server->terminating && (server->connection_fd >= 0 || server->listen_fd >= 0);
}

/* Start ----------------------------------------------------------------------------------- */

/* The programs beside this one, opened once: what a path means may change, a descriptor not. */
static int open_programs(Server *server)
{
        _cleanup_close_ int directory = -EBADF;
        char path[4096];
        ssize_t n = readlink("/proc/self/exe", path, sizeof(path));
        char *slash;

        if (n < 0)
                return -errno;
        path[(size_t) n < sizeof(path) ? n : 0] = '\0';
        slash = strrchr(path, '/');
        if (!slash)
                return -ENAMETOOLONG;
        slash[1] = '\0';

        directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (directory < 0)
                return -errno;
        for (size_t i = 0; i < SPAWN_PROGRAMS_MAX; i++) {
                server->program_fds[i] = openat(directory, program_names[i], O_PATH | O_CLOEXEC);
                if (server->program_fds[i] < 0)
                        server->program_fds[i] = -errno;
        }
        /* Without the others there are jobs that work. */
        return server->program_fds[SPAWN_PROGRAM_WORKER] < 0
                       ? server->program_fds[SPAWN_PROGRAM_WORKER]
                       : 0;
}

/* From all of root's rights to three; under the unit there are no others to begin with. */
static int reduce_rights(void)
{
        int r;

        if (geteuid() != 0)
                return 0;

        r = rights_bound_capabilities(CAPABILITIES_KEPT);
        return r < 0 ? r : rights_keep_capabilities(CAPABILITIES_KEPT);
}

static int open_signals(Server *server)
{
        sigset_t mask;

        (void) sigemptyset(&mask);
        (void) sigaddset(&mask, SIGCHLD);
        (void) sigaddset(&mask, SIGTERM);
        if (sigprocmask(SIG_SETMASK, &mask, NULL) < 0)
                return -errno;
        /* An inherited SIG_IGN would make the kernel reap our children. */
        (void) signal(SIGCHLD, SIG_DFL);
        server->signal_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
        return server->signal_fd < 0 ? -errno : 0;
}

/* -EINVAL: neither way of starting it. */
static int open_socket(Server *server, int argc, char **argv)
{
        const struct passwd *entry;

        if (argc == 2 && strcmp(argv[1], "--connected") == 0) {
                if (sd_is_socket(SPAWN_CONNECTED_FD, AF_UNIX, SOCK_SEQPACKET, 0) <= 0)
                        return -EINVAL;
                server->connection_fd = SPAWN_CONNECTED_FD;
                return fcntl(SPAWN_CONNECTED_FD, F_SETFD, FD_CLOEXEC) < 0 ? -errno : 0;
        }

        if (argc != 1 || sd_listen_fds(1) != 1 ||
            sd_is_socket(SD_LISTEN_FDS_START, AF_UNIX, SOCK_SEQPACKET, 1) <= 0)
                return -EINVAL;
        server->listen_fd = SD_LISTEN_FDS_START;
        /* A peer that goes away between poll() and accept() must not stop the loop. */
        if (fcntl(server->listen_fd, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
                return -errno;

        entry = getpwnam(SERVICE_USER); /* NOLINT(concurrency-mt-unsafe): before the loop */
        if (!entry)
                return -ESTALE;
        server->service_uid = entry->pw_uid;
        return 0;
}

static int start(Server *server, int argc, char **argv)
{
        int r;

        r = open_socket(server, argc, argv);
        if (r == -EINVAL)
                log_err("Usage: dosvc-spawn (with a listening socket of systemd) | "
                        "dosvc-spawn --connected (with a socket as descriptor 3)");
        else if (r == -ESTALE)
                log_err("There is no user \"" SERVICE_USER "\"");
        if (r < 0)
                return r;

        r = open_programs(server);
        if (r < 0) {
                log_errno(LOG_ERR, r, "Cannot open dosvc-worker");
                return r;
        }
        r = child_leave_keyring();
        if (r == 0)
                r = open_signals(server);
        if (r == 0)
                r = reduce_rights();
        if (r < 0) {
                log_errno(LOG_ERR, r, "Cannot start");
                return r;
        }
        if (server->connection_fd >= 0)
                watch_network(server);
        return 0;
}

/* Later descriptors must not become 0 to 2. */
static int fill_standard_descriptors(void)
{
        int fd;

        do
                fd = open("/dev/null", O_RDWR | O_CLOEXEC);
        while (fd >= 0 && fd <= STDERR_FILENO);
        if (fd < 0)
                return -errno;
        (void) close(fd);
        return 0;
}

int main(int argc, char **argv)
{
        static Server server = {
                .listen_fd = -EBADF,
                .connection_fd = -EBADF,
                .signal_fd = -EBADF,
                .network.fd = -EBADF,
                .program_fds = { -ENOENT, -ENOENT },
                .service_uid = (uid_t) -1,
        };

        if (fill_standard_descriptors() < 0)
                return EXIT_FAILURE;
        log_open("dosvc-spawn");
        if (start(&server, argc, argv) < 0)
                return EXIT_FAILURE;

        (void) sd_notify(1, "READY=1");
        /* Nothing of it reaches a worker; this keeps it from modules of the user database too. */
        (void) clearenv();

        while (serve_once(&server))
                ;
        end_connection(&server);
        return EXIT_SUCCESS;
}
