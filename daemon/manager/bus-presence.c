#include "manager/bus-presence.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/dosvc-wire.h"

#include "base/clock.h"
#include "base/log.h"

#include "manager/bus-error.h"
#include "manager/manager-bus.h"
#include "manager/users.h"

/* From one attempt to connect to the next, doubled each time up to the second. */
#define RETRY_FIRST_USEC (100 * USEC_PER_MSEC)
#define RETRY_LAST_USEC  (5 * USEC_PER_SEC)

struct Presence {
        PresenceParts parts;
        Users *users;
        sd_bus *bus; /* NULL: there is no connection */
        ManagerBus *objects;
        sd_bus_slot *disconnected;
        sd_bus_slot *name_lost;
        sd_event_source *retry; /* connects anew */
        uint64_t retry_usec;
        bool lost; /* the connection is gone, and retry clears it away */
        void (*released)(void *userdata);
        bool releasing; /* NameLost is our own doing then */
};

static void changed(Presence *presence, int result)
{
        presence->parts.changed(presence->parts.userdata, result);
}

/* ---- the name -------------------------------------------------------------------------------- */

static int on_name_lost(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Presence *presence = userdata;
        const char *name;

        if (!presence->releasing && sd_bus_message_read(m, "s", &name) >= 0 &&
            strcmp(name, DOSVC_BUS_NAME) == 0)
                changed(presence, -EEXIST);
        return 0;
}

static int on_name(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Presence *presence = userdata;
        uint32_t result;

        if (sd_bus_message_is_method_error(m, SD_BUS_ERROR_NO_REPLY))
                return 0; /* sd-bus' own: the connection is lost, which on_disconnected() is told */
        if (sd_bus_message_is_method_error(m, NULL) || sd_bus_message_read(m, "u", &result) < 0) {
                changed(presence, -EACCES);
        } else if (result != 1 && result != 4) { /* primary owner, already owner */
                changed(presence, -EEXIST);
        } else {
                presence->retry_usec = RETRY_FIRST_USEC;
                changed(presence, 0);
        }
        return 0;
}

int presence_request_name(Presence *presence)
{
        if (!presence_is_connected(presence))
                return -ENOTCONN;
        return sd_bus_request_name_async(presence->bus, NULL, DOSVC_BUS_NAME, 0, on_name, presence);
}

static int on_released(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Presence *presence = userdata;

        presence->releasing = false;
        if (!sd_bus_message_is_method_error(m, SD_BUS_ERROR_NO_REPLY))
                presence->released(presence->parts.userdata);
        return 0;
}

int presence_release_name(Presence *presence, void (*released)(void *userdata))
{
        int r;

        if (!presence_is_connected(presence))
                return -ENOTCONN;
        presence->released = released;
        r = sd_bus_release_name_async(presence->bus, NULL, DOSVC_BUS_NAME, on_released, presence);
        presence->releasing = r >= 0;
        return r;
}

/* ---- the connection -------------------------------------------------------------------------- */

static void arm_retry(Presence *presence, uint64_t delay_usec)
{
        (void) sd_event_source_set_time_relative(presence->retry, delay_usec);
        (void) sd_event_source_set_enabled(presence->retry, SD_EVENT_ONESHOT);
}

/* Called by the connection itself, which is cleared away once it has returned. */
static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Presence *presence = userdata;

        if (presence->lost)
                return 0;
        presence->lost = true;
        presence->releasing = false;
        arm_retry(presence, presence->retry_usec);
        changed(presence, -ENOTCONN);
        return 0;
}

static void disconnect(Presence *presence)
{
        presence->disconnected = sd_bus_slot_unref(presence->disconnected);
        presence->name_lost = sd_bus_slot_unref(presence->name_lost);
        presence->objects = manager_bus_free(presence->objects);
        presence->bus = sd_bus_close_unref(presence->bus);
        presence->lost = false;
}

static int watch(Presence *presence)
{
        int r;

        r = sd_bus_match_signal_async(presence->bus,
                                      &presence->disconnected,
                                      "org.freedesktop.DBus.Local",
                                      "/org/freedesktop/DBus/Local",
                                      "org.freedesktop.DBus.Local",
                                      "Disconnected",
                                      on_disconnected,
                                      NULL,
                                      presence);
        if (r >= 0)
                r = sd_bus_match_signal_async(presence->bus,
                                              &presence->name_lost,
                                              "org.freedesktop.DBus",
                                              "/org/freedesktop/DBus",
                                              "org.freedesktop.DBus",
                                              "NameLost",
                                              on_name_lost,
                                              NULL,
                                              presence);
        return r;
}

static int connect_bus(Presence *presence)
{
        int r;

        r = presence->parts.open(&presence->bus);
        if (r >= 0)
                r = manager_bus_new(presence->bus,
                                    presence->parts.event,
                                    presence->parts.manager,
                                    presence->users,
                                    &presence->objects);
        if (r >= 0)
                r = watch(presence);
        if (r >= 0)
                r = presence_request_name(presence);
        if (r < 0)
                disconnect(presence);
        return r;
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
        Presence *presence = userdata;
        int r;

        if (presence->retry_usec * 2 <= RETRY_LAST_USEC)
                presence->retry_usec *= 2;
        disconnect(presence);
        r = connect_bus(presence);
        if (r < 0) {
                log_errno(LOG_DEBUG, r, "The bus cannot be reached yet");
                arm_retry(presence, presence->retry_usec);
        }
        return 0;
}

bool presence_is_connected(const Presence *presence)
{
        return presence->bus && !presence->lost;
}

bool presence_is_idle(const Presence *presence)
{
        return !presence_is_connected(presence) || manager_bus_is_idle(presence->objects);
}

int presence_new(const PresenceParts *parts, Presence **ret)
{
        _cleanup_(presence_freep) Presence *presence = calloc(1, sizeof(*presence));
        int r;

        if (!presence)
                return -ENOMEM;
        presence->parts = *parts;
        presence->retry_usec = RETRY_FIRST_USEC;
        r = bus_error_register();
        if (r >= 0)
                r = users_new(parts->event, &clock_system, &presence->users);
        if (r >= 0)
                r = sd_event_add_time(parts->event,
                                      &presence->retry,
                                      CLOCK_BOOTTIME,
                                      0,
                                      0,
                                      on_retry,
                                      presence);
        if (r >= 0)
                r = sd_event_source_set_enabled(presence->retry, SD_EVENT_OFF);
        if (r >= 0)
                r = connect_bus(presence);
        if (r < 0)
                return r;
        *ret = STEAL_PTR(presence);
        return 0;
}

Presence *presence_free(Presence *presence)
{
        if (!presence)
                return NULL;
        disconnect(presence);
        users_free(presence->users);
        sd_event_source_disable_unref(presence->retry);
        free(presence);
        return NULL;
}
