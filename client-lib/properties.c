/*
 * The properties of the service's objects: read one or all, and written by name. The type that a
 * written number must have on the bus is the one that the service itself gives it.
 */
#include <stdio.h>
#include <string.h>

#include "internal.h"

#define PROPERTIES "org.freedesktop.DBus.Properties"

int properties_get_all(dosvc_connection *c,
                       const char *path,
                       const char *interface,
                       dosvc_values **ret)
{
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;
        int r;

        r = call_new(c, path, PROPERTIES, "GetAll", &m);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "s", interface);
        if (r < 0)
                return error_remember_text(c, r, NULL);
        r = call_send(c, m, &reply);
        if (r < 0)
                return r;
        r = values_read(reply, ret);
        return r < 0 ? error_remember_text(c, r, NULL) : 0;
}

int properties_get(dosvc_connection *c,
                   const char *path,
                   const char *interface,
                   const char *property,
                   sd_bus_message **ret)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        int r;

        r = call_new(c, path, PROPERTIES, "Get", &m);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "ss", interface, property);
        if (r < 0)
                return error_remember_text(c, r, NULL);
        return call_send(c, m, ret);
}

int properties_get_string(dosvc_connection *c,
                          const char *path,
                          const char *interface,
                          const char *property,
                          char **ret)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        const char *value;
        char *copy;
        int r;

        r = properties_get(c, path, interface, property, &reply);
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

EXPORT int dosvc_job_get_property(dosvc_connection *connection,
                                  const char *job,
                                  const char *property,
                                  dosvc_values **ret)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        char path[JOB_PATH_SIZE];
        int r;

        r = job_path(connection, job, path);
        if (r >= 0)
                r = properties_get(connection, path, DOSVC_JOB_INTERFACE, property, &reply);
        if (r < 0)
                return r;
        r = values_read_variant(reply, property, ret);
        return r < 0 ? error_remember_text(connection, r, NULL) : 0;
}

int properties_new_set(dosvc_connection *c,
                       const char *job,
                       const char *property,
                       sd_bus_message **ret)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        char path[JOB_PATH_SIZE];
        int r;

        r = job_path(c, job, path);
        if (r >= 0)
                r = call_new(c, path, PROPERTIES, "Set", &m);
        if (r < 0)
                return r;
        /* A value may be secret, as CustomHeaders are. */
        r = sd_bus_message_sensitive(m);
        if (r >= 0)
                r = sd_bus_message_append(m, "ss", DOSVC_JOB_INTERFACE, property);
        if (r < 0)
                return error_remember_text(c, r, NULL);
        *ret = STEAL_PTR(m);
        return 0;
}

/* Sends what properties_new_set() made, unless its value could not be appended. */
static int properties_set(dosvc_connection *c, sd_bus_message *m, int r)
{
        if (r == -EINVAL)
                return error_remember_text(c, r, "The text is not valid UTF-8.");
        return r < 0 ? error_remember_text(c, r, NULL) : call_send(c, m, NULL);
}

EXPORT int dosvc_job_set_string(dosvc_connection *connection,
                                const char *job,
                                const char *property,
                                const char *value)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        int r = properties_new_set(connection, job, property, &m);

        return r < 0 ? r : properties_set(connection, m, sd_bus_message_append(m, "v", "s", value));
}

EXPORT int dosvc_job_set_strings(dosvc_connection *connection,
                                 const char *job,
                                 const char *property,
                                 const char *const *strings)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        int r = properties_new_set(connection, job, property, &m);

        if (r < 0)
                return r;
        r = sd_bus_message_open_container(m, 'v', "as");
        if (r >= 0)
                r = string_list_append(m, strings);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return properties_set(connection, m, r);
}

EXPORT int dosvc_job_set_boolean(dosvc_connection *connection,
                                 const char *job,
                                 const char *property,
                                 int boolean)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        int r = properties_new_set(connection, job, property, &m);

        return r < 0 ? r
                     : properties_set(connection,
                                      m,
                                      sd_bus_message_append(m, "v", "b", boolean != 0));
}

/* 'u' or 't', whichever the property has. */
static int
properties_number_type(dosvc_connection *c, const char *job, const char *property, char *ret)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        char path[JOB_PATH_SIZE];
        const char *contents;
        int r;

        r = job_path(c, job, path);
        if (r >= 0)
                r = properties_get(c, path, DOSVC_JOB_INTERFACE, property, &reply);
        if (r < 0)
                return r;
        r = sd_bus_message_peek_type(reply, NULL, &contents);
        if (r < 0)
                return error_remember_text(c, r, NULL);
        if (strcmp(contents, "u") != 0 && strcmp(contents, "t") != 0)
                return error_remember_text(c, -EINVAL, "The property is not a number.");
        *ret = contents[0];
        return 0;
}

EXPORT int dosvc_job_set_number(dosvc_connection *connection,
                                const char *job,
                                const char *property,
                                uint64_t number)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        char type = 0;
        int r;

        r = properties_number_type(connection, job, property, &type);
        if (r < 0)
                return r;
        if (type == 'u' && number > UINT32_MAX)
                return error_remember_text(connection,
                                           -EINVAL,
                                           "The number is larger than the property can be.");
        r = properties_new_set(connection, job, property, &m);
        if (r < 0)
                return r;
        r = type == 'u' ? sd_bus_message_append(m, "v", "u", (uint32_t) number)
                        : sd_bus_message_append(m, "v", "t", number);
        return properties_set(connection, m, r);
}

static int settings_introspect(dosvc_connection *c, const char *path, sd_bus_message **ret)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        int r;

        r = call_new(c, path, "org.freedesktop.DBus.Introspectable", "Introspect", &m);
        return r < 0 ? r : call_send(c, m, ret);
}

/* Moves the properties that the introspection calls writable, in its order. */
static int settings_pick(const char *introspection, dosvc_values *all, dosvc_values *settings)
{
        Introspection in = { .at = introspection };
        char name[NAME_SIZE];
        int r = 0;

        while (r >= 0 && introspection_next_writable(&in, DOSVC_JOB_INTERFACE, name)) {
                r = values_move(all, name, settings);
                if (r == -ENOENT) /* GetAll leaves it out, as CustomHeaders */
                        r = 0;
        }
        return r;
}

EXPORT int dosvc_job_get_settings(dosvc_connection *connection, const char *job, dosvc_values **ret)
{
        _cleanup_values_ dosvc_values *all = NULL, *settings = dosvc_values_new();
        _cleanup_message_ sd_bus_message *reply = NULL;
        char path[JOB_PATH_SIZE];
        const char *text;
        int r;

        if (!settings)
                return error_remember_text(connection, -ENOMEM, NULL);
        r = job_path(connection, job, path);
        if (r >= 0)
                r = properties_get_all(connection, path, DOSVC_JOB_INTERFACE, &all);
        if (r >= 0)
                r = settings_introspect(connection, path, &reply);
        if (r < 0)
                return r;
        r = sd_bus_message_read(reply, "s", &text);
        if (r >= 0)
                r = settings_pick(text, all, settings);
        if (r < 0)
                return error_remember_text(connection, r, NULL);
        *ret = STEAL_PTR(settings);
        return 0;
}
