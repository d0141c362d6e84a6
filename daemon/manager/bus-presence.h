/*
 * The service on its bus: the connection, and the name org.dosvc1 on it. A connection that is lost
 * is made anew, and the name taken again; jobs and workers go on meanwhile, since they need no
 * bus. Clients learn of it by NameOwnerChanged, as they learn of a restart of the service.
 */
#pragma once

#include <stdbool.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "base/macro.h"

#include "manager/manager.h"

typedef struct Presence Presence;

/*
 * Called from the loop. 0: the name is the service's own; -ENOTCONN: the connection is lost and
 * will be made anew; -EEXIST: another process has the name; -EACCES: the bus refuses it.
 */
typedef void (*presence_changed_t)(void *userdata, int result);

typedef struct PresenceParts {
        sd_event *event; /* borrowed, as all of these */
        Manager *manager;
        int (*open)(sd_bus **ret); /* sd_bus_open_system() or sd_bus_open_user() */
        presence_changed_t changed;
        void *userdata;
} PresenceParts;

/* Connects, and asks for the name. Errors of sd-bus: there is no such bus now. */
int presence_new(const PresenceParts *parts, Presence **ret);
Presence *presence_free(Presence *presence);
DEFINE_CLEANUP(Presence *, presence_free);

/* Asks for the name again after presence_release_name(). Errors of sd-bus; -ENOTCONN. */
int presence_request_name(Presence *presence);
/*
 * Gives the name back: calls from now on start a new process. released is called when those sent
 * before are all handled, so that the service may exit, or ask for the name again.
 */
int presence_release_name(Presence *presence, void (*released)(void *userdata));

/* False while a lost connection is being made anew: nobody can call. */
bool presence_is_connected(const Presence *presence);
/* Nobody listens for signals or waits for an answer. */
bool presence_is_idle(const Presence *presence);
