#include "manager/retry.h"

#include "base/clock.h"

static uint64_t at_most(uint64_t value, uint64_t limit)
{
        return value < limit ? value : limit;
}

uint64_t retry_delay_usec(uint64_t least_sec,
                          uint64_t most_sec,
                          uint32_t failures,
                          uint64_t retry_after_sec,
                          uint32_t random)
{
        uint64_t delay_sec = least_sec, delay, spread;

        if (most_sec < least_sec)
                most_sec = least_sec;
        for (uint32_t i = 1; i < failures && delay_sec < most_sec; i++)
                delay_sec *= 2;
        delay_sec = at_most(delay_sec, most_sec);
        retry_after_sec = at_most(retry_after_sec, RETRY_AFTER_MAX_SEC);

        delay = (retry_after_sec > delay_sec ? retry_after_sec : delay_sec) * USEC_PER_SEC;
        spread = delay / 10;
        /* At the ceiling the last tenth lies below it, elsewhere above. */
        if (retry_after_sec <= delay_sec && delay_sec == most_sec && delay_sec > least_sec)
                delay -= spread;
        if (delay < retry_after_sec * USEC_PER_SEC)
                delay = retry_after_sec * USEC_PER_SEC;
        return delay + (spread ? random % spread : 0);
}

void stopwatch_start(Stopwatch *watch, uint64_t now_usec)
{
        if (watch->since_usec == 0)
                watch->since_usec = now_usec ? now_usec : 1;
}

void stopwatch_settle(Stopwatch *watch, uint64_t now_usec)
{
        if (watch->since_usec == 0)
                return;
        watch->spent_usec += now_usec - watch->since_usec;
        watch->since_usec = now_usec;
}

void stopwatch_stop(Stopwatch *watch, uint64_t now_usec)
{
        stopwatch_settle(watch, now_usec);
        watch->since_usec = 0;
}

void stopwatch_restart(Stopwatch *watch, uint64_t now_usec)
{
        watch->spent_usec = 0;
        if (watch->since_usec)
                watch->since_usec = now_usec;
}

uint64_t stopwatch_left_usec(const Stopwatch *watch, uint64_t now_usec, uint64_t limit_sec)
{
        uint64_t limit =
                limit_sec > UINT64_MAX / USEC_PER_SEC ? UINT64_MAX : limit_sec * USEC_PER_SEC;
        uint64_t spent = watch->spent_usec + (watch->since_usec ? now_usec - watch->since_usec : 0);

        return spent < limit ? limit - spent : 0;
}
