#include "tests/lib/http-server.h"

#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/macro.h"

#include "tests/lib/process.h"
#include "tests/lib/temp-dir.h"

#define DIGEST_HEX (EVP_MAX_MD_SIZE * 2 + 1)

/* Reads up to the empty line; false when the peer has gone. */
static bool read_head(int fd, char *head, size_t size)
{
        size_t n = 0;

        while (n + 1 < size) {
                /* Byte by byte: what follows the head belongs to the next request. */
                if (read(fd, head + n, 1) != 1)
                        return false;
                head[++n] = '\0';
                if (n >= 4 && strcmp(head + n - 4, "\r\n\r\n") == 0)
                        return true;
        }
        return false;
}

static bool parse_head(HttpRequest *request, char *head)
{
        char *line = strstr(head, "\r\n"), *out = request->fields;

        *line = '\0';
        if (sscanf(head, "%15s %2047s", request->method, request->path) != 2)
                return false;
        for (line += 2; *line; line++)
                if (*line != '\r')
                        *out++ = *line;
        *--out = '\0'; /* the empty line */
        return true;
}

static void log_request(const HttpRequest *request, const char *path)
{
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        _cleanup_free_ char *entry = NULL;
        int size = asprintf(&entry, "%s %s\n%s\n", request->method, request->path, request->fields);

        /* One write, so that entries of several connections do not mix. */
        if (fd < 0 || size < 0 || write(fd, entry, (size_t) size) != size)
                err(EXIT_FAILURE, "%s", path);
}

static void serve_connection(const HttpServer *server, http_handler_t handler, int fd)
{
        for (;;) {
                HttpRequest request = { .fd = fd, .counters = server->counters, .keep = true };
                char head[sizeof(request.fields)];

                if (!read_head(fd, head, sizeof(head)) || !parse_head(&request, head))
                        return;
                log_request(&request, server->log_path);
                handler(&request);
                if (!request.keep)
                        return;
        }
}

static _noreturn_ void serve(const HttpServer *server, http_handler_t handler, int listener)
{
        pid_t self = getpid();

        (void) signal(SIGCHLD, SIG_IGN);
        (void) signal(SIGPIPE, SIG_IGN);
        for (;;) {
                int fd = accept(listener, NULL, NULL);
                pid_t pid;

                if (fd < 0)
                        continue;
                pid = fork();
                if (pid == 0) {
                        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != self)
                                _exit(EXIT_FAILURE);
                        (void) close(listener);
                        serve_connection(server, handler, fd);
                        _exit(EXIT_SUCCESS);
                }
                (void) close(fd);
        }
}

void http_server_start(HttpServer *server, http_handler_t handler, const char *dir)
{
        struct sockaddr_in address = { .sin_family = AF_INET };
        socklen_t size = sizeof(address);
        _cleanup_close_ int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        char name[32];
        pid_t parent = getpid();

        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (listener < 0 || bind(listener, (struct sockaddr *) &address, size) < 0 ||
            listen(listener, 64) < 0 ||
            getsockname(listener, (struct sockaddr *) &address, &size) < 0)
                err(EXIT_FAILURE, "HTTP server");
        server->port = ntohs(address.sin_port);
        (void) snprintf(name, sizeof(name), "requests-%u", server->port);
        server->log_path = temp_dir_path(dir, name);
        server->counters = mmap(NULL,
                                HTTP_SERVER_COUNTERS * sizeof(*server->counters),
                                PROT_READ | PROT_WRITE,
                                MAP_SHARED | MAP_ANONYMOUS,
                                -1,
                                0);
        if (server->counters == MAP_FAILED)
                err(EXIT_FAILURE, "HTTP server");

        server->pid = fork();
        if (server->pid < 0)
                err(EXIT_FAILURE, "fork");
        if (server->pid == 0) {
                if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
                        _exit(EXIT_FAILURE);
                serve(server, handler, listener);
        }
}

void http_server_stop(HttpServer *server)
{
        if (server->pid > 0) {
                (void) kill(server->pid, SIGKILL);
                (void) waitpid(server->pid, NULL, 0);
                (void) munmap(server->counters, HTTP_SERVER_COUNTERS * sizeof(*server->counters));
        }
        free(server->log_path);
        *server = (HttpServer){ 0 };
}

char *http_server_url(const HttpServer *server, const char *path)
{
        char *url;

        if (asprintf(&url, "http://127.0.0.1:%u%s", server->port, path) < 0)
                err(EXIT_FAILURE, "URL");
        return url;
}

