#include "worker/http/head.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "dbus/dosvc-wire.h"

#include "base/macro.h"
#include "base/str.h"

#include "model/limits.h"
#include "worker/http/date.h"

/* A server that asks for a longer pause than this is mistaken or hostile. */
#define RETRY_AFTER_MAX_SEC (30 * 86400ULL)

/* The longest Location that is followed; the private link carries no longer URL. */
#define LOCATION_MAX LIMIT_WORKER_TEXT

/* The longest value of any other field that is read. */
#define VALUE_MAX LIMIT_VALIDATOR

/* Fields that hold or accompany secrets: they are not kept. */
static const char *const confidential[] = {
        "Authentication-Control",    "Authentication-Info", "Authorization", "Proxy-Authenticate",
        "Proxy-Authentication-Info", "Proxy-Authorization", "Set-Cookie",    "Set-Cookie2",
        "WWW-Authenticate",
};

void head_init(Head *head)
{
        *head = (Head){ .content_length = DOSVC_SIZE_UNKNOWN };
}

void head_done(Head *head)
{
        free(head->etag);
        free(head->last_modified);
        free(head->coding);
        free(head->media_type);
        free(head->date);
        free(head->location);
        free(head->retry_after);
        free(head->text);
        head_init(head);
}

static bool is_confidential(const char *name)
{
        for (size_t i = 0; i < ARRAY_SIZE(confidential); i++)
                if (strcasecmp(name, confidential[i]) == 0)
                        return true;
        return false;
}

/* Adds a line to the text for people, whole or not at all. */
static int keep_line(Head *head, const char *line, size_t size)
{
        char *grown;

        if (head->text_size + size + 1 > LIMIT_RESPONSE_HEADERS)
                return 0;
        grown = realloc(head->text, head->text_size + size + 2);
        if (!grown)
                return -ENOMEM;
        head->text = grown;
        for (size_t i = 0; i < size; i++) {
                unsigned char c = (unsigned char) line[i];

                if (c == '\t')
                        c = ' ';
                grown[head->text_size++] = (char) (c < 0x20 || c > 0x7e ? '?' : c);
        }
        grown[head->text_size++] = '\n';
        grown[head->text_size] = '\0';
        return 0;
}

static int begin(Head *head, const char *line, size_t size)
{
        const char *space = memchr(line, ' ', size);
        size_t left;

        head_done(head);
        if (!space)
                return 0;
        left = size - (size_t) (space + 1 - line);
        if (left >= 3 && isdigit((unsigned char) space[1]) && isdigit((unsigned char) space[2]) &&
            isdigit((unsigned char) space[3]) && (left == 3 || space[4] == ' '))
                head->status = (unsigned) (space[1] - '0') * 100 +
                               (unsigned) (space[2] - '0') * 10 + (unsigned) (space[3] - '0');
        return keep_line(head, line, size);
}

static int set_copy(char **owned, const char *value, size_t max)
{
        return strlen(value) > max ? 0 : str_set(owned, value);
}

static int take_content_length(Head *head, const char *value)
{
        uint64_t length;

        /* The largest size that an off_t can hold. */
        if (str_parse_u64(value, INT64_MAX, &length) < 0 ||
            (head->content_length != DOSVC_SIZE_UNKNOWN && head->content_length != length)) {
                head->conflicting_length = true;
                return 0;
        }
        head->content_length = length;
        return 0;
}

static int take_content_range(Head *head, const char *value)
{
        if (head->has_range || head_parse_range(value, &head->range) < 0)
                head->bad_range = true;
        head->has_range = true;
        return 0;
}

/*
 * entity-tag of RFC 9110 section 8.8.3, ASCII only, or the same without its quotes: object stores
 * and home-made servers send it so, and it tells versions apart as well.
 */
static bool is_etag(const char *s)
{
        size_t size = strlen(s);
        const char *at = str_starts_with(s, "W/") ? s + 2 : s;

        if (size > LIMIT_VALIDATOR - 2)
                return false;
        size = strlen(at);
        if (size >= 2 && at[0] == '"' && at[size - 1] == '"') {
                at++;
                size -= 2;
        } else if (size == 0 || str_equal(at, "*")) {
                return false;
        }
        for (size_t i = 0; i < size; i++)
                if (at[i] < 0x21 || at[i] > 0x7e || at[i] == '"')
                        return false;
        return true;
}

