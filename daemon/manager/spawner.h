/*
 * The manager's connection to dosvc-spawn: starts and kills workers by id, hears of their
 * end. Speaks dbus/spawn-wire.h; knows nothing of jobs. A lost connection is told once to
 * every worker's callback and made anew at the next start, where that is possible.
 */
#pragma once

#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/macro.h"

typedef struct Spawner Spawner;

typedef enum SpawnerMode {
        SPAWNER_SOCKET, /* connects to SPAWN_SOCKET_PATH, a unit of systemd */
        SPAWNER_FORK,   /* forks dosvc-spawn from helper_dir_fd when needed: user instance */
        SPAWNER_FD,     /* was started before rights were dropped; cannot come back */
} SpawnerMode;

typedef enum SpawnerEvent {
        SPAWNER_STARTED, /* value 0 */
        SPAWNER_REFUSED, /* value: negative errno, no worker exists; last event */
        SPAWNER_EXITED,  /* value: status as of waitpid(2); last event */
        SPAWNER_LOST,    /* the spawner went away and its workers with it; last event */
} SpawnerEvent;

/* Called from the loop, never from spawner_start(). */
typedef void (*spawner_event_t)(void *userdata, SpawnerEvent event, int value);

/*
 * fd: SPAWNER_FORK the directory with dosvc-spawn, SPAWNER_FD the connected socket; taken
 * over. -ENOMEM.
 */
int spawner_new(sd_event *event, SpawnerMode mode, int fd, Spawner **ret);

/*
 * Starts dosvc-spawn out of the directory and returns the connected socket for SPAWNER_FD: for a
 * process that is about to give up the rights that dosvc-spawn needs. Errnos of socketpair(2) and
 * fork(2), -ENOENT.
 */
int spawner_fork(int dir_fd, int *ret_fd);

Spawner *spawner_free(Spawner *spawner);
DEFINE_CLEANUP(Spawner *, spawner_free);

/*
 * As long as there is a connection, callback is told from the loop when something of the network
 * came up: a hint that another attempt may be worth it, no more.
 */
void spawner_watch_network(Spawner *spawner, void (*callback)(void *userdata), void *userdata);
/* Not before the first start, which does it too, but now. Errors of spawner_start(). */
int spawner_connect(Spawner *spawner);

/*
 * Asks for a worker, or another program of dbus/spawn-wire.h, of that user with link_fd (borrowed)
 * as its link; *ret_id names it from
 * now on. -EAGAIN: the spawner's queue is full, or it cannot be reached now; other errnos of
 * connect(2), fork(2), sendmsg(2).
 */
int spawner_start(Spawner *spawner,
                  uint32_t program,
                  uint32_t uid,
                  const char *user,
                  int link_fd,
                  spawner_event_t callback,
                  void *userdata,
                  uint64_t *ret_id);

/* SIGKILL; the EXITED event follows. Unknown ids are ignored. */
void spawner_kill(Spawner *spawner, uint64_t id);

/* No further events for that id (its owner is going away); the worker is killed. */
void spawner_forget(Spawner *spawner, uint64_t id);
