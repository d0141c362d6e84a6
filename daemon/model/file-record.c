#include "model/file-record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "base/str.h"

int file_record_init(FileRecord *record, uint32_t index, const char *remote, const char *local)
{
        FileRecord from = { .index = index, .total_bytes = DOSVC_SIZE_UNKNOWN };
        int r = file_record_copy(record, &from);

        if (r < 0) /* then the record holds nothing to free */
                return r;
        r = str_set(&record->remote_name, remote);
        if (r >= 0)
                r = str_set(&record->local_name, local);
        if (r < 0)
                file_record_done(record);
        return r;
}

static int copy_ranges(FileRecord *copy, const FileRecord *from)
{
        if (from->n_ranges == 0)
                return 0;
        copy->ranges = calloc(from->n_ranges, sizeof(*copy->ranges));
        if (!copy->ranges)
                return -ENOMEM;
        memcpy(copy->ranges, from->ranges, from->n_ranges * sizeof(*copy->ranges));
        copy->n_ranges = from->n_ranges;
        return 0;
}

#define COPY_TEXT(member, limit)                                                                   \
        if (r >= 0)                                                                                \
                r = str_set(&copy.member, from->member ? from->member : "");

int file_record_copy(FileRecord *record, const FileRecord *from)
{
        FileRecord copy = {
                .inode = from->inode,
                .offset_bytes = from->offset_bytes,
                .total_bytes = from->total_bytes,
                .restarts = from->restarts,
                .index = from->index,
                .finished = from->finished,
        };
        int r = copy_ranges(&copy, from);

        FILE_RECORD_TEXTS(COPY_TEXT)
        if (r < 0) {
                file_record_done(&copy);
                return r;
        }
        *record = copy;
        return 0;
}

#define FREE_TEXT(member, limit)                                                                   \
        free(record->member);                                                                      \
        record->member = NULL;

void file_record_done(FileRecord *record)
{
        FILE_RECORD_TEXTS(FREE_TEXT)
        free(record->ranges);
        record->ranges = NULL;
        record->n_ranges = 0;
}

const char *file_record_owners_name(const FileRecord *record)
{
        return str_is_empty(record->named_url) ? record->remote_name : record->named_url;
}

static int compare_index(const void *a, const void *b)
{
        const FileRecord *x = a, *y = b;

        return x->index < y->index ? -1 : x->index > y->index;
}

const FileRecord *file_records_find(const FileRecord *records, size_t n_records, uint32_t index)
{
        if (n_records == 0) /* there may be no array either, and bsearch(3) wants one */
                return NULL;
        return bsearch(&(FileRecord){ .index = index },
                       records,
                       n_records,
                       sizeof(*records),
                       compare_index);
}
