/*
 * The private contract between dosvcd (manager/spawner) and dosvc-spawn (spawn/server): records
 * of fixed size over a SOCK_SEQPACKET socket, one record in each packet.
 *
 *   SPAWN_START    request, carries one descriptor (SCM_RIGHTS): the program's end of the link
 *   SPAWN_KILL     request: SIGKILL to the worker of that id; unknown ids are ignored
 *   SPAWN_STARTED  reply to each START: error 0, or a positive errno and no worker exists
 *   SPAWN_EXITED   event: the worker of that id is gone and reaped; status as of waitpid(2)
 *   SPAWN_NETWORK  event: a link, an address or a route came up; id, error and status are 0. It
 *                  is a hint: it comes once changes have settled, at most every few seconds, and
 *                  not at all where the kernel does not report them to the spawner
 *
 * The program is one of SPAWN_PROGRAMS, a file beside dosvc-spawn, and has a constant argument and
 * environment and the link as descriptor 3. All of them are called "worker" here. ENOENT: the
 * program is not installed.
 *
 * The child of a START becomes the user before it runs the program. ESTALE: in the user database
 * that name and that uid do not belong together. EPERM: the uid is one that is refused
 * (base/uid.h), or in a user instance another one than the spawner's.
 *
 * When the connection ends, the spawner kills and reaps all workers before it takes another
 * connection, so that two workers of one job never run at a time. A record of another size or kind
 * ends the connection.
 */
#pragma once

#include <stdint.h>

#define SPAWN_PROTOCOL_VERSION 2

/* The unit listens at this socket, and closes a connection of another user than this. */
#define SPAWN_SOCKET_PATH  "/run/dosvc/spawn"
#define SPAWN_SERVICE_USER "dosvc"

/* Without the unit argv[1] is "--connected", and this descriptor is the connected socket. */
#define SPAWN_CONNECTED_FD 3

#define SPAWN_USER_MAX 256

/*
 * Programs that run at once, all together and of one user; a START beyond that is refused with
 * EAGAIN. The manager never asks for so many: these numbers protect the machine from a manager
 * that is broken, and the other users from one of them.
 */
#define SPAWN_CHILDREN_MAX          1024
#define SPAWN_CHILDREN_PER_USER_MAX 640

enum {
        SPAWN_START = 1,
        SPAWN_KILL,
        SPAWN_STARTED,
        SPAWN_EXITED,
        SPAWN_NETWORK,
};

/* Requests have the number of a program, so that no file name crosses the connection. */
#define SPAWN_PROGRAMS(X)                                                                          \
        X(WORKER, "dosvc-worker") /* dbus/worker-wire.h */                                         \
        X(PROXY, "dosvc-proxy")   /* dbus/proxy-wire.h */

#define SPAWN_PROGRAM_ENUM(name, file) SPAWN_PROGRAM_##name,
enum { SPAWN_PROGRAMS(SPAWN_PROGRAM_ENUM) SPAWN_PROGRAMS_MAX };

typedef struct SpawnRequest {
        uint32_t version;
        uint32_t kind;
        uint64_t id;               /* chosen by the manager, never used twice on a connection */
        uint32_t uid;              /* START */
        uint32_t program;          /* START: SPAWN_PROGRAM_… */
        char user[SPAWN_USER_MAX]; /* START: name in the user database, NUL-terminated */
} SpawnRequest;

typedef struct SpawnReply {
        uint32_t version;
        uint32_t kind;
        uint64_t id;
        int32_t error;  /* STARTED */
        int32_t status; /* EXITED */
} SpawnReply;
