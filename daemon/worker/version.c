#include "worker/version.h"

#include "base/str.h"

int version_forget(FileRecord *record)
{
        int r = str_set(&record->etag, "");

        if (r >= 0)
                r = str_set(&record->last_modified, "");
        if (r >= 0)
                r = str_set(&record->effective_url, "");
        if (r >= 0)
                r = str_set(&record->headers, "");
        record->offset_bytes = 0;
        record->total_bytes = DOSVC_SIZE_UNKNOWN;
        record->finished = false;
        return r;
}

int version_take(FileRecord *record, const Head *head, const char *url)
{
        int r = str_set(&record->etag, head->etag ? head->etag : "");

        if (r >= 0)
                r = str_set(&record->last_modified, head->last_modified ? head->last_modified : "");
        if (r >= 0)
                r = str_set(&record->effective_url, url);
        if (r >= 0)
                r = str_set(&record->headers, head->text ? head->text : "");
        return r;
}
