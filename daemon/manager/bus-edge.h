/*
 * Shared by the handlers of all objects: the bus, the manager, who calls, and answers that wait
 * for the commit. A handler reads, validates, finds its caller, calls one verb of the manager,
 * and answers through bus_reply_saved().
 */
#pragma once

#include <systemd/sd-bus.h>

#include "base/macro.h"

#include "manager/callers.h"
#include "manager/manager.h"
#include "manager/subscribers.h"

typedef struct BusEdge {
        sd_bus *bus; /* borrowed, as all of these */
        sd_event *event;
        Manager *manager;
        Callers *callers;
        Subscribers *subscribers;
        List secret_calls; /* secret-bus.c: calls that wait for a descriptor */
        List listings;     /* bus-listing.c: answers that are being built */
        List wait_calls;   /* wait-bus.c: calls that wait for a job */
        sd_event_source *listing_timer;
} BusEdge;

/*
 * Answers call with reply (consumed; NULL for an empty one) once what was changed is durable,
 * or with the error of the commit. Returns 1 for the handler to return, negative errno.
 */
int bus_reply_saved(BusEdge *edge, sd_bus_message *call, sd_bus_message *reply);

/* The other end: the change is made, but not its answer. Takes back the batch; returns error. */
int bus_reply_fail(BusEdge *edge, sd_bus_message *reply, int error);

/*
 * Walks an a{sv} that is next in m. entry: the variant of that key is next; it reads it whole, or
 * sets error and returns its errno. A value of another type than it reads is refused in the name
 * of what ("Key", "Option").
 */
typedef int (*bus_entry_t)(void *userdata, const char *key, sd_bus_message *m, sd_bus_error *error);

int bus_edge_each_entry(sd_bus_message *m,
                        const char *what,
                        bus_entry_t entry,
                        void *userdata,
                        sd_bus_error *error);

/* The edge of the object whose handler is running. */
BusEdge *bus_edge_of(sd_bus_message *m);

/* The caller of a message that is being handled, or the error for him. */
int bus_edge_find_caller(BusEdge *edge, sd_bus_message *m, const Caller **ret, sd_bus_error *error);
