#include "manager/privileges.h"

#include <errno.h>
#include <pwd.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dbus/spawn-wire.h"

#include "base/fd.h"
#include "base/log.h"
#include "base/macro.h"

#include "confine/rights.h"
#include "manager/spawner.h"

static int hand_over(const char *directory, uid_t uid, gid_t gid)
{
        if (mkdir(directory, 0700) < 0 && errno != EEXIST)
                return -errno;
        return lchown(directory, uid, gid) < 0 ? -errno : 0;
}

static int become_service_user(const char *state_directory)
{
        const struct passwd *entry = getpwnam(SPAWN_SERVICE_USER);
        int r;

        if (!entry || entry->pw_uid == 0) {
                log_err("Started as root, but there is no user %s to become", SPAWN_SERVICE_USER);
                return -ENOENT;
        }
        r = hand_over(state_directory, entry->pw_uid, entry->pw_gid);
        if (r == 0)
                r = rights_bound_capabilities(0);
        if (r == 0)
                r = rights_become_user(SPAWN_SERVICE_USER, entry->pw_uid, entry->pw_gid);
        /* The change of the user has made the process as dumpable as fs.suid_dumpable says. */
        if (r == 0)
                r = rights_forbid_dumps();
        return r;
}

int privileges_drop(bool user, int program_dir_fd, const char *state_directory, int *ret_spawn_fd)
{
        _cleanup_close_ int spawn_fd = -EBADF;
        int r = rights_forbid_dumps();

        if (r == 0 && !user && geteuid() == 0) {
                r = spawner_fork(program_dir_fd, &spawn_fd);
                if (r == 0)
                        r = become_service_user(state_directory);
        }
        /*
         * Messages that wait for the identity of their sender hold the descriptors that came with
         * them, and the bus connection ends if one finds no number: all numbers there are.
         */
        if (r == 0)
                r = fd_set_limit(UINT64_MAX);
        if (r == 0)
                r = rights_forbid_gain();
        if (r == 0)
                *ret_spawn_fd = steal_fd(&spawn_fd);
        return r;
}
