/*
 * The head of a response: its status and the header fields that matter to a download, gathered
 * line by line as they arrive. Everything here was written by a stranger: a field that is
 * malformed, over its limit or contradicts itself counts as absent, and the text that is kept for
 * people is printable ASCII.
 *
 * Pure: no libcurl, no file. Follows RFC 9110 and RFC 9112.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A Content-Encoding that cannot be read: equal to none, not even to itself. */
#define HEAD_CODING_UNKNOWN "?"

/* Content-Range of a 206 (first to last, total perhaps unknown) or a 416 (total alone). */
typedef struct HeadRange {
        bool satisfied; /* first and last are given */
        uint64_t first;
        uint64_t last;
        uint64_t total; /* DOSVC_SIZE_UNKNOWN */
} HeadRange;

/* Strings are owned, NULL when absent. */
typedef struct Head {
        unsigned status; /* 0: nothing came yet */
        bool complete;   /* the empty line came */
        bool conflicting_length;
        bool has_range;
        bool bad_range;
        bool conflicting_etag;
        bool malformed_etag; /* one came that cannot be read, perhaps beside a good one */
        bool conflicting_modified;
        bool server_passport; /* Passport1.4 is among the challenges of the server */
        bool proxy_passport;  /* the same for the proxy */
        HeadRange range;
        uint64_t content_length; /* DOSVC_SIZE_UNKNOWN */
        char *etag;
        char *last_modified;
        char *coding;     /* Content-Encoding, one form for each list; HEAD_CODING_UNKNOWN */
        char *media_type; /* Content-Type without its parameters, in lower case */
        char *date;
        char *location;
        char *retry_after;
        char *text; /* status line and fields, one a line, without cookies and authentication */
        size_t text_size;
} Head;

void head_init(Head *head);
void head_done(Head *head);

/*
 * Reads one line as it arrived, with or without its CRLF. A line that begins with "HTTP/" begins
 * the head of another response and discards the one before. -ENOMEM.
 */
int head_add_line(Head *head, const char *line, size_t size_bytes);

/* Seconds that Retry-After asks for, counted from now; 0 = none. At most 30 days. */
uint64_t head_retry_after_sec(const Head *head, int64_t now_sec);

/* The value of Content-Range, strictly. -EINVAL. */
int head_parse_range(const char *value, HeadRange *ret);

/* The type in a value of Content-Type as Head.media_type has it, a new string; NULL: no memory. */
char *head_media_type(const char *value);

/* A copy of the value of a field in Head.text, or NULL. */
char *head_find_field(const char *text, const char *name);
