#include "model/url.h"

#include <curl/urlapi.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "base/str.h"

#include "model/limits.h"

DEFINE_CLEANUP(CURLU *, curl_url_cleanup);
DEFINE_CLEANUP(char *, curl_free);

/* A copy of one part of a URL, or NULL if the URL has no such part. -EINVAL, -ENOMEM. */
static int url_part(CURLU *url, CURLUPart part, unsigned flags, CURLUcode absent, char **ret)
{
        _cleanup_(curl_freep) char *text = NULL;
        CURLUcode code = curl_url_get(url, part, &text, flags);

        *ret = NULL;
        if (code == absent)
                return 0;
        if (code == CURLUE_OUT_OF_MEMORY)
                return -ENOMEM;
        if (code != CURLUE_OK)
                return -EINVAL;
        *ret = strdup(text);
        return *ret ? 0 : -ENOMEM;
}

/* Checked here because libcurl accepts some characters that RFC 3986 section 2 does not. */
static bool has_only_url_characters(const char *s)
{
        static const char legal[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                    "-._~:/?#[]@!$&'()*+,;=%";

        return s[strspn(s, legal)] == '\0';
}

/*
 * "scheme://host:port", always with the port. libcurl takes the zone of an IPv6 address (RFC 6874)
 * out of the host; it is put back, since the same address on two links is two hosts. -EINVAL,
 * -ENOMEM.
 */
static int format_origin(CURLU *url, char **ret)
{
        _cleanup_free_ char *scheme = NULL, *host = NULL, *zone = NULL, *port = NULL;
        int r;

        r = url_part(url, CURLUPART_SCHEME, 0, CURLUE_NO_SCHEME, &scheme);
        if (r >= 0)
                r = url_part(url, CURLUPART_HOST, 0, CURLUE_NO_HOST, &host);
        if (r >= 0)
                r = url_part(url, CURLUPART_ZONEID, 0, CURLUE_NO_ZONEID, &zone);
        if (r >= 0)
                r = url_part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT, CURLUE_NO_PORT, &port);
        if (r < 0)
                return r;
        if (!scheme || !host || !port)
                return -EINVAL;
        if (zone) {
                host[strlen(host) - 1] = '\0'; /* the bracket */
                return str_format(ret, "%s://%s%%25%s]:%s", scheme, host, zone, port);
        }
        return str_format(ret, "%s://%s:%s", scheme, host, port);
}

/*
 * libcurl reads "http:/host" and "http:///host" as "http://host" and decodes escapes in host names,
 * so the host that is checked would not be the one that is asked. Only the zone of an IPv6 address,
 * which is in brackets, has an escape.
 */
static bool has_plain_host(const char *s)
{
        const char *colon = s + strcspn(s, ":/?#"), *authority, *end, *at, *host;

        if (!str_starts_with(colon, "://"))
                return false;
        authority = colon + strlen("://");
        end = authority + strcspn(authority, "/?#");
        at = memrchr(authority, '@', (size_t) (end - authority));
        host = at ? at + 1 : authority;
        return host < end && (*host == '[' || !memchr(host, '%', (size_t) (end - host)));
}

static int parse_http_url(const char *s, CURLU **ret, const char **ret_reason)
{
        _cleanup_(curl_url_cleanupp) CURLU *url = curl_url();
        _cleanup_free_ char *scheme = NULL;
        CURLUcode code = CURLUE_MALFORMED_INPUT;
        int r;

        if (!url)
                return -ENOMEM;
        if (!has_only_url_characters(s)) {
                *ret_reason = "has characters that a URL may not hold (write them as %XX)";
                return -EINVAL;
        }
        if (has_plain_host(s))
                code = curl_url_set(url, CURLUPART_URL, s, 0);
        if (code == CURLUE_OUT_OF_MEMORY)
                return -ENOMEM;
        if (code != CURLUE_OK) {
                *ret_reason = "must be a URL like https://host/path";
                return -EINVAL;
        }
        r = url_part(url, CURLUPART_SCHEME, 0, CURLUE_NO_SCHEME, &scheme);
        if (r < 0)
                return r;
        if (!str_equal(scheme, "http") && !str_equal(scheme, "https")) {
                *ret_reason = "must use http or https";
                return -EINVAL;
        }
        *ret = STEAL_PTR(url);
        return 0;
}