char *http_server_log(const HttpServer *server)
{
        return temp_dir_read(server->log_path, NULL);
}

void http_server_forget(const HttpServer *server)
{
        if (unlink(server->log_path) < 0 && errno != ENOENT)
                err(EXIT_FAILURE, "%s", server->log_path);
}

size_t http_server_count(const HttpServer *server)
{
        _cleanup_free_ char *text = http_server_log(server);
        size_t n = 0;

        for (const char *at = text; (at = strstr(at, "\n\n")); at += 2)
                n++;
        return n;
}

const char *http_field(const HttpRequest *request, const char *name, char *buffer, size_t size)
{
        size_t length = strlen(name);

        for (const char *line = request->fields; *line; line = strchrnul(line, '\n') + 1) {
                if (strncasecmp(line, name, length) == 0 && line[length] == ':') {
                        const char *value = line + length + 1 + strspn(line + length + 1, " ");

                        (void) snprintf(buffer, size, "%.*s", (int) strcspn(value, "\n"), value);
                        return buffer;
                }
                if (!strchr(line, '\n'))
                        break;
        }
        return NULL;
}

void http_hide_field(HttpRequest *request, const char *name)
{
        size_t size = strlen(name);

        for (char *line = request->fields; *line; line += strcspn(line, "\n") + 1) {
                if (strncasecmp(line, name, size) == 0 && line[size] == ':')
                        line[0] = '-';
                if (!strchr(line, '\n'))
                        break;
        }
}

void http_write(HttpRequest *request, const void *data, size_t size_bytes)
{
        if (fd_write_all(request->fd, data, size_bytes) < 0)
                request->keep = false;
}

void http_body(HttpRequest *request, const void *data, size_t size_bytes)
{
        (void) __atomic_fetch_add(&request->counters[HTTP_COUNTER_BODIES],
                                  (uint32_t) size_bytes,
                                  __ATOMIC_SEQ_CST);
        http_write(request, data, size_bytes);
}

void http_printf(HttpRequest *request, const char *format, ...)
{
        _cleanup_free_ char *text = NULL;
        va_list args;
        int size;

        va_start(args, format);
        size = vasprintf(&text, format, args);
        va_end(args);
        if (size < 0)
                err(EXIT_FAILURE, "answer");
        http_write(request, text, (size_t) size);
}

