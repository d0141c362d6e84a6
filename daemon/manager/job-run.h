/*
 * A worker at work for one job: builds its order, gathers what it says, measures the rate, and
 * turns its end into one outcome. Decides nothing: the manager applies the outcome.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/clock.h"
#include "base/macro.h"

#include "manager/job.h"
#include "manager/spawner.h"
#include "manager/worker-link.h"

typedef enum JobOutcome {
        JOB_OUTCOME_DONE,       /* all files given are whole, published or cleaned */
        JOB_OUTCOME_STOPPED,    /* was told to */
        JOB_OUTCOME_TRANSIENT,  /* failure, may be better later */
        JOB_OUTCOME_FATAL,      /* failure, needs the owner */
        JOB_OUTCOME_NO_PROCESS, /* there was no worker: no further process could be had now */
} JobOutcome;

typedef struct JobFailure {
        uint32_t code;
        ErrorContext context;
        char *description; /* owned */
        char *url;         /* owned */
        int64_t file;      /* -1: none */
        uint64_t retry_after_sec;
        bool lost; /* the worker went without a word */
} JobFailure;

/* userdata of all: Job.manager. */
typedef struct JobRunEvents {
        /* First bytes, or their number, came in. */
        void (*receiving)(void *userdata, Job *job);
        /* Live figures changed. */
        void (*progress)(void *userdata, Job *job);
        /* Records are on disk and in the job; index of each in turn. */
        void (*checkpoint)(void *userdata, Job *job, const uint32_t *indexes, size_t n_indexes);
        int (*authenticate)(void *userdata,
                            Job *job,
                            AuthTarget target,
                            unsigned offered,
                            Credential *ret);
        /* The process is gone; the run is freed by the receiver. failure: borrowed, zeroed if none.
         */
        void (*ended)(void *userdata, Job *job, JobOutcome outcome, const JobFailure *failure);
} JobRunEvents;

/* Hangs itself into job->run. events is borrowed. -ENOMEM. */
int job_run_new(Job *job,
                WorkerTask task,
                const Clock *clock,
                const JobRunEvents *events,
                JobRun **ret);
/* Kills the worker if there is one. */
JobRun *job_run_free(JobRun *run);
DEFINE_CLEANUP(JobRun *, job_run_free);

/*
 * Starts the worker. A failure to start is told through ended(), from the loop, like every other
 * failure. -ENOMEM.
 */
int job_run_start(JobRun *run,
                  sd_event *event,
                  Spawner *spawner,
                  const JobSettings *settings); /* DOWNLOAD; else NULL */
/* Instead of starting: it failed already, for good; ended() tells so from the loop. -ENOMEM. */
int job_run_refuse(JobRun *run, sd_event *event, uint32_t code, const char *text);
bool job_run_is_started(const JobRun *run);
/* A download that is started syncs and ends; ended() follows. */
void job_run_stop(JobRun *run);

WorkerTask job_run_task(const JobRun *run);
/* The owner whose worker this counts as, whoever owns the job now. */
Owner *job_run_owner(const JobRun *run);
/* What there is on disk is known: the worker ended after its last word, or there was none. */
bool job_run_told_all(const JobRun *run);
/* The job's files when it started; those added later are the next worker's. */
uint32_t job_run_n_files(const JobRun *run);
