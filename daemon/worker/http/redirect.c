#include "worker/http/redirect.h"

#include <errno.h>

#include "base/log.h"
#include "base/str.h"

#include "model/error-code.h"

bool redirect_is_one(const Head *head)
{
        switch (head->status) {
        case 301:
        case 302:
        case 303:
        case 307:
        case 308:
                return head->location != NULL;
        default:
                return false;
        }
}

int redirect_report(FileRecord *record, const char *url)
{
        _cleanup_free_ char *clean = NULL, *user = NULL, *password = NULL;
        const char *reason;
        int r = spec_parse_remote_name(url, &clean, &user, &password, &reason);

        if (r < 0 || str_equal(clean, record->remote_name))
                return r == -EINVAL ? 0 : r;
        if (str_is_empty(record->named_url))
                r = str_set(&record->named_url, record->remote_name);
        if (r >= 0)
                r = str_set(&record->remote_name, clean);
        return r < 0 ? r : 1;
}

bool redirect_is_downgrade(const char *from, const char *to)
{
        return str_starts_with(from, "https:") && str_starts_with(to, "http:");
}

void redirect_refuse(Failure *failure, const char *url, const char *text)
{
        failure_set(failure,
                    (uint32_t) ERROR_CODE_REDIRECT_FAILED,
                    false,
                    ERROR_CONTEXT_REMOTE_FILE,
                    url,
                    "The redirect from %s was not followed: %s.",
                    log_url(url),
                    text);
}

void redirect_disallow(Failure *failure, unsigned status, const char *url)
{
        failure_set(failure,
                    ERROR_CODE_HTTP(status),
                    false,
                    ERROR_CONTEXT_REMOTE_FILE,
                    url,
                    "The server redirects from %s, which the job does not allow; the remote name "
                    "now is the place where it leads.",
                    log_url(url));
}
