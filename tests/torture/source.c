#include "tests/torture/source.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"

#include "tests/lib/temp-dir.h"

#define KIB 1024U

/* No version is larger. */
#define SIZE_MAX_BYTES (1024 * KIB)

typedef enum Habit {
        HABIT_ETAG,     /* a strong one, and a date */
        HABIT_DATE,     /* a date alone */
        HABIT_WEAK,     /* a weak ETag and a date */
        HABIT_BARE,     /* no validator: nothing can be continued */
        HABIT_NO_RANGE, /* the whole file, whatever is asked */
        HABIT_CARELESS, /* any part of what there is, whatever If-Range says */
        HABIT_CUT,      /* breaks off */
        HABIT_FIXED,    /* never another version: these have a checksum */
} Habit;

static const struct {
        Habit habit;
        uint32_t size_bytes;
        uint32_t grows_bytes; /* with each version */
        uint32_t piece_bytes; /* of an answer at a trickle; 0: at once */
        uint32_t piece_msec;
} sources[SOURCES] = {
        { HABIT_ETAG, 0, 1, 0, 0 },
        { HABIT_ETAG, 1, 0, 0, 0 },
        { HABIT_ETAG, 64 * KIB, 0, 8 * KIB, 20 },
        { HABIT_ETAG, 300 * KIB, 777, 16 * KIB, 20 },
        { HABIT_ETAG, 400 * KIB, 0, 4 * KIB, 20 }, /* two seconds: beyond a checkpoint */
        { HABIT_DATE, 100 * KIB, 0, 8 * KIB, 20 },
        { HABIT_DATE, 200 * KIB, 333, 16 * KIB, 30 },
        { HABIT_WEAK, 150 * KIB, 0, 16 * KIB, 20 },
        { HABIT_BARE, 90 * KIB, 0, 16 * KIB, 20 },
        { HABIT_BARE, 50 * KIB, 1, 0, 0 },
        { HABIT_NO_RANGE, 120 * KIB, 0, 16 * KIB, 20 },
        { HABIT_CARELESS, 160 * KIB, 0, 8 * KIB, 15 },
        { HABIT_CARELESS, 160 * KIB, 1, 16 * KIB, 30 },
        { HABIT_CUT, 80 * KIB, 0, 8 * KIB, 10 },
        { HABIT_FIXED, 250 * KIB, 0, 16 * KIB, 25 },
        { HABIT_FIXED, 700 * KIB, 0, 0, 0 },
};

static size_t size_of(unsigned source, uint32_t version)
{
        size_t size = sources[source].size_bytes + (size_t) sources[source].grows_bytes * version;

        return size < SIZE_MAX_BYTES ? size : SIZE_MAX_BYTES;
}

/* Returns the bytes of a version; valid until the next call. */
static const unsigned char *bytes_of(unsigned source, uint32_t version)
{
        static unsigned char bytes[SIZE_MAX_BYTES];

        http_fill(bytes, size_of(source, version), version * SOURCES + source + 1);
        return bytes;
}

/* An hour later with each version, and long before the server's Date. */
static void make_date(uint32_t version, char *date, size_t size)
{
        uint32_t day = version / 24 % 28, month = version / 24 / 28 % 12;
        static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

        /* Nobody reads the name of the day. */
        (void) snprintf(date,
                        size,
                        "Mon, %02u %s 2023 %02u:00:00 GMT",
                        day + 1,
                        months[month],
                        version % 24);
}

static void answer(HttpRequest *request, unsigned source, uint32_t version)
{
        Habit habit = sources[source].habit;
        HttpContent content = {
                .data = bytes_of(source, version),
                .size_bytes = size_of(source, version),
        };
        char etag[64], date[64];

        (void) snprintf(etag,
                        sizeof(etag),
                        "%s\"%u-%u\"",
                        habit == HABIT_WEAK ? "W/" : "",
                        source,
                        version);
        make_date(version, date, sizeof(date));
        if (habit != HABIT_BARE && habit != HABIT_DATE)
                content.etag = etag;
        if (habit != HABIT_BARE)
                content.last_modified = date;
        if (habit == HABIT_NO_RANGE)
                http_hide_field(request, "Range");
        if (habit == HABIT_CARELESS)
                http_hide_field(request, "If-Range");
        if (habit == HABIT_CUT)
                request->cut_bytes = content.size_bytes / 2 + 1;
        request->piece_bytes = sources[source].piece_bytes;
        request->piece_msec = sources[source].piece_msec;
        http_serve(request, &content);
}

void source_serve(HttpRequest *request)
{
        unsigned source;

        if (sscanf(request->path, "/source/%u", &source) != 1 || source >= SOURCES) {
                http_printf(request, "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n");
                return;
        }
        answer(request, source, __atomic_load_n(&request->counters[source], __ATOMIC_SEQ_CST));
}

char *source_url(const HttpServer *server, unsigned source)
{
        char path[32];

        (void) snprintf(path, sizeof(path), "/source/%u", source);
        return http_server_url(server, path);
}

const char *source_sha256(unsigned source)
{
        static char text[2 * EVP_MAX_MD_SIZE + 1];
        unsigned char digest[EVP_MAX_MD_SIZE];
        unsigned size = 0;

        if (sources[source].habit != HABIT_FIXED || EVP_Digest(bytes_of(source, 0),
                                                               size_of(source, 0),
                                                               digest,
                                                               &size,
                                                               EVP_sha256(),
                                                               NULL) != 1)
                return NULL;
        for (unsigned i = 0; i < size; i++)
                (void) snprintf(text + 2 * (size_t) i, 3, "%02x", digest[i]);
        return text;
}

uint32_t source_version(const HttpServer *server, unsigned source)
{
        return __atomic_load_n(&server->counters[source], __ATOMIC_SEQ_CST);
}

void source_change(const HttpServer *server, unsigned source)
{
        if (sources[source].habit != HABIT_FIXED)
                (void) __atomic_fetch_add(&server->counters[source], 1, __ATOMIC_SEQ_CST);
}

int64_t source_recognize(unsigned source, const char *path, uint32_t first, uint32_t last)
{
        size_t size = 0;
        _cleanup_free_ char *found = temp_dir_read(path, &size);

        for (uint32_t version = first; version <= last; version++)
                if (size == size_of(source, version) &&
                    (size == 0 || memcmp(found, bytes_of(source, version), size) == 0))
                        return version;
        return -1;
}
