/*
 * The workers of all jobs: which job waits for one, which has one, and the start and the end of
 * each. Two pools limit their number, see scheduler.h.
 *
 *   runs_enqueue() ─► scheduler_next() ─► job_run_new() ─► commit ─► runs_start() ─► the worker
 *                                                                                        │
 *                                               runs_end() ◄───── events.ended() ◄───────┘
 *
 * A download gets its run first and its worker only after a commit, so that the store knows, should
 * the service crash, that a worker may have created files. Other runs start at once.
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

/* The configuration has changed. */
void runs_take_config(Runs *runs);

/* The job waits for a worker of that pool. */
void runs_enqueue(Runs *runs, Job *job, SchedulerPool pool);
void runs_dequeue(Job *job);
bool runs_is_queued(const Job *job);
/* The job has a run, which counts against the limits of a pool. */
bool runs_has_run(const Job *job);
/* The worker of the run is not started, because the new state of the job is not saved yet. */
bool runs_is_chosen(const Job *job);
/* Starts the worker of a run; what fails for lack of memory is tried again by the job's timer. */
void runs_start(Runs *runs, Job *job);
/* Asks the worker to end; a run whose worker is not started ends at once. */
void runs_halt(Runs *runs, Job *job);
/* Frees the run and its worker, so that the pool may start another one. */
void runs_end(Runs *runs, Job *job);

/* Tells the worker of a download, if it runs, the present settings that can change live. */
void runs_update_worker(Runs *runs, Job *job);
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
bool runs_is_stopping(const Runs *runs);
/* No job has a worker. */
bool runs_is_idle(const Runs *runs);
/* Calls back for each job that has a worker; the callback may end it. */
void runs_each(const Runs *runs, void (*each)(void *userdata, Job *job), void *userdata);
