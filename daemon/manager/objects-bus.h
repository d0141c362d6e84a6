/*
 * org.freedesktop.DBus.ObjectManager.GetManagedObjects of /org/dosvc1: the jobs that the caller
 * may see, with their files. sd-bus has an answer of its own, which is built in one piece, however
 * long that takes and however large it gets; this one takes its place. No signal of that interface
 * is sent: what a job is called and does is told to subscribers only.
 */
#pragma once

#include "manager/bus-edge.h"

/* Errors of sd-bus. */
int objects_bus_register(BusEdge *edge);
