/*
 * The end of a helper is seen through a pidfd, not through SIGCHLD, so that the process of nobody
 * else is ever reaped here.
 */
#include "manager/helper.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"

struct Helper {
        sd_event_source *source; /* owned: the pidfd is readable once the process has ended */
        helper_exit_t on_exit;
        void *userdata;
        pid_t pid;
        int pidfd; /* owned */
};

static int prepare_child(const HelperSpec *spec)
{
        int r = child_leave_keyring();

        if (r == 0)
                r = child_reset_signals();
        if (r == 0)
                r = child_arrange_descriptors(&(ChildDescriptors){
                        .output = spec->stdout_fd,
                        .link = spec->link_fd,
                        .program = spec->dir_fd,
                        .status = -EBADF,
                });
        return r;
}

static _noreturn_ void run_child(const HelperSpec *spec)
{
        (void) setsid(); /* fails only for the leader of a group, which a new process is not */
        if (prepare_child(spec) == 0)
                (void) execveat(CHILD_PROGRAM_FD, spec->argv[0], spec->argv, spec->environment, 0);
        _exit(EXIT_FAILURE);
}

int helper_fork(const HelperSpec *spec, pid_t *ret_pid)
{
        pid_t pid;

        if (faccessat(spec->dir_fd, spec->argv[0], X_OK, 0) < 0)
                return -errno;
        pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0)
                run_child(spec);
        *ret_pid = pid;
        return 0;
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

        helper = calloc(1, sizeof(*helper));
        if (!helper)
                return -ENOMEM;
        helper->pidfd = -EBADF;
        helper->on_exit = on_exit;
        helper->userdata = userdata;

        r = helper_fork(spec, &helper->pid);
        if (r < 0)
                return r;
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
