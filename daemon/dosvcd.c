/*
 * dosvcd, the manager process: reads its arguments, gives up the rights it may have, puts the
 * manager together and runs the loop. Started in one of three ways:
 *
 *   by systemd as user dosvc     the spawner is a unit of its own, behind a socket
 *   as root (no systemd)         starts dosvc-spawn, then becomes user dosvc for good
 *   with --user                  user instance; dosvc-spawn is forked when it is needed
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"

#include "manager/manager-bus.h"
#include "manager/manager.h"

#define SERVICE_USER "dosvc"

/* Idle twice in a row at this fraction of IdleExitSec is idle. */
#define IDLE_CHECKS 2

typedef struct Service {
        bool user;
        char *state_directory;
        char *config_path;
        int program_dir; /* where this program and its helpers are */
        int state_dir;
        int spawn_fd; /* started as root: connected to dosvc-spawn */
        sd_event *event;
        Config config;
        Owners owners;
        Store *store;
        Vault *vault;
        Spawner *spawner;
        Manager *manager;
        ManagerBus *bus;
        unsigned idle_checks;
        bool stopping;
} Service;

/* ---- stopping -------------------------------------------------------------------------------- */

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

static void on_released(void *userdata)
{
        Service *service = userdata;

        if (manager_is_idle(service->manager) && manager_bus_is_idle(service->bus))
                stop(service);
        else if (manager_bus_request_name(service->bus) < 0) /* somebody came just in time */
                (void) sd_event_exit(service->event, EXIT_FAILURE);
}

static int on_idle_check(sd_event_source *source, uint64_t usec, void *userdata)
{
        Service *service = userdata;
        bool idle = manager_is_idle(service->manager) && manager_bus_is_idle(service->bus);

        service->idle_checks = idle ? service->idle_checks + 1 : 0;
        if (service->idle_checks == IDLE_CHECKS) {
                service->idle_checks = 0;
                if (!service->stopping)
                        (void) manager_bus_release_name(service->bus, on_released);
        }
        (void) sd_event_source_set_time_relative(source,
                                                 service->config.idle_exit_sec * USEC_PER_SEC /
                                                         IDLE_CHECKS);
        (void) sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
        return 0;
}

/* Only a service manager brings the service back when somebody calls. */
static int watch_idle(Service *service)
{
        if (service->config.idle_exit_sec == 0 || !getenv("NOTIFY_SOCKET"))
                return 0;
        return sd_event_add_time_relative(service->event,
                                          NULL,
                                          CLOCK_BOOTTIME,
                                          service->config.idle_exit_sec * USEC_PER_SEC /
                                                  IDLE_CHECKS,
                                          USEC_PER_SEC,
                                          on_idle_check,
                                          service);
}

/* ---- starting -------------------------------------------------------------------------------- */

