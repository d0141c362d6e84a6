#include "manager/service-paths.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"

/* "$VARIABLE/rest", or "$HOME/fallback/rest" as the XDG base directories have it. */
static int find_user_path(const char *variable, const char *fallback, const char *rest, char **ret)
{
        const char *directory = getenv(variable), *home = getenv("HOME");

        if (directory && directory[0] == '/')
                return str_format(ret, "%s/%s", directory, rest);
        if (!home || home[0] != '/') {
                log_err("Neither %s nor HOME says where this user's files are", variable);
                return -ENOENT;
        }
        return str_format(ret, "%s/%s/%s", home, fallback, rest);
}

static int find_state_directory(bool user, char **ret)
{
        const char *given = getenv("STATE_DIRECTORY");

        /* systemd separates several directories by colons; the unit has one. */
        if (given)
                return str_format(ret, "%.*s", (int) strcspn(given, ":"), given);
        if (user)
                return find_user_path("XDG_STATE_HOME", ".local/state", "dosvc", ret);
        return str_set(ret, "/var/lib/dosvc");
}

static int find_config(bool user, char **ret)
{
        if (user)
                return find_user_path("XDG_CONFIG_HOME", ".config", "dosvc/dosvcd.conf", ret);
        return str_set(ret, SYSCONFDIR "/dosvc/dosvcd.conf");
}

/* All directories above that path. One that cannot be made shows when the last one is missing. */
static void make_parents(const char *path)
{
        _cleanup_free_ char *copy = strdup(path);

        for (char *slash = copy ? strchr(copy + 1, '/') : NULL; slash;
             slash = strchr(slash + 1, '/')) {
                *slash = '\0';
                (void) mkdir(copy, 0700);
                *slash = '/';
        }
}

int service_paths_find(ServicePaths *paths, bool user)
{
        int r = 0;

        if (!paths->state_directory)
                r = find_state_directory(user, &paths->state_directory);
        if (r >= 0 && !paths->config)
                r = find_config(user, &paths->config);
        if (r >= 0 && user)
                make_parents(paths->state_directory);
        return r;
}

int service_paths_open_state(const ServicePaths *paths)
{
        const char *path = paths->state_directory;
        int fd;

        if (mkdir(path, 0700) < 0 && errno != EEXIST) {
                log_errno(LOG_ERR, errno, "%s cannot be made", path);
                return -errno;
        }
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0) {
                log_errno(LOG_ERR, errno, "%s cannot be opened", path);
                return -errno;
        }
        return fd;
}

int service_paths_open_programs(void)
{
        char path[4096];
        ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
        char *slash;
        int fd;

        if (n < 0)
                return -errno;
        path[n] = '\0';
        slash = strrchr(path, '/');
        if (slash)
                *slash = '\0';
        fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

void service_paths_done(ServicePaths *paths)
{
        free(paths->state_directory);
        free(paths->config);
        *paths = (ServicePaths){ 0 };
}
