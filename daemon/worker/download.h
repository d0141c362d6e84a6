/*
 * One task of a worker: fetches the files of a job. Reads what the settings name, opens the
 * destination directories, gives up the right to write anywhere else, runs some files at a time in
 * the order given, and reports what is durable. Knows neither the bus nor the manager, and leaves
 * it to them when to try again.
 *
 * The order of its events is the promise of the service: checkpoint() comes only after data and
 * directory entries are on disk, finished() or failed() only after the last checkpoint().
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>
#include <systemd/sd-id128.h>

#include "base/macro.h"

#include "model/failure.h"
#include "model/file-record.h"
#include "model/job-settings.h"

typedef struct Download Download;
typedef struct Questions Questions;

/* Live figures of one file. */
typedef struct DownloadProgress {
        uint32_t file;
        uint64_t received_bytes;
        uint64_t total_bytes; /* DOSVC_SIZE_UNKNOWN */
} DownloadProgress;

/* From the loop; everything is borrowed. */
typedef struct DownloadEvents {
        void (*progress)(void *userdata, const DownloadProgress *figures, size_t n_figures);
        void (*checkpoint)(void *userdata, const FileRecord *const *records, size_t n_records);
        /* The last event is one of these; credentials and connections are gone by then. */
        void (*finished)(void *userdata);
        void (*failed)(void *userdata, const Failure *failure);
} DownloadEvents;

typedef struct DownloadOrder {
        sd_id128_t job;
        FileRecord *records; /* taken over by download_new() if it succeeds */
        size_t n_records;
        JobSettings settings; /* taken over as well */
} DownloadOrder;

/* Nothing happens before the loop runs. questions is borrowed. -ENOMEM. */
int download_new(sd_event *event,
                 const DownloadOrder *order,
                 Questions *questions,
                 const DownloadEvents *events,
                 void *userdata,
                 Download **ret);
Download *download_free(Download *download);
DEFINE_CLEANUP(Download *, download_free);

/*
 * The settings that can change while a worker runs are these from now on; consumes settings.
 * Transfers that run are not disturbed, and the requests that come next go by the new settings.
 */
void download_change(Download *download, JobSettings *settings);

/* Ends early: syncs and reports a last checkpoint(), nothing more. Harmless after the end. */
void download_stop(Download *download);
