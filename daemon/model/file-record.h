/*
 * The record of a file: what is wanted, and how much of it is on disk, of which version.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model/file-ranges.h"

/* What dbus/worker-wire.h calls FileRecord. Strings are owned and never NULL once set. */
typedef struct FileRecord {
        char *remote_name;
        char *local_name;
        char *temp_name;
        char *etag;
        char *last_modified;
        char *effective_url;
        char *headers;
        char *checksum;
        char *restart_reason;
        char *named_url;   /* the owner's name where a reported redirect put another; "" = none */
        FileRange *ranges; /* owned */
        uint32_t n_ranges;
        uint32_t restarts;
        uint64_t inode; /* of the temporary file; 0: not known to be there */
        uint64_t offset_bytes;
        uint64_t total_bytes; /* DOSVC_SIZE_UNKNOWN */
        uint32_t index;
        bool finished;
} FileRecord;

/*
 * The remote name that the owner gave. Credentials, headers and certificates are for its origin;
 * a place that a server's redirect named gets none of them.
 */
const char *file_record_owners_name(const FileRecord *record);

/* Takes copies; the other strings are empty, the size unknown. -ENOMEM. */
int file_record_init(FileRecord *record, uint32_t index, const char *remote, const char *local);
/* Deep copy into uninitialised memory. -ENOMEM. */
int file_record_copy(FileRecord *record, const FileRecord *from);
/* Frees the strings; accepts zeroed and half-filled records. */
void file_record_done(FileRecord *record);