void http_hang_up(HttpRequest *request, bool abrupt)
{
        struct linger reset = { .l_onoff = 1 };

        request->keep = false;
        if (abrupt)
                (void) setsockopt(request->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
}

/* "bytes=N-" or "bytes=N-M" if that is what is asked and If-Range, if any, agrees. */
static bool wants_range(const HttpRequest *request,
                        const HttpContent *content,
                        size_t *ret_from,
                        size_t *ret_end)
{
        char range[128], condition[256];
        unsigned long long from, last;
        int n;

        if (!http_field(request, "Range", range, sizeof(range)))
                return false;
        n = sscanf(range, "bytes=%llu-%llu", &from, &last);
        if (n < 1)
                return false;
        if (http_field(request, "If-Range", condition, sizeof(condition)) &&
            !(content->etag && strcmp(condition, content->etag) == 0) &&
            !(content->last_modified && strcmp(condition, content->last_modified) == 0))
                return false;
        *ret_from = (size_t) from;
        if (n == 2 && last + 1 < *ret_end)
                *ret_end = (size_t) last + 1;
        return true;
}

/* The body as the handler wants it: in pieces, and not all of it. */
static void write_body(HttpRequest *request, const char *data, size_t size_bytes)
{
        size_t piece = request->piece_bytes ? request->piece_bytes : size_bytes;
        size_t left = size_bytes;

        if (request->cut_bytes > 0 && request->cut_bytes < size_bytes) {
                left = request->cut_bytes;
                http_hang_up(request, false);
        }
        while (left > 0) {
                size_t size = left < piece ? left : piece;

                if (fd_write_all(request->fd, data, size) < 0) {
                        request->keep = false;
                        return;
                }
                data += size;
                left -= size;
                if (left > 0 && request->piece_msec > 0)
                        process_nap_msec(request->piece_msec);
        }
}

void http_serve(HttpRequest *request, const HttpContent *content)
{
        size_t from = 0, end = content->size_bytes;
        bool part = wants_range(request, content, &from, &end);

        if (part && from >= content->size_bytes) {
                http_printf(request,
                            "HTTP/1.1 416 No\r\nContent-Range: bytes */%zu\r\n"
                            "%s%s%sContent-Length: 0\r\n\r\n",
                            content->size_bytes,
                            content->etag ? "ETag: " : "",
                            content->etag ? content->etag : "",
                            content->etag ? "\r\n" : "");
                return;
        }
        http_printf(request,
                    "HTTP/1.1 %s\r\nDate: Fri, 01 Mar 2024 12:00:00 GMT\r\n"
                    "Content-Length: %zu\r\n",
                    part ? "206 Part" : "200 OK",
                    end - from);
        if (part)
                http_printf(request,
                            "Content-Range: bytes %zu-%zu/%zu\r\n",
                            from,
                            end - 1,
                            content->size_bytes);
        if (content->etag)
                http_printf(request, "ETag: %s\r\n", content->etag);
        if (content->last_modified)
                http_printf(request, "Last-Modified: %s\r\n", content->last_modified);
        http_printf(request, "Set-Cookie: session=confidential\r\n\r\n");
        if (strcmp(request->method, "HEAD") != 0)
                write_body(request, (const char *) content->data + from, end - from);
}

bool http_has_basic(const HttpRequest *request,
                    const char *field,
                    const char *user,
                    const char *password)
{
        char value[512], pair[256], expected[512] = "Basic ";
        int size = snprintf(pair, sizeof(pair), "%s:%s", user, password);

        (void) EVP_EncodeBlock((unsigned char *) expected + 6, (unsigned char *) pair, size);
        return http_field(request, field, value, sizeof(value)) && strcmp(value, expected) == 0;
}

/* Hex digest of "a:b:c..." */
static void hash(const EVP_MD *md, char hex[static DIGEST_HEX], const char *text)
{
        unsigned char digest[EVP_MAX_MD_SIZE];
        unsigned size = 0;

        if (EVP_Digest(text, strlen(text), digest, &size, md, NULL) != 1)
                errx(EXIT_FAILURE, "digest");
        for (unsigned i = 0; i < size; i++)
                (void) snprintf(hex + 2 * (size_t) i, 3, "%02x", digest[i]);
}

/* Parameter of a Digest header, quoted or not; "" if it is not there. */
static void parameter(const char *header, const char *name, char *value, size_t size)
{
        char wanted[32];
        const char *at = header;

        value[0] = '\0';
        (void) snprintf(wanted, sizeof(wanted), "%s=", name);
        while ((at = strstr(at, wanted)) && at[-1] != ' ' && at[-1] != ',')
                at++;
        if (!at)
                return;
        at += strlen(wanted);
        if (*at == '"')
                (void) snprintf(value, size, "%.*s", (int) strcspn(at + 1, "\""), at + 1);
        else
                (void) snprintf(value, size, "%.*s", (int) strcspn(at, ", "), at);
}

bool http_has_digest(const HttpRequest *request,
                     const char *field,
                     const char *algorithm,
                     const char *user,
                     const char *password)
{
        const EVP_MD *md = strcmp(algorithm, "MD5") == 0 ? EVP_md5() : EVP_sha256();
        char header[2048], value[7][256], a1[DIGEST_HEX], a2[DIGEST_HEX], expected[DIGEST_HEX];
        static const char *const names[] = { "username", "realm", "nonce",   "nc",
                                             "cnonce",   "qop",   "response" };
        char text[2048];

        if (!http_field(request, field, header, sizeof(header)) ||
            strncmp(header, "Digest ", 7) != 0)
                return false;
        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                parameter(header, names[i], value[i], sizeof(value[i]));
        (void) snprintf(text, sizeof(text), "%s:%s:%s", user, value[1], password);
        hash(md, a1, text);
        (void) snprintf(text, sizeof(text), "%s:", request->method);
        parameter(header, "uri", text + strlen(text), sizeof(text) - strlen(text));
        hash(md, a2, text);
        (void) snprintf(text,
                        sizeof(text),
                        "%s:%s:%s:%s:%s:%s",
                        a1,
                        value[2],
                        value[3],
                        value[4],
                        value[5],
                        a2);
        hash(md, expected, text);
        return strcmp(value[0], user) == 0 && strcmp(value[6], expected) == 0;
}

void http_fill(void *data, size_t size_bytes, uint32_t which)
{
        unsigned char *bytes = data;
        uint64_t state = which * 0x9e3779b97f4a7c15ULL + 1;

        for (size_t i = 0; i < size_bytes; i++) {
                state = state * 6364136223846793005ULL + 1442695040888963407ULL;
                bytes[i] = (unsigned char) (state >> 56);
        }
}
