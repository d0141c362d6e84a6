#include "base/stopwatch.h"

#include "base/clock.h"

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
