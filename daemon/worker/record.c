#include "worker/record.h"

#include <errno.h>

#include "base/str.h"

#include "model/url.h"

int record_forget_version(FileRecord *record)
{
        int r = str_set(&record->etag, "");

        if (r >= 0)
                r = str_set(&record->last_modified, "");
        if (r >= 0)
                r = str_set(&record->coding, "");
        if (r >= 0)
                r = str_set(&record->effective_url, "");
        if (r >= 0)
                r = str_set(&record->headers, "");
        record->offset_bytes = 0;
        record->total_bytes = DOSVC_SIZE_UNKNOWN;
        record->finished = false;
        return r;
}

int record_set_version(FileRecord *record, const SourceAnswer *answer)
{
        int r = str_set(&record->etag, answer->etag);

        if (r >= 0)
                r = str_set(&record->last_modified, answer->last_modified);
        if (r >= 0)
                r = str_set(&record->coding, answer->coding);
        if (r >= 0)
                r = str_set(&record->effective_url, answer->url);
        if (r >= 0)
                r = str_set(&record->headers, answer->headers);
        return r;
}

int record_add_restart(FileRecord *record, const char *reason)
{
        record->restarts += record->restarts < UINT32_MAX;
        return str_set(&record->restart_reason, reason);
}

int record_relocate(FileRecord *record, const char *url)
{
        _cleanup_free_ char *clean = NULL, *user = NULL, *password = NULL;
        const char *reason;
        int r = url_parse_remote_name(url, &clean, &user, &password, &reason);

        if (r < 0 || str_equal(clean, record->remote_name))
                return r == -EINVAL ? 0 : r;
        if (str_is_empty(record->named_url))
                r = str_set(&record->named_url, record->remote_name);
        if (r >= 0)
                r = str_set(&record->remote_name, clean);
        return r < 0 ? r : 1;
}
