/*
 * The object /org/dosvc1, in the order of dbus/org.dosvc1.Manager.xml, and the service's presence
 * on the bus: objects, callers, subscribers, the name.
 */
#pragma once

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "base/macro.h"

#include "manager/manager.h"

typedef struct ManagerBus ManagerBus;

/*
 * Called when the service's name is its own (0), and when it is not: -EEXIST another process has
 * it, -EACCES the bus refuses it, -ENOTCONN the bus is gone.
 */
typedef void (*manager_bus_presence_t)(void *userdata, int result);

/* bus: open, not attached to a loop. Errors of sd-bus. */
int manager_bus_new(sd_bus *bus,
                    sd_event *event,
                    Manager *manager,
                    manager_bus_presence_t presence,
                    void *userdata,
                    ManagerBus **ret);
ManagerBus *manager_bus_free(ManagerBus *manager_bus);
DEFINE_CLEANUP(ManagerBus *, manager_bus_free);

/* Asks for the name; the answer comes through presence. Errors of sd-bus. */
int manager_bus_request_name(ManagerBus *manager_bus);
/*
 * Gives the name back: calls from now on start a new process. released is called when those sent
 * before are all handled, so that the service may exit, or ask for the name again.
 */
int manager_bus_release_name(ManagerBus *manager_bus, void (*released)(void *userdata));
/* Nobody listens for signals or waits for an answer. */
bool manager_bus_is_idle(const ManagerBus *manager_bus);
