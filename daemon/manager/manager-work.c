#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#include "manager/credentials.h"
#include "manager/manager-core.h"
#include "model/error-code.h"

/* Leftovers of a cancelled job are tried to be removed this often, after twice the time each. */
#define CLEAN_ATTEMPTS   10
#define CLEAN_RETRY_USEC (100 * USEC_PER_MSEC)

/* No process could be had for a worker: how soon to ask again, and how often to log it. */
#define NO_PROCESS_RETRY_USEC USEC_PER_SEC
#define NO_PROCESS_LOG_USEC   (60 * USEC_PER_SEC)

/* Jobs that news of the network bring forward are spread over so long: one commit, many starts. */
#define HINT_SPREAD_USEC (uint32_t) USEC_PER_SEC

void manager_arm_plan(Manager *manager)
{
        (void) sd_event_source_set_enabled(manager->plan, SD_EVENT_ONESHOT);
}

static bool has_temporary_files(const Job *job)
{
        for (uint32_t i = 0; i < job->n_files; i++)
                if (job_may_have_temp(job, i))
                        return true;
        return false;
}

static SchedulerPool pool_of(WorkerTask task)
{
        return task == WORKER_TASK_DOWNLOAD ? SCHEDULER_DOWNLOADS : SCHEDULER_ENDINGS;
}

/* The job waits for a place of that pool. */
static void enqueue(Manager *manager, Job *job, SchedulerPool pool)
{
        scheduler_add(&manager->schedulers[pool],
                      &job->queue,
                      job->owner,
                      (Priority) job->settings.priority);
        manager_arm_plan(manager);
}

static int new_run(Manager *manager, Job *job, WorkerTask task)
{
        int r = job_run_new(job, task, manager->parts.clock, &manager_run_events, &job->run);

        if (r >= 0)
                list_append(&manager->running, &job->running_link);
        return r;
}

static int start_download(Manager *manager, Job *job)
{
        _cleanup_(job_settings_done) JobSettings settings = { 0 };
        const char *lost;
        int r = manager_collect_settings(manager, job, &settings, &lost);

        if (r == -ENOKEY) {
                log_job(LOG_WARNING, job, 0, LOG_ID_CREDENTIALS_LOST, "%s", lost);
                return job_run_refuse(job->run,
                                      manager->parts.event,
                                      (uint32_t) ERROR_CODE_CREDENTIALS_LOST,
                                      lost);
        }
        return r < 0 ? r
                     : job_run_start(job->run,
                                     manager->parts.event,
                                     manager->parts.spawner,
                                     &settings);
}

void manager_start_run(Manager *manager, Job *job)
{
        WorkerTask task = job_run_task(job->run);
        int r = task == WORKER_TASK_DOWNLOAD ? start_download(manager, job)
                                             : job_run_start(job->run,
                                                             manager->parts.event,
                                                             manager->parts.spawner,
                                                             NULL);

        if (r < 0) { /* out of memory: the state stays */
                log_job(LOG_ERR, job, -r, NULL, "A worker cannot be prepared yet");
                manager_wait_for(manager, job, SAVE_RETRY_USEC);
        } else if (task == WORKER_TASK_DOWNLOAD) {
                stopwatch_start(&job->active, manager_ticks(manager));
                manager_wait_for_end(manager, job);
        }
}

/* Nothing is on disk that this worker did not tell of; an earlier one may have left something. */
static void believe(Job *job)
{
        if (job_run_task(job->run) == WORKER_TASK_DOWNLOAD && job_run_told_all(job->run))
                job->untold = job->untold_before;
}

void manager_end_run(Manager *manager, Job *job)
{
        Owner *owner = job_run_owner(job->run);
        WorkerTask task = job_run_task(job->run);

        believe(job);
        list_remove(&job->running_link);
        job_run_free(job->run);
        if (task == WORKER_TASK_DOWNLOAD) {
                stopwatch_stop(&job->active, manager_ticks(manager));
                if (job->wait)
                        (void) sd_event_source_set_enabled(job->wait, SD_EVENT_OFF);
        }
        scheduler_finished(&manager->schedulers[pool_of(task)], owner);
        owners_release(manager->parts.owners, owner);
        manager_arm_plan(manager);
}

