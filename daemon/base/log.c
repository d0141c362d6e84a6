#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

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

/* The length of the UTF-8 sequence at s, and the character; 0: there is none. */
static size_t read_character(const char *s, uint32_t *ret)
{
        static const uint32_t first_of_length[] = { 0, 0, 0x80, 0x800, 0x10000 };
        unsigned char lead = (unsigned char) *s;
        size_t length = lead < 0x80 ? 1 : lead < 0xc0 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
        uint32_t c = length <= 1 ? lead : lead & (0xffU >> (length + 1));

        for (size_t i = 1; i < length; i++) {
                unsigned char next = (unsigned char) s[i];

                if ((next & 0xc0) != 0x80) /* the end of the string, too */
                        return 0;
                c = c << 6 | (next & 0x3f);
        }
        if (length == 0 || lead > 0xf7 || c < first_of_length[length] || c > 0x10ffff ||
            (c >= 0xd800 && c <= 0xdfff))
                return 0;
        *ret = c;
        return length;
}

/* Controls, separators of lines, and what changes the direction of writing. */
static int is_misleading(uint32_t c)
{
        return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x61c || c == 0x200e || c == 0x200f ||
               (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

static void clean(char *text)
{
        char *to = text;

        while (*text) {
                uint32_t c = 0;
                size_t length = read_character(text, &c);

                if (length == 0 || is_misleading(c)) {
                        *to++ = '?';
                        text += length > 0 ? length : 1;
                } else {
                        memmove(to, text, length);
                        to += length;
                        text += length;
                }
        }
        *to = '\0';
}

typedef struct JournalEntry {
        /* The longest name that a user may choose fits into a field. */
        char text[LOG_FIELDS_MAX + 4][1024];
        struct iovec fields[LOG_FIELDS_MAX + 5];
        int n;
} JournalEntry;

static void add_field(JournalEntry *entry, char *text)
{
        entry->fields[entry->n].iov_base = text;
        entry->fields[entry->n].iov_len = strlen(text);
        entry->n++;
}

_printf_(2, 3) static void format_field(JournalEntry *entry, const char *format, ...)
{
        char *text = entry->text[entry->n];
        va_list args;

        va_start(args, format);
        (void) vsnprintf(text, sizeof(entry->text[0]), format, args);
        va_end(args);
        clean(text); /* also what a cut has left of a character */
        add_field(entry, text);
}

static void send_to_journal(int level, const LogContext *context, char *message)
{
        JournalEntry entry = { .n = 0 };

        format_field(&entry, "PRIORITY=%d", level);
        format_field(&entry, "SYSLOG_IDENTIFIER=%s", log_program);
        if (context->message_id)
                format_field(&entry, "MESSAGE_ID=%s", context->message_id);
        if (context->error)
                format_field(&entry, "DOSVC_ERRNO=%d", context->error);
        for (size_t i = 0; context->fields && context->fields[i]; i++)
                format_field(&entry, "%s", context->fields[i]);
        add_field(&entry, message);
        (void) sd_journal_sendv(entry.fields, entry.n);
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
        clean(message + prefix);
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
        (void) fprintf(stderr, "<%d>%s: %s\n", level, log_program, message + prefix);
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
