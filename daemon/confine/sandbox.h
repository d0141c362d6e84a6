/*
 * The sandbox of a process that talks to servers on the network: it gives up, in two stages, all
 * that a download does not need.
 *
 *   before     the spawner has made the process the owner's, without capabilities and with
 *              no_new_privs; the process has checked that (confine/rights.h)
 *   stage 1    no core file, a constant environment, no descriptor above the link, and only the
 *              system calls of a list (seccomp): no exec, fork, ptrace, mount or kill
 *   stage 2    writing, creating and deleting only below the destination directories, executing
 *              nothing, listening nowhere (Landlock, where the kernel has it)
 *
 * Reading is not limited beyond what the kernel allows the owner, since TLS, the resolver and
 * Kerberos read files wherever they are configured to. Builds with a sanitizer have no list of
 * system calls.
 */
#pragma once

#include <stddef.h>

/*
 * Stage 1, which must come before the first thread. Errnos of prlimit(2), close_range(2),
 * seccomp(2).
 */
int sandbox_enter(int link_fd);

/*
 * Stage 2. dir_fds: O_PATH descriptors of the destination directories. Returns the version of
 * Landlock that is in force, 0 if the kernel has none; errnos of landlock_restrict_self(2).
 */
int sandbox_confine(const int *dir_fds, size_t n_dir_fds);
