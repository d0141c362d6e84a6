#include "manager/headers-bus.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"

#include "manager/bus-error.h"
#include "model/limits.h"
#include "model/setting-checks.h"

/* The lines so far; the Secret has room for the longest list that is allowed. */
typedef struct Lines {
        Secret *secret; /* owned */
        size_t size;
        size_t units; /* UTF-16 */
} Lines;

/* The message quotes only the name of a header, because its value may be a token. */
static int add_line(Lines *lines, const char *line, sd_bus_error *error)
{
        size_t size = strlen(line), name, units;
        const char *reason;
        char *at;
        int r;

        r = setting_check_header(line, size, &name, &reason);
        if (r < 0)
                return bus_error_set(error,
                                     r,
                                     "Header '%.*s' %s",
                                     name < 100 ? (int) name : 100,
                                     line,
                                     reason);
        if (setting_header_units(line, size, &units) < 0)
                return bus_error_set(error,
                                     -EINVAL,
                                     "Header '%.*s' is not UTF-8",
                                     (int) name,
                                     line);
        lines->units += units;
        if (lines->units > LIMIT_HEADERS)
                return bus_error_set(error,
                                     -E2BIG,
                                     "CustomHeaders must have at most %d characters, two for each "
                                     "line's end and one for that of all",
                                     LIMIT_HEADERS);
        at = secret_data_writable(lines->secret) + lines->size;
        at = mempcpy(at, line, size);
        *at = '\n';
        lines->size += size + 1;
        return 0;
}

static int read_lines(Lines *lines, sd_bus_message *m, sd_bus_error *error)
{
        const char *line;
        int r = secret_new(LIMIT_HEADERS_BYTES, &lines->secret);

        if (r >= 0)
                r = sd_bus_message_enter_container(m, 'a', "s");
        while (r >= 0 && (r = sd_bus_message_read(m, "s", &line)) > 0)
                r = add_line(lines, line, error);
        if (r < 0)
                return r;
        secret_truncate(lines->secret, lines->size);
        return sd_bus_message_exit_container(m);
}

int headers_bus_set(BusEdge *edge,
                    const Caller *caller,
                    Job *job,
                    sd_bus_message *m,
                    sd_bus_error *error)
{
        Lines lines = { .units = 1 };
        int r;

        (void) sd_bus_message_sensitive(m);
        r = manager_begin(edge->manager, caller, VERB_SET_HEADERS, job);
        if (r < 0)
                return bus_error_set_verb(error, r, job);
        r = read_lines(&lines, m, error);
        if (r >= 0) {
                r = manager_set_headers(edge->manager, caller, job, lines.secret);
                if (r < 0)
                        (void) bus_error_set_verb(error, r, job);
        }
        secret_free(lines.secret);
        return r < 0 ? r : 0;
}

/* Each line end becomes the NUL that sd-bus wants at the end of a string. */
static int append_lines(Secret *secret, sd_bus_message *m)
{
        char *line = secret_data_writable(secret), *end = line + secret_size(secret);
        int r = 0;

        while (r >= 0 && line < end) {
                char *stop = memchr(line, '\n', (size_t) (end - line));

                if (!stop)
                        break;
                *stop = '\0';
                r = sd_bus_message_append(m, "s", line);
                line = stop + 1;
        }
        return r;
}

int headers_bus_get(BusEdge *edge,
                    const Caller *caller,
                    const Job *job,
                    sd_bus_message *reply,
                    sd_bus_error *error)
{
        _cleanup_(secret_freep) Secret *secret = NULL;
        int r = manager_get_headers(edge->manager, caller, job, &secret);

        if (r < 0)
                return bus_error_set_verb(error, r, job);
        (void) sd_bus_message_sensitive(reply);
        r = sd_bus_message_open_container(reply, 'a', "s");
        if (r >= 0 && secret)
                r = append_lines(secret, reply);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}
