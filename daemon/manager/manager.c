/*
 * A change goes through here in this order, whatever caused it:
 *
 *   policy_check ─► job_apply ─► change() ─► … end of the turn … ─► commit() ─► carry_out()
 *                                   │                                  │            TELL
 *                                   └─ store_put_*, one transaction    └ fails:     answer
 *                                                                        revert()   HALT, RUN
 */
#include "manager/manager.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"

#include "manager/credentials.h"
#include "manager/job-run.h"
#include "model/error-code.h"
#include "model/limits.h"

/* Changes that nobody waits for may gather this long before they are committed. */
#define LAZY_COMMIT_USEC (200 * USEC_PER_MSEC)

/* A turn's commit is not put off by a flood of requests beyond this many changes. */
#define COMMIT_MAX_CHANGES 512

/* Requests first, then one commit for all of them, then new workers. */
#define PRIORITY_COMMIT (SD_EVENT_PRIORITY_NORMAL + 10)
#define PRIORITY_PLAN   (SD_EVENT_PRIORITY_NORMAL + 20)

/* How long a job whose change could not be saved waits before it is tried again. */
#define SAVE_RETRY_USEC (10 * USEC_PER_SEC)

/* Leftovers of a cancelled job are tried to be removed this often. */
#define CLEAN_ATTEMPTS 3

/* A service manager's patience is longer. */
#define STOP_TIMEOUT_USEC (5 * USEC_PER_SEC)

/* Longest Retry-After that is believed. */
#define RETRY_AFTER_MAX_SEC 86400

/* The file in the state directory that says: start at boot. */
#define WORK_FILE "work"

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
        JobRunEvents run_events;
        Scheduler scheduler;
        Job *jobs; /* by id; owned */
        uint32_t n_work;
        List dirty;   /* Job.dirty_link */
        List saved;   /* Saved.link */
        List waiters; /* Waiter.link */
        List running; /* Job.running_link */
        unsigned n_changes;
        bool credential_removed; /* empty the log after the commit */
        sd_event_source *commit; /* end of the turn */
        sd_event_source *lazy;   /* timer of changes nobody waits for */
        sd_event_source *plan;   /* fills the free places of the scheduler */
        bool stopping;
        void (*stopped)(void *userdata);
        void *stopped_userdata;
};

static const char *job_id_string(const Job *job)
{
        static char text[SD_ID128_STRING_MAX];

        return sd_id128_to_string(job->id, text);
}

#define log_job(level, job, error_, id, ...)                                                       \
        log_write((level),                                                                         \
                  &(LogContext){ .job_id = job_id_string(job),                                     \
                                 .message_id = (id),                                               \
                                 .owner_uid = (job)->owner->uid,                                   \
                                 .has_owner = 1,                                                   \
                                 .error = (error_) },                                              \
                  __VA_ARGS__)

const Config *manager_config(const Manager *manager)
{
        return manager->parts.config;
}

const Vault *manager_vault(const Manager *manager)
{
        return manager->parts.vault;
}

uint64_t manager_now(const Manager *manager)
{
        return clock_realtime(manager->parts.clock);
}

void manager_set_observer(Manager *manager, const ManagerObserver *observer)
{
        manager->observer = *observer;
}

/* ---- the end of a turn ------------------------------------------------------------------- */

static void arm_commit(Manager *manager)
{
        (void) sd_event_source_set_enabled(manager->commit, SD_EVENT_ONESHOT);
}

static void arm_lazy_commit(Manager *manager)
{
        int enabled = SD_EVENT_OFF;

        (void) sd_event_source_get_enabled(manager->lazy, &enabled);
        if (enabled == SD_EVENT_OFF) {
                (void) sd_event_source_set_time_relative(manager->lazy, LAZY_COMMIT_USEC);
                (void) sd_event_source_set_enabled(manager->lazy, SD_EVENT_ONESHOT);
        }
}

static void arm_plan(Manager *manager)
{
        (void) sd_event_source_set_enabled(manager->plan, SD_EVENT_ONESHOT);
}

static void mark_dirty(Manager *manager, Job *job, unsigned effects, unsigned changes)
{
        job->effects |= effects;
        job->changes |= changes;
        if (list_is_empty(&job->dirty_link))
                list_append(&manager->dirty, &job->dirty_link);
        if (++manager->n_changes == COMMIT_MAX_CHANGES)
                (void) sd_event_source_set_priority(manager->commit, SD_EVENT_PRIORITY_IMPORTANT);
}

/* Puts the job's row into the turn's transaction. */
static int change(Manager *manager, Job *job, unsigned effects, unsigned changes)
{
        if (effects & JOB_CLEAR_ERROR) {
                job_clear_error(job);
                changes |= JOB_CHANGE_ERROR;
        }
        if (effects & JOB_TELL)
                changes |= JOB_CHANGE_STATE;
        job->modified_usec = manager_now(manager);
        /* Also when the store fails: the end of the turn puts this job back. */
        mark_dirty(manager, job, effects, changes);
        arm_commit(manager);
        return store_put_job(manager->parts.store, job);
}

