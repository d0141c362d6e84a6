#include "tests/lib/bad-server.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/macro.h"

#include "tests/lib/process.h"

#define PASSWORD BAD_SERVER_PASSWORD
#define USER     BAD_SERVER_USER
#define SIZE     BAD_SERVER_SIZE
#define PART     BAD_SERVER_PART
#define ETAG     BAD_SERVER_ETAG
#define ETAG_B   BAD_SERVER_ETAG_B
#define MODIFIED BAD_SERVER_MODIFIED

unsigned char bad_server_a[SIZE], bad_server_b[SIZE];

void bad_server_setup(void)
{
        http_fill(bad_server_a, SIZE, 'a');
        http_fill(bad_server_b, SIZE, 'b');
}

static const HttpContent version_a = { bad_server_a, SIZE, ETAG, MODIFIED };

static void serve_plain(HttpRequest *request)
{
        http_serve(request, &version_a);
}

static void serve_empty(HttpRequest *request)
{
        http_serve(request, &(HttpContent){ "", 0, ETAG, NULL });
}

/* The first answer stops after a part and waits; later ones are whole. */
static void serve_stalling(HttpRequest *request, const HttpContent *first, const HttpContent *then)
{
        if (__atomic_fetch_add(&request->counters[0], 1, __ATOMIC_SEQ_CST) > 0) {
                http_serve(request, then);
                return;
        }
        http_printf(request,
                    "HTTP/1.1 200 OK\r\nDate: Fri, 01 Mar 2024 12:00:00 GMT\r\n"
                    "Content-Length: %zu\r\n%s%s%s%s%s%s\r\n",
                    first->size_bytes,
                    first->etag ? "ETag: " : "",
                    first->etag ? first->etag : "",
                    first->etag ? "\r\n" : "",
                    first->last_modified ? "Last-Modified: " : "",
                    first->last_modified ? first->last_modified : "",
                    first->last_modified ? "\r\n" : "");
        http_write(request, first->data, PART);
        (void) sleep(60);
}

static void serve_stall(HttpRequest *request)
{
        serve_stalling(request, &version_a, &version_a);
}

static void serve_changing(HttpRequest *request)
{
        serve_stalling(request, &version_a, &(HttpContent){ bad_server_b, SIZE, ETAG_B, MODIFIED });
}

static void serve_dated(HttpRequest *request)
{
        static const HttpContent dated = { bad_server_a, SIZE, NULL, MODIFIED };

        serve_stalling(request, &dated, &dated);
}

/* Modified in the second of its answer: the date proves nothing. */
static void serve_just_now(HttpRequest *request)
{
        static const HttpContent now = { bad_server_a,
                                         SIZE,
                                         NULL,
                                         "Fri, 01 Mar 2024 12:00:00 GMT" };

        serve_stalling(request, &now, &now);
}

static void serve_weak(HttpRequest *request)
{
        static const HttpContent weak = { bad_server_a, SIZE, "W/\"a\"", MODIFIED };

        serve_stalling(request, &weak, &weak);
}

/* Answers a Range with bytes of version B from one byte later than asked, with A's ETag. */
static void serve_lying(HttpRequest *request)
{
        char range[64];
        unsigned from;

        if (!http_field(request, "Range", range, sizeof(range)) ||
            sscanf(range, "bytes=%u-", &from) != 1 || from + 1 >= SIZE) {
                serve_stalling(request, &version_a, &version_a);
                return;
        }
        http_printf(request,
                    "HTTP/1.1 206 Part\r\nETag: " ETAG "\r\nContent-Length: %u\r\n"
                    "Content-Range: bytes %u-%u/%u\r\n\r\n",
                    SIZE - from - 1,
                    from + 1,
                    SIZE - 1,
                    SIZE);
        http_write(request, bad_server_b + from + 1, SIZE - from - 1);
}

static void serve_unasked_part(HttpRequest *request)
{
        http_printf(request,
                    "HTTP/1.1 206 Part\r\nContent-Length: 5\r\n"
                    "Content-Range: bytes 0-4/10\r\n\r\nhello");
}

