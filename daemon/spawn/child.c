#include "spawn/child.h"

#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dbus/proxy-wire.h"
#include "dbus/worker-wire.h"

#include "base/child.h"
#include "base/fd.h"
#include "base/macro.h"

#include "confine/rights.h"

_Static_assert(WORKER_LINK_FD == CHILD_LINK_FD && PROXY_LINK_FD == CHILD_LINK_FD,
               "a program finds its link where its contract says");

#define SPAWN_PROGRAM_NAME(name, file) file,
static char program_names[][16] = { SPAWN_PROGRAMS(SPAWN_PROGRAM_NAME) };

const char *spawn_child_program_name(uint32_t program)
{
        return program_names[program];
}

/*
 * Comes before any right is given up: from the change of the user on, that user may have a say
 * in this process, which then must not hold the connection to the manager any more.
 */
static int isolate(int program_fd, int link_fd, int status_fd)
{
        return child_arrange_descriptors(&(ChildDescriptors){
                .output = -EBADF,
                .link = link_fd,
                .program = program_fd,
                .status = status_fd,
        });
}

/* -ESTALE: no user has that uid and that name. Uids are given out again, so both must match. */
static int find_group(const SpawnRequest *request, gid_t *ret_gid)
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

static int become_owner(const SpawnRequest *request)
{
        gid_t gid = (gid_t) -1; /* no group: initgroups(3) fails with it */
        int r = find_group(request, &gid);

        /*
         * The new keyring is root's where possible: a user has 200 keys, and each keyring would be
         * one of them.
         */
        if (r == 0)
                r = child_leave_keyring();
        if (r == 0)
                r = rights_become_user(request->user, request->uid, gid);
        return r;
}

/* A change of credentials clears this, so it comes after; the parent may be gone by now. */
static int die_with(pid_t parent)
{
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
                return -errno;
        if (getppid() != parent)
                _exit(EXIT_FAILURE);
        return 0;
}

static int set_constants(void)
{
        const struct rlimit no_core = { 0, 0 };

        if (setrlimit(RLIMIT_CORE, &no_core) < 0 || chdir("/") < 0)
                return -errno;
        (void) umask(0077);
        return rights_forbid_gain();
}

static int prepare(const SpawnRequest *request, pid_t parent)
{
        int r = child_reset_signals();

        if (r == 0 && setsid() < 0)
                r = -errno;
        if (r == 0)
                r = become_owner(request);
        if (r == 0)
                r = die_with(parent);
        if (r == 0)
                r = set_constants();
        /* The user database may have left descriptors open. */
        if (r == 0)
                r = child_close_others();
        return r;
}

/* Returns only with the error of execveat(2). */
static int execute(const SpawnRequest *request)
{
        static char path[] = "PATH=/usr/bin:/bin", lang[] = "LANG=C.UTF-8";
        char *const argv[] = { program_names[request->program], NULL };
        char *const environment[] = { path, lang, NULL };

        (void) execveat(CHILD_PROGRAM_FD, "", argv, environment, AT_EMPTY_PATH);
        return -errno;
}

static _noreturn_ void
run(const SpawnRequest *request, pid_t parent, int program_fd, int link_fd, int status_fd)
{
        int r = isolate(program_fd, link_fd, status_fd);

        if (r == 0) {
                status_fd = CHILD_STATUS_FD;
                r = prepare(request, parent);
        }
        if (r == 0)
                r = execute(request);
        (void) fd_write_all(status_fd, &r, sizeof(r));
        _exit(EXIT_FAILURE);
}

int spawn_child_start(const SpawnRequest *request,
                      int program_fd,
                      int link_fd,
                      pid_t *ret_pid,
                      int *ret_status_fd)
{
        _cleanup_close_ int ours = -EBADF, theirs = -EBADF;
        const pid_t parent = getpid();
        pid_t pid;
        int ends[2];

        if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
                return -errno;
        ours = ends[0];
        theirs = ends[1];

        pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0)
                run(request, parent, program_fd, link_fd, theirs);
        *ret_pid = pid;
        *ret_status_fd = steal_fd(&ours);
        return 0;
}

int spawn_child_error(int status_fd)
{
        size_t size = 0;
        int error = 0;

        if (fd_read_all(status_fd, &error, sizeof(error), &size) < 0 || size != sizeof(error))
                return 0;
        return -error;
}
