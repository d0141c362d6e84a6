#include "manager/job-bus.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dbus/dosvc-wire.h"

#include "base/log.h"
#include "base/str.h"

#include "manager/bus-error.h"
#include "manager/credentials-bus.h"
#include "model/error-code.h"
#include "model/limits.h"

/* ---- paths ----------------------------------------------------------------------------------- */

const char *job_bus_path(const Job *job, char buffer[static JOB_PATH_MAX])
{
        char id[SD_ID128_STRING_MAX];

        (void) snprintf(buffer,
                        JOB_PATH_MAX,
                        DOSVC_JOB_PREFIX "/%s",
                        sd_id128_to_string(job->id, id));
        return buffer;
}

static const char *file_path(const Job *job, uint32_t index, char buffer[static JOB_PATH_MAX])
{
        char id[SD_ID128_STRING_MAX];

        (void) snprintf(buffer,
                        JOB_PATH_MAX,
                        DOSVC_JOB_PREFIX "/%s/file/%u",
                        sd_id128_to_string(job->id, id),
                        index);
        return buffer;
}

/* The id behind the prefix and what follows it. Only the one spelling of an id is a path. */
static int split_path(const char *path, sd_id128_t *ret_id, const char **ret_rest)
{
        char text[33], canonical[SD_ID128_STRING_MAX];

        if (!str_starts_with(path, DOSVC_JOB_PREFIX "/"))
                return -EINVAL;
        path += strlen(DOSVC_JOB_PREFIX "/");
        if (strnlen(path, 32) < 32)
                return -EINVAL;
        memcpy(text, path, 32);
        text[32] = '\0';
        if (sd_id128_from_string(text, ret_id) < 0 ||
            strcmp(sd_id128_to_string(*ret_id, canonical), text) != 0)
                return -EINVAL;
        *ret_rest = path + 32;
        return 0;
}

int job_bus_parse_path(const char *path, sd_id128_t *ret_job)
{
        const char *rest;
        int r = split_path(path, ret_job, &rest);

        return r >= 0 && *rest != '\0' ? -EINVAL : r;
}

/* ---- who sees what --------------------------------------------------------------------------- */

/* The job of a path if the caller of the message being handled may see it. */
static int find_visible(BusEdge *edge, const char *path, Job **ret_job, const char **ret_rest)
{
        const Caller *caller;
        sd_id128_t id;
        int r;

        r = split_path(path, &id, ret_rest);
        if (r >= 0)
                r = callers_find(edge->callers, sd_bus_get_current_message(edge->bus), &caller);
        if (r >= 0)
                r = manager_find_job(edge->manager, caller, id, ret_job);
        return r;
}

static int find_job(sd_bus *bus,
                    const char *path,
                    const char *interface,
                    void *userdata,
                    void **ret_found,
                    sd_bus_error *error)
{
        const char *rest;
        Job *job;

        if (find_visible(userdata, path, &job, &rest) < 0 || *rest != '\0')
                return 0;
        *ret_found = job;
        return 1;
}

static int find_file(sd_bus *bus,
                     const char *path,
                     const char *interface,
                     void *userdata,
                     void **ret_found,
                     sd_bus_error *error)
{
        char canonical[JOB_PATH_MAX];
        const char *rest;
        uint64_t index;
        Job *job;

        if (find_visible(userdata, path, &job, &rest) < 0 || !str_starts_with(rest, "/file/") ||
            str_parse_u64(rest + strlen("/file/"), UINT32_MAX, &index) < 0 || index >= job->n_files)
                return 0;
        if (strcmp(file_path(job, (uint32_t) index, canonical), path) != 0)
                return 0;
        *ret_found = &job->files[index];
        return 1;
}

typedef struct Enumeration {
        char **paths;
        bool files;
} Enumeration;

static int add_paths(void *userdata, Job *job)
{
        Enumeration *enumeration = userdata;
        char path[JOB_PATH_MAX];
        int r = strings_append(&enumeration->paths, job_bus_path(job, path));

        for (uint32_t i = 0; r >= 0 && enumeration->files && i < job->n_files; i++)
                r = strings_append(&enumeration->paths, file_path(job, i, path));
        return r;
}