/* A field that cannot be read says nothing; two that differ contradict each other. */
static int take_etag(Head *head, const char *value)
{
        if (!is_etag(value)) {
                head->malformed_etag = true;
                return 0;
        }
        head->conflicting_etag |= head->etag && !str_equal(head->etag, value);
        return str_set(&head->etag, head->conflicting_etag ? NULL : value);
}

static int take_last_modified(Head *head, const char *value)
{
        int64_t ignored;

        if (strlen(value) > VALUE_MAX || date_parse(value, &ignored) < 0)
                return 0;
        head->conflicting_modified |= head->last_modified && !str_equal(head->last_modified, value);
        return str_set(&head->last_modified, head->conflicting_modified ? NULL : value);
}

static bool is_token(const char *s, size_t size)
{
        for (size_t i = 0; i < size; i++)
                if (!isalnum((unsigned char) s[i]) && !strchr("!#$%&'*+-.^_`|~", s[i]))
                        return false;
        return size > 0;
}

/* Adds one name of the list; "identity" is none, and "x-" is how gzip was called once. */
static int add_coding(Head *head, const char *name, size_t size)
{
        _cleanup_free_ char *added = NULL;
        bool first = str_is_empty(head->coding);

        if (size == 0 || (size == 8 && strncasecmp(name, "identity", size) == 0))
                return 0;
        if (!is_token(name, size) || str_equal(head->coding, HEAD_CODING_UNKNOWN) ||
            size + (first ? 0 : strlen(head->coding) + 1) > VALUE_MAX)
                return str_set(&head->coding, HEAD_CODING_UNKNOWN);
        if (size > 2 && strncasecmp(name, "x-", 2) == 0) {
                name += 2;
                size -= 2;
        }
        if (str_format(&added,
                       "%s%s%.*s",
                       first ? "" : head->coding,
                       first ? "" : ",",
                       (int) size,
                       name) < 0)
                return -ENOMEM;
        for (char *c = added; *c; c++)
                *c = (char) tolower((unsigned char) *c);
        return str_set(&head->coding, added);
}

static int take_content_encoding(Head *head, const char *value)
{
        int r = 0;

        while (r >= 0 && *value) {
                size_t size = strcspn(value, ","), left = strspn(value, " \t"), name = size;

                while (name > left && (value[name - 1] == ' ' || value[name - 1] == '\t'))
                        name--;
                if (name > left)
                        r = add_coding(head, value + left, name - left);
                value += size + (value[size] ? 1 : 0);
        }
        return r;
}

char *head_media_type(const char *value)
{
        char *type = strndup(value, strcspn(value, "; \t,"));

        for (char *c = type; c && *c; c++)
                *c = (char) tolower((unsigned char) *c);
        return type;
}

static int take_content_type(Head *head, const char *value)
{
        _cleanup_free_ char *type = head_media_type(value);

        return type ? set_copy(&head->media_type, type, VALUE_MAX) : -ENOMEM;
}

static int take_date(Head *head, const char *value)
{
        return set_copy(&head->date, value, VALUE_MAX);
}

static int take_location(Head *head, const char *value)
{
        return set_copy(&head->location, value, LOCATION_MAX);
}

static int take_retry_after(Head *head, const char *value)
{
        return set_copy(&head->retry_after, value, VALUE_MAX);
}

/* Passport is the only scheme that libcurl does not report. */
static bool is_passport(const char *value)
{
        static const char name[] = "Passport1.4";

        return strncasecmp(value, name, sizeof(name) - 1) == 0 &&
               (value[sizeof(name) - 1] == '\0' || value[sizeof(name) - 1] == ' ');
}

static int take_server_challenge(Head *head, const char *value)
{
        head->server_passport |= is_passport(value);
        return 0;
}

static int take_proxy_challenge(Head *head, const char *value)
{
        head->proxy_passport |= is_passport(value);
        return 0;
}

static const struct {
        const char *name;
        int (*take)(Head *head, const char *value);
} fields[] = {
        { "Content-Encoding", take_content_encoding },
        { "Content-Length", take_content_length },
        { "Content-Range", take_content_range },
        { "Content-Type", take_content_type },
        { "Date", take_date },
        { "ETag", take_etag },
        { "Last-Modified", take_last_modified },
        { "Location", take_location },
        { "Proxy-Authenticate", take_proxy_challenge },
        { "Retry-After", take_retry_after },
        { "WWW-Authenticate", take_server_challenge },
};

