#include "manager/job-bus.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/dosvc-wire.h"

#include "base/log.h"

#include "manager/bus-error.h"
#include "manager/certificate-bus.h"
#include "manager/credentials-bus.h"
#include "manager/file-bus.h"
#include "manager/headers-bus.h"
#include "manager/job-paths.h"
#include "manager/job-properties.h"
#include "manager/wait-bus.h"
#include "model/enums.h"

/* ---- methods --------------------------------------------------------------------------------- */

typedef int (*job_verb_t)(Manager *manager, const Caller *caller, Job *job);

static int run_verb(sd_bus_message *m, Job *job, job_verb_t verb, sd_bus_error *error)
{
        BusEdge *edge = bus_edge_of(m);
        const Caller *caller;
        int r;

        r = bus_edge_find_caller(edge, m, &caller, error);
        if (r < 0)
                return r;
        r = verb(edge->manager, caller, job);
        return r < 0 ? bus_error_set_verb(error, r, job) : bus_reply_saved(edge, m, NULL);
}

static int method_resume(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        return run_verb(m, userdata, manager_resume, error);
}

static int method_suspend(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        return run_verb(m, userdata, manager_suspend, error);
}

static int method_take_ownership(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        int r = run_verb(m, userdata, manager_take_ownership, error);

        if (r != -EACCES)
                return r;
        sd_bus_error_free(error);
        return bus_error_set(error, r, "Only root takes over jobs");
}

static void reply_done(sd_bus_message *call, int result, const char *text)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;

        (void) bus_error_set(&error, result == -ECANCELED ? -EIO : result, "%s", text);
        (void) sd_bus_reply_method_error(call, &error);
        sd_bus_error_free(&error);
}

static void on_done(void *userdata, int result, bool partial, const char *text)
{
        sd_bus_message *call = userdata;

        if (result < 0)
                reply_done(call, result, text);
        else
                (void) sd_bus_reply_method_return(call, NULL);
        sd_bus_message_unref(call);
}

static void on_completed(void *userdata, int result, bool partial, const char *text)
{
        sd_bus_message *call = userdata;

        if (result < 0)
                reply_done(call, result, text);
        else
                (void) sd_bus_reply_method_return(call, "b", (int) partial);
        sd_bus_message_unref(call);
}

typedef int (*job_long_verb_t)(Manager *manager,
                               const Caller *caller,
                               Job *job,
                               manager_done_t done,
                               void *userdata);

/* Runs a verb that is answered when a worker has done its part. */
static int run_long_verb(sd_bus_message *m,
                         Job *job,
                         job_long_verb_t verb,
                         manager_done_t done,
                         sd_bus_error *error)
{
        BusEdge *edge = bus_edge_of(m);
        const Caller *caller;
        int r;

        r = bus_edge_find_caller(edge, m, &caller, error);
        if (r < 0)
                return r;
        r = verb(edge->manager, caller, job, done, sd_bus_message_ref(m));
        if (r < 0) {
                sd_bus_message_unref(m);
                return bus_error_set_verb(error, r, job);
        }
        return 1;
}

static int method_cancel(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        return run_long_verb(m, userdata, manager_cancel, on_done, error);
}

static int method_complete_whole(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        const Job *job = userdata;
        int r = run_long_verb(m, userdata, manager_complete_whole, on_done, error);

        if (r != -EBADFD || job->n_finished == job->n_files)
                return r;
        sd_bus_error_free(error);
        return bus_error_set(
                error,
                r,
                "%u of %u files of the job are whole; Complete would put these in place "
                "and give up the others",
                job->n_finished,
                job->n_files);
}

static int method_complete(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        return run_long_verb(m, userdata, manager_complete, on_completed, error);
}

static int method_set_credentials(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        return credentials_bus_set(bus_edge_of(m), userdata, m, error);
}

static int method_remove_credentials(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        return credentials_bus_remove(bus_edge_of(m), userdata, m, error);
}

static int method_set_client_certificate(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        return certificate_bus_set(bus_edge_of(m), userdata, m, error);
}

static int method_remove_client_certificate(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        return certificate_bus_remove(bus_edge_of(m), userdata, m, error);
}

/* ---- properties ------------------------------------------------------------------------------ */

static int property_get(sd_bus *bus,
                        const char *path,
                        const char *interface,
                        const char *name,
                        sd_bus_message *reply,
                        void *userdata,
                        sd_bus_error *error)
{
        return job_property_append(userdata, name, reply);
}

/* A property that its owner alone may read. */
static int read_as_caller(sd_bus *bus,
                          Job *job,
                          sd_bus_message *reply,
                          sd_bus_error *error,
                          int (*get)(BusEdge *edge,
                                     const Caller *caller,
                                     const Job *job,
                                     sd_bus_message *reply,
                                     sd_bus_error *error))
{
        sd_bus_message *m = sd_bus_get_current_message(bus);
        BusEdge *edge = bus_edge_of(m);
        const Caller *caller;
        int r = bus_edge_find_caller(edge, m, &caller, error);

        return r < 0 ? r : get(edge, caller, job, reply, error);
}

