/*
 * A machine that runs out of memory at the worst moment: each allocation of a scenario fails in
 * turn, alone and with all that follow it.
 *
 * The linker's --wrap leads the calls of our own objects here (tests/sources.mk names them), so
 * that sd-bus, sd-event and libc keep what they need for themselves and the sanitizers see every
 * block. Of the libraries, SQLite and libcurl ask through their own hooks, and the functions of
 * libsystemd and libsodium that allocate for us count as one allocation each. Check's own calls
 * and those of an asserting test never fail; sandbox_confine() does nothing.
 */
#pragma once

#include <stdbool.h>

typedef struct NoMemoryScenario {
        const char *name;
        /* Before each run, with memory; NULL: nothing to do. */
        void (*prepare)(void *userdata);
        /* 0 or positive: done, and undone again as far as that is its business; or -ENOMEM. */
        int (*run)(void *userdata);
        /* With memory again: whether what is left fits the result. NULL: nothing is left. */
        void (*check)(void *userdata, int result);
        void *userdata;
        unsigned step; /* not each allocation, but each of so many; 0: each */
        bool harmless; /* may succeed although an allocation failed */
        int or_else;   /* what it may answer in place of -ENOMEM */
} NoMemoryScenario;

/* Before anything else of a process: the hooks of SQLite and libcurl. */
void no_memory_set_up(void);

/* Counts what the scenario allocates, then runs it twice for each of these, then once more. */
void no_memory_torture(const NoMemoryScenario *scenario);
