#include "worker/download.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>

#include "base/clock.h"
#include "base/log.h"

#include "worker/destinations.h"
#include "worker/sources.h"
#include "worker/transfer.h"

/* Measured: receiving more files at a time is not faster. */
#define MAX_RECEIVING 8

/* Whole files wait for one another, up to this number and this time, to share one sync. */
#define MAX_SETTLING      64
#define SETTLE_AFTER_USEC (100 * USEC_PER_MSEC)

#define TICK_USEC     (250 * USEC_PER_MSEC)
#define ACCURACY_USEC (10 * USEC_PER_MSEC)

/* A crash costs no more than was received in this time, or this many bytes. */
#define CHECKPOINT_USEC  USEC_PER_SEC
#define CHECKPOINT_BYTES (256ULL * 1024 * 1024)

typedef enum FileState {
        FILE_NONE,
        FILE_RECEIVING,
        FILE_SETTLING, /* whole, but not synced */
} FileState;

/* One of the files that the download is busy with. */
typedef struct ActiveFile {
        FileState state;
        Transfer *transfer;      /* owned */
        uint64_t reported_bytes; /* in the last progress() */
        bool begun;              /* its record is new and was not reported */
} ActiveFile;

struct Download {
        sd_event *event;
        sd_id128_t job;
        FileRecord *records; /* owned */
        size_t n_records;
        size_t next;          /* index of the first record that has not been started */
        JobSettings settings; /* owned */
        Questions *questions; /* borrowed */
        const DownloadEvents *events;
        void *userdata;

        Destinations *destinations;
        Sources *sources;
        ActiveFile files[MAX_RECEIVING + MAX_SETTLING];
        size_t n_receiving, n_settling;
        uint64_t checkpoint_usec; /* when the last one was */
        bool ended;

        sd_event_source *start;  /* defer */
        sd_event_source *begun;  /* defer, once nothing else is to do */
        sd_event_source *tick;   /* timer */
        sd_event_source *settle; /* timer */
};

static const TransferEvents transfer_events;

static uint64_t now_usec(Download *download)
{
        uint64_t now = 0;

        (void) sd_event_now(download->event, CLOCK_MONOTONIC, &now);
        return now;
}

/* The next file in that state; the first one after NULL. */
static ActiveFile *next_file(Download *download, FileState state, ActiveFile *file)
{
        for (file = file ? file + 1 : download->files;
             file < download->files + ARRAY_SIZE(download->files);
             file++)
                if (file->state == state)
                        return file;
        return NULL;
}

static void drop_files(Download *download, FileState state)
{
        for (ActiveFile *file = NULL; (file = next_file(download, state, file));) {
                transfer_free(file->transfer);
                *file = (ActiveFile){ 0 };
        }
}

/* Closes connections, forgets credentials and stops timers: nothing happens any more. */
static void wind_up(Download *download)
{
        download->ended = true;
        drop_files(download, FILE_RECEIVING);
        drop_files(download, FILE_SETTLING);
        download->n_receiving = download->n_settling = 0;
        download->sources = sources_free(download->sources);
        download->start = sd_event_source_disable_unref(download->start);
        download->begun = sd_event_source_disable_unref(download->begun);
        download->tick = sd_event_source_disable_unref(download->tick);
        download->settle = sd_event_source_disable_unref(download->settle);
}

static void set_local_failure(Failure *failure, int error, const FileRecord *record)
{
        if (failure->code)
                return;
        failure->file = record->index;
        failure_set_local(failure, error, record->local_name);
}

/* As transfer_sync(); the first error is kept in failure. */
static int sync_file(ActiveFile *file, Failure *failure)
{
        int r = transfer_sync(file->transfer);

        if (r < 0)
                set_local_failure(failure, r, transfer_record(file->transfer));
        return r;
}

/* Syncs the data of all files; returns the number of records that have to be reported. */
static size_t sync_files(Download *download,
                         Failure *failure,
                         const FileRecord *records[static MAX_RECEIVING + MAX_SETTLING])
{
        size_t n = 0;

        /* All begin to write before the first one waits. */
        for (ActiveFile *file = NULL; (file = next_file(download, FILE_SETTLING, file));)
                transfer_start_sync(file->transfer);
        for (ActiveFile *file = NULL; (file = next_file(download, FILE_RECEIVING, file));)
                if (sync_file(file, failure) != 0 || file->begun)
                        records[n++] = transfer_record(file->transfer);
        for (ActiveFile *file = NULL; (file = next_file(download, FILE_SETTLING, file));) {
                FileRecord *record = transfer_record(file->transfer);

                if (sync_file(file, failure) >= 0)
                        record->finished = true;
                records[n++] = record;
        }
        return n;
}