/* A move, and what follows from it. Errors of job_apply() and of the store. */
static int move(Manager *manager, Job *job, JobEvent event)
{
        int effects = job_apply(job, event);

        if (effects < 0)
                return effects;
        if (effects & JOB_SAVE)
                return change(manager, job, (unsigned) effects, 0);
        if (effects) {
                mark_dirty(manager, job, (unsigned) effects, 0);
                arm_commit(manager);
        }
        return 0;
}

int manager_when_saved(Manager *manager, manager_saved_t callback, void *userdata)
{
        Saved *saved = calloc(1, sizeof(*saved));

        if (!saved)
                return -ENOMEM;
        *saved = (Saved){ .callback = callback, .userdata = userdata };
        list_append(&manager->saved, &saved->link);
        arm_commit(manager);
        return 0;
}

static void answer_saved(Manager *manager, int result)
{
        while (!list_is_empty(&manager->saved)) {
                Saved *saved = CONTAINER_OF(manager->saved.next, Saved, link);

                list_remove(&saved->link);
                saved->callback(saved->userdata, result);
                free(saved);
        }
}

static void answer_waiters(Manager *manager, Job *job, int result, bool partial, const char *text)
{
        LIST_FOREACH_SAFE (link, after, &manager->waiters) {
                Waiter *waiter = CONTAINER_OF(link, Waiter, link);

                if (waiter->job != job)
                        continue;
                list_remove(&waiter->link);
                waiter->done(waiter->userdata, result, partial, text);
                free(waiter);
        }
}

static int add_waiter(Manager *manager, Job *job, manager_done_t done, void *userdata)
{
        Waiter *waiter = calloc(1, sizeof(*waiter));

        if (!waiter)
                return -ENOMEM;
        *waiter = (Waiter){ .job = job, .done = done, .userdata = userdata };
        list_append(&manager->waiters, &waiter->link);
        return 0;
}

/* The file "work" makes systemd start the service at boot. */
static void count_work(Manager *manager, Job *job, bool work)
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

/* Takes the job out of memory; its row is gone or was never there. */
static void drop_job(Manager *manager, Job *job)
{
        Owner *owner = job->owner;

        answer_waiters(manager, job, -ECANCELED, false, "The job is gone");
        scheduler_remove(&manager->scheduler, &job->queue);
        sd_event_source_disable_unref(job->wait);
        count_work(manager, job, false);
        owner->vault_bytes -= job->vault_bytes;
        HASH_DEL(manager->jobs, job);
        job_free(job);
        owners_release(manager->parts.owners, owner);
}

static void tell(Manager *manager, Job *job, unsigned changes)
{
        JobState previous = job->told_state;

        job->told_state = job->state;
        if (changes & JOB_CHANGE_NEW && manager->observer.job_new)
                manager->observer.job_new(manager->observer.userdata, job);
        else if (changes && manager->observer.job_changed)
                manager->observer.job_changed(manager->observer.userdata, job, changes, previous);
}

/* The job leaves the bus; what is left on disk is the cleaner's. */
static void tell_gone(Manager *manager, Job *job, int result, bool partial, const char *text)
{
        answer_waiters(manager, job, result, partial, text);
        if (job->gone)
                return;
        job->gone = true;
        if (manager->observer.job_removed)
                manager->observer.job_removed(manager->observer.userdata, job);
}

/* ---- workers ------------------------------------------------------------------------------- */

static bool has_temporary_files(const Job *job)
{
        for (uint32_t i = 0; i < job->n_files; i++)
                if (!str_is_empty(job->files[i].record.temp_name))
                        return true;
        return false;
}

static int new_run(Manager *manager, Job *job, WorkerTask task)
{
        int r = job_run_new(job, task, manager->parts.clock, &manager->run_events, &job->run);

        if (r >= 0)
                list_append(&manager->running, &job->running_link);
        return r;
}

static void start_run(Manager *manager, Job *job, WorkerTask task)
{
        const Config *config = manager->parts.config;
        bool own = job->proxy_usage == PROXY_USAGE_OVERRIDE;
        bool preconfig = job->proxy_usage == PROXY_USAGE_PRECONFIG;
        static char *const none[] = { NULL };
        int r = 0;

        if (!job->run)
                r = new_run(manager, job, task);
        if (r >= 0)
                r = job_run_start(job->run,
                                  manager->parts.event,
                                  manager->parts.spawner,
                                  own         ? job->proxies
                                  : preconfig ? config->proxies
                                              : none,
                                  own         ? job->proxy_bypass
                                  : preconfig ? config->proxy_bypass
                                              : none);
        if (r < 0) /* out of memory: the state stays, the next turn of this job tries again */
                log_job(LOG_ERR, job, -r, NULL, "A worker cannot be prepared");
}

