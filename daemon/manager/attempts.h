/*
 * The attempts to transfer one job: how often it failed in a row, when it is tried again, and when
 * the service stops trying (spec sections 3.3 and 3.6). Embedded in a job, which it does not know.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/stopwatch.h"

/* A client that asks for a shorter delay gets this one (seconds). */
#define ATTEMPTS_MIN_DELAY_SEC 5

/* A server may put the next attempt off by this much with Retry-After (seconds). */
#define ATTEMPTS_RETRY_AFTER_MAX_SEC 86400

/* After this many crashes of workers in a row, without progress in between, the job fails. */
#define ATTEMPTS_WORKERS_LOST 3

/*
 * "In a row" means without progress in between. The store keeps the members of the first group;
 * of a stopwatch it keeps the time spent.
 */
typedef struct Attempts {
        uint32_t failures;     /* transient failures in a row; drives the back-off */
        uint32_t workers_lost; /* those of them in which the worker crashed */
        Stopwatch stalled;     /* runs since the first failure in a row */
        Stopwatch active;      /* time spent connecting and transferring since Resume */
        uint64_t next_usec;    /* realtime of the next attempt; 0: none is planned */

        uint64_t fails_usec;     /* realtime when the job fails if nothing comes until then */
        uint32_t hints;          /* attempts that the network's return has brought forward */
        uint64_t hinted_usec;    /* boottime of the latest of them */
        uint64_t furthest_bytes; /* most bytes that were ever on disk; more than this is progress */
} Attempts;

typedef struct AttemptsLimits {
        uint64_t min_delay_sec;   /* before the first attempt after a failure */
        uint64_t max_delay_sec;   /* the back-off grows up to this */
        uint64_t no_progress_sec; /* patience without progress; 0: each failure is the last one */
} AttemptsLimits;

/*
 * The delay before the next attempt: min_delay_sec after the first failure in a row, doubled with
 * each further one up to max_delay_sec (or min_delay_sec where that is more), and never less than
 * the server asked for. A random part of up to a tenth keeps the clients of a server that failed
 * from all coming back in the same moment.
 */
uint64_t attempts_delay_usec(uint64_t min_delay_sec,
                             uint64_t max_delay_sec,
                             uint32_t failures,
                             uint64_t retry_after_sec,
                             uint32_t random);

/* After a job was loaded: its stalled time runs on, and what it has on disk is no progress. */
void attempts_load(Attempts *attempts, const Clock *clock, uint64_t bytes_on_disk);
/* Takes over what the store keeps. */
void attempts_take_stored(Attempts *attempts, const Attempts *stored);

/* Resume: the failures in a row are forgotten, and the active time begins anew. */
void attempts_resume(Attempts *attempts, const Clock *clock);

/* All is transferred: what follows, publication, has failures of its own. */
void attempts_succeed(Attempts *attempts);

/* The attempt that was planned begins. */
void attempts_begin(Attempts *attempts);
/* The worker of an attempt was started, or has ended. */
void attempts_start_active(Attempts *attempts, const Clock *clock);
void attempts_stop_active(Attempts *attempts, const Clock *clock);
/* Brings the active time up to date, because the job is to be saved. */
void attempts_settle_active(Attempts *attempts, const Clock *clock);
uint64_t
attempts_active_left_usec(const Attempts *attempts, const Clock *clock, uint64_t limit_sec);

/* Takes note of what is on disk; true: failures were forgotten, and the job has to be saved. */
bool attempts_note_progress(Attempts *attempts, uint64_t bytes_on_disk, bool file_finished);

/* A file begins again from another URL: every byte that comes from there is progress. */
void attempts_begin_again(Attempts *attempts);

/*
 * Counts a transient failure and plans the next attempt. False: attempts are exhausted, no further
 * one is planned.
 */
bool attempts_fail(Attempts *attempts,
                   const Clock *clock,
                   const AttemptsLimits *limits,
                   bool worker_lost,
                   uint64_t retry_after_sec);

/* Time until the next attempt, or until patience ends if that is sooner; updates fails_usec. */
uint64_t attempts_wait_usec(Attempts *attempts, const Clock *clock, uint64_t no_progress_sec);
/* Nothing has come for longer than the owner's patience. */
bool attempts_stalled_too_long(const Attempts *attempts,
                               const Clock *clock,
                               uint64_t no_progress_sec);

/*
 * Plans the next attempt sooner because the network has come up. False: it is near enough already.
 * Hints that do not lead to progress count for less and less: the first one is followed at once,
 * later ones keep a distance that doubles, so that a machine whose network comes up all the time
 * does not try more often than the back-off would.
 */
bool attempts_bring_forward(Attempts *attempts, const Clock *clock, uint64_t max_delay_sec);
