/*
 * Between fork and exec only async-signal-safe calls are made. The end is watched through a
 * pidfd, so that no SIGCHLD has to be blocked and nobody else's child is ever reaped.
 */
#include "manager/helper.h"

#include <fcntl.h>
#include <linux/keyctl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"

/* The directory survives as this until exec; sources are moved above before they are placed. */
enum { DIR_FD = HELPER_EXTRA_FD + 1, FIRST_CLOSED_FD };

struct Helper {
        sd_event_source *source; /* owned: the pidfd is readable once the process has ended */
        helper_exit_t on_exit;
        void *userdata;
        pid_t pid;
        int pidfd; /* owned */
};

static int child_arrange_descriptors(const HelperSpec *spec)
{
        int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
        int dir = fcntl(spec->dir_fd, F_DUPFD_CLOEXEC, FIRST_CLOSED_FD);
        int out = fcntl(spec->stdout_fd < 0 ? STDERR_FILENO : spec->stdout_fd,
                        F_DUPFD_CLOEXEC,
                        FIRST_CLOSED_FD);
        int extra = spec->extra_fd < 0 ? -EBADF
                                       : fcntl(spec->extra_fd, F_DUPFD_CLOEXEC, FIRST_CLOSED_FD);

        if (null < 0 || dir < 0 || out < 0 || (spec->extra_fd >= 0 && extra < 0))
                return -errno;
        if (dup2(null, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
            dup3(dir, DIR_FD, O_CLOEXEC) < 0)
                return -errno;
        if (extra < 0)
                (void) close(HELPER_EXTRA_FD);
        else if (dup2(extra, HELPER_EXTRA_FD) < 0)
                return -errno;
        return fd_close_from(FIRST_CLOSED_FD);
}

static void child_reset_signals(void)
{
        const struct sigaction action = { .sa_handler = SIG_DFL };
        sigset_t none;

        for (int signal_number = 1; signal_number < NSIG; signal_number++)
                (void) sigaction(signal_number, &action, NULL);
        (void) sigemptyset(&none);
        (void) sigprocmask(SIG_SETMASK, &none, NULL);
}

static _noreturn_ void child_run(const HelperSpec *spec)
{
        /* A kernel without keys has none to give away, so that failure changes nothing. */
        (void) syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
        (void) setsid();
        child_reset_signals();
        if (child_arrange_descriptors(spec) == 0)
                (void) execveat(DIR_FD, spec->argv[0], spec->argv, spec->environment, 0);
        _exit(EXIT_FAILURE);
}

static void reap(Helper *helper, int *ret_status)
{
        while (waitpid(helper->pid, ret_status, 0) < 0 && errno == EINTR)
                ;
        helper->pid = 0;
}

static int on_pidfd(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        Helper *helper = userdata;
        int status = 0;

        helper->source = sd_event_source_disable_unref(helper->source);
        reap(helper, &status);
        helper->on_exit(helper->userdata, status);
        return 0;
}

int helper_new(sd_event *event,
               const HelperSpec *spec,
               helper_exit_t on_exit,
               void *userdata,
               Helper **ret)
{
        _cleanup_(helper_freep) Helper *helper = NULL;
        int r;

        if (faccessat(spec->dir_fd, spec->argv[0], X_OK, 0) < 0)
                return -errno;
        helper = calloc(1, sizeof(*helper));
        if (!helper)
                return -ENOMEM;
        helper->pidfd = -EBADF;
        helper->on_exit = on_exit;
        helper->userdata = userdata;

        helper->pid = fork();
        if (helper->pid < 0)
                return -errno;
        if (helper->pid == 0)
                child_run(spec);

        helper->pidfd = (int) syscall(SYS_pidfd_open, helper->pid, 0);
        if (helper->pidfd < 0)
                return -errno;
        r = sd_event_add_io(event, &helper->source, helper->pidfd, EPOLLIN, on_pidfd, helper);
        if (r < 0)
                return r;

        *ret = STEAL_PTR(helper);
        return 0;
}

void helper_wait(Helper *helper)
{
        helper->source = sd_event_source_disable_unref(helper->source);
        if (helper->pid > 0)
                reap(helper, NULL);
}

Helper *helper_free(Helper *helper)
{
        if (!helper)
                return NULL;

        (void) sd_event_source_disable_unref(helper->source);
        if (helper->pid > 0) {
                (void) kill(helper->pid, SIGKILL);
                reap(helper, NULL);
        }
        (void) macro_close(helper->pidfd);
        free(helper);
        return NULL;
}
