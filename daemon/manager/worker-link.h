/*
 * The connection to one worker of one job: asks the spawner for the process, holds the private
 * sd-bus link, waits for Ready before anything is sent, and keeps the deadlines. Messages of the
 * worker are checked here (sizes, indices, signatures, only about its own files). Its reports are
 * handed on by callback, its questions to manager/answers; manager/live-settings tells it of
 * changed settings. A worker that breaks the contract is killed and reported as lost. worker/link
 * is the other end.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>
#include <systemd/sd-id128.h>

#include "base/macro.h"

#include "manager/answers.h"
#include "manager/spawner.h"
#include "model/failure.h"
#include "model/file-record.h"
#include "model/job-settings.h"

typedef struct WorkerLink WorkerLink;

typedef enum WorkerTask {
        WORKER_TASK_DOWNLOAD,
        WORKER_TASK_PUBLISH,
        WORKER_TASK_CLEAN,
} WorkerTask;

/* The order that a worker is given. Everything is copied but the answers, which are borrowed. */
typedef struct WorkerOrder {
        WorkerTask task;
        sd_id128_t job;
        uint32_t owner_uid;
        const char *owner_name;
        const FileRecord *files; /* DOWNLOAD: unfinished ones; other tasks: with a temporary file */
        size_t n_files;
        const JobSettings *settings; /* DOWNLOAD */
        uint32_t umask;              /* PUBLISH */
        Answers *answers;            /* DOWNLOAD: to the worker's questions */
} WorkerOrder;

/*
 * Called from the loop. ended() is always called, once and last; the link may be freed after it and
 * within it. Records and strings are borrowed.
 */
typedef struct WorkerLinkEvents {
        /* Live figures of one file. */
        void (*progress)(void *userdata, uint32_t file, uint64_t bytes, uint64_t total);
        /* These bytes are on disk. */
        void (*checkpoint)(void *userdata, const FileRecord *records, size_t n_records);
        /* DOWNLOAD: all files of the order are whole. */
        void (*finished)(void *userdata);
        /*
         * DOWNLOAD: no further file is tried. PUBLISH and CLEAN: once for each file that failed.
         * The receiver may steal the failure.
         */
        void (*failed)(void *userdata, Failure *failure);
        /*
         * The process is gone. result 0: it has done its task, or it is a DOWNLOAD that was asked
         * to stop; negative errno: it has not, and text describes in a sentence what happened;
         * -ECONNABORTED: the spawner ended and took it along.
         */
        void (*ended)(void *userdata, int result, const char *text);
} WorkerLinkEvents;

/* -EAGAIN and others of spawner_start(), -ENOMEM. */
int worker_link_new(sd_event *event,
                    Spawner *spawner,
                    const WorkerOrder *order,
                    const WorkerLinkEvents *events,
                    void *userdata,
                    WorkerLink **ret);
WorkerLink *worker_link_free(WorkerLink *link); /* kills */
DEFINE_CLEANUP(WorkerLink *, worker_link_free);

/*
 * The settings of a DOWNLOAD with SETTING_CHANGES_LIVE are these now; the others are ignored. A
 * worker that is not ready yet gets them with its order, and one that works is told. A worker that
 * cannot be told, or does not take them, is killed and reported as lost: the next one knows them.
 */
void worker_link_change(WorkerLink *link, const JobSettings *settings);

/* Asks a DOWNLOAD to write its bytes to the disk and end; after 5 s it is killed. */
void worker_link_stop(WorkerLink *link);