/* Introspection wants the next level only, GetManagedObjects everything below. */
static int
enumerate(sd_bus *bus, const char *prefix, void *userdata, char ***ret_paths, sd_bus_error *error)
{
        BusEdge *edge = userdata;
        sd_bus_message *m = sd_bus_get_current_message(bus);
        Enumeration enumeration = { 0 };
        const Caller *caller;
        const char *rest;
        Job *job;
        int r;

        r = callers_find(edge->callers, m, &caller);
        if (r < 0)
                return r;
        if (find_visible(edge, prefix, &job, &rest) >= 0) {
                enumeration.files = true;
                r = add_paths(&enumeration, job);
        } else {
                enumeration.files = sd_bus_message_is_method_call(m, NULL, "GetManagedObjects") > 0;
                r = manager_each_job(edge->manager,
                                     caller,
                                     caller->uid == 0,
                                     add_paths,
                                     &enumeration);
        }
        if (r < 0) {
                strings_free(enumeration.paths);
                return r;
        }
        *ret_paths = enumeration.paths;
        return 1;
}

/* ---- methods --------------------------------------------------------------------------------- */

/* Handlers get the job as userdata; the edge is what the job's manager tells. */
static BusEdge *edge_of(sd_bus_message *m)
{
        return sd_bus_slot_get_userdata(sd_bus_get_current_slot(sd_bus_message_get_bus(m)));
}

static int find_caller(BusEdge *edge, sd_bus_message *m, const Caller **ret, sd_bus_error *error)
{
        int r = callers_find(edge->callers, m, ret);

        return r < 0 ? bus_error_set_verb(error, r, NULL) : 0;
}

/* User info of a URL becomes the server's Basic slot of the job, if that one is free. */
static int take_user_info(BusEdge *edge,
                          const Caller *caller,
                          Job *job,
                          const char *user,
                          const char *password,
                          sd_bus_error *error)
{
        _cleanup_(secret_freep) Secret *secret = NULL;
        const char *reason = NULL;
        int r;

        if (!user ||
            manager_has_credentials(edge->manager, job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC) != 0)
                return 0;
        r = spec_check_user_name(AUTH_SCHEME_BASIC, user, &reason);
        if (r >= 0)
                r = spec_check_password(password ? password : "",
                                        password ? strlen(password) : 0,
                                        &reason);
        if (r < 0)
                return bus_error_set(error, r, "User info of the URL: %s", reason);
        r = secret_new_copy(password ? password : "", password ? strlen(password) : 0, &secret);
        if (r >= 0)
                r = manager_set_credentials(edge->manager,
                                            caller,
                                            job,
                                            AUTH_TARGET_SERVER,
                                            AUTH_SCHEME_BASIC,
                                            user,
                                            secret);
        return r < 0 ? bus_error_set_verb(error, r, job) : 1;
}

/* A file to add; remote_name is owned. */
typedef struct Wish {
        char *remote_name;
        const char *local_name; /* borrowed from the message */
        char *user;
        char *password;
} Wish;

static void wish_done(Wish *wish)
{
        if (wish->password)
                secret_erase(wish->password, strlen(wish->password));
        free(wish->remote_name);
        free(wish->user);
        free(wish->password);
}

static int parse_wish(Wish *wish, const char *remote, const char *local, sd_bus_error *error)
{
        const char *reason = "is not valid";
        int r;

        wish->local_name = local;
        r = spec_parse_remote_name(remote,
                                   &wish->remote_name,
                                   &wish->user,
                                   &wish->password,
                                   &reason);
        if (r == -EINVAL)
                return bus_error_set(error, r, "Remote name '%s' %s", log_url(remote), reason);
        if (r < 0)
                return r;
        r = spec_check_local_name(local, &reason);
        return r < 0 ? bus_error_set(error, r, "Local name '%s' %s", local, reason) : 0;
}

