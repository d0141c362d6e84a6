/*
 * The batch of changes of one iteration of the event loop. Everything that changes a job, whatever
 * the cause, goes through here:
 *
 *   changes_move() ─► job_apply() ─► changes_save() ─► … end of the iteration … ─► one commit
 *                                    store_put_job()                                    │
 *                          it succeeds: callers are answered, then committed() for each job
 *                          it fails: reverted() for each job, then callers are answered
 *
 * Requests of one iteration share one transaction, because a commit costs a write to the disk. A
 * commit that fails takes all of them back, so that nobody hears of a change that is not on disk.
 * What a change leads to is the business of the receiver of the events.
 */
#pragma once

#include <stdbool.h>

#include "manager/job.h"
#include "manager/manager-parts.h"

/* Priority of the commit among the sources of the event loop: requests come first. */
#define CHANGES_PRIORITY (SD_EVENT_PRIORITY_NORMAL + 10)

typedef struct ChangesEvents {
        /* The job's changes are on disk. effects: JobEffect bits */
        void (*committed)(void *userdata, Job *job, unsigned effects, JobChanges changed);
        /* They are not, and the job has to be put back. error: why, a negative errno */
        void (*reverted)(void *userdata, Job *job, JobChanges changed, int error);
        void *userdata;
} ChangesEvents;

/* result 0, or the negative errno of the commit that failed. */
typedef void (*changes_saved_t)(void *userdata, int result);

typedef struct Changes {
        const ManagerParts *parts;
        ChangesEvents events;
        List dirty;   /* JobPending.link */
        List callers; /* callers who wait for the commit, in the order of their calls */
        unsigned n;   /* changes in this batch */
        bool secrets; /* a secret was removed: empty the log of the store after the commit */
        sd_event_source *commit;
        sd_event_source *lazy; /* timer of changes that nobody waits for */
} Changes;

int changes_init(Changes *changes, const ManagerParts *parts, const ChangesEvents *events);
/* Answers all callers with -ECANCELED; nothing is committed. */
void changes_done(Changes *changes);

/* Saves the job with the batch. changed: what is to be announced. Errors of the store. */
int changes_save(Changes *changes, Job *job, unsigned effects, JobChanges changed);
/* Makes a move and saves it. Errors of job_apply() and of the store. */
int changes_move(Changes *changes, Job *job, JobEvent event, JobChanges changed);
/* The job takes part in the end of the batch; the caller has stored what there is to store. */
void changes_mark(Changes *changes, Job *job, unsigned effects, JobChanges changed);
/* As changes_mark(), for changes that nobody waits for. */
void changes_mark_lazily(Changes *changes, Job *job, JobChanges changed);
/* Takes back effects of a move in this batch; the caller has other plans with the job. */
void changes_withhold(Job *job, unsigned effects);
bool changes_is_pending(const Job *job);

/* The batch ends with a commit though no job has changed yet. */
void changes_arm(Changes *changes);
/* A secret was removed from the store: no trace of it may stay in the store's log. */
void changes_erase_log(Changes *changes);
/* The batch cannot succeed any more: all of it is taken back with this negative errno. */
void changes_fail(Changes *changes, int error);

/* Calls back when the batch is on disk or has failed. -ENOMEM: the batch fails. */
int changes_when_saved(Changes *changes, changes_saved_t callback, void *userdata);
/* Commits at once. Negative errno: the batch was taken back. */
int changes_commit(Changes *changes);

/* Nobody waits, and nothing is left to commit. */
bool changes_is_idle(const Changes *changes);
