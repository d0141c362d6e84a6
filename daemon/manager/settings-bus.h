/*
 * The settings of a job as D-Bus values: the properties of org.dosvc1.Job that can be written.
 * Most are a row of model/job-settings.h; ProxySettings is made of three. job-properties.c has them
 * in its table.
 */
#pragma once

#include <systemd/sd-bus.h>

#include "manager/bus-edge.h"

/* Reads the bare value of a row of JOB_PROPERTY_SETTINGS() and sets it. */
int settings_bus_set(BusEdge *edge,
                     const Caller *caller,
                     Job *job,
                     SettingId id,
                     sd_bus_message *m,
                     sd_bus_error *error);

/* Property ProxySettings, "(sasas)". */
int settings_bus_append_proxy(const Job *job, sd_bus_message *m);
int settings_bus_set_proxy(BusEdge *edge,
                           const Caller *caller,
                           Job *job,
                           sd_bus_message *m,
                           sd_bus_error *error);
