/*
 * Errors of the bus as errnos and text: the map of dbus/dosvc-wire.h, and what D-Bus itself
 * says about objects and services that are not there.
 */
#include <stdio.h>
#include <string.h>

#include "internal.h"

#define ERROR_MAP_ENTRY(name, number, original) SD_BUS_ERROR_MAP(name, number),

static const sd_bus_error_map error_map[] = { DOSVC_ERRORS(ERROR_MAP_ENTRY) SD_BUS_ERROR_MAP_END };

int error_register(void)
{
        return sd_bus_error_add_map(error_map);
}

/* The service's name has no owner, and it could not be started. */
static bool error_is_unreachable(const char *name)
{
        static const char *const prefixes[] = {
                SD_BUS_ERROR_SERVICE_UNKNOWN,
                SD_BUS_ERROR_NAME_HAS_NO_OWNER,
                "org.freedesktop.DBus.Error.Spawn.",
                "org.freedesktop.systemd1.",
        };

        for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
                if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
                        return true;
        return false;
}

static int error_to_errno(const sd_bus_error *error)
{
        int r;

        if (sd_bus_error_has_name(error, SD_BUS_ERROR_UNKNOWN_OBJECT))
                return -ENOENT;
        if (error_is_unreachable(error->name))
                return -EHOSTUNREACH;
        r = sd_bus_error_get_errno(error);
        return r > 0 ? -r : -EIO;
}

/* The error of the last dosvc_open() of this thread that failed, which left no connection to keep
 * it in. */
static _Thread_local int error_of_open;

int error_remember_open(int r)
{
        error_of_open = r;
        return r;
}

int error_remember_text(dosvc_connection *c, int r, const char *text)
{
        if (!c)
                return r;
        free(c->error_name);
        free(c->error_message);
        c->error_name = NULL;
        c->error_message = strdup(text ? text : strerror(-r));
        return r;
}

int error_remember(dosvc_connection *c, int r, const sd_bus_error *error)
{
        if (!sd_bus_error_is_set(error))
                return error_remember_text(c, r, NULL);
        r = error_remember_text(c, error_to_errno(error), error->message);
        /* Errors that sd-bus makes of an errno of its own are no answer of the service. */
        if (strncmp(error->name, "System.Error.", strlen("System.Error.")) != 0)
                c->error_name = strdup(error->name);
        return r;
}

static const char *error_text_of_open(void)
{
        if (error_of_open == 0)
                return "There is no connection";
        if (error_of_open == -ENOMEDIUM)
                return "There is no session here: neither DBUS_SESSION_BUS_ADDRESS nor "
                       "XDG_RUNTIME_DIR is set";
        return strerror(-error_of_open);
}

HeldError error_hold(dosvc_connection *c)
{
        HeldError held = { c->error_name, c->error_message };

        c->error_name = NULL;
        c->error_message = NULL;
        return held;
}

void error_put_back(dosvc_connection *c, HeldError held)
{
        free(c->error_name);
        free(c->error_message);
        c->error_name = held.name;
        c->error_message = held.message;
}

EXPORT const char *dosvc_last_error_name(const dosvc_connection *connection)
{
        return connection && connection->error_name ? connection->error_name : "";
}

EXPORT const char *dosvc_last_error_message(const dosvc_connection *connection)
{
        if (!connection)
                return error_text_of_open();
        return connection->error_message ? connection->error_message : "";
}
