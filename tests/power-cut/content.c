#include "tests/power-cut/content.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/fd.h"
#include "base/macro.h"

#include "tests/lib/process.h"

/* A block each nap: about 4 MiB a second and connection. */
#define BLOCK_BYTES (64U * 1024U)
#define NAP_MSEC    15U

typedef struct Shared {
        uint64_t positions[CONTENT_FILES];
        uint32_t fast;
} Shared;

static Shared *shared;

void content_setup(void)
{
        shared = mmap(NULL,
                      sizeof(*shared),
                      PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS,
                      -1,
                      0);
        if (shared == MAP_FAILED)
                err(EXIT_FAILURE, "shared memory");
}

void content_set_fast(bool fast)
{
        __atomic_store_n(&shared->fast, fast, __ATOMIC_SEQ_CST);
}

void content_positions(uint64_t positions[static CONTENT_FILES])
{
        for (size_t i = 0; i < CONTENT_FILES; i++)
                positions[i] = __atomic_load_n(&shared->positions[i], __ATOMIC_SEQ_CST);
}

char *content_path(bool closed, unsigned number, uint64_t size_bytes)
{
        char *path;

        if (asprintf(&path, "/%s/%u/%" PRIu64, closed ? "closed" : "open", number, size_bytes) < 0)
                err(EXIT_FAILURE, "URL");
        return path;
}

/* splitmix64: each word of each file is its own. */
static uint64_t word_at(unsigned number, uint64_t index)
{
        uint64_t z = ((uint64_t) number << 40) + index * 0x9e3779b97f4a7c15ULL + 1;

        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        return z ^ (z >> 31);
}

static void fill(unsigned number, uint64_t from, unsigned char *data, size_t size_bytes)
{
        uint64_t word = word_at(number, from / 8);

        for (size_t i = 0; i < size_bytes; i++) {
                uint64_t at = from + i;

                if (at % 8 == 0)
                        word = word_at(number, at / 8);
                data[i] = (unsigned char) (word >> (at % 8 * 8));
        }
}

uint64_t content_match(const char *path, unsigned number, uint64_t limit_bytes)
{
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
        static unsigned char read_block[BLOCK_BYTES], expected[BLOCK_BYTES];
        uint64_t at = 0;

        while (fd >= 0 && at < limit_bytes) {
                uint64_t left = limit_bytes - at;
                size_t size = left < BLOCK_BYTES ? (size_t) left : BLOCK_BYTES, got = 0, same = 0;

                if (fd_read_all(fd, read_block, size, &got) < 0)
                        break;
                fill(number, at, expected, got);
                while (same < got && read_block[same] == expected[same])
                        same++;
                at += same;
                if (same < size)
                        break;
        }
        return at;
}

static void send_body(HttpRequest *request, unsigned number, uint64_t from, uint64_t end)
{
        unsigned char block[BLOCK_BYTES];

        while (from < end && request->keep) {
                size_t size = end - from < BLOCK_BYTES ? (size_t) (end - from) : BLOCK_BYTES;

                fill(number, from, block, size);
                http_write(request, block, size);
                from += size;
                __atomic_store_n(&shared->positions[number], from, __ATOMIC_SEQ_CST);
                if (!__atomic_load_n(&shared->fast, __ATOMIC_SEQ_CST))
                        process_nap_msec(NAP_MSEC);
        }
}

/* "bytes=N-" of this very version; another question gets the whole file. */
static uint64_t wanted_from(const HttpRequest *request, const char *etag, uint64_t size_bytes)
{
        char range[128], condition[128];
        uint64_t from = 0;

        if (!http_field(request, "Range", range, sizeof(range)) ||
            sscanf(range, "bytes=%" SCNu64 "-", &from) != 1 || from >= size_bytes)
                return 0;
        if (http_field(request, "If-Range", condition, sizeof(condition)) &&
            strcmp(condition, etag) != 0)
                return 0;
        return from;
}

void content_serve(HttpRequest *request)
{
        char area[16], etag[64];
        unsigned number;
        uint64_t size, from;

        if (sscanf(request->path, "/%15[a-z]/%u/%" SCNu64, area, &number, &size) != 3 ||
            number >= CONTENT_FILES) {
                http_printf(request, "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n");
                return;
        }
        if (strcmp(area, "closed") == 0 &&
            !http_has_basic(request, "Authorization", CONTENT_USER, CONTENT_PASSWORD)) {
                http_printf(request,
                            "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"x\"\r\n"
                            "Content-Length: 0\r\n\r\n");
                return;
        }
        (void) snprintf(etag, sizeof(etag), "\"%u-%" PRIu64 "\"", number, size);
        from = wanted_from(request, etag, size);
        http_printf(request,
                    "HTTP/1.1 %s\r\nETag: %s\r\nContent-Length: %" PRIu64 "\r\n",
                    from ? "206 Part" : "200 OK",
                    etag,
                    size - from);
        if (from)
                http_printf(request,
                            "Content-Range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64 "\r\n",
                            from,
                            size - 1,
                            size);
        http_printf(request, "\r\n");
        send_body(request, number, from, size);
}
