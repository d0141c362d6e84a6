/*
 * dosvcd, the manager process: puts the manager together and runs the loop. It is started in one
 * of three ways:
 *
 *   by systemd as user dosvc     dosvc-spawn is a unit of its own, behind a socket
 *   as root without systemd      starts dosvc-spawn, then becomes user dosvc for good
 *   with --user                  user instance; starts dosvc-spawn when it is needed
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "base/log.h"

#include "manager/backend.h"
#include "manager/bus-presence.h"
#include "manager/idle-watch.h"
#include "manager/manager.h"
#include "manager/options.h"
#include "manager/privileges.h"

typedef struct Service {
        Options options;
        bool user;       /* options.user */
        int program_dir; /* where this program and its helpers are */
        int state_dir;
        int spawn_fd; /* started as root: connected to dosvc-spawn */
        sd_event *event;
        Config config;
        Backend *backend;
        Manager *manager; /* borrowed: the backend's, as is the next */
        const Vault *vault;
        Presence *presence;
        IdleWatch *idle_watch;
        bool serving; /* READY=1 was sent */
        bool stopping;
} Service;

/* Stopping -------------------------------------------------------------------------------- */

static void on_stopped(void *userdata)
{
        Service *service = userdata;

        (void) sd_event_exit(service->event, 0);
}

static void stop(Service *service)
{
        if (service->stopping)
                return;
        service->stopping = true;
        (void) sd_notify(0, "STOPPING=1\nSTATUS=Stopping");
        if (service->manager)
                manager_stop(service->manager, on_stopped, service);
        else
                on_stopped(service);
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
        stop(userdata);
        return 0;
}

/*
 * A service manager starts the service again when somebody calls it. Without a bus nobody can
 * call, and whoever has started the service starts it again with the next bus.
 */
static bool may_end(const Service *service)
{
        return getenv("NOTIFY_SOCKET") || !presence_is_connected(service->presence);
}

static bool is_idle(void *userdata)
{
        const Service *service = userdata;

        return may_end(service) && manager_is_idle(service->manager) &&
               presence_is_idle(service->presence);
}

/* Without the name no new call can come, and only then it is certain that nobody needs us. */
static void on_released(void *userdata)
{
        Service *service = userdata;

        if (is_idle(service))
                stop(service);
        else if (presence_request_name(service->presence) < 0)
                (void) sd_event_exit(service->event, EXIT_FAILURE);
}

static void on_idle(void *userdata)
{
        Service *service = userdata;

        if (!service->stopping && presence_release_name(service->presence, on_released) < 0)
                stop(service); /* there is no bus that has the name */
}

static int watch_idle(Service *service)
{
        return idle_watch_new(service->event,
                              service->config.idle_exit_sec * USEC_PER_SEC,
                              &(IdleWatchEvents){
                                      .is_idle = is_idle,
                                      .idle = on_idle,
                                      .userdata = service,
                              },
                              &service->idle_watch);
}

/* The bus --------------------------------------------------------------------------------- */

static void on_presence(void *userdata, int result)
{
        Service *service = userdata;

        if (result == 0) {
                service->serving = true;
                (void) sd_notify(0, "READY=1\nSTATUS=Serving");
                log_write(LOG_INFO,
                          &(LogContext){ .message_id = LOG_ID_STARTED },
                          "Serving, credentials in %s (%s)",
                          vault_store_name(service->vault),
                          vault_is_persistent(service->vault) ? "persistent" : "volatile");
                return;
        }
        if (service->stopping)
                return;
        if (result == -ENOTCONN) {
                (void) sd_notify(0, "STATUS=Waiting for the bus");
                log_warning("The connection to the bus is lost; jobs go on, and it is made anew");
                return;
        }
        log_errno(LOG_ERR,
                  result,
                  result == -EEXIST ? "Another process has the name on the bus"
                                    : "The bus refuses the name");
        (void) sd_event_exit(service->event, EXIT_FAILURE);
}

static int open_bus(Service *service)
{
        int r = presence_new(
                &(PresenceParts){
                        .event = service->event,
                        .manager = service->manager,
                        .open = service->user ? sd_bus_open_user : sd_bus_open_system,
                        .changed = on_presence,
                        .userdata = service,
                },
                &service->presence);

        if (r < 0)
                log_errno(LOG_ERR,
                          r,
                          "The %s bus cannot be reached",
                          service->user ? "session" : "system");
        return r;
}

/* Reloading ------------------------------------------------------------------------------- */

/* Follows sd_notify(3), for units of Type=notify-reload and for the eyes of systemctl status. */
static void notify_reload(const Service *service, bool begins)
{
        uint64_t now_usec = 0;

        if (!service->serving)
                return; /* READY=1 would be too early */
        (void) sd_event_now(service->event, CLOCK_MONOTONIC, &now_usec);
        if (begins)
                (void) sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, now_usec);
        else
                (void) sd_notify(0, "READY=1");
}

static void take_config(Service *service)
{
        log_set_max_level((int) service->config.log_level);
        if (service->idle_watch)
                idle_watch_set_span(service->idle_watch,
                                    service->config.idle_exit_sec * USEC_PER_SEC);
        if (service->manager)
                manager_take_config(service->manager);
}

