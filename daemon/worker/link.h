/*
 * The worker's end of the private connection: the server side of dbus/worker-wire.h. Reads
 * one order, starts the task, turns its facts into signals and its questions into calls.
 * Mirror of manager/worker-link.
 */
#pragma once

#include <systemd/sd-event.h>

#include "base/macro.h"

typedef struct Link Link;

/*
 * Takes over fd. The loop ends when the other side hangs up. Says nothing before
 * link_say_ready(). Errnos of sd_bus_start(3).
 */
int link_new(sd_event *event, int fd, Link **ret);
/* A Download that runs is synced and ended. */
Link *link_free(Link *link);
DEFINE_CLEANUP(Link *, link_free);

/* The sandbox is on: the manager may send its order. */
int link_say_ready(Link *link);