/* Adds what was parsed, all or none. *ret_first: index of the first. */
static int add_wishes(BusEdge *edge,
                      Job *job,
                      sd_bus_message *m,
                      const Wish *wishes,
                      size_t n_wishes,
                      uint32_t *ret_first,
                      sd_bus_error *error)
{
        _cleanup_free_ ManagerFile *files = calloc(n_wishes ? n_wishes : 1, sizeof(*files));
        const Caller *caller;
        bool credentials_set = false;
        int r;

        if (!files)
                return -ENOMEM;
        r = find_caller(edge, m, &caller, error);
        if (r < 0)
                return r;
        r = manager_begin(caller, VERB_ADD_FILE, job);
        if (r < 0)
                return bus_error_set_verb(error, r, job);
        for (size_t i = 0; i < n_wishes; i++) {
                files[i] = (ManagerFile){ wishes[i].remote_name, wishes[i].local_name };
                r = take_user_info(edge, caller, job, wishes[i].user, wishes[i].password, error);
                if (r < 0)
                        break;
                credentials_set |= r > 0;
        }
        if (r >= 0) {
                r = manager_add_files(edge->manager, caller, job, files, n_wishes, ret_first);
                if (r < 0)
                        (void) bus_error_set_verb(error, r, job);
        }
        if (r < 0 && credentials_set)
                (void) manager_remove_credentials(edge->manager,
                                                  caller,
                                                  job,
                                                  AUTH_TARGET_SERVER,
                                                  AUTH_SCHEME_BASIC);
        return r;
}

static int method_add_file(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        BusEdge *edge = edge_of(m);
        Job *job = userdata;
        sd_bus_message *reply = NULL;
        const char *remote, *local, *key;
        char path[JOB_PATH_MAX];
        uint32_t first;
        Wish wish = { 0 };
        int r;

        r = sd_bus_message_read(m, "ss", &remote, &local);
        if (r >= 0)
                r = sd_bus_message_enter_container(m, 'a', "{sv}");
        if (r >= 0)
                r = sd_bus_message_enter_container(m, 'e', "sv");
        if (r > 0) {
                r = sd_bus_message_read(m, "s", &key);
                return r < 0 ? r : bus_error_set(error, -EINVAL, "Unknown option '%s'", key);
        }
        if (r >= 0)
                r = parse_wish(&wish, remote, local, error);
        if (r >= 0)
                r = add_wishes(edge, job, m, &wish, 1, &first, error);
        wish_done(&wish);
        if (r < 0)
                return r;

        r = bus_reply_new(m, &reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "o", file_path(job, first, path));
        if (r < 0) {
                sd_bus_message_unref(reply);
                return r;
        }
        return bus_reply_saved(edge, m, reply);
}

static int reply_files(BusEdge *edge, Job *job, sd_bus_message *m, uint32_t first, size_t n)
{
        sd_bus_message *reply = NULL;
        char path[JOB_PATH_MAX];
        int r;

        r = bus_reply_new(m, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "o");
        for (size_t i = 0; r >= 0 && i < n; i++)
                r = sd_bus_message_append(reply, "o", file_path(job, first + (uint32_t) i, path));
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        if (r < 0) {
                sd_bus_message_unref(reply);
                return r;
        }
        return bus_reply_saved(edge, m, reply);
}

static int method_add_files(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        BusEdge *edge = edge_of(m);
        Job *job = userdata;
        Wish *wishes = NULL;
        size_t n = 0, allocated = 0, limit = manager_config(edge->manager)->max_files_per_job;
        const char *remote, *local;
        uint32_t first = 0;
        int r;

        r = sd_bus_message_enter_container(m, 'a', "(ss)");
        while (r >= 0 && (r = sd_bus_message_read(m, "(ss)", &remote, &local)) > 0) {
                if (n == allocated) {
                        size_t more = allocated ? allocated * 2 : 16;
                        Wish *grown = reallocarray(wishes, more, sizeof(*grown));

                        if (!grown) {
                                r = -ENOMEM;
                                break;
                        }
                        wishes = grown;
                        allocated = more;
                }
                if (n >= limit) {
                        r = bus_error_set_verb(error, -EMFILE, job);
                        break;
                }
                wishes[n] = (Wish){ 0 };
                r = parse_wish(&wishes[n++], remote, local, error);
        }
        if (r >= 0 && n == 0)
                r = bus_error_set(error, -EINVAL, "The list of files is empty");
        if (r >= 0)
                r = add_wishes(edge, job, m, wishes, n, &first, error);
        for (size_t i = 0; i < n; i++)
                wish_done(&wishes[i]);
        free(wishes);
        return r < 0 ? r : reply_files(edge, job, m, first, n);
}

