/*
 * Sends what the manager announces: as signals to those who have subscribed to the job, and as
 * answers to those who wait for it.
 */
#pragma once

#include "manager/bus-edge.h"

/* From now on, or no more: those who wait for a job are told that the service stops. */
void signals_bus_observe(BusEdge *edge);
void signals_bus_ignore(BusEdge *edge);

/* The sender has left the bus. */
void signals_bus_forget(BusEdge *edge, const char *sender);

/* subscribers_tick_t; userdata is the edge. */
void signals_bus_tick(void *userdata, const char *destination, uint64_t since_usec);
