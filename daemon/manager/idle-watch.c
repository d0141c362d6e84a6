#include "manager/idle-watch.h"

#include <time.h>

#include "base/clock.h"

/* So many checks in a row, spread over the whole span, must find the service idle. */
#define CHECKS 2

struct IdleWatch {
        sd_event_source *timer; /* owned */
        uint64_t span_usec;
        IdleWatchEvents events;
        unsigned idle_checks; /* in a row */
};

static void start(IdleWatch *watch)
{
        (void) sd_event_source_set_time_relative(watch->timer, watch->span_usec / CHECKS);
        (void) sd_event_source_set_enabled(watch->timer,
                                           watch->span_usec > 0 ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

static int on_check(sd_event_source *source, uint64_t usec, void *userdata)
{
        IdleWatch *watch = userdata;
        const IdleWatchEvents *events = &watch->events;

        watch->idle_checks = events->is_idle(events->userdata) ? watch->idle_checks + 1 : 0;
        if (watch->idle_checks == CHECKS) {
                watch->idle_checks = 0;
                events->idle(events->userdata);
        }
        start(watch);
        return 0;
}

int idle_watch_new(sd_event *event,
                   uint64_t span_usec,
                   const IdleWatchEvents *events,
                   IdleWatch **ret)
{
        _cleanup_(idle_watch_freep) IdleWatch *watch = calloc(1, sizeof(*watch));
        int r;

        if (!watch)
                return -ENOMEM;
        watch->events = *events;
        r = sd_event_add_time_relative(event,
                                       &watch->timer,
                                       CLOCK_BOOTTIME,
                                       0,
                                       USEC_PER_SEC,
                                       on_check,
                                       watch);
        if (r < 0)
                return r;
        idle_watch_set_span(watch, span_usec);
        *ret = STEAL_PTR(watch);
        return 0;
}

void idle_watch_set_span(IdleWatch *watch, uint64_t span_usec)
{
        watch->span_usec = span_usec;
        watch->idle_checks = 0;
        start(watch);
}

IdleWatch *idle_watch_free(IdleWatch *watch)
{
        if (!watch)
                return NULL;
        (void) sd_event_source_disable_unref(watch->timer);
        free(watch);
        return NULL;
}
