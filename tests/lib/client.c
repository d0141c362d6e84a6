#include "tests/lib/client.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dbus/dosvc-wire.h"

#include "base/fd.h"
#include "base/macro.h"

#include "tests/lib/process.h"

static char last_name[256], last_message[4096];

static const char *take_error(int r, sd_bus_error *error)
{
        if (r >= 0) {
                sd_bus_error_free(error);
                return NULL;
        }
        (void) snprintf(last_name, sizeof(last_name), "%s", error->name ? error->name : "none");
        (void) snprintf(last_message,
                        sizeof(last_message),
                        "%s",
                        error->message ? error->message : strerror(-r));
        sd_bus_error_free(error);
        return last_name;
}

/* Fails the test with what the daemon said. */
static void must(int r, sd_bus_error *error, const char *what)
{
        if (take_error(r, error))
                ck_abort_msg("%s: %s: %s", what, last_name, last_message);
}

const char *client_last_message(void)
{
        return last_message;
}

const char *client_try(sd_bus *bus,
                       const char *path,
                       const char *interface,
                       const char *member,
                       const char *types,
                       ...)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;
        va_list args;
        int r;

        va_start(args, types);
        r = sd_bus_call_methodv(bus,
                                DOSVC_BUS_NAME,
                                path,
                                interface,
                                member,
                                &error,
                                NULL,
                                types,
                                args);
        va_end(args);
        return take_error(r, &error);
}

char *client_create(sd_bus *bus, const char *name)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *reply = NULL;
        const char *path;
        char *job;
        int r;

        r = sd_bus_call_method(bus,
                               DOSVC_BUS_NAME,
                               DOSVC_MANAGER_PATH,
                               DOSVC_MANAGER_INTERFACE,
                               "CreateJob",
                               &error,
                               &reply,
                               "ssa{sv}",
                               name,
                               "download",
                               0);
        must(r, &error, "CreateJob");
        ck_assert_int_gt(sd_bus_message_read(reply, "o", &path), 0);
        job = strdup(path);
        sd_bus_message_unref(reply);
        return job;
}

const char *client_try_add_file(sd_bus *bus, const char *job, const char *remote, const char *local)
{
        return client_try(bus, job, DOSVC_JOB_INTERFACE, "AddFile", "ssa{sv}", remote, local, 0);
}

void client_add_file(sd_bus *bus, const char *job, const char *remote, const char *local)
{
        if (client_try_add_file(bus, job, remote, local))
                ck_abort_msg("AddFile: %s: %s", last_name, last_message);
}

const char *client_try_call(sd_bus *bus, const char *job, const char *member)
{
        return client_try(bus, job, DOSVC_JOB_INTERFACE, member, NULL);
}

void client_call(sd_bus *bus, const char *job, const char *member)
{
        if (client_try_call(bus, job, member))
                ck_abort_msg("%s: %s: %s", member, last_name, last_message);
}

/* A method without arguments that returns one boolean. */
static int read_boolean(sd_bus_message *reply)
{
        int value = -1;

        ck_assert_int_gt(sd_bus_message_read(reply, "b", &value), 0);
        sd_bus_message_unref(reply);
        return value;
}

int client_complete(sd_bus *bus, const char *job)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *reply = NULL;

        must(sd_bus_call_method(bus,
                                DOSVC_BUS_NAME,
                                job,
                                DOSVC_JOB_INTERFACE,
                                "Complete",
                                &error,
                                &reply,
                                NULL),
             &error,
             "Complete");
        return read_boolean(reply);
}

int client_remove_credentials(sd_bus *bus, const char *job, const char *target, const char *scheme)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *reply = NULL;

        must(sd_bus_call_method(bus,
                                DOSVC_BUS_NAME,
                                job,
                                DOSVC_JOB_INTERFACE,
                                "RemoveCredentials",
                                &error,
                                &reply,
                                "ss",
                                target,
                                scheme),
             &error,
             "RemoveCredentials");
        return read_boolean(reply);
}

const char *
client_try_set_text(sd_bus *bus, const char *job, const char *property, const char *value)
{
        return client_try(bus,
                          job,
                          "org.freedesktop.DBus.Properties",
                          "Set",
                          "ssv",
                          DOSVC_JOB_INTERFACE,
                          property,
                          "s",
                          value);
}