int url_parse_remote_name(const char *s,
                          char **ret_url,
                          char **ret_user,
                          char **ret_password,
                          const char **ret_reason)
{
        _cleanup_(curl_url_cleanupp) CURLU *url = NULL;
        _cleanup_free_ char *text = NULL, *user = NULL, *password = NULL;
        int r;

        if (strlen(s) > LIMIT_REMOTE_NAME) {
                *ret_reason = "is longer than 2200 characters";
                return -EINVAL;
        }
        r = parse_http_url(s, &url, ret_reason);
        if (r < 0)
                return r;

        r = url_part(url, CURLUPART_USER, CURLU_URLDECODE, CURLUE_NO_USER, &user);
        if (r >= 0)
                r = url_part(url,
                             CURLUPART_PASSWORD,
                             CURLU_URLDECODE,
                             CURLUE_NO_PASSWORD,
                             &password);
        if (r < 0) {
                *ret_reason = "has user info that cannot be decoded";
                return r;
        }
        if (curl_url_set(url, CURLUPART_USER, NULL, 0) != CURLUE_OK ||
            curl_url_set(url, CURLUPART_PASSWORD, NULL, 0) != CURLUE_OK ||
            curl_url_set(url, CURLUPART_FRAGMENT, NULL, 0) != CURLUE_OK)
                return -ENOMEM;
        r = url_part(url, CURLUPART_URL, 0, CURLUE_NO_HOST, &text);
        if (r < 0 || !text) {
                *ret_reason = "must be a URL like https://host/path";
                return r < 0 ? r : -EINVAL;
        }

        *ret_url = STEAL_PTR(text);
        *ret_user = STEAL_PTR(user);
        *ret_password = STEAL_PTR(password);
        return 0;
}

/* [http://|https://]host[:port] */
static int parse_proxy_url(const char *s, char **ret_url, const char **ret_reason)
{
        _cleanup_(curl_url_cleanupp) CURLU *url = NULL;
        _cleanup_free_ char *with_scheme = NULL, *user = NULL, *path = NULL, *query = NULL;
        int r;

        r = str_format(&with_scheme, "%s%s", strstr(s, "://") ? "" : "http://", s);
        if (r < 0)
                return r;
        r = parse_http_url(with_scheme, &url, ret_reason);
        if (r < 0 && strncasecmp(s, "socks", strlen("socks")) == 0) {
                *ret_reason =
                        "names a SOCKS proxy, which is not supported; use one of http or https";
                return r;
        }
        if (r < 0) {
                *ret_reason = "must be like [http=|https=][http://|https://]host[:port]";
                return r;
        }

        r = url_part(url, CURLUPART_USER, 0, CURLUE_NO_USER, &user);
        if (r >= 0)
                r = url_part(url, CURLUPART_PATH, 0, CURLUE_MALFORMED_INPUT, &path);
        if (r >= 0)
                r = url_part(url, CURLUPART_QUERY, 0, CURLUE_NO_QUERY, &query);
        if (r < 0)
                return r;
        if (user) {
                *ret_reason = "must not hold user info (use SetCredentials with target proxy)";
                return -EINVAL;
        }
        if (query || (path && !str_equal(path, "/"))) {
                *ret_reason = "must not hold a path";
                return -EINVAL;
        }
        return format_origin(url, ret_url);
}

int url_parse_proxy(const char *s, char **ret_entry, const char **ret_reason)
{
        _cleanup_free_ char *url = NULL;
        size_t prefix = str_starts_with(s, "http=") ? 5 : str_starts_with(s, "https=") ? 6 : 0;
        int r = parse_proxy_url(s + prefix, &url, ret_reason);

        return r < 0 ? r : str_format(ret_entry, "%.*s%s", (int) prefix, s, url);
}

int url_origin(const char *s, char **ret_origin)
{
        _cleanup_(curl_url_cleanupp) CURLU *url = NULL;
        _cleanup_free_ char *origin = NULL;
        const char *reason;
        int r = parse_http_url(s, &url, &reason);

        if (r >= 0)
                r = format_origin(url, &origin);
        return r < 0 ? r : str_format(ret_origin, "%s/", origin);
}

bool url_same_origin(const char *a, const char *b)
{
        _cleanup_(curl_url_cleanupp) CURLU *url_a = NULL, *url_b = NULL;
        _cleanup_free_ char *origin_a = NULL, *origin_b = NULL;
        const char *reason;

        return parse_http_url(a, &url_a, &reason) >= 0 && parse_http_url(b, &url_b, &reason) >= 0 &&
               format_origin(url_a, &origin_a) >= 0 && format_origin(url_b, &origin_b) >= 0 &&
               strcasecmp(origin_a, origin_b) == 0;
}
