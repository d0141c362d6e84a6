#include "ctl/format.h"

#include <ctype.h>
#include <dosvc.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

#define USEC_PER_SEC 1000000ULL

/* Nobody trusts an estimate that is longer than this. */
#define ETA_MAX_SEC (100 * 24 * 3600ULL)

#define BAR_MIN 10
#define BAR_MAX 40

static const char *format_nothing(char buffer[static FORMAT_SIZE])
{
        memcpy(buffer, "-", 2);
        return buffer;
}

const char *format_size(char buffer[static FORMAT_SIZE], uint64_t bytes)
{
        static const char units[] = "BKMGTPE";
        uint64_t tenths;
        size_t unit = 0;

        if (bytes == DOSVC_UNKNOWN_SIZE)
                return format_nothing(buffer);
        for (uint64_t rest = bytes; rest >= 1024; rest /= 1024)
                unit++;
        if (unit == 0) {
                (void) snprintf(buffer, FORMAT_SIZE, "%" PRIu64 "B", bytes);
                return buffer;
        }
        /* The remainder below one unit is less than 2^60, so ten times it fits. */
        tenths = (bytes & ((1ULL << (10 * unit)) - 1)) * 10 >> (10 * unit);
        (void) snprintf(buffer,
                        FORMAT_SIZE,
                        "%" PRIu64 ".%" PRIu64 "%c",
                        bytes >> (10 * unit),
                        tenths,
                        units[unit]);
        return buffer;
}

const char *format_rate(char buffer[static FORMAT_SIZE], uint64_t bytes_per_sec)
{
        size_t length;

        (void) format_size(buffer, bytes_per_sec);
        length = strlen(buffer);
        (void) snprintf(buffer + length, FORMAT_SIZE - length, "/s");
        return buffer;
}

const char *format_span(char buffer[static FORMAT_SIZE], uint64_t seconds)
{
        uint64_t minutes = seconds / 60, hours = minutes / 60, days = hours / 24;

        if (days > 0)
                (void) snprintf(buffer, FORMAT_SIZE, "%" PRIu64 "d %" PRIu64 "h", days, hours % 24);
        else if (hours > 0)
                (void) snprintf(buffer,
                                FORMAT_SIZE,
                                "%" PRIu64 "h %" PRIu64 "min",
                                hours,
                                minutes % 60);
        else if (minutes > 0)
                (void) snprintf(buffer,
                                FORMAT_SIZE,
                                "%" PRIu64 "min %" PRIu64 "s",
                                minutes,
                                seconds % 60);
        else
                (void) snprintf(buffer, FORMAT_SIZE, "%" PRIu64 "s", seconds);
        return buffer;
}

const char *format_time(char buffer[static FORMAT_SIZE], uint64_t usec)
{
        time_t seconds = (time_t) (usec / USEC_PER_SEC);
        struct tm tm;

        if (usec == 0 || !localtime_r(&seconds, &tm) ||
            strftime(buffer, FORMAT_SIZE, "%Y-%m-%d %H:%M:%S %Z", &tm) == 0)
                return format_nothing(buffer);
        return buffer;
}

