/*
 * The parts of the remote file that a record wants, and where they lie in its temporary file: one
 * part after the other in the order given, or the one part that is the whole file.
 *
 * Pure. position: bytes that the temporary file holds. size: of the remote file, or
 * DOSVC_SIZE_UNKNOWN.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model/file-record.h"

/* The missing bytes of the part that comes next. */
typedef struct Part {
        uint64_t from;         /* in the remote file */
        uint64_t length_bytes; /* DOSVC_SIZE_UNKNOWN: to the end, which is not known yet */
        bool to_end;           /* the part ends where the remote file does */
} Part;

/* Returns 1 and fills *ret; 0: nothing is missing. */
int parts_next(const FileRecord *record, uint64_t size, uint64_t position, Part *ret);

/*
 * Bytes that the temporary file will hold, or DOSVC_SIZE_UNKNOWN. -ERANGE: the remote file does not
 * have all of the parts.
 */
int parts_total(const FileRecord *record, uint64_t size, uint64_t *ret);

/* Each part begins after the end of the one before, so that one answer can hold them all. */
bool parts_ascend(const FileRecord *record);
