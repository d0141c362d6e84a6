/*
 * Property CustomHeaders of org.dosvc1.Job (spec section 2.5): header lines that may carry tokens,
 * so that only the owner writes and reads them, no signal shows them, and they are kept in the
 * vault. sd-bus leaves the property out of GetAll for everybody, because only a Get finds out who
 * is asking.
 */
#pragma once

#include <systemd/sd-bus.h>

#include "manager/bus-edge.h"

/* Reads "as" and sets it. */
int headers_bus_set(BusEdge *edge,
                    const Caller *caller,
                    Job *job,
                    sd_bus_message *m,
                    sd_bus_error *error);

/* Appends "as" to the reply of a Get, which is marked sensitive. */
int headers_bus_get(BusEdge *edge,
                    const Caller *caller,
                    const Job *job,
                    sd_bus_message *reply,
                    sd_bus_error *error);
