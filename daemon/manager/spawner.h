/*
 * The manager's connection to dosvc-spawn (dbus/spawn-wire.h): starts and kills workers by id and
 * reports their end. It knows nothing of jobs. The loss of the connection is reported once to
 * each worker's callback; where that is possible, the next start makes a new connection.
 */
#pragma once

#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/macro.h"

typedef struct Spawner Spawner;

typedef enum SpawnerMode {
        SPAWNER_SOCKET, /* connects to SPAWN_SOCKET_PATH, a unit of systemd */
        SPAWNER_FORK,   /* starts dosvc-spawn when it is needed: user instance */
        SPAWNER_FD,     /* was started before rights were dropped, and cannot be started again */
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
 * fd is taken over: the directory of dosvc-spawn for SPAWNER_FORK, the connected socket for
 * SPAWNER_FD. -ENOMEM.
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
 * While there is a connection, callback is called from the loop when something of the network came
 * up: a hint that another attempt may help, no more.
 */
void spawner_watch_network(Spawner *spawner, void (*callback)(void *userdata), void *userdata);
/* Connects now, as the first start would do later. Errors of spawner_start(). */
int spawner_connect(Spawner *spawner);

/*
 * Asks for a worker, or another program of dbus/spawn-wire.h, which runs as that user with link_fd
 * (borrowed) as its link. *ret_id is the id for the calls below. -EAGAIN: the queue of the spawner
 * is full, or it cannot be reached now; other errnos of connect(2), fork(2), sendmsg(2).
 */
int spawner_start(Spawner *spawner,
                  uint32_t program,
                  uint32_t uid,
                  const char *user,
                  int link_fd,
                  spawner_event_t callback,
                  void *userdata,
                  uint64_t *ret_id);

/* Sends SIGKILL; SPAWNER_EXITED follows. Unknown ids are ignored. */
void spawner_kill(Spawner *spawner, uint64_t id);

/* Kills the worker without any further event, for an owner that is going away. */
void spawner_forget(Spawner *spawner, uint64_t id);
