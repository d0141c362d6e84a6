/* Servers run in the foreground as children; what they say is in output-PORT.log. */
#include "tests/lib/server-fixture.h"

#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/lib/process.h"
#include "tests/lib/temp-dir.h"

#define START_MSEC 20000

static const char *const names[PORTS_MAX] = {
        [PORT_HTTP] = "HTTP",
        [PORT_OTHER] = "OTHER",
        [PORT_TLS] = "TLS",
        [PORT_UNTRUSTED] = "UNTRUSTED",
        [PORT_EXPIRED] = "EXPIRED",
        [PORT_WRONG_NAME] = "WRONG-NAME",
        [PORT_UNKNOWN] = "UNKNOWN",
        [PORT_WRONG_USE] = "WRONG-USE",
        [PORT_REVOKED] = "REVOKED",
        [PORT_CLIENT] = "CLIENT",
        [PORT_NTLM_FRONT] = "NTLM-FRONT",
        [PORT_NTLM_H2] = "NTLM-H2",
        [PORT_REVERSE_NTLM_TLS] = "REVERSE-NTLM-TLS",
        [PORT_REVERSE_NTLM] = "REVERSE-NTLM",
        [PORT_REVERSE_ALL] = "REVERSE-ALL",
        [PORT_APACHE] = "APACHE",
        [PORT_APACHE_TLS] = "APACHE-TLS",
        [PORT_LIGHTTPD] = "LIGHTTPD",
        [PORT_PROXY_BASIC] = "PROXY-BASIC",
        [PORT_PROXY_DIGEST] = "PROXY-DIGEST",
        [PORT_PROXY_BOTH] = "PROXY-BOTH",
        [PORT_PROXY_BASIC_TLS] = "PROXY-BASIC-TLS",
        [PORT_PROXY_DIGEST_TLS] = "PROXY-DIGEST-TLS",
        [PORT_PROXY_NEGOTIATE] = "PROXY-NEGOTIATE",
        [PORT_PROXY_NTLM] = "PROXY-NTLM",
        [PORT_PROXY_ALL] = "PROXY-ALL",
        [PORT_KDC] = "KDC",
        [PORT_KDC_AHEAD] = "KDC-AHEAD",
        [PORT_SILENT] = "SILENT",
        [PORT_DOMAIN] = "DOMAIN",
};

static struct {
        char *dir; /* owned */
        struct {
                unsigned number;
                pid_t pid; /* 0: served by the process of another port, or by nobody */
        } ports[PORTS_MAX];
        Port started[PORTS_MAX];
        size_t n_started;
} fixture;

/* A socket that keeps a free port to itself. */
static int take_port(unsigned *ret)
{
        struct sockaddr_in address = { .sin_family = AF_INET };
        socklen_t length = sizeof(address);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (fd < 0 || bind(fd, (struct sockaddr *) &address, length) < 0 ||
            getsockname(fd, (struct sockaddr *) &address, &length) < 0)
                err(EXIT_FAILURE, "free port");
        *ret = ntohs(address.sin_port);
        return fd;
}

/* All are taken before one is let go, so that none comes twice. */
static void choose_ports(void)
{
        int fds[PORTS_MAX];

        for (Port port = 0; port < PORTS_MAX; port++)
                fds[port] = take_port(&fixture.ports[port].number);
        for (Port port = 0; port < PORTS_MAX; port++)
                (void) close(fds[port]);
}

void server_open(void)
{
        _cleanup_free_ char *logs = NULL;

        fixture.dir = temp_dir_new();
        logs = server_path("logs"); /* servers open their logs as users of their own */
        temp_dir_make(logs, 0777, 0);
        choose_ports();
}

void server_close(void)
{
        /* All at once first: squid takes a second to end, and less at the second signal. */
        for (size_t i = 0; i < fixture.n_started; i++)
                (void) kill(fixture.ports[fixture.started[i]].pid, SIGTERM);
        while (fixture.n_started > 0)
                process_stop(&fixture.ports[fixture.started[--fixture.n_started]].pid);
        fixture.dir = temp_dir_remove(fixture.dir);
}

