/*
 * The child that becomes a user and then a program: everything between the fork of dosvc-spawn
 * and the exec of dosvc-worker or dosvc-proxy. The user database is asked in the child only, as
 * it may block and its modules are foreign code.
 *
 * In a user instance dosvc-spawn has no rights of root. The caller then starts programs of its
 * own uid only, and the steps that need rights are left out. Follows credentials(7),
 * capabilities(7), keyrings(7), signal-safety(7).
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "dbus/spawn-wire.h"

/* The file beside dosvc-spawn, which is also the program's one argument; SPAWN_PROGRAM_…. */
const char *spawn_child_program_name(uint32_t program);

/*
 * Starts the program of a SPAWN_START request, which has been checked. program_fd (O_PATH) and
 * link_fd are borrowed. *ret_status_fd, owned by the caller, becomes readable when the child has
 * failed, runs the program, or is dead. Errnos of pipe2(2) and fork(2).
 */
int spawn_child_start(const SpawnRequest *request,
                      int program_fd,
                      int link_fd,
                      pid_t *ret_pid,
                      int *ret_status_fd);

/*
 * The errno, a positive one, with which the child has failed before it was the program; 0: it runs
 * the program, or has died. To be called once, when status_fd is readable or the child is reaped.
 */
int spawn_child_error(int status_fd);
