/*
 * Which bytes of the remote file a record wants, and where they lie in its temporary file:
 * one part after the other in the order given, or the one part that is the whole file.
 *
 * Pure. position: bytes that are there already. size: of the remote file, or
 * DOSVC_SIZE_UNKNOWN.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model/spec.h"

/* What is missing of the part that comes next. */
typedef struct Part {
        uint64_t from;         /* in the remote file */
        uint64_t length_bytes; /* DOSVC_SIZE_UNKNOWN: to an end that nobody knows yet */
        bool to_end;
} Part;

/* 1: *ret is filled; 0: nothing is missing. */
int parts_next(const FileRecord *record, uint64_t size, uint64_t position, Part *ret);

/* What the temporary file will hold, or DOSVC_SIZE_UNKNOWN. -ERANGE: the file ends before. */
int parts_total(const FileRecord *record, uint64_t size, uint64_t *ret);

/* Each part begins behind the one before it: one answer can hold them all. */
bool parts_ascend(const FileRecord *record);

/* Size of the remote file as far as the record tells it. */
uint64_t parts_file_size(const FileRecord *record);
