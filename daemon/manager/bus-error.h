/*
 * Errors at the edge: errno ⇄ D-Bus name, from the one table in dbus/dosvc-wire.h, and the
 * sentences that go with verbs that were refused. Only *-bus.c knows sd_bus_error.
 */
#pragma once

#include <systemd/sd-bus.h>

#include "base/macro.h"

#include "manager/job.h"

/* Registers the names with sd-bus. Once a process; errors of sd_bus_error_add_map(). */
int bus_error_register(void);

/* Sets the error that belongs to the negative errno; returns it. */
int bus_error_set(sd_bus_error *error, int error_number, const char *format, ...) _printf_(3, 4);

/* The same with the sentence for a verb on that job (NULL: on none) that returned error_number. */
int bus_error_set_verb(sd_bus_error *error, int error_number, const Job *job);
