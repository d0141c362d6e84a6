#include "base/clock.h"

#include <time.h>

static uint64_t read_clock(clockid_t id)
{
        struct timespec ts = { 0 };

        (void) clock_gettime(id, &ts); /* fails only for an unknown clock */
        return (uint64_t) ts.tv_sec * USEC_PER_SEC + (uint64_t) ts.tv_nsec / 1000;
}

static uint64_t system_realtime(void *userdata)
{
        return read_clock(CLOCK_REALTIME);
}

static uint64_t system_boottime(void *userdata)
{
        return read_clock(CLOCK_BOOTTIME);
}

const Clock clock_system = {
        .realtime_usec = system_realtime,
        .boottime_usec = system_boottime,
};
