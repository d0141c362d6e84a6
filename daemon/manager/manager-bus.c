#include "manager/manager-bus.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/dosvc-wire.h"

#include "base/log.h"

#include "manager/bus-edge.h"
#include "manager/bus-error.h"
#include "manager/bus-listing.h"
#include "manager/file-bus.h"
#include "manager/job-bus.h"
#include "manager/job-paths.h"
#include "manager/job-properties.h"
#include "manager/objects-bus.h"
#include "manager/secret-bus.h"
#include "manager/signals-bus.h"
#include "model/enums.h"
#include "model/limits.h"
#include "model/text.h"

/* A row of ListJobs without its display name: paths, words and numbers. */
#define JOB_ROW_BYTES 144

struct ManagerBus {
        BusEdge edge;
        sd_bus *bus; /* owned reference */
};

/* ---- methods --------------------------------------------------------------------------------- */

typedef struct Making {
        BusEdge *edge;
        const Caller *caller;
        Job *job;
} Making;

/* bus_entry_t */
static int set_option(void *userdata, const char *key, sd_bus_message *m, sd_bus_error *error)
{
        const Making *making = userdata;

        return job_property_set_option(making->edge, making->caller, making->job, key, m, error);
}

static int refuse_one_more(const Config *config, sd_bus_error *error)
{
        return bus_error_set(error,
                             -EUSERS,
                             "There are too many jobs: a user may have %" PRIu64
                             " (MaxJobsPerUser=), all users together %" PRIu64 " (MaxJobs=)",
                             config->max_jobs_per_user,
                             config->max_jobs);
}

static int method_create_job(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        BusEdge *edge = userdata;
        const char *display_name, *type, *reason = NULL;
        char path[JOB_PATH_MAX];
        sd_bus_message *reply = NULL;
        const Caller *caller;
        Job *job;
        int r;

        r = sd_bus_message_read(m, "ss", &display_name, &type);
        if (r < 0)
                return r;
        r = text_check_label(display_name, LIMIT_DISPLAY_NAME, &reason);
        if (r < 0)
                return bus_error_set(error, r, "The display name %s", reason);
        if (strcmp(type, "upload") == 0)
                return bus_error_set(error, -EOPNOTSUPP, "Jobs of type upload are not available");
        if (job_type_from_string(type) < 0)
                return bus_error_set(error, -EINVAL, "Unknown type '%s': expected download", type);

        r = bus_edge_find_caller(edge, m, &caller, error);
        if (r < 0)
                return r;
        r = manager_create_job(edge->manager, caller, display_name, &job);
        if (r == -EUSERS)
                return refuse_one_more(manager_config(edge->manager), error);
        if (r < 0)
                return bus_error_set_verb(error, r, NULL);
        r = bus_edge_each_entry(m, "Option", set_option, &(Making){ edge, caller, job }, error);
        if (r >= 0)
                r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "o", job_path(job, path));
        if (r < 0) {
                manager_discard_job(edge->manager, job);
                sd_bus_message_unref(reply);
                return r;
        }
        return bus_reply_saved(edge, m, reply);
}

static int method_get_job(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        BusEdge *edge = userdata;
        const Caller *caller;
        char path[JOB_PATH_MAX];
        const char *text;
        sd_id128_t id;
        Job *job;
        int r;

        r = sd_bus_message_read(m, "s", &text);
        if (r >= 0)
                r = bus_edge_find_caller(edge, m, &caller, error);
        if (r < 0)
                return r;
        if (strlen(text) != 32 || sd_id128_from_string(text, &id) < 0)
                return bus_error_set(error,
                                     -EINVAL,
                                     "'%.64s' is no id of a job: expected 32 hexadecimal digits",
                                     text);
        r = manager_find_job(edge->manager, caller, id, &job);
        if (r < 0)
                return bus_error_set(error, -ENOENT, "There is no job '%s'", text);
        return sd_bus_reply_method_return(m, "o", job_path(job, path));
}

typedef struct Filter {
        ListingPage page;
        bool all_users;
        int state; /* -1: any */
} Filter;

#define SPACED(name, text) " " text

