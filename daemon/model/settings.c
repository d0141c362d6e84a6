#include "model/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

#include "model/limits.h"
#include "model/text.h"

#define SETTINGS_TEXT(name, text) text,
static const char *const redirect_texts[] = { DOSVC_REDIRECT_POLICIES(SETTINGS_TEXT) };
static const char *const security_texts[] = { DOSVC_SECURITY_FLAGS(SETTINGS_TEXT) };

static int find_text(const char *const *texts, size_t n, const char *s)
{
        for (size_t i = 0; i < n; i++)
                if (strcmp(texts[i], s) == 0)
                        return (int) i;
        return -EINVAL;
}

const char *redirect_policy_to_string(RedirectPolicy policy)
{
        return redirect_texts[policy];
}

int redirect_policy_from_string(const char *s)
{
        return find_text(redirect_texts, ARRAY_SIZE(redirect_texts), s);
}

const char *security_flag_to_string(SecurityFlag flag)
{
        return security_texts[flag];
}

int security_flag_from_string(const char *s)
{
        return find_text(security_texts, ARRAY_SIZE(security_texts), s);
}

bool redirect_policy_reports(RedirectPolicy policy)
{
        return policy == REDIRECT_POLICY_ALLOW_REPORT ||
               policy == REDIRECT_POLICY_ALLOW_REPORT_DOWNGRADE;
}

bool redirect_policy_allows_downgrade(RedirectPolicy policy)
{
        return policy == REDIRECT_POLICY_ALLOW_SILENT_DOWNGRADE ||
               policy == REDIRECT_POLICY_ALLOW_REPORT_DOWNGRADE;
}

static int copy_secret(const Secret *from, Secret **ret)
{
        return from ? secret_new_copy(secret_data(from), secret_size(from), ret) : 0;
}

int transfer_settings_copy(TransferSettings *settings, const TransferSettings *from)
{
        TransferSettings copy = {
                .redirect_policy = from->redirect_policy,
                .security_flags = from->security_flags,
                .disk_reserve_bytes = from->disk_reserve_bytes,
        };
        const char *const strings[] = {
                from->ca_certificate,
                from->client_certificate,
                from->client_key,
                from->ticket_cache,
        };
        char **const copies[] = {
                &copy.ca_certificate,
                &copy.client_certificate,
                &copy.client_key,
                &copy.ticket_cache,
        };
        int r = strings_copy(from->proxies, &copy.proxies);

        if (r >= 0)
                r = strings_copy(from->proxy_bypass, &copy.proxy_bypass);
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(copies); i++)
                if (strings[i])
                        r = str_set(copies[i], strings[i]);
        if (r >= 0)
                r = copy_secret(from->headers, &copy.headers);
        if (r >= 0)
                r = copy_secret(from->key_password, &copy.key_password);
        if (r < 0) {
                transfer_settings_done(&copy);
                return r;
        }
        *settings = copy;
        return 0;
}

void transfer_settings_done(TransferSettings *settings)
{
        strings_free(settings->proxies);
        strings_free(settings->proxy_bypass);
        free(settings->ca_certificate);
        free(settings->client_certificate);
        free(settings->client_key);
        free(settings->ticket_cache);
        secret_free(settings->headers);
        secret_free(settings->key_password);
        *settings = (TransferSettings){ 0 };
}

int settings_check_path(const char *s, const char **ret_reason)
{
        size_t length = strlen(s);

        *ret_reason = "must be an absolute path without control characters";
        return s[0] == '/' && length <= LIMIT_LOCAL_NAME && !str_has_control(s, length) ? 0
                                                                                        : -EINVAL;
}

int settings_check_ticket_cache(const char *s, const char **ret_reason)
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
                return settings_check_path(s, &reason);
        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
                if (str_starts_with(s, kinds[i].prefix))
                        return kinds[i].path
                                       ? settings_check_path(s + strlen(kinds[i].prefix), &reason)
                                       : 0;
        return strchr(s, ':') ? -EOPNOTSUPP : -EINVAL;
}

/* Headers -------------------------------------------------------------------------------- */

/*
 * What the service says itself, what frames a message, and what makes an answer something else
 * than the file: a condition, another coding. "Proxy-" names are the proxy's business.
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

int settings_check_header(const char *line,
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

int settings_header_units(const char *line, size_t size_bytes, size_t *ret_units)
{
        size_t units;
        int r = text_utf16_length(line, size_bytes, &units);

        if (r >= 0)
                *ret_units = units + 2; /* CR LF */
        return r;
}

bool settings_are_headers(const Secret *headers)
{
        const char *line = secret_data(headers), *end = line + secret_size(headers);
        size_t total = 1, units, name; /* the NUL of the original counts */
        const char *reason;

        while (line < end) {
                const char *stop = memchr(line, '\n', (size_t) (end - line));

                if (!stop ||
                    settings_check_header(line, (size_t) (stop - line), &name, &reason) < 0 ||
                    settings_header_units(line, (size_t) (stop - line), &units) < 0)
                        return false;
                total += units;
                if (total > LIMIT_HEADERS)
                        return false;
                line = stop + 1;
        }
        return true;
}
