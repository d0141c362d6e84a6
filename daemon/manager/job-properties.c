#include "manager/job-properties.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/str.h"

#include "manager/bus-error.h"
#include "manager/headers-bus.h"
#include "manager/job-paths.h"
#include "manager/settings-bus.h"
#include "model/error-code.h"
#include "model/limits.h"

/* ---- reading --------------------------------------------------------------------------------- */

typedef struct Property Property;

/* Appends the value; property is what it is read for. */
typedef int (*append_t)(const Job *job, const Property *property, sd_bus_message *m);

struct Property {
        const char *name, *signature;
        append_t append;  /* NULL: never in a signal nor in GetAll, see headers-bus.h */
        size_t offset;    /* of a plain value in Job */
        unsigned changes; /* JobChange: which of them touch it */
        int (*set)(BusEdge *edge,
                   const Caller *caller,
                   Job *job,
                   const char *name,
                   sd_bus_message *m,
                   sd_bus_error *error);
};

static const void *value_of(const Job *job, const Property *property)
{
        return (const char *) job + property->offset;
}

static int append_u32(const Job *job, const Property *property, sd_bus_message *m)
{
        return sd_bus_message_append_basic(m, 'u', value_of(job, property));
}

static int append_u64(const Job *job, const Property *property, sd_bus_message *m)
{
        return sd_bus_message_append_basic(m, 't', value_of(job, property));
}

/* NULL is "". */
static int append_text(const Job *job, const Property *property, sd_bus_message *m)
{
        const char *text = *(char *const *) value_of(job, property);

        return sd_bus_message_append(m, "s", text ? text : "");
}

static int append_id(const Job *job, const Property *property, sd_bus_message *m)
{
        char id[SD_ID128_STRING_MAX];

        return sd_bus_message_append(m, "s", sd_id128_to_string(job->id, id));
}

static int append_owner(const Job *job, const Property *property, sd_bus_message *m)
{
        return sd_bus_message_append(m, "u", job->owner->uid);
}

static int append_bytes_total(const Job *job, const Property *property, sd_bus_message *m)
{
        return sd_bus_message_append(m, "t", job_bytes_total(job));
}

static int append_priority(const Job *job, const Property *property, sd_bus_message *m)
{
        return sd_bus_message_append(m, "s", priority_to_string(job->priority));
}

static int append_state(const Job *job, const Property *property, sd_bus_message *m)
{
        return sd_bus_message_append(m, "s", job_state_to_string(job->state));
}

static int append_type(const Job *job, const Property *property, sd_bus_message *m)
{
        return sd_bus_message_append(m, "s", job_type_to_string(JOB_TYPE_DOWNLOAD));
}

static int append_redirect_policy(const Job *job, const Property *property, sd_bus_message *m)
{
        return sd_bus_message_append(m,
                                     "s",
                                     redirect_policy_to_string(job->settings.redirect_policy));
}