static int on_wait_over(sd_event_source *source, uint64_t usec, void *userdata);

void manager_wait_for(Manager *manager, Job *job, uint64_t delay_usec)
{
        int r = 0;

        if (!job->wait) {
                r = sd_event_add_time_relative(manager->parts.event,
                                               &job->wait,
                                               CLOCK_BOOTTIME,
                                               delay_usec,
                                               0,
                                               on_wait_over,
                                               job);
                if (r >= 0)
                        (void) sd_event_source_set_description(job->wait, "job-wait");
        } else {
                r = sd_event_source_set_time_relative(job->wait, delay_usec);
                if (r >= 0)
                        r = sd_event_source_set_enabled(job->wait, SD_EVENT_ONESHOT);
        }
        if (r >= 0)
                return;
        log_job(LOG_ERR, job, -r, NULL, "The next attempt cannot be timed yet");
        (void) sd_event_source_set_time_relative(manager->rescue, SAVE_RETRY_USEC);
        (void) sd_event_source_set_enabled(manager->rescue, SD_EVENT_ONESHOT);
}

void manager_wait_for_attempt(Manager *manager, Job *job)
{
        uint64_t now = manager_now(manager);
        uint64_t left = stopwatch_left_usec(&job->stalled,
                                            manager_ticks(manager),
                                            job->settings.no_progress_timeout_sec);
        uint64_t delay = job->next_attempt_usec > now ? job->next_attempt_usec - now : 0;

        job->gives_up_usec = now + left;
        manager_wait_for(manager, job, delay < left ? delay : left);
}

void manager_wait_for_end(Manager *manager, Job *job)
{
        manager_wait_for(manager,
                         job,
                         stopwatch_left_usec(&job->active,
                                             manager_ticks(manager),
                                             job->settings.maximum_download_time_sec));
}

void manager_forget_failures(Manager *manager, Job *job)
{
        job->attempts = job->workers_lost = job->hints = 0;
        job->stalled = (Stopwatch){ 0 };
}

void manager_advance(Manager *manager, Job *job)
{
        if (job->run || manager->stopping)
                return;

        if (job_is_final(job)) {
                if (job->state == JOB_CANCELLED && !job->cleaned && has_temporary_files(job)) {
                        enqueue(manager, job, SCHEDULER_ENDINGS);
                        return;
                }
                manager_tell_gone(manager, job, 0, job->n_finished < job->n_files, "");
                manager_remove_job(manager, job);
                return;
        }
        if (job->publishing) {
                if (has_temporary_files(job)) {
                        enqueue(manager, job, SCHEDULER_ENDINGS);
                        return;
                }
                job->publishing = false;
                if (manager_move(manager, job, JOB_EVENT_PUBLISHED) < 0)
                        manager_answer_waiters(manager,
                                               job,
                                               -EIO,
                                               false,
                                               "The job could not be saved");
                return;
        }
        if (job->state == JOB_QUEUED)
                enqueue(manager, job, SCHEDULER_DOWNLOADS);
}

/*
 * The job has been given a place of the task's pool. False if it cannot take it now, or if it is
 * not in need of it any more, because a change was taken back meanwhile.
 */
static bool take_place(Manager *manager, Job *job, WorkerTask task, bool wanted)
{
        if (wanted && !job->run && new_run(manager, job, task) >= 0)
                return true;
        scheduler_finished(&manager->schedulers[pool_of(task)], job->owner);
        manager_wait_for(manager, job, SAVE_RETRY_USEC);
        return false;
}

/* Publishes the files of a job, or removes the temporary files of a cancelled one. */
static void start_ending(Manager *manager, Job *job)
{
        if (take_place(manager,
                       job,
                       job->publishing ? WORKER_TASK_PUBLISH : WORKER_TASK_CLEAN,
                       job->publishing || job_is_final(job)))
                manager_start_run(manager, job);
}

/* A job with nothing left to fetch needs no worker. */
static void start_download_of(Manager *manager, Job *job)
{
        if (!take_place(manager, job, WORKER_TASK_DOWNLOAD, job->state == JOB_QUEUED))
                return;
        job->next_attempt_usec = 0;
        job->untold_before = job->untold;
        if (job->n_finished < job->n_files)
                job->untold = true; /* saved before there is a worker */
        (void) manager_move(manager, job, JOB_EVENT_START);
        if (job->n_finished == job->n_files) {
                job->transferred_usec = manager_now(manager);
                (void) manager_move(manager, job, JOB_EVENT_TRANSFERRED);
                manager_end_run(manager, job);
        }
}

