/*
 * The objects of jobs and files, /org/dosvc1/job/ID and …/file/N: vtables, who sees them, their
 * signals. Methods are in the order of dbus/org.dosvc1.Job.xml and org.dosvc1.File.xml.
 */
#pragma once

#include <systemd/sd-bus.h>

#include "manager/bus-edge.h"

/* "/org/dosvc1/job/", 32 digits, "/file/", up to 10 digits. */
#define JOB_PATH_MAX 80

/* Adds vtables and the enumerator of children. Errors of sd-bus. */
int job_bus_register(BusEdge *edge);

const char *job_bus_path(const Job *job, char buffer[static JOB_PATH_MAX]);
/* -EINVAL: not the path of a job. */
int job_bus_parse_path(const char *path, sd_id128_t *ret_job);

/* Sets a writable property from the variant that is next in m: CreateJob's options and Set. */
int job_bus_set_property(BusEdge *edge,
                         const Caller *caller,
                         Job *job,
                         const char *name,
                         sd_bus_message *m,
                         sd_bus_error *error);

/* Signals to those who may hear of the job. */
void job_bus_tell_changed(BusEdge *edge, Job *job, unsigned changes, JobState previous);
void job_bus_tell_progress(BusEdge *edge, Job *job, const char *destination);
