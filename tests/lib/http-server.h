/*
 * An HTTP/1.1 server on a port of 127.0.0.1 that does what a test's own handler says: serves
 * ordinary content with ranges and validators, asks for passwords, lies, stalls, breaks off.
 * Each connection is a process of its own; what handlers want to remember between requests
 * goes into the shared counters. Every request is logged with its header lines.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define HTTP_SERVER_COUNTERS 16

/* The counter of the bytes that were written as bodies by http_body(). */
#define HTTP_COUNTER_BODIES (HTTP_SERVER_COUNTERS - 1)

typedef struct HttpServer {
        pid_t pid;
        uint16_t port;
        char *log_path;     /* owned */
        uint32_t *counters; /* shared with the handlers; zeroed at the start */
} HttpServer;

/* A request; strings live as long as the handler runs. */
typedef struct HttpRequest {
        char method[16];
        char path[2048];   /* as in the request line, with its query */
        char fields[8192]; /* header lines, each ends in "\n" */
        int fd;
        uint32_t *counters;
        bool keep; /* the connection stays open; a handler may say no */
        /* How http_serve() shall send a body; 0: at once and whole. */
        size_t piece_bytes, cut_bytes;
        unsigned piece_msec;
} HttpRequest;

/* Answers one request in the server's process. */
typedef void (*http_handler_t)(HttpRequest *request);

/* Listens at once; ends the program with a sentence when it cannot. */
void http_server_start(HttpServer *server, http_handler_t handler, const char *dir);
void http_server_stop(HttpServer *server);

/* "http://127.0.0.1:<port><path>", a new string. */
char *http_server_url(const HttpServer *server, const char *path);

/*
 * The requests so far: for each "METHOD path\n", then its header lines as they came, then an
 * empty line. A new string.
 */
char *http_server_log(const HttpServer *server);
void http_server_forget(const HttpServer *server);

/* How many requests were logged. */
size_t http_server_count(const HttpServer *server);

/* Value of a header field into buffer, NULL if it is not there. */
const char *http_field(const HttpRequest *request, const char *name, char *buffer, size_t size);

/* The request as if it had come without that field. */
void http_hide_field(HttpRequest *request, const char *name);

/* Writes text, formatted, as it is: status line, header lines, empty line, body. */
void http_printf(HttpRequest *request, const char *format, ...)
        __attribute__((__format__(__printf__, 2, 3)));
void http_write(HttpRequest *request, const void *data, size_t size_bytes);
/* The same, counted in HTTP_COUNTER_BODIES. */
void http_body(HttpRequest *request, const void *data, size_t size_bytes);

/* Closes the connection after this answer; abrupt: with a reset. */
void http_hang_up(HttpRequest *request, bool abrupt);

/* Content as a good server has it; NULL validators are left out. */
typedef struct HttpContent {
        const void *data;
        size_t size_bytes;
        const char *etag;
        const char *last_modified;
} HttpContent;

/* 200, or 206 and 416 where the request's Range and If-Range ask for it (one range). */
void http_serve(HttpRequest *request, const HttpContent *content);

/*
 * The request carries these credentials; else false and the caller answers 401 or 407. field
 * is "Authorization" or "Proxy-Authorization"; algorithm "MD5" or "SHA-256".
 */
bool http_has_basic(const HttpRequest *request,
                    const char *field,
                    const char *user,
                    const char *password);
bool http_has_digest(const HttpRequest *request,
                     const char *field,
                     const char *algorithm,
                     const char *user,
                     const char *password);

/* The bytes that `which` names: each position of each content differs from its neighbours. */
void http_fill(void *data, size_t size_bytes, uint32_t which);
