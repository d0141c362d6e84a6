/*
 * Job.Wait: calls that are answered when their job does not go on by itself any more, when it is
 * gone, or when their time is up.
 */
#pragma once

#include <systemd/sd-bus.h>

#include "manager/bus-edge.h"

/* Handler of the method; the object is the job. */
int wait_bus_wait(sd_bus_message *m, void *userdata, sd_bus_error *error);

/* The job has changed, or is gone: answers the calls that wait for that. */
void wait_bus_note(BusEdge *edge, const Job *job);

/* Forgets the calls of a sender that has left the bus; NULL: those of all, with an error. */
void wait_bus_drop(BusEdge *edge, const char *sender);