int manager_on_plan(sd_event_source *source, void *userdata)
{
        Manager *manager = userdata;
        Scheduler *endings = &manager->schedulers[SCHEDULER_ENDINGS];
        Scheduler *downloads = &manager->schedulers[SCHEDULER_DOWNLOADS];
        SchedulerEntry *entry;

        while (!manager->stopping && (entry = scheduler_next(endings)))
                start_ending(manager, CONTAINER_OF(entry, Job, queue));
        while (!manager->stopping && (entry = scheduler_next(downloads)))
                start_download_of(manager, CONTAINER_OF(entry, Job, queue));
        return 0;
}

static void on_receiving(void *userdata, Job *job)
{
        (void) manager_move(userdata, job, JOB_EVENT_RECEIVING);
}

static void on_progress(void *userdata, Job *job)
{
        Manager *manager = userdata;

        job->moved_usec = clock_boottime(manager->parts.clock);
        if (manager->observer.job_progress)
                manager->observer.job_progress(manager->observer.userdata, job);
}

/*
 * Bytes beyond all that were ever on disk. Those of a file that begins again and breaks off at the
 * same place are not, or such a job would be tried forever.
 */
static void take_progress(Manager *manager, Job *job, bool finished)
{
        if (!finished && job->bytes_transferred <= job->furthest_bytes)
                return;
        if (job->bytes_transferred > job->furthest_bytes)
                job->furthest_bytes = job->bytes_transferred;
        if (job->attempts == 0)
                return;
        manager_forget_failures(manager, job);
        (void) store_put_job(manager->parts.store, job); /* a failure is found by the commit */
}

static void on_checkpoint(void *userdata, Job *job, const uint32_t *indexes, size_t n_indexes)
{
        Manager *manager = userdata;
        bool finished = false;

        for (size_t i = 0; i < n_indexes; i++) {
                finished |= job->files[indexes[i]].record.finished;
                /* A failure is found by the commit. */
                (void) store_put_file(manager->parts.store, job, indexes[i]);
        }
        take_progress(manager, job, finished);
        manager_mark_dirty(manager, job, 0, finished ? JOB_CHANGE_FILES : 0);
        manager_arm_lazy_commit(manager);
        on_progress(manager, job);
}

static int
on_authenticate(void *userdata, Job *job, AuthTarget target, unsigned offered, Credential *ret)
{
        Manager *manager = userdata;
        int r = credentials_choose(manager->parts.store,
                                   manager->parts.vault,
                                   job,
                                   target,
                                   offered,
                                   ret);

        if (r == -ENOKEY || r == -EBADMSG) {
                job->credentials_lost = true;
                log_job(LOG_WARNING,
                        job,
                        -r,
                        LOG_ID_CREDENTIALS_LOST,
                        "A credential cannot be opened");
        }
        /* Anything else passes: it is no reason to tell the owner that he has set none. */
        return r == -ENOKEY || r == -EBADMSG ? -ENOENT : r;
}

/* An error that the owner sees, if need be without its texts; saved with the move that follows. */
static void set_error(Manager *manager, Job *job, const JobFailure *failure)
{
        _cleanup_free_ char *longer = NULL;
        const char *description = failure->description ? failure->description : "";
        bool auth = failure->code == ERROR_CODE_HTTP(401) || failure->code == ERROR_CODE_HTTP(407);

        if (auth && job->credentials_lost &&
            str_format(&longer,
                       "%s The stored credentials were lost; set them again.",
                       description) >= 0)
                description = longer;
        if (job_set_error(job,
                          failure->code,
                          failure->context,
                          description,
                          failure->url ? failure->url : "",
                          failure->file) < 0) {
                job_clear_error(job);
                job->error.code = failure->code;
                job->error.context = failure->context;
                job->error.file = failure->file;
        }
        job->changes |= JOB_CHANGE_ERROR;
        log_job(LOG_NOTICE, job, 0, LOG_ID_JOB_FAILED, "%s", description);
}

