#include "tests/lib/request-log.h"

#include <err.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/lib/process.h"
#include "tests/lib/temp-dir.h"

#define WAIT_MSEC   5000
#define SETTLE_MSEC 150

static size_t forgotten[PORTS_MAX]; /* bytes of each log */

/* lighttpd keeps lines for seconds, and writes them when it opens its log anew. */
static void flush_logs(void)
{
        pid_t lighttpd = server_pid(PORT_LIGHTTPD);

        if (lighttpd > 0 && kill(lighttpd, SIGHUP) == 0)
                process_nap_msec(SETTLE_MSEC);
}

void request_log_forget(void)
{
        flush_logs();
        for (Port port = 0; port < PORTS_MAX; port++) {
                _cleanup_free_ char *path = server_log(port);
                struct stat st;

                forgotten[port] = stat(path, &st) < 0 ? 0 : (size_t) st.st_size;
        }
}

static size_t count_lines(const char *text)
{
        size_t n = 0;

        for (; (text = strchr(text, '\n')); text++)
                n++;
        return n;
}

static char *read_log(Port port)
{
        _cleanup_free_ char *path = server_log(port), *text = NULL;
        size_t size;

        text = temp_dir_read(path, &size);
        return strdup(size > forgotten[port] ? text + forgotten[port] : "");
}

/* Servers name whom a refused request claims to come from, too. */
static bool is_refusal(const char *status)
{
        return strcmp(status, "401") == 0 || strcmp(status, "407") == 0;
}

/* squid writes blanks as %20, and what it does not know as nothing. */
static void normalize_line(FILE *out, char *line, bool with_user)
{
        char *user = strrchr(line, '|'), *rest = NULL;
        const char *method, *uri, *status, *scheme;

        if (!user)
                return;
        *user++ = '\0';
        method = strtok_r(line, "|", &rest);
        uri = strtok_r(NULL, "|", &rest);
        status = strtok_r(NULL, "|", &rest);
        scheme = strtok_r(NULL, " %", &rest);

        /* A connection that said nothing: the probe whether squid listens. */
        if (!scheme || strncmp(uri, "error:", 6) == 0)
                return;
        (void) fprintf(out, "%s %s %s %s", method, uri, status, scheme);
        if (with_user)
                (void) fprintf(out, " %s", is_refusal(status) || !user[0] ? "-" : user);
        (void) fputc('\n', out);
}

static char *normalize(char *log, bool with_user)
{
        char *text = NULL, *rest = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);

        if (!out)
                err(EXIT_FAILURE, "log");
        for (char *line = strtok_r(log, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
                normalize_line(out, line, with_user);
        (void) fclose(out);
        return text;
}

char *request_log_read(Port port, size_t expected, bool with_user)
{
        _cleanup_free_ char *log = NULL;
        uint64_t deadline = process_now_msec() + WAIT_MSEC;
        bool enough = false;

        while (!enough) {
                if (port == PORT_LIGHTTPD)
                        flush_logs();
                free(log);
                log = read_log(port);
                enough = count_lines(log) >= expected || process_now_msec() > deadline;
                process_nap_msec(enough ? SETTLE_MSEC : 20);
        }
        free(log);
        log = read_log(port);
        return normalize(log, with_user);
}