/* bus_entry_t */
static int read_filter(void *userdata, const char *key, sd_bus_message *m, sd_bus_error *error)
{
        Filter *filter = userdata;
        const char *text;
        int flag, r;

        r = listing_read_page(&filter->page, key, m, error);
        if (r != 0)
                return r;
        if (strcmp(key, "all-users") == 0) {
                r = sd_bus_message_read(m, "v", "b", &flag);
                filter->all_users = r >= 0 && flag;
                return r;
        }
        if (strcmp(key, "state") != 0)
                return bus_error_set(error,
                                     -EINVAL,
                                     "Unknown filter '%s': expected all-users, state, offset or "
                                     "limit",
                                     key);
        r = sd_bus_message_read(m, "v", "s", &text);
        if (r < 0)
                return r;
        filter->state = job_state_from_string(text);
        if (filter->state < 0)
                return bus_error_set(error,
                                     -EINVAL,
                                     "Unknown state '%s': expected one of" DOSVC_JOB_STATES(SPACED),
                                     text);
        return 0;
}

static uint32_t count_rows(const Job *job)
{
        return 1;
}

static size_t row_size(const Job *job, uint32_t row)
{
        return JOB_ROW_BYTES + strlen(job_display_name(job));
}

static int append_job(const Job *job, uint32_t row, sd_bus_message *reply)
{
        char path[JOB_PATH_MAX];

        return sd_bus_message_append(reply,
                                     "(oussstt)",
                                     job_path(job, path),
                                     job->owner->uid,
                                     job_display_name(job),
                                     job_type_to_string(JOB_TYPE_DOWNLOAD),
                                     job_state_to_string(job->state),
                                     job->bytes_transferred,
                                     job_bytes_total(job));
}

static const ListingKind jobs_listing = {
        .row_type = "(oussstt)",
        .advice = "call ListJobs with the filters 'offset' and 'limit'",
        .count = count_rows,
        .size = row_size,
        .append = append_job,
};

/* listing_choose_t */
static bool is_in_state(void *userdata, const Job *job)
{
        const Filter *filter = userdata;

        return filter->state < 0 || job->state == (JobState) filter->state;
}

static int method_list_jobs(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        BusEdge *edge = userdata;
        Filter filter = { .page = LISTING_WHOLE, .state = -1 };
        int r = bus_edge_each_entry(m, "Filter", read_filter, &filter, error);

        return r < 0 ? r
                     : listing_answer_jobs(edge,
                                           m,
                                           &jobs_listing,
                                           &filter.page,
                                           filter.all_users,
                                           is_in_state,
                                           &filter,
                                           error);
}

/* bus_entry_t */
static int
read_subscription(void *userdata, const char *key, sd_bus_message *m, sd_bus_error *error)
{
        SubscribeOptions *options = userdata;
        uint64_t interval;
        const char *path;
        int flag, r;

        if (strcmp(key, "all-users") == 0) {
                r = sd_bus_message_read(m, "v", "b", &flag);
                options->all_users = r >= 0 && flag;
                return r;
        }
        if (strcmp(key, "job") == 0) {
                r = sd_bus_message_read(m, "v", "o", &path);
                if (r < 0)
                        return r;
                options->one_job = true;
                if (job_path_parse(path, &options->job) >= 0)
                        return 0;
                return bus_error_set(error, -EINVAL, "'%s' is not the path of a job", path);
        }
        if (strcmp(key, "progress-interval") != 0)
                return bus_error_set(error,
                                     -EINVAL,
                                     "Unknown option '%s': expected all-users, job or "
                                     "progress-interval",
                                     key);
        r = sd_bus_message_read(m, "v", "t", &interval);
        if (r < 0)
                return r;
        if (interval != 0 &&
            (interval < SUBSCRIBE_INTERVAL_MIN_MSEC || interval > SUBSCRIBE_INTERVAL_MAX_MSEC))
                return bus_error_set(error,
                                     -EINVAL,
                                     "progress-interval must be 0 or from %d to %d milliseconds",
                                     SUBSCRIBE_INTERVAL_MIN_MSEC,
                                     SUBSCRIBE_INTERVAL_MAX_MSEC);
        options->progress_interval_msec = interval;
        return 0;
}