static void fail(Manager *manager, Job *job, const JobFailure *failure)
{
        job->error_count++;
        set_error(manager, job, failure);
        (void) manager_move(manager, job, JOB_EVENT_FAILED);
}

static uint64_t retry_delay(const Manager *manager, const Job *job, uint64_t retry_after_sec)
{
        return retry_delay_usec(job->settings.minimum_retry_delay_sec,
                                manager->parts.config->max_retry_delay_sec,
                                job->attempts,
                                retry_after_sec,
                                arc4random());
}

/* Spec section 3.3: no further attempt, though the failure is one that passes. */
static bool is_hopeless(const Manager *manager, const Job *job)
{
        uint64_t patience_sec = job->settings.no_progress_timeout_sec;

        return job->workers_lost >= RETRY_WORKERS_LOST ||
               job->settings.minimum_retry_delay_sec > patience_sec ||
               stopwatch_left_usec(&job->stalled, manager_ticks(manager), patience_sec) == 0;
}

static void fail_for_now(Manager *manager, Job *job, const JobFailure *failure)
{
        job->attempts++;
        job->workers_lost += failure->lost;
        stopwatch_start(&job->stalled, manager_ticks(manager));
        stopwatch_settle(&job->stalled, manager_ticks(manager));
        if (is_hopeless(manager, job)) {
                fail(manager, job, failure);
                return;
        }
        job->error_count++;
        set_error(manager, job, failure);
        job->next_attempt_usec =
                manager_now(manager) + retry_delay(manager, job, failure->retry_after_sec);
        job->changes |= JOB_CHANGE_TIMES;
        (void) manager_move(manager, job, JOB_EVENT_FAILED_TRANSIENT);
}

/* It failed before a server could say anything, so that another network may be the cure. */
static bool is_without_network(const Job *job)
{
        return job->state == JOB_TRANSIENT_ERROR && !job->publishing &&
               (job->error.context == ERROR_CONTEXT_GENERAL_TRANSPORT ||
                job->error.code == (uint32_t) ERROR_CODE_TIMEOUT);
}

/*
 * Brings the next attempt forward. News that bring no success come to count for less: the first
 * is followed at once, later ones keep a distance that doubles, so that a machine on which
 * something comes up all the time does not try more than a back-off would have it.
 */
static bool hasten(Manager *manager, Job *job)
{
        uint64_t now = manager_now(manager), ticks = manager_ticks(manager);
        uint64_t delay = arc4random_uniform(HINT_SPREAD_USEC), least = 0;

        if (job->hints > 0)
                least = job->hinted_usec +
                        retry_delay_usec(RETRY_MIN_DELAY_SEC,
                                         manager->parts.config->max_retry_delay_sec,
                                         job->hints,
                                         0,
                                         arc4random());
        if (least > ticks)
                delay += least - ticks;
        if (now + delay >= job->next_attempt_usec)
                return false;
        job->hints++;
        job->hinted_usec = ticks + delay;
        job->next_attempt_usec = now + delay;
        (void) manager_change(manager, job, JOB_RETRY, JOB_CHANGE_TIMES); /* found by the commit */
        return true;
}

void manager_network_came_up(Manager *manager)
{
        Job *job = NULL, *after = NULL;
        unsigned n = 0;

        if (manager->stopping)
                return;
        HASH_ITER (hh, manager->jobs, job, after)
                if (is_without_network(job) && hasten(manager, job))
                        n++;
        if (n > 0)
                log_info("Something of the network came up, jobs tried sooner: %u", n);
}

/* Nothing came for too long: the error that it has is the one that stays. */
static void give_up(Manager *manager, Job *job)
{
        log_job(LOG_NOTICE, job, 0, LOG_ID_JOB_FAILED, "Given up: %s", job->error.description);
        (void) manager_move(manager, job, JOB_EVENT_FAILED);
}

static void take_too_long(Manager *manager, Job *job)
{
        char text[] = "The job took longer than its MaximumDownloadTime.";
        const JobFailure failure = {
                .code = (uint32_t) ERROR_CODE_MAXIMUM_DOWNLOAD_TIME,
                .context = ERROR_CONTEXT_GENERAL_QUEUE_MANAGER,
                .description = text,
                .file = -1,
        };

        stopwatch_settle(&job->active, manager_ticks(manager));
        fail(manager, job, &failure);
        manager_mark_dirty(manager, job, JOB_HALT, 0);
}

