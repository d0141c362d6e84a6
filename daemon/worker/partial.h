/*
 * The unfinished file on disk: its temporary file, the digest of its bytes and its record, which
 * only change together. The record never describes bytes that are not there, and an offset in it
 * is on disk. Knows nothing of where the bytes come from.
 *
 * If the owner has given a checksum, another version is only believed to be the file once it has
 * that: until then the bytes before lie beside it, and only their record is reported.
 *
 * Functions that can fail fill the given failure and return its errno.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-id128.h>

#include "base/macro.h"

#include "model/failure.h"
#include "model/file-record.h"

typedef struct Destination Destination;
typedef struct Partial Partial;

/*
 * Finds the bytes of an earlier attempt; without them the record begins from 0. destination and
 * record are borrowed.
 */
int partial_open(Destination *destination,
                 sd_id128_t job,
                 FileRecord *record,
                 Failure *failure,
                 Partial **ret);
/* The temporary file and what was synced stay. */
Partial *partial_free(Partial *partial);
DEFINE_CLEANUP(Partial *, partial_free);

/*
 * If the record has a checksum, the bytes that an earlier attempt left have to be read again before
 * new ones are written. Reads a slice of them, for about a millisecond. Returns 1 if some are left
 * to be read, 0 if all have been.
 */
int partial_reread(Partial *partial, Failure *failure);

/*
 * Another version is coming: gives up the bytes on disk, or keeps them beside it if the record has
 * a checksum. As partial_start_over().
 */
int partial_replace(Partial *partial, const char *reason, Failure *failure);
/* The record to be reported, borrowed until the next call of another function. */
FileRecord *partial_record(Partial *partial);
/* Whether a version before is kept. */
bool partial_has_before(const Partial *partial);
/* Goes back to it: the version that came after it is thrown away. Nothing may be written then. */
void partial_return(Partial *partial);
/* Nothing more will come: keeps of the two versions the one that has more bytes. */
void partial_settle(Partial *partial);

/* Gives up the bytes on disk; reason is a sentence. The temporary file gets another name. */
int partial_start_over(Partial *partial, const char *reason, Failure *failure);
/* How often bytes were given up since partial_open(). */
unsigned partial_restarts(const Partial *partial);

/* Reserves space for record->total_bytes, or checks what is free if that is unknown. */
int partial_reserve(Partial *partial, uint64_t disk_reserve_bytes, Failure *failure);
/* As sink_check_room(). */
int partial_check_room(const Partial *partial, uint64_t disk_reserve_bytes);

int partial_write(Partial *partial, const void *data, size_t size_bytes, Failure *failure);

/*
 * After all bytes. Returns 1 if they have the checksum, or there is none: then the version before
 * is given up. 0 if they do not.
 */
int partial_verify(Partial *partial, Failure *failure);

/* Bytes that the temporary file holds. */
uint64_t partial_position(const Partial *partial);

/* Starts to write back to the disk, without waiting. */
void partial_start_sync(Partial *partial);
/*
 * Waits until the bytes written are on disk and moves record->offset_bytes there. Returns 1 if the
 * record changed, 0 if not. Errnos of sink_sync(): partial_start_over() has to follow.
 */
int partial_sync(Partial *partial);
