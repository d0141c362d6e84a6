/*
 * Takes each job its next step: carries out the effects of changes that are on disk, puts jobs back
 * whose changes are not, and goes on when the timer of a job expires.
 */
#pragma once

#include "manager/announcer.h"
#include "manager/changes.h"
#include "manager/job-table.h"
#include "manager/reports.h"
#include "manager/runs.h"
#include "manager/waiters.h"

/* All pointers are borrowed. */
typedef struct Effects {
        const ManagerParts *parts;
        JobTable *table;
        Changes *changes;
        Waiters *waiters;
        Timers *timers;
        Announcer *announcer;
        Runs *runs;
        Reports *reports;
} Effects;

/* Callbacks for Changes and Timers; userdata is an Effects. */
void effects_on_committed(void *userdata, Job *job, unsigned bits, JobChanges changed);
void effects_on_reverted(void *userdata, Job *job, JobChanges changed, int error);
void effects_on_timer(void *userdata, TimersEntry *entry);

/* Puts a job back to what the store has. Errors of the store: the job stays as it is, stale. */
int effects_reread(Effects *effects, Job *job);

/* Deletes the job from the store and frees it. */
void effects_remove_job(Effects *effects, Job *job);
/* Frees a job that the store does not have, or that the service loads again at its next start. */
void effects_drop_job(Effects *effects, Job *job);