static int on_wait_over(sd_event_source *source, uint64_t usec, void *userdata)
{
        Job *job = userdata;
        Manager *manager = job->manager;
        uint64_t now = manager_ticks(manager);

        if (manager->stopping)
                return 0;
        if (job->stale && manager_reread(manager, job) < 0) {
                manager_wait_for(manager, job, SAVE_RETRY_USEC);
                return 0;
        }
        if (job->run && !job_run_is_started(job->run)) {
                /* If it was chosen in this turn, its end starts it. */
                if (list_is_empty(&job->dirty_link))
                        manager_start_run(manager, job);
        } else if (job->state == JOB_TRANSIENT_ERROR) {
                if (stopwatch_left_usec(&job->stalled,
                                        now,
                                        job->settings.no_progress_timeout_sec) == 0)
                        give_up(manager, job);
                else
                        (void) manager_move(manager, job, JOB_EVENT_RETRY);
        } else if (job_is_active(job) && job->run) {
                if (stopwatch_left_usec(&job->active,
                                        now,
                                        job->settings.maximum_download_time_sec) == 0)
                        take_too_long(manager, job);
                else
                        manager_wait_for_end(manager, job);
        } else {
                manager_advance(manager, job);
        }
        return 0;
}

/* Each job that has nothing which would move it on: its timer could not be made. */
int manager_on_rescue(sd_event_source *source, uint64_t usec, void *userdata)
{
        Manager *manager = userdata;
        Job *job = NULL, *after = NULL;

        HASH_ITER (hh, manager->jobs, job, after) {
                int enabled = SD_EVENT_OFF;

                if (job->wait)
                        (void) sd_event_source_get_enabled(job->wait, &enabled);
                if (enabled != SD_EVENT_OFF || !list_is_empty(&job->dirty_link) ||
                    scheduler_is_queued(&job->queue))
                        continue;
                if (job->state == JOB_TRANSIENT_ERROR && !job->stale)
                        manager_wait_for_attempt(manager, job);
                else if (job->stale || job->run || job_has_work(job))
                        (void) on_wait_over(NULL, usec, job);
        }
        return 0;
}

/* The worker says it is done: believed only if what it was given is whole. */
static bool all_given_finished(const Job *job)
{
        uint32_t n_given = job_run_n_files(job->run);

        for (uint32_t i = 0; i < n_given; i++)
                if (!job->files[i].record.finished)
                        return false;
        return true;
}

static void
download_ended(Manager *manager, Job *job, JobOutcome outcome, const JobFailure *failure)
{
        char text[] = "The worker ended before all files were whole.";
        const JobFailure lied = {
                .code = (uint32_t) ERROR_CODE_WORKER_FAILED,
                .context = ERROR_CONTEXT_GENERAL_QUEUE_MANAGER,
                .description = text,
                .file = -1,
                .lost = true,
        };

        if (!job_is_active(job) || outcome == JOB_OUTCOME_STOPPED)
                return;
        if (outcome == JOB_OUTCOME_DONE && !all_given_finished(job)) {
                outcome = JOB_OUTCOME_TRANSIENT;
                failure = &lied;
        }

        if (outcome == JOB_OUTCOME_DONE && job->n_finished < job->n_files) {
                (void) manager_move(manager, job, JOB_EVENT_REQUEUE);
        } else if (outcome == JOB_OUTCOME_DONE) {
                job->transferred_usec = manager_now(manager);
                job->changes |= JOB_CHANGE_TIMES;
                (void) manager_move(manager, job, JOB_EVENT_TRANSFERRED);
                log_job(LOG_INFO, job, 0, LOG_ID_JOB_DONE, "All files are transferred");
        } else if (outcome == JOB_OUTCOME_TRANSIENT) {
                fail_for_now(manager, job, failure);
        } else {
                fail(manager, job, failure);
        }
}