const char *client_try_set_list(sd_bus *bus,
                                const char *job,
                                const char *property,
                                const char *const list[static 4])
{
        unsigned n = 0;

        while (n < 4 && list[n])
                n++;
        return client_try(bus,
                          job,
                          "org.freedesktop.DBus.Properties",
                          "Set",
                          "ssv",
                          DOSVC_JOB_INTERFACE,
                          property,
                          "as",
                          n,
                          list[0],
                          list[1],
                          list[2],
                          list[3]);
}

void client_set_text(sd_bus *bus, const char *job, const char *property, const char *value)
{
        ck_assert_pstr_eq(client_try_set_text(bus, job, property, value), NULL);
}

void client_set_list(sd_bus *bus,
                     const char *job,
                     const char *property,
                     const char *const list[static 4])
{
        ck_assert_pstr_eq(client_try_set_list(bus, job, property, list), NULL);
}

void client_set_proxy(sd_bus *bus, const char *job, const char *proxy)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;

        must(sd_bus_set_property(bus,
                                 DOSVC_BUS_NAME,
                                 job,
                                 DOSVC_JOB_INTERFACE,
                                 "ProxySettings",
                                 &error,
                                 "(sasas)",
                                 "override",
                                 1,
                                 proxy,
                                 0),
             &error,
             "ProxySettings");
}

static int append_key(sd_bus_message *call, const char *key, const char *value)
{
        return value ? sd_bus_message_append(call, "{sv}", key, "s", value) : 0;
}

const char *client_try_credential(sd_bus *bus,
                                  const char *job,
                                  const char *target,
                                  const char *scheme,
                                  const ClientCredential *credential)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *call = NULL;
        int r;

        r = sd_bus_message_new_method_call(bus,
                                           &call,
                                           DOSVC_BUS_NAME,
                                           job,
                                           DOSVC_JOB_INTERFACE,
                                           "SetCredentials");
        if (r >= 0)
                r = sd_bus_message_append(call, "ss", target, scheme);
        if (r >= 0)
                r = sd_bus_message_open_container(call, 'a', "{sv}");
        if (r >= 0)
                r = append_key(call, "user-name", credential->user_name);
        if (r >= 0)
                r = append_key(call, "password", credential->password);
        if (r >= 0)
                r = append_key(call, "token", credential->token);
        if (r >= 0 && credential->unknown)
                r = append_key(call, credential->unknown, "value");
        if (r >= 0 && credential->password_fd > 0)
                r = sd_bus_message_append(call,
                                          "{sv}",
                                          strcmp(scheme, "bearer") == 0 ? "token-fd"
                                                                        : "password-fd",
                                          "h",
                                          credential->password_fd);
        if (r >= 0)
                r = sd_bus_message_close_container(call);
        ck_assert_msg(r >= 0, "building SetCredentials: %s", strerror(-r));
        r = sd_bus_call(bus, call, 0, &error, NULL);
        sd_bus_message_unref(call);
        return take_error(r, &error);
}

void client_set_password(sd_bus *bus,
                         const char *job,
                         const char *target,
                         const char *scheme,
                         const char *user,
                         const char *password)
{
        _cleanup_close_ int fd = fd_new_sealed("password", password, strlen(password));
        ClientCredential credential = { .user_name = user, .password_fd = fd };

        ck_assert_int_gt(fd, 0);
        if (client_try_credential(bus, job, target, scheme, &credential))
                ck_abort_msg("SetCredentials: %s: %s", last_name, last_message);
}

const char *
client_string(sd_bus *bus, const char *path, const char *interface, const char *property)
{
        static char *value;
        sd_bus_error error = SD_BUS_ERROR_NULL;

        free(STEAL_PTR(value));
        must(sd_bus_get_property_string(bus,
                                        DOSVC_BUS_NAME,
                                        path,
                                        interface,
                                        property,
                                        &error,
                                        &value),
             &error,
             property);
        return value;
}

uint64_t
client_number(sd_bus *bus, const char *path, const char *interface, const char *property, char type)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;
        union {
                uint64_t t;
                uint32_t u;
                int b;
        } value = { .t = 0 };

        must(sd_bus_get_property_trivial(bus,
                                         DOSVC_BUS_NAME,
                                         path,
                                         interface,
                                         property,
                                         &error,
                                         type,
                                         &value),
             &error,
             property);
        return type == 't' ? value.t : type == 'u' ? value.u : (uint64_t) value.b;
}

