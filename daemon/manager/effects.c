#include "manager/effects.h"

#include <errno.h>

#include "manager/job-log.h"

void effects_drop_job(Effects *effects, Job *job)
{
        waiters_answer(effects->waiters, job, -ECANCELED, false, "The job is gone");
        job_table_remove(effects->table, job);
}

void effects_remove_job(Effects *effects, Job *job)
{
        if (store_delete_job(effects->parts->store, job) < 0)
                job_log_write(LOG_WARNING, job, 0, NULL, "The job cannot be deleted yet");
        if (job->vault_bytes > 0)
                changes_erase_log(effects->changes);
        changes_arm(effects->changes);
        effects_drop_job(effects, job);
}

/* A worker publishes what the job has on disk; with nothing on disk the job ends at once. */
static void advance_publishing(Effects *effects, Job *job)
{
        if (runs_has_temporary_files(job)) {
                runs_enqueue(effects->runs, job, SCHEDULER_ENDINGS);
                return;
        }
        job->publishing = false;
        if (changes_move(effects->changes, job, JOB_EVENT_PUBLISHED, 0) < 0)
                waiters_answer(effects->waiters, job, -EIO, false, "The job could not be saved");
}

/* Publishes the files of a job that completes itself, at once or when the next attempt is due. */
static void advance_transferred(Effects *effects, Job *job)
{
        uint64_t now = clock_realtime(effects->parts->clock);
        uint64_t left = job->attempts.next_usec > now ? job->attempts.next_usec - now : 0;
        uint64_t longest = attempts_delay_usec(job->settings.minimum_retry_delay_sec,
                                               effects->parts->config->max_retry_delay_sec,
                                               UINT32_MAX,
                                               0,
                                               0);

        /* A time that is further away than any delay was planned before the clock was put back. */
        if (left > 0 && left <= 2 * longest) {
                timers_start(effects->timers, &job->timer, left);
                return;
        }
        timers_cancel(&job->timer);
        job->publishing = true;
        advance_publishing(effects, job);
}

static void advance_final(Effects *effects, Job *job)
{
        if (job->state == JOB_CANCELLED && !job->cleaning.done && runs_has_temporary_files(job)) {
                runs_enqueue(effects->runs, job, SCHEDULER_ENDINGS);
                return;
        }
        waiters_answer(effects->waiters, job, 0, job->n_finished < job->n_files, "");
        announcer_removed(effects->announcer, job);
        effects_remove_job(effects, job);
}

/* Does what the state of a job without a worker asks for. */
static void advance(Effects *effects, Job *job)
{
        if (runs_has_run(job) || runs_is_stopping(effects->runs))
                return;
        if (job_is_final(job))
                advance_final(effects, job);
        else if (job->publishing)
                advance_publishing(effects, job);
        else if (job->state == JOB_QUEUED)
                runs_enqueue(effects->runs, job, SCHEDULER_DOWNLOADS);
        else if (job_completes_itself(job))
                advance_transferred(effects, job);
}

/* Until the next attempt of a job in TRANSIENT_ERROR, or until it fails for good. */
static void wait_for_attempt(Effects *effects, Job *job)
{
        timers_start(
                effects->timers,
                &job->timer,
                attempts_wait_usec(&job->attempts, effects->parts->clock, job_patience_sec(job)));
}

/* The effects are carried out after the change was announced. */
void effects_on_committed(void *userdata, Job *job, unsigned bits, JobChanges changed)
{
        Effects *effects = userdata;

        job_log_changed(job, changed, job->announced.state);
        announcer_changed(effects->announcer, job, changed);
        job_table_count_work(effects->table, job);

        if (bits & JOB_HALT && runs_has_run(job))
                runs_halt(effects->runs, job);
        if (bits & JOB_UPDATE)
                runs_update_worker(effects->runs, job);
        if (bits & JOB_UNPLAN) {
                runs_dequeue(job);
                timers_cancel(&job->timer);
        }
        if (bits & JOB_RETRY && job->state == JOB_TRANSIENT_ERROR)
                wait_for_attempt(effects, job);
        if (job->state == JOB_CONNECTING && runs_is_chosen(job))
                runs_start(effects->runs, job);
        else if (bits & (JOB_PLAN | JOB_PUBLISH | JOB_REMOVE))
                advance(effects, job);
}