static int method_subscribe(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        BusEdge *edge = userdata;
        SubscribeOptions options = { .progress_interval_msec = SUBSCRIBE_INTERVAL_DEFAULT_MSEC };
        const Caller *caller;
        Job *job;
        int r;

        r = bus_edge_find_caller(edge, m, &caller, error);
        if (r >= 0)
                r = bus_edge_each_entry(m, "Option", read_subscription, &options, error);
        if (r < 0)
                return r;
        if (policy_check(caller, options.all_users ? VERB_SUBSCRIBE_ALL : VERB_SUBSCRIBE, NULL) < 0)
                return bus_error_set(error, -EACCES, "Only root hears of the jobs of all users");
        if (options.one_job && manager_find_job(edge->manager, caller, options.job, &job) < 0)
                return bus_error_set(error, -ENOENT, "There is no such job");
        r = subscribers_add(edge->subscribers, sd_bus_message_get_sender(m), caller, &options);
        if (r < 0)
                return bus_error_set_verb(error, r, NULL);
        return sd_bus_reply_method_return(m, NULL);
}

static int method_unsubscribe(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        BusEdge *edge = userdata;

        subscribers_remove(edge->subscribers, sd_bus_message_get_sender(m));
        return sd_bus_reply_method_return(m, NULL);
}

static int method_reload(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        BusEdge *edge = userdata;
        _cleanup_free_ char *problem = NULL;
        const Caller *caller;
        int r;

        r = bus_edge_find_caller(edge, m, &caller, error);
        if (r < 0)
                return r;
        r = manager_reload(edge->manager, caller, &problem);
        if (r == -EACCES)
                return bus_error_set(error, r, "Only root may have the configuration read again");
        if (r == -EINVAL)
                return bus_error_set(error, r, "The configuration stays as it was: %s", problem);
        if (r < 0)
                return bus_error_set_verb(error, r, NULL);
        return sd_bus_reply_method_return(m, NULL);
}

/* ---- properties ------------------------------------------------------------------------------ */

#define PROPERTY(name)                                                                             \
        static int property_##name(sd_bus *bus,                                                    \
                                   const char *path,                                               \
                                   const char *interface,                                          \
                                   const char *property,                                           \
                                   sd_bus_message *reply,                                          \
                                   void *userdata,                                                 \
                                   sd_bus_error *error)

PROPERTY(version)
{
        return sd_bus_message_append(reply, "s", VERSION);
}

PROPERTY(features)
{
        return sd_bus_message_append(reply, "as", 1, "password-fd");
}

PROPERTY(supported_protocols)
{
        return sd_bus_message_append(reply, "as", 2, "http", "https");
}

