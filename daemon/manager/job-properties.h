/*
 * The properties of org.dosvc1.Job: one table says how each is read, written, and which changes
 * of a job touch it.
 */
#pragma once

#include <systemd/sd-bus.h>

#include "manager/bus-edge.h"

/* Appends the value of a property that is in the table. */
int job_property_append(const Job *job, const char *name, sd_bus_message *m);

/* Appends a{sv}: all properties that are shown to everybody who may see the job. */
int job_properties_append_all(const Job *job, sd_bus_message *m);
/* At least as many bytes as they take in a message, with what is around them. */
size_t job_properties_size(const Job *job);

/* Appends a{sv}: the properties that the changes (JobChange) touch. */
int job_properties_append_changed(const Job *job, unsigned changes, sd_bus_message *m);

/* Appends as: the names of those that they touch and that are not shown to everybody. */
int job_properties_append_invalidated(unsigned changes, sd_bus_message *m);

/* Reads the bare value from m and sets it; the name is that of a writable property. */
int job_property_set(BusEdge *edge,
                     const Caller *caller,
                     Job *job,
                     const char *name,
                     sd_bus_message *m,
                     sd_bus_error *error);

/* The same for an option of CreateJob: the variant is next in m, the name may be unknown. */
int job_property_set_option(BusEdge *edge,
                            const Caller *caller,
                            Job *job,
                            const char *name,
                            sd_bus_message *m,
                            sd_bus_error *error);
