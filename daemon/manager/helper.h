/*
 * A program of the service's own that the manager runs itself: dosvc-spawn and dosvc-secret.
 * It starts with an empty session keyring (ours holds the vault's key), no descriptor but
 * those given, default signals, its own session, and the environment given.
 */
#pragma once

#include <systemd/sd-event.h>

#include "base/macro.h"

typedef struct Helper Helper;

/* Where descriptor 3 of a helper comes from. */
#define HELPER_EXTRA_FD 3

typedef struct HelperSpec {
        int dir_fd;               /* borrowed: the directory of the program */
        char *const *argv;        /* argv[0] is its name in dir_fd */
        char *const *environment; /* NULL-terminated */
        int stdout_fd;            /* borrowed; negative: as stderr */
        int extra_fd;             /* borrowed: becomes HELPER_EXTRA_FD; negative: none */
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
 * Waits (and blocks) for the end of a helper that was told to end; on_exit is not called. For
 * the end of the service only.
 */
void helper_wait(Helper *helper);

/* Kills it if it is still there; may be called from within on_exit. */
Helper *helper_free(Helper *helper);
DEFINE_CLEANUP(Helper *, helper_free);
