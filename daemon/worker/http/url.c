#include "worker/http/url.h"

#include <curl/urlapi.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "model/limits.h"

int url_host(const char *url, char **ret)
{
        CURLU *parts = curl_url();
        char *host = NULL;
        size_t size;
        int r = 0;

        if (!parts)
                return -ENOMEM;
        if (curl_url_set(parts, CURLUPART_URL, url, 0) != CURLUE_OK ||
            curl_url_get(parts, CURLUPART_HOST, &host, 0) != CURLUE_OK) {
                r = -EINVAL;
        } else {
                size = strlen(host);
                *ret = host[0] == '[' ? strndup(host + 1, size - 2) : strdup(host);
                r = *ret ? 0 : -ENOMEM;
        }
        curl_free(host);
        curl_url_cleanup(parts);
        return r;
}

int url_resolve(const char *base, const char *location, char **ret_url)
{
        CURLU *parts = curl_url();
        char *scheme = NULL, *url = NULL;
        CURLUcode bad;
        int r = 0;

        if (!parts)
                return -ENOMEM;
        bad = curl_url_set(parts, CURLUPART_URL, base, 0);
        if (!bad)
                bad = curl_url_set(parts,
                                   CURLUPART_URL,
                                   location,
                                   CURLU_URLENCODE | CURLU_ALLOW_SPACE | CURLU_NON_SUPPORT_SCHEME);
        if (!bad)
                bad = curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0);
        if (!bad && strcasecmp(scheme, "http") != 0 && strcasecmp(scheme, "https") != 0)
                r = -EPROTONOSUPPORT;
        if (!bad)
                bad = curl_url_set(parts, CURLUPART_USER, NULL, 0);
        if (!bad)
                bad = curl_url_set(parts, CURLUPART_PASSWORD, NULL, 0);
        if (!bad)
                bad = curl_url_set(parts, CURLUPART_OPTIONS, NULL, 0);
        if (!bad)
                bad = curl_url_set(parts, CURLUPART_FRAGMENT, NULL, 0);
        if (!bad)
                bad = curl_url_get(parts, CURLUPART_URL, &url, 0);
        if (r == 0 && bad)
                r = bad == CURLUE_OUT_OF_MEMORY ? -ENOMEM : -EINVAL;
        /* The private link carries no longer URL. */
        if (r == 0 && strlen(url) > LIMIT_WORKER_TEXT)
                r = -EINVAL;
        if (r == 0) {
                *ret_url = strdup(url);
                r = *ret_url ? 0 : -ENOMEM;
        }
        curl_free(scheme);
        curl_free(url);
        curl_url_cleanup(parts);
        return r;
}