const char *client_state(sd_bus *bus, const char *job)
{
        return client_string(bus, job, DOSVC_JOB_INTERFACE, "State");
}

/* States that nothing but a client's call changes. */
static int is_resting(const char *state)
{
        return strcmp(state, "error") == 0 || strcmp(state, "suspended") == 0 ||
               strcmp(state, "transferred") == 0;
}

static void copy_string(char *buffer, size_t size, const char *s)
{
        (void) snprintf(buffer, size, "%s", s);
}

ClientError client_error(sd_bus *bus, const char *job)
{
        const char *name, *context, *description, *url, *file;
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *reply = NULL;
        ClientError e = { .code = 0 };

        must(sd_bus_get_property(bus,
                                 DOSVC_BUS_NAME,
                                 job,
                                 DOSVC_JOB_INTERFACE,
                                 "Error",
                                 &error,
                                 &reply,
                                 "(usssso)"),
             &error,
             "Error");
        ck_assert_int_gt(sd_bus_message_read(reply,
                                             "(usssso)",
                                             &e.code,
                                             &name,
                                             &context,
                                             &description,
                                             &url,
                                             &file),
                         0);
        copy_string(e.name, sizeof(e.name), name);
        copy_string(e.context, sizeof(e.context), context);
        copy_string(e.description, sizeof(e.description), description);
        copy_string(e.url, sizeof(e.url), url);
        copy_string(e.file, sizeof(e.file), file);
        sd_bus_message_unref(reply);
        return e;
}

static _noreturn_ void fail_stuck(sd_bus *bus, const char *job, const char *wanted)
{
        ClientError e = client_error(bus, job);

        ck_abort_msg("waited for %s, the job is %s: %s (%s): %s",
                     wanted,
                     client_state(bus, job),
                     e.name,
                     e.context,
                     e.description);
}

void client_wait_state(sd_bus *bus, const char *job, const char *state, unsigned timeout_msec)
{
        uint64_t deadline = process_now_msec() + timeout_msec;

        for (;;) {
                const char *now = client_state(bus, job);

                if (strcmp(now, state) == 0)
                        return;
                if (is_resting(now) || process_now_msec() > deadline)
                        fail_stuck(bus, job, state);
                process_nap_msec(20);
        }
}

void client_wait_bytes(sd_bus *bus, const char *job, uint64_t bytes, unsigned timeout_msec)
{
        uint64_t deadline = process_now_msec() + timeout_msec;

        while (client_number(bus, job, DOSVC_JOB_INTERFACE, "BytesTransferred", 't') < bytes) {
                if (is_resting(client_state(bus, job)) || process_now_msec() > deadline)
                        fail_stuck(bus, job, "bytes");
                process_nap_msec(20);
        }
}

void client_fetch(sd_bus *bus, const char *job, unsigned timeout_msec)
{
        client_call(bus, job, "Resume");
        client_wait_state(bus, job, "transferred", timeout_msec);
        ck_assert_int_eq(client_complete(bus, job), 0);
}

char *client_create_for(sd_bus *bus, const char *remote, const char *local)
{
        char *job = client_create(bus, "test");

        client_add_file(bus, job, remote, local);
        return job;
}

sd_bus_message *client_list_jobs(sd_bus *bus, const char *option)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *m = NULL, *reply = NULL;
        int r;

        ck_assert_int_ge(sd_bus_message_new_method_call(bus,
                                                        &m,
                                                        DOSVC_BUS_NAME,
                                                        DOSVC_MANAGER_PATH,
                                                        DOSVC_MANAGER_INTERFACE,
                                                        "ListJobs"),
                         0);
        r = option ? sd_bus_message_append(m, "a{sv}", 1, option, "b", 1)
                   : sd_bus_message_append(m, "a{sv}", 0);
        ck_assert_int_ge(r, 0);
        r = sd_bus_call(bus, m, 0, &error, &reply);
        ck_assert_msg(r >= 0, "ListJobs: %s: %s", error.name, error.message);
        sd_bus_message_unref(m);
        ck_assert_int_gt(sd_bus_message_enter_container(reply, 'a', "(oussstt)"), 0);
        return reply;
}
