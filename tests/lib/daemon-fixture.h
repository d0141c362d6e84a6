/*
 * A dosvcd under test on a private bus: started as it is without systemd, ended or killed,
 * started again on the same state.
 *
 *   DAEMON_SYSTEM  as root; it forks dosvc-spawn and becomes user dosvc
 *   DAEMON_USER    `dosvcd --user` as alice
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/lib/bus-fixture.h"

typedef enum DaemonKind {
        DAEMON_SYSTEM,
        DAEMON_USER,
} DaemonKind;

typedef struct Daemon {
        DaemonKind kind;
        const Bus *bus;      /* borrowed */
        sd_bus *watcher;     /* owned: asks who has the name */
        char *dir;           /* owned: below a test's temporary directory */
        char *state_dir;     /* owned */
        char *config;        /* owned: path of the configuration file */
        char *log;           /* owned: path of all that it said on stderr */
        char *key_directory; /* owned: "CREDENTIALS_DIRECTORY=…" with a key of the test's */
        pid_t pid;           /* 0 = not running */
} Daemon;

/*
 * Prepares directories below dir (made here) and a configuration file of that text; nothing
 * runs yet. with_key: the system instance finds a key for its vault, so that credentials
 * outlive it.
 */
void daemon_init(Daemon *daemon,
                 DaemonKind kind,
                 const Bus *bus,
                 const char *dir,
                 const char *config_text,
                 bool with_key);

/* Starts it and waits until org.dosvc1 is on the bus. */
void daemon_start(Daemon *daemon);

/* Starts it and waits for nothing. */
void daemon_launch(Daemon *daemon);

/* SIGTERM; the exit status must be 0 and no process of it may be left. */
void daemon_stop(Daemon *daemon);

/* SIGKILL to dosvcd alone; waits until its spawner and workers are gone too. */
void daemon_kill(Daemon *daemon);

/* Stops it if it runs; frees the strings. */
void daemon_done(Daemon *daemon);

/* Pid of its dosvc-spawn or dosvc-worker; the first, 0 if none comes within the time. */
pid_t daemon_find(const Daemon *daemon, const char *name, unsigned timeout_msec);
