/*
 * The record of a file: what is wanted, and how much of it is on disk, of which version.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/file-ranges.h"

/*
 * The texts of a FileRecord, in the order of dbus/worker-wire.h: X(member, the most bytes that are
 * taken from a worker).
 */
#define FILE_RECORD_TEXTS(X)                                                                       \
        X(remote_name, LIMIT_REMOTE_NAME * 3)                                                      \
        X(local_name, LIMIT_LOCAL_NAME)                                                            \
        X(temp_name, LIMIT_FILE_NAME)                                                              \
        X(etag, LIMIT_VALIDATOR)                                                                   \
        X(last_modified, LIMIT_VALIDATOR)                                                          \
        X(effective_url, LIMIT_WORKER_TEXT)                                                        \
        X(headers, LIMIT_RESPONSE_HEADERS)                                                         \
        X(checksum, LIMIT_CHECKSUM)                                                                \
        X(restart_reason, LIMIT_WORKER_TEXT)                                                       \
        X(named_url, LIMIT_REMOTE_NAME * 3)                                                        \
        X(coding, LIMIT_VALIDATOR)

/*
 * The FileRecord of dbus/worker-wire.h, which says what each member means. Strings are owned and
 * never NULL once set.
 */
#define FILE_RECORD_TEXT_MEMBER(member, limit) char *member;
typedef struct FileRecord {
        FILE_RECORD_TEXTS(FILE_RECORD_TEXT_MEMBER)
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

/* The record with that index among records that are sorted by it, perhaps with gaps; or NULL. */
const FileRecord *file_records_find(const FileRecord *records, size_t n_records, uint32_t index);