/* Frees the run and its place; the job's owner may have changed meanwhile. */
static void end_run(Manager *manager, Job *job)
{
        Owner *owner = job_run_owner(job->run);
        bool download = job_run_task(job->run) == WORKER_TASK_DOWNLOAD;

        list_remove(&job->running_link);
        job_run_free(job->run);
        if (download) {
                scheduler_finished(&manager->scheduler, owner);
                owners_release(manager->parts.owners, owner);
                arm_plan(manager);
        }
}

static void remove_job(Manager *manager, Job *job)
{
        if (store_delete_job(manager->parts.store, job) < 0)
                log_job(LOG_WARNING, job, 0, NULL, "The job cannot be deleted yet");
        if (job->vault_bytes > 0)
                manager->credential_removed = true;
        arm_commit(manager);
        drop_job(manager, job);
}

static int on_wait_over(sd_event_source *source, uint64_t usec, void *userdata);
static void finish_stop(Manager *manager);

static void wait_for(Manager *manager, Job *job, uint64_t delay_usec)
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
        if (r < 0)
                log_job(LOG_ERR, job, -r, NULL, "The next attempt cannot be timed");
}

/* Does what the state of a job without a worker asks for. */
static void advance(Manager *manager, Job *job)
{
        if (job->run || manager->stopping)
                return;

        if (job_is_final(job)) {
                if (job->state == JOB_CANCELLED && !job->cleaned && has_temporary_files(job)) {
                        start_run(manager, job, WORKER_TASK_CLEAN);
                        return;
                }
                tell_gone(manager, job, 0, job->n_finished < job->n_files, "");
                remove_job(manager, job);
                return;
        }
        if (job->publishing) {
                if (has_temporary_files(job)) {
                        start_run(manager, job, WORKER_TASK_PUBLISH);
                        return;
                }
                job->publishing = false;
                if (move(manager, job, JOB_EVENT_PUBLISHED) < 0)
                        answer_waiters(manager, job, -EIO, false, "The job could not be saved");
                return;
        }
        if (job->state == JOB_QUEUED) {
                scheduler_add(&manager->scheduler, &job->queue, job->owner, job->priority);
                arm_plan(manager);
        }
}

static uint64_t retry_delay(const Manager *manager, const Job *job, uint64_t retry_after_sec)
{
        const Config *config = manager->parts.config;
        uint64_t delay = config->min_retry_delay_sec;

        for (uint32_t i = 1; i < job->attempts && delay < config->max_retry_delay_sec; i++)
                delay *= 2;
        if (delay > config->max_retry_delay_sec)
                delay = config->max_retry_delay_sec;
        if (retry_after_sec > RETRY_AFTER_MAX_SEC)
                retry_after_sec = RETRY_AFTER_MAX_SEC;
        if (delay < retry_after_sec)
                delay = retry_after_sec;
        /* Up to a tenth more, so that clients of one failed server do not come back as one. */
        delay *= USEC_PER_SEC;
        return delay +
               arc4random_uniform((uint32_t) (delay / 10 > UINT32_MAX ? UINT32_MAX : delay / 10));
}

/* After the commit: effects in the order of their bits. */
static void carry_out(Manager *manager, Job *job)
{
        unsigned effects = job->effects, changes = job->changes;

        job->effects = job->changes = 0;
        tell(manager, job, changes);
        count_work(manager, job, job_has_work(job));

        if (effects & JOB_HALT && job->run)
                job_run_stop(job->run);
        if (effects & JOB_UNPLAN) {
                scheduler_remove(&manager->scheduler, &job->queue);
                job->wait = sd_event_source_disable_unref(job->wait);
        }
        if (effects & JOB_RETRY) {
                uint64_t now = manager_now(manager);

                wait_for(manager,
                         job,
                         job->next_attempt_usec > now ? job->next_attempt_usec - now : 0);
        }
        if (job->state == JOB_CONNECTING && job->run && !job_run_is_started(job->run))
                start_run(manager, job, WORKER_TASK_DOWNLOAD);
        else if (effects & (JOB_PLAN | JOB_PUBLISH | JOB_REMOVE))
                advance(manager, job);
}

