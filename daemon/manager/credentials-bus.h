/*
 * SetCredentials, RemoveCredentials and CredentialSlots of org.dosvc1.Job, spec section 1: reads
 * and checks what the client passed, awaits a descriptor, hands the result to the manager. Order of
 * the checks: caller and state, target, scheme, which keys, length of the user name, length of the
 * password, format. A call that fails leaves the slot as it was.
 */
#pragma once

#include <systemd/sd-bus.h>

#include "manager/bus-edge.h"

int credentials_bus_set(BusEdge *edge, Job *job, sd_bus_message *call, sd_bus_error *error);
int credentials_bus_remove(BusEdge *edge, Job *job, sd_bus_message *call, sd_bus_error *error);

/* Appends a(ss), the pairs that are set, to the reply of a Get. */
int credentials_bus_get_slots(BusEdge *edge,
                              const Caller *caller,
                              const Job *job,
                              sd_bus_message *reply,
                              sd_bus_error *error);
