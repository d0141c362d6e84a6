/*
 * When a job whose attempt failed is tried again, and how time is counted that decides whether it
 * is tried at all (spec section 3.6). Pure: the time comes from the caller, from the clock that
 * nobody sets.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* A shorter delay that a client asks for becomes this (seconds). */
#define RETRY_MIN_DELAY_SEC 5

/* Longest Retry-After that is believed (seconds). */
#define RETRY_AFTER_MAX_SEC 86400

/* A job whose workers crash that often in a row, without progress in between, is in error. */
#define RETRY_WORKERS_LOST 3

/*
 * The wait before the next attempt: least_sec after the first failure in a row, twice as long each
 * time up to most_sec (or least_sec, where that is more); not less than what the server asked for.
 * Of the last tenth of it random decides, so that clients of one failed server do not come back
 * as one.
 */
uint64_t retry_delay_usec(uint64_t least_sec,
                          uint64_t most_sec,
                          uint32_t failures,
                          uint64_t retry_after_sec,
                          uint32_t random);

/* Time that adds up over stops, and over restarts of the service. */
typedef struct Stopwatch {
        uint64_t spent_usec; /* what the store keeps: up to the latest stop or settling */
        uint64_t since_usec; /* 0: stopped */
} Stopwatch;

/* Runs from now on; no effect if it runs. */
void stopwatch_start(Stopwatch *watch, uint64_t now_usec);
/* What was spent up to now is in spent_usec; it runs on if it ran. */
void stopwatch_settle(Stopwatch *watch, uint64_t now_usec);
void stopwatch_stop(Stopwatch *watch, uint64_t now_usec);
/* Back to nothing; it runs on if it ran. */
void stopwatch_restart(Stopwatch *watch, uint64_t now_usec);
/* What is left of so many seconds; 0: they are over. */
uint64_t stopwatch_left_usec(const Stopwatch *watch, uint64_t now_usec, uint64_t limit_sec);
