#include "manager/reports.h"

#include <errno.h>

#include "manager/job-log.h"
#include "model/error-code.h"

/* A worker tries this often to remove temporary files; the pause doubles with each attempt. */
#define CLEAN_ATTEMPTS   10
#define CLEAN_RETRY_USEC (100 * USEC_PER_MSEC)

/* While no process can be had for a worker: how soon to ask again, and how often to log it. */
#define NO_PROCESS_RETRY_USEC USEC_PER_SEC
#define NO_PROCESS_LOG_USEC   (60 * USEC_PER_SEC)

static void on_receiving(void *userdata, Job *job)
{
        Reports *reports = userdata;

        job->answered = true;
        (void) changes_move(reports->changes, job, JOB_EVENT_RECEIVING, 0);
}

static void on_progress(void *userdata, Job *job)
{
        Reports *reports = userdata;

        job->moved_usec = clock_boottime(reports->parts->clock);
        announcer_progress(reports->announcer, job);
}

/* A refusal of the store needs no handling here: the commit of the batch fails then. */
static void on_checkpoint(void *userdata, Job *job, const uint32_t *indexes, size_t n_indexes)
{
        Reports *reports = userdata;
        Store *store = reports->parts->store;
        bool finished = false;

        for (size_t i = 0; i < n_indexes; i++) {
                finished |= job->files[indexes[i]].record.finished;
                (void) store_put_file(store, job, indexes[i]);
        }
        if (attempts_note_progress(&job->attempts, job->bytes_transferred, finished))
                (void) store_put_job(store, job);
        changes_mark_lazily(reports->changes, job, finished ? JOB_CHANGE_FILES : 0);
        on_progress(reports, job);
}

/* Its bytes stay on record: they are looked for again, as on a disk that is not mounted now. */
static void on_lost(void *userdata, Job *job, uint32_t index)
{
        Reports *reports = userdata;

        job_lose_file(job, index);
        (void) store_put_file(reports->parts->store, job, index);
        changes_mark(reports->changes, job, 0, JOB_CHANGE_FILES);
}

static void add_slots(const Reports *reports, Job *job, AuthTarget target)
{
        unsigned schemes, implicit;

        if (store_slot_schemes(reports->parts->store, job, target, &schemes, &implicit) >= 0)
                failure_add_schemes(&job->error,
                                    target == AUTH_TARGET_PROXY ? "Set for target proxy"
                                                                : "Set for target server",
                                    schemes);
        if (job->credentials_lost)
                failure_add(&job->error, "The stored credentials were lost; set them again.");
}

/* Sets the error that the owner sees. */
static void set_error(const Reports *reports, Job *job, const Failure *failure)
{
        job_set_error(job, failure);
        if (failure->code == ERROR_CODE_HTTP(401))
                add_slots(reports, job, AUTH_TARGET_SERVER);
        else if (failure->code == ERROR_CODE_HTTP(407))
                add_slots(reports, job, AUTH_TARGET_PROXY);
        job->error_count++;
}

static void fail(Reports *reports, Job *job, const Failure *failure)
{
        set_error(reports, job, failure);
        (void) changes_move(reports->changes, job, JOB_EVENT_FAILED, JOB_CHANGE_ERROR);
}

/* lost: the worker ended without a report of its success or failure. */
static void fail_transiently(Reports *reports, Job *job, const Failure *failure, bool lost)
{
        AttemptsLimits limits;

        job->answered |= ERROR_CODE_IS_HTTP(failure->code);
        limits = job_attempts_limits(job, reports->parts->config->max_retry_delay_sec);
        if (!attempts_fail(&job->attempts,
                           reports->parts->clock,
                           &limits,
                           lost,
                           failure->retry_after_sec)) {
                fail(reports, job, failure);
                return;
        }
        set_error(reports, job, failure);
        (void) changes_move(reports->changes,
                            job,
                            JOB_EVENT_FAILED_TRANSIENT,
                            JOB_CHANGE_ERROR | JOB_CHANGE_TIMES);
}

