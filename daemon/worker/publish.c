#include "worker/publish.h"

#include <errno.h>
#include <string.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"

#include "model/enums.h"
#include "worker/destinations.h"
#include "worker/sink.h"
#include "worker/sources.h"

/* This many files share one sync of the disk, each with an open descriptor. */
#define BATCH 64

/* A file and how far it has come. */
typedef struct Item {
        const FileRecord *record;
        uint32_t tag;
        Destination *destination; /* NULL: nothing is left to be done */
        int fd;
        bool renamed;
} Item;

static int add_failure(FailureList *failures, const FileRecord *record, int error)
{
        _cleanup_(failure_done) Failure failure = FAILURE_NONE;

        failure.file = record->index;
        failure_set(&failure,
                    failure_local_code(error),
                    false,
                    ERROR_CONTEXT_LOCAL_FILE,
                    NULL,
                    "The file %s cannot be finished: %s.",
                    record->local_name,
                    failure_local_reason(error));
        return failure_list_add(failures, &failure);
}

static SinkFile sink_file_of(const FileRecord *record)
{
        return (SinkFile){
                .temp_name = record->temp_name,
                .inode = record->inode,
                .size_bytes = record->offset_bytes,
        };
}

/* Opens the directories of all items, then confines the process to them. */
static int prepare(Destinations *destinations,
                   const PublishOrder *order,
                   bool cleaning,
                   Item *items,
                   FailureList *failures)
{
        const FileRecord *records = order->records;
        int r;

        for (size_t i = 0; i < order->n_records; i++) {
                items[i] = (Item){
                        .record = &records[i],
                        .tag = sink_tag(order->job, records[i].index),
                        .fd = -EBADF,
                };
                r = destinations_add(destinations, records[i].local_name, &items[i].destination);
                /* The file was never begun: its directory need not exist. */
                if (r >= 0 || str_is_empty(records[i].temp_name))
                        continue;
                /* Without the directory there is nothing to be removed. */
                if ((cleaning || !records[i].finished) && (r == -ENOENT || r == -ENOTDIR))
                        continue;
                r = add_failure(failures, &records[i], r);
                if (r < 0)
                        return r;
        }
        r = destinations_confine(destinations);
        if (r == 0)
                log_notice("This kernel has no Landlock; the worker can write wherever its "
                           "user can");
        return r < 0 ? r : 0;
}

static int drop(Item *item, int error, FailureList *failures)
{
        item->destination = NULL;
        item->fd = macro_close(item->fd);
        return error < 0 ? add_failure(failures, item->record, error) : 0;
}

/* Removes temporary files that were made and never recorded. */
static int sweep(const Item *item)
{
        return sink_sweep(destination_fd(item->destination),
                          destination_entry(item->record->local_name),
                          item->tag,
                          item->record->temp_name);
}

static int clean(Item *item, FailureList *failures)
{
        SinkFile file = sink_file_of(item->record);
        int r = sink_clean(destination_fd(item->destination), &file);

        if (r >= 0)
                r = sweep(item);
        destination_changed(item->destination);
        return drop(item, r, failures);
}

static int open_item(Item *item, mode_t umask_of_owner, FailureList *failures)
{
        SinkFile file = sink_file_of(item->record);
        SinkFinal final = {
                .name = destination_entry(item->record->local_name),
                .tag = item->tag,
                .umask = umask_of_owner,
        };
        int r;

        r = sweep(item);
        if (r < 0)
                return drop(item, r, failures);
        if (sources_modified(item->record, &final.mtime_sec) < 0)
                final.mtime_sec = -1;
        r = sink_publish_open(destination_fd(item->destination), &file, &final, &item->fd);
        /* 1: an earlier attempt published it, but may not have synced the directory. */
        if (r > 0)
                destination_changed(item->destination);
        return r == 0 ? 0 : drop(item, r, failures);
}

static int rename_item(Item *item, FailureList *failures)
{
        SinkFile file = sink_file_of(item->record);
        int r = sink_publish_rename(destination_fd(item->destination),
                                    &file,
                                    destination_entry(item->record->local_name));

        destination_changed(item->destination);
        item->renamed = r >= 0;
        return drop(item, r, failures);
}

/* Sets modes and times, then syncs (the first sync carries the others), then renames. */
static int publish_batch(Item *items, size_t n_items, mode_t umask_of_owner, FailureList *failures)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < n_items; i++)
                if (items[i].destination)
                        r = items[i].record->finished
                                    ? open_item(&items[i], umask_of_owner, failures)
                                    : clean(&items[i], failures);
        for (size_t i = 0; r >= 0 && i < n_items; i++)
                if (items[i].fd >= 0 && fsync(items[i].fd) < 0 && !fd_is_unsupported(errno))
                        r = drop(&items[i], -errno, failures);
        for (size_t i = 0; r >= 0 && i < n_items; i++)
                if (items[i].fd >= 0)
                        r = rename_item(&items[i], failures);
        return r;
}

static int run(const PublishOrder *order, bool cleaning, FailureList *ret)
{
        const size_t n_records = order->n_records;
        _cleanup_(destinations_freep) Destinations *destinations = NULL;
        _cleanup_free_ Item *items = calloc(n_records ? n_records : 1, sizeof(*items));
        _cleanup_(failure_list_done) FailureList failures = { 0 };
        int synced, r;

        if (!items)
                return -ENOMEM;
        r = destinations_new(&destinations);
        if (r >= 0)
                r = prepare(destinations, order, cleaning, items, &failures);
        for (size_t i = 0; r >= 0 && !cleaning && i < n_records; i += BATCH)
                r = publish_batch(&items[i],
                                  n_records - i < BATCH ? n_records - i : BATCH,
                                  order->umask,
                                  &failures);
        for (size_t i = 0; r >= 0 && cleaning && i < n_records; i++)
                if (items[i].destination)
                        r = clean(&items[i], &failures);
        if (r >= 0) {
                synced = destinations_sync(destinations);
                for (size_t i = 0; r >= 0 && synced < 0 && i < n_records; i++)
                        if (items[i].renamed)
                                r = add_failure(&failures, items[i].record, synced);
        }
        for (size_t i = 0; i < n_records; i++)
                (void) macro_close(items[i].fd);
        if (r < 0)
                return r;
        *ret = failures;
        failures = (FailureList){ 0 };
        return 0;
}

int publish_files(const PublishOrder *order, FailureList *ret)
{
        return run(order, false, ret);
}

int publish_clean(const PublishOrder *order, FailureList *ret)
{
        return run(order, true, ret);
}
