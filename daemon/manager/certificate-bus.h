/*
 * SetClientCertificate and RemoveClientCertificate of org.dosvc1.Job (spec section 2.5): which
 * files, and the password of the key. The files themselves are opened by a worker, as the owner.
 */
#pragma once

#include <systemd/sd-bus.h>

#include "manager/bus-edge.h"

int certificate_bus_set(BusEdge *edge, Job *job, sd_bus_message *call, sd_bus_error *error);
int certificate_bus_remove(BusEdge *edge, Job *job, sd_bus_message *call, sd_bus_error *error);
