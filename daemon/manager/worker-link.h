/*
 * One worker of one job: asks the spawner for the process, holds the private sd-bus link,
 * the Ready gate, the deadlines. What the worker says is checked here (sizes, indices,
 * signatures, only about its own files) and handed on as facts by callback; a worker that
 * breaks the contract is killed and reported as lost. Mirror of worker/link.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>
#include <systemd/sd-id128.h>

#include "base/macro.h"

#include "manager/credentials.h"
#include "manager/spawner.h"
#include "model/enums.h"
#include "model/file-record.h"
#include "model/job-settings.h"

typedef struct WorkerLink WorkerLink;

typedef enum WorkerTask {
        WORKER_TASK_DOWNLOAD,
        WORKER_TASK_PUBLISH,
        WORKER_TASK_CLEAN,
} WorkerTask;

/* What a worker shall do. Everything is copied. */
typedef struct WorkerOrder {
        WorkerTask task;
        sd_id128_t job;
        uint32_t owner_uid;
        const char *owner_name;
        const FileRecord *files; /* DOWNLOAD: not finished; else may have a temporary file */
        size_t n_files;
        const JobSettings *settings; /* DOWNLOAD */
} WorkerOrder;

typedef struct WorkerFailure {
        uint32_t file; /* WORKER_NO_FILE */
        bool transient;
        uint32_t code;
        ErrorContext context;
        const char *description;
        const char *url;
        uint64_t retry_after_sec;
} WorkerFailure;

/*
 * Facts, from the loop. ended is the last and is always told, once: after it the link may be
 * freed (also from within). Records and strings are borrowed.
 */
typedef struct WorkerLinkFacts {
        /* Live figures of one file. */
        void (*progress)(void *userdata, uint32_t file, uint64_t bytes, uint64_t total);
        /* These bytes are on disk. */
        void (*checkpoint)(void *userdata, const FileRecord *records, size_t n_records);
        /* Fills *ret, which the link frees, and returns 0, or -ENOENT; else it passes. */
        int (*authenticate)(void *userdata,
                            uint32_t file,
                            AuthTarget target,
                            unsigned offered, /* bit 1 << AuthScheme */
                            Credential *ret);
        /* DOWNLOAD: all files given are whole. */
        void (*finished)(void *userdata);
        /* DOWNLOAD: no further file is tried. PUBLISH and CLEAN: once a file that failed. */
        void (*failed)(void *userdata, const WorkerFailure *failure);
        /*
         * The process is gone. result 0: it did its task (or is a DOWNLOAD that was told to
         * stop); negative errno: it did not, text says what happened in a sentence; -ECONNABORTED:
         * it went with the spawner.
         */
        void (*ended)(void *userdata, int result, const char *text);
} WorkerLinkFacts;

/* -EAGAIN and others of spawner_start(), -ENOMEM. */
int worker_link_new(sd_event *event,
                    Spawner *spawner,
                    const WorkerOrder *order,
                    const WorkerLinkFacts *facts,
                    void *userdata,
                    WorkerLink **ret);
WorkerLink *worker_link_free(WorkerLink *link); /* kills */
DEFINE_CLEANUP(WorkerLink *, worker_link_free);

/* Asks a DOWNLOAD to sync and stop; it is killed if it takes longer than 5 s. */
void worker_link_stop(WorkerLink *link);
