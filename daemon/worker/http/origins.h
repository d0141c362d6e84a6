/*
 * Knowledge about servers: the validator (worker/http/resume.h) that an origin should be asked with
 * first, so that the second file does not repeat the vain attempts of the first one. Holds a few
 * origins; the oldest is overwritten when there are too many.
 */
#pragma once

#include "base/macro.h"

#include "worker/http/resume.h"

typedef struct Origins Origins;

/* -ENOMEM. */
int origins_new(Origins **ret);
Origins *origins_free(Origins *origins);
DEFINE_CLEANUP(Origins *, origins_free);

/* The validator to begin with: the strongest one for an origin that nothing is known about. */
ResumeValidator origins_find(const Origins *origins, const char *url);

/* The origin of url ignores all validators before this one. Without memory it is not remembered. */
void origins_learn(Origins *origins, const char *url, ResumeValidator validator);