const char *format_time_utc(char buffer[static FORMAT_SIZE], uint64_t usec)
{
        time_t seconds = (time_t) (usec / USEC_PER_SEC);
        struct tm tm;
        size_t length;

        if (usec == 0 || !gmtime_r(&seconds, &tm))
                return format_nothing(buffer);
        length = strftime(buffer, FORMAT_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
        if (length == 0)
                return format_nothing(buffer);
        (void) snprintf(buffer + length,
                        FORMAT_SIZE - length,
                        ".%06" PRIu64 "Z",
                        (uint64_t) (usec % USEC_PER_SEC));
        return buffer;
}

/* Whole per cent, without overflow, rounded down. */
static unsigned int format_per_cent_of(uint64_t done, uint64_t total)
{
        if (done >= total)
                return 100;
        return (unsigned int) (total > UINT64_MAX / 100 ? done / (total / 100)
                                                        : done * 100 / total);
}

const char *format_percent(char buffer[static FORMAT_SIZE], uint64_t done, uint64_t total)
{
        unsigned int percent;

        if (total == DOSVC_UNKNOWN_SIZE)
                return format_nothing(buffer);
        percent = format_per_cent_of(done, total);
        if (percent == 100 && done < total)
                percent = 99;
        (void) snprintf(buffer, FORMAT_SIZE, "%u%%", percent);
        return buffer;
}

const char *
format_eta(char buffer[static FORMAT_SIZE], uint64_t done, uint64_t total, uint64_t rate)
{
        if (total == DOSVC_UNKNOWN_SIZE || done >= total || rate == 0 ||
            (total - done) / rate > ETA_MAX_SEC)
                return format_nothing(buffer);
        return format_span(buffer, (total - done) / rate);
}

/* ------------------------------------------------------------------ safe text */

/* Length of the UTF-8 sequence at s, 0 if it is not one; *ret_code is its code point. */
static size_t format_decode(const unsigned char *s, uint32_t *ret_code)
{
        static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
        uint32_t code;
        size_t length;

        if (s[0] < 0x80) {
                *ret_code = s[0];
                return 1;
        }
        if (s[0] < 0xc0 || s[0] > 0xf4)
                return 0;
        length = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
        code = s[0] & (0x7fu >> length);
        for (size_t i = 1; i < length; i++) {
                if ((s[i] & 0xc0) != 0x80)
                        return 0;
                code = code << 6 | (s[i] & 0x3fu);
        }
        if (code < smallest[length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
                return 0;
        *ret_code = code;
        return length;
}

/* C0, DEL, C1, and what turns the direction of the text around. */
static bool format_is_harmful(uint32_t code)
{
        return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x2028 || code == 0x2029 ||
               (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

char *format_clean(const char *s, bool utf8)
{
        const unsigned char *from = (const unsigned char *) s;
        char *copy = malloc(strlen(s) + 1), *to = copy;

        if (!copy)
                return NULL;
        while (*from) {
                uint32_t code;
                size_t length = format_decode(from, &code);

                if (length == 0 || format_is_harmful(code) || (!utf8 && length > 1)) {
                        *to++ = '?';
                        from += length ? length : 1;
                        continue;
                }
                memcpy(to, from, length);
                to += length;
                from += length;
        }
        *to = '\0';
        return copy;
}

/* Columns of one code point; unassigned ones count as one. */
static size_t format_columns(uint32_t code)
{
        int columns = wcwidth((wchar_t) code);

        return columns < 0 ? 1 : (size_t) columns;
}

size_t format_width(const char *s)
{
        const unsigned char *at = (const unsigned char *) s;
        size_t width = 0;

        while (*at) {
                uint32_t code = '?';
                size_t length = format_decode(at, &code);

                width += format_columns(code);
                at += length ? length : 1;
        }
        return width;
}

/* Bytes of s that fit into width columns. */
size_t format_cut(const char *s, size_t width)
{
        const unsigned char *at = (const unsigned char *) s;
        size_t used = 0;

        while (*at) {
                uint32_t code = '?';
                size_t length = format_decode(at, &code);

                used += format_columns(code);
                if (used > width)
                        break;
                at += length ? length : 1;
        }
        return (size_t) ((const char *) at - s);
}

/* ------------------------------------------------------------------- progress */

static void format_bar(char *bar, size_t width, const Progress *p)
{
        size_t filled = 0;

        if (p->total_bytes != DOSVC_UNKNOWN_SIZE)
                filled = format_per_cent_of(p->done_bytes, p->total_bytes) * width / 100;
        memset(bar, ' ', width);
        memset(bar, '=', filled);
        if (filled < width && p->done_bytes > 0)
                bar[filled] = '>';
        bar[width] = '\0';
}

/* The part right of the bar: how much, how fast, how long. */
static char *format_figures(const Progress *p)
{
        char percent[FORMAT_SIZE], done[FORMAT_SIZE], total[FORMAT_SIZE], rate[FORMAT_SIZE],
                eta[FORMAT_SIZE], *text;
        int r;

        (void) format_percent(percent, p->done_bytes, p->total_bytes);
        (void) format_size(done, p->done_bytes);
        (void) format_size(total, p->total_bytes);
        (void) format_rate(rate, p->rate_bps);
        (void) format_eta(eta, p->done_bytes, p->total_bytes, p->rate_bps);
        if (strcmp(p->state, "transferring") != 0)
                r = asprintf(&text, "%4s %s/%s %s", percent, done, total, p->state);
        else if (p->total_bytes == DOSVC_UNKNOWN_SIZE)
                r = asprintf(&text, "%s %s", done, rate);
        else
                r = asprintf(&text, "%4s %s/%s %s %s", percent, done, total, rate, eta);
        return r < 0 ? NULL : text;
}

char *format_progress(const Progress *progress, size_t width)
{
        char bar[BAR_MAX + 1], *figures = format_figures(progress), *line = NULL;
        size_t label, room, cut;
        int r;

        if (!figures)
                return NULL;
        if (strlen(figures) >= width)
                figures[width] = '\0';
        room = width - strlen(figures);
        label = format_width(progress->label);
        if (label > room / 2)
                label = room / 2;
        cut = format_cut(progress->label, label);
        if (room < label + BAR_MIN + 4) {
                r = asprintf(&line, "%s", figures);
        } else {
                room -= label + 4;
                format_bar(bar, room > BAR_MAX ? BAR_MAX : room, progress);
                r = asprintf(&line, "%.*s [%s] %s", (int) cut, progress->label, bar, figures);
        }
        free(figures);
        return r < 0 ? NULL : line;
}

char *format_progress_line(const Progress *progress)
{
        char *figures = format_figures(progress), *line = NULL;
        int r = -1;

        if (figures)
                r = asprintf(&line, "%s: %s", progress->label, figures + strspn(figures, " "));
        free(figures);
        return r < 0 ? NULL : line;
}

/* ---------------------------------------------------------------------- spans */

static uint64_t format_unit_sec(const char *unit, size_t length)
{
        static const struct {
                const char *name;
                uint64_t seconds;
        } units[] = {
                { "", 1 },     { "s", 1 },     { "sec", 1 },   { "m", 60 },           { "min", 60 },
                { "h", 3600 }, { "hr", 3600 }, { "d", 86400 }, { "w", 7 * 86400ULL },
        };

        for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
                if (strlen(units[i].name) == length && strncmp(units[i].name, unit, length) == 0)
                        return units[i].seconds;
        return 0;
}

int format_parse_span(const char *s, uint64_t *ret_usec)
{
        const uint64_t max_sec = UINT64_MAX / USEC_PER_SEC / 2;
        uint64_t sum = 0;

        if (!*s)
                return -EINVAL;
        while (*s) {
                uint64_t value, unit_sec;
                size_t unit;
                char *end;

                if (!isdigit((unsigned char) *s))
                        return -EINVAL;
                errno = 0;
                value = strtoull(s, &end, 10);
                unit = strspn(end, "abcdefghijklmnopqrstuvwxyz");
                unit_sec = format_unit_sec(end, unit);
                if (errno || unit_sec == 0 || value > (max_sec - sum) / unit_sec)
                        return -EINVAL;
                sum += value * unit_sec;
                s = end + unit;
                s += strspn(s, " ");
        }
        *ret_usec = sum * USEC_PER_SEC;
        return 0;
}