static int property_headers(sd_bus *bus,
                            const char *path,
                            const char *interface,
                            const char *name,
                            sd_bus_message *reply,
                            void *userdata,
                            sd_bus_error *error)
{
        return read_as_caller(bus, userdata, reply, error, headers_bus_get);
}

static int property_credential_slots(sd_bus *bus,
                                     const char *path,
                                     const char *interface,
                                     const char *name,
                                     sd_bus_message *reply,
                                     void *userdata,
                                     sd_bus_error *error)
{
        return read_as_caller(bus, userdata, reply, error, credentials_bus_get_slots);
}

/*
 * sd-bus answers Set as soon as this returns, so that the change must be durable by then: it cannot
 * wait for the commit at the end of the loop's iteration.
 */
static int property_set(sd_bus *bus,
                        const char *path,
                        const char *interface,
                        const char *name,
                        sd_bus_message *value,
                        void *userdata,
                        sd_bus_error *error)
{
        sd_bus_message *m = sd_bus_get_current_message(bus);
        BusEdge *edge = bus_edge_of(m);
        const Caller *caller;
        int r;

        r = bus_edge_find_caller(edge, m, &caller, error);
        if (r >= 0)
                r = job_property_set(edge, caller, userdata, name, value, error);
        if (r < 0)
                return r;
        r = manager_commit(edge->manager);
        return r < 0 ? bus_error_set_verb(error, r, NULL) : 1;
}

/* ---- signals --------------------------------------------------------------------------------- */

typedef struct Announcement {
        BusEdge *edge;
        Job *job;
        JobChanges changes;
        JobState previous;
} Announcement;

static int new_signal(BusEdge *edge,
                      const Job *job,
                      const char *destination,
                      const char *interface,
                      const char *member,
                      sd_bus_message **ret)
{
        char path[JOB_PATH_MAX];
        int r = sd_bus_message_new_signal(edge->bus, ret, job_path(job, path), interface, member);

        return r < 0 ? r : sd_bus_message_set_destination(*ret, destination);
}

static void send_changed(void *userdata, const char *destination)
{
        const Announcement *announcement = userdata;
        sd_bus_message *m = NULL;
        int r;

        r = new_signal(announcement->edge,
                       announcement->job,
                       destination,
                       "org.freedesktop.DBus.Properties",
                       "PropertiesChanged",
                       &m);
        if (r >= 0)
                r = sd_bus_message_append(m, "s", DOSVC_JOB_INTERFACE);
        if (r >= 0)
                r = job_properties_append_changed(announcement->job, announcement->changes, m);
        if (r >= 0)
                r = job_properties_append_invalidated(announcement->changes, m);
        if (r >= 0)
                r = sd_bus_send(NULL, m, NULL);
        sd_bus_message_unref(m);

        if (r >= 0 && announcement->job->state != announcement->previous) {
                m = NULL;
                r = new_signal(announcement->edge,
                               announcement->job,
                               destination,
                               DOSVC_JOB_INTERFACE,
                               "StateChanged",
                               &m);
                if (r >= 0)
                        r = sd_bus_message_append(m,
                                                  "ss",
                                                  job_state_to_string(announcement->job->state),
                                                  job_state_to_string(announcement->previous));
                if (r >= 0)
                        r = sd_bus_send(NULL, m, NULL);
                sd_bus_message_unref(m);
        }
        if (r < 0)
                log_errno(LOG_DEBUG, r, "A signal cannot be sent");
}

static void send_progress(void *userdata, const char *destination)
{
        const Announcement *announcement = userdata;

        job_bus_announce_progress(announcement->edge, announcement->job, destination);
}

void job_bus_announce_changed(BusEdge *edge, Job *job, JobChanges changes, JobState previous)
{
        Announcement announcement = { edge, job, changes, previous };

        /* The last figures of a state are sent before the signal that it is over. */
        if (job->state != previous && previous == JOB_TRANSFERRING)
                subscribers_each(edge->subscribers, job, true, send_progress, &announcement);
        subscribers_each(edge->subscribers, job, false, send_changed, &announcement);
}

void job_bus_announce_progress(BusEdge *edge, Job *job, const char *destination)
{
        sd_bus_message *m = NULL;
        int r;

        r = new_signal(edge, job, destination, DOSVC_JOB_INTERFACE, "Progress", &m);
        if (r >= 0)
                r = sd_bus_message_append(m,
                                          "ttt",
                                          job->bytes_transferred,
                                          job_bytes_total(job),
                                          job->rate_bps);
        if (r >= 0)
                r = sd_bus_send(NULL, m, NULL);
        sd_bus_message_unref(m);
        if (r < 0)
                log_errno(LOG_DEBUG, r, "A signal cannot be sent");
}

/* ---- vtables --------------------------------------------------------------------------------- */

#define UNPRIV SD_BUS_VTABLE_UNPRIVILEGED

#define GETTER_U32(member)            property_get
#define GETTER_U64(member)            property_get
#define GETTER_BY(signature, append)  property_get
#define GETTER_FOR(signature, getter) getter

