/*
 * People at work: alice and bob make jobs, let them run, change their mind, take what has come.
 * One call at a time, chosen by a seed; each goes into the history before and after.
 */
#pragma once

#include <stdint.h>
#include <systemd/sd-bus.h>

#include "tests/lib/http-server.h"
#include "tests/power-cut/history.h"

typedef struct Load {
        History *history;         /* borrowed */
        const HttpServer *server; /* borrowed */
        sd_bus *alice, *bob;      /* borrowed */
        uint64_t random;          /* not 0 */
        int text;                 /* number of the next Description */
        unsigned file;            /* number of the next file */
} Load;

/* A number below the limit. */
unsigned load_random(Load *load, unsigned limit);

/* The connection of a job's owner. */
sd_bus *load_bus(const Load *load, const WantedJob *job);

/* One call, sometimes two. */
void load_step(Load *load);

/* "change N", valid until the next call. */
const char *load_text(int text);

void load_set_password(const Load *load, const WantedJob *job);
