#include "model/setting-checks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

#include "model/bypass.h"
#include "model/limits.h"
#include "model/text.h"

int setting_check_display_name(const char *s, const char **ret_reason)
{
        return text_check_label(s, LIMIT_DISPLAY_NAME, ret_reason);
}

int setting_check_description(const char *s, const char **ret_reason)
{
        return text_check_label(s, LIMIT_DESCRIPTION, ret_reason);
}

int setting_normalize_bypass(const char *s, char **ret, const char **ret_reason)
{
        int r = bypass_check(s, ret_reason);

        return r < 0 ? r : str_set(ret, s);
}

int setting_check_path(const char *s, const char **ret_reason)
{
        size_t length = strlen(s);

        *ret_reason = "must be an absolute path without control characters";
        return s[0] == '/' && length <= LIMIT_LOCAL_NAME && !str_has_control(s, length) ? 0
                                                                                        : -EINVAL;
}

int setting_check_ticket_cache(const char *s, const char **ret_reason)
{
        static const struct {
                const char *prefix;
                bool path;
        } kinds[] = {
                { "FILE:", true }, { "DIR:", true },  { "KEYRING:", false },
                { "KCM:", false }, { "API:", false },
        };
        const char *reason;

        *ret_reason = "must be an absolute path, or FILE: or DIR: with one, or KEYRING:, KCM: or "
                      "API: and a name";
        if (strlen(s) > LIMIT_LOCAL_NAME || str_has_control(s, strlen(s)))
                return -EINVAL;
        if (s[0] == '/')
                return setting_check_path(s, &reason);
        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
                if (str_starts_with(s, kinds[i].prefix))
                        return kinds[i].path
                                       ? setting_check_path(s + strlen(kinds[i].prefix), &reason)
                                       : 0;
        return strchr(s, ':') ? -EOPNOTSUPP : -EINVAL;
}

/* Headers -------------------------------------------------------------------------------- */

/*
 * The service sends some of these itself, some frame the message, and some would make the answer
 * something else than the file (a condition, another coding). A name that begins with "Proxy-" is
 * meant for the proxy, which is refused as well.
 */
static const char *const forbidden[] = {
        "Accept-Encoding",
        "Connection",
        "Content-Length",
        "Expect",
        "Host",
        "HTTP2-Settings",
        "If-Match",
        "If-Modified-Since",
        "If-None-Match",
        "If-Range",
        "If-Unmodified-Since",
        "Keep-Alive",
        "Range",
        "TE",
        "Trailer",
        "Transfer-Encoding",
        "Upgrade",
};

static bool is_forbidden(const char *name, size_t length)
{
        static const char proxy[] = "Proxy-";

        if (length >= strlen(proxy) && strncasecmp(name, proxy, strlen(proxy)) == 0)
                return true;
        for (size_t i = 0; i < ARRAY_SIZE(forbidden); i++)
                if (strlen(forbidden[i]) == length && strncasecmp(name, forbidden[i], length) == 0)
                        return true;
        return false;
}

/* tchar of RFC 9110 section 5.6.2 */
static bool is_token_char(char c)
{
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
               (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

/* All controls but the tab, which is white space of a value. */
static bool is_value(const char *s, size_t size_bytes)
{
        for (size_t i = 0; i < size_bytes; i++)
                if (s[i] != '\t' && str_has_control(&s[i], 1))
                        return false;
        return true;
}

int setting_check_header(const char *line,
                         size_t size_bytes,
                         size_t *ret_name,
                         const char **ret_reason)
{
        size_t length = 0;

        while (length < size_bytes && is_token_char(line[length]))
                length++;
        *ret_name = length;
        if (length == 0 || length == size_bytes || line[length] != ':')
                *ret_reason = "must be \"Name: value\", the name without spaces";
        else if (is_forbidden(line, length))
                *ret_reason = "is set by the service itself, or would change what the answer is";
        else if (!is_value(line + length, size_bytes - length))
                *ret_reason = "must have no line break, NUL or other control character in its "
                              "value";
        else
                return 0;
        return -EINVAL;
}

int setting_header_units(const char *line, size_t size_bytes, size_t *ret_units)
{
        size_t units;
        int r = text_utf16_length(line, size_bytes, &units);

        if (r >= 0)
                *ret_units = units + 2; /* CR LF */
        return r;
}

bool setting_are_headers(const Secret *headers)
{
        const char *line = secret_data(headers), *end = line + secret_size(headers);
        size_t total = 1, units, name; /* the NUL of the original counts */
        const char *reason;

        while (line < end) {
                const char *stop = memchr(line, '\n', (size_t) (end - line));

                if (!stop ||
                    setting_check_header(line, (size_t) (stop - line), &name, &reason) < 0 ||
                    setting_header_units(line, (size_t) (stop - line), &units) < 0)
                        return false;
                total += units;
                if (total > LIMIT_HEADERS)
                        return false;
                line = stop + 1;
        }
        return true;
}
