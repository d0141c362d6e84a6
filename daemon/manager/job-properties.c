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
#include "model/enums.h"
#include "model/error-code.h"
#include "model/wire-codec.h"
#include "model/wire-settings.h"

/*
 * A property in an a{sv}, on average and with some room: its name, its signature, a number or one
 * of our own words, and padding.
 */
#define PROPERTY_BYTES 50

typedef struct Property Property;

/* Appends the value; property is the one that it is read for. */
typedef int (*append_t)(const Job *job, const Property *property, sd_bus_message *m);

struct Property {
        const char *name, *signature;
        JobChanges changes; /* the ones that touch it */
        /* Both NULL: neither GetAll nor a signal shows it, see headers-bus.h. */
        append_t append;
        int (*append_other)(const Job *job, sd_bus_message *m);
        size_t offset; /* of a plain value in Job */
        /* SETTINGS_MAX: it is not a setting; then set is NULL if nobody may write it. */
        SettingId setting;
        int (*set)(BusEdge *edge,
                   const Caller *caller,
                   Job *job,
                   sd_bus_message *m,
                   sd_bus_error *error);
};

/* ---- reading --------------------------------------------------------------------------------- */

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

static int append_setting(const Job *job, const Property *property, sd_bus_message *m)
{
        return wire_append_setting(m, &job->settings, property->setting);
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

static int append_state(const Job *job, const Property *property, sd_bus_message *m)
{
        return sd_bus_message_append(m, "s", job_state_to_string(job->state));
}

static int append_type(const Job *job, const Property *property, sd_bus_message *m)
{
        return sd_bus_message_append(m, "s", job_type_to_string(JOB_TYPE_DOWNLOAD));
}

#define TIME_TEXT_MAX 64

static void format_time(uint64_t usec, char text[static TIME_TEXT_MAX])
{
        time_t seconds = (time_t) (usec / USEC_PER_SEC);
        struct tm tm;

        if (!gmtime_r(&seconds, &tm) ||
            strftime(text, TIME_TEXT_MAX, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
                text[0] = '\0';
}

/* Says how long the job keeps trying, and why it has to. */
static void describe_attempts(const Job *job, char *text, size_t size)
{
        const Attempts *attempts = &job->attempts;
        char next[TIME_TEXT_MAX], end[TIME_TEXT_MAX];

        format_time(attempts->next_usec, next);
        format_time(attempts->fails_usec, end);
        if (attempts->fails_usec < attempts->next_usec)
                (void) snprintf(text,
                                size,
                                "Gives up at %s, Resume tries at once: %s",
                                end,
                                failure_text(&job->error));
        else
                (void) snprintf(text,
                                size,
                                "Tries again at %s, gives up at %s: %s",
                                next,
                                end,
                                failure_text(&job->error));
}

static void describe_transferred(const Job *job, char *text, size_t size)
{
        char when[TIME_TEXT_MAX];

        format_time(job->attempts.next_usec, when);
        if (!job_completes_itself(job))
                (void) snprintf(text, size, "All files are transferred; Complete publishes them.");
        else if (job->error.code == 0)
                (void) snprintf(text, size, "All files are transferred; it completes itself.");
        else
                (void) snprintf(
                        text,
                        size,
                        "All files are transferred; completing is tried again at %s, and by "
                        "Complete at once: %s",
                        when,
                        failure_text(&job->error));
}

/* One sentence for people that says what the job does or waits for. */
static void describe(const Job *job, char *text, size_t size)
{
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
                (void) snprintf(text, size, "Waits for a free place.");
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
                                failure_text(&job->error));
                break;
        case JOB_TRANSIENT_ERROR:
                describe_attempts(job, text, size);
                break;
        case JOB_TRANSFERRED:
                describe_transferred(job, text, size);
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
        if (job->error.file != FAILURE_NO_FILE)
                (void) job_path_of_file(job, job->error.file, file);
        return sd_bus_message_append(m,
                                     "(usssso)",
                                     job->error.code,
                                     error_code_name(job->error.code, name),
                                     error_context_to_string(job->error.context),
                                     job->error.description, /* sd-bus writes NULL as "" */
                                     job->error.url,
                                     file);
}

static int append_next_attempt_time(const Job *job, const Property *property, sd_bus_message *m)
{
        return sd_bus_message_append(
                m,
                "t",
                !job->publishing && (job->state == JOB_TRANSIENT_ERROR || job_completes_itself(job))
                        ? job->attempts.next_usec
                        : UINT64_C(0));
}

/* ---- the table ------------------------------------------------------------------------------- */

#define VALUE_U32(member)            .append = append_u32, .offset = offsetof(Job, member)
#define VALUE_U64(member)            .append = append_u64, .offset = offsetof(Job, member)
#define VALUE_BY(signature, append_) .append = (append_)
#define VALUE_FOR(signature, getter) .append = NULL

#define READ_PROPERTY(name_, value, changes_, vtable_flags)                                        \
        { .name = (name_),                                                                         \
          .signature = PROPERTY_SIGNATURE_##value,                                                 \
          .changes = (changes_),                                                                   \
          .setting = SETTINGS_MAX,                                                                 \
          VALUE_##value },

#define SETTING_PROPERTY(id, name_, type, member, initial, flags)                                  \
        { .name = (name_),                                                                         \
          .signature = SETTING_SIGNATURE_##type,                                                   \
          .changes = JOB_CHANGE_SETTING(SETTING_##id),                                             \
          .append = append_setting,                                                                \
          .setting = SETTING_##id },

#define OTHER_PROPERTY(name_, signature_, append_, set_, changes_, getter, vtable_flags)           \
        { .name = (name_),                                                                         \
          .signature = (signature_),                                                               \
          .changes = (changes_),                                                                   \
          .append_other = (append_),                                                               \
          .setting = SETTINGS_MAX,                                                                 \
          .set = (set_) },

static const Property properties[] = { JOB_READ_PROPERTIES(READ_PROPERTY) JOB_PROPERTY_SETTINGS(
        SETTING_PROPERTY) JOB_OTHER_PROPERTIES(OTHER_PROPERTY) };

/* The flags introspection shows for signals must agree with what JobChanges sends. */
#define ANNOUNCING_FLAGS                                                                           \
        (SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE | SD_BUS_VTABLE_PROPERTY_EMITS_INVALIDATION)
#define CHECK_READ(name, value, changes, flags)                                                    \
        _Static_assert(((changes) != 0) == (((flags) &ANNOUNCING_FLAGS) != 0),                     \
                       name " tells what touches it");
#define CHECK_OTHER(name, signature, append, set, changes, getter, flags)                          \
        CHECK_READ(name, , changes, flags)

JOB_READ_PROPERTIES(CHECK_READ)
JOB_OTHER_PROPERTIES(CHECK_OTHER)

static const Property *find_property(const char *name)
{
        for (size_t i = 0; i < ARRAY_SIZE(properties); i++)
                if (strcmp(properties[i].name, name) == 0)
                        return &properties[i];
        return NULL;
}

static bool is_shown(const Property *property)
{
        return property->append || property->append_other;
}

static int append_value(const Job *job, const Property *property, sd_bus_message *m)
{
        return property->append ? property->append(job, property, m)
                                : property->append_other(job, m);
}

int job_property_append(const Job *job, const char *name, sd_bus_message *m)
{
        const Property *property = find_property(name);

        return property && is_shown(property) ? append_value(job, property, m) : -ENOENT;
}

static int append_entry(const Job *job, const Property *property, sd_bus_message *m)
{
        int r = wire_open_entry(m, property->name, property->signature);

        if (r >= 0)
                r = append_value(job, property, m);
        return r < 0 ? r : wire_close_entry(m);
}

int job_properties_append_changed(const Job *job, JobChanges changes, sd_bus_message *m)
{
        int r = sd_bus_message_open_container(m, 'a', "{sv}");

        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(properties); i++)
                if (properties[i].changes & changes && is_shown(&properties[i]))
                        r = append_entry(job, &properties[i], m);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int job_properties_append_all(const Job *job, sd_bus_message *m)
{
        int r = sd_bus_message_open_container(m, 'a', "{sv}");

        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(properties); i++)
                if (properties[i].append)
                        r = append_entry(job, &properties[i], m);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

/* The characters of a setting that is a text or a list of texts. */
static size_t size_of_setting(const Job *job, SettingId id)
{
        const void *member = setting_member(&job->settings, id);
        char *const *list;
        size_t n = 0;

        if (setting_infos[id].type == SETTING_TYPE_TEXT) {
                const char *text = *(char *const *) member;

                return text ? strlen(text) : 0;
        }
        if (setting_infos[id].type == SETTING_TYPE_TEXTS)
                for (list = *(char **const *) member; list && *list; list++)
                        n += strlen(*list) + 8; /* its length and its end */
        return n;
}

size_t job_properties_size(const Job *job)
{
        size_t n = ARRAY_SIZE(properties) * PROPERTY_BYTES;

        n += strlen(failure_text(&job->error));
        n += job->error.url ? strlen(job->error.url) : 0;
        for (SettingId id = 0; id < SETTINGS_MAX; id++)
                n += size_of_setting(job, id);
        return n;
}

int job_properties_append_invalidated(JobChanges changes, sd_bus_message *m)
{
        int r = sd_bus_message_open_container(m, 'a', "s");

        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(properties); i++)
                if (properties[i].changes & changes && !is_shown(&properties[i]))
                        r = sd_bus_message_append(m, "s", properties[i].name);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static bool is_writable(const Property *property)
{
        return property->set || property->setting != SETTINGS_MAX;
}

static int set_property(BusEdge *edge,
                        const Caller *caller,
                        Job *job,
                        const Property *property,
                        sd_bus_message *m,
                        sd_bus_error *error)
{
        return property->set ? property->set(edge, caller, job, m, error)
                             : settings_bus_set(edge, caller, job, property->setting, m, error);
}

int job_property_set(BusEdge *edge,
                     const Caller *caller,
                     Job *job,
                     const char *name,
                     sd_bus_message *m,
                     sd_bus_error *error)
{
        const Property *property = find_property(name);

        return property && is_writable(property)
                       ? set_property(edge, caller, job, property, m, error)
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

        if (!property || !is_writable(property))
                return bus_error_set(error, -EINVAL, "Unknown option '%s'", name);
        r = sd_bus_message_enter_container(m, 'v', property->signature);
        if (r == -ENXIO)
                return bus_error_set(error,
                                     -EINVAL,
                                     "Option '%s' must have type %s",
                                     name,
                                     property->signature);
        if (r >= 0)
                r = set_property(edge, caller, job, property, m, error);
        return r < 0 ? r : sd_bus_message_exit_container(m);
}
