#include "manager/job-properties.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/str.h"

#include "manager/bus-error.h"
#include "manager/job-paths.h"
#include "model/bypass.h"
#include "model/error-code.h"
#include "model/limits.h"

/* ---- reading --------------------------------------------------------------------------------- */

static int append_id(const Job *job, sd_bus_message *m)
{
        char id[SD_ID128_STRING_MAX];

        return sd_bus_message_append(m, "s", sd_id128_to_string(job->id, id));
}

static int append_owner(const Job *job, sd_bus_message *m)
{
        return sd_bus_message_append(m, "u", job->owner->uid);
}

static int append_error_count(const Job *job, sd_bus_message *m)
{
        return sd_bus_message_append(m, "u", job->error_count);
}

static int append_files_total(const Job *job, sd_bus_message *m)
{
        return sd_bus_message_append(m, "u", job->n_files);
}

static int append_files_transferred(const Job *job, sd_bus_message *m)
{
        return sd_bus_message_append(m, "u", job->n_finished);
}

static int append_bytes_total(const Job *job, sd_bus_message *m)
{
        return sd_bus_message_append(m, "t", job_bytes_total(job));
}

static int append_bytes_transferred(const Job *job, sd_bus_message *m)
{
        return sd_bus_message_append(m, "t", job->bytes_transferred);
}

static int append_rate(const Job *job, sd_bus_message *m)
{
        return sd_bus_message_append(m, "t", job->rate_bps);
}

static int append_creation_time(const Job *job, sd_bus_message *m)
{
        return sd_bus_message_append(m, "t", job->created_usec);
}

static int append_modification_time(const Job *job, sd_bus_message *m)
{
        return sd_bus_message_append(m, "t", job->modified_usec);
}

static int append_transfer_completion_time(const Job *job, sd_bus_message *m)
{
        return sd_bus_message_append(m, "t", job->transferred_usec);
}

static int append_display_name(const Job *job, sd_bus_message *m)
{
        return sd_bus_message_append(m, "s", job->display_name);
}

static int append_description(const Job *job, sd_bus_message *m)
{
        return sd_bus_message_append(m, "s", job->description);
}

static int append_priority(const Job *job, sd_bus_message *m)
{
        return sd_bus_message_append(m, "s", priority_to_string(job->priority));
}

static int append_state(const Job *job, sd_bus_message *m)
{
        return sd_bus_message_append(m, "s", job_state_to_string(job->state));
}

