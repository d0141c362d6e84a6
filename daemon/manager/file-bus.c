#include "manager/file-bus.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/dosvc-wire.h"

#include "base/log.h"
#include "base/str.h"

#include "manager/bus-error.h"
#include "manager/job-paths.h"
#include "model/limits.h"

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
        r = bus_edge_find_caller(edge, m, &caller, error);
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

int file_bus_add_file(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        BusEdge *edge = bus_edge_of(m);
        Job *job = userdata;
        sd_bus_message *reply = NULL;
        const char *remote, *local, *key;
        char path[JOB_PATH_MAX];
        uint32_t first = 0;
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
                r = sd_bus_message_append(reply, "o", job_path_of_file(job, first, path));
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
                r = sd_bus_message_append(reply,
                                          "o",
                                          job_path_of_file(job, first + (uint32_t) i, path));
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        if (r < 0) {
                sd_bus_message_unref(reply);
                return r;
        }
        return bus_reply_saved(edge, m, reply);
}

int file_bus_add_files(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        BusEdge *edge = bus_edge_of(m);
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

int file_bus_list_files(sd_bus_message *m, void *userdata, sd_bus_error *error)
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
                                          job_path_of_file(job, i, path),
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

#define PROPERTY(name)                                                                             \
        static int property_##name(sd_bus *bus,                                                    \
                                   const char *path,                                               \
                                   const char *interface,                                          \
                                   const char *property,                                           \
                                   sd_bus_message *reply,                                          \
                                   void *userdata,                                                 \
                                   sd_bus_error *error)

PROPERTY(remote_name)
{
        return sd_bus_message_append(reply, "s", ((const JobFile *) userdata)->record.remote_name);
}

PROPERTY(local_name)
{
        return sd_bus_message_append(reply, "s", ((const JobFile *) userdata)->record.local_name);
}

PROPERTY(bytes_total)
{
        return sd_bus_message_append(reply, "t", ((const JobFile *) userdata)->live_total);
}

PROPERTY(bytes_transferred)
{
        return sd_bus_message_append(reply, "t", ((const JobFile *) userdata)->live_bytes);
}

PROPERTY(completed)
{
        return sd_bus_message_append(reply,
                                     "b",
                                     (int) ((const JobFile *) userdata)->record.finished);
}

PROPERTY(response_headers)
{
        return sd_bus_message_append(reply, "s", ((const JobFile *) userdata)->record.headers);
}

/* clang-format off */
static const sd_bus_vtable file_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("RemoteName", "s", property_remote_name, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("LocalName", "s", property_local_name, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("BytesTotal", "t", property_bytes_total, 0, 0),
        SD_BUS_PROPERTY("BytesTransferred", "t", property_bytes_transferred, 0, 0),
        SD_BUS_PROPERTY("Completed", "b", property_completed, 0, 0),
        SD_BUS_PROPERTY("ResponseHeaders", "s", property_response_headers, 0, 0),
        SD_BUS_VTABLE_END,
};
/* clang-format on */

int file_bus_register(BusEdge *edge)
{
        int r = sd_bus_add_fallback_vtable(edge->bus,
                                           NULL,
                                           DOSVC_JOB_PREFIX,
                                           DOSVC_FILE_INTERFACE,
                                           file_vtable,
                                           job_path_find_file,
                                           edge);

        return r < 0 ? r : 0;
}
