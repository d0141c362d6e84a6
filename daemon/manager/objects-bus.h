/*
 * org.freedesktop.DBus.ObjectManager of /org/dosvc1: the jobs that the caller may see, with their
 * files. sd-bus has an answer of its own to GetManagedObjects, which is built in one piece, however
 * long that takes and however large it gets; this one takes its place. The signals go to those
 * subscribers that may see the job, as all others do.
 */
#pragma once

#include "manager/bus-edge.h"

/* Errors of sd-bus. */
int objects_bus_register(BusEdge *edge);

/*
 * InterfacesAdded and InterfacesRemoved. Files have theirs unless more than LIMIT_ANNOUNCED_FILES
 * of a job come or go together. Called before the announcer takes note of the change.
 */
void objects_bus_announce_new(BusEdge *edge, const Job *job);
void objects_bus_announce_changed(BusEdge *edge, const Job *job, JobChanges changes);
void objects_bus_announce_removed(BusEdge *edge, const Job *job);