int effects_reread(Effects *effects, Job *job)
{
        Owners *owners = effects->parts->owners;
        Owner *before = job->owner;
        Job *stored = NULL;
        uint64_t vault_bytes = 0;
        int r;

        r = store_slot_bytes(effects->parts->store, job, &vault_bytes);
        if (r >= 0)
                r = store_load_job(effects->parts->store, owners, job->id, &stored);
        job->stale = r < 0;
        if (r < 0)
                return r;
        job->owner->vault_bytes -= job->vault_bytes;
        job_take_stored(job, stored);
        job_free(stored);
        job->vault_bytes = vault_bytes;
        job->owner->vault_bytes += vault_bytes;
        if (before != job->owner)
                owners_release(owners, before);

        if (runs_is_chosen(job))
                runs_end(effects->runs, job);
        else if (runs_has_run(job))
                job_run_lose_reports(job->work.run);
        /* Without its worker the job is as a crash would have left it. */
        if (job_is_active(job) && !runs_has_run(job))
                job->state = JOB_QUEUED;
        announcer_reverted(effects->announcer, job);
        return 0;
}

/*
 * The effects that would have moved the job on were lost with the commit, or its timer has expired
 * already: starts the timer again.
 */
static void wait_after_revert(Effects *effects, Job *job)
{
        uint64_t now = clock_realtime(effects->parts->clock), delay = TIMERS_RETRY_USEC;

        if (runs_has_run(job))
                return; /* the end of the worker moves the job on */
        if (job->state == JOB_TRANSIENT_ERROR && job->attempts.next_usec > now + delay)
                delay = job->attempts.next_usec - now;
        if (job->state == JOB_TRANSIENT_ERROR || job_is_final(job) || job_completes_itself(job) ||
            (job->state == JOB_QUEUED && !runs_is_queued(job)))
                timers_start(effects->timers, &job->timer, delay);
}

/* Complete or Cancel has failed, unless a worker is carrying it out already. */
static void fail_waiters(Effects *effects, Job *job, int error)
{
        if (runs_has_run(job) && job_run_task(job->work.run) != WORKER_TASK_DOWNLOAD)
                return;
        if (job->publishing)
                runs_dequeue(job); /* it may wait for a worker that publishes */
        job->publishing = false;
        waiters_answer(effects->waiters, job, error, false, "The change could not be saved");
}

void effects_on_reverted(void *userdata, Job *job, JobChanges changed, int error)
{
        Effects *effects = userdata;
        int r;

        if (changed & JOB_CHANGE_NEW) {
                effects_drop_job(effects, job);
                return;
        }
        job_log_reverted(job);
        r = effects_reread(effects, job);
        if (r < 0) {
                job_log_write(LOG_ERR, job, -r, NULL, "The job cannot be read back yet");
                fail_waiters(effects, job, error);
                timers_start(effects->timers, &job->timer, TIMERS_RETRY_USEC);
                return;
        }
        wait_after_revert(effects, job);
        if (!job_is_final(job)) /* a job in a final state was saved before, and goes on */
                fail_waiters(effects, job, error);
}

static void end_transient_error(Effects *effects, Job *job)
{
        if (attempts_stalled_too_long(&job->attempts, effects->parts->clock, job_patience_sec(job)))
                reports_fail_stalled(effects->reports, job);
        else
                (void) changes_move(effects->changes, job, JOB_EVENT_RETRY, 0);
}

static void end_active_time(Effects *effects, Job *job)
{
        if (attempts_active_left_usec(&job->attempts,
                                      effects->parts->clock,
                                      job->settings.maximum_download_time_sec) == 0)
                reports_fail_overdue(effects->reports, job);
        else
                runs_limit_time(effects->runs, job);
}

void effects_on_timer(void *userdata, TimersEntry *entry)
{
        Effects *effects = userdata;
        Job *job = CONTAINER_OF(entry, Job, timer);

        if (runs_is_stopping(effects->runs))
                return;
        if (job->stale && effects_reread(effects, job) < 0) {
                timers_start(effects->timers, &job->timer, TIMERS_RETRY_USEC);
                return;
        }
        if (runs_is_chosen(job)) {
                if (!changes_is_pending(job)) /* else the commit starts its worker */
                        runs_start(effects->runs, job);
        } else if (job->state == JOB_TRANSIENT_ERROR) {
                end_transient_error(effects, job);
        } else if (job_is_active(job) && runs_has_run(job)) {
                end_active_time(effects, job);
        } else {
                advance(effects, job);
        }
}