void reports_fail_stalled(Reports *reports, Job *job)
{
        (void) changes_move(reports->changes, job, JOB_EVENT_FAILED, 0);
}

void reports_fail_overdue(Reports *reports, Job *job)
{
        char text[] = "The job took longer than its MaximumDownloadTime.";
        const Failure failure = {
                .code = (uint32_t) ERROR_CODE_MAXIMUM_DOWNLOAD_TIME,
                .context = ERROR_CONTEXT_GENERAL_QUEUE_MANAGER,
                .file = FAILURE_NO_FILE,
                .description = text,
        };

        attempts_settle_active(&job->attempts, reports->parts->clock);
        fail(reports, job, &failure);
        changes_mark(reports->changes, job, JOB_HALT, 0);
}

/* A worker that says it has finished is believed only if the files that it was given are whole. */
static bool all_given_files_are_finished(const Job *job)
{
        uint32_t n_given = job_run_n_files(job->work.run);

        for (uint32_t i = 0; i < n_given; i++)
                if (!job->files[i].record.finished)
                        return false;
        return true;
}

static void download_succeeded(Reports *reports, Job *job)
{
        char text[] = "The worker ended before all files were whole.";
        const Failure unfinished = {
                .code = (uint32_t) ERROR_CODE_WORKER_FAILED,
                .transient = true,
                .context = ERROR_CONTEXT_GENERAL_QUEUE_MANAGER,
                .file = FAILURE_NO_FILE,
                .description = text,
        };

        if (!all_given_files_are_finished(job)) {
                fail_transiently(reports, job, &unfinished, true);
        } else if (job->n_finished < job->n_files) { /* files were added meanwhile */
                (void) changes_move(reports->changes, job, JOB_EVENT_REQUEUE, 0);
        } else {
                attempts_succeed(&job->attempts);
                job->transferred_usec = clock_realtime(reports->parts->clock);
                (void) changes_move(reports->changes, job, JOB_EVENT_TRANSFERRED, JOB_CHANGE_TIMES);
        }
}

static void download_ended(Reports *reports, Job *job, JobOutcome outcome, const Failure *failure)
{
        attempts_stop_active(&job->attempts, reports->parts->clock);
        if (outcome == JOB_OUTCOME_STOPPED) /* saves the active time, since no move follows */
                (void) store_put_job(reports->parts->store, job);
        else if (!job_is_active(job))
                return;
        else if (outcome == JOB_OUTCOME_DONE)
                download_succeeded(reports, job);
        else if (failure->transient)
                fail_transiently(reports, job, failure, outcome == JOB_OUTCOME_LOST);
        else
                fail(reports, job, failure);
}

/* The files of a job that completes itself could not be put in place: it is tried again later. */
static void plan_completion(Reports *reports, Job *job)
{
        const AttemptsLimits limits =
                job_attempts_limits(job, reports->parts->config->max_retry_delay_sec);

        if (!attempts_fail(&job->attempts, reports->parts->clock, &limits, false, 0))
                job_log_write(LOG_NOTICE, job, 0, LOG_ID_JOB_FAILED, "not completed any more");
}

static void publish_ended(Reports *reports, Job *job, JobOutcome outcome, const Failure *failure)
{
        JobChanges changed = JOB_CHANGE_ERROR;

        job->publishing = false;
        /* The callers of a success are answered when the job is removed. */
        if (outcome == JOB_OUTCOME_DONE &&
            changes_move(reports->changes, job, JOB_EVENT_PUBLISHED, 0) >= 0)
                return;
        if (outcome == JOB_OUTCOME_DONE || outcome == JOB_OUTCOME_STOPPED) {
                waiters_answer(reports->waiters, job, -ECANCELED, false, "The service is stopping");
                return;
        }
        set_error(reports, job, failure);
        if (job->state == JOB_TRANSFERRED && job_run_has_lost_files(job->work.run)) {
                (void) changes_move(reports->changes, job, JOB_EVENT_FAILED, changed);
        } else {
                if (job_completes_itself(job)) {
                        plan_completion(reports, job);
                        changed |= JOB_CHANGE_TIMES;
                }
                (void) changes_save(reports->changes, job, 0, changed);
        }
        waiters_answer(reports->waiters, job, -EIO, false, failure_text(failure));
}

