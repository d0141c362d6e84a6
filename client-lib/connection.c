/*
 * The connection to the bus, and calls over it. Everything else in the library makes its
 * messages with call_new() and sends them with call_send().
 */
#include <stdio.h>
#include <string.h>

#include "internal.h"

#define TEXT_OF(number)       #number
#define VERSION_TEXT(a, b, c) TEXT_OF(a) "." TEXT_OF(b) "." TEXT_OF(c)

EXPORT const char *dosvc_version(void)
{
        return VERSION_TEXT(DOSVC_VERSION_MAJOR, DOSVC_VERSION_MINOR, DOSVC_VERSION_PATCH);
}

EXPORT int dosvc_open(unsigned int flags, dosvc_connection **ret)
{
        dosvc_connection *c;
        int r;

        *ret = NULL;
        if (flags & ~(DOSVC_OPEN_USER | DOSVC_OPEN_NO_START))
                return error_remember_open(-EINVAL);
        r = error_register();
        if (r < 0)
                return error_remember_open(r);
        c = calloc(1, sizeof(*c));
        if (!c)
                return error_remember_open(-ENOMEM);
        c->no_start = flags & DOSVC_OPEN_NO_START;
        r = flags & DOSVC_OPEN_USER ? sd_bus_open_user(&c->bus) : sd_bus_open_system(&c->bus);
        if (r < 0) {
                (void) dosvc_close(c);
                return error_remember_open(r);
        }
        *ret = c;
        return 0;
}

EXPORT dosvc_connection *dosvc_close(dosvc_connection *connection)
{
        if (!connection)
                return NULL;
        sd_bus_slot_unref(connection->resubscribe);
        sd_bus_slot_unref(connection->owner_match);
        sd_bus_slot_unref(connection->filter);
        sd_bus_flush_close_unref(connection->bus);
        free(connection->service);
        free(connection->error_name);
        free(connection->error_message);
        free(connection);
        return NULL;
}

EXPORT void dosvc_set_timeout(dosvc_connection *connection, uint64_t timeout_usec)
{
        if (connection)
                connection->timeout_usec = timeout_usec;
}

bool job_id_is_valid(const char *job)
{
        return job && strlen(job) == DOSVC_ID_SIZE - 1 &&
               strspn(job, "0123456789abcdef") == DOSVC_ID_SIZE - 1;
}

int job_path(dosvc_connection *c, const char *job, char path[static JOB_PATH_SIZE])
{
        if (!job_id_is_valid(job))
                return error_remember_text(c,
                                           -EINVAL,
                                           "The id of a job is 32 lower-case hex digits.");
        (void) snprintf(path, JOB_PATH_SIZE, "%s/%s", DOSVC_JOB_PREFIX, job);
        return 0;
}

bool job_id_from_path(const char *path, char id[static DOSVC_ID_SIZE])
{
        const size_t prefix = strlen(DOSVC_JOB_PREFIX "/"), digits = DOSVC_ID_SIZE - 1;

        if (strncmp(path, DOSVC_JOB_PREFIX "/", prefix) != 0 || strlen(path + prefix) < digits)
                return false;
        if (path[prefix + digits] != '\0' && path[prefix + digits] != '/')
                return false;
        memcpy(id, path + prefix, digits);
        id[digits] = '\0';
        return job_id_is_valid(id);
}

int file_index_from_path(const char *path, uint32_t *ret)
{
        const char *slash = strrchr(path, '/');
        char id[DOSVC_ID_SIZE];
        size_t digits;

        if (!slash || !job_id_from_path(path, id))
                return -EBADMSG;
        digits = strspn(slash + 1, "0123456789");
        if (digits == 0 || digits > 9 || slash[1 + digits] != '\0')
                return -EBADMSG;
        *ret = (uint32_t) strtoul(slash + 1, NULL, 10);
        return 0;
}

int call_new(dosvc_connection *c,
             const char *path,
             const char *interface,
             const char *member,
             sd_bus_message **ret)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        int r;

        if (!c)
                return -EINVAL;
        r = sd_bus_message_new_method_call(c->bus, &m, DOSVC_BUS_NAME, path, interface, member);
        if (r >= 0 && c->no_start)
                r = sd_bus_message_set_auto_start(m, false);
        if (r < 0)
                return error_remember_text(c, r, NULL);
        *ret = STEAL_PTR(m);
        return 0;
}

int call_new_job(dosvc_connection *c, const char *job, const char *member, sd_bus_message **ret)
{
        char path[JOB_PATH_SIZE];
        int r;

        r = job_path(c, job, path);
        if (r < 0)
                return r;
        return call_new(c, path, DOSVC_JOB_INTERFACE, member, ret);
}

int call_new_get_all(dosvc_connection *c,
                     const char *path,
                     const char *interface,
                     sd_bus_message **ret)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        int r;

        r = call_new(c, path, "org.freedesktop.DBus.Properties", "GetAll", &m);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "s", interface);
        if (r < 0)
                return error_remember_text(c, r, NULL);
        *ret = STEAL_PTR(m);
        return 0;
}

int call_send_timeout(dosvc_connection *c,
                      sd_bus_message *m,
                      uint64_t timeout_usec,
                      sd_bus_message **ret_reply)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        r = sd_bus_call(c->bus, m, timeout_usec, &error, ret_reply);
        return r < 0 ? error_remember(c, r, &error) : 0;
}

int call_send(dosvc_connection *c, sd_bus_message *m, sd_bus_message **ret_reply)
{
        return call_send_timeout(c, m, c->timeout_usec, ret_reply);
}

int call_get_string(dosvc_connection *c,
                    const char *path,
                    const char *interface,
                    const char *property,
                    char **ret)
{
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;
        const char *value;
        char *copy;
        int r;

        r = call_new(c, path, "org.freedesktop.DBus.Properties", "Get", &m);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "ss", interface, property);
        if (r < 0)
                return error_remember_text(c, r, NULL);
        r = call_send(c, m, &reply);
        if (r < 0)
                return r;
        r = sd_bus_message_read(reply, "v", "s", &value);
        if (r < 0)
                return error_remember_text(c, r, NULL);
        copy = strdup(value);
        if (!copy)
                return error_remember_text(c, -ENOMEM, NULL);
        *ret = copy;
        return 0;
}