/* Puts one job back to what the disk says. */
static void revert_job(Manager *manager, Job *job)
{
        Owners *owners = manager->parts.owners;
        Job *saved = NULL;
        int r;

        job->effects = job->changes = 0;
        r = store_load_job(manager->parts.store, owners, job->id, &saved);
        if (r == -ENOENT) {
                drop_job(manager, job);
                return;
        }
        if (r < 0) {
                log_job(LOG_ERR, job, -r, NULL, "The job cannot be read back");
                return;
        }
        job->owner->vault_bytes -= job->vault_bytes;
        job_take_stored(job, saved);
        job_free(saved);
        if (store_slot_bytes(manager->parts.store, job, &job->vault_bytes) < 0)
                job->vault_bytes = 0;
        job->owner->vault_bytes += job->vault_bytes;

        if (job->run && !job_run_is_started(job->run))
                end_run(manager, job);
        /* Its worker has gone, or was never started: as after a crash. */
        if (job_is_active(job) && !job->run)
                job->state = JOB_QUEUED;
        if (job->state == JOB_QUEUED && !job->run && !scheduler_is_queued(&job->queue))
                wait_for(manager, job, SAVE_RETRY_USEC);
        job->told_state = job->state;
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
                        revert_job(manager, job);
                }
                answer_saved(manager, r);
                return r;
        }
        answer_saved(manager, 0);
        while (!list_is_empty(&done)) {
                Job *job = CONTAINER_OF(done.next, Job, dirty_link);

                list_remove(&job->dirty_link);
                carry_out(manager, job);
        }
        if (empty_log)
                (void) store_checkpoint(manager->parts.store);
        return 0;
}

static int on_commit(sd_event_source *source, void *userdata)
{
        (void) manager_commit(userdata);
        return 0;
}

static int on_lazy_commit(sd_event_source *source, uint64_t usec, void *userdata)
{
        (void) manager_commit(userdata);
        return 0;
}

/* ---- planning ------------------------------------------------------------------------------- */

static int on_wait_over(sd_event_source *source, uint64_t usec, void *userdata)
{
        Job *job = userdata;
        Manager *manager = job->manager;

        if (job->state == JOB_TRANSIENT_ERROR)
                (void) move(manager, job, JOB_EVENT_RETRY);
        else
                advance(manager, job);
        return 0;
}

/* A job with nothing left to fetch needs no worker. */
static void start_job(Manager *manager, Job *job)
{
        if (job->state != JOB_QUEUED || job->run ||
            new_run(manager, job, WORKER_TASK_DOWNLOAD) < 0) {
                scheduler_finished(&manager->scheduler, job->owner);
                wait_for(manager, job, SAVE_RETRY_USEC);
                return;
        }
        job->next_attempt_usec = 0;
        (void) move(manager, job, JOB_EVENT_START);
        if (job->n_finished == job->n_files) {
                job->transferred_usec = manager_now(manager);
                (void) move(manager, job, JOB_EVENT_TRANSFERRED);
                end_run(manager, job);
        }
}

static int on_plan(sd_event_source *source, void *userdata)
{
        Manager *manager = userdata;
        SchedulerEntry *entry;

        while (!manager->stopping && (entry = scheduler_next(&manager->scheduler)))
                start_job(manager, CONTAINER_OF(entry, Job, queue));
        return 0;
}

/* ---- what workers say ----------------------------------------------------------------------- */

static void on_receiving(void *userdata, Job *job)
{
        Manager *manager = userdata;

        job->attempts = 0;
        (void) move(manager, job, JOB_EVENT_RECEIVING);
}

static void on_progress(void *userdata, Job *job)
{
        Manager *manager = userdata;

        job->moved_usec = clock_boottime(manager->parts.clock);
        if (manager->observer.job_progress)
                manager->observer.job_progress(manager->observer.userdata, job);
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
        mark_dirty(manager, job, 0, finished ? JOB_CHANGE_FILES : 0);
        arm_lazy_commit(manager);
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
        return r < 0 ? -ENOENT : 0;
}

/* An error that the owner sees; it is saved with the move that follows. */
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
                          failure->file) < 0)
                return;
        job->changes |= JOB_CHANGE_ERROR;
        log_job(LOG_NOTICE, job, 0, LOG_ID_JOB_FAILED, "%s", description);
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
        };

        if (!job_is_active(job) || outcome == JOB_OUTCOME_STOPPED)
                return;
        if (outcome == JOB_OUTCOME_DONE && !all_given_finished(job)) {
                outcome = JOB_OUTCOME_TRANSIENT;
                failure = &lied;
        }

        if (outcome == JOB_OUTCOME_DONE && job->n_finished < job->n_files) {
                (void) move(manager, job, JOB_EVENT_REQUEUE);
        } else if (outcome == JOB_OUTCOME_DONE) {
                job->transferred_usec = manager_now(manager);
                job->changes |= JOB_CHANGE_TIMES;
                (void) move(manager, job, JOB_EVENT_TRANSFERRED);
                log_job(LOG_INFO, job, 0, LOG_ID_JOB_DONE, "All files are transferred");
        } else if (outcome == JOB_OUTCOME_TRANSIENT) {
                job->error_count++;
                job->attempts++;
                set_error(manager, job, failure);
                job->next_attempt_usec =
                        manager_now(manager) + retry_delay(manager, job, failure->retry_after_sec);
                job->changes |= JOB_CHANGE_TIMES;
                (void) move(manager, job, JOB_EVENT_FAILED_TRANSIENT);
        } else {
                job->error_count++;
                set_error(manager, job, failure);
                (void) move(manager, job, JOB_EVENT_FAILED);
        }
}

