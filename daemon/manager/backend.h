/*
 * Everything behind the bus: the vault, the connection to dosvc-spawn, the database and the
 * manager of the jobs. They are built in this order, since a job's credentials count as lost or
 * not by the key that the vault has, and a job that is loaded may need a worker at once.
 */
#pragma once

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "base/macro.h"

#include "manager/config.h"
#include "manager/manager.h"

typedef struct Backend Backend;

/* All but spawn_fd is borrowed and outlives the backend. */
typedef struct BackendSpec {
        sd_event *event;
        const Config *config;
        config_reload_t reload; /* for manager_reload(), with userdata of backend_new() */
        const char *state_directory;
        int state_dir_fd;
        int program_dir_fd; /* where dosvc-spawn and dosvc-secret are */
        int spawn_fd;       /* taken over: connected to dosvc-spawn; negative: not yet */
        bool user;          /* a user instance */
} BackendSpec;

/* Called once from the loop, after the wait for the key; a negative result has been logged. */
typedef void (*backend_ready_t)(void *userdata, int result);

/* Errors of vault_new(). */
int backend_new(const BackendSpec *spec, backend_ready_t ready, void *userdata, Backend **ret);
/* To be called after the bus edge is gone. */
Backend *backend_free(Backend *backend);
DEFINE_CLEANUP(Backend *, backend_free);

/* NULL before ready has been called with 0. */
Manager *backend_manager(const Backend *backend);
