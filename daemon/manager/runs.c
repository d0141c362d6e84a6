#include "manager/runs.h"

#include <errno.h>

#include "manager/job-log.h"
#include "manager/job-order.h"
#include "model/error-code.h"
#include "model/limits.h"

/* Workers are started after the commit, which ends other workers and so makes room. */
#define PLAN_PRIORITY (CHANGES_PRIORITY + 10)

static SchedulerPool pool_of(WorkerTask task)
{
        return task == WORKER_TASK_DOWNLOAD ? SCHEDULER_DOWNLOADS : SCHEDULER_ENDINGS;
}

static void arm_plan(Runs *runs)
{
        (void) sd_event_source_set_enabled(runs->plan, SD_EVENT_ONESHOT);
}

void runs_enqueue(Runs *runs, Job *job, SchedulerPool pool)
{
        scheduler_add(&runs->schedulers[pool],
                      &job->work.queue,
                      job->owner,
                      (Priority) job->settings.priority);
        arm_plan(runs);
}

void runs_dequeue(Job *job)
{
        scheduler_remove(&job->work.queue);
}

bool runs_is_queued(const Job *job)
{
        return scheduler_is_queued(&job->work.queue);
}

bool runs_has_run(const Job *job)
{
        return job->work.run;
}

bool runs_is_chosen(const Job *job)
{
        return job->work.run && !job_run_is_started(job->work.run);
}

bool runs_has_temporary_files(const Job *job)
{
        for (uint32_t i = 0; i < job->n_files; i++)
                if (job_may_have_temp(job, i))
                        return true;
        return false;
}

void runs_limit_time(Runs *runs, Job *job)
{
        timers_start(runs->timers,
                     &job->timer,
                     attempts_active_left_usec(&job->attempts,
                                               runs->parts->clock,
                                               job->settings.maximum_download_time_sec));
}

static int start_download(Runs *runs, Job *job)
{
        _cleanup_(job_settings_done) JobSettings settings = { 0 };
        const char *lost;
        int r = job_order_collect(runs->parts, job, &settings, &lost);

        if (r == -ENOKEY) {
                job_log_write(LOG_WARNING, job, 0, LOG_ID_CREDENTIALS_LOST, "%s", lost);
                return job_run_refuse(job->work.run, (uint32_t) ERROR_CODE_CREDENTIALS_LOST, lost);
        }
        return r < 0 ? r : job_run_start(job->work.run, &settings);
}

void runs_start(Runs *runs, Job *job)
{
        JobRun *run = job->work.run;
        bool downloads = job_run_task(run) == WORKER_TASK_DOWNLOAD;
        int r = downloads ? start_download(runs, job) : job_run_start(run, NULL);

        if (r < 0) {
                job_log_write(LOG_ERR, job, -r, NULL, "A worker cannot be prepared yet");
                timers_start(runs->timers, &job->timer, TIMERS_RETRY_USEC);
        } else if (downloads) {
                attempts_start_active(&job->attempts, runs->parts->clock);
                runs_limit_time(runs, job);
        }
}

void runs_trust_report(Job *job)
{
        const JobRun *run = job->work.run;

        /* Files that an earlier worker did not report may still be there, hence not "false". */
        if (job_run_task(run) == WORKER_TASK_DOWNLOAD && job_run_has_reported_all(run))
                job->unreported = job_run_unreported_before(run);
}

void runs_end(Runs *runs, Job *job)
{
        Owner *owner = job_run_owner(job->work.run); /* the job may have another one by now */
        WorkerTask task = job_run_task(job->work.run);

        runs_trust_report(job);
        list_remove(&job->work.running_link);
        job->work.run = job_run_free(job->work.run);
        if (task == WORKER_TASK_DOWNLOAD) {
                attempts_stop_active(&job->attempts, runs->parts->clock);
                timers_cancel(&job->timer);
        }
        scheduler_finished(&runs->schedulers[pool_of(task)], owner);
        owners_release(runs->parts->owners, owner);
        arm_plan(runs);
}

void runs_halt(Runs *runs, Job *job)
{
        if (job_run_is_started(job->work.run))
                job_run_stop(job->work.run);
        else
                runs_end(runs, job);
}

void runs_update_worker(Runs *runs, Job *job)
{
        JobSettings view = job_order_view(runs->parts, job);

        /* The worker of an old owner learns nothing of the new one. */
        if (job->work.run && job_run_owner(job->work.run) == job->owner)
                job_run_change(job->work.run, &view);
}

void runs_take_config(Runs *runs)
{
        scheduler_set_limits(&runs->schedulers[SCHEDULER_DOWNLOADS],
                             (uint32_t) runs->parts->config->max_active_jobs,
                             (uint32_t) runs->parts->config->max_active_jobs_per_user);
        arm_plan(runs);
        LIST_FOREACH_SAFE (link, after, &runs->running)
                runs_update_worker(runs, CONTAINER_OF(link, Job, work.running_link));
}

