/*
 * What the service owes: every job that it has acknowledged, with the files and the versions
 * that it may find. Calls are made as alice and bob over the bus of the fixture; a job leaves the
 * expected state when the service has let go of it and its files are seen to be right.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tests/lib/http-server.h"

/* Calls on their way at one time. */
#define EXPECTED_CALLS 8

/* Empties the expected state and the two homes. */
void expected_open(const HttpServer *server);

/* New jobs until enough are in flight. */
void expected_fill(void);

/* Takes down the state of each job: calls are chosen by that. */
void expected_look(void);

/* Looks at each job, the manager being there: what was acknowledged must hold. */
void expected_check(void);

/*
 * The same, the service being sound. Completes or cancels most of what is transferred and checks
 * its files, resumes or cancels most of what stands still.
 */
void expected_sweep(void);

/*
 * Sends up to that many calls (CreateJob, Resume, Suspend, Complete, Cancel) without waiting for
 * the answers: the service may die under them.
 */
void expected_send(unsigned most);

/* What a worker is started for. */
typedef enum ExpectedTask {
        EXPECTED_DOWNLOAD,
        EXPECTED_PUBLISH,
        EXPECTED_CLEAN,
        EXPECTED_TASKS_MAX,
} ExpectedTask;

/* Sends one that starts a worker, for this if there is a job for it; returns for what. */
ExpectedTask expected_send_for(ExpectedTask task);

/* Waits for the answers to what was sent, if only "nobody is there"; they bind the next sweep. */
void expected_settle(void);

/* Until nothing is left: no job and no temporary file. Every job has to end in that time. */
void expected_drain(unsigned timeout_msec);

/* Jobs with files that were published and checked so far, in this process. */
unsigned expected_n_published(void);

/*
 * Nobody running: for each temporary file, what was received beyond the offset in the store.
 * Returns how many files there are.
 */
unsigned expected_measure_loss(uint64_t *ret_bytes, unsigned max);
