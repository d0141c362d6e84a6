/*
 * What this process may do. It talks to strangers, so it gives up in two stages all that a
 * download does not need:
 *
 *   at exec    the spawner has made it the owner, without capabilities, no_new_privs
 *   stage 1    not dumpable, no core, a constant environment, no descriptor but the link, and a
 *              list of system calls (seccomp): no exec, no fork, no ptrace, no mounts, no kill
 *   stage 2    writing, creating and deleting only below the destination directories of the
 *              task, executing nothing, listening nowhere (Landlock, where the kernel has it)
 *
 * Reading stays the kernel's business: the process is the owner, and TLS, NSS and Kerberos
 * read where they are configured to. Builds with a sanitizer leave the list of calls out.
 */
#pragma once

#include <stddef.h>

#include "base/macro.h"

/*
 * First of all: PR_SET_DUMPABLE 0. Then proves that the process is what the spawner owes it;
 * link_fd must be a socket. -EPERM: *ret_reason, a sentence part, says what is wrong.
 */
int sandbox_check_self(int link_fd, const char **ret_reason);

/* What /proc/self/status has to say: no capabilities, no_new_privs, no tracer. */
int sandbox_check_status(const char *status, const char **ret_reason);

/* Stage 1. Before the first thread. Errnos of prlimit(2), close_range(2), seccomp(2). */
int sandbox_enter(int link_fd);

/*
 * Stage 2. dir_fds: O_PATH descriptors of the directories. Returns the version of Landlock
 * that is in force, 0 if the kernel has none; errnos of landlock_restrict_self(2).
 */
int sandbox_confine(const int *dir_fds, size_t n_dir_fds);