static int method_list_files(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        const Job *job = userdata;
        sd_bus_message *reply = NULL;
        char path[JOB_PATH_MAX];
        int r;

        r = bus_reply_new(m, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(ossttb)");
        for (uint32_t i = 0; r >= 0 && i < job->n_files; i++) {
                const JobFile *file = &job->files[i];

                r = sd_bus_message_append(reply,
                                          "(ossttb)",
                                          file_path(job, i, path),
                                          file->record.remote_name,
                                          file->record.local_name,
                                          file->live_bytes,
                                          file->live_total,
                                          (int) file->record.finished);
        }
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        if (r >= 0)
                r = sd_bus_send(NULL, reply, NULL);
        sd_bus_message_unref(reply);
        return r < 0 ? r : 1;
}

typedef int (*job_verb_t)(Manager *manager, const Caller *caller, Job *job);

static int run_verb(sd_bus_message *m, Job *job, job_verb_t verb, sd_bus_error *error)
{
        BusEdge *edge = edge_of(m);
        const Caller *caller;
        int r;

        r = find_caller(edge, m, &caller, error);
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
        return run_verb(m, userdata, manager_take_ownership, error);
}

static void reply_done(sd_bus_message *call, int result, const char *text)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;

        (void) bus_error_set(&error, result == -ECANCELED ? -EIO : result, "%s", text);
        (void) sd_bus_reply_method_error(call, &error);
        sd_bus_error_free(&error);
}

static void on_cancelled(void *userdata, int result, bool partial, const char *text)
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

/* Verbs that are answered when a worker has done its part. */
static int run_long_verb(sd_bus_message *m,
                         Job *job,
                         job_long_verb_t verb,
                         manager_done_t done,
                         sd_bus_error *error)
{
        BusEdge *edge = edge_of(m);
        const Caller *caller;
        int r;

        r = find_caller(edge, m, &caller, error);
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
        return run_long_verb(m, userdata, manager_cancel, on_cancelled, error);
}

static int method_complete(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        return run_long_verb(m, userdata, manager_complete, on_completed, error);
}

static int method_set_credentials(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        return credentials_bus_set(edge_of(m), userdata, m, error);
}