static void on_presence(void *userdata, int result)
{
        Service *service = userdata;

        if (result == 0) {
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
        log_errno(LOG_ERR,
                  result,
                  result == -EEXIST     ? "Another process has the name on the bus"
                  : result == -ENOTCONN ? "The bus is gone"
                                        : "The bus refuses the name");
        (void) sd_event_exit(service->event, EXIT_FAILURE);
}

static int open_bus(Service *service)
{
        sd_bus *bus = NULL;
        int r;

        r = service->user ? sd_bus_open_user(&bus) : sd_bus_open_system(&bus);
        if (r < 0) {
                log_errno(LOG_ERR,
                          r,
                          "The %s bus cannot be reached",
                          service->user ? "session" : "system");
                return r;
        }
        r = manager_bus_new(bus,
                            service->event,
                            service->manager,
                            on_presence,
                            service,
                            &service->bus);
        sd_bus_unref(bus);
        if (r >= 0)
                r = manager_bus_request_name(service->bus);
        if (r < 0)
                log_errno(LOG_ERR, r, "The service cannot present itself on the bus");
        return r;
}

/* A damaged database is kept for whoever wants to look at it, and the service goes on without. */
static int replace_store(Service *service, const char *path, int error)
{
        _cleanup_free_ char *aside = NULL;
        int r;

        service->store = store_free(service->store);
        r = store_move_aside(path, clock_realtime(&clock_system), &aside);
        log_write(LOG_ERR,
                  &(LogContext){ .message_id = LOG_ID_STORE_DAMAGED, .error = -error },
                  r < 0 ? "%s is damaged and cannot be moved aside%s"
                        : "%s is damaged, starting without jobs; it is kept as %s",
                  path,
                  r < 0 ? "" : aside);
        return r < 0 ? r : store_open(path, &service->store);
}

static int start_manager(Service *service)
{
        int r = manager_new(
                &(ManagerParts){
                        .event = service->event,
                        .clock = &clock_system,
                        .config = &service->config,
                        .store = service->store,
                        .vault = service->vault,
                        .spawner = service->spawner,
                        .owners = &service->owners,
                        .state_dir_fd = service->state_dir,
                        .only_uid = service->user ? (int64_t) geteuid() : -1,
                },
                &service->manager);

        return r < 0 ? r : manager_load(service->manager);
}

/* Opens the store and takes the jobs in; damage may be seen in either. */
static int load_jobs(Service *service)
{
        _cleanup_free_ char *path = NULL;
        int r;

        r = str_format(&path, "%s/jobs.db", service->state_directory);
        if (r < 0)
                return r;
        r = store_open(path, &service->store);
        if (r >= 0)
                r = start_manager(service);
        if (r == -EUCLEAN) {
                service->manager = manager_free(service->manager);
                r = replace_store(service, path, r);
                if (r >= 0)
                        r = start_manager(service);
        }
        if (r == -EPROTONOSUPPORT)
                log_errno(LOG_ERR,
                          r,
                          "%s was written by a newer version, leaving it as it is",
                          path);
        else if (r < 0)
                log_errno(LOG_ERR, r, "The jobs in %s cannot be loaded", path);
        return r;
}

static void on_network(void *userdata)
{
        Service *service = userdata;

        manager_network_came_up(service->manager);
}

/* The first worker connects us to the spawner; where jobs wait already, that may be too late. */
static void watch_network(Service *service)
{
        int r = 0;

        spawner_watch_network(service->spawner, on_network, service);
        if (!manager_is_idle(service->manager))
                r = spawner_connect(service->spawner);
        if (r < 0)
                log_errno(LOG_DEBUG, r, "It cannot be heard yet when the network comes up");
}

/* The rest of the start, once the vault has its key or knows that there is none. */
static int set_up(Service *service)
{
        SpawnerMode mode = service->user            ? SPAWNER_FORK
                           : service->spawn_fd >= 0 ? SPAWNER_FD
                                                    : SPAWNER_SOCKET;
        int r;

        r = spawner_new(service->event,
                        mode,
                        mode == SPAWNER_FORK ? fcntl(service->program_dir, F_DUPFD_CLOEXEC, 3)
                                             : steal_fd(&service->spawn_fd),
                        &service->spawner);
        if (r < 0) {
                log_errno(LOG_ERR, r, "No worker could be started");
                return r;
        }
        r = load_jobs(service);
        if (r < 0)
                return r;
        watch_network(service);
        r = open_bus(service);
        return r < 0 ? r : watch_idle(service);
}

static void on_vault_ready(void *userdata, int result)
{
        Service *service = userdata;

        if (result < 0)
                log_errno(LOG_WARNING,
                          result,
                          "The kernel keeps no key for us, credentials cannot be set");
        if (!service->stopping && set_up(service) < 0)
                (void) sd_event_exit(service->event, EXIT_FAILURE);
}

static int open_state_directory(Service *service)
{
        const char *path = service->state_directory;

        if (mkdir(path, 0700) < 0 && errno != EEXIST) {
                log_errno(LOG_ERR, errno, "%s cannot be made", path);
                return -errno;
        }
        service->state_dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (service->state_dir < 0) {
                log_errno(LOG_ERR, errno, "%s cannot be opened", path);
                return -errno;
        }
        return 0;
}

/* mkdir -p of what is above the state directory of a user. */
static void make_parents(const char *path)
{
        _cleanup_free_ char *copy = strdup(path);

        for (char *slash = copy ? strchr(copy + 1, '/') : NULL; slash;
             slash = strchr(slash + 1, '/')) {
                *slash = '\0';
                (void) mkdir(copy, 0700); /* the last one's failure is told by its user */
                *slash = '/';
        }
}

/* "$VARIABLE/rest", or "$HOME/fallback/rest" as the XDG base directories have it. */
static int user_path(const char *variable, const char *fallback, const char *rest, char **ret)
{
        const char *directory = getenv(variable), *home = getenv("HOME");

        if (directory && directory[0] == '/')
                return str_format(ret, "%s/%s", directory, rest);
        if (!home || home[0] != '/') {
                log_err("Neither %s nor HOME says where this user's files are", variable);
                return -ENOENT;
        }
        return str_format(ret, "%s/%s/%s", home, fallback, rest);
}

static int find_paths(Service *service)
{
        const char *state = getenv("STATE_DIRECTORY");
        int r = 0;

        if (!service->state_directory && state)
                r = str_format(&service->state_directory, "%.*s", (int) strcspn(state, ":"), state);
        else if (!service->state_directory && service->user)
                r = user_path("XDG_STATE_HOME", ".local/state", "dosvc", &service->state_directory);
        else if (!service->state_directory)
                r = str_set(&service->state_directory, "/var/lib/dosvc");
        if (r >= 0 && !service->config_path && service->user)
                r = user_path("XDG_CONFIG_HOME",
                              ".config",
                              "dosvc/dosvcd.conf",
                              &service->config_path);
        else if (r >= 0 && !service->config_path)
                r = str_set(&service->config_path, SYSCONFDIR "/dosvc/dosvcd.conf");
        if (r >= 0 && service->user)
                make_parents(service->state_directory);
        return r;
}

static int open_program_directory(Service *service)
{
        char path[4096];
        ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
        char *slash;

        if (n < 0)
                return -errno;
        path[n] = '\0';
        slash = strrchr(path, '/');
        if (slash)
                *slash = '\0';
        service->program_dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        return service->program_dir < 0 ? -errno : 0;
}

/* ---- from root to the service's user --------------------------------------------------------- */

static int become_service_user(Service *service)
{
        const struct passwd *entry = getpwnam(SERVICE_USER);

        if (!entry || entry->pw_uid == 0) {
                log_err("Started as root, but there is no user %s to become", SERVICE_USER);
                return -ENOENT;
        }
        if (mkdir(service->state_directory, 0700) < 0 && errno != EEXIST)
                return -errno;
        if (lchown(service->state_directory, entry->pw_uid, entry->pw_gid) < 0)
                return -errno;
        for (int capability = 0; capability <= 63; capability++)
                if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0 && errno != EINVAL)
                        return -errno;
        if (initgroups(SERVICE_USER, entry->pw_gid) < 0 ||
            setresgid(entry->pw_gid, entry->pw_gid, entry->pw_gid) < 0 ||
            setresuid(entry->pw_uid, entry->pw_uid, entry->pw_uid) < 0)
                return -errno;
        if (setresuid(0, 0, 0) == 0) /* must not work any more */
                return -ENOTRECOVERABLE;
        return 0;
}