/* by: who has called for it, for the log */
static int reload(Service *service, const char *by, char **ret_problem)
{
        _cleanup_free_ char *changes = NULL;
        int r;

        notify_reload(service, true);
        r = config_reload(&service->config, service->options.paths.config, &changes, ret_problem);
        if (r >= 0) {
                take_config(service);
                log_write(LOG_NOTICE,
                          &(LogContext){ .message_id = LOG_ID_RELOADED },
                          "The configuration was read again for %s; %s%s",
                          by,
                          *changes ? "changed: " : "nothing has changed",
                          changes);
        } else {
                log_write(LOG_ERR,
                          &(LogContext){ .message_id = LOG_ID_RELOAD_REFUSED },
                          "The configuration stays as it was, though %s asked for another: %s",
                          by,
                          r == -EINVAL ? *ret_problem : strerrordesc_np(-r));
        }
        notify_reload(service, false);
        return r;
}

/* config_reload_t */
static int reload_for_caller(void *userdata, uint32_t uid, char **ret_problem)
{
        char by[32];

        (void) snprintf(by, sizeof(by), "uid %" PRIu32, uid);
        return reload(userdata, by, ret_problem);
}

static int on_hangup(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
        _cleanup_free_ char *problem = NULL;

        (void) reload(userdata, "a signal", &problem);
        return 0;
}

/* Starting -------------------------------------------------------------------------------- */

static void on_backend_ready(void *userdata, int result)
{
        Service *service = userdata;

        if (result >= 0) {
                service->manager = backend_manager(service->backend);
                service->vault = manager_vault(service->manager);
                result = open_bus(service);
        }
        if (result >= 0)
                result = watch_idle(service);
        if (result < 0)
                (void) sd_event_exit(service->event, EXIT_FAILURE);
}

static int open_backend(Service *service)
{
        return backend_new(
                &(BackendSpec){
                        .event = service->event,
                        .config = &service->config,
                        .reload = reload_for_caller,
                        .state_directory = service->options.paths.state_directory,
                        .state_dir_fd = service->state_dir,
                        .program_dir_fd = service->program_dir,
                        .spawn_fd = steal_fd(&service->spawn_fd),
                        .user = service->user,
                },
                on_backend_ready,
                service,
                &service->backend);
}

static int open_loop(Service *service)
{
        sigset_t mask;
        int r;

        (void) sigemptyset(&mask);
        (void) sigaddset(&mask, SIGTERM);
        (void) sigaddset(&mask, SIGINT);
        (void) sigaddset(&mask, SIGHUP);
        (void) sigaddset(&mask, SIGCHLD);
        if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
                return -errno;
        r = sd_event_default(&service->event);
        if (r >= 0)
                r = sd_event_add_signal(service->event, NULL, SIGTERM, on_signal, service);
        if (r >= 0)
                r = sd_event_add_signal(service->event, NULL, SIGINT, on_signal, service);
        if (r >= 0)
                r = sd_event_add_signal(service->event, NULL, SIGHUP, on_hangup, service);
        if (r >= 0)
                r = sd_event_set_watchdog(service->event, true);
        return r < 0 ? r : 0;
}

/* Everything that has to be done before the first byte is read from anybody. */
static int prepare_process(Service *service)
{
        ServicePaths *paths = &service->options.paths;
        int r;

        service->program_dir = service_paths_open_programs();
        if (service->program_dir < 0)
                return service->program_dir;
        r = service_paths_find(paths, service->user);
        if (r < 0)
                return r;
        return privileges_drop(service->user,
                               service->program_dir,
                               paths->state_directory,
                               &service->spawn_fd);
}

static int run(Service *service)
{
        int r = prepare_process(service);

        if (r < 0) {
                log_errno(LOG_ERR, r, "The process cannot be prepared");
                return r;
        }
        r = config_load(&service->config, service->options.paths.config);
        if (r < 0)
                return r;
        log_set_max_level((int) service->config.log_level);
        r = service->state_dir = service_paths_open_state(&service->options.paths);
        if (r >= 0)
                r = open_loop(service);
        if (r >= 0)
                r = open_backend(service);
        if (r < 0) {
                log_errno(LOG_ERR, r, "The service cannot start");
                return r;
        }
        return sd_event_loop(service->event);
}

static void service_done(Service *service)
{
        idle_watch_free(service->idle_watch);
        presence_free(service->presence);
        backend_free(service->backend);
        config_done(&service->config);
        sd_event_unref(service->event);
        (void) macro_close(service->spawn_fd);
        (void) macro_close(service->state_dir);
        (void) macro_close(service->program_dir);
        options_done(&service->options);
}

int main(int argc, char *argv[])
{
        Service service = { .program_dir = -EBADF, .state_dir = -EBADF, .spawn_fd = -EBADF };
        int r;

        log_open("dosvcd");
        (void) umask(0077);
        r = options_parse(&service.options, argc, argv);
        service.user = service.options.user;
        if (r > 0)
                r = run(&service);
        service_done(&service);
        return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
