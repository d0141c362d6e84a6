#include "worker/sources.h"

#include <errno.h>
#include <strings.h>

#include "model/file-record.h"
#include "worker/http/date.h"
#include "worker/http/fetch.h"
#include "worker/http/session.h"

struct Sources {
        Session *http;
};

int sources_new(const SourceContext *context, Failure *failure, Sources **ret)
{
        _cleanup_(sources_freep) Sources *sources = calloc(1, sizeof(*sources));
        int r;

        if (!sources)
                return -ENOMEM;
        r = session_new(context, failure, &sources->http);
        if (r < 0)
                return r;
        *ret = STEAL_PTR(sources);
        return 0;
}

Sources *sources_free(Sources *sources)
{
        if (!sources)
                return NULL;
        session_free(sources->http);
        free(sources);
        return NULL;
}

void sources_change(Sources *sources, SettingSet changed)
{
        session_change(sources->http, changed);
}

static bool is_http(const char *url)
{
        return strncasecmp(url, "http:", 5) == 0 || strncasecmp(url, "https:", 6) == 0;
}

int sources_open(Sources *sources,
                 const FileRecord *record,
                 const SourceEvents *events,
                 void *userdata,
                 Source **ret)
{
        if (is_http(record->remote_name))
                return fetch_new(sources->http, record, events, userdata, ret);
        return -EPROTONOSUPPORT;
}

int sources_modified(const FileRecord *record, int64_t *ret_sec)
{
        if (is_http(record->remote_name))
                return date_parse(record->last_modified, ret_sec);
        return -EINVAL;
}