static void publish_ended(Manager *manager, Job *job, JobOutcome outcome, const JobFailure *failure)
{
        job->publishing = false;
        if (outcome == JOB_OUTCOME_DONE && move(manager, job, JOB_EVENT_PUBLISHED) >= 0)
                return; /* the callers are answered when the job leaves */
        if (outcome == JOB_OUTCOME_DONE || outcome == JOB_OUTCOME_STOPPED) {
                answer_waiters(manager, job, -ECANCELED, false, "The service is stopping");
                return;
        }
        job->error_count++;
        set_error(manager, job, failure);
        (void) change(manager, job, 0, JOB_CHANGE_ERROR);
        answer_waiters(manager, job, -EIO, false, failure->description);
}

static void clean_ended(Manager *manager, Job *job, JobOutcome outcome, const JobFailure *failure)
{
        if (outcome == JOB_OUTCOME_STOPPED)
                return;
        /* The owner's word is carried out; what stays behind is only litter. */
        tell_gone(manager, job, 0, false, "");
        if (outcome != JOB_OUTCOME_DONE && ++job->clean_attempts < CLEAN_ATTEMPTS) {
                wait_for(manager, job, retry_delay(manager, job, 0));
                return;
        }
        if (outcome != JOB_OUTCOME_DONE)
                log_job(LOG_WARNING,
                        job,
                        0,
                        NULL,
                        "Temporary files are left behind, ignoring: %s",
                        failure->description ? failure->description : "");
        job->cleaned = true;
}

static void on_ended(void *userdata, Job *job, JobOutcome outcome, const JobFailure *failure)
{
        Manager *manager = userdata;

        switch (job_run_task(job->run)) {
        case WORKER_TASK_DOWNLOAD:
                download_ended(manager, job, outcome, failure);
                break;
        case WORKER_TASK_PUBLISH:
                publish_ended(manager, job, outcome, failure);
                break;
        case WORKER_TASK_CLEAN:
        default:
                clean_ended(manager, job, outcome, failure);
                break;
        }
        end_run(manager, job);
        /* What waits for this worker's end: a queued job, Complete, Cancel. */
        mark_dirty(manager, job, JOB_PLAN, 0);
        arm_commit(manager);
        finish_stop(manager);
}

/* ---- verbs ---------------------------------------------------------------------------------- */

int manager_find_job(const Manager *manager, const Caller *caller, sd_id128_t id, Job **ret)
{
        Job *job = NULL;
        int r;

        HASH_FIND(hh, manager->jobs, &id, sizeof(id), job);
        if (!job || job->gone)
                return -ENOENT;
        r = policy_check(caller, VERB_LOOK, job);
        if (r < 0)
                return r;
        *ret = job;
        return 0;
}

int manager_each_job(const Manager *manager,
                     const Caller *caller,
                     bool all_users,
                     int (*each)(void *userdata, Job *job),
                     void *userdata)
{
        Owner *owner;
        int r = policy_check(caller, all_users ? VERB_LIST_ALL : VERB_LIST, NULL);

        if (r < 0)
                return r;
        if (all_users) {
                Job *job, *after;

                HASH_ITER (hh, manager->jobs, job, after)
                        if (!job->gone && (r = each(userdata, job)) != 0)
                                return r;
                return 0;
        }
        owner = owners_find(manager->parts.owners, caller->uid);
        if (!owner)
                return 0;
        LIST_FOREACH (link, &owner->jobs) {
                Job *job = CONTAINER_OF(link, Job, owner_link);

                if (!job->gone && (r = each(userdata, job)) != 0)
                        return r;
        }
        return 0;
}

void manager_each_running(const Manager *manager,
                          void (*each)(void *userdata, Job *job),
                          void *userdata)
{
        LIST_FOREACH_SAFE (link, after, &manager->running)
                each(userdata, CONTAINER_OF(link, Job, running_link));
}

static int may_own(const Manager *manager, const Caller *caller)
{
        if (!caller->user_name || owner_uid_is_refused(caller->uid))
                return -EPERM;
        if (manager->parts.only_uid >= 0 && manager->parts.only_uid != (int64_t) caller->uid)
                return -EPERM;
        return 0;
}

