/*
 * Values as people read them: sizes, rates, spans, points in time, progress bars, text that is
 * safe on a terminal. Pure: no output, no bus, the same in every locale but for the dates' zone.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FORMAT_SIZE 48

/* Each writes into buffer and returns it. Unknown sizes and times of 0 are "-". */
const char *format_size(char buffer[static FORMAT_SIZE], uint64_t bytes); /* "1.5M", 1024-based */
const char *format_rate(char buffer[static FORMAT_SIZE], uint64_t bytes_per_sec); /* "1.5M/s" */
const char *format_span(char buffer[static FORMAT_SIZE], uint64_t seconds);       /* "2min 3s" */
const char *format_time(char buffer[static FORMAT_SIZE], uint64_t usec);     /* local, to seconds */
const char *format_time_utc(char buffer[static FORMAT_SIZE], uint64_t usec); /* RFC 3339 */

/* "43%"; "-" without a total. Less than everything is never 100. */
const char *format_percent(char buffer[static FORMAT_SIZE], uint64_t done, uint64_t total);
/* How long the rest takes at that rate; "-" when nobody can tell. */
const char *
format_eta(char buffer[static FORMAT_SIZE], uint64_t done, uint64_t total, uint64_t rate);

/* The contents of a progress line. */
typedef struct Progress {
        const char *label;
        const char *state;
        uint64_t done_bytes;
        uint64_t total_bytes;
        uint64_t rate_bps;
} Progress;

/* One line of at most width columns, owned by the caller; NULL without memory. */
char *format_progress(const Progress *progress, size_t width);
/* The same without a bar and a width, for output that is kept. */
char *format_progress_line(const Progress *progress);

/*
 * A copy that can do no harm on a terminal: control characters and what is not UTF-8 become
 * "?", and all that is not ASCII when utf8 is false. NULL without memory.
 */
char *format_clean(const char *s, bool utf8);

/* Columns that clean text takes; bytes of it that fit into that many columns. */
size_t format_width(const char *s);
size_t format_cut(const char *s, size_t width);

/* "90", "90s", "5min", "1h 30min", "2d": *ret in microseconds. -EINVAL. */
int format_parse_span(const char *s, uint64_t *ret_usec);