char *server_path(const char *format, ...)
{
        _cleanup_free_ char *name = NULL;
        va_list args;

        va_start(args, format);
        if (vasprintf(&name, format, args) < 0)
                err(EXIT_FAILURE, "%s", format);
        va_end(args);
        return temp_dir_path(fixture.dir, name);
}

char *server_log(Port port)
{
        return server_path("logs/access-%d.log", port);
}

unsigned server_port(Port port)
{
        return fixture.ports[port].number;
}

static void write_name(FILE *out, const char *name, size_t length)
{
        if (length == 3 && memcmp(name, "DIR", 3) == 0) {
                (void) fputs(fixture.dir, out);
                return;
        }
        for (Port port = 0; port < PORTS_MAX; port++) {
                _cleanup_free_ char *log = server_log(port);
                size_t own = strlen(names[port]);

                if (length < own || memcmp(name, names[port], own) != 0)
                        continue;
                if (length == own)
                        (void) fprintf(out, "%u", fixture.ports[port].number);
                else if (length == own + 4 && memcmp(name + own, ".LOG", 4) == 0)
                        (void) fputs(log, out);
                else
                        continue;
                return;
        }
        errx(EXIT_FAILURE, "no value for @%.*s@", (int) length, name);
}

static void write_template(FILE *out, const char *text)
{
        for (const char *end; (end = strchr(text, '@')); text = end + 1) {
                const char *name = end + 1;

                (void) fwrite(text, 1, (size_t) (end - text), out);
                end = strchr(name, '@');
                if (!end)
                        errx(EXIT_FAILURE, "a template ends in a name");
                write_name(out, name, (size_t) (end - name));
        }
        (void) fputs(text, out);
}

char *server_config(const char *name, const char *const *pieces)
{
        char *path = server_path("%s", name);
        FILE *out = fopen(path, "we");

        if (!out)
                err(EXIT_FAILURE, "%s", path);
        for (size_t i = 0; pieces[i]; i++)
                write_template(out, pieces[i]);
        if (fclose(out) != 0)
                err(EXIT_FAILURE, "%s", path);
        return path;
}

static bool is_listening(unsigned port)
{
        _cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t) port) };

        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return fd >= 0 && connect(fd, (struct sockaddr *) &address, sizeof(address)) == 0;
}

void server_launch(Port port, const char *const *argv)
{
        _cleanup_free_ char *output = server_path("output-%d.log", port);

        fixture.ports[port].pid = process_start(&(ProcessSpec){ .argv = argv, .output = output });
        fixture.started[fixture.n_started++] = port;
}

void server_await(Port port)
{
        _cleanup_free_ char *output = server_path("output-%d.log", port);

        if (!PROCESS_WAIT_UNTIL(START_MSEC,
                                is_listening(fixture.ports[port].number) ||
                                        !process_is_alive(fixture.ports[port].pid)) ||
            !is_listening(fixture.ports[port].number))
                errx(EXIT_FAILURE,
                     "the server of port %s does not start: %s",
                     names[port],
                     temp_dir_read(output, NULL));
}

void server_start(Port port, const char *const *argv)
{
        server_launch(port, argv);
        server_await(port);
}

pid_t server_pid(Port port)
{
        return fixture.ports[port].pid;
}

void server_run(const char *input, const char *const *argv)
{
        _cleanup_free_ char *output = server_path("run.log");
        const char *shell[16] = { "sh", "-c", "input=$1; shift; exec \"$@\" <\"$input\"", "sh" };
        size_t n = 4;

        shell[n++] = input;
        for (size_t i = 0; argv[i] && n < ARRAY_SIZE(shell) - 1; i++)
                shell[n++] = argv[i];
        if (process_run(&(ProcessSpec){ .argv = shell, .output = output }) != 0)
                errx(EXIT_FAILURE, "%s failed: %s", argv[0], temp_dir_read(output, NULL));
}