/*
 * Messages that are held back hold the descriptors that came with them, and one that is cut off
 * for want of a number ends the connection to the bus: all that we may have, not the 1024 that
 * programs with select(2) need.
 */
static int raise_descriptor_limit(void)
{
        struct rlimit files;

        if (getrlimit(RLIMIT_NOFILE, &files) < 0)
                return -errno;
        files.rlim_cur = files.rlim_max;
        return setrlimit(RLIMIT_NOFILE, &files) < 0 ? -errno : 0;
}

static int give_up_rights(Service *service)
{
        int r;

        if (prctl(PR_SET_DUMPABLE, 0) < 0)
                return -errno;
        if (setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 }) < 0)
                return -errno;
        if (!service->user && geteuid() == 0) {
                r = spawner_fork(service->program_dir, &service->spawn_fd);
                if (r >= 0)
                        r = become_service_user(service);
                if (r < 0)
                        return r;
                /* A change of the uid makes a process dumpable or not as suid_dumpable has it. */
                if (prctl(PR_SET_DUMPABLE, 0) < 0)
                        return -errno;
        }
        r = raise_descriptor_limit();
        if (r < 0)
                return r;
        return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

/* ---- main ------------------------------------------------------------------------------------ */

static const char usage[] =
        "dosvcd [OPTION...]\n\n"
        "The background download service; started by systemd over the bus as org.dosvc1.\n\n"
        "  --user                  serve this user on the session bus\n"
        "  --state-directory=DIR   where jobs are kept\n"
        "  --config=FILE           configuration; drop-ins are in FILE.d\n"
        "  --version, --help\n\n"
        "See dosvcd(8).\n";

