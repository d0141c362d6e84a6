/*
 * The object /org/dosvc1, in the order of dbus/org.dosvc1.Manager.xml, with everything that one
 * connection to the bus needs: the other objects, callers, subscribers, answers under way. The
 * connection itself and the service's name on it are bus-presence.h's.
 */
#pragma once

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "base/macro.h"

#include "manager/manager.h"
#include "manager/users.h"

typedef struct ManagerBus ManagerBus;

/* bus: open, not attached to a loop; a reference is kept. Errors of sd-bus. */
int manager_bus_new(sd_bus *bus, sd_event *event, Manager *manager, Users *users, ManagerBus **ret);
/* Drops calls that are not answered yet, and closes the connection. */
ManagerBus *manager_bus_free(ManagerBus *manager_bus);
DEFINE_CLEANUP(ManagerBus *, manager_bus_free);

/* Nobody listens for signals or waits for an answer. */
bool manager_bus_is_idle(const ManagerBus *manager_bus);
