/*
 * The run of one worker for one job: builds the worker's order, collects its reports, measures the
 * rate, and turns the end of the process into one outcome. What the outcome means for the job is
 * decided by the receiver of the events.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/macro.h"

#include "manager/job.h"
#include "manager/manager-parts.h"
#include "manager/worker-link.h"

typedef enum JobOutcome {
        JOB_OUTCOME_DONE,       /* it says that its files are whole, published or cleaned */
        JOB_OUTCOME_STOPPED,    /* it was asked to stop */
        JOB_OUTCOME_FAILED,     /* the failure says whether it may pass by itself */
        JOB_OUTCOME_LOST,       /* it ended without a report of its success or failure */
        JOB_OUTCOME_NO_PROCESS, /* no worker ran, because no process could be created now */
} JobOutcome;

typedef struct JobRunEvents {
        /* The first bytes, or their number, have come in. */
        void (*receiving)(void *userdata, Job *job);
        /* Live figures have changed. */
        void (*progress)(void *userdata, Job *job);
        /* The records of these files are in the job; the worker has the bytes on disk. */
        void (*checkpoint)(void *userdata, Job *job, const uint32_t *indexes, size_t n_indexes);
        /* A finished file cannot be published, because its temporary file is gone. */
        void (*lost)(void *userdata, Job *job, uint32_t index);
        /* The process is gone; the receiver frees the run. failure: borrowed, code 0 if none */
        void (*ended)(void *userdata, Job *job, JobOutcome outcome, const Failure *failure);
        void *userdata;
} JobRunEvents;

/* parts, job and events are borrowed. -ENOMEM. */
int job_run_new(const ManagerParts *parts,
                Job *job,
                WorkerTask task,
                const JobRunEvents *events,
                JobRun **ret);
/* Kills the worker if there is one. */
JobRun *job_run_free(JobRun *run);
DEFINE_CLEANUP(JobRun *, job_run_free);

/*
 * Starts the worker. If none can be started, ended() reports it from the loop, as it does every
 * other failure. -ENOMEM: nothing was started, and ended() is not called.
 */
int job_run_start(JobRun *run, const JobSettings *settings); /* DOWNLOAD; else NULL */
/* Fails the run for good instead of starting it; ended() is called from the loop. -ENOMEM. */
int job_run_refuse(JobRun *run, uint32_t code, const char *text);
bool job_run_is_started(const JobRun *run);
/* Tells the worker of a DOWNLOAD which of these settings have changed live; see worker-link.h. */
void job_run_change(JobRun *run, const JobSettings *settings);
/* Asks the worker to write its bytes to the disk and to end; ended() follows. */
void job_run_stop(JobRun *run);

WorkerTask job_run_task(const JobRun *run);
/* The owner as whom the worker runs, even if the job has another owner by now. */
Owner *job_run_owner(const JobRun *run);
/*
 * False if the worker ended before its last report, or if a report was lost, so that it may have
 * created a file that is not in the job. True also for a worker that was never started.
 */
bool job_run_has_reported_all(const JobRun *run);
/* The job does not have all that the worker has reported: it was read back from the store. */
void job_run_lose_reports(JobRun *run);
/* lost() was called. */
bool job_run_has_lost_files(const JobRun *run);
/* Job.unreported as it was before the run. */
bool job_run_unreported_before(const JobRun *run);
/* The number of the job's files at the start; files added later are for the next worker. */
uint32_t job_run_n_files(const JobRun *run);
