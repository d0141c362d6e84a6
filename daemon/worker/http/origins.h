/*
 * What a worker has learnt of its servers: from which rung of the ladder (worker/resume.h)
 * an origin is worth asking, so that the second file does not climb again. A few origins;
 * the oldest is forgotten first.
 */
#pragma once

#include "base/macro.h"

#include "worker/http/resume.h"

typedef struct Origins Origins;

/* -ENOMEM. */
int origins_new(Origins **ret);
Origins *origins_free(Origins *rungs);
DEFINE_CLEANUP(Origins *, origins_free);

/* The rung to begin with; the first for an origin that nothing is known of. */
ResumeValidator origins_find(const Origins *rungs, const char *url);

/* Origins below that one do not work there. Forgotten for lack of memory. */
void origins_learn(Origins *rungs, const char *url, ResumeValidator rung);