/*
 * Reports the names of the new temporary files alone, so that the files can be removed: that their
 * bytes are on disk cannot be said.
 */
static void report_names(Download *download)
{
        const FileRecord *records[MAX_RECEIVING + MAX_SETTLING];
        size_t n = 0;

        for (size_t i = 0; i < ARRAY_SIZE(download->files); i++) {
                ActiveFile *file = &download->files[i];
                FileRecord *record;

                if (file->state == FILE_NONE || !file->begun)
                        continue;
                record = transfer_record(file->transfer);
                record->offset_bytes = 0;
                record->finished = false;
                file->begun = false;
                records[n++] = record;
        }
        if (n > 0)
                download->events->checkpoint(download->userdata, records, n);
}

/*
 * Puts what has been received on disk and reports it: first the data, then the entries of the
 * directories, then the event. The settling files are done with. failure gets the first error.
 */
static void checkpoint(Download *download, Failure *failure)
{
        const FileRecord *records[MAX_RECEIVING + MAX_SETTLING];
        size_t n = sync_files(download, failure, records);
        int r = destinations_sync(download->destinations);

        if (r < 0) {
                report_names(download);
                failure_set_internal(failure, r);
                return;
        }
        if (n > 0)
                download->events->checkpoint(download->userdata, records, n);
        for (ActiveFile *file = NULL; (file = next_file(download, FILE_RECEIVING, file));)
                file->begun = false;
        drop_files(download, FILE_SETTLING);
        download->n_settling = 0;
        download->checkpoint_usec = now_usec(download);
        (void) sd_event_source_set_enabled(download->settle, SD_EVENT_OFF);
}

void download_stop(Download *download)
{
        _cleanup_(failure_done) Failure failure = FAILURE_NONE;

        if (download->ended)
                return;
        for (ActiveFile *file = NULL; (file = next_file(download, FILE_RECEIVING, file));)
                transfer_halt(file->transfer);
        if (download->destinations)
                checkpoint(download, &failure);
        if (failure.code)
                log_warning("The last bytes could not be written: %s",
                            failure.description ? failure.description : "out of memory");
        wind_up(download);
}

void download_change(Download *download, JobSettings *settings)
{
        SettingSet changed =
                job_settings_exchange(&download->settings, settings, SETTING_FOR_ANY_WORKER);

        job_settings_done(settings);
        if (download->sources)
                sources_change(download->sources, changed);
}

/* The first failure ends the download; what the other files have is kept. Consumes failure. */
static void fail(Download *download, Failure *failure)
{
        _cleanup_(failure_done) Failure first = failure_steal(failure);

        download_stop(download);
        download->events->failed(download->userdata, &first);
}

static void checkpoint_or_fail(Download *download)
{
        Failure failure = FAILURE_NONE;

        checkpoint(download, &failure);
        if (failure.code)
                fail(download, &failure);
}

static int start_file(Download *download, FileRecord *record, Failure *failure)
{
        TransferContext context = {
                .event = download->event,
                .job = download->job,
                .sources = download->sources,
                .disk_reserve_bytes = download->settings.disk_reserve_bytes,
        };
        ActiveFile *file;
        int r = destinations_add(download->destinations, record->local_name, &context.destination);

        if (r < 0) {
                set_local_failure(failure, r, record);
                return r;
        }
        /* Fewer than MAX_RECEIVING and MAX_SETTLING are taken, so one is free. */
        file = next_file(download, FILE_NONE, NULL);
        assert(file);
        r = transfer_new(&context, record, &transfer_events, download, &file->transfer);
        if (r < 0) {
                failure->file = record->index;
                failure_set_internal(failure, r);
                return r;
        }
        file->reported_bytes = transfer_received(file->transfer);
        file->state = FILE_RECEIVING;
        download->n_receiving++;
        return 0;
}