int manager_create_job(Manager *manager, const Caller *caller, const char *display_name, Job **ret)
{
        const Config *config = manager->parts.config;
        Owner *owner;
        Job *job;
        sd_id128_t id;
        int r;

        r = policy_check(caller, VERB_CREATE_JOB, NULL);
        if (r >= 0)
                r = may_own(manager, caller);
        if (r >= 0 && HASH_COUNT(manager->jobs) >= config->max_jobs)
                r = -EUSERS;
        if (r < 0)
                return r;
        owner = owners_find(manager->parts.owners, caller->uid);
        if (owner && owner->n_jobs >= config->max_jobs_per_user && !policy_is_exempt(caller))
                return -EUSERS;

        r = sd_id128_randomize(&id);
        if (r >= 0)
                r = owners_acquire(manager->parts.owners, caller->uid, caller->user_name, &owner);
        if (r < 0)
                return r == -ESTALE ? -EPERM : r;
        r = job_new(id, owner, &job);
        if (r < 0) {
                owners_release(manager->parts.owners, owner);
                return r;
        }
        job->manager = manager;
        HASH_ADD(hh, manager->jobs, id, sizeof(job->id), job);
        job->created_usec = manager_now(manager);
        r = str_set(&job->display_name, display_name);
        if (r >= 0)
                r = change(manager, job, 0, JOB_CHANGE_NEW);
        if (r < 0) {
                /* Not in the store yet, or taken back with the turn: gone either way. */
                if (list_is_empty(&job->dirty_link))
                        drop_job(manager, job);
                return r;
        }
        *ret = job;
        return 0;
}

int manager_begin(const Caller *caller, Verb verb, const Job *job)
{
        int r = policy_check(caller, verb, job);

        if (r >= 0 && job_is_final(job))
                r = -EBADFD;
        return r;
}

void manager_discard_job(Manager *manager, Job *job)
{
        remove_job(manager, job);
}

int manager_add_files(Manager *manager,
                      const Caller *caller,
                      Job *job,
                      const ManagerFile *files,
                      size_t n_files,
                      uint32_t *ret_first)
{
        uint32_t first = job->n_files;
        int r = manager_begin(caller, VERB_ADD_FILE, job);

        if (r >= 0 && job->publishing)
                r = -EBADFD;
        if (r < 0)
                return r;
        if (n_files > manager->parts.config->max_files_per_job - job->n_files)
                return -EMFILE;

        for (size_t i = 0; r >= 0 && i < n_files; i++) {
                r = job_add_file(job, files[i].remote_name, files[i].local_name);
                if (r >= 0)
                        r = store_put_file(manager->parts.store, job, (uint32_t) r);
        }
        if (r >= 0)
                r = change(manager, job, 0, JOB_CHANGE_FILES);
        if (r < 0) {
                job_truncate_files(job, first);
                store_fail(manager->parts.store, r);
                mark_dirty(manager, job, 0, 0);
                arm_commit(manager);
                return r;
        }
        *ret_first = first;
        return 0;
}

int manager_resume(Manager *manager, const Caller *caller, Job *job)
{
        int r = manager_begin(caller, VERB_RESUME, job);

        if (r >= 0 && job->publishing)
                r = -EBADFD;
        if (r < 0)
                return r;
        if (job->state != JOB_QUEUED && !job_is_active(job)) {
                job->attempts = 0;
                job->next_attempt_usec = 0;
        }
        return move(manager, job, JOB_EVENT_RESUME);
}

int manager_suspend(Manager *manager, const Caller *caller, Job *job)
{
        int r = manager_begin(caller, VERB_SUSPEND, job);

        if (r >= 0 && job->publishing)
                r = -EBADFD;
        return r < 0 ? r : move(manager, job, JOB_EVENT_SUSPEND);
}

int manager_complete(Manager *manager,
                     const Caller *caller,
                     Job *job,
                     manager_done_t done,
                     void *userdata)
{
        int r = manager_begin(caller, VERB_COMPLETE, job);

        if (r >= 0)
                r = add_waiter(manager, job, done, userdata);
        if (r < 0 || job->publishing)
                return r;
        job->publishing = true;
        return move(manager, job, JOB_EVENT_COMPLETE);
}

int manager_cancel(Manager *manager,
                   const Caller *caller,
                   Job *job,
                   manager_done_t done,
                   void *userdata)
{
        int r = manager_begin(caller, VERB_CANCEL, job);

        if (r >= 0 && job->publishing)
                r = -EBADFD;
        if (r >= 0)
                r = add_waiter(manager, job, done, userdata);
        return r < 0 ? r : move(manager, job, JOB_EVENT_CANCEL);
}

int manager_take_ownership(Manager *manager, const Caller *caller, Job *job)
{
        Owner *before = job->owner, *owner;
        int r = manager_begin(caller, VERB_TAKE_OWNERSHIP, job);

        if (r >= 0 && job->publishing)
                r = -EBADFD;
        if (r >= 0)
                r = may_own(manager, caller);
        if (r >= 0)
                r = owners_acquire(manager->parts.owners, caller->uid, caller->user_name, &owner);
        if (r < 0)
                return r;

        if (job->vault_bytes > 0)
                manager->credential_removed = true;
        r = credentials_remove_all(manager->parts.store, job);
        scheduler_remove(&manager->scheduler, &job->queue);
        job_set_owner(job, owner);
        owners_release(manager->parts.owners, before);
        job->credentials_lost = false;
        job->changes |= JOB_CHANGE_OWNER;
        if (r >= 0)
                r = move(manager, job, JOB_EVENT_TAKE);
        if (r >= 0)
                log_job(LOG_NOTICE, job, 0, LOG_ID_OWNERSHIP_TAKEN, "Ownership is taken");
        return r;
}

