#include "model/spec.h"

#include <curl/urlapi.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#include "model/limits.h"

/* Both directions of an enumeration from its list in dbus/dosvc-wire.h. */
#define SPEC_TEXT(name, text) text,
#define SPEC_DEFINE_STRINGS(type, prefix, list)                                                    \
        static const char *const prefix##_texts[] = { list(SPEC_TEXT) };                           \
        const char *prefix##_to_string(type value)                                                 \
        {                                                                                          \
                return prefix##_texts[value];                                                      \
        }                                                                                          \
        int prefix##_from_string(const char *s)                                                    \
        {                                                                                          \
                for (size_t i = 0; i < ARRAY_SIZE(prefix##_texts); i++)                            \
                        if (strcmp(prefix##_texts[i], s) == 0)                                     \
                                return (int) i;                                                    \
                return -EINVAL;                                                                    \
        }                                                                                          \
        struct macro_swallow_semicolon

SPEC_DEFINE_STRINGS(JobState, job_state, DOSVC_JOB_STATES);
SPEC_DEFINE_STRINGS(JobType, job_type, DOSVC_JOB_TYPES);
SPEC_DEFINE_STRINGS(Priority, priority, DOSVC_PRIORITIES);
SPEC_DEFINE_STRINGS(AuthTarget, auth_target, DOSVC_AUTH_TARGETS);
SPEC_DEFINE_STRINGS(AuthScheme, auth_scheme, DOSVC_AUTH_SCHEMES);
SPEC_DEFINE_STRINGS(ProxyUsage, proxy_usage, DOSVC_PROXY_USAGES);
SPEC_DEFINE_STRINGS(ErrorContext, error_context, DOSVC_ERROR_CONTEXTS);

int file_record_init(FileRecord *record, uint32_t index, const char *remote, const char *local)
{
        FileRecord from = { .index = index, .total_bytes = DOSVC_SIZE_UNKNOWN };
        int r = file_record_copy(record, &from);

        if (r < 0) /* nothing is in it that could be freed */
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

/* Decodes one character of UTF-8 (RFC 3629); returns its length in bytes or -EILSEQ. */
static int utf8_decode(const unsigned char *s, size_t size_bytes, uint32_t *ret)
{
        static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
        size_t length = s[0] < 0x80 ? 1 : s[0] < 0xc0 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
        uint32_t c;

        if (length == 0 || length > size_bytes || s[0] > 0xf4)
                return -EILSEQ;
        c = length == 1 ? s[0] : s[0] & (0xffu >> (length + 1));
        for (size_t i = 1; i < length; i++) {
                if ((s[i] & 0xc0) != 0x80)
                        return -EILSEQ;
                c = c << 6 | (s[i] & 0x3fu);
        }
        if (c < smallest[length] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
                return -EILSEQ;
        *ret = c;
        return (int) length;
}

int spec_utf16_length(const char *s, size_t size_bytes, size_t *ret_units)
{
        size_t units = 0, at = 0;

        while (at < size_bytes) {
                uint32_t c;
                int length = utf8_decode((const unsigned char *) s + at, size_bytes - at, &c);

                if (length < 0)
                        return length;
                units += c > 0xffff ? 2 : 1;
                at += (size_t) length;
        }
        *ret_units = units;
        return 0;
}

int spec_to_latin1(const char *s, size_t size_bytes, char *ret, size_t *ret_size)
{
        size_t size = 0, at = 0;

        while (at < size_bytes) {
                uint32_t c;
                int length = utf8_decode((const unsigned char *) s + at, size_bytes - at, &c);

                if (length < 0 || c > 0xff)
                        return -EILSEQ;
                if (ret)
                        ret[size] = (char) c;
                size++;
                at += (size_t) length;
        }
        *ret_size = size;
        return 0;
}

int spec_check_label(const char *s, size_t limit_units, const char **ret_reason)
{
        size_t units;

        if (spec_utf16_length(s, strlen(s), &units) < 0 || str_has_control(s, strlen(s))) {
                *ret_reason = "must be UTF-8 text without control characters";
                return -EINVAL;
        }
        if (units > limit_units) {
                *ret_reason = "is too long";
                return -E2BIG;
        }
        return 0;
}

DEFINE_CLEANUP(CURLU *, curl_url_cleanup);
DEFINE_CLEANUP(char *, curl_free);

/* One part of a URL as our own string; NULL when the URL has none. -EINVAL, -ENOMEM. */
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

/* RFC 3986 section 2: nothing that a URL may not hold; libcurl would let some of it pass. */
static bool has_only_url_characters(const char *s)
{
        static const char legal[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                    "-._~:/?#[]@!$&'()*+,;=%";

        return s[strspn(s, legal)] == '\0';
}

/*
 * "scheme://host:port", the port filled in. An address of two links is two hosts: libcurl takes
 * the zone (RFC 6874) out of the host, so it is put back. -EINVAL, -ENOMEM.
 */
static int url_origin(CURLU *url, char **ret)
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
 * libcurl takes "http:///host" for "http://host" and decodes escapes in host names, so that
 * what is checked would not be what is asked for. An IPv6 zone has its escape in brackets.
 */
static bool has_plain_host(const char *s)
{
        const char *authority = strstr(s, "://") + 3;
        const char *end = authority + strcspn(authority, "/?#");
        const char *at = memrchr(authority, '@', (size_t) (end - authority));
        const char *host = at ? at + 1 : authority;

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
        if (strstr(s, "://") && has_plain_host(s))
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

int spec_parse_remote_name(const char *s,
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

int spec_check_local_name(const char *s, const char **ret_reason)
{
        size_t units;

        if (s[0] != '/') {
                *ret_reason = "must be an absolute path";
                return -EINVAL;
        }
        if (strlen(s) > LIMIT_LOCAL_NAME) {
                *ret_reason = "is longer than 4095 bytes";
                return -EINVAL;
        }
        if (str_has_control(s, strlen(s)) || spec_utf16_length(s, strlen(s), &units) < 0) {
                *ret_reason = "must be UTF-8 text without control characters";
                return -EINVAL;
        }
        while (*s) {
                size_t part = strcspn(++s, "/");

                if (part == 0) {
                        *ret_reason = s[0] == '\0' ? "must name a file, not a directory"
                                                   : "must not hold empty parts";
                        return -EINVAL;
                }
                if (part > LIMIT_FILE_NAME) {
                        *ret_reason = "has a part longer than 255 bytes";
                        return -EINVAL;
                }
                if ((part == 1 && s[0] == '.') || (part == 2 && s[0] == '.' && s[1] == '.')) {
                        *ret_reason = "must not hold . or .. parts";
                        return -EINVAL;
                }
                s += part;
        }
        return 0;
}

/* NTLM wants UTF-16, which libcurl makes by widening each byte. */
static bool fits_scheme(AuthScheme scheme, const char *s, size_t size_bytes)
{
        size_t ignored;

        return scheme != AUTH_SCHEME_NTLM || spec_to_latin1(s, size_bytes, NULL, &ignored) >= 0;
}

int spec_check_user_name(AuthScheme scheme, const char *s, const char **ret_reason)
{
        size_t units;

        if (spec_utf16_length(s, strlen(s), &units) < 0 || str_has_control(s, strlen(s))) {
                *ret_reason = "user-name must be UTF-8 text without control characters";
                return -EILSEQ;
        }
        if (units > LIMIT_USER_NAME) {
                *ret_reason = "user-name must have at most 300 UTF-16 units";
                return -ENAMETOOLONG;
        }
        if (scheme == AUTH_SCHEME_BASIC && strchr(s, ':')) {
                *ret_reason = "user-name must not hold a colon for basic (RFC 7617 section 2)";
                return -EILSEQ;
        }
        if (!fits_scheme(scheme, s, strlen(s))) {
                *ret_reason = "user-name must have characters of ISO 8859-1 only for ntlm";
                return -EILSEQ;
        }
        return 0;
}

static bool is_token(const char *s, size_t size_bytes)
{
        for (size_t i = 0; i < size_bytes; i++)
                if (s[i] <= 0x20 || s[i] > 0x7e)
                        return false;
        return size_bytes > 0;
}

int spec_check_password(AuthScheme scheme,
                        const char *s,
                        size_t size_bytes,
                        const char **ret_reason)
{
        size_t units = 0;
        int r = spec_utf16_length(s, size_bytes, &units);

        if (size_bytes > LIMIT_PASSWORD_BYTES || (r >= 0 && units > LIMIT_PASSWORD)) {
                *ret_reason = "the password must have at most 65536 UTF-16 units";
                return -EMSGSIZE;
        }
        if (r < 0 || str_has_control(s, size_bytes)) {
                *ret_reason = "the password must be UTF-8 text without control characters";
                return -EILSEQ;
        }
        if (scheme == AUTH_SCHEME_BEARER && !is_token(s, size_bytes)) {
                *ret_reason = "the token must be visible ASCII characters (RFC 6750 section 2.1)";
                return -EILSEQ;
        }
        if (!fits_scheme(scheme, s, size_bytes)) {
                *ret_reason = "the password must have characters of ISO 8859-1 only for ntlm";
                return -EILSEQ;
        }
        return 0;
}

static int compare_offsets(const void *a, const void *b)
{
        const FileRange *left = a, *right = b;

        return (left->offset_bytes > right->offset_bytes) -
               (left->offset_bytes < right->offset_bytes);
}

static int check_range(const FileRange *range, const char **ret_reason)
{
        if (range->length_bytes == 0)
                *ret_reason = "must have a length";
        else if (range->offset_bytes == DOSVC_SIZE_UNKNOWN)
                *ret_reason = "must begin at a known offset";
        else if (range->length_bytes != DOSVC_SIZE_UNKNOWN &&
                 range->length_bytes > UINT64_MAX - 1 - range->offset_bytes)
                *ret_reason = "must not end beyond what can be counted";
        else
                return 0;
        return -ERANGE;
}

int spec_check_ranges(const FileRange *ranges, size_t n_ranges, const char **ret_reason)
{
        _cleanup_free_ FileRange *sorted = NULL;

        if (n_ranges == 0) {
                *ret_reason = "must name at least one part of the file";
                return -EINVAL;
        }
        if (n_ranges > LIMIT_RANGES_PER_FILE) {
                *ret_reason = "must have at most 500 parts";
                return -ETOOMANYREFS;
        }
        for (size_t i = 0; i < n_ranges; i++) {
                int r = check_range(&ranges[i], ret_reason);

                if (r < 0)
                        return r;
        }

        sorted = calloc(n_ranges, sizeof(*sorted));
        if (!sorted)
                return -ENOMEM;
        memcpy(sorted, ranges, n_ranges * sizeof(*sorted));
        qsort(sorted, n_ranges, sizeof(*sorted), compare_offsets);
        for (size_t i = 1; i < n_ranges; i++) {
                const FileRange *before = &sorted[i - 1];

                /* "To the end" is more than any distance: nothing may follow it. */
                if (before->length_bytes > sorted[i].offset_bytes - before->offset_bytes) {
                        *ret_reason = "must not overlap";
                        return -EOVERFLOW;
                }
        }
        return 0;
}

int spec_parse_checksum(const char *algorithm,
                        const char *digits,
                        char **ret,
                        const char **ret_reason)
{
        static const struct {
                const char *name, *reason;
                size_t n_digits;
        } algorithms[] = {
                { "sha256", "must have 64 hexadecimal digits", 64 },
                { "sha512", "must have 128 hexadecimal digits", 128 },
                { "sha1", "must have 40 hexadecimal digits", 40 },
                { "md5", "must have 32 hexadecimal digits", 32 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++) {
                char *text;

                if (strcmp(algorithms[i].name, algorithm) != 0)
                        continue;
                if (strlen(digits) != algorithms[i].n_digits ||
                    digits[strspn(digits, "0123456789abcdefABCDEF")] != '\0') {
                        *ret_reason = algorithms[i].reason;
                        return -EINVAL;
                }
                if (str_format(&text, "%s:%s", algorithm, digits) < 0)
                        return -ENOMEM;
                for (char *c = text; *c; c++)
                        if (*c >= 'A' && *c <= 'F')
                                *c = (char) (*c - 'A' + 'a');
                *ret = text;
                return 0;
        }
        return -ENOENT;
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
        return url_origin(url, ret_url);
}

int spec_parse_proxy(const char *s, char **ret_entry, const char **ret_reason)
{
        _cleanup_free_ char *url = NULL;
        size_t prefix = str_starts_with(s, "http=") ? 5 : str_starts_with(s, "https=") ? 6 : 0;
        int r = parse_proxy_url(s + prefix, &url, ret_reason);

        return r < 0 ? r : str_format(ret_entry, "%.*s%s", (int) prefix, s, url);
}

int spec_origin(const char *s, char **ret_origin)
{
        _cleanup_(curl_url_cleanupp) CURLU *url = NULL;
        _cleanup_free_ char *origin = NULL;
        const char *reason;
        int r = parse_http_url(s, &url, &reason);

        if (r >= 0)
                r = url_origin(url, &origin);
        return r < 0 ? r : str_format(ret_origin, "%s/", origin);
}

bool spec_same_origin(const char *a, const char *b)
{
        _cleanup_(curl_url_cleanupp) CURLU *url_a = NULL, *url_b = NULL;
        _cleanup_free_ char *origin_a = NULL, *origin_b = NULL;
        const char *reason;

        return parse_http_url(a, &url_a, &reason) >= 0 && parse_http_url(b, &url_b, &reason) >= 0 &&
               url_origin(url_a, &origin_a) >= 0 && url_origin(url_b, &origin_b) >= 0 &&
               strcasecmp(origin_a, origin_b) == 0;
}
