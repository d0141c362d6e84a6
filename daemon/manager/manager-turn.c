#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#include "manager/manager-core.h"
#include "model/limits.h"

/* Changes that nobody waits for may gather this long before they are committed. */
#define LAZY_COMMIT_USEC (200 * USEC_PER_MSEC)

/* A turn's commit is not put off by a flood of requests beyond this many changes. */
#define COMMIT_MAX_CHANGES 512

/* The file in the state directory that says: start at boot. */
#define WORK_FILE "work"

void manager_arm_commit(Manager *manager)
{
        (void) sd_event_source_set_enabled(manager->commit, SD_EVENT_ONESHOT);
}

void manager_arm_lazy_commit(Manager *manager)
{
        int enabled = SD_EVENT_OFF;

        (void) sd_event_source_get_enabled(manager->lazy, &enabled);
        if (enabled == SD_EVENT_OFF) {
                (void) sd_event_source_set_time_relative(manager->lazy, LAZY_COMMIT_USEC);
                (void) sd_event_source_set_enabled(manager->lazy, SD_EVENT_ONESHOT);
        }
}

void manager_mark_dirty(Manager *manager, Job *job, unsigned effects, JobChanges changes)
{
        job->effects |= effects;
        job->changes |= changes;
        if (list_is_empty(&job->dirty_link))
                list_append(&manager->dirty, &job->dirty_link);
        if (++manager->n_changes == COMMIT_MAX_CHANGES)
                (void) sd_event_source_set_priority(manager->commit, SD_EVENT_PRIORITY_IMPORTANT);
}

int manager_change(Manager *manager, Job *job, unsigned effects, JobChanges changes)
{
        if (effects & JOB_CLEAR_ERROR) {
                job_clear_error(job);
                changes |= JOB_CHANGE_ERROR;
        }
        if (effects & JOB_TELL)
                changes |= JOB_CHANGE_STATE;
        job->modified_usec = manager_now(manager);
        /* Also when the store fails: the end of the turn puts this job back. */
        manager_mark_dirty(manager, job, effects, changes);
        manager_arm_commit(manager);
        return store_put_job(manager->parts.store, job);
}

int manager_move(Manager *manager, Job *job, JobEvent event)
{
        int effects = job_apply(job, event);

        if (effects < 0)
                return effects;
        if (effects & JOB_SAVE)
                return manager_change(manager, job, (unsigned) effects, 0);
        if (effects) {
                manager_mark_dirty(manager, job, (unsigned) effects, 0);
                manager_arm_commit(manager);
        }
        return 0;
}

void manager_fail_turn(Manager *manager, int error)
{
        store_fail(manager->parts.store, error);
        manager_arm_commit(manager);
}

int manager_when_saved(Manager *manager, manager_saved_t callback, void *userdata)
{
        Saved *saved = calloc(1, sizeof(*saved));

        if (!saved) {
                manager_fail_turn(manager, -ENOMEM);
                return -ENOMEM;
        }
        *saved = (Saved){ .callback = callback, .userdata = userdata };
        list_append(&manager->saved, &saved->link);
        manager_arm_commit(manager);
        return 0;
}

void manager_answer_saved(Manager *manager, int result)
{
        while (!list_is_empty(&manager->saved)) {
                Saved *saved = CONTAINER_OF(manager->saved.next, Saved, link);

                list_remove(&saved->link);
                saved->callback(saved->userdata, result);
                free(saved);
        }
}

void manager_answer_waiters(Manager *manager, Job *job, int result, bool partial, const char *text)
{
        if (job->n_waiters == 0)
                return;
        LIST_FOREACH_SAFE (link, after, &manager->waiters) {
                Waiter *waiter = CONTAINER_OF(link, Waiter, link);

                if (waiter->job != job)
                        continue;
                list_remove(&waiter->link);
                job->n_waiters--;
                waiter->done(waiter->userdata, result, partial, text);
                free(waiter);
        }
}

void manager_answer_unserved(Manager *manager)
{
        LIST_FOREACH_SAFE (link, after, &manager->waiters) {
                Waiter *waiter = CONTAINER_OF(link, Waiter, link);

                if (waiter->job->run)
                        continue;
                list_remove(&waiter->link);
                waiter->job->n_waiters--;
                waiter->done(waiter->userdata, -ECANCELED, false, "The service is stopping");
                free(waiter);
        }
}

