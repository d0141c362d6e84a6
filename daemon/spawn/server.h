/*
 * The server of dosvc-spawn: takes requests of dbus/spawn-wire.h from one connection at a time,
 * starts a child for each SPAWN_START (spawn/child.h), and reports how that went, the end of each
 * child, and that something of the network came up (base/network-watch), which the manager, having
 * no network, cannot see itself. All children end with their connection.
 *
 * It knows no job, bus or database, and does not rely on the manager: a record that is not as the
 * contract says ends the connection, and the number of children is limited.
 */
#pragma once

#include <sys/types.h>

#include "dbus/spawn-wire.h"

#include "base/macro.h"

typedef struct SpawnServer SpawnServer;

typedef struct SpawnServerSockets {
        int listening; /* negative: there is one connection, and the server ends with it */
        int connected; /* negative: nobody is connected yet */
        uid_t client;  /* only this uid may connect to the listening one */
} SpawnServerSockets;

/*
 * Takes over the sockets and the descriptors of the programs (O_PATH; the negative errno of open(2)
 * for one that is not there, with which its requests are refused). Blocks SIGCHLD and SIGTERM and
 * reads them from then on. Errnos of signalfd(2), -ENOMEM.
 */
int spawn_server_new(const SpawnServerSockets *sockets,
                     const int program_fds[static SPAWN_PROGRAMS_MAX],
                     SpawnServer **ret);

/* Serves until SIGTERM, the end of the only connection, or a minute without a connection. */
void spawn_server_run(SpawnServer *server);

/* Kills and reaps all children. */
SpawnServer *spawn_server_free(SpawnServer *server);
DEFINE_CLEANUP(SpawnServer *, spawn_server_free);
