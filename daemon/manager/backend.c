#include "manager/backend.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#include "manager/spawner.h"
#include "manager/store-recovery.h"
#include "manager/vault.h"

struct Backend {
        BackendSpec spec;
        backend_ready_t ready;
        void *userdata;
        Owners owners;
        Vault *vault; /* owned, as are the next */
        Spawner *spawner;
        Store *store;
        Manager *manager;
};

static int connect_spawner(Backend *backend)
{
        const BackendSpec *spec = &backend->spec;
        const SpawnerMode mode = spec->user            ? SPAWNER_FORK
                                 : spec->spawn_fd >= 0 ? SPAWNER_FD
                                                       : SPAWNER_SOCKET;
        int r = spawner_new(spec->event,
                            mode,
                            mode == SPAWNER_FORK ? fcntl(spec->program_dir_fd, F_DUPFD_CLOEXEC, 3)
                                                 : steal_fd(&backend->spec.spawn_fd),
                            &backend->spawner);

        if (r < 0)
                log_errno(LOG_ERR, r, "No worker could be started");
        return r;
}

static int load_jobs(Backend *backend)
{
        ManagerParts parts = {
                .event = backend->spec.event,
                .clock = &clock_system,
                .config = backend->spec.config,
                .reload = backend->spec.reload,
                .reload_userdata = backend->userdata,
                .vault = backend->vault,
                .spawner = backend->spawner,
                .owners = &backend->owners,
                .state_dir_fd = backend->spec.state_dir_fd,
                .only_uid = backend->spec.user ? (int64_t) geteuid() : -1,
        };
        int r = store_recovery_load(backend->spec.state_directory, &parts, &backend->manager);

        backend->store = parts.store;
        return r;
}

static void on_network(void *userdata)
{
        Backend *backend = userdata;

        manager_network_came_up(backend->manager);
}

/*
 * The first start of a worker connects the spawner, which may be too late for jobs that wait for
 * the network already.
 */
static void watch_network(Backend *backend)
{
        int r = 0;

        spawner_watch_network(backend->spawner, on_network, backend);
        if (!manager_is_idle(backend->manager))
                r = spawner_connect(backend->spawner);
        if (r < 0)
                log_errno(LOG_DEBUG, r, "Changes of the network cannot be watched yet");
}

static int start(Backend *backend)
{
        int r = connect_spawner(backend);

        if (r >= 0)
                r = load_jobs(backend);
        if (r < 0)
                return r;
        watch_network(backend);
        return 0;
}

static void on_vault_ready(void *userdata, int result)
{
        Backend *backend = userdata;

        if (result < 0)
                log_errno(LOG_WARNING,
                          result,
                          "The kernel keeps no key for the service, credentials cannot be set");
        backend->ready(backend->userdata, start(backend));
}

int backend_new(const BackendSpec *spec, backend_ready_t ready, void *userdata, Backend **ret)
{
        _cleanup_(backend_freep) Backend *backend = calloc(1, sizeof(*backend));
        int r;

        if (!backend)
                return -ENOMEM;
        backend->spec = *spec;
        backend->ready = ready;
        backend->userdata = userdata;
        r = vault_new(spec->event,
                      spec->user ? VAULT_USER : VAULT_SYSTEM,
                      spec->user ? spec->program_dir_fd : -EBADF,
                      on_vault_ready,
                      backend,
                      &backend->vault);
        if (r < 0)
                return r;
        *ret = STEAL_PTR(backend);
        return 0;
}

Backend *backend_free(Backend *backend)
{
        if (!backend)
                return NULL;

        manager_free(backend->manager);
        spawner_free(backend->spawner);
        store_free(backend->store);
        vault_free(backend->vault);
        (void) macro_close(backend->spec.spawn_fd);
        free(backend);
        return NULL;
}

Manager *backend_manager(const Backend *backend)
{
        return backend->manager;
}
