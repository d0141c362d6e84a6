/*
 * Runs the real dosvc-spawn and speaks dbus/spawn-wire.h with it; its workers are fake ones
 * (tests/lib/fake-worker). Whatever does not go as expected fails the test. Needs root.
 */
#pragma once

#include <check.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "dbus/spawn-wire.h"

#include "base/macro.h"

typedef struct Spawn {
        pid_t pid;
        int fd; /* our end of the connection */
        uint64_t last_id;
} Spawn;

/* main() of a program with such tests: EXIT_SUCCESS or EXIT_FAILURE. */
int spawn_run_suite(int argc, char **argv, char **environment, Suite *(*make_suite)(void) );

/* The place where the programs under test are installed, while the suite runs. */
extern char *spawn_dir;

/*
 * A new directory with dosvc-spawn, and with a dosvc-worker of that mode which is no program; mode
 * 0: without. Freed by temp_dir_remove().
 */
char *spawn_make_dir(unsigned worker_mode);

/* In a child: becomes dosvc-spawn of that directory with the descriptor as 3. */
_noreturn_ void spawn_run(const char *dir, int fd, uint32_t uid, const char *argument);

/* One that is connected, of spawn_dir or of another directory, under that uid. */
Spawn spawn_start(uint32_t uid);
Spawn spawn_start_in(const char *dir, uint32_t uid);
/* Hangs up; the program must end well. */
void spawn_stop(Spawn *spawn);
/* Exit status of a process that ends soon. */
int spawn_wait(pid_t pid);

SpawnRequest spawn_make_request(uint32_t kind, uint64_t id, uint32_t uid, const char *user);
/* Any bytes with any descriptors; those behind the end of a request are zero. */
void spawn_send(int fd, const void *record, size_t size, const int *fds, size_t n_fds);
/* Asks for a worker and returns our end of its link. */
int spawn_ask(Spawn *spawn, uint32_t uid, const char *user);

/* The next reply that is not about the network of this machine. */
SpawnReply spawn_read(const Spawn *spawn);
void spawn_read_started(const Spawn *spawn, uint64_t id, int error);
int spawn_read_exited(const Spawn *spawn, uint64_t id);

/* Starts one and returns our end of its link. */
int spawn_start_worker(Spawn *spawn, uint32_t uid, const char *user);
/* Must be refused with that errno. */
void spawn_refuse_worker(Spawn *spawn, uint32_t uid, const char *user, int error);