static int append_type(const Job *job, sd_bus_message *m)
{
        return sd_bus_message_append(m, "s", "download");
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

static int append_status(const Job *job, sd_bus_message *m)
{
        char text[4096];

        describe(job, text, sizeof(text));
        return sd_bus_message_append(m, "s", text);
}

static int append_error(const Job *job, sd_bus_message *m)
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

static int append_next_attempt_time(const Job *job, sd_bus_message *m)
{
        return sd_bus_message_append(m,
                                     "t",
                                     job->state == JOB_TRANSIENT_ERROR ? job->next_attempt_usec
                                                                       : UINT64_C(0));
}

static int append_min_retry_delay(const Job *job, sd_bus_message *m)
{
        return sd_bus_message_append(m, "t", job->spans_sec[JOB_SPAN_MIN_RETRY_DELAY]);
}

static int append_no_progress(const Job *job, sd_bus_message *m)
{
        return sd_bus_message_append(m, "t", job->spans_sec[JOB_SPAN_NO_PROGRESS]);
}

static int append_max_download(const Job *job, sd_bus_message *m)
{
        return sd_bus_message_append(m, "t", job->spans_sec[JOB_SPAN_MAX_DOWNLOAD]);
}

static int append_proxy_settings(const Job *job, sd_bus_message *m)
{
        int r;

        r = sd_bus_message_open_container(m, 'r', "sasas");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", proxy_usage_to_string(job->proxy_usage));
        if (r >= 0)
                r = sd_bus_message_append_strv(m, job->proxies);
        if (r >= 0)
                r = sd_bus_message_append_strv(m, job->proxy_bypass);
        return r < 0 ? r : sd_bus_message_close_container(m);
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

static int
read_proxies(sd_bus_message *m, char ***ret, size_t *length, bool parse, sd_bus_error *error)
{
        _cleanup_(strings_freep) char **list = NULL;
        const char *entry;
        int r;

        r = strings_copy(NULL, &list);
        if (r >= 0)
                r = sd_bus_message_enter_container(m, 'a', "s");
        while (r >= 0 && (r = sd_bus_message_read(m, "s", &entry)) > 0) {
                _cleanup_free_ char *url = NULL;
                const char *reason = "";

                *length += strlen(entry) + 1;
                if (*length > LIMIT_PROXY_LIST)
                        return bus_error_set(
                                error,
                                -E2BIG,
                                "The lists of ProxySettings must have at most %d characters",
                                LIMIT_PROXY_LIST);
                r = parse ? spec_parse_proxy(entry, &url, &reason) : bypass_check(entry, &reason);
                if (r == -EINVAL)
                        return bus_error_set(error, r, "Entry of ProxySettings %s", reason);
                if (r >= 0)
                        r = strings_append(&list, url ? url : entry);
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        if (r < 0)
                return r;
        *ret = STEAL_PTR(list);
        return 0;
}

static int set_proxy(BusEdge *edge,
                     const Caller *caller,
                     Job *job,
                     const char *name,
                     sd_bus_message *m,
                     sd_bus_error *error)
{
        _cleanup_(strings_freep) char **proxies = NULL, **bypass = NULL;
        size_t proxies_length = 0, bypass_length = 0;
        const char *text;
        int usage, r;

        r = sd_bus_message_enter_container(m, 'r', "sasas");
        if (r >= 0)
                r = sd_bus_message_read(m, "s", &text);
        if (r >= 0)
                r = read_proxies(m, &proxies, &proxies_length, true, error);
        if (r >= 0)
                r = read_proxies(m, &bypass, &bypass_length, false, error);
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        if (r < 0)
                return r;

        usage = proxy_usage_from_string(text);
        if (usage < 0)
                return bus_error_set(error,
                                     -EINVAL,
                                     "Unknown proxy usage '%s': expected preconfig, none, "
                                     "override or autodetect",
                                     text);
        if (usage == PROXY_USAGE_OVERRIDE ? strings_count(proxies) == 0
                                          : strings_count(proxies) + strings_count(bypass) > 0)
                return bus_error_set(error,
                                     -EINVAL,
                                     "Proxy usage override needs a list of proxies, the others "
                                     "take none");
        r = manager_set_proxy(edge->manager, caller, job, (ProxyUsage) usage, proxies, bypass);
        return r < 0 ? bus_error_set_verb(error, r, job) : 0;
}

/* ---- the table ------------------------------------------------------------------------------- */

typedef struct Property {
        const char *name, *signature;
        int (*append)(const Job *job, sd_bus_message *m);
        unsigned changes; /* JobChange: which of them touch it */
        int (*set)(BusEdge *edge,
                   const Caller *caller,
                   Job *job,
                   const char *name,
                   sd_bus_message *m,
                   sd_bus_error *error);
} Property;

/* clang-format off */
static const Property properties[] = {
        { "Id", "s", append_id, 0, NULL },
        { "Owner", "u", append_owner, JOB_CHANGE_OWNER, NULL },
        { "Type", "s", append_type, 0, NULL },
        { "State", "s", append_state, JOB_CHANGE_STATE, NULL },
        { "Status", "s", append_status, 0, NULL },
        { "Error", "(usssso)", append_error, JOB_CHANGE_ERROR, NULL },
        { "ErrorCount", "u", append_error_count, JOB_CHANGE_ERROR, NULL },
        { "FilesTotal", "u", append_files_total, JOB_CHANGE_FILES, NULL },
        { "FilesTransferred", "u", append_files_transferred, JOB_CHANGE_FILES, NULL },
        { "BytesTotal", "t", append_bytes_total, 0, NULL },
        { "BytesTransferred", "t", append_bytes_transferred, 0, NULL },
        { "Rate", "t", append_rate, 0, NULL },
        { "CreationTime", "t", append_creation_time, 0, NULL },
        { "ModificationTime", "t", append_modification_time, 0, NULL },
        { "TransferCompletionTime", "t", append_transfer_completion_time, JOB_CHANGE_TIMES, NULL },
        { "NextAttemptTime", "t", append_next_attempt_time, JOB_CHANGE_STATE | JOB_CHANGE_TIMES, NULL },
        { "DisplayName", "s", append_display_name, JOB_CHANGE_DISPLAY_NAME, set_label },
        { "Description", "s", append_description, JOB_CHANGE_DESCRIPTION, set_label },
        { "Priority", "s", append_priority, JOB_CHANGE_PRIORITY, set_priority },
        { "ProxySettings", "(sasas)", append_proxy_settings, JOB_CHANGE_PROXY, set_proxy },
        { "MinimumRetryDelay", "t", append_min_retry_delay, JOB_CHANGE_SPANS, set_span },
        { "NoProgressTimeout", "t", append_no_progress, JOB_CHANGE_SPANS, set_span },
        { "MaximumDownloadTime", "t", append_max_download, JOB_CHANGE_SPANS, set_span },
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

        return property ? property->append(job, m) : -ENOENT;
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
                r = property->append(job, m);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int job_properties_append_changed(const Job *job, unsigned changes, sd_bus_message *m)
{
        int r = sd_bus_message_open_container(m, 'a', "{sv}");

        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(properties); i++)
                if (properties[i].changes & changes)
                        r = append_entry(job, &properties[i], m);
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
