#include "ctl/ctl.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/format.h"

/* Fewer digits of an id are taken for a name. */
#define PREFIX_MIN 4

void ctl_error(const char *format, ...)
{
        va_list args;

        va_start(args, format);
        (void) fputs("dosvcctl: ", stderr);
        (void) vfprintf(stderr, format, args);
        (void) fputc('\n', stderr);
        va_end(args);
}

void ctl_note(const Ctl *ctl, const char *format, ...)
{
        va_list args;

        if (ctl->quiet)
                return;
        va_start(args, format);
        (void) vfprintf(stderr, format, args);
        (void) fputc('\n', stderr);
        va_end(args);
}

ExitStatus ctl_out_of_memory(void)
{
        ctl_error("Out of memory.");
        return EXIT_FAILED;
}

char *ctl_clean(const Ctl *ctl, const char *s)
{
        char *clean = format_clean(s, ctl->utf8);

        if (!clean)
                exit((int) ctl_out_of_memory());
        return clean;
}

ExitStatus ctl_connect(Ctl *ctl)
{
        const char *which = ctl->open_flags & DOSVC_OPEN_USER ? "session" : "system";
        int r;

        if (ctl->connection)
                return EXIT_DONE;
        r = dosvc_open(ctl->open_flags, &ctl->connection);
        if (r >= 0)
                return EXIT_DONE;
        ctl_error("Cannot connect to the %s bus: %s.", which, dosvc_last_error_message(NULL));
        if (r == -ENOENT || r == -ECONNREFUSED)
                ctl_note(ctl, "%s", advice_hint_of_call(-ECONNREFUSED));
        return r == -ENOMEM ? EXIT_FAILED : EXIT_NO_SERVICE;
}

/* A message that ends with a full stop gets no second one. */
static const char *ctl_stop(const char *message)
{
        size_t length = strlen(message);

        return length > 0 && message[length - 1] == '.' ? "" : ".";
}

/* The bus speaks of objects where people speak of jobs. */
static const char *ctl_reason(const Ctl *ctl)
{
        if (strcmp(dosvc_last_error_name(ctl->connection),
                   "org.freedesktop.DBus.Error.UnknownObject") == 0)
                return "There is no such job";
        return dosvc_last_error_message(ctl->connection);
}

ExitStatus ctl_fail(const Ctl *ctl, int r, const char *format, ...)
{
        const char *hint = advice_hint_of_call(r);
        char *message = ctl_clean(ctl, ctl_reason(ctl));
        va_list args;

        va_start(args, format);
        (void) fputs("dosvcctl: ", stderr);
        (void) vfprintf(stderr, format, args);
        (void) fprintf(stderr, ": %s%s\n", message, ctl_stop(message));
        va_end(args);
        free(message);
        ctl_hint(ctl, stderr, hint, "JOB");
        return advice_exit_of_call(r);
}

char *ctl_hint_text(const char *hint, const char *id)
{
        char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);
        const char *gap;

        if (!out)
                return NULL;
        while ((gap = strstr(hint, "%s"))) {
                (void) fprintf(out, "%.*s%s", (int) (gap - hint), hint, id);
                hint = gap + 2;
        }
        (void) fputs(hint, out);
        (void) fclose(out);
        return text;
}

void ctl_hint(const Ctl *ctl, FILE *out, const char *hint, const char *id)
{
        char *text;

        if (ctl->quiet || !*hint)
                return;
        text = ctl_hint_text(hint, id);
        if (text)
                (void) fprintf(out, "%s\n", text);
        free(text);
}

static bool ctl_is_hex(const char *s)
{
        return strspn(s, "0123456789abcdef") == strlen(s);
}

static ExitStatus ctl_report_ambiguous(const Ctl *ctl, const dosvc_job_list *list, const char *name)
{
        bool prefix = strlen(name) >= PREFIX_MIN && ctl_is_hex(name);

        ctl_error("Several jobs fit '%s'; use the id of one:", name);
        for (size_t i = 0; i < dosvc_job_list_size(list); i++) {
                const char *id = dosvc_job_list_id(list, i);
                const char *display_name = dosvc_job_list_display_name(list, i);
                char *clean;

                if (strcmp(display_name, name) != 0 &&
                    !(prefix && strncmp(id, name, strlen(name)) == 0))
                        continue;
                clean = ctl_clean(ctl, display_name);
                (void) fprintf(stderr, "  %s  %s\n", id, clean);
                free(clean);
        }
        return EXIT_USAGE;
}

static ExitStatus ctl_pick_job(const Ctl *ctl,
                               const dosvc_job_list *list,
                               const char *name,
                               char id[static DOSVC_ID_SIZE])
{
        bool prefix = strlen(name) >= PREFIX_MIN && ctl_is_hex(name);
        size_t fitting = 0;

        for (size_t i = 0; i < dosvc_job_list_size(list); i++) {
                const char *candidate = dosvc_job_list_id(list, i);

                if (strcmp(dosvc_job_list_display_name(list, i), name) != 0 &&
                    !(prefix && strncmp(candidate, name, strlen(name)) == 0))
                        continue;
                memcpy(id, candidate, DOSVC_ID_SIZE);
                fitting++;
        }
        if (fitting > 1)
                return ctl_report_ambiguous(ctl, list, name);
        if (fitting == 1)
                return EXIT_DONE;
        ctl_error("There is no job '%s'. %s", name, advice_hint_of_call(-ENOENT));
        return EXIT_NO_JOB;
}

