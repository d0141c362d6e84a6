#include "manager/manager.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "manager/manager-core.h"
#include "model/limits.h"

/* With the last commit and the end of the process in five seconds, which is what we promise. */
#define STOP_TIMEOUT_USEC (4 * USEC_PER_SEC)

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

static int take_job(void *userdata, Job *job)
{
        Manager *manager = userdata;

        job->manager = manager;
        /* Jobs of the first versions had no delay of their own. */
        if (job->settings.minimum_retry_delay_sec == 0)
                job->settings.minimum_retry_delay_sec =
                        manager->parts.config->job_defaults.minimum_retry_delay_sec;
        if (job->attempts > 0)
                stopwatch_start(&job->stalled, manager_ticks(manager));
        job->furthest_bytes = job->bytes_transferred;
        HASH_ADD(hh, manager->jobs, id, sizeof(job->id), job);
        if (!HASH_WAS_ADDED(job)) {
                Owner *owner = job->owner;

                job_free(job);
                owners_release(manager->parts.owners, owner);
                return -ENOMEM;
        }
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
        Job *job = NULL, *after = NULL;
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
                        r = manager_move(manager, job, JOB_EVENT_RESTART);
                if (r < 0)
                        return r;
                manager_count_work(manager, job, job_has_work(job));
        }
        manager_arm_commit(manager);
        return 0;
}

void manager_finish_stop(Manager *manager)
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
                manager_end_run(manager, CONTAINER_OF(link, Job, running_link));
        manager_finish_stop(manager);
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
        LIST_FOREACH_SAFE (link, after, &manager->running) {
                Job *job = CONTAINER_OF(link, Job, running_link);

                if (job_run_is_started(job->run))
                        job_run_stop(job->run);
                else
                        manager_end_run(manager, job);
        }
        manager_answer_unserved(manager);
        manager_finish_stop(manager);
}

bool manager_is_idle(const Manager *manager)
{
        Job *job = NULL, *after = NULL;

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

        r = sd_event_add_defer(event, &manager->commit, manager_on_commit, manager);
        if (r >= 0)
                r = sd_event_source_set_enabled(manager->commit, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_source_set_priority(manager->commit, PRIORITY_COMMIT);
        if (r >= 0)
                r = sd_event_add_defer(event, &manager->plan, manager_on_plan, manager);
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
                                      manager_on_lazy_commit,
                                      manager);
        if (r >= 0)
                r = sd_event_source_set_enabled(manager->lazy, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_add_time(event,
                                      &manager->rescue,
                                      CLOCK_BOOTTIME,
                                      0,
                                      0,
                                      manager_on_rescue,
                                      manager);
        if (r >= 0)
                r = sd_event_source_set_enabled(manager->rescue, SD_EVENT_OFF);
        return r < 0 ? r : 0;
}

int manager_new(const ManagerParts *parts, Manager **ret)
{
        _cleanup_(manager_freep) Manager *manager = calloc(1, sizeof(*manager));
        int r;

        if (!manager)
                return -ENOMEM;
        manager->parts = *parts;
        list_init(&manager->dirty);
        list_init(&manager->saved);
        list_init(&manager->waiters);
        list_init(&manager->running);
        scheduler_init(&manager->schedulers[SCHEDULER_DOWNLOADS],
                       SCHEDULER_DOWNLOADS,
                       (uint32_t) parts->config->max_active_jobs,
                       (uint32_t) parts->config->max_active_jobs_per_user);
        scheduler_init(&manager->schedulers[SCHEDULER_ENDINGS],
                       SCHEDULER_ENDINGS,
                       LIMIT_ENDINGS,
                       LIMIT_ENDINGS_PER_USER);
        r = add_sources(manager);
        if (r < 0)
                return r;
        *ret = STEAL_PTR(manager);
        return 0;
}

Manager *manager_free(Manager *manager)
{
        Job *job = NULL, *after = NULL;

        if (!manager)
                return NULL;
        manager->parts.state_dir_fd = -EBADF; /* what is loaded again has its work still */
        manager_answer_saved(manager, -ECANCELED);
        HASH_ITER (hh, manager->jobs, job, after) {
                if (job->run)
                        manager_end_run(manager, job);
                manager_drop_job(manager, job);
        }
        sd_event_source_disable_unref(manager->commit);
        sd_event_source_disable_unref(manager->lazy);
        sd_event_source_disable_unref(manager->plan);
        sd_event_source_disable_unref(manager->rescue);
        free(manager);
        return NULL;
}
