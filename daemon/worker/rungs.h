/*
 * What a worker has learnt of its servers: from which rung of the ladder (worker/resume.h)
 * an origin is worth asking, so that the second file does not climb again. A few origins;
 * the oldest is forgotten first.
 */
#pragma once

#include "base/macro.h"

#include "worker/resume.h"

typedef struct Rungs Rungs;

/* -ENOMEM. */
int rungs_new(Rungs **ret);
Rungs *rungs_free(Rungs *rungs);
DEFINE_CLEANUP(Rungs *, rungs_free);

/* The rung to begin with; the first for an origin that nothing is known of. */
ResumeRung rungs_find(const Rungs *rungs, const char *url);

/* Rungs below that one do not work there. Forgotten for lack of memory. */
void rungs_learn(Rungs *rungs, const char *url, ResumeRung rung);
