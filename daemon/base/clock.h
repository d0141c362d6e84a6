/*
 * The two clocks of the service, behind one pointer so that tests can set the time.
 */
#pragma once

#include <stdint.h>

#define USEC_PER_SEC  1000000ULL
#define USEC_PER_MSEC 1000ULL

typedef struct Clock {
        uint64_t (*realtime_usec)(
                void *userdata); /* since the epoch: for times that people see or that are stored */
        uint64_t (*boottime_usec)(
                void *userdata); /* monotonic, and goes on while the machine sleeps */
        void *userdata;
} Clock;

extern const Clock clock_system;

static inline uint64_t clock_realtime(const Clock *clock)
{
        return clock->realtime_usec(clock->userdata);
}

static inline uint64_t clock_boottime(const Clock *clock)
{
        return clock->boottime_usec(clock->userdata);
}
