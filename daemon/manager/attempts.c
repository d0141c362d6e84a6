#include "manager/attempts.h"

#include <stdlib.h>

/*
 * Attempts that are brought forward are spread over this time: one commit saves them all, and the
 * workers do not all start in the same moment.
 */
#define HINT_SPREAD_USEC (uint32_t) USEC_PER_SEC

static uint64_t at_most(uint64_t value, uint64_t limit)
{
        return value < limit ? value : limit;
}

uint64_t attempts_delay_usec(uint64_t min_delay_sec,
                             uint64_t max_delay_sec,
                             uint32_t failures,
                             uint64_t retry_after_sec,
                             uint32_t random)
{
        uint64_t delay_sec = min_delay_sec, delay, spread;

        if (max_delay_sec < min_delay_sec)
                max_delay_sec = min_delay_sec;
        for (uint32_t i = 1; i < failures && delay_sec < max_delay_sec; i++)
                delay_sec *= 2;
        delay_sec = at_most(delay_sec, max_delay_sec);
        retry_after_sec = at_most(retry_after_sec, ATTEMPTS_RETRY_AFTER_MAX_SEC);

        delay = (retry_after_sec > delay_sec ? retry_after_sec : delay_sec) * USEC_PER_SEC;
        spread = delay / 10;
        /* The random tenth is added, except at the ceiling, which is not to be passed. */
        if (retry_after_sec <= delay_sec && delay_sec == max_delay_sec && delay_sec > min_delay_sec)
                delay -= spread;
        if (delay < retry_after_sec * USEC_PER_SEC)
                delay = retry_after_sec * USEC_PER_SEC;
        return delay + (spread ? random % spread : 0);
}

void attempts_load(Attempts *attempts, const Clock *clock, uint64_t bytes_on_disk)
{
        if (attempts->failures > 0)
                stopwatch_start(&attempts->stalled, clock_boottime(clock));
        attempts->furthest_bytes = bytes_on_disk;
}

void attempts_take_stored(Attempts *attempts, const Attempts *stored)
{
        attempts->failures = stored->failures;
        attempts->workers_lost = stored->workers_lost;
        attempts->stalled.spent_usec = stored->stalled.spent_usec;
        attempts->active.spent_usec = stored->active.spent_usec;
        attempts->next_usec = stored->next_usec;
}

static void forget_failures(Attempts *attempts)
{
        attempts->failures = attempts->workers_lost = attempts->hints = 0;
        attempts->stalled = (Stopwatch){ 0 };
}

void attempts_resume(Attempts *attempts, const Clock *clock)
{
        forget_failures(attempts);
        stopwatch_restart(&attempts->active, clock_boottime(clock));
        attempts->next_usec = 0;
}

void attempts_begin(Attempts *attempts)
{
        attempts->next_usec = 0;
}

void attempts_start_active(Attempts *attempts, const Clock *clock)
{
        stopwatch_start(&attempts->active, clock_boottime(clock));
}

void attempts_stop_active(Attempts *attempts, const Clock *clock)
{
        stopwatch_stop(&attempts->active, clock_boottime(clock));
}

void attempts_settle_active(Attempts *attempts, const Clock *clock)
{
        stopwatch_settle(&attempts->active, clock_boottime(clock));
}

uint64_t attempts_active_left_usec(const Attempts *attempts, const Clock *clock, uint64_t limit_sec)
{
        return stopwatch_left_usec(&attempts->active, clock_boottime(clock), limit_sec);
}

bool attempts_note_progress(Attempts *attempts, uint64_t bytes_on_disk, bool file_finished)
{
        /*
         * Bytes that were on disk before do not count, or a job whose file begins again and breaks
         * off at the same point each time would be tried forever.
         */
        if (!file_finished && bytes_on_disk <= attempts->furthest_bytes)
                return false;
        if (bytes_on_disk > attempts->furthest_bytes)
                attempts->furthest_bytes = bytes_on_disk;
        if (attempts->failures == 0)
                return false;
        forget_failures(attempts);
        return true;
}

void attempts_begin_again(Attempts *attempts)
{
        attempts->furthest_bytes = 0;
}

static bool
are_exhausted(const Attempts *attempts, const Clock *clock, const AttemptsLimits *limits)
{
        return attempts->workers_lost >= ATTEMPTS_WORKERS_LOST ||
               limits->min_delay_sec > limits->no_progress_sec ||
               attempts_stalled_too_long(attempts, clock, limits->no_progress_sec);
}

bool attempts_fail(Attempts *attempts,
                   const Clock *clock,
                   const AttemptsLimits *limits,
                   bool worker_lost,
                   uint64_t retry_after_sec)
{
        uint64_t ticks = clock_boottime(clock);

        attempts->failures++;
        attempts->workers_lost += worker_lost;
        stopwatch_start(&attempts->stalled, ticks);
        stopwatch_settle(&attempts->stalled, ticks);
        attempts->next_usec = 0;
        if (are_exhausted(attempts, clock, limits))
                return false;
        attempts->next_usec = clock_realtime(clock) + attempts_delay_usec(limits->min_delay_sec,
                                                                          limits->max_delay_sec,
                                                                          attempts->failures,
                                                                          retry_after_sec,
                                                                          arc4random());
        return true;
}

uint64_t attempts_wait_usec(Attempts *attempts, const Clock *clock, uint64_t no_progress_sec)
{
        uint64_t now = clock_realtime(clock);
        uint64_t left =
                stopwatch_left_usec(&attempts->stalled, clock_boottime(clock), no_progress_sec);
        uint64_t delay = attempts->next_usec > now ? attempts->next_usec - now : 0;

        attempts->fails_usec = now + left;
        return at_most(delay, left);
}

bool attempts_stalled_too_long(const Attempts *attempts,
                               const Clock *clock,
                               uint64_t no_progress_sec)
{
        return stopwatch_left_usec(&attempts->stalled, clock_boottime(clock), no_progress_sec) == 0;
}

bool attempts_bring_forward(Attempts *attempts, const Clock *clock, uint64_t max_delay_sec)
{
        uint64_t now = clock_realtime(clock), ticks = clock_boottime(clock);
        uint64_t delay = arc4random_uniform(HINT_SPREAD_USEC), earliest = 0;

        if (attempts->hints > 0)
                earliest = attempts->hinted_usec + attempts_delay_usec(ATTEMPTS_MIN_DELAY_SEC,
                                                                       max_delay_sec,
                                                                       attempts->hints,
                                                                       0,
                                                                       arc4random());
        if (earliest > ticks)
                delay += earliest - ticks;
        if (now + delay >= attempts->next_usec)
                return false;
        attempts->hints++;
        attempts->hinted_usec = ticks + delay;
        attempts->next_usec = now + delay;
        return true;
}
