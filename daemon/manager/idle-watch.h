/*
 * Notices that the service has had nothing to do for a while. It asks twice in the time and
 * reports only if the answer was yes both times, so that a moment between two jobs does not count.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/macro.h"

typedef struct IdleWatch IdleWatch;

typedef struct IdleWatchEvents {
        bool (*is_idle)(void *userdata);
        /* Called from the loop. If the service goes on, the time begins anew. */
        void (*idle)(void *userdata);
        void *userdata;
} IdleWatchEvents;

/* span_usec 0: it never reports. -ENOMEM. */
int idle_watch_new(sd_event *event,
                   uint64_t span_usec,
                   const IdleWatchEvents *events,
                   IdleWatch **ret);
/* The time begins anew with another span. */
void idle_watch_set_span(IdleWatch *watch, uint64_t span_usec);
IdleWatch *idle_watch_free(IdleWatch *watch);
DEFINE_CLEANUP(IdleWatch *, idle_watch_free);
