#include "tests/lib/daemon-fixture.h"

#include <check.h>
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dbus/dosvc-wire.h"

#include "base/macro.h"

#include "tests/lib/install-root.h"
#include "tests/lib/process.h"
#include "tests/lib/temp-dir.h"
#include "tests/lib/users.h"

#define START_MSEC 15000

static const char *const helper_names[] = { "dosvc-spawn",
                                            "dosvc-worker",
                                            "dosvc-secret",
                                            "dosvc-proxy" };

/* What systemd leaves for a unit with LoadCredentialEncrypted=vault.key. */
static void make_key(Daemon *daemon)
{
        _cleanup_free_ char *dir = temp_dir_path(daemon->dir, "credentials");
        _cleanup_free_ char *key = temp_dir_path(dir, "vault.key");

        temp_dir_make(dir, 0755, 0);
        temp_dir_write(key, "0123456789abcdef0123456789abcdef");
        if (chown(key, USERS_DOSVC_UID, USERS_DOSVC_UID) < 0 || chmod(key, 0400) < 0)
                err(EXIT_FAILURE, "%s", key);
        if (asprintf(&daemon->key_directory, "CREDENTIALS_DIRECTORY=%s", dir) < 0)
                err(EXIT_FAILURE, "%s", dir);
}

void daemon_init(Daemon *daemon,
                 DaemonKind kind,
                 const Bus *bus,
                 const char *dir,
                 const char *config_text,
                 bool with_key)
{
        uint32_t uid = kind == DAEMON_SYSTEM ? USERS_DOSVC_UID : USERS_ALICE_UID;

        *daemon = (Daemon){ .kind = kind, .bus = bus };
        temp_dir_make(dir, 0755, 0);
        daemon->dir = strdup(dir);
        daemon->state_dir = temp_dir_path(dir, "state");
        daemon->config = temp_dir_path(dir, "dosvcd.conf");
        daemon->log = temp_dir_path(dir, "dosvcd.log");
        temp_dir_make(daemon->state_dir, 0700, uid);
        temp_dir_write(daemon->config, config_text);
        if (with_key)
                make_key(daemon);
        daemon->watcher = bus_open(bus, 0);
        /* Helpers whose parent was killed become ours, so that they can be found. */
        if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
                err(EXIT_FAILURE, "subreaper");
}

static bool has_name(const Daemon *daemon)
{
        return sd_bus_get_name_creds(daemon->watcher, DOSVC_BUS_NAME, 0, NULL) >= 0;
}

void daemon_launch(Daemon *daemon)
{
        _cleanup_free_ char *program = strdup(install_root_daemon("dosvcd"));
        _cleanup_free_ char *state = NULL, *config = NULL, *address = NULL;
        bool is_user = daemon->kind == DAEMON_USER;
        const char *argv[] = { program, NULL, NULL, NULL, NULL };
        const char *environment[] = { NULL, daemon->key_directory, NULL };

        if (!program || asprintf(&state, "--state-directory=%s", daemon->state_dir) < 0 ||
            asprintf(&config, "--config=%s", daemon->config) < 0 ||
            asprintf(&address,
                     "DBUS_%s_BUS_ADDRESS=%s",
                     is_user ? "SESSION" : "SYSTEM",
                     daemon->bus->address) < 0)
                err(EXIT_FAILURE, "dosvcd");
        argv[1] = state;
        argv[2] = config;
        argv[3] = is_user ? "--user" : NULL;
        environment[0] = address;
        daemon->pid = process_start(&(ProcessSpec){
                .argv = argv,
                .environment = environment,
                .output = daemon->log,
                .uid = is_user ? USERS_ALICE_UID : 0,
        });
}

void daemon_start(Daemon *daemon)
{
        daemon_launch(daemon);
        if (!PROCESS_WAIT_UNTIL(START_MSEC, has_name(daemon) || !process_is_alive(daemon->pid)) ||
            !has_name(daemon))
                ck_abort_msg("dosvcd does not start: %s", temp_dir_read(daemon->log, NULL));
}

static bool has_helpers(void)
{
        pid_t pid;

        for (size_t i = 0; i < ARRAY_SIZE(helper_names); i++)
                if (process_descendants(getpid(), helper_names[i], &pid, 1) > 0)
                        return true;
        return false;
}

/* dosvcd and its helpers write where a sanitizer, if one is built in, found something. */
static void assert_sane(const Daemon *daemon)
{
        _cleanup_free_ char *log = temp_dir_read(daemon->log, NULL);

        ck_assert_msg(!strstr(log, "Sanitizer") && !strstr(log, "runtime error"), "%.3000s", log);
}

void daemon_stop(Daemon *daemon)
{
        pid_t pid = daemon->pid;
        int status = -1;

        daemon->pid = 0;
        (void) kill(pid, SIGTERM);
        if (!process_wait(pid, 15000, &status)) {
                process_kill(&pid);
                ck_abort_msg("dosvcd does not end at SIGTERM");
        }
        ck_assert_msg(status == 0,
                      "dosvcd ended with status %d: %s",
                      status,
                      temp_dir_read(daemon->log, NULL));
        ck_assert_msg(PROCESS_WAIT_UNTIL(5000, !has_helpers()), "a helper outlives dosvcd");
        assert_sane(daemon);
}

void daemon_kill(Daemon *daemon)
{
        process_kill(&daemon->pid);
        ck_assert_msg(PROCESS_WAIT_UNTIL(5000, !has_helpers()), "a helper outlives dosvcd");
        ck_assert(PROCESS_WAIT_UNTIL(5000, !has_name(daemon)));
}

void daemon_done(Daemon *daemon)
{
        if (daemon->pid)
                daemon_stop(daemon);
        daemon->watcher = sd_bus_flush_close_unref(daemon->watcher);
        free(daemon->key_directory);
        free(daemon->log);
        free(daemon->config);
        free(daemon->state_dir);
        free(daemon->dir);
}

pid_t daemon_find(const Daemon *daemon, const char *name, unsigned timeout_msec)
{
        pid_t pid = 0;

        (void) PROCESS_WAIT_UNTIL(timeout_msec, process_descendants(getpid(), name, &pid, 1) > 0);
        return pid;
}