int manager_add_waiter(Manager *manager, Job *job, manager_done_t done, void *userdata)
{
        Waiter *waiter;

        if (job->n_waiters == LIMIT_WAITERS_PER_JOB)
                return -ENOBUFS;
        waiter = calloc(1, sizeof(*waiter));
        if (!waiter)
                return -ENOMEM;
        job->n_waiters++;
        *waiter = (Waiter){ .job = job, .done = done, .userdata = userdata };
        list_append(&manager->waiters, &waiter->link);
        return 0;
}

void manager_drop_last_waiter(Manager *manager)
{
        Waiter *waiter = CONTAINER_OF(manager->waiters.prev, Waiter, link);

        list_remove(&waiter->link);
        waiter->job->n_waiters--;
        free(waiter);
}

void manager_count_work(Manager *manager, Job *job, bool work)
{
        uint32_t before = manager->n_work;
        int dir = manager->parts.state_dir_fd;

        if (job->counted_as_work != work) {
                job->counted_as_work = work;
                manager->n_work += work ? 1 : UINT32_MAX; /* modulo 2^32: one less */
        }
        if (dir < 0 || (before > 0) == (manager->n_work > 0))
                return;
        if (manager->n_work > 0) {
                _cleanup_close_ int fd =
                        openat(dir, WORK_FILE, O_CREAT | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0600);

                if (fd < 0)
                        log_errno(LOG_WARNING, errno, "The file %s cannot be made", WORK_FILE);
        } else if (unlinkat(dir, WORK_FILE, 0) < 0 && errno != ENOENT) {
                log_errno(LOG_WARNING, errno, "The file %s cannot be removed", WORK_FILE);
        }
}

void manager_drop_job(Manager *manager, Job *job)
{
        Owner *owner = job->owner;

        manager_answer_waiters(manager, job, -ECANCELED, false, "The job is gone");
        scheduler_remove(&job->queue);
        sd_event_source_disable_unref(job->wait);
        manager_count_work(manager, job, false);
        owner->vault_bytes -= job->vault_bytes;
        HASH_DEL(manager->jobs, job);
        job_free(job);
        owners_release(manager->parts.owners, owner);
}

static void tell(Manager *manager, Job *job, JobChanges changes)
{
        JobState previous = job->told_state;

        job->told_state = job->state;
        if (job->state == previous) /* there and back in one turn */
                changes &= ~JOB_CHANGE_STATE;
        if (changes & JOB_CHANGE_NEW && manager->observer.job_new)
                manager->observer.job_new(manager->observer.userdata, job);
        else if (changes && manager->observer.job_changed)
                manager->observer.job_changed(manager->observer.userdata, job, changes, previous);
}

void manager_tell_gone(Manager *manager, Job *job, int result, bool partial, const char *text)
{
        manager_answer_waiters(manager, job, result, partial, text);
        if (job->gone)
                return;
        job->gone = true;
        if (manager->observer.job_removed)
                manager->observer.job_removed(manager->observer.userdata, job);
}

void manager_remove_job(Manager *manager, Job *job)
{
        if (store_delete_job(manager->parts.store, job) < 0)
                log_job(LOG_WARNING, job, 0, NULL, "The job cannot be deleted yet");
        if (job->vault_bytes > 0)
                manager->credential_removed = true;
        manager_arm_commit(manager);
        manager_drop_job(manager, job);
}

/* After the commit: effects in the order of their bits. */
static void carry_out(Manager *manager, Job *job)
{
        unsigned effects = job->effects;
        JobChanges changes = job->changes;

        job->effects = 0;
        job->changes = 0;
        tell(manager, job, changes);
        manager_count_work(manager, job, job_has_work(job));

        if (effects & JOB_HALT && job->run) {
                if (job_run_is_started(job->run))
                        job_run_stop(job->run);
                else /* chosen in this turn: there is no worker that could end */
                        manager_end_run(manager, job);
        }
        if (effects & JOB_UNPLAN) {
                scheduler_remove(&job->queue);
                job->wait = sd_event_source_disable_unref(job->wait);
        }
        if (effects & JOB_RETRY && job->state == JOB_TRANSIENT_ERROR)
                manager_wait_for_attempt(manager, job);
        if (job->state == JOB_CONNECTING && job->run && !job_run_is_started(job->run))
                manager_start_run(manager, job);
        else if (effects & (JOB_PLAN | JOB_PUBLISH | JOB_REMOVE))
                manager_advance(manager, job);
}

