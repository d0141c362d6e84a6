/*
 * The properties of a job that its worker goes by, read from and written to D-Bus: proxies,
 * redirects, certificates, the ticket cache. job-properties.c has them in its table.
 */
#pragma once

#include <systemd/sd-bus.h>

#include "manager/bus-edge.h"

int settings_bus_append_proxy(const Job *job, sd_bus_message *m);
int settings_bus_append_security_flags(const Job *job, sd_bus_message *m);

/* Property.set of job-properties.c. */
int settings_bus_set_proxy(BusEdge *edge,
                           const Caller *caller,
                           Job *job,
                           const char *name,
                           sd_bus_message *m,
                           sd_bus_error *error);
int settings_bus_set_redirect_policy(BusEdge *edge,
                                     const Caller *caller,
                                     Job *job,
                                     const char *name,
                                     sd_bus_message *m,
                                     sd_bus_error *error);
int settings_bus_set_security_flags(BusEdge *edge,
                                    const Caller *caller,
                                    Job *job,
                                    const char *name,
                                    sd_bus_message *m,
                                    sd_bus_error *error);
int settings_bus_set_ca_certificate(BusEdge *edge,
                                    const Caller *caller,
                                    Job *job,
                                    const char *name,
                                    sd_bus_message *m,
                                    sd_bus_error *error);
int settings_bus_set_ticket_cache(BusEdge *edge,
                                  const Caller *caller,
                                  Job *job,
                                  const char *name,
                                  sd_bus_message *m,
                                  sd_bus_error *error);
