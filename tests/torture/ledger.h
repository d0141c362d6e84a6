/*
 * What the service owes: every job that it has acknowledged, with the files and the versions
 * that it may find. Calls are made as alice and bob over the bus of the scene; a job leaves the
 * ledger when the service has let go of it and its files are seen to be right.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tests/lib/http-server.h"

/* Calls on their way at one time. */
#define LEDGER_CALLS 8

/* Empties the ledger and the two homes. */
void ledger_open(const HttpServer *server);

/* New jobs until enough are in flight. */
void ledger_fill(void);

/* Takes down the state of each job: calls are chosen by that. */
void ledger_look(void);

/* Looks at each job, the manager being there: what was acknowledged must hold. */
void ledger_check(void);

/*
 * The same, the service being sound. Completes or cancels most of what is transferred and checks
 * its files, resumes or cancels most of what stands still.
 */
void ledger_sweep(void);

/*
 * Sends up to that many calls (CreateJob, Resume, Suspend, Complete, Cancel) without waiting for
 * the answers: the service may die under them.
 */
void ledger_send(unsigned most);

/* What a worker is started for. */
typedef enum LedgerTask {
        LEDGER_DOWNLOAD,
        LEDGER_PUBLISH,
        LEDGER_CLEAN,
        LEDGER_TASKS_MAX,
} LedgerTask;

/* Sends one that starts a worker, for this if there is a job for it; returns for what. */
LedgerTask ledger_send_for(LedgerTask task);

/* Waits for the answers to what was sent, if only "nobody is there"; they bind the next sweep. */
void ledger_settle(void);

/* Until nothing is left: no job and no temporary file. Every job has to end in that time. */
void ledger_drain(unsigned timeout_msec);

/* Jobs with files that were published and checked so far, in this process. */
unsigned ledger_n_published(void);

/*
 * Nobody running: for each temporary file, what was received beyond the offset in the store.
 * Returns how many files there are.
 */
unsigned ledger_measure_loss(uint64_t *ret_bytes, unsigned max);
