/*
 * A Download: opens the destination directories, gives up the rest of the file system, runs
 * some files at a time in the order given, and says what is durable. Knows neither the bus
 * nor the manager; decides nothing about retries.
 *
 * The order of its facts is the promise of the service: checkpoint() only after data and
 * directory entries are on disk, finished() or failed() only after the last checkpoint().
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>
#include <systemd/sd-id128.h>

#include "base/macro.h"

#include "model/job-settings.h"
#include "model/spec.h"
#include "worker/failure.h"

typedef struct LoginsAnswer LoginsAnswer;
typedef struct Worker Worker;

/* Live figures of one file. */
typedef struct WorkerProgress {
        uint32_t file;
        uint64_t received_bytes;
        uint64_t total_bytes; /* DOSVC_SIZE_UNKNOWN */
} WorkerProgress;

/* From the loop; everything is borrowed. */
typedef struct WorkerFacts {
        void (*progress)(void *userdata, const WorkerProgress *figures, size_t n_figures);
        void (*checkpoint)(void *userdata, const FileRecord *const *records, size_t n_records);
        /* worker_answer() must follow, not from within. */
        void (*authenticate)(void *userdata, uint32_t file, AuthTarget target, unsigned offered);
        /* The proxies for the origin of url: worker_found_proxies() must follow, not from within.
         */
        void (*find_proxies)(void *userdata, const char *url);
        /* The last fact is one of these; credentials and connections are gone by then. */
        void (*finished)(void *userdata);
        void (*failed)(void *userdata, uint32_t file, const Failure *failure);
} WorkerFacts;

typedef struct WorkerOrder {
        sd_id128_t job;
        FileRecord *records; /* taken over by worker_new() when it succeeds */
        size_t n_records;
        JobSettings settings; /* taken over as well */
} WorkerOrder;

/* Nothing happens before the loop runs. -ENOMEM. */
int worker_new(sd_event *event,
               const WorkerOrder *order,
               const WorkerFacts *facts,
               void *userdata,
               Worker **ret);
Worker *worker_free(Worker *worker);
DEFINE_CLEANUP(Worker *, worker_free);

/* Ends early: syncs, tells a last checkpoint(), nothing more. Harmless after the end. */
void worker_stop(Worker *worker);

/* As logins_answer(), for a file that asked; others are ignored. */
void worker_answer(Worker *worker, uint32_t file, const LoginsAnswer *answer);

/*
 * What find_proxies() asked for. result 0: proxies for the URL that was asked for; negative:
 * reason, a sentence, says why there are none.
 */
void worker_found_proxies(Worker *worker, int result, char *const *proxies, const char *reason);
