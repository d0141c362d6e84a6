/*
 * The worker's end of the private connection: the server side of dbus/worker-wire.h. Reads one
 * order, starts the task and turns its events into signals. Mirror of manager/worker-link.
 */
#pragma once

#include <systemd/sd-event.h>

#include "base/macro.h"

typedef struct Link Link;

/*
 * Takes over fd. The loop ends when the other side hangs up. Nothing is sent before
 * link_report_ready(). Errnos of sd_bus_start(3).
 */
int link_new(sd_event *event, int fd, Link **ret);
/* Syncs and ends a download that is under way. */
Link *link_free(Link *link);
DEFINE_CLEANUP(Link *, link_free);

/* Tells the manager that the sandbox is on, so that it may send its order. */
int link_report_ready(Link *link);
