#include "manager/job-log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#include "model/error-code.h"

/* A display name has up to 768 bytes, what is to be said of a failure may have more. */
#define TEXT_MAX 2000

typedef struct Fields {
        char text[LOG_FIELDS_MAX][900];
        const char *list[LOG_FIELDS_MAX + 1];
        size_t n;
} Fields;

_printf_(2, 3) static void add_field(Fields *fields, const char *format, ...)
{
        char *text = fields->text[fields->n];
        va_list args;

        va_start(args, format);
        (void) vsnprintf(text, sizeof(fields->text[0]), format, args);
        va_end(args);
        fields->list[fields->n++] = text;
}

/* The time since Resume in which the job was connecting and transferring. */
static double seconds_of(const Job *job)
{
        return (double) job->attempts.active.spent_usec / (double) USEC_PER_SEC;
}

/* The host of a URL without user info, with the brackets of an IPv6 address. */
static int host_of(const char *url, const char **ret)
{
        const char *authority = strstr(url, "://");

        *ret = authority ? authority + 3 : url;
        return (int) (**ret == '[' ? strcspn(*ret, "]") + 1 : strcspn(*ret, ":/?#"));
}

/* "Job ID (uid 1000, host, "name"): text"; no name can end the quotation. */
static void put_together(const Job *job, const char *text, char *ret, size_t size)
{
        char name[1024], id[SD_ID128_STRING_MAX];
        const char *host = "";
        int length = 0;

        (void) snprintf(name, sizeof(name), "%s", job_display_name(job));
        for (char *c = name; *c; c++)
                if (*c == '"')
                        *c = '\'';
        if (job->n_files > 0)
                length = host_of(job->files[0].record.remote_name, &host);
        (void) snprintf(ret,
                        size,
                        "Job %s (uid %" PRIu32 ", %.*s%s\"%s\"): %s",
                        sd_id128_to_string(job->id, id),
                        job->owner->uid,
                        length,
                        host,
                        length > 0 ? ", " : "",
                        name,
                        text);
}

static void write_entry(int level,
                        const Job *job,
                        int error,
                        const char *message_id,
                        int64_t caller_uid,
                        const char *text)
{
        char message[TEXT_MAX], id[SD_ID128_STRING_MAX], error_name[ERROR_CODE_NAME_MAX];
        Fields fields = { .n = 0 };
        const char *host;

        add_field(&fields, "DOSVC_JOB=%s", sd_id128_to_string(job->id, id));
        add_field(&fields, "DOSVC_OWNER=%" PRIu32, job->owner->uid);
        add_field(&fields, "DOSVC_NAME=%s", job_display_name(job));
        add_field(&fields, "DOSVC_BYTES=%" PRIu64, job->bytes_transferred);
        add_field(&fields, "DOSVC_SECONDS=%.3f", seconds_of(job));
        if (job->n_files > 0) {
                int length = host_of(job->files[0].record.remote_name, &host);

                add_field(&fields, "DOSVC_HOST=%.*s", length, host);
        }
        if (caller_uid >= 0)
                add_field(&fields, "DOSVC_CALLER=%" PRId64, caller_uid);
        if (job->error.code != 0)
                add_field(&fields, "DOSVC_ERROR=%s", error_code_name(job->error.code, error_name));
        put_together(job, text, message, sizeof(message));
        log_write(level,
                  &(LogContext){ .message_id = message_id, .fields = fields.list, .error = error },
                  "%s",
                  message);
}

void job_log_write(int level,
                   const Job *job,
                   int error,
                   const char *message_id,
                   const char *format,
                   ...)
{
        char text[TEXT_MAX];
        va_list args;

        va_start(args, format);
        (void) vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        write_entry(level, job, error, message_id, JOB_LOG_NOBODY, text);
}

void job_log_called(Job *job, uint32_t uid)
{
        if (!list_is_empty(&job->pending.link))
                job->log.caller_uid = uid;
}

void job_log_taken(Job *job, uint32_t uid, uint32_t former_owner_uid)
{
        job_log_called(job, uid);
        job->log.former_owner_uid = former_owner_uid;
}

void job_log_reverted(Job *job)
{
        job->log.caller_uid = JOB_LOG_NOBODY;
}

/* "VERB by uid 1000DETAILS". What the service does by itself has no caller. */
static void
log_event(int level, const Job *job, const char *message_id, const char *verb, const char *details)
{
        char by[32] = "", text[256];

        if (job->log.caller_uid >= 0)
                (void) snprintf(by, sizeof(by), " by uid %" PRId64, job->log.caller_uid);
        (void) snprintf(text, sizeof(text), "%s%s%s", verb, by, details);
        write_entry(level, job, 0, message_id, job->log.caller_uid, text);
}

static void log_owner(const Job *job)
{
        char details[32];

        (void) snprintf(details, sizeof(details), " from uid %" PRIu32, job->log.former_owner_uid);
        log_event(LOG_NOTICE, job, LOG_ID_OWNERSHIP_TAKEN, "taken over", details);
}

static void log_failure(const Job *job)
{
        char text[TEXT_MAX];

        (void) snprintf(text,
                        sizeof(text),
                        "failed%s: %s",
                        job->state == JOB_TRANSIENT_ERROR ? ", to be tried again" : "",
                        failure_text(&job->error));
        write_entry(LOG_NOTICE, job, 0, LOG_ID_JOB_FAILED, JOB_LOG_NOBODY, text);
}

/* ": 2 of 3 files, 1024 bytes in 0.5 s" */
static void describe_transfer(const Job *job, char *ret, size_t size)
{
        (void) snprintf(ret,
                        size,
                        ": %" PRIu32 " of %" PRIu32 " files, %" PRIu64 " bytes in %.1f s",
                        job->n_finished,
                        job->n_files,
                        job->bytes_transferred,
                        seconds_of(job));
}

/* A queued or suspended job is worth an entry only if somebody called for it. */
static void log_state(const Job *job)
{
        bool called = job->log.caller_uid >= 0;
        char details[128];

        describe_transfer(job, details, sizeof(details));
        if (job->state == JOB_QUEUED && called)
                log_event(LOG_INFO, job, LOG_ID_JOB_RESUMED, "resumed", "");
        else if (job->state == JOB_SUSPENDED && called && !job->publishing)
                log_event(LOG_INFO, job, LOG_ID_JOB_SUSPENDED, "suspended", "");
        else if (job->state == JOB_CANCELLED)
                log_event(LOG_INFO, job, LOG_ID_JOB_CANCELLED, "cancelled", "");
        else if (job->state == JOB_TRANSFERRED)
                log_event(LOG_INFO, job, LOG_ID_JOB_TRANSFERRED, "transferred", details);
        else if (job->state == JOB_ACKNOWLEDGED)
                log_event(LOG_INFO, job, LOG_ID_JOB_COMPLETED, "completed", details);
}

void job_log_changed(Job *job, JobChanges changed, JobState previous)
{
        bool moved = job->state != previous;

        if (changed & JOB_CHANGE_NEW)
                log_event(LOG_INFO, job, LOG_ID_JOB_CREATED, "created", "");
        if (changed & JOB_CHANGE_OWNER)
                log_owner(job);
        else if (moved)
                log_state(job);
        if (job->error.code != 0 &&
            (changed & JOB_CHANGE_ERROR || (moved && job->state == JOB_ERROR)))
                log_failure(job);
        if (!job->publishing) /* else the end of Complete is to be logged with its caller */
                job->log.caller_uid = JOB_LOG_NOBODY;
}
