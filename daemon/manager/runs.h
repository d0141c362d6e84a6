/*
 * The workers of all jobs: which job waits for one, which has one, and the start and the end of
 * each. Two pools limit their number, see scheduler.h.
 *
 *   runs_enqueue() ─► the scheduler chooses ─► JobRun is made ─► commit ─► runs_start() ─► worker
 *                                              and saved                                     │
 *                          runs_end()  ◄── events.ended(), which reads the outcome ◄─────────┘
 *
 * A download has its run before it has a worker: between the two the new state is saved, so that
 * after a crash it is known that a worker may have created files.
 */
#pragma once

#include <stdbool.h>

#include "manager/changes.h"
#include "manager/job-run.h"

typedef struct Runs {
        const ManagerParts *parts;
        Changes *changes;
        Timers *timers;
        JobRunEvents events;
        Scheduler schedulers[SCHEDULER_POOLS_MAX];
        List running;          /* JobWork.running_link */
        sd_event_source *plan; /* starts workers while the pools have room */
        bool stopping;
        void (*stopped)(void *userdata);
        void *userdata; /* of stopped() */
} Runs;

/* changes and timers are borrowed. */
int runs_init(Runs *runs,
              const ManagerParts *parts,
              Changes *changes,
              Timers *timers,
              const JobRunEvents *events);
void runs_done(Runs *runs);

/* The job waits for a worker of that pool. */
void runs_enqueue(Runs *runs, Job *job, SchedulerPool pool);
/* The job has a run whose worker is not started, because its new state is not saved yet. */
bool runs_is_chosen(const Job *job);
/* Starts the worker of a run; what fails for lack of memory is tried again by the job's timer. */
void runs_start(Runs *runs, Job *job);
/* Stops a worker that downloads; a run that has no worker yet ends at once. */
void runs_halt(Runs *runs, Job *job);
/* Frees the run, its worker and its place in the pool. */
void runs_end(Runs *runs, Job *job);

/* An active job goes through the queue to a worker that knows its present files and settings. */
int runs_replace_worker(Runs *runs, Job *job);

/*
 * If the worker has reported all that it left on disk, Job.unreported is what it was before. To be
 * called before the end of the worker is saved.
 */
void runs_trust_report(Job *job);
/* Starts the timer that ends the job's time to connect and transfer. */
void runs_limit_time(Runs *runs, Job *job);
/* A worker has temporary files of the job to publish or to remove. */
bool runs_has_temporary_files(const Job *job);

/*
 * Stops all workers and starts no more; stopped() is called from the loop when the last one is
 * gone, or by runs_kill().
 */
void runs_stop(Runs *runs, void (*stopped)(void *userdata), void *userdata);
void runs_kill(Runs *runs);
bool runs_is_idle(const Runs *runs);