/* True: temporary files are left, and another worker tries to remove them after a pause. */
static bool clean_ended(Reports *reports, Job *job, JobOutcome outcome, const Failure *failure)
{
        JobCleaning *cleaning = &job->cleaning;

        if (outcome == JOB_OUTCOME_STOPPED)
                return false;
        /* The job is cancelled whether or not all temporary files can be removed. */
        waiters_answer(reports->waiters, job, 0, false, "");
        announcer_removed(reports->announcer, job);
        if (outcome != JOB_OUTCOME_DONE && ++cleaning->n_failures < CLEAN_ATTEMPTS) {
                timers_start(reports->timers,
                             &job->timer,
                             CLEAN_RETRY_USEC << cleaning->n_failures);
                return true;
        }
        if (outcome != JOB_OUTCOME_DONE)
                job_log_write(LOG_WARNING,
                              job,
                              0,
                              NULL,
                              "Temporary files are left behind, ignoring: %s",
                              failure_text(failure));
        cleaning->done = true;
        return false;
}

static void log_no_process(Reports *reports, const Job *job, const Failure *failure)
{
        uint64_t now = clock_boottime(reports->parts->clock);

        if (reports->no_process_usec != 0 && now - reports->no_process_usec < NO_PROCESS_LOG_USEC)
                return;
        reports->no_process_usec = now;
        job_log_write(LOG_WARNING,
                      job,
                      EAGAIN,
                      NULL,
                      "Jobs wait until a worker can be started for them: %s",
                      failure_text(failure));
}

/*
 * The machine, or a limit on the owner's processes, has no room for another worker. Nothing is
 * wrong with the job, so no failure is counted, and its timer puts it into the queue again.
 */
static void wait_for_process(Reports *reports, Job *job, const Failure *failure)
{
        log_no_process(reports, job, failure);
        runs_end(reports->runs, job); /* frees failure */
        if (job_is_active(job)) {
                (void) changes_move(reports->changes, job, JOB_EVENT_REQUEUE, 0);
                changes_withhold(job, JOB_PLAN);
        }
        timers_start(reports->timers, &job->timer, NO_PROCESS_RETRY_USEC);
        changes_mark(reports->changes, job, 0, 0);
        if (runs_is_stopping(reports->runs))
                waiters_answer_stopping(reports->waiters);
}

static void on_ended(void *userdata, Job *job, JobOutcome outcome, const Failure *failure)
{
        Reports *reports = userdata;
        bool pauses = false;

        if (outcome == JOB_OUTCOME_NO_PROCESS) {
                wait_for_process(reports, job, failure);
                return;
        }
        runs_trust_report(job);
        switch (job_run_task(job->work.run)) {
        case WORKER_TASK_DOWNLOAD:
                download_ended(reports, job, outcome, failure);
                break;
        case WORKER_TASK_PUBLISH:
                publish_ended(reports, job, outcome, failure);
                break;
        case WORKER_TASK_CLEAN:
        default:
                pauses = clean_ended(reports, job, outcome, failure);
                break;
        }
        runs_end(reports->runs, job);
        /* A queued job, Complete or Cancel may have waited for the end of this worker. */
        changes_mark(reports->changes, job, pauses ? 0 : JOB_PLAN, 0);
}

JobRunEvents reports_events(Reports *reports)
{
        return (JobRunEvents){
                .receiving = on_receiving,
                .progress = on_progress,
                .checkpoint = on_checkpoint,
                .lost = on_lost,
                .ended = on_ended,
                .userdata = reports,
        };
}