static void publish_ended(Manager *manager, Job *job, JobOutcome outcome, const JobFailure *failure)
{
        job->publishing = false;
        if (outcome == JOB_OUTCOME_DONE && manager_move(manager, job, JOB_EVENT_PUBLISHED) >= 0)
                return; /* the callers are answered when the job leaves */
        if (outcome == JOB_OUTCOME_DONE || outcome == JOB_OUTCOME_STOPPED) {
                manager_answer_waiters(manager, job, -ECANCELED, false, "The service is stopping");
                return;
        }
        job->error_count++;
        set_error(manager, job, failure);
        (void) manager_change(manager, job, 0, JOB_CHANGE_ERROR);
        manager_answer_waiters(manager,
                               job,
                               -EIO,
                               false,
                               failure->description ? failure->description : "");
}

/* True: another attempt is made after a pause. */
static bool clean_ended(Manager *manager, Job *job, JobOutcome outcome, const JobFailure *failure)
{
        if (outcome == JOB_OUTCOME_STOPPED)
                return false;
        /* The owner's word is carried out; what stays behind is only litter. */
        manager_tell_gone(manager, job, 0, false, "");
        if (outcome != JOB_OUTCOME_DONE && ++job->clean_attempts < CLEAN_ATTEMPTS) {
                manager_wait_for(manager, job, CLEAN_RETRY_USEC << job->clean_attempts);
                return true;
        }
        if (outcome != JOB_OUTCOME_DONE)
                log_job(LOG_WARNING,
                        job,
                        0,
                        NULL,
                        "Temporary files are left behind, ignoring: %s",
                        failure->description ? failure->description : "");
        job->cleaned = true;
        return false;
}

/*
 * The machine, or a limit on the owner's processes, has no room for another worker: nothing is
 * wrong with the job, so that it keeps its place in the plan and asks again a moment later.
 */
static void wait_for_process(Manager *manager, Job *job, const JobFailure *failure)
{
        uint64_t now = manager_ticks(manager);

        if (manager->no_process_usec == 0 ||
            now - manager->no_process_usec >= NO_PROCESS_LOG_USEC) {
                manager->no_process_usec = now;
                log_job(LOG_WARNING,
                        job,
                        EAGAIN,
                        NULL,
                        "Jobs wait until a worker can be started for them: %s",
                        failure->description ? failure->description : "");
        }
        manager_end_run(manager, job); /* frees failure */
        if (job_is_active(job)) {
                (void) manager_move(manager, job, JOB_EVENT_REQUEUE);
                job->effects &= ~(unsigned) JOB_PLAN; /* the timer does that */
        }
        manager_wait_for(manager, job, NO_PROCESS_RETRY_USEC);
        manager_mark_dirty(manager, job, 0, 0);
        manager_arm_commit(manager);
        if (manager->stopping)
                manager_answer_unserved(manager);
        manager_finish_stop(manager);
}

static void on_ended(void *userdata, Job *job, JobOutcome outcome, const JobFailure *failure)
{
        Manager *manager = userdata;
        bool pauses = false;

        if (outcome == JOB_OUTCOME_NO_PROCESS) {
                wait_for_process(manager, job, failure);
                return;
        }
        believe(job); /* before it is saved */
        switch (job_run_task(job->run)) {
        case WORKER_TASK_DOWNLOAD:
                stopwatch_stop(&job->active, manager_ticks(manager));
                download_ended(manager, job, outcome, failure);
                if (outcome == JOB_OUTCOME_STOPPED) /* no move says how long it took */
                        (void) store_put_job(manager->parts.store, job);
                break;
        case WORKER_TASK_PUBLISH:
                publish_ended(manager, job, outcome, failure);
                break;
        case WORKER_TASK_CLEAN:
        default:
                pauses = clean_ended(manager, job, outcome, failure);
                break;
        }
        manager_end_run(manager, job);
        /* What waits for this worker's end: a queued job, Complete, Cancel. */
        manager_mark_dirty(manager, job, pauses ? 0 : JOB_PLAN, 0);
        manager_arm_commit(manager);
        manager_finish_stop(manager);
}

const JobRunEvents manager_run_events = {
        .receiving = on_receiving,
        .progress = on_progress,
        .checkpoint = on_checkpoint,
        .authenticate = on_authenticate,
        .ended = on_ended,
};