static int set_text(Manager *manager,
                    const Caller *caller,
                    Job *job,
                    char **owned,
                    const char *s,
                    unsigned changes)
{
        int r = manager_begin(caller, VERB_SET_PROPERTY, job);

        if (r >= 0)
                r = str_set(owned, s);
        return r < 0 ? r : change(manager, job, 0, changes);
}

int manager_set_display_name(Manager *manager, const Caller *caller, Job *job, const char *s)
{
        return set_text(manager, caller, job, &job->display_name, s, JOB_CHANGE_DISPLAY_NAME);
}

int manager_set_description(Manager *manager, const Caller *caller, Job *job, const char *s)
{
        return set_text(manager, caller, job, &job->description, s, JOB_CHANGE_DESCRIPTION);
}

int manager_set_priority(Manager *manager, const Caller *caller, Job *job, Priority priority)
{
        int r = manager_begin(caller, VERB_SET_PROPERTY, job);

        if (r < 0)
                return r;
        job->priority = priority;
        return change(manager,
                      job,
                      scheduler_is_queued(&job->queue) ? JOB_PLAN : 0,
                      JOB_CHANGE_PRIORITY);
}

int manager_set_proxy(Manager *manager,
                      const Caller *caller,
                      Job *job,
                      ProxyUsage usage,
                      char *const *proxies,
                      char *const *bypass)
{
        _cleanup_(strings_freep) char **new_proxies = NULL, **new_bypass = NULL;
        int r = manager_begin(caller, VERB_SET_PROPERTY, job);

        if (r >= 0)
                r = strings_copy(proxies, &new_proxies);
        if (r >= 0)
                r = strings_copy(bypass, &new_bypass);
        if (r < 0)
                return r;
        strings_free(job->proxies);
        strings_free(job->proxy_bypass);
        job->proxies = STEAL_PTR(new_proxies);
        job->proxy_bypass = STEAL_PTR(new_bypass);
        job->proxy_usage = usage;
        return change(manager, job, 0, JOB_CHANGE_PROXY);
}

int manager_set_credentials(Manager *manager,
                            const Caller *caller,
                            Job *job,
                            AuthTarget target,
                            AuthScheme scheme,
                            const char *user_name,
                            const Secret *secret)
{
        int r = manager_begin(caller, VERB_SET_CREDENTIALS, job);

        if (r >= 0)
                r = credentials_set(manager->parts.store,
                                    manager->parts.vault,
                                    job,
                                    target,
                                    scheme,
                                    user_name,
                                    secret);
        if (r < 0)
                return r;
        manager->credential_removed = true; /* of the one that was replaced, if any */
        job->credentials_lost = false;
        return change(manager, job, 0, 0);
}

int manager_remove_credentials(Manager *manager,
                               const Caller *caller,
                               Job *job,
                               AuthTarget target,
                               AuthScheme scheme)
{
        int removed, r = manager_begin(caller, VERB_REMOVE_CREDENTIALS, job);

        if (r < 0)
                return r;
        removed = credentials_remove(manager->parts.store, job, target, scheme);
        if (removed <= 0)
                return removed;
        manager->credential_removed = true;
        r = change(manager, job, 0, 0);
        return r < 0 ? r : 1;
}

int manager_has_credentials(Manager *manager, Job *job, AuthTarget target, AuthScheme scheme)
{
        int schemes = store_slot_schemes(manager->parts.store, job, target);

        return schemes < 0 ? schemes : ((unsigned) schemes & 1u << scheme) != 0;
}

/* ---- life of the service -------------------------------------------------------------------- */

static int take_job(void *userdata, Job *job)
{
        Manager *manager = userdata;

        job->manager = manager;
        HASH_ADD(hh, manager->jobs, id, sizeof(job->id), job);
        return 0;
}

static int take_slot(void *userdata, sd_id128_t id, const VaultRow *row)
{
        Manager *manager = userdata;
        Job *job = NULL;

        HASH_FIND(hh, manager->jobs, &id, sizeof(id), job);
        if (!job)
                return 1;
        if (!vault_row_is_lost(manager->parts.vault, row)) {
                job->vault_bytes += row->sealed_size;
                job->owner->vault_bytes += row->sealed_size;
                return 0;
        }
        log_job(LOG_WARNING, job, 0, LOG_ID_CREDENTIALS_LOST, "A credential was lost with its key");
        job->credentials_lost = true;
        manager->credential_removed = true;
        return 1;
}