/* Splits "Name: value" in place and trims the value. */
static char *split_field(char *line)
{
        char *colon = strchr(line, ':'), *value, *end;

        if (!colon || colon == line)
                return NULL;
        *colon = '\0';
        value = colon + 1 + strspn(colon + 1, " \t");
        end = value + strlen(value);
        while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
                *--end = '\0';
        return value;
}

int head_add_line(Head *head, const char *line, size_t size_bytes)
{
        _cleanup_free_ char *copy = NULL;
        const char *value;
        int r = 0;

        while (size_bytes > 0 && (line[size_bytes - 1] == '\n' || line[size_bytes - 1] == '\r'))
                size_bytes--;
        if (size_bytes == 0) {
                head->complete = true;
                return 0;
        }
        if (size_bytes >= 5 && memcmp(line, "HTTP/", 5) == 0)
                return begin(head, line, size_bytes);
        /* Lines after the head are trailers; folded lines and lines with NUL are not fields. */
        if (head->complete || line[0] == ' ' || line[0] == '\t' || memchr(line, 0, size_bytes))
                return 0;

        copy = strndup(line, size_bytes);
        if (!copy)
                return -ENOMEM;
        value = split_field(copy);
        if (!value)
                return 0;
        if (!is_confidential(copy))
                r = keep_line(head, line, size_bytes);
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(fields); i++)
                if (strcasecmp(copy, fields[i].name) == 0)
                        r = fields[i].take(head, value);
        return r;
}

uint64_t head_retry_after_sec(const Head *head, int64_t now_sec)
{
        uint64_t seconds;
        int64_t when;
        int r;

        if (!head->retry_after)
                return 0;
        r = str_parse_u64(head->retry_after, RETRY_AFTER_MAX_SEC, &seconds);
        if (r == -ERANGE)
                return RETRY_AFTER_MAX_SEC;
        if (r >= 0)
                return seconds;
        if (date_parse(head->retry_after, &when) < 0 || when <= now_sec)
                return 0;
        seconds = (uint64_t) (when - now_sec);
        return seconds > RETRY_AFTER_MAX_SEC ? RETRY_AFTER_MAX_SEC : seconds;
}

/* Reads digits up to the delimiter and moves past it. */
static int parse_number(char **at, char delimiter, uint64_t *ret)
{
        char *end = strchr(*at, delimiter);
        const char *digits = *at;

        if (!end)
                return -EINVAL;
        *at = delimiter ? end + 1 : end;
        *end = '\0';
        return str_parse_u64(digits, INT64_MAX, ret) < 0 ? -EINVAL : 0;
}

int head_parse_range(const char *value, HeadRange *ret)
{
        HeadRange range = { .total = DOSVC_SIZE_UNKNOWN };
        char copy[80], *at = copy;

        if (strlen(value) >= sizeof(copy) || strncasecmp(value, "bytes ", 6) != 0)
                return -EINVAL;
        (void) strncpy(copy, value + 6, sizeof(copy) - 1);
        copy[sizeof(copy) - 1] = '\0';

        if (str_starts_with(at, "*/")) {
                at += 2;
        } else {
                if (parse_number(&at, '-', &range.first) < 0 ||
                    parse_number(&at, '/', &range.last) < 0 || range.first > range.last)
                        return -EINVAL;
                range.satisfied = true;
                if (str_equal(at, "*")) {
                        *ret = range;
                        return 0;
                }
        }
        if (parse_number(&at, '\0', &range.total) < 0)
                return -EINVAL;
        if (range.satisfied && range.last >= range.total)
                return -EINVAL;
        *ret = range;
        return 0;
}

char *head_find_field(const char *text, const char *name)
{
        size_t name_size = strlen(name);

        for (const char *line = text; line && *line;) {
                const char *end = strchrnul(line, '\n');

                if (strncasecmp(line, name, name_size) == 0 && line[name_size] == ':') {
                        line += name_size + 1;
                        line += strspn(line, " ");
                        while (end > line && end[-1] == ' ')
                                end--;
                        return line < end ? strndup(line, (size_t) (end - line)) : NULL;
                }
                line = *end ? end + 1 : end;
        }
        return NULL;
}
