/*
 * Starts a program of the service itself, dosvc-spawn or dosvc-secret, and reports its end. The
 * program starts in a session of its own with an empty session keyring, default signals, the
 * environment given here and no descriptor but those given here (base/child.h).
 */
#pragma once

#include <sys/types.h>
#include <systemd/sd-event.h>

#include "base/macro.h"

typedef struct Helper Helper;

typedef struct HelperSpec {
        int dir_fd;               /* borrowed: the directory of the program */
        char *const *argv;        /* argv[0] is its name in dir_fd */
        char *const *environment; /* NULL-terminated */
        int stdout_fd;            /* borrowed; negative: stdout is where stderr is */
        int link_fd;              /* borrowed: becomes CHILD_LINK_FD; negative: none */
} HelperSpec;

/* Called once from the loop when the process is gone and reaped; status as of waitpid(2). */
typedef void (*helper_exit_t)(void *userdata, int status);

/* -ENOENT, -EACCES: no such program; -ENOMEM; errnos of fork(2) and pidfd_open(2). */
int helper_new(sd_event *event,
               const HelperSpec *spec,
               helper_exit_t on_exit,
               void *userdata,
               Helper **ret);

/*
 * Only starts the program: for a caller that has no loop yet and does not have to know when the
 * process ends. Errors of helper_new().
 */
int helper_fork(const HelperSpec *spec, pid_t *ret_pid);

/*
 * Waits for the end of a helper that has been told to end, without calling on_exit. It blocks, so
 * it is for the end of the service only.
 */
void helper_wait(Helper *helper);

/* Kills the process if it is still there. May be called from within on_exit. */
Helper *helper_free(Helper *helper);
DEFINE_CLEANUP(Helper *, helper_free);