static void start_files(Download *download)
{
        while (download->n_receiving < MAX_RECEIVING && download->next < download->n_records) {
                FileRecord *record = &download->records[download->next++];
                Failure failure = FAILURE_NONE;

                if (record->finished)
                        continue;
                if (start_file(download, record, &failure) < 0) {
                        fail(download, &failure);
                        return;
                }
        }
}

static bool is_done(const Download *download)
{
        return download->n_receiving == 0 && download->next == download->n_records;
}

static void finish_if_done(Download *download)
{
        if (download->ended || !is_done(download))
                return;
        checkpoint_or_fail(download);
        if (download->ended)
                return;
        wind_up(download);
        download->events->finished(download->userdata);
}

static ActiveFile *find_file(Download *download, const Transfer *transfer)
{
        for (ActiveFile *file = NULL; (file = next_file(download, FILE_RECEIVING, file));)
                if (file->transfer == transfer)
                        return file;
        return NULL;
}

/* TransferEvents.begun */
static void on_begun(void *userdata, Transfer *transfer)
{
        Download *download = userdata;
        ActiveFile *file = find_file(download, transfer);

        if (!file)
                return;
        file->begun = true;
        (void) sd_event_source_set_enabled(download->begun, SD_EVENT_ONESHOT);
}

/* TransferEvents.ended */
static void on_ended(void *userdata, Transfer *transfer, Failure *failure)
{
        Download *download = userdata;
        ActiveFile *file = find_file(download, transfer);

        if (failure) {
                failure->file = transfer_record(transfer)->index;
                fail(download, failure);
                return;
        }
        file->state = FILE_SETTLING;
        download->n_receiving--;
        if (download->n_settling++ == 0) {
                (void) sd_event_source_set_time_relative(download->settle, SETTLE_AFTER_USEC);
                (void) sd_event_source_set_enabled(download->settle, SD_EVENT_ONESHOT);
        }
        transfer_start_sync(transfer);
        if (download->n_settling == MAX_SETTLING)
                checkpoint_or_fail(download);
        if (!download->ended)
                start_files(download);
        finish_if_done(download);
}

static const TransferEvents transfer_events = {
        .begun = on_begun,
        .ended = on_ended,
};

/* Reports the records of new temporary files, so that these are found after a crash. */
static void report_begun(Download *download)
{
        const FileRecord *records[MAX_RECEIVING];
        size_t n = 0;

        for (ActiveFile *file = NULL; (file = next_file(download, FILE_RECEIVING, file));) {
                if (file->begun)
                        records[n++] = transfer_record(file->transfer);
                file->begun = false;
        }
        if (n > 0)
                download->events->checkpoint(download->userdata, records, n);
}

static int on_begun_idle(sd_event_source *source, void *userdata)
{
        report_begun(userdata);
        return 0;
}

static void report_progress(Download *download)
{
        DownloadProgress figures[MAX_RECEIVING];
        size_t n = 0;

        for (ActiveFile *file = NULL; (file = next_file(download, FILE_RECEIVING, file));) {
                uint64_t received = transfer_received(file->transfer);

                if (received == file->reported_bytes)
                        continue;
                file->reported_bytes = received;
                figures[n++] = (DownloadProgress){
                        .file = transfer_record(file->transfer)->index,
                        .received_bytes = received,
                        .total_bytes = transfer_total(file->transfer),
                };
        }
        if (n > 0)
                download->events->progress(download->userdata, figures, n);
}

static bool is_checkpoint_due(Download *download)
{
        uint64_t unsynced = 0;

        for (ActiveFile *file = NULL; (file = next_file(download, FILE_RECEIVING, file));) {
                uint64_t received = transfer_received(file->transfer);
                uint64_t offset = transfer_record(file->transfer)->offset_bytes;

                unsynced += received > offset ? received - offset : 0;
        }
        return unsynced >= CHECKPOINT_BYTES ||
               (unsynced > 0 && now_usec(download) - download->checkpoint_usec >= CHECKPOINT_USEC);
}