#define READ_ENTRY(name, value, changes, flags)                                                    \
        SD_BUS_PROPERTY(name, PROPERTY_SIGNATURE_##value, GETTER_##value, 0, flags),
#define SETTING_ENTRY(id, name, type, member, initial, flags)                                      \
        SD_BUS_WRITABLE_PROPERTY(name,                                                             \
                                 SETTING_SIGNATURE_##type,                                         \
                                 property_get,                                                     \
                                 property_set,                                                     \
                                 0,                                                                \
                                 PROPERTY_IS_ANNOUNCED | UNPRIV),
#define OTHER_ENTRY(name, signature, append, set, changes, getter, flags)                          \
        SD_BUS_WRITABLE_PROPERTY(name, signature, getter, property_set, 0, (flags) | UNPRIV),

/* clang-format off */
static const sd_bus_vtable job_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("AddFile",
                                SD_BUS_ARGS("s", remote_name, "s", local_name, "a{sv}", options),
                                SD_BUS_RESULT("o", file), file_bus_add_file, UNPRIV),
        SD_BUS_METHOD_WITH_ARGS("AddFiles", SD_BUS_ARGS("a(ss)", files),
                                SD_BUS_RESULT("ao", paths), file_bus_add_files, UNPRIV),
        SD_BUS_METHOD_WITH_ARGS("ListFiles", SD_BUS_NO_ARGS,
                                SD_BUS_RESULT("a(ossttb)", files), file_bus_list_files, UNPRIV),
        SD_BUS_METHOD_WITH_ARGS("ListFilesFiltered", SD_BUS_ARGS("a{sv}", filter),
                                SD_BUS_RESULT("a(ossttb)", files), file_bus_list_files_filtered,
                                UNPRIV),
        SD_BUS_METHOD_WITH_ARGS("ReplaceRemotePrefix",
                                SD_BUS_ARGS("s", old_prefix, "s", new_prefix),
                                SD_BUS_RESULT("u", changed), file_bus_replace_remote_prefix, UNPRIV),
        SD_BUS_METHOD("Resume", NULL, NULL, method_resume, UNPRIV),
        SD_BUS_METHOD("Suspend", NULL, NULL, method_suspend, UNPRIV),
        SD_BUS_METHOD("Cancel", NULL, NULL, method_cancel, UNPRIV),
        SD_BUS_METHOD_WITH_ARGS("Complete", SD_BUS_NO_ARGS,
                                SD_BUS_RESULT("b", partial), method_complete, UNPRIV),
        SD_BUS_METHOD("CompleteWhole", NULL, NULL, method_complete_whole, UNPRIV),
        SD_BUS_METHOD_WITH_ARGS("Wait", SD_BUS_ARGS("t", timeout_usec),
                                SD_BUS_RESULT("s", state), wait_bus_wait, UNPRIV),
        SD_BUS_METHOD("TakeOwnership", NULL, NULL, method_take_ownership, UNPRIV),
        SD_BUS_METHOD_WITH_ARGS("SetCredentials",
                                SD_BUS_ARGS("s", target, "s", scheme, "a{sv}", credentials),
                                SD_BUS_NO_RESULT, method_set_credentials,
                                UNPRIV | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("RemoveCredentials", SD_BUS_ARGS("s", target, "s", scheme),
                                SD_BUS_RESULT("b", removed), method_remove_credentials, UNPRIV),
        SD_BUS_METHOD_WITH_ARGS("SetClientCertificate", SD_BUS_ARGS("a{sv}", certificate),
                                SD_BUS_NO_RESULT, method_set_client_certificate,
                                UNPRIV | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("RemoveClientCertificate", SD_BUS_NO_ARGS,
                                SD_BUS_RESULT("b", removed), method_remove_client_certificate,
                                UNPRIV),
        JOB_READ_PROPERTIES(READ_ENTRY)
        JOB_PROPERTY_SETTINGS(SETTING_ENTRY)
        JOB_OTHER_PROPERTIES(OTHER_ENTRY)
        SD_BUS_SIGNAL_WITH_ARGS("StateChanged", SD_BUS_ARGS("s", state, "s", previous), 0),
        SD_BUS_SIGNAL_WITH_ARGS("Progress",
                                SD_BUS_ARGS("t", bytes_transferred, "t", bytes_total, "t", rate), 0),
        SD_BUS_VTABLE_END,
};
/* clang-format on */

int job_bus_register(BusEdge *edge)
{
        int r;

        r = sd_bus_add_fallback_vtable(edge->bus,
                                       NULL,
                                       DOSVC_JOB_PREFIX,
                                       DOSVC_JOB_INTERFACE,
                                       job_vtable,
                                       job_path_find_job,
                                       edge);
        if (r >= 0)
                r = sd_bus_add_node_enumerator(edge->bus,
                                               NULL,
                                               DOSVC_JOB_PREFIX,
                                               job_path_enumerate,
                                               edge);
        return r < 0 ? r : 0;
}
