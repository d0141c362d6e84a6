/*
 * The objects of jobs, /org/dosvc1/job/ID: methods and properties in the order of
 * dbus/org.dosvc1.Job.xml, and their signals.
 */
#pragma once

#include <systemd/sd-bus.h>

#include "manager/bus-edge.h"

/* Errors of sd-bus. */
int job_bus_register(BusEdge *edge);

/* Signals to those who may hear of the job. */
void job_bus_announce_changed(BusEdge *edge, Job *job, JobChanges changes, JobState previous);
void job_bus_announce_progress(BusEdge *edge, Job *job, const char *destination);