/* What only the lost effects, or a timer that has gone off, would have moved on. */
static void wait_after_revert(Manager *manager, Job *job)
{
        uint64_t now = manager_now(manager), delay = SAVE_RETRY_USEC;

        if (job->run)
                return; /* its end moves the job on */
        if (job->state == JOB_TRANSIENT_ERROR && job->next_attempt_usec > now + delay)
                delay = job->next_attempt_usec - now;
        if (job->state == JOB_TRANSIENT_ERROR || job_is_final(job) ||
            (job->state == JOB_QUEUED && !scheduler_is_queued(&job->queue)))
                manager_wait_for(manager, job, delay);
}

/* Complete and Cancel of a job that is not on its way to their end any more. */
static void fail_waiters(Manager *manager, Job *job, int error)
{
        if (job->run && job_run_task(job->run) != WORKER_TASK_DOWNLOAD)
                return;
        if (job->publishing)
                scheduler_remove(&job->queue); /* it may wait for a worker that publishes */
        job->publishing = false;
        manager_answer_waiters(manager, job, error, false, "The change could not be saved");
}

int manager_reread(Manager *manager, Job *job)
{
        Owners *owners = manager->parts.owners;
        Owner *before = job->owner;
        Job *saved = NULL;
        uint64_t vault_bytes = 0;
        int r;

        r = store_slot_bytes(manager->parts.store, job, &vault_bytes);
        if (r >= 0)
                r = store_load_job(manager->parts.store, owners, job->id, &saved);
        job->stale = r < 0;
        if (r < 0)
                return r;
        job->owner->vault_bytes -= job->vault_bytes;
        job_take_stored(job, saved);
        job_free(saved);
        job->vault_bytes = vault_bytes;
        job->owner->vault_bytes += vault_bytes;
        if (before != job->owner)
                owners_release(owners, before);

        if (job->run && !job_run_is_started(job->run))
                manager_end_run(manager, job);
        /* Its worker has gone, or was never started: as after a crash. */
        if (job_is_active(job) && !job->run)
                job->state = JOB_QUEUED;
        job->told_state = job->state;
        return 0;
}

/* Puts one job back to what the disk says; error is why. */
static void revert_job(Manager *manager, Job *job, int error)
{
        bool is_new = job->changes & JOB_CHANGE_NEW;
        int r;

        job->effects = 0;
        job->changes = 0;
        if (is_new) {
                manager_drop_job(manager, job);
                return;
        }
        r = manager_reread(manager, job);
        if (r < 0) {
                log_job(LOG_ERR, job, -r, NULL, "The job cannot be read back yet");
                fail_waiters(manager, job, error);
                manager_wait_for(manager, job, SAVE_RETRY_USEC);
                return;
        }
        wait_after_revert(manager, job);
        if (!job_is_final(job)) /* else it was saved before, and goes on */
                fail_waiters(manager, job, error);
}

int manager_commit(Manager *manager)
{
        bool empty_log = manager->credential_removed;
        List done;
        int r = store_commit(manager->parts.store);

        manager->n_changes = 0;
        (void) sd_event_source_set_priority(manager->commit, PRIORITY_COMMIT);
        manager->credential_removed = false;
        (void) sd_event_source_set_enabled(manager->lazy, SD_EVENT_OFF);

        /* Carrying out may dirty jobs again: these belong to the next turn. */
        list_init(&done);
        while (!list_is_empty(&manager->dirty)) {
                List *link = manager->dirty.next;

                list_remove(link);
                list_append(&done, link);
        }
        if (r < 0) {
                log_errno(LOG_ERR, r, "Changes cannot be saved, taking them back");
                while (!list_is_empty(&done)) {
                        Job *job = CONTAINER_OF(done.next, Job, dirty_link);

                        list_remove(&job->dirty_link);
                        revert_job(manager, job, r);
                }
                manager_answer_saved(manager, r);
                return r;
        }
        manager_answer_saved(manager, 0);
        while (!list_is_empty(&done)) {
                Job *job = CONTAINER_OF(done.next, Job, dirty_link);

                list_remove(&job->dirty_link);
                carry_out(manager, job);
        }
        if (empty_log)
                (void) store_checkpoint(manager->parts.store);
        return 0;
}

int manager_on_commit(sd_event_source *source, void *userdata)
{
        (void) manager_commit(userdata);
        return 0;
}

int manager_on_lazy_commit(sd_event_source *source, uint64_t usec, void *userdata)
{
        (void) manager_commit(userdata);
        return 0;
}
