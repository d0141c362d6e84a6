#include "worker/http/redirect.h"

#include <errno.h>

#include "base/log.h"
#include "base/str.h"

#include "model/enums.h"
#include "model/error-code.h"
#include "model/limits.h"
#include "worker/http/url.h"

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

/* reason ends a sentence. */
static int refuse(Failure *failure, const char *url, const char *reason)
{
        failure_set(failure,
                    (uint32_t) ERROR_CODE_REDIRECT_FAILED,
                    false,
                    ERROR_CONTEXT_REMOTE_FILE,
                    url,
                    "The redirect from %s was not followed: %s.",
                    log_url(url),
                    reason);
        return -EPERM;
}

static int disallow(Failure *failure, unsigned status, const char *url)
{
        failure_set(failure,
                    ERROR_CODE_HTTP(status),
                    false,
                    ERROR_CONTEXT_REMOTE_FILE,
                    url,
                    "The server redirects from %s, which the job does not allow; the remote name "
                    "of the file is now the URL that the redirect leads to.",
                    log_url(url));
        return -EPERM;
}

int redirect_resolve(const Head *head, const char *url, char **ret_url, Failure *failure)
{
        int r = url_resolve(url, head->location, ret_url);

        if (r == -EPROTONOSUPPORT)
                (void) refuse(failure, url, "it leads to another protocol than HTTP");
        else if (r == -EINVAL)
                (void) refuse(failure, url, "it leads to no URL");
        return r;
}

int redirect_check(const Head *head,
                   const char *from,
                   const char *to,
                   RedirectPolicy policy,
                   unsigned n_redirects,
                   Failure *failure)
{
        if (policy == REDIRECT_POLICY_DISALLOW)
                return disallow(failure, head->status, from);
        if (n_redirects > LIMIT_REDIRECTS)
                return refuse(failure, from, "there are too many redirects");
        if (redirect_is_downgrade(from, to) && !redirect_policy_allows_downgrade(policy))
                return refuse(failure, from, "it leads from a secure to an insecure server");
        return 0;
}

bool redirect_is_downgrade(const char *from, const char *to)
{
        return str_starts_with(from, "https:") && str_starts_with(to, "http:");
}
