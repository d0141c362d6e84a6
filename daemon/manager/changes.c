#include "manager/changes.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"

/* Changes that nobody waits for are committed after this time at the latest. */
#define LAZY_COMMIT_USEC (200 * USEC_PER_MSEC)

/* After this many changes the commit comes before further requests, so that no flood delays it. */
#define COMMIT_MAX_CHANGES 512

/* A caller that waits for the commit. */
typedef struct SavedCaller {
        List link; /* Changes.callers */
        changes_saved_t callback;
        void *userdata;
} SavedCaller;

static int on_commit(sd_event_source *source, void *userdata)
{
        (void) changes_commit(userdata);
        return 0;
}

static int on_lazy_commit(sd_event_source *source, uint64_t usec, void *userdata)
{
        (void) changes_commit(userdata);
        return 0;
}

int changes_init(Changes *changes, const ManagerParts *parts, const ChangesEvents *events)
{
        int r;

        *changes = (Changes){ .parts = parts, .events = *events };
        list_init(&changes->dirty);
        list_init(&changes->callers);
        r = sd_event_add_defer(parts->event, &changes->commit, on_commit, changes);
        if (r >= 0)
                r = sd_event_source_set_enabled(changes->commit, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_source_set_priority(changes->commit, CHANGES_PRIORITY);
        if (r >= 0)
                r = sd_event_add_time(parts->event,
                                      &changes->lazy,
                                      CLOCK_BOOTTIME,
                                      0,
                                      0,
                                      on_lazy_commit,
                                      changes);
        return r < 0 ? r : sd_event_source_set_enabled(changes->lazy, SD_EVENT_OFF);
}

static void answer_callers(Changes *changes, int result)
{
        while (!list_is_empty(&changes->callers)) {
                SavedCaller *caller = CONTAINER_OF(changes->callers.next, SavedCaller, link);

                list_remove(&caller->link);
                caller->callback(caller->userdata, result);
                free(caller);
        }
}

void changes_done(Changes *changes)
{
        answer_callers(changes, -ECANCELED);
        changes->commit = sd_event_source_disable_unref(changes->commit);
        changes->lazy = sd_event_source_disable_unref(changes->lazy);
}

void changes_arm(Changes *changes)
{
        (void) sd_event_source_set_enabled(changes->commit, SD_EVENT_ONESHOT);
}

static void arm_lazily(Changes *changes)
{
        int enabled = SD_EVENT_OFF;

        (void) sd_event_source_get_enabled(changes->lazy, &enabled);
        if (enabled == SD_EVENT_OFF) {
                (void) sd_event_source_set_time_relative(changes->lazy, LAZY_COMMIT_USEC);
                (void) sd_event_source_set_enabled(changes->lazy, SD_EVENT_ONESHOT);
        }
}

static void add(Changes *changes, Job *job, unsigned effects, JobChanges changed)
{
        job->pending.effects |= effects;
        job->pending.changed |= changed;
        if (!changes_is_pending(job))
                list_append(&changes->dirty, &job->pending.link);
        if (++changes->n == COMMIT_MAX_CHANGES)
                (void) sd_event_source_set_priority(changes->commit, SD_EVENT_PRIORITY_IMPORTANT);
}

void changes_mark(Changes *changes, Job *job, unsigned effects, JobChanges changed)
{
        add(changes, job, effects, changed);
        changes_arm(changes);
}

void changes_mark_lazily(Changes *changes, Job *job, JobChanges changed)
{
        add(changes, job, 0, changed);
        arm_lazily(changes);
}

void changes_withhold(Job *job, unsigned effects)
{
        job->pending.effects &= ~effects;
}

bool changes_is_pending(const Job *job)
{
        return !list_is_empty(&job->pending.link);
}

int changes_save(Changes *changes, Job *job, unsigned effects, JobChanges changed)
{
        if (effects & JOB_CLEAR_ERROR) {
                job_clear_error(job);
                changed |= JOB_CHANGE_ERROR;
        }
        if (effects & JOB_ANNOUNCE)
                changed |= JOB_CHANGE_STATE;
        job->modified_usec = clock_realtime(changes->parts->clock);
        /* A job that cannot be stored is marked too, because the failing batch puts it back. */
        changes_mark(changes, job, effects, changed);
        return store_put_job(changes->parts->store, job);
}

int changes_move(Changes *changes, Job *job, JobEvent event, JobChanges changed)
{
        int effects = job_apply(job, event);

        if (effects < 0)
                return effects;
        if (effects & JOB_SAVE)
                return changes_save(changes, job, (unsigned) effects, changed);
        if (effects || changed)
                changes_mark(changes, job, (unsigned) effects, changed);
        return 0;
}

void changes_erase_log(Changes *changes)
{
        changes->secrets = true;
}

void changes_fail(Changes *changes, int error)
{
        store_fail(changes->parts->store, error);
        changes_arm(changes);
}

int changes_when_saved(Changes *changes, changes_saved_t callback, void *userdata)
{
        SavedCaller *caller = calloc(1, sizeof(*caller));

        if (!caller) {
                changes_fail(changes, -ENOMEM);
                return -ENOMEM;
        }
        *caller = (SavedCaller){ .callback = callback, .userdata = userdata };
        list_append(&changes->callers, &caller->link);
        changes_arm(changes);
        return 0;
}

/* Moves the jobs of the batch to *ret: a job that is changed from now on is in the next batch. */
static void take_batch(Changes *changes, List *ret)
{
        list_init(ret);
        while (!list_is_empty(&changes->dirty)) {
                List *link = changes->dirty.next;

                list_remove(link);
                list_append(ret, link);
        }
        changes->n = 0;
        changes->secrets = false;
        (void) sd_event_source_set_priority(changes->commit, CHANGES_PRIORITY);
        (void) sd_event_source_set_enabled(changes->lazy, SD_EVENT_OFF);
}

static void finish_batch(Changes *changes, List *batch, int error)
{
        while (!list_is_empty(batch)) {
                Job *job = CONTAINER_OF(batch->next, Job, pending.link);
                unsigned effects = job->pending.effects;
                JobChanges changed = job->pending.changed;

                list_remove(&job->pending.link);
                job->pending.effects = 0;
                job->pending.changed = 0;
                if (error < 0)
                        changes->events.reverted(changes->events.userdata, job, changed, error);
                else
                        changes->events.committed(changes->events.userdata, job, effects, changed);
        }
}

int changes_commit(Changes *changes)
{
        bool secrets = changes->secrets;
        List batch;
        int r = store_commit(changes->parts->store);

        take_batch(changes, &batch);
        if (r < 0) {
                log_errno(LOG_ERR, r, "Changes cannot be saved, taking them back");
                finish_batch(changes, &batch, r);
                answer_callers(changes, r);
                return r;
        }
        answer_callers(changes, 0);
        finish_batch(changes, &batch, 0);
        if (secrets)
                (void) store_checkpoint(changes->parts->store);
        return 0;
}

bool changes_is_idle(const Changes *changes)
{
        return list_is_empty(&changes->callers) && !store_is_dirty(changes->parts->store);
}
