#include "tests/lib/origins.h"

#include <arpa/inet.h>
#include <check.h>
#include <err.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dbus/dosvc-wire.h"

#include "base/fd.h"
#include "base/macro.h"

#include "tests/lib/temp-dir.h"

char *job, *local;
HttpServer own, other;

void set_text(const char *property, const char *value)
{
        client_set_text(fixture.alice, job, property, value);
}

void origins_expect_error(const char *name)
{
        client_call(fixture.alice, job, "Resume");
        client_wait_state(fixture.alice, job, "error", ORIGINS_WAIT_MSEC);
        ck_assert_str_eq(client_error(fixture.alice, job).name, name);
        ck_assert_int_lt(access(local, F_OK), 0);
}

const char *origins_remote_name(void)
{
        _cleanup_free_ char *file = NULL;

        ck_assert_int_gt(asprintf(&file, "%s/file/0", job), 0);
        return client_string(fixture.alice, file, DOSVC_FILE_INTERFACE, "RemoteName");
}

static int connect_to(const char *authority)
{
        struct sockaddr_in address = { .sin_family = AF_INET };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        address.sin_port = htons((uint16_t) strtoul(strrchr(authority, ':') + 1, NULL, 10));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (fd < 0 || connect(fd, (struct sockaddr *) &address, sizeof(address)) < 0)
                err(EXIT_FAILURE, "%s", authority);
        return fd;
}

static bool carry(int from, int to)
{
        char buffer[16384];
        ssize_t n = read(from, buffer, sizeof(buffer));

        return n > 0 && fd_write_all(to, buffer, (size_t) n) >= 0;
}

/* A proxy's CONNECT, until one side hangs up. */
static void tunnel(HttpRequest *request)
{
        _cleanup_close_ int fd = connect_to(request->path);
        struct pollfd ends[] = { { request->fd, POLLIN, 0 }, { fd, POLLIN, 0 } };

        http_printf(request, "HTTP/1.1 200 Connected\r\n\r\n");
        while (poll(ends, 2, -1) > 0)
                for (size_t i = 0; i < 2; i++)
                        if (ends[i].revents && !carry(ends[i].fd, ends[1 - i].fd)) {
                                request->keep = false;
                                return;
                        }
}

/* /file is there, /away is at the other server, /basic wants a password, /slow waits for a token.
 */
static void serve(HttpRequest *request)
{
        const HttpContent content = { ORIGINS_CONTENT, strlen(ORIGINS_CONTENT), "\"a\"", NULL };

        if (strcmp(request->method, "CONNECT") == 0)
                tunnel(request);
        else if (strcmp(request->path, "/slow") == 0 && !strstr(request->fields, ORIGINS_TOKEN))
                (void) pause();
        else if (strcmp(request->path, "/away") == 0)
                http_printf(request,
                            "HTTP/1.1 302 There\r\nLocation: http://127.0.0.1:%u/file\r\n"
                            "Content-Length: 0\r\n\r\n",
                            request->counters[ORIGINS_TARGET_PORT]);
        else if (strcmp(request->path, "/basic") == 0 &&
                 !http_has_basic(request, "Authorization", "reader", "secret"))
                http_printf(request,
                            "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"r\"\r\n"
                            "Content-Length: 0\r\n\r\n");
        else
                http_serve(request, &content);
}

void origins_start(void)
{
        job = client_create(fixture.alice, "settings");
        local = fixture_alice_file("file");
        (void) unlink(local);
        http_server_start(&own, serve, fixture.dir);
        http_server_start(&other, serve, fixture.dir);
        own.counters[ORIGINS_TARGET_PORT] = other.port;
        other.counters[ORIGINS_TARGET_PORT] = own.port;
}

void origins_stop(void)
{
        http_server_stop(&own);
        http_server_stop(&other);
}

void origins_add(const char *path)
{
        _cleanup_free_ char *url = http_server_url(&own, path);

        client_add_file(fixture.alice, job, url, local);
}

void origins_fetch(void)
{
        _cleanup_free_ char *text = NULL;

        client_fetch(fixture.alice, job, ORIGINS_WAIT_MSEC);
        text = temp_dir_read(local, NULL);
        ck_assert_str_eq(text, ORIGINS_CONTENT);
}

size_t count_in(const char *text, const char *what)
{
        size_t n = 0;

        for (; (text = strstr(text, what)); text += strlen(what))
                n++;
        return n;
}