/* "/short?later" gives other files time to begin. */
static void serve_short(HttpRequest *request)
{
        if (strchr(request->path, '?'))
                process_nap_msec(500);
        http_printf(request,
                    "HTTP/1.1 200 OK\r\nETag: " ETAG "\r\nContent-Length: %u\r\n\r\n",
                    SIZE);
        http_write(request, bad_server_a, PART);
        http_hang_up(request, false);
}

static void serve_reset(HttpRequest *request)
{
        http_hang_up(request, true);
}

static void serve_chunked(HttpRequest *request)
{
        http_printf(request, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n", SIZE);
        http_write(request, bad_server_a, SIZE);
        http_printf(request, "\r\n0\r\nX-Trailer: 1\r\nETag: \"late\"\r\n\r\n");
}

static void serve_unframed(HttpRequest *request)
{
        http_printf(request, "HTTP/1.0 200 OK\r\n\r\n");
        http_write(request, bad_server_a, SIZE);
        http_hang_up(request, false);
}

/* Says 5 bytes and a chunk of 10. */
static void serve_two_lengths(HttpRequest *request)
{
        http_printf(request,
                    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 10\r\n\r\n"
                    "0123456789");
        http_hang_up(request, false);
}

/* Knows If-Range with a date only. */
static void serve_date_only(HttpRequest *request)
{
        char condition[256];

        if (http_field(request, "If-Range", condition, sizeof(condition)) && condition[0] == '"')
                http_hide_field(request, "Range");
        serve_plain(request);
}

/* Answers any If-Range with everything. */
static void serve_no_if_range(HttpRequest *request)
{
        char condition[256];

        if (http_field(request, "If-Range", condition, sizeof(condition)))
                http_hide_field(request, "Range");
        serve_plain(request);
}

/* Has heard of conditions, but not of this one. */
static void serve_precondition(HttpRequest *request)
{
        char condition[256];

        if (http_field(request, "If-Range", condition, sizeof(condition)))
                http_printf(request,
                            "HTTP/1.1 412 Precondition Failed\r\nContent-Length: 0\r\n\r\n");
        else
                serve_plain(request);
}

static void serve_no_range(HttpRequest *request)
{
        http_hide_field(request, "Range");
        serve_plain(request);
}

/* Ignores If-Range: a part of whatever version there is. */
static void serve_careless(HttpRequest *request)
{
        static const HttpContent b = { bad_server_b, SIZE, ETAG_B, MODIFIED };

        http_hide_field(request, "If-Range");
        http_serve(request, &b);
}

/* The same, and the part names no version at all. */
static void serve_careless_bare(HttpRequest *request)
{
        static const HttpContent bare = { bad_server_b, SIZE, NULL, NULL };

        http_hide_field(request, "If-Range");
        http_serve(request, &bare);
}

/* Never the same version twice. */
static void serve_flipping(HttpRequest *request)
{
        static const HttpContent b = { bad_server_b, SIZE, ETAG_B, MODIFIED };
        uint32_t turn = __atomic_fetch_add(&request->counters[2], 1, __ATOMIC_SEQ_CST);

        http_serve(request, turn % 2 ? &b : &version_a);
}

/* The same, and whatever If-Range says. */
static void serve_flipping_parts(HttpRequest *request)
{
        http_hide_field(request, "If-Range");
        serve_flipping(request);
}

/* One good part, then the whole file without a length, and never all of it. */
static void serve_cut_whole(HttpRequest *request)
{
        if (__atomic_fetch_add(&request->counters[3], 1, __ATOMIC_SEQ_CST) == 0) {
                serve_plain(request);
                return;
        }
        http_printf(request,
                    "HTTP/1.0 200 OK\r\nETag: " ETAG "\r\nLast-Modified: " MODIFIED "\r\n\r\n");
        http_write(request, bad_server_a, 2 * PART + 10);
        http_hang_up(request, false);
}

/* Version B is as long as A, has its ETag, and another date. */
static void serve_redated(HttpRequest *request)
{
        static const HttpContent b = { bad_server_b, SIZE, ETAG, "Fri, 01 Mar 2024 10:00:00 GMT" };

        http_hide_field(request, "If-Range");
        http_serve(request, &b);
}

static void serve_shrunk(HttpRequest *request)
{
        static const HttpContent b = { bad_server_b, SIZE / 2, ETAG_B, MODIFIED };

        http_hide_field(request, "If-Range");
        http_serve(request, &b);
}

static void serve_grown(HttpRequest *request)
{
        static const HttpContent a = { bad_server_a, PART, ETAG, MODIFIED };

        http_hide_field(request, "If-Range");
        http_serve(request, &a);
}

/* Compressed, for all that anybody knows: it is stored as it comes. */
static void serve_coded(HttpRequest *request)
{
        http_printf(request,
                    "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %u\r\n\r\n",
                    SIZE);
        http_write(request, bad_server_b, SIZE);
}

static void serve_length(HttpRequest *request, const char *length)
{
        http_printf(request,
                    "HTTP/1.1 200 OK\r\nETag: " ETAG "\r\nContent-Length: %s\r\n\r\n",
                    length);
        http_write(request, bad_server_a, PART);
        http_hang_up(request, false);
}

static void serve_negative_length(HttpRequest *request)
{
        serve_length(request, "-1");
}

static void serve_list_of_lengths(HttpRequest *request)
{
        serve_length(request, "1048576, 5");
}

static void serve_endless_length(HttpRequest *request)
{
        serve_length(request, "99999999999999999999999");
}

/* A part that goes on behind its end, and one that ends before it. */
static void serve_part_of(HttpRequest *request, int more)
{
        char range[64];
        unsigned from;

        if (!http_field(request, "Range", range, sizeof(range)) ||
            sscanf(range, "bytes=%u-", &from) != 1 || from >= SIZE) {
                serve_plain(request);
                return;
        }
        http_printf(request,
                    "HTTP/1.0 206 Part\r\nETag: " ETAG "\r\n"
                    "Content-Range: bytes %u-%u/%u\r\n\r\n",
                    from,
                    SIZE - 1,
                    SIZE);
        if (more >= 0 || SIZE - from > 1)
                http_write(request, bad_server_a + from, SIZE - from - (more < 0 ? 1 : 0));
        if (more > 0)
                http_write(request, bad_server_b, PART);
        http_hang_up(request, false);
}

static void serve_long_part(HttpRequest *request)
{
        serve_part_of(request, 1);
}

static void serve_short_part(HttpRequest *request)
{
        serve_part_of(request, -1);
}

/* A part of the file, from there, with those fields besides; total: of the file, or "*". */
static void serve_odd_part(HttpRequest *request,
                           const unsigned char *data,
                           unsigned size,
                           const char *total,
                           const char *fields)
{
        char range[64];
        unsigned from;

        if (!http_field(request, "Range", range, sizeof(range)) ||
            sscanf(range, "bytes=%u-", &from) != 1 || from >= SIZE) {
                serve_plain(request);
                return;
        }
        if (size > SIZE - from)
                size = SIZE - from;
        http_printf(request,
                    "HTTP/1.1 206 Part\r\n%sContent-Length: %u\r\n"
                    "Content-Range: bytes %u-%u/%s\r\n\r\n",
                    fields,
                    size,
                    from,
                    from + size - 1,
                    total);
        http_write(request, data + from, size);
}

/* Never more than half a megabyte of what is asked for. */
static void serve_small_parts(HttpRequest *request)
{
        serve_odd_part(request, bad_server_a, PART / 2, "3145728", "ETag: " ETAG "\r\n");
}

static void serve_star(HttpRequest *request)
{
        serve_odd_part(request, bad_server_a, SIZE, "*", "ETag: " ETAG "\r\n");
}

static void serve_unquoted(HttpRequest *request)
{
        serve_odd_part(request, bad_server_a, SIZE, "3145728", "ETag: version-a\r\n");
}

/* Parts are compressed, the whole is not, and both have one ETag. */
static void serve_coded_parts(HttpRequest *request)
{
        serve_odd_part(request,
                       bad_server_b,
                       SIZE,
                       "3145728",
                       "Content-Encoding: gzip\r\nETag: " ETAG "\r\n");
}

/* An old server that knows ranges all the same. */
static void serve_old_part(HttpRequest *request)
{
        serve_part_of(request, 0);
}

/* More chunks than the length that was said beside them. */
static void serve_long_chunks(HttpRequest *request)
{
        http_printf(request,
                    "HTTP/1.1 200 OK\r\nETag: " ETAG "\r\nContent-Length: 5\r\n"
                    "Transfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\n");
        http_hang_up(request, false);
}

static void serve_cut_chunks(HttpRequest *request)
{
        http_printf(request,
                    "HTTP/1.1 200 OK\r\nETag: " ETAG "\r\nTransfer-Encoding: chunked\r\n\r\n"
                    "%x\r\n",
                    SIZE);
        http_write(request, bad_server_a, PART);
        http_hang_up(request, false);
}

static void serve_no_bytes_behind(HttpRequest *request)
{
        char range[64];

        if (http_field(request, "Range", range, sizeof(range)))
                http_printf(request, "HTTP/1.1 416 No\r\nContent-Length: 0\r\n\r\n");
        else
                serve_plain(request);
}

static void serve_error_page(HttpRequest *request, const char *status, const char *fields)
{
        http_printf(request,
                    "HTTP/1.1 %s\r\n%sContent-Length: 12\r\n\r\nno such file",
                    status,
                    fields);
}

static void serve_gone(HttpRequest *request)
{
        serve_error_page(request, "404 Not Found", "");
}

static void serve_busy(HttpRequest *request)
{
        serve_error_page(request, "503 Busy", "Retry-After: 120\r\n");
}

/* An error without an end. */
static void serve_endless_error(HttpRequest *request)
{
        http_printf(request, "HTTP/1.1 500 No\r\n\r\n");
        while (request->keep)
                http_write(request, bad_server_a, SIZE);
}

static void serve_old_protocol(HttpRequest *request)
{
        http_printf(request, "this is no HTTP\n");
        http_hang_up(request, false);
}

static void serve_basic(HttpRequest *request)
{
        if (http_has_basic(request, "Authorization", USER, PASSWORD))
                serve_plain(request);
        else
                serve_error_page(request, "401 No", "WWW-Authenticate: Basic realm=\"x\"\r\n");
}

static void serve_digest_of(HttpRequest *request, const char *algorithm, const char *more)
{
        char fields[256];

        if (http_has_digest(request, "Authorization", algorithm, USER, PASSWORD)) {
                serve_plain(request);
                return;
        }
        (void) snprintf(fields,
                        sizeof(fields),
                        "WWW-Authenticate: Digest realm=\"x\", qop=\"auth\", nonce=\"n1\", "
                        "algorithm=%s\r\n%s",
                        algorithm,
                        more);
        serve_error_page(request, "401 No", fields);
}

static void serve_digest(HttpRequest *request)
{
        serve_digest_of(request, "MD5", "");
}

static void serve_digest_sha256(HttpRequest *request)
{
        serve_digest_of(request, "SHA-256", "");
}

static void serve_many_schemes(HttpRequest *request)
{
        serve_digest_of(request,
                        "MD5",
                        "WWW-Authenticate: Negotiate\r\nWWW-Authenticate: NTLM\r\n"
                        "WWW-Authenticate: Basic realm=\"x\"\r\n");
}

static void serve_unknown_scheme(HttpRequest *request)
{
        serve_error_page(request, "401 No", "WWW-Authenticate: Hoba max-age=1\r\n");
}

static void redirect(HttpRequest *request, unsigned status, const char *to)
{
        http_printf(request,
                    "HTTP/1.1 %u Away\r\nLocation: %s\r\nContent-Length: 7\r\n\r\nnot you",
                    status,
                    to);
}

/* The port of the other server comes with the path: /away?PORT */
static void serve_away(HttpRequest *request)
{
        const char *port = strchr(request->path, '?');
        char to[128];

        (void) snprintf(to, sizeof(to), "http://127.0.0.1:%s/basic", port ? port + 1 : "1");
        redirect(request, 302, to);
}

/* Wants a password, then sends its caller elsewhere. */
static void serve_basic_away(HttpRequest *request)
{
        if (http_has_basic(request, "Authorization", USER, PASSWORD))
                serve_away(request);
        else
                serve_basic(request);
}

static void serve_relative(HttpRequest *request)
{
        redirect(request,
                 301 + __atomic_fetch_add(&request->counters[1], 1, __ATOMIC_SEQ_CST) % 3,
                 "plain#fragment");
}

static void serve_with_user(HttpRequest *request)
{
        char to[256], host[128];

        (void) http_field(request, "Host", host, sizeof(host));
        (void) snprintf(to, sizeof(to), "http://" USER ":" PASSWORD "@%s/basic", host);
        redirect(request, 307, to);
}

static void serve_loop(HttpRequest *request)
{
        redirect(request, 302, "/loop");
}

static void serve_to_ftp(HttpRequest *request)
{
        redirect(request, 302, "ftp://127.0.0.1/x");
}

static void serve_to_file(HttpRequest *request)
{
        redirect(request, 302, "file:///etc/passwd");
}

/* As a proxy: absolute URLs and CONNECT, for its own user. */
static void serve_proxy(HttpRequest *request)
{
        static const char challenge[] = "Proxy-Authenticate: Basic realm=\"p\"\r\n";
        bool known = http_has_basic(request, "Proxy-Authorization", "proxy-" USER, PASSWORD);

        if (!known)
                serve_error_page(request, "407 No", challenge);
        else if (strcmp(request->method, "CONNECT") == 0)
                serve_error_page(request, "502 No", "");
        else if (strstr(request->path, "/basic"))
                serve_basic(request);
        else
                serve_plain(request);
}

static const struct {
        const char *path;
        http_handler_t handler;
} routes[] = {
        { "/away", serve_away },
        { "/basic-away", serve_basic_away },
        { "/basic", serve_basic },
        { "/busy", serve_busy },
        { "/careless-bare", serve_careless_bare },
        { "/careless", serve_careless },
        { "/changing", serve_changing },
        { "/chunked", serve_chunked },
        { "/coded-parts", serve_coded_parts },
        { "/coded", serve_coded },
        { "/cut-chunks", serve_cut_chunks },
        { "/cut-whole", serve_cut_whole },
        { "/date-only", serve_date_only },
        { "/dated", serve_dated },
        { "/digest-sha256", serve_digest_sha256 },
        { "/digest", serve_digest },
        { "/empty", serve_empty },
        { "/endless-error", serve_endless_error },
        { "/endless-length", serve_endless_length },
        { "/flipping-parts", serve_flipping_parts },
        { "/flipping", serve_flipping },
        { "/gone", serve_gone },
        { "/grown", serve_grown },
        { "/just-now", serve_just_now },
        { "/list-of-lengths", serve_list_of_lengths },
        { "/long-chunks", serve_long_chunks },
        { "/long-part", serve_long_part },
        { "/loop", serve_loop },
        { "/lying", serve_lying },
        { "/many-schemes", serve_many_schemes },
        { "/negative-length", serve_negative_length },
        { "/no-bytes-behind", serve_no_bytes_behind },
        { "/no-if-range", serve_no_if_range },
        { "/no-range", serve_no_range },
        { "/old-part", serve_old_part },
        { "/old-protocol", serve_old_protocol },
        { "/plain", serve_plain },
        { "/precondition", serve_precondition },
        { "/redated", serve_redated },
        { "/relative", serve_relative },
        { "/reset", serve_reset },
        { "/short-part", serve_short_part },
        { "/short", serve_short },
        { "/shrunk", serve_shrunk },
        { "/small-parts", serve_small_parts },
        { "/stall", serve_stall },
        { "/star", serve_star },
        { "/to-file", serve_to_file },
        { "/to-ftp", serve_to_ftp },
        { "/two-lengths", serve_two_lengths },
        { "/unasked-part", serve_unasked_part },
        { "/unframed", serve_unframed },
        { "/unknown-scheme", serve_unknown_scheme },
        { "/unquoted", serve_unquoted },
        { "/weak", serve_weak },
        { "/with-user", serve_with_user },
};

void bad_server_serve(HttpRequest *request)
{
        if (request->path[0] != '/') {
                serve_proxy(request);
                return;
        }
        for (size_t i = 0; i < ARRAY_SIZE(routes); i++)
                if (strncmp(request->path, routes[i].path, strlen(routes[i].path)) == 0) {
                        routes[i].handler(request);
                        return;
                }
        serve_gone(request);
}

const char *bad_server_path(size_t i)
{
        return i < ARRAY_SIZE(routes) ? routes[i].path : NULL;
}