/* Files of unknown size have no room reserved, and would eat the space that DiskReserve= keeps. */
static void check_room(Download *download)
{
        for (ActiveFile *file = NULL; (file = next_file(download, FILE_RECEIVING, file));) {
                Failure failure = FAILURE_NONE;
                int r = transfer_check_room(file->transfer);

                if (r < 0) {
                        set_local_failure(&failure, r, transfer_record(file->transfer));
                        fail(download, &failure);
                        return;
                }
        }
}

static int on_tick(sd_event_source *source, uint64_t usec, void *userdata)
{
        Download *download = userdata;

        (void) sd_event_source_set_time_relative(source, TICK_USEC);
        (void) sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
        report_progress(download);
        report_begun(download);
        if (is_checkpoint_due(download)) {
                checkpoint_or_fail(download);
                check_room(download);
        }
        return 0;
}

static int on_settle(sd_event_source *source, uint64_t usec, void *userdata)
{
        checkpoint_or_fail(userdata);
        return 0;
}

static int open_destinations(Download *download, Failure *failure)
{
        int r = destinations_new(&download->destinations);

        for (size_t i = 0; r >= 0 && i < download->n_records; i++) {
                const FileRecord *record = &download->records[i];
                Destination *ignored;

                if (record->finished)
                        continue;
                r = destinations_add(download->destinations, record->local_name, &ignored);
                if (r < 0)
                        set_local_failure(failure, r, record);
        }
        return r;
}

/* Opens everything by its name, then gives up the right to write anywhere else. */
static int prepare(Download *download, Failure *failure)
{
        const SourceContext context = {
                .event = download->event,
                .questions = download->questions,
                .settings = &download->settings,
        };
        int r = sources_new(&context, failure, &download->sources);

        if (r >= 0)
                r = open_destinations(download, failure);
        if (r >= 0)
                r = destinations_confine(download->destinations);
        if (r == 0)
                log_notice("This kernel has no Landlock; the worker can write wherever its "
                           "user can");
        return r;
}

static int on_start(sd_event_source *source, void *userdata)
{
        Download *download = userdata;
        Failure failure = FAILURE_NONE;
        int r = prepare(download, &failure);

        if (r < 0) {
                failure_set_internal(&failure, r);
                fail(download, &failure);
                return 0;
        }
        download->checkpoint_usec = now_usec(download);
        start_files(download);
        finish_if_done(download);
        return 0;
}

static int add_event_sources(Download *download)
{
        sd_event *event = download->event;
        int r = sd_event_add_defer(event, &download->start, on_start, download);

        if (r >= 0)
                r = sd_event_add_defer(event, &download->begun, on_begun_idle, download);
        if (r >= 0)
                r = sd_event_source_set_enabled(download->begun, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_source_set_priority(download->begun, SD_EVENT_PRIORITY_IDLE);
        if (r >= 0)
                r = sd_event_add_time_relative(event,
                                               &download->tick,
                                               CLOCK_MONOTONIC,
                                               TICK_USEC,
                                               ACCURACY_USEC,
                                               on_tick,
                                               download);
        if (r >= 0)
                r = sd_event_add_time_relative(event,
                                               &download->settle,
                                               CLOCK_MONOTONIC,
                                               0,
                                               ACCURACY_USEC,
                                               on_settle,
                                               download);
        if (r >= 0)
                r = sd_event_source_set_enabled(download->settle, SD_EVENT_OFF);
        return r;
}

int download_new(sd_event *event,
                 const DownloadOrder *order,
                 Questions *questions,
                 const DownloadEvents *events,
                 void *userdata,
                 Download **ret)
{
        _cleanup_(download_freep) Download *download = calloc(1, sizeof(*download));
        int r;

        if (!download)
                return -ENOMEM;
        download->event = sd_event_ref(event);
        download->questions = questions;
        download->events = events;
        download->userdata = userdata;
        r = add_event_sources(download);
        if (r < 0)
                return r;
        download->settings = order->settings;
        download->job = order->job;
        download->records = order->records;
        download->n_records = order->n_records;
        *ret = STEAL_PTR(download);
        return 0;
}

Download *download_free(Download *download)
{
        if (!download)
                return NULL;
        wind_up(download);
        destinations_free(download->destinations);
        for (size_t i = 0; i < download->n_records; i++)
                file_record_done(&download->records[i]);
        free(download->records);
        job_settings_done(&download->settings);
        sd_event_unref(download->event);
        free(download);
        return NULL;
}
