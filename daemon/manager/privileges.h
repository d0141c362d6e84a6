/*
 * The rights that dosvcd runs with: none. A service that was started as root, which happens
 * without systemd only, starts dosvc-spawn first and then becomes user dosvc for good.
 */
#pragma once

#include <stdbool.h>

/*
 * Gives up all rights, and in a service that was started as root the state directory as well, to
 * user dosvc. user: this is a user instance, which stays who it is, even root. *ret_spawn_fd is
 * the connection to dosvc-spawn, or -EBADF where it was not started here.
 *
 * Has to be called before the loop, since the user database may block. -ENOENT: there is no user
 * dosvc, which is logged; errnos of spawner_fork() and of confine/rights.h.
 */
int privileges_drop(bool user, int program_dir_fd, const char *state_directory, int *ret_spawn_fd);
