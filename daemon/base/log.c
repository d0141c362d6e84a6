#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "base/str.h"

static const char *log_program = "dosvcd";
static int log_max_level = LOG_INFO;
static int log_to_journal;

/* systemd sets JOURNAL_STREAM to the device and inode of the stream that it has made stderr. */
static int stderr_is_journal(void)
{
        const char *stream = getenv("JOURNAL_STREAM");
        unsigned long long device, inode;
        struct stat st;

        if (!stream || fstat(STDERR_FILENO, &st) < 0)
                return 0;
        if (sscanf(stream, "%llu:%llu", &device, &inode) != 2) /* NOLINT(cert-err34-c) */
                return 0;
        return device == st.st_dev && inode == st.st_ino;
}

void log_open(const char *program)
{
        log_program = program;
        log_to_journal = stderr_is_journal();
}

void log_set_max_level(int level)
{
        log_max_level = level;
}

/* Copies a "NAME=value" field into text and lists it. Returns the number of fields. */
static int add_field(struct iovec *fields, int n, char *text, size_t size, const char *s)
{
        int length = snprintf(text, size, "%s", s);

        if (length < 0)
                return n;
        fields[n].iov_base = text;
        fields[n].iov_len = (size_t) length < size ? (size_t) length : size - 1;
        return n + 1;
}

static void send_to_journal(int level, const LogContext *context, const char *message)
{
        enum { FIELDS = 7, FIELD_SIZE = 128 };
        char text[FIELDS][FIELD_SIZE], field[FIELD_SIZE], whole[2100];
        struct iovec fields[FIELDS + 1];
        int n = 0;

        n = add_field(fields, n, whole, sizeof(whole), message);
        (void) snprintf(field, sizeof(field), "PRIORITY=%d", level);
        n = add_field(fields, n, text[n], FIELD_SIZE, field);
        (void) snprintf(field, sizeof(field), "SYSLOG_IDENTIFIER=%s", log_program);
        n = add_field(fields, n, text[n], FIELD_SIZE, field);
        if (context->job_id) {
                (void) snprintf(field, sizeof(field), "DOSVC_JOB=%s", context->job_id);
                n = add_field(fields, n, text[n], FIELD_SIZE, field);
        }
        if (context->message_id) {
                (void) snprintf(field, sizeof(field), "MESSAGE_ID=%s", context->message_id);
                n = add_field(fields, n, text[n], FIELD_SIZE, field);
        }
        if (context->has_owner) {
                (void) snprintf(field, sizeof(field), "DOSVC_OWNER=%u", context->owner_uid);
                n = add_field(fields, n, text[n], FIELD_SIZE, field);
        }
        if (context->error) {
                (void) snprintf(field, sizeof(field), "DOSVC_ERRNO=%d", context->error);
                n = add_field(fields, n, text[n], FIELD_SIZE, field);
        }
        (void) sd_journal_sendv(fields, n);
}

void log_write(int level, const LogContext *context, const char *format, ...)
{
        static const LogContext nothing;
        char message[2048] = "MESSAGE=";
        const size_t prefix = strlen(message);
        va_list args;

        if (level > log_max_level)
                return;
        if (!context)
                context = &nothing;

        va_start(args, format);
        (void) vsnprintf(message + prefix, sizeof(message) - prefix, format, args);
        va_end(args);
        /* Texts of workers and file names may contain line ends, which would forge an entry. */
        for (char *c = message + prefix; *c; c++)
                if (str_has_control(c, 1))
                        *c = '?';
        if (context->error) {
                size_t used = strlen(message);

                (void) snprintf(message + used,
                                sizeof(message) - used,
                                ": %s",
                                strerrordesc_np(context->error));
        }

        if (log_to_journal) {
                send_to_journal(level, context, message);
                return;
        }
        (void) fprintf(stderr,
                       "<%d>%s: %s%s%s%s\n",
                       level,
                       log_program,
                       context->job_id ? "job " : "",
                       context->job_id ? context->job_id : "",
                       context->job_id ? ": " : "",
                       message + prefix);
}

const char *log_url(const char *url)
{
        static char shown[512];
        const char *authority = strstr(url, "://");
        size_t scheme, host, end;

        if (!authority)
                return "(no URL)";
        authority += 3;
        scheme = (size_t) (authority - url);
        host = strcspn(authority, "/?#");
        for (size_t i = 0; i < host; i++)
                if (authority[i] == '@') { /* the user name is left out */
                        authority += i + 1;
                        host -= i + 1;
                        i = (size_t) -1;
                }
        end = host + strcspn(authority + host, "?#");
        (void) snprintf(shown, sizeof(shown), "%.*s%.*s", (int) scheme, url, (int) end, authority);
        return shown;
}
