/*
 * The callers of Complete and Cancel, who wait until a worker has done its part. Each is answered
 * exactly once.
 */
#pragma once

#include <stdbool.h>

#include "base/macro.h"

#include "manager/job.h"

/* result 0 or a negative errno; text is a sentence about a failure. */
typedef void (*waiters_done_t)(void *userdata, int result, bool partial, const char *text);

typedef struct Waiters {
        List list; /* Waiter.link, in the order of the calls */
} Waiters;

void waiters_init(Waiters *waiters);

/* -ENOBUFS: LIMIT_WAITERS_PER_JOB callers wait for this job already; -ENOMEM */
int waiters_add(Waiters *waiters, Job *job, waiters_done_t done, void *userdata);
/* Forgets the caller that was added last without an answer, because its call has failed. */
void waiters_drop_last(Waiters *waiters);

/* Answers everybody who waits for this job. */
void waiters_answer(Waiters *waiters, Job *job, int result, bool partial, const char *text);
/* The service stops: answers everybody who waits for a job that has no worker. */
void waiters_answer_stopping(Waiters *waiters);

bool waiters_is_empty(const Waiters *waiters);