PROPERTY(supported_schemes)
{
        int r = sd_bus_message_open_container(reply, 'a', "s");

        /* Passport is kept but cannot be answered: its logon servers are gone. */
        for (unsigned scheme = 0; r >= 0 && scheme < AUTH_SCHEMES_MAX; scheme++)
                if (scheme != AUTH_SCHEME_PASSPORT)
                        r = sd_bus_message_append(reply,
                                                  "s",
                                                  auth_scheme_to_string((AuthScheme) scheme));
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

PROPERTY(credential_store)
{
        const BusEdge *edge = userdata;

        return sd_bus_message_append(reply, "s", vault_store_name(manager_vault(edge->manager)));
}

PROPERTY(credential_persistence)
{
        const BusEdge *edge = userdata;

        return sd_bus_message_append(
                reply,
                "s",
                vault_is_persistent(manager_vault(edge->manager)) ? "persistent" : "volatile");
}

static int count_job(void *userdata, Job *job)
{
        uint32_t *n = userdata;

        (*n)++;
        return 0;
}

PROPERTY(jobs_total)
{
        const BusEdge *edge = userdata;
        const Caller *caller;
        uint32_t n = 0;
        int r;

        r = callers_find(edge->callers, sd_bus_get_current_message(bus), &caller);
        if (r >= 0)
                r = manager_each_job(edge->manager, caller, false, count_job, &n);
        return r < 0 ? r : sd_bus_message_append(reply, "u", n);
}

PROPERTY(max_jobs_per_user)
{
        const BusEdge *edge = userdata;

        return sd_bus_message_append(reply,
                                     "u",
                                     (uint32_t) manager_config(edge->manager)->max_jobs_per_user);
}

PROPERTY(max_files_per_job)
{
        const BusEdge *edge = userdata;

        return sd_bus_message_append(reply,
                                     "u",
                                     (uint32_t) manager_config(edge->manager)->max_files_per_job);
}

/* ---- the object ------------------------------------------------------------------------------ */

static void on_caller_gone(void *userdata, const char *sender)
{
        BusEdge *edge = userdata;

        signals_bus_forget(edge, sender);
        listing_drop(edge, sender);
}

bool manager_bus_is_idle(const ManagerBus *manager_bus)
{
        const BusEdge *edge = &manager_bus->edge;

        return subscribers_is_empty(edge->subscribers) && list_is_empty(&edge->secret_calls) &&
               list_is_empty(&edge->listings) && list_is_empty(&edge->wait_calls) &&
               !callers_is_asking(edge->callers);
}

/* clang-format off */
static const sd_bus_vtable manager_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("CreateJob",
                                SD_BUS_ARGS("s", display_name, "s", type, "a{sv}", options),
                                SD_BUS_RESULT("o", job), method_create_job,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetJob", SD_BUS_ARGS("s", id), SD_BUS_RESULT("o", job),
                                method_get_job, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ListJobs", SD_BUS_ARGS("a{sv}", filter),
                                SD_BUS_RESULT("a(oussstt)", jobs), method_list_jobs,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Subscribe", SD_BUS_ARGS("a{sv}", options), SD_BUS_NO_RESULT,
                                method_subscribe, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Unsubscribe", NULL, NULL, method_unsubscribe, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Reload", NULL, NULL, method_reload, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_PROPERTY("Version", "s", property_version, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Features", "as", property_features, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("SupportedProtocols", "as", property_supported_protocols, 0,
                        SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("SupportedSchemes", "as", property_supported_schemes, 0,
                        SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("CredentialStore", "s", property_credential_store, 0,
                        SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("CredentialPersistence", "s", property_credential_persistence, 0,
                        SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("JobsTotal", "u", property_jobs_total, 0, 0),
        SD_BUS_PROPERTY("MaxJobsPerUser", "u", property_max_jobs_per_user, 0, 0),
        SD_BUS_PROPERTY("MaxFilesPerJob", "u", property_max_files_per_job, 0, 0),
        SD_BUS_SIGNAL_WITH_ARGS("JobNew", SD_BUS_ARGS("s", id, "o", job), 0),
        SD_BUS_SIGNAL_WITH_ARGS("JobRemoved", SD_BUS_ARGS("s", id, "o", job, "s", result), 0),
        SD_BUS_VTABLE_END,
};
/* clang-format on */

static int register_all(BusEdge *edge)
{
        int r;

        r = sd_bus_add_object_vtable(edge->bus,
                                     NULL,
                                     DOSVC_MANAGER_PATH,
                                     DOSVC_MANAGER_INTERFACE,
                                     manager_vtable,
                                     edge);
        if (r >= 0)
                r = job_bus_register(edge);
        if (r >= 0)
                r = file_bus_register(edge);
        if (r >= 0)
                r = objects_bus_register(edge);
        return r;
}

int manager_bus_new(sd_bus *bus, sd_event *event, Manager *manager, Users *users, ManagerBus **ret)
{
        _cleanup_(manager_bus_freep) ManagerBus *manager_bus = calloc(1, sizeof(*manager_bus));
        BusEdge *edge;
        int r;

        if (!manager_bus)
                return -ENOMEM;
        edge = &manager_bus->edge;
        list_init(&edge->secret_calls);
        list_init(&edge->listings);
        list_init(&edge->wait_calls);
        manager_bus->bus = sd_bus_ref(bus);
        edge->bus = bus;
        edge->event = event;
        edge->manager = manager;

        r = subscribers_new(event, signals_bus_tick, edge, &edge->subscribers);
        if (r >= 0)
                r = callers_new(bus, users, on_caller_gone, edge, &edge->callers);
        if (r >= 0)
                r = register_all(edge);
        if (r >= 0)
                r = sd_bus_attach_event(bus, event, SD_EVENT_PRIORITY_NORMAL);
        if (r < 0)
                return r;
        signals_bus_observe(edge);
        *ret = STEAL_PTR(manager_bus);
        return 0;
}

ManagerBus *manager_bus_free(ManagerBus *manager_bus)
{
        if (!manager_bus)
                return NULL;
        signals_bus_ignore(&manager_bus->edge);
        secret_bus_drop(&manager_bus->edge);
        listing_drop(&manager_bus->edge, NULL);
        callers_free(manager_bus->edge.callers);
        subscribers_free(manager_bus->edge.subscribers);
        sd_bus_flush_close_unref(manager_bus->bus);
        free(manager_bus);
        return NULL;
}