ExitStatus ctl_find_job(Ctl *ctl, const char *argument, char id[static DOSVC_ID_SIZE])
{
        unsigned int flags = geteuid() == 0 ? DOSVC_ALL_USERS : 0;
        dosvc_job_list *list;
        ExitStatus status;
        int r;

        status = ctl_connect(ctl);
        if (status != EXIT_DONE)
                return status;
        if (strlen(argument) == DOSVC_ID_SIZE - 1 && ctl_is_hex(argument)) {
                memcpy(id, argument, DOSVC_ID_SIZE);
                return EXIT_DONE;
        }
        r = dosvc_list_jobs(ctl->connection, flags, NULL, &list);
        if (r < 0)
                return ctl_fail(ctl, r, "Cannot list the jobs");
        status = ctl_pick_job(ctl, list, argument, id);
        dosvc_job_list_free(list);
        return status;
}

const char *ctl_state_color(const char *state)
{
        static const char *const colors[][2] = {
                { "error", "\033[1;31m" },       { "transient-error", "\033[33m" },
                { "transferred", "\033[1;32m" }, { "transferring", "\033[32m" },
                { "connecting", "\033[32m" },
        };
        const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");

        if (!isatty(STDOUT_FILENO) || (no_color && *no_color) || !term || strcmp(term, "dumb") == 0)
                return "";
        for (size_t i = 0; i < sizeof(colors) / sizeof(colors[0]); i++)
                if (strcmp(colors[i][0], state) == 0)
                        return colors[i][1];
        return "";
}

void ctl_print_json(const Ctl *ctl, json_t *value)
{
        size_t flags = ctl->json == JSON_PRETTY ? JSON_INDENT(2) : JSON_COMPACT;

        if (!value || json_dumpf(value, stdout, flags | JSON_ENCODE_ANY) < 0)
                exit((int) ctl_out_of_memory());
        json_decref(value);
        (void) fputc('\n', stdout);
        (void) fflush(stdout);
}

json_t *ctl_json_size(uint64_t bytes)
{
        /* JSON's numbers end at 2^63 - 1 here; no file is larger. */
        return bytes > INT64_MAX ? json_null() : json_integer((json_int_t) bytes);
}

json_t *ctl_json_time(uint64_t usec)
{
        char buffer[FORMAT_SIZE];

        return usec == 0 ? json_null() : json_string(format_time_utc(buffer, usec));
}

json_t *ctl_json_strings(const char *const *strings)
{
        json_t *array = json_array();

        for (; array && *strings; strings++)
                (void) json_array_append_new(array, json_string(*strings));
        return array;
}

ExitStatus ctl_print_error(const Ctl *ctl, const dosvc_job_info *info)
{
        const char *name = dosvc_job_info_error_name(info);
        char *description = ctl_clean(ctl, dosvc_job_info_error_description(info));

        (void) fprintf(stderr,
                       "dosvcctl: %s%s [%s, 0x%08x]\n",
                       *description ? description : "The job failed",
                       ctl_stop(*description ? description : ""),
                       name,
                       (unsigned int) dosvc_job_info_error_code(info));
        free(description);
        return advice_exit_of_job(name);
}

ExitStatus ctl_explain_error(const Ctl *ctl, const dosvc_job_info *info)
{
        ExitStatus status = ctl_print_error(ctl, info);

        ctl_hint(ctl,
                 stderr,
                 advice_hint_of_job(dosvc_job_info_error_name(info)),
                 dosvc_job_info_id(info));
        return status;
}

/* Ready before the signal comes, because a handler may do no more than write it. */
static char ctl_farewell[512];

static void ctl_on_interrupt(int number)
{
        if (write(STDERR_FILENO, ctl_farewell, strlen(ctl_farewell)) < 0)
                _exit(EXIT_FAILED);
        _exit(EXIT_INTERRUPTED);
}

void ctl_leave_running(const char *id, bool completes_itself)
{
        static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
        struct sigaction action = { .sa_handler = ctl_on_interrupt }, before;

        (void) snprintf(ctl_farewell,
                        sizeof(ctl_farewell),
                        "\nThe job goes on in the background: %s\n"
                        "%s%s\n"
                        "To see it again: dosvcctl attach %s\n"
                        "To give it up:   dosvcctl cancel %s\n",
                        id,
                        completes_itself ? "It puts its files in place by itself."
                                         : "When it is done: dosvcctl complete ",
                        completes_itself ? "" : id,
                        id,
                        id);
        for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
                (void) sigaction(signals[i], NULL, &before);
                if (before.sa_handler != SIG_IGN)
                        (void) sigaction(signals[i], &action, NULL);
        }
}
