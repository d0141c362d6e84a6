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

int file_record_copy(FileRecord *record, const FileRecord *from)
{
        FileRecord copy = *from;
        const char *const strings[] = {
                from->remote_name,    from->local_name,    from->temp_name, from->etag,
                from->last_modified,  from->effective_url, from->headers,   from->checksum,
                from->restart_reason, from->named_url,
        };
        char **const copies[] = { &copy.remote_name, &copy.local_name,    &copy.temp_name,
                                  &copy.etag,        &copy.last_modified, &copy.effective_url,
                                  &copy.headers,     &copy.checksum,      &copy.restart_reason,
                                  &copy.named_url };
        int r = 0;

        for (size_t i = 0; i < ARRAY_SIZE(copies); i++)
                *copies[i] = NULL;
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(copies); i++)
                r = str_set(copies[i], strings[i] ? strings[i] : "");
        copy.ranges = NULL;
        copy.n_ranges = 0;
        if (r >= 0 && from->n_ranges > 0) {
                copy.ranges = calloc(from->n_ranges, sizeof(*copy.ranges));
                if (copy.ranges) {
                        memcpy(copy.ranges, from->ranges, from->n_ranges * sizeof(*copy.ranges));
                        copy.n_ranges = from->n_ranges;
                } else {
                        r = -ENOMEM;
                }
        }
        if (r < 0) {
                file_record_done(&copy);
                return r;
        }
        *record = copy;
        return 0;
}

void file_record_done(FileRecord *record)
{
        char **const strings[] = { &record->remote_name,    &record->local_name,
                                   &record->temp_name,      &record->etag,
                                   &record->last_modified,  &record->effective_url,
                                   &record->headers,        &record->checksum,
                                   &record->restart_reason, &record->named_url };

        for (size_t i = 0; i < ARRAY_SIZE(strings); i++) {
                free(*strings[i]);
                *strings[i] = NULL;
        }
        free(record->ranges);
        record->ranges = NULL;
        record->n_ranges = 0;
}

const char *file_record_owners_name(const FileRecord *record)
{
        return str_is_empty(record->named_url) ? record->remote_name : record->named_url;
}