int runs_replace_worker(Runs *runs, Job *job)
{
        int r;

        if (!job_is_active(job))
                return 0;
        r = changes_move(runs->changes, job, JOB_EVENT_SUSPEND, 0);
        return r < 0 ? r : changes_move(runs->changes, job, JOB_EVENT_RESUME, 0);
}

/*
 * Makes the run of a job that the scheduler has chosen. False if the job does not need a worker any
 * more, because a change was taken back meanwhile, or if there is no memory for a run yet.
 */
static bool make_run(Runs *runs, Job *job, WorkerTask task, bool needed)
{
        if (needed && !job->work.run &&
            job_run_new(runs->parts, job, task, &runs->events, &job->work.run) >= 0) {
                list_append(&runs->running, &job->work.running_link);
                return true;
        }
        scheduler_finished(&runs->schedulers[pool_of(task)], job->owner);
        timers_start(runs->timers, &job->timer, TIMERS_RETRY_USEC);
        return false;
}

/* Publishes the files of a job, or removes the temporary files of a cancelled one. */
static void choose_for_ending(Runs *runs, Job *job)
{
        if (make_run(runs,
                     job,
                     job->publishing ? WORKER_TASK_PUBLISH : WORKER_TASK_CLEAN,
                     job->publishing || job_is_final(job)))
                runs_start(runs, job);
}

/* The worker is started after the commit; a job that has nothing left to fetch needs none. */
static void choose_for_download(Runs *runs, Job *job)
{
        if (!make_run(runs, job, WORKER_TASK_DOWNLOAD, job->state == JOB_QUEUED))
                return;
        attempts_begin(&job->attempts);
        if (job->n_finished < job->n_files)
                job->unreported = true;
        (void) changes_move(runs->changes, job, JOB_EVENT_START, 0);
        if (job->n_finished == job->n_files) {
                attempts_succeed(&job->attempts);
                job->transferred_usec = clock_realtime(runs->parts->clock);
                (void) changes_move(runs->changes, job, JOB_EVENT_TRANSFERRED, JOB_CHANGE_TIMES);
                runs_end(runs, job);
        }
}

static void finish_stop(Runs *runs)
{
        void (*stopped)(void *userdata) = runs->stopped;

        runs->stopped = NULL;
        if (stopped)
                stopped(runs->userdata);
}

static int on_plan(sd_event_source *source, void *userdata)
{
        Runs *runs = userdata;
        SchedulerEntry *entry;

        if (runs->stopping) {
                if (runs_is_idle(runs))
                        finish_stop(runs);
                return 0;
        }
        while ((entry = scheduler_next(&runs->schedulers[SCHEDULER_ENDINGS])))
                choose_for_ending(runs, CONTAINER_OF(entry, Job, work.queue));
        while ((entry = scheduler_next(&runs->schedulers[SCHEDULER_DOWNLOADS])))
                choose_for_download(runs, CONTAINER_OF(entry, Job, work.queue));
        return 0;
}

int runs_init(Runs *runs,
              const ManagerParts *parts,
              Changes *changes,
              Timers *timers,
              const JobRunEvents *events)
{
        int r;

        *runs = (Runs){ .parts = parts, .changes = changes, .timers = timers, .events = *events };
        list_init(&runs->running);
        scheduler_init(&runs->schedulers[SCHEDULER_DOWNLOADS],
                       SCHEDULER_DOWNLOADS,
                       (uint32_t) parts->config->max_active_jobs,
                       (uint32_t) parts->config->max_active_jobs_per_user);
        scheduler_init(&runs->schedulers[SCHEDULER_ENDINGS],
                       SCHEDULER_ENDINGS,
                       LIMIT_ENDINGS,
                       LIMIT_ENDINGS_PER_USER);
        r = sd_event_add_defer(parts->event, &runs->plan, on_plan, runs);
        if (r >= 0)
                r = sd_event_source_set_enabled(runs->plan, SD_EVENT_OFF);
        return r < 0 ? r : sd_event_source_set_priority(runs->plan, PLAN_PRIORITY);
}

void runs_done(Runs *runs)
{
        runs->plan = sd_event_source_disable_unref(runs->plan);
}

void runs_stop(Runs *runs, void (*stopped)(void *userdata), void *userdata)
{
        runs->stopping = true;
        runs->stopped = stopped;
        runs->userdata = userdata;
        LIST_FOREACH_SAFE (link, after, &runs->running)
                runs_halt(runs, CONTAINER_OF(link, Job, work.running_link));
        if (runs_is_idle(runs))
                arm_plan(runs);
}

void runs_kill(Runs *runs)
{
        LIST_FOREACH_SAFE (link, after, &runs->running)
                runs_end(runs, CONTAINER_OF(link, Job, work.running_link));
        finish_stop(runs);
}

bool runs_is_idle(const Runs *runs)
{
        return list_is_empty(&runs->running);
}

bool runs_is_stopping(const Runs *runs)
{
        return runs->stopping;
}

void runs_each(const Runs *runs, void (*each)(void *userdata, Job *job), void *userdata)
{
        LIST_FOREACH_SAFE (link, after, &runs->running)
                each(userdata, CONTAINER_OF(link, Job, work.running_link));
}
