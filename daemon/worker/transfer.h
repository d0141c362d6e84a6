/*
 * One file on its way into its temporary file: which parts of the remote file are missing, where
 * their bytes go, and when the bytes on disk are worth nothing any more. Where the bytes come from
 * is a Source (worker/source.h); the transfer knows no protocol.
 *
 *   open the temporary file ─► fetch ─► begin ─► bytes to the sink ─► whole | failed
 *                                ▲        │              │
 *                                │        └ other version: a new temporary file
 *                                └──── one of several parts: the next one
 *
 * If the record has a checksum, the bytes that an earlier worker left are read again first, one
 * slice in each iteration of the loop. A file that turns out not to have its checksum is thrown
 * away; but the version that it was to replace is kept.
 *
 * Silent: reports by callback, from the loop only, and ends with one result.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>
#include <systemd/sd-id128.h>

#include "base/macro.h"

#include "model/failure.h"
#include "model/file-record.h"

typedef struct Destination Destination;
typedef struct Sources Sources;
typedef struct Transfer Transfer;

typedef struct TransferEvents {
        /*
         * A temporary file was made, or what it will hold changed: the record is worth keeping. It
         * says offset 0 or what was on disk. From within the transfer.
         */
        void (*begun)(void *userdata, Transfer *transfer);
        /*
         * The last event. failure is NULL if all bytes are written (not yet synced), else the
         * receiver's to steal. The transfer may be freed.
         */
        void (*ended)(void *userdata, Transfer *transfer, Failure *failure);
} TransferEvents;

/* Everything that a transfer works with; borrowed, and it outlives the transfer. */
typedef struct TransferContext {
        sd_event *event;
        sd_id128_t job;
        Destination *destination;
        Sources *sources;
        uint64_t disk_reserve_bytes;
} TransferContext;

/*
 * Begins. The record is borrowed and kept up to date, all but its offset, which only
 * transfer_sync() moves; transfer_record() is what may be reported of it. What goes wrong early is
 * reported by ended() as well. -ENOMEM.
 */
int transfer_new(const TransferContext *context,
                 FileRecord *record,
                 const TransferEvents *events,
                 void *userdata,
                 Transfer **ret);
/* Ends it without an event; the temporary file and what was synced stay. */
Transfer *transfer_free(Transfer *transfer);
DEFINE_CLEANUP(Transfer *, transfer_free);

/* Ends the request and forgets credentials; what is written stays and can be synced. */
void transfer_halt(Transfer *transfer);

/* Starts to write back to the disk, without waiting. */
void transfer_start_sync(Transfer *transfer);

/*
 * Waits until the bytes written are on disk and moves record->offset_bytes there. Returns 1
 * if the record changed, 0 if not. Errnos of sink_sync(): the kernel forgets what it could not
 * write, so nothing of the file is trusted and the record begins again.
 */
int transfer_sync(Transfer *transfer);

/* While bytes come: as sink_check_room(), with the disk reserve of the context. */
int transfer_check_room(const Transfer *transfer);

FileRecord *transfer_record(Transfer *transfer);
/* Bytes that the file will have, as the last answer says; DOSVC_SIZE_UNKNOWN. */
uint64_t transfer_total(const Transfer *transfer);
/* Bytes received of the file so far, including what an earlier attempt left on disk. */
uint64_t transfer_received(const Transfer *transfer);
