/*
 * The other end of a dosvc-worker: starts the program as the spawner would (another uid, no
 * capability, no_new_privs, the link as descriptor 3), plays the manager on the link, and
 * keeps what the worker said. What breaks the contract fails the running test.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-bus.h>

#include "model/enums.h"
#include "model/file-record.h"

/* The owner of the job in these tests; no entry in the user database is needed. */
#define WORKER_DRIVER_UID 7101U

#define WORKER_DRIVER_MAX_FILES 128

/* A credential that the manager of the test has. */
typedef struct DriverCredential {
        AuthTarget target;
        AuthScheme scheme;
        const char *user;
        const char *password;
} DriverCredential;

typedef struct WorkerDriver {
        pid_t pid;
        sd_bus *bus;
        const DriverCredential *credentials; /* borrowed */
        size_t n_credentials;
        uint64_t disk_reserve_bytes; /* of the order */

        sd_bus_message *reply; /* of the call that waits */

        /* What was said. */
        bool ready, hung_up;
        bool finished, failed;
        bool transient;
        uint32_t failed_file, code;
        uint64_t retry_after_sec;
        char context[64], description[8192], url[8192];
        FileRecord records[WORKER_DRIVER_MAX_FILES]; /* by index, as last told */
        unsigned n_checkpoints, n_progress;
        char questions[1024]; /* "file target scheme,scheme;" for each Authenticate */
        uint64_t last_progress_bytes;
} WorkerDriver;

/* Starts it and waits for Ready. */
void driver_start(WorkerDriver *driver);

/* The program as it is, with rights of its own choice; returns its exit status. */
int driver_run_with_rights(uint32_t uid, bool no_new_privs, bool with_link);

/* Hangs up and waits for the end; the exit status must be 0. */
void driver_stop(WorkerDriver *driver);

/* SIGKILL, for what a crash leaves. */
void driver_kill(WorkerDriver *driver);

/* Gives an order; the records given are what the driver starts from. */
void driver_download(WorkerDriver *driver,
                     const FileRecord *records,
                     size_t n_records,
                     const char *proxy);

/* A name of the D-Bus error, or NULL if the second order was taken. */
const char *driver_try_download(WorkerDriver *driver, const FileRecord *record);

/* Calls Changed with one setting of type s; the name of the D-Bus error, NULL if it was taken. */
const char *driver_try_change(WorkerDriver *driver, const char *name, const char *value);

/* Calls Stop and waits for the reply. */
void driver_call_stop(WorkerDriver *driver);

/* Publish or Clean; returns how many files failed, the first one's text in description. */
size_t driver_do_files(WorkerDriver *driver,
                       const char *member,
                       const FileRecord *records,
                       size_t n_records);

/* Handles what comes until Finished or Failed, or fails the test after 20 s. */
void driver_wait(WorkerDriver *driver);

/* As driver_wait(); false if it still works and nothing has arrived for so long. */
bool driver_wait_quiet(WorkerDriver *driver, unsigned quiet_msec);

/* Handles what comes until so many bytes of a file have arrived or are on disk. */
void driver_wait_received(WorkerDriver *driver, uint64_t bytes);
void driver_wait_checkpoint(WorkerDriver *driver, uint32_t file, uint64_t bytes);
