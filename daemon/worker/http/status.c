#include "worker/http/status.h"

#include "base/log.h"

#include "model/enums.h"
#include "model/error-code.h"

static const struct {
        unsigned status;
        const char *phrase;
} phrases[] = {
        { 400, "Bad Request" },
        { 401, "authentication required" },
        { 403, "Forbidden" },
        { 404, "Not Found" },
        { 407, "proxy authentication required" },
        { 408, "Request Timeout" },
        { 410, "Gone" },
        { 416, "Range Not Satisfiable" },
        { 425, "Too Early" },
        { 429, "Too Many Requests" },
        { 500, "Internal Server Error" },
        { 502, "Bad Gateway" },
        { 503, "Service Unavailable" },
        { 504, "Gateway Timeout" },
};

static const char *find_phrase(unsigned status)
{
        for (size_t i = 0; i < ARRAY_SIZE(phrases); i++)
                if (phrases[i].status == status)
                        return phrases[i].phrase;
        return "no success";
}

/* Spec section 3.4. 425 and 429 are younger than that text; both mean "try again later". */
static bool is_transient(unsigned status)
{
        switch (status) {
        case 408:
        case 409:
        case 425:
        case 429:
                return true;
        case 501:
        case 505:
                return false;
        default:
                return !(status >= 400 && status < 500) && !(status >= 300 && status <= 305) &&
                       status != 307 && status != 308;
        }
}

void status_set_failure(Failure *failure,
                        unsigned status,
                        const char *url,
                        bool by_proxy,
                        uint64_t retry_after_sec)
{
        if (failure->code)
                return;
        failure_set(failure,
                    ERROR_CODE_HTTP(status),
                    is_transient(status),
                    ERROR_CONTEXT_REMOTE_FILE,
                    url,
                    "The %s answered with status %u (%s) for %s.",
                    by_proxy ? "proxy" : "server",
                    status,
                    find_phrase(status),
                    log_url(url));
        failure->retry_after_sec = failure->transient ? retry_after_sec : 0;
}

void status_set_no_certificate(Failure *failure, unsigned status, const char *url)
{
        failure_set(failure,
                    (uint32_t) ERROR_CODE_CERTIFICATE_NEEDED,
                    false,
                    ERROR_CONTEXT_REMOTE_FILE,
                    url,
                    "The server asks for a client certificate, and the job has none for it (status "
                    "%u): %s.",
                    status,
                    log_url(url));
}