static void format_time(uint64_t usec, char *text, size_t size)
{
        time_t seconds = (time_t) (usec / USEC_PER_SEC);
        struct tm tm;

        if (!gmtime_r(&seconds, &tm) || strftime(text, size, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
                text[0] = '\0';
}

/* One sentence for people: what the job does or waits for. */
static void describe(const Job *job, char *text, size_t size)
{
        char when[64];
        uint32_t left = job->n_files - job->n_finished;

        if (job->publishing) {
                (void) snprintf(text, size, "Gives the files their final names.");
                return;
        }
        switch (job->state) {
        case JOB_SUSPENDED:
                (void) snprintf(text,
                                size,
                                job->n_files == 0 ? "Suspended without files; add one, then resume."
                                                  : "Suspended; Resume starts it.");
                break;
        case JOB_QUEUED:
                (void) snprintf(text, size, "Waits for its turn.");
                break;
        case JOB_CONNECTING:
                (void) snprintf(text, size, "Asks for %u of %u files.", left, job->n_files);
                break;
        case JOB_TRANSFERRING:
                (void) snprintf(text, size, "Transfers %u of %u files.", left, job->n_files);
                break;
        case JOB_ERROR:
                (void) snprintf(text,
                                size,
                                "Stopped: %s Resume tries again.",
                                job->error.description);
                break;
        case JOB_TRANSIENT_ERROR:
                format_time(job->gives_up_usec < job->next_attempt_usec ? job->gives_up_usec
                                                                        : job->next_attempt_usec,
                            when,
                            sizeof(when));
                (void) snprintf(text,
                                size,
                                job->gives_up_usec < job->next_attempt_usec
                                        ? "Gives up at %s, Resume tries at once: %s"
                                        : "Tries again at %s: %s",
                                when,
                                job->error.description);
                break;
        case JOB_TRANSFERRED:
                (void) snprintf(text, size, "All files are transferred; Complete publishes them.");
                break;
        case JOB_CANCELLED:
                (void) snprintf(text, size, "Cancelled; temporary files are being removed.");
                break;
        case JOB_ACKNOWLEDGED:
        case JOB_STATES_MAX:
        default:
                (void) snprintf(text, size, "Done.");
                break;
        }
}

static int append_status(const Job *job, const Property *property, sd_bus_message *m)
{
        char text[4096];

        describe(job, text, sizeof(text));
        return sd_bus_message_append(m, "s", text);
}

static int append_error(const Job *job, const Property *property, sd_bus_message *m)
{
        char name[ERROR_CODE_NAME_MAX], file[JOB_PATH_MAX] = "/";

        if (job->error.code == 0)
                return sd_bus_message_append(m, "(usssso)", 0, "", "", "", "", "/");
        if (job->error.file >= 0)
                (void) job_path_of_file(job, (uint32_t) job->error.file, file);
        return sd_bus_message_append(m,
                                     "(usssso)",
                                     job->error.code,
                                     error_code_name(job->error.code, name),
                                     error_context_to_string(job->error.context),
                                     job->error.description,
                                     job->error.url,
                                     file);
}

static int append_next_attempt_time(const Job *job, const Property *property, sd_bus_message *m)
{
        return sd_bus_message_append(m,
                                     "t",
                                     job->state == JOB_TRANSIENT_ERROR ? job->next_attempt_usec
                                                                       : UINT64_C(0));
}

static int append_proxy_settings(const Job *job, const Property *property, sd_bus_message *m)
{
        return settings_bus_append_proxy(job, m);
}

static int append_security_flags(const Job *job, const Property *property, sd_bus_message *m)
{
        return settings_bus_append_security_flags(job, m);
}

/* ---- writing --------------------------------------------------------------------------------- */

static int set_label(BusEdge *edge,
                     const Caller *caller,
                     Job *job,
                     const char *name,
                     sd_bus_message *m,
                     sd_bus_error *error)
{
        bool display = strcmp(name, "DisplayName") == 0;
        const char *text, *reason = NULL;
        int r;

        r = sd_bus_message_read(m, "s", &text);
        if (r < 0)
                return r;
        r = spec_check_label(text, display ? LIMIT_DISPLAY_NAME : LIMIT_DESCRIPTION, &reason);
        if (r < 0)
                return bus_error_set(error, r, "%s %s", name, reason);
        r = display ? manager_set_display_name(edge->manager, caller, job, text)
                    : manager_set_description(edge->manager, caller, job, text);
        return r < 0 ? bus_error_set_verb(error, r, job) : 0;
}

static int set_priority(BusEdge *edge,
                        const Caller *caller,
                        Job *job,
                        const char *name,
                        sd_bus_message *m,
                        sd_bus_error *error)
{
        const char *text;
        int priority, r;

        r = sd_bus_message_read(m, "s", &text);
        if (r < 0)
                return r;
        priority = priority_from_string(text);
        if (priority < 0)
                return bus_error_set(
                        error,
                        -EINVAL,
                        "Unknown priority '%s': expected foreground, high, normal or low",
                        text);
        r = manager_set_priority(edge->manager, caller, job, (Priority) priority);
        return r < 0 ? bus_error_set_verb(error, r, job) : 0;
}

static const struct {
        const char *name;
        JobSpan span;
        uint64_t min_sec;
} spans[] = {
        { "MinimumRetryDelay", JOB_SPAN_MIN_RETRY_DELAY, 0 },
        { "NoProgressTimeout", JOB_SPAN_NO_PROGRESS, 0 },
        { "MaximumDownloadTime", JOB_SPAN_MAX_DOWNLOAD, 1 },
};

static int set_span(BusEdge *edge,
                    const Caller *caller,
                    Job *job,
                    const char *name,
                    sd_bus_message *m,
                    sd_bus_error *error)
{
        uint64_t seconds;
        size_t i = 0;
        int r;

        while (strcmp(spans[i].name, name) != 0)
                i++;
        r = sd_bus_message_read(m, "t", &seconds);
        if (r < 0)
                return r;
        if (seconds < spans[i].min_sec || seconds > UINT32_MAX)
                return bus_error_set(error,
                                     -EINVAL,
                                     "%s must be between %" PRIu64 " and 4294967295 seconds",
                                     name,
                                     spans[i].min_sec);
        if (spans[i].span == JOB_SPAN_MIN_RETRY_DELAY && seconds < RETRY_MIN_DELAY_SEC)
                seconds = RETRY_MIN_DELAY_SEC;
        r = manager_set_span(edge->manager, caller, job, spans[i].span, seconds);
        return r < 0 ? bus_error_set_verb(error, r, job) : 0;
}

/* ---- the table ------------------------------------------------------------------------------- */

/* clang-format off */
#define COMPUTED(name, signature, append, changes, set)                                            \
        { name, signature, append, 0, changes, set }
#define PLAIN(name, type, member, changes, set)                                                    \
        { name, PLAIN_##type, offsetof(Job, member), changes, set }
#define PLAIN_U32 "u", append_u32
#define PLAIN_U64 "t", append_u64
#define PLAIN_TEXT "s", append_text

static const Property properties[] = {
        COMPUTED("Id", "s", append_id, 0, NULL),
        COMPUTED("Owner", "u", append_owner, JOB_CHANGE_OWNER, NULL),
        COMPUTED("Type", "s", append_type, 0, NULL),
        COMPUTED("State", "s", append_state, JOB_CHANGE_STATE, NULL),
        COMPUTED("Status", "s", append_status, 0, NULL),
        COMPUTED("Error", "(usssso)", append_error, JOB_CHANGE_ERROR, NULL),
        PLAIN("ErrorCount", U32, error_count, JOB_CHANGE_ERROR, NULL),
        PLAIN("FilesTotal", U32, n_files, JOB_CHANGE_FILES, NULL),
        PLAIN("FilesTransferred", U32, n_finished, JOB_CHANGE_FILES, NULL),
        COMPUTED("BytesTotal", "t", append_bytes_total, 0, NULL),
        PLAIN("BytesTransferred", U64, bytes_transferred, 0, NULL),
        PLAIN("Rate", U64, rate_bps, 0, NULL),
        PLAIN("CreationTime", U64, created_usec, 0, NULL),
        PLAIN("ModificationTime", U64, modified_usec, 0, NULL),
        PLAIN("TransferCompletionTime", U64, transferred_usec, JOB_CHANGE_TIMES, NULL),
        COMPUTED("NextAttemptTime", "t", append_next_attempt_time, JOB_CHANGE_STATE | JOB_CHANGE_TIMES, NULL),
        PLAIN("DisplayName", TEXT, display_name, JOB_CHANGE_DISPLAY_NAME, set_label),
        PLAIN("Description", TEXT, description, JOB_CHANGE_DESCRIPTION, set_label),
        COMPUTED("Priority", "s", append_priority, JOB_CHANGE_PRIORITY, set_priority),
        COMPUTED("ProxySettings", "(sasas)", append_proxy_settings, JOB_CHANGE_PROXY, settings_bus_set_proxy),
        PLAIN("MinimumRetryDelay", U64, spans_sec[JOB_SPAN_MIN_RETRY_DELAY], JOB_CHANGE_SPANS, set_span),
        PLAIN("NoProgressTimeout", U64, spans_sec[JOB_SPAN_NO_PROGRESS], JOB_CHANGE_SPANS, set_span),
        PLAIN("MaximumDownloadTime", U64, spans_sec[JOB_SPAN_MAX_DOWNLOAD], JOB_CHANGE_SPANS, set_span),
        COMPUTED("RedirectPolicy", "s", append_redirect_policy, JOB_CHANGE_REDIRECT, settings_bus_set_redirect_policy),
        COMPUTED("SecurityFlags", "as", append_security_flags, JOB_CHANGE_SECURITY, settings_bus_set_security_flags),
        PLAIN("CACertificate", TEXT, settings.ca_certificate, JOB_CHANGE_AUTHORITIES, settings_bus_set_ca_certificate),
        PLAIN("TicketCache", TEXT, settings.ticket_cache, JOB_CHANGE_TICKET_CACHE, settings_bus_set_ticket_cache),
        COMPUTED("CustomHeaders", "as", NULL, JOB_CHANGE_HEADERS, headers_bus_set),
};
/* clang-format on */

static const Property *find_property(const char *name)
{
        for (size_t i = 0; i < ARRAY_SIZE(properties); i++)
                if (strcmp(properties[i].name, name) == 0)
                        return &properties[i];
        return NULL;
}

int job_property_append(const Job *job, const char *name, sd_bus_message *m)
{
        const Property *property = find_property(name);

        return property && property->append ? property->append(job, property, m) : -ENOENT;
}

static int append_entry(const Job *job, const Property *property, sd_bus_message *m)
{
        int r;

        r = sd_bus_message_open_container(m, 'e', "sv");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", property->name);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'v', property->signature);
        if (r >= 0)
                r = property->append(job, property, m);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int job_properties_append_changed(const Job *job, unsigned changes, sd_bus_message *m)
{
        int r = sd_bus_message_open_container(m, 'a', "{sv}");

        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(properties); i++)
                if (properties[i].changes & changes && properties[i].append)
                        r = append_entry(job, &properties[i], m);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int job_properties_append_invalidated(unsigned changes, sd_bus_message *m)
{
        int r = sd_bus_message_open_container(m, 'a', "s");

        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(properties); i++)
                if (properties[i].changes & changes && !properties[i].append)
                        r = sd_bus_message_append(m, "s", properties[i].name);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int job_property_set(BusEdge *edge,
                     const Caller *caller,
                     Job *job,
                     const char *name,
                     sd_bus_message *m,
                     sd_bus_error *error)
{
        const Property *property = find_property(name);

        return property && property->set ? property->set(edge, caller, job, name, m, error)
                                         : -ENOENT;
}

int job_property_set_option(BusEdge *edge,
                            const Caller *caller,
                            Job *job,
                            const char *name,
                            sd_bus_message *m,
                            sd_bus_error *error)
{
        const Property *property = find_property(name);
        int r;

        if (!property || !property->set)
                return bus_error_set(error, -EINVAL, "Unknown option '%s'", name);
        r = sd_bus_message_enter_container(m, 'v', property->signature);
        if (r == -ENXIO)
                return bus_error_set(error,
                                     -EINVAL,
                                     "Option '%s' must have type %s",
                                     name,
                                     property->signature);
        if (r >= 0)
                r = property->set(edge, caller, job, name, m, error);
        return r < 0 ? r : sd_bus_message_exit_container(m);
}