static int method_remove_credentials(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        return credentials_bus_remove(edge_of(m), userdata, m, error);
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

PROPERTY(id)
{
        const Job *job = userdata;
        char id[SD_ID128_STRING_MAX];

        return sd_bus_message_append(reply, "s", sd_id128_to_string(job->id, id));
}

PROPERTY(owner)
{
        return sd_bus_message_append(reply, "u", ((const Job *) userdata)->owner->uid);
}

PROPERTY(type)
{
        return sd_bus_message_append(reply, "s", "download");
}

PROPERTY(state)
{
        return sd_bus_message_append(reply,
                                     "s",
                                     job_state_to_string(((const Job *) userdata)->state));
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
                format_time(job->next_attempt_usec, when, sizeof(when));
                (void) snprintf(text, size, "Tries again at %s: %s", when, job->error.description);
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

PROPERTY(status)
{
        char text[4096];

        describe(userdata, text, sizeof(text));
        return sd_bus_message_append(reply, "s", text);
}

PROPERTY(error)
{
        const Job *job = userdata;
        char name[ERROR_CODE_NAME_MAX], file[JOB_PATH_MAX] = "/";

        if (job->error.code == 0)
                return sd_bus_message_append(reply, "(usssso)", 0, "", "", "", "", "/");
        if (job->error.file >= 0)
                (void) file_path(job, (uint32_t) job->error.file, file);
        return sd_bus_message_append(reply,
                                     "(usssso)",
                                     job->error.code,
                                     error_code_name(job->error.code, name),
                                     error_context_to_string(job->error.context),
                                     job->error.description,
                                     job->error.url,
                                     file);
}

PROPERTY(error_count)
{
        return sd_bus_message_append(reply, "u", ((const Job *) userdata)->error_count);
}

PROPERTY(files_total)
{
        return sd_bus_message_append(reply, "u", ((const Job *) userdata)->n_files);
}

PROPERTY(files_transferred)
{
        return sd_bus_message_append(reply, "u", ((const Job *) userdata)->n_finished);
}

PROPERTY(bytes_total)
{
        return sd_bus_message_append(reply, "t", job_bytes_total(userdata));
}

PROPERTY(bytes_transferred)
{
        return sd_bus_message_append(reply, "t", ((const Job *) userdata)->bytes_transferred);
}

PROPERTY(rate)
{
        return sd_bus_message_append(reply, "t", ((const Job *) userdata)->rate_bps);
}

PROPERTY(creation_time)
{
        return sd_bus_message_append(reply, "t", ((const Job *) userdata)->created_usec);
}

PROPERTY(modification_time)
{
        return sd_bus_message_append(reply, "t", ((const Job *) userdata)->modified_usec);
}

PROPERTY(transfer_completion_time)
{
        return sd_bus_message_append(reply, "t", ((const Job *) userdata)->transferred_usec);
}

PROPERTY(next_attempt_time)
{
        const Job *job = userdata;

        return sd_bus_message_append(reply,
                                     "t",
                                     job->state == JOB_TRANSIENT_ERROR ? job->next_attempt_usec
                                                                       : UINT64_C(0));
}

PROPERTY(display_name)
{
        return sd_bus_message_append(reply, "s", ((const Job *) userdata)->display_name);
}

PROPERTY(description)
{
        return sd_bus_message_append(reply, "s", ((const Job *) userdata)->description);
}

PROPERTY(priority)
{
        return sd_bus_message_append(reply,
                                     "s",
                                     priority_to_string(((const Job *) userdata)->priority));
}

PROPERTY(proxy_settings)
{
        const Job *job = userdata;
        int r;

        r = sd_bus_message_open_container(reply, 'r', "sasas");
        if (r >= 0)
                r = sd_bus_message_append(reply, "s", proxy_usage_to_string(job->proxy_usage));
        if (r >= 0)
                r = sd_bus_message_append_strv(reply, job->proxies);
        if (r >= 0)
                r = sd_bus_message_append_strv(reply, job->proxy_bypass);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

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
                const char *reason = "must be a host name, *.domain, an address or <local>";

                *length += strlen(entry) + 1;
                if (*length > LIMIT_PROXY_LIST)
                        return bus_error_set(
                                error,
                                -E2BIG,
                                "The lists of ProxySettings must have at most %d characters",
                                LIMIT_PROXY_LIST);
                if (parse)
                        r = spec_parse_proxy(entry, &url, &reason);
                else if (entry[0] == '\0' || strpbrk(entry, " \t,") ||
                         str_has_control(entry, strlen(entry)))
                        r = -EINVAL;
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
        if (usage == PROXY_USAGE_AUTODETECT)
                return bus_error_set(error, -EOPNOTSUPP, "Proxy usage autodetect is not available");
        if (usage == PROXY_USAGE_OVERRIDE ? !proxies[0] : (proxies[0] || bypass[0]))
                return bus_error_set(error,
                                     -EINVAL,
                                     "Proxy usage override needs a list of proxies, the others "
                                     "take none");
        r = manager_set_proxy(edge->manager, caller, job, (ProxyUsage) usage, proxies, bypass);
        return r < 0 ? bus_error_set_verb(error, r, job) : 0;
}

static const struct {
        const char *name, *signature;
        int (*set)(BusEdge *edge,
                   const Caller *caller,
                   Job *job,
                   const char *name,
                   sd_bus_message *m,
                   sd_bus_error *error);
} writable[] = {
        { "DisplayName", "s", set_label },
        { "Description", "s", set_label },
        { "Priority", "s", set_priority },
        { "ProxySettings", "(sasas)", set_proxy },
};

int job_bus_set_property(BusEdge *edge,
                         const Caller *caller,
                         Job *job,
                         const char *name,
                         sd_bus_message *m,
                         sd_bus_error *error)
{
        for (size_t i = 0; i < ARRAY_SIZE(writable); i++) {
                int r;

                if (strcmp(writable[i].name, name) != 0)
                        continue;
                r = sd_bus_message_enter_container(m, 'v', writable[i].signature);
                if (r == -ENXIO)
                        return bus_error_set(error,
                                             -EINVAL,
                                             "Option '%s' must have type %s",
                                             name,
                                             writable[i].signature);
                if (r >= 0)
                        r = writable[i].set(edge, caller, job, name, m, error);
                return r < 0 ? r : sd_bus_message_exit_container(m);
        }
        return bus_error_set(error, -EINVAL, "Unknown option '%s'", name);
}

/* sd-bus answers Set as soon as this returns, so the commit cannot wait for the turn's end. */
static int property_set(sd_bus *bus,
                        const char *path,
                        const char *interface,
                        const char *name,
                        sd_bus_message *value,
                        void *userdata,
                        sd_bus_error *error)
{
        sd_bus_message *m = sd_bus_get_current_message(bus);
        BusEdge *edge = edge_of(m);
        const Caller *caller;
        int r;

        r = find_caller(edge, m, &caller, error);
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(writable); i++)
                if (strcmp(writable[i].name, name) == 0) {
                        r = writable[i].set(edge, caller, userdata, name, value, error);
                        break;
                }
        if (r < 0)
                return r;
        r = manager_commit(edge->manager);
        return r < 0 ? bus_error_set_verb(error, r, NULL) : 1;
}

PROPERTY(file_remote_name)
{
        return sd_bus_message_append(reply, "s", ((const JobFile *) userdata)->record.remote_name);
}

PROPERTY(file_local_name)
{
        return sd_bus_message_append(reply, "s", ((const JobFile *) userdata)->record.local_name);
}

PROPERTY(file_bytes_total)
{
        return sd_bus_message_append(reply, "t", ((const JobFile *) userdata)->live_total);
}

PROPERTY(file_bytes_transferred)
{
        return sd_bus_message_append(reply, "t", ((const JobFile *) userdata)->live_bytes);
}

PROPERTY(file_completed)
{
        return sd_bus_message_append(reply,
                                     "b",
                                     (int) ((const JobFile *) userdata)->record.finished);
}

PROPERTY(file_response_headers)
{
        return sd_bus_message_append(reply, "s", ((const JobFile *) userdata)->record.headers);
}

/* ---- signals --------------------------------------------------------------------------------- */

/* Which properties a change touches. */
static const struct {
        unsigned changes;
        const char *name, *signature;
        sd_bus_property_get_t get;
} told[] = {
        { JOB_CHANGE_OWNER, "Owner", "u", property_owner },
        { JOB_CHANGE_STATE, "State", "s", property_state },
        { JOB_CHANGE_ERROR, "Error", "(usssso)", property_error },
        { JOB_CHANGE_ERROR, "ErrorCount", "u", property_error_count },
        { JOB_CHANGE_FILES, "FilesTotal", "u", property_files_total },
        { JOB_CHANGE_FILES, "FilesTransferred", "u", property_files_transferred },
        { JOB_CHANGE_TIMES, "TransferCompletionTime", "t", property_transfer_completion_time },
        { JOB_CHANGE_STATE, "NextAttemptTime", "t", property_next_attempt_time },
        { JOB_CHANGE_DISPLAY_NAME, "DisplayName", "s", property_display_name },
        { JOB_CHANGE_DESCRIPTION, "Description", "s", property_description },
        { JOB_CHANGE_PRIORITY, "Priority", "s", property_priority },
        { JOB_CHANGE_PROXY, "ProxySettings", "(sasas)", property_proxy_settings },
};

typedef struct Telling {
        BusEdge *edge;
        Job *job;
        unsigned changes;
        JobState previous;
} Telling;

static int new_signal(BusEdge *edge,
                      const Job *job,
                      const char *destination,
                      const char *interface,
                      const char *member,
                      sd_bus_message **ret)
{
        char path[JOB_PATH_MAX];
        int r = sd_bus_message_new_signal(edge->bus,
                                          ret,
                                          job_bus_path(job, path),
                                          interface,
                                          member);

        return r < 0 ? r : sd_bus_message_set_destination(*ret, destination);
}

static int append_changed(const Telling *telling, sd_bus_message *m)
{
        int r = sd_bus_message_open_container(m, 'a', "{sv}");

        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(told); i++) {
                if (!(telling->changes & told[i].changes))
                        continue;
                r = sd_bus_message_open_container(m, 'e', "sv");
                if (r >= 0)
                        r = sd_bus_message_append(m, "s", told[i].name);
                if (r >= 0)
                        r = sd_bus_message_open_container(m, 'v', told[i].signature);
                if (r >= 0)
                        r = told[i].get(telling->edge->bus, "", "", "", m, telling->job, NULL);
                if (r >= 0)
                        r = sd_bus_message_close_container(m);
                if (r >= 0)
                        r = sd_bus_message_close_container(m);
        }
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static void send_changed(void *userdata, const char *destination)
{
        const Telling *telling = userdata;
        sd_bus_message *m = NULL;
        int r;

        r = new_signal(telling->edge,
                       telling->job,
                       destination,
                       "org.freedesktop.DBus.Properties",
                       "PropertiesChanged",
                       &m);
        if (r >= 0)
                r = sd_bus_message_append(m, "s", DOSVC_JOB_INTERFACE);
        if (r >= 0)
                r = append_changed(telling, m);
        if (r >= 0)
                r = sd_bus_message_append(m, "as", 0);
        if (r >= 0)
                r = sd_bus_send(NULL, m, NULL);
        sd_bus_message_unref(m);

        if (r >= 0 && telling->job->state != telling->previous) {
                m = NULL;
                r = new_signal(telling->edge,
                               telling->job,
                               destination,
                               DOSVC_JOB_INTERFACE,
                               "StateChanged",
                               &m);
                if (r >= 0)
                        r = sd_bus_message_append(m,
                                                  "ss",
                                                  job_state_to_string(telling->job->state),
                                                  job_state_to_string(telling->previous));
                if (r >= 0)
                        r = sd_bus_send(NULL, m, NULL);
                sd_bus_message_unref(m);
        }
        if (r < 0)
                log_errno(LOG_DEBUG, r, "A signal cannot be sent");
}

static void send_progress(void *userdata, const char *destination)
{
        const Telling *telling = userdata;

        job_bus_tell_progress(telling->edge, telling->job, destination);
}

void job_bus_tell_changed(BusEdge *edge, Job *job, unsigned changes, JobState previous)
{
        Telling telling = { edge, job, changes, previous };

        /* The last figures of a state come before the news that it is over. */
        if (job->state != previous && previous == JOB_TRANSFERRING)
                subscribers_each(edge->subscribers, job, true, send_progress, &telling);
        subscribers_each(edge->subscribers, job, false, send_changed, &telling);
}

void job_bus_tell_progress(BusEdge *edge, Job *job, const char *destination)
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

#define CONST  SD_BUS_VTABLE_PROPERTY_CONST
#define CHANGE SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE
#define UNPRIV SD_BUS_VTABLE_UNPRIVILEGED

/* clang-format off */
static const sd_bus_vtable job_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("AddFile",
                                SD_BUS_ARGS("s", remote_name, "s", local_name, "a{sv}", options),
                                SD_BUS_RESULT("o", file), method_add_file, UNPRIV),
        SD_BUS_METHOD_WITH_ARGS("AddFiles", SD_BUS_ARGS("a(ss)", files),
                                SD_BUS_RESULT("ao", paths), method_add_files, UNPRIV),
        SD_BUS_METHOD_WITH_ARGS("ListFiles", SD_BUS_NO_ARGS,
                                SD_BUS_RESULT("a(ossttb)", files), method_list_files, UNPRIV),
        SD_BUS_METHOD("Resume", NULL, NULL, method_resume, UNPRIV),
        SD_BUS_METHOD("Suspend", NULL, NULL, method_suspend, UNPRIV),
        SD_BUS_METHOD("Cancel", NULL, NULL, method_cancel, UNPRIV),
        SD_BUS_METHOD_WITH_ARGS("Complete", SD_BUS_NO_ARGS,
                                SD_BUS_RESULT("b", partial), method_complete, UNPRIV),
        SD_BUS_METHOD("TakeOwnership", NULL, NULL, method_take_ownership, UNPRIV),
        SD_BUS_METHOD_WITH_ARGS("SetCredentials",
                                SD_BUS_ARGS("s", target, "s", scheme, "a{sv}", credentials),
                                SD_BUS_NO_RESULT, method_set_credentials,
                                UNPRIV | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("RemoveCredentials", SD_BUS_ARGS("s", target, "s", scheme),
                                SD_BUS_RESULT("b", removed), method_remove_credentials, UNPRIV),
        SD_BUS_PROPERTY("Id", "s", property_id, 0, CONST),
        SD_BUS_PROPERTY("Owner", "u", property_owner, 0, CHANGE),
        SD_BUS_PROPERTY("Type", "s", property_type, 0, CONST),
        SD_BUS_PROPERTY("State", "s", property_state, 0, CHANGE),
        SD_BUS_PROPERTY("Status", "s", property_status, 0, 0),
        SD_BUS_PROPERTY("Error", "(usssso)", property_error, 0, CHANGE),
        SD_BUS_PROPERTY("ErrorCount", "u", property_error_count, 0, CHANGE),
        SD_BUS_PROPERTY("FilesTotal", "u", property_files_total, 0, CHANGE),
        SD_BUS_PROPERTY("FilesTransferred", "u", property_files_transferred, 0, CHANGE),
        SD_BUS_PROPERTY("BytesTotal", "t", property_bytes_total, 0, 0),
        SD_BUS_PROPERTY("BytesTransferred", "t", property_bytes_transferred, 0, 0),
        SD_BUS_PROPERTY("Rate", "t", property_rate, 0, 0),
        SD_BUS_PROPERTY("CreationTime", "t", property_creation_time, 0, CONST),
        SD_BUS_PROPERTY("ModificationTime", "t", property_modification_time, 0, 0),
        SD_BUS_PROPERTY("TransferCompletionTime", "t", property_transfer_completion_time, 0, CHANGE),
        SD_BUS_PROPERTY("NextAttemptTime", "t", property_next_attempt_time, 0, CHANGE),
        SD_BUS_WRITABLE_PROPERTY("DisplayName", "s", property_display_name, property_set, 0,
                                 CHANGE | UNPRIV),
        SD_BUS_WRITABLE_PROPERTY("Description", "s", property_description, property_set, 0,
                                 CHANGE | UNPRIV),
        SD_BUS_WRITABLE_PROPERTY("Priority", "s", property_priority, property_set, 0,
                                 CHANGE | UNPRIV),
        SD_BUS_WRITABLE_PROPERTY("ProxySettings", "(sasas)", property_proxy_settings,
                                 property_set, 0, CHANGE | UNPRIV),
        SD_BUS_SIGNAL_WITH_ARGS("StateChanged", SD_BUS_ARGS("s", state, "s", previous), 0),
        SD_BUS_SIGNAL_WITH_ARGS("Progress",
                                SD_BUS_ARGS("t", bytes_transferred, "t", bytes_total, "t", rate), 0),
        SD_BUS_VTABLE_END,
};

static const sd_bus_vtable file_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("RemoteName", "s", property_file_remote_name, 0, CONST),
        SD_BUS_PROPERTY("LocalName", "s", property_file_local_name, 0, CONST),
        SD_BUS_PROPERTY("BytesTotal", "t", property_file_bytes_total, 0, 0),
        SD_BUS_PROPERTY("BytesTransferred", "t", property_file_bytes_transferred, 0, 0),
        SD_BUS_PROPERTY("Completed", "b", property_file_completed, 0, 0),
        SD_BUS_PROPERTY("ResponseHeaders", "s", property_file_response_headers, 0, 0),
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
                                       find_job,
                                       edge);
        if (r >= 0)
                r = sd_bus_add_fallback_vtable(edge->bus,
                                               NULL,
                                               DOSVC_JOB_PREFIX,
                                               DOSVC_FILE_INTERFACE,
                                               file_vtable,
                                               find_file,
                                               edge);
        if (r >= 0)
                r = sd_bus_add_node_enumerator(edge->bus, NULL, DOSVC_JOB_PREFIX, enumerate, edge);
        return r < 0 ? r : 0;
}
