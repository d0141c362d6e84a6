#include "tests/lib/process.h"

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/macro.h"

#include "tests/lib/users.h"

#define MAX_ANCESTORS 16

static _noreturn_ void run_child(const ProcessSpec *spec, pid_t parent)
{
        sigset_t none;

        (void) signal(SIGPIPE, SIG_DFL);
        (void) signal(SIGTERM, SIG_DFL);
        (void) signal(SIGINT, SIG_DFL);
        (void) sigemptyset(&none);
        (void) sigprocmask(SIG_SETMASK, &none, NULL);

        if (spec->output) {
                int fd = open(spec->output, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

                if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0)
                        err(127, "%s", spec->output);
        }
        for (size_t i = 0; spec->environment && spec->environment[i]; i++)
                if (putenv((char *) (uintptr_t) spec->environment[i]) != 0)
                        err(127, "environment");
        if (spec->uid != 0)
                users_become(spec->uid);
        if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent)
                errx(127, "parent is gone");
        (void) execvp(spec->argv[0], (char *const *) (uintptr_t) spec->argv);
        err(127, "%s", spec->argv[0]);
}

pid_t process_start(const ProcessSpec *spec)
{
        pid_t parent = getpid(), pid;
        sigset_t all, before;

        (void) fflush(NULL);
        /* A handler of Check's, inherited, would pass the signal on to the whole test. */
        (void) sigfillset(&all);
        (void) sigprocmask(SIG_SETMASK, &all, &before);
        pid = fork();
        if (pid < 0)
                err(EXIT_FAILURE, "fork");
        if (pid == 0)
                run_child(spec, parent);
        (void) sigprocmask(SIG_SETMASK, &before, NULL);
        return pid;
}

static int reap(pid_t pid)
{
        int status = 0;

        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        err(EXIT_FAILURE, "waiting for process %d", (int) pid);
        return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int process_run(const ProcessSpec *spec)
{
        return reap(process_start(spec));
}

bool process_wait(pid_t pid, unsigned timeout_msec, int *ret_status)
{
        _cleanup_close_ int fd = pidfd_open(pid, 0);
        struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
        int status;

        if (fd < 0)
                err(EXIT_FAILURE, "process %d", (int) pid);
        if (poll(&poll_fd, 1, (int) timeout_msec) <= 0)
                return false;
        status = reap(pid);
        if (ret_status)
                *ret_status = status;
        return true;
}

void process_stop(pid_t *pid)
{
        if (*pid == 0)
                return;
        (void) kill(*pid, SIGTERM);
        if (process_wait(*pid, 10000, NULL))
                *pid = 0;
        else
                process_kill(pid);
}

void process_kill(pid_t *pid)
{
        if (*pid == 0)
                return;
        (void) kill(*pid, SIGKILL);
        (void) reap(*pid);
        *pid = 0;
}

/* comm, state and parent from /proc/PID/stat; false when the process is gone. */
static bool read_stat(pid_t pid, char comm[static 32], char *ret_state, pid_t *ret_parent)
{
        char path[64], line[512];
        const char *open_at, *close_at;
        FILE *in;
        bool ok;

        (void) snprintf(path, sizeof(path), "/proc/%d/stat", (int) pid);
        in = fopen(path, "re");
        if (!in)
                return false;
        ok = fgets(line, sizeof(line), in) != NULL;
        (void) fclose(in);

        /* The name stands in parentheses and may hold any character. */
        open_at = ok ? strchr(line, '(') : NULL;
        close_at = ok ? strrchr(line, ')') : NULL;
        if (!open_at || !close_at || close_at - open_at > 31)
                return false;
        (void) snprintf(comm, 32, "%.*s", (int) (close_at - open_at - 1), open_at + 1);
        return sscanf(close_at + 1, " %c %d", ret_state, ret_parent) == 2;
}

static bool is_descendant(pid_t pid, pid_t ancestor)
{
        for (int i = 0; i < MAX_ANCESTORS && pid > 1; i++) {
                char comm[32], state;
                pid_t parent;

                if (!read_stat(pid, comm, &state, &parent))
                        return false;
                if (parent == ancestor)
                        return true;
                pid = parent;
        }
        return false;
}

size_t process_descendants(pid_t ancestor, const char *name, pid_t *ret_pids, size_t max)
{
        DIR *proc = opendir("/proc");
        const struct dirent *entry;
        size_t n = 0;

        if (!proc)
                err(EXIT_FAILURE, "/proc");
        while (n < max && (entry = readdir(proc))) {
                pid_t pid = (pid_t) strtol(entry->d_name, NULL, 10), parent;
                char comm[32], state;

                if (pid > 0 && read_stat(pid, comm, &state, &parent) && state != 'Z' &&
                    strcmp(comm, name) == 0 && is_descendant(pid, ancestor))
                        ret_pids[n++] = pid;
        }
        (void) closedir(proc);
        return n;
}

bool process_is_alive(pid_t pid)
{
        char comm[32], state;
        pid_t parent;

        return read_stat(pid, comm, &state, &parent) && state != 'Z';
}

uint64_t process_now_msec(void)
{
        struct timespec now;

        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t) now.tv_sec * 1000 + (uint64_t) now.tv_nsec / 1000000;
}

void process_nap_msec(unsigned msec)
{
        struct timespec nap = { .tv_sec = msec / 1000, .tv_nsec = (long) (msec % 1000) * 1000000 };

        (void) nanosleep(&nap, NULL);
}