int manager_load(Manager *manager)
{
        Job *job, *after;
        int r;

        r = store_load(manager->parts.store, manager->parts.owners, take_job, manager);
        if (r >= 0)
                r = store_each_slot(manager->parts.store, take_slot, manager);
        if (r < 0)
                return r;

        HASH_ITER (hh, manager->jobs, job, after) {
                if (job->credentials_lost)
                        r = store_put_job(manager->parts.store, job);
                if (r >= 0)
                        r = move(manager, job, JOB_EVENT_RESTART);
                if (r < 0)
                        return r;
                count_work(manager, job, job_has_work(job));
        }
        arm_commit(manager);
        return 0;
}

static void finish_stop(Manager *manager)
{
        void (*stopped)(void *userdata) = manager->stopped;

        if (!manager->stopping || !list_is_empty(&manager->running) || !stopped)
                return;
        manager->stopped = NULL;
        (void) manager_commit(manager);
        stopped(manager->stopped_userdata);
}

static int on_stop_timeout(sd_event_source *source, uint64_t usec, void *userdata)
{
        Manager *manager = userdata;

        LIST_FOREACH_SAFE (link, after, &manager->running)
                end_run(manager, CONTAINER_OF(link, Job, running_link));
        finish_stop(manager);
        return 0;
}

void manager_stop(Manager *manager, void (*done)(void *userdata), void *userdata)
{
        manager->stopping = true;
        manager->stopped = done;
        manager->stopped_userdata = userdata;

        (void) sd_event_add_time_relative(manager->parts.event,
                                          NULL,
                                          CLOCK_BOOTTIME,
                                          STOP_TIMEOUT_USEC,
                                          0,
                                          on_stop_timeout,
                                          manager);
        LIST_FOREACH_SAFE (link, after, &manager->running)
                job_run_stop(CONTAINER_OF(link, Job, running_link)->run);
        finish_stop(manager);
}

bool manager_is_idle(const Manager *manager)
{
        Job *job, *after;

        if (manager->n_work > 0 || !list_is_empty(&manager->running) ||
            !list_is_empty(&manager->waiters) || !list_is_empty(&manager->saved) ||
            store_is_dirty(manager->parts.store))
                return false;
        if (vault_is_persistent(manager->parts.vault))
                return true;
        /* A volatile key would take the credentials with it. */
        HASH_ITER (hh, manager->jobs, job, after)
                if (job->vault_bytes > 0)
                        return false;
        return true;
}

static int add_sources(Manager *manager)
{
        sd_event *event = manager->parts.event;
        int r;

        r = sd_event_add_defer(event, &manager->commit, on_commit, manager);
        if (r >= 0)
                r = sd_event_source_set_enabled(manager->commit, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_source_set_priority(manager->commit, PRIORITY_COMMIT);
        if (r >= 0)
                r = sd_event_add_defer(event, &manager->plan, on_plan, manager);
        if (r >= 0)
                r = sd_event_source_set_enabled(manager->plan, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_source_set_priority(manager->plan, PRIORITY_PLAN);
        if (r >= 0)
                r = sd_event_add_time(event,
                                      &manager->lazy,
                                      CLOCK_BOOTTIME,
                                      0,
                                      0,
                                      on_lazy_commit,
                                      manager);
        if (r >= 0)
                r = sd_event_source_set_enabled(manager->lazy, SD_EVENT_OFF);
        return r < 0 ? r : 0;
}

int manager_new(const ManagerParts *parts, Manager **ret)
{
        _cleanup_(manager_freep) Manager *manager = calloc(1, sizeof(*manager));
        int r;

        if (!manager)
                return -ENOMEM;
        manager->parts = *parts;
        manager->run_events = (JobRunEvents){
                .receiving = on_receiving,
                .progress = on_progress,
                .checkpoint = on_checkpoint,
                .authenticate = on_authenticate,
                .ended = on_ended,
                .userdata = manager,
        };
        list_init(&manager->dirty);
        list_init(&manager->saved);
        list_init(&manager->waiters);
        list_init(&manager->running);
        scheduler_init(&manager->scheduler,
                       (uint32_t) parts->config->max_active_jobs,
                       (uint32_t) parts->config->max_active_jobs_per_user);
        r = add_sources(manager);
        if (r < 0)
                return r;
        *ret = STEAL_PTR(manager);
        return 0;
}

Manager *manager_free(Manager *manager)
{
        Job *job, *after;

        if (!manager)
                return NULL;
        manager->parts.state_dir_fd = -EBADF; /* what is loaded again has its work still */
        answer_saved(manager, -ECANCELED);
        HASH_ITER (hh, manager->jobs, job, after) {
                if (job->run)
                        end_run(manager, job);
                drop_job(manager, job);
        }
        sd_event_source_disable_unref(manager->commit);
        sd_event_source_disable_unref(manager->lazy);
        sd_event_source_disable_unref(manager->plan);
        free(manager);
        return NULL;
}
