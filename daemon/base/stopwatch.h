/*
 * A stopwatch whose time adds up over stops, and over restarts of the service if the caller stores
 * spent_usec. It reads no clock: the caller passes the time, from a clock that never jumps.
 */
#pragma once

#include <stdint.h>

typedef struct Stopwatch {
        uint64_t spent_usec; /* up to the latest stop or settling; this is what is stored */
        uint64_t since_usec; /* 0: stopped */
} Stopwatch;

/* Runs from now on; has no effect on a stopwatch that runs already. */
void stopwatch_start(Stopwatch *watch, uint64_t now_usec);
/* Brings spent_usec up to date; a running stopwatch runs on. */
void stopwatch_settle(Stopwatch *watch, uint64_t now_usec);
void stopwatch_stop(Stopwatch *watch, uint64_t now_usec);
/* Sets the spent time to 0; a running stopwatch runs on. */
void stopwatch_restart(Stopwatch *watch, uint64_t now_usec);
/* How much of limit_sec is left; 0: the limit is reached. */
uint64_t stopwatch_left_usec(const Stopwatch *watch, uint64_t now_usec, uint64_t limit_sec);
