/*
 * The inside of the manager, for manager*.c only: its state, and what a change goes through,
 * whatever caused it:
 *
 *   policy_check ─► job_apply ─► manager_change() ─► … end of the turn … ─► manager_commit()
 *                                      │                                        │
 *                                      └─ store_put_*, one transaction          ├ fails: revert
 *                                                                               └ tell, answer,
 *                                                                                 stop, start
 *
 *   manager.c        life: made, loaded, stopped, freed
 *   manager-verbs.c  what callers may do
 *   manager-settings.c  changing settings, and collecting them for a worker
 *   manager-turn.c   gathering changes, the commit, carrying effects out, taking back
 *   manager-work.c   planning, workers, what they say
 */
#pragma once

#include "base/log.h"

#include "manager/job-run.h"
#include "manager/manager.h"

/* Requests first, then one commit for all of them, then new workers. */
#define PRIORITY_COMMIT (SD_EVENT_PRIORITY_NORMAL + 10)
#define PRIORITY_PLAN   (SD_EVENT_PRIORITY_NORMAL + 20)

/* Boottime: what the stopwatches of a job run by. */
#define manager_ticks(manager) clock_boottime((manager)->parts.clock)

/* How long a job whose change could not be saved waits before it is tried again. */
#define SAVE_RETRY_USEC (10 * USEC_PER_SEC)

/* A caller that waits for the end of the turn. */
typedef struct Saved {
        List link; /* Manager.saved */
        manager_saved_t callback;
        void *userdata;
} Saved;

/* A caller that waits for a worker: Complete or Cancel. */
typedef struct Waiter {
        List link; /* Manager.waiters */
        Job *job;
        manager_done_t done;
        void *userdata;
} Waiter;

struct Manager {
        ManagerParts parts;
        ManagerObserver observer;
        Scheduler schedulers[SCHEDULER_POOLS_MAX];
        Job *jobs; /* by id; owned */
        uint32_t n_work;
        List dirty;   /* Job.dirty_link */
        List saved;   /* Saved.link */
        List waiters; /* Waiter.link */
        List running; /* Job.running_link */
        unsigned n_changes;
        bool credential_removed;  /* empty the log after the commit */
        sd_event_source *commit;  /* end of the turn */
        sd_event_source *lazy;    /* timer of changes nobody waits for */
        sd_event_source *plan;    /* starts workers where a pool has places left */
        sd_event_source *rescue;  /* timer of jobs that could get none of their own */
        uint64_t no_process_usec; /* boottime, when it was last logged that none can be had */
        bool stopping;
        void (*stopped)(void *userdata);
        void *stopped_userdata;
};

/* An entry of the log about a job; event: LOG_ID_* or NULL, error_: positive errno or 0. */
#define log_job(level, job, error_, event, ...)                                                    \
        log_write((level),                                                                         \
                  &(LogContext){ .job_id = sd_id128_to_string((job)->id,                           \
                                                              (char[SD_ID128_STRING_MAX]){ 0 }),   \
                                 .message_id = (event),                                            \
                                 .owner_uid = (job)->owner->uid,                                   \
                                 .has_owner = 1,                                                   \
                                 .error = (error_) },                                              \
                  __VA_ARGS__)

/* ---- manager-turn.c -------------------------------------------------------------------------- */

/* Puts the job's row into the turn's transaction. Errors of the store. */
int manager_change(Manager *manager, Job *job, unsigned effects, JobChanges changes);
/* A move, and what follows from it. Errors of job_apply() and of the store. */
int manager_move(Manager *manager, Job *job, JobEvent event);
/* The job takes part in the turn's end; the caller arms the commit. */
void manager_mark_dirty(Manager *manager, Job *job, unsigned effects, JobChanges changes);
void manager_arm_commit(Manager *manager);
/* For changes that nobody waits for. */
void manager_arm_lazy_commit(Manager *manager);

/* -ENOBUFS: too many wait for this job already; -ENOMEM */
int manager_add_waiter(Manager *manager, Job *job, manager_done_t done, void *userdata);
/* Takes back the one that was added last, unanswered: its verb has failed. */
void manager_drop_last_waiter(Manager *manager);
void manager_answer_waiters(Manager *manager, Job *job, int result, bool partial, const char *text);
/* The service stops: answers those whose worker has not been started. */
void manager_answer_unserved(Manager *manager);
void manager_answer_saved(Manager *manager, int result);

/* Keeps the file that makes systemd start the service at boot. */
void manager_count_work(Manager *manager, Job *job, bool work);
/* The job leaves the bus; what is left on disk is the cleaner's. */
void manager_tell_gone(Manager *manager, Job *job, int result, bool partial, const char *text);
/* Deletes the row and frees the job. */
void manager_remove_job(Manager *manager, Job *job);
/* Frees a job whose row is gone or was never there. */
void manager_drop_job(Manager *manager, Job *job);

/* Puts a job back to what the disk says. Errors of the store: it stays as it is. */
int manager_reread(Manager *manager, Job *job);

int manager_on_commit(sd_event_source *source, void *userdata);
int manager_on_lazy_commit(sd_event_source *source, uint64_t usec, void *userdata);

/* ---- manager-settings.c ---------------------------------------------------------------------- */

/*
 * The settings for the job's next worker, with their secrets; job_settings_done() frees them.
 * -ENOKEY: a secret was set and is lost, and *ret_lost is the sentence for it.
 */
int manager_collect_settings(Manager *manager,
                             const Job *job,
                             JobSettings *ret,
                             const char **ret_lost);
/*
 * Takes back the settings that a new owner must not inherit. A change of the job must follow, which
 * fails if this could not be stored; the credentials are the caller's business.
 */
void manager_forget_owners_settings(Manager *manager, Job *job);

/* ---- manager-verbs.c ------------------------------------------------------------------------- */

/* Sends an active job back into the queue, so that a new worker does it. */
int manager_requeue(Manager *manager, Job *job);

/* ---- manager-work.c -------------------------------------------------------------------------- */

extern const JobRunEvents manager_run_events;

/* Does what the state of a job without a worker asks for. */
void manager_advance(Manager *manager, Job *job);
/* Starts the worker of the run that the job has. */
void manager_start_run(Manager *manager, Job *job);
/* Frees the run and its place; the job's owner may have changed meanwhile. */
void manager_end_run(Manager *manager, Job *job);
/* Calls back into the job's state after that time, or some seconds later for lack of memory. */
void manager_wait_for(Manager *manager, Job *job, uint64_t delay_usec);
/* Until the next attempt of a job in TRANSIENT_ERROR, or until it is given up. */
void manager_wait_for_attempt(Manager *manager, Job *job);
/* As long as a job may still connect and transfer. */
void manager_wait_for_end(Manager *manager, Job *job);
/* Whatever was counted against the job does not count any more. */
void manager_forget_failures(Manager *manager, Job *job);
/* Starts workers for what waits, as far as the pools have places left. */
void manager_arm_plan(Manager *manager);
int manager_on_plan(sd_event_source *source, void *userdata);
int manager_on_rescue(sd_event_source *source, uint64_t usec, void *userdata);

/* ---- manager.c ------------------------------------------------------------------------------- */

/* A worker has ended: if it was the last one that a stop waited for, the stop is done. */
void manager_finish_stop(Manager *manager);