/* 1: go on, 0: done, -EINVAL. */
static int parse_arguments(Service *service, int argc, char *argv[])
{
        enum { USER = 256, STATE, CONFIG, SHOW_VERSION, HELP };
        static const struct option options[] = {
                { "user", no_argument, NULL, USER },
                { "state-directory", required_argument, NULL, STATE },
                { "config", required_argument, NULL, CONFIG },
                { "version", no_argument, NULL, SHOW_VERSION },
                { "help", no_argument, NULL, HELP },
                { NULL, 0, NULL, 0 },
        };
        int c;

        while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0)
                switch (c) {
                case USER:
                        service->user = true;
                        break;
                case STATE:
                        if (str_set(&service->state_directory, optarg) < 0)
                                return -ENOMEM;
                        break;
                case CONFIG:
                        if (str_set(&service->config_path, optarg) < 0)
                                return -ENOMEM;
                        break;
                case SHOW_VERSION:
                        (void) printf("dosvcd %s\n", VERSION);
                        return 0;
                case HELP:
                        (void) fputs(usage, stdout);
                        return 0;
                default:
                        return -EINVAL;
                }
        if (optind < argc) {
                (void) fprintf(stderr, "dosvcd: unexpected argument '%s'\n", argv[optind]);
                return -EINVAL;
        }
        return 1;
}

static int set_up_loop(Service *service)
{
        sigset_t mask;
        int r;

        (void) sigemptyset(&mask);
        (void) sigaddset(&mask, SIGTERM);
        (void) sigaddset(&mask, SIGINT);
        (void) sigaddset(&mask, SIGCHLD);
        if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
                return -errno;
        r = sd_event_default(&service->event);
        if (r >= 0)
                r = sd_event_add_signal(service->event, NULL, SIGTERM, on_signal, service);
        if (r >= 0)
                r = sd_event_add_signal(service->event, NULL, SIGINT, on_signal, service);
        if (r >= 0)
                r = sd_event_set_watchdog(service->event, true);
        return r < 0 ? r : 0;
}

static int run(Service *service)
{
        int r;

        r = open_program_directory(service);
        if (r >= 0)
                r = find_paths(service);
        if (r >= 0)
                r = give_up_rights(service);
        if (r < 0) {
                log_errno(LOG_ERR, r, "The process cannot be prepared");
                return r;
        }
        r = config_load(&service->config, service->config_path);
        if (r < 0)
                return r;
        log_set_max_level((int) service->config.log_level);
        r = open_state_directory(service);
        if (r >= 0)
                r = set_up_loop(service);
        if (r >= 0)
                r = vault_new(service->event,
                              service->user ? VAULT_USER : VAULT_SYSTEM,
                              service->user ? service->program_dir : -EBADF,
                              on_vault_ready,
                              service,
                              &service->vault);
        if (r < 0) {
                log_errno(LOG_ERR, r, "The service cannot start");
                return r;
        }
        return sd_event_loop(service->event);
}

static void service_done(Service *service)
{
        manager_bus_free(service->bus);
        manager_free(service->manager);
        spawner_free(service->spawner);
        store_free(service->store);
        vault_free(service->vault);
        config_done(&service->config);
        sd_event_unref(service->event);
        (void) macro_close(service->spawn_fd);
        (void) macro_close(service->state_dir);
        (void) macro_close(service->program_dir);
        free(service->state_directory);
        free(service->config_path);
}

int main(int argc, char *argv[])
{
        Service service = { .program_dir = -EBADF, .state_dir = -EBADF, .spawn_fd = -EBADF };
        int r;

        log_open("dosvcd");
        (void) umask(0077);
        r = parse_arguments(&service, argc, argv);
        if (r > 0)
                r = run(&service);
        service_done(&service);
        return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
