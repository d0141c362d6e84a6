/*
 * dosvc-spawn: the only holder of CAP_SETUID, CAP_SETGID and CAP_KILL. It starts workers and
 * other programs as the owner of a job (spawn/server.h), and is itself started in one of two ways:
 *
 *   dosvc-spawn              by systemd, with a listening socket for user dosvc
 *   dosvc-spawn --connected  by dosvcd, with the connection as descriptor 3
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdbool.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "dbus/spawn-wire.h"

#include "base/child.h"
#include "base/log.h"
#include "base/macro.h"

#include "confine/rights.h"
#include "spawn/child.h"
#include "spawn/server.h"

#define CAPABILITIES_KEPT                                                                          \
        (RIGHTS_CAPABILITY(CAP_SETUID) | RIGHTS_CAPABILITY(CAP_SETGID) |                           \
         RIGHTS_CAPABILITY(CAP_KILL))

/* Descriptors that are opened later must not become 0 to 2. */
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

/* -EINVAL: dosvc-spawn was started in neither way; -ESTALE: there is no user dosvc. */
static int find_sockets(int argc, char **argv, SpawnServerSockets *ret)
{
        const struct passwd *entry;

        if (argc == 2 && strcmp(argv[1], "--connected") == 0) {
                if (sd_is_socket(SPAWN_CONNECTED_FD, AF_UNIX, SOCK_SEQPACKET, 0) <= 0)
                        return -EINVAL;
                *ret = (SpawnServerSockets){
                        .listening = -EBADF,
                        .connected = SPAWN_CONNECTED_FD,
                };
                return fcntl(SPAWN_CONNECTED_FD, F_SETFD, FD_CLOEXEC) < 0 ? -errno : 0;
        }

        if (argc != 1 || sd_listen_fds(1) != 1 ||
            sd_is_socket(SD_LISTEN_FDS_START, AF_UNIX, SOCK_SEQPACKET, 1) <= 0)
                return -EINVAL;
        /* A peer that goes away between poll() and accept() must not stop the loop. */
        if (fcntl(SD_LISTEN_FDS_START, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
                return -errno;
        entry = getpwnam(SPAWN_SERVICE_USER); /* NOLINT(concurrency-mt-unsafe): before the loop */
        if (!entry)
                return -ESTALE;
        *ret = (SpawnServerSockets){
                .listening = SD_LISTEN_FDS_START,
                .connected = -EBADF,
                .client = entry->pw_uid,
        };
        return 0;
}

/* The directory of this program, O_PATH. */
static int open_own_directory(void)
{
        char path[4096];
        ssize_t n = readlink("/proc/self/exe", path, sizeof(path));
        char *slash;
        int fd;

        if (n < 0)
                return -errno;
        path[(size_t) n < sizeof(path) ? n : 0] = '\0';
        slash = strrchr(path, '/');
        if (!slash)
                return -ENAMETOOLONG;
        slash[1] = '\0';
        fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

/*
 * The programs beside this one are opened once, since a path may lead elsewhere later. Only
 * dosvc-worker has to be there: a job that needs no other program works without the others.
 */
static int open_programs(int ret_fds[static SPAWN_PROGRAMS_MAX])
{
        _cleanup_close_ int directory = open_own_directory();

        if (directory < 0)
                return directory;
        for (uint32_t i = 0; i < SPAWN_PROGRAMS_MAX; i++) {
                ret_fds[i] = openat(directory, spawn_child_program_name(i), O_PATH | O_CLOEXEC);
                if (ret_fds[i] < 0)
                        ret_fds[i] = -errno;
        }
        return ret_fds[SPAWN_PROGRAM_WORKER] < 0 ? ret_fds[SPAWN_PROGRAM_WORKER] : 0;
}

/* Under the unit there are no other capabilities to begin with. */
static int reduce_rights(void)
{
        int r;

        if (geteuid() != 0)
                return 0;

        r = rights_bound_capabilities(CAPABILITIES_KEPT);
        return r < 0 ? r : rights_keep_capabilities(CAPABILITIES_KEPT);
}

static int start(int argc, char **argv, SpawnServer **ret)
{
        SpawnServerSockets sockets;
        int program_fds[SPAWN_PROGRAMS_MAX], r;

        r = find_sockets(argc, argv, &sockets);
        if (r == -EINVAL)
                log_err("Usage: dosvc-spawn (with a listening socket of systemd) | "
                        "dosvc-spawn --connected (with a socket as descriptor 3)");
        else if (r == -ESTALE)
                log_err("There is no user \"" SPAWN_SERVICE_USER "\"");
        if (r < 0)
                return r;

        r = open_programs(program_fds);
        if (r < 0) {
                log_errno(LOG_ERR, r, "dosvc-worker cannot be opened");
                return r;
        }
        r = child_leave_keyring();
        if (r == 0)
                r = reduce_rights();
        if (r == 0)
                r = spawn_server_new(&sockets, program_fds, ret);
        if (r < 0)
                log_errno(LOG_ERR, r, "The spawner cannot start");
        return r;
}

int main(int argc, char **argv)
{
        _cleanup_(spawn_server_freep) SpawnServer *server = NULL;

        if (fill_standard_descriptors() < 0)
                return EXIT_FAILURE;
        log_open("dosvc-spawn");
        if (start(argc, argv, &server) < 0)
                return EXIT_FAILURE;

        (void) sd_notify(1, "READY=1");
        /* No child gets it anyway, but modules of the user database read it before that. */
        (void) clearenv();
        spawn_server_run(server);
        return EXIT_SUCCESS;
}
