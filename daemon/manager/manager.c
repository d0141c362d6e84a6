#include "manager/manager.h"

#include <errno.h>
#include <stdlib.h>

#include "manager/job-log.h"
#include "manager/manager-core.h"

/* A stop is promised to take five seconds; this leaves one for the last commit and the exit. */
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
        manager->announcer.observer = *observer;
}

int manager_commit(Manager *manager)
{
        return changes_commit(&manager->changes);
}

int manager_when_saved(Manager *manager, manager_saved_t saved, void *userdata)
{
        return changes_when_saved(&manager->changes, saved, userdata);
}

void manager_fail_batch(Manager *manager, int error)
{
        changes_fail(&manager->changes, error);
}

static int take_job(void *userdata, Job *job)
{
        Manager *manager = userdata;

        /* Jobs of the first versions had no delay of their own. */
        if (job->settings.minimum_retry_delay_sec == 0)
                job->settings.minimum_retry_delay_sec =
                        manager->parts.config->job_defaults.minimum_retry_delay_sec;
        announcer_reset(job);
        attempts_load(&job->attempts, manager->parts.clock, job->bytes_transferred);
        return job_table_add(&manager->table, job);
}

static int take_slot(void *userdata, sd_id128_t id, const VaultRow *row)
{
        Manager *manager = userdata;
        Job *job = job_table_find(&manager->table, id);

        if (!job)
                return 1;
        if (!vault_row_is_lost(manager->parts.vault, row)) {
                job->vault_bytes += row->sealed_size;
                job->owner->vault_bytes += row->sealed_size;
                return 0;
        }
        job_log_write(LOG_WARNING,
                      job,
                      0,
                      LOG_ID_CREDENTIALS_LOST,
                      "A credential was lost with its key");
        job->credentials_lost = true;
        changes_erase_log(&manager->changes);
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

        JOB_TABLE_FOREACH (job, after, &manager->table) {
                if (job->credentials_lost)
                        r = store_put_job(manager->parts.store, job);
                if (r >= 0)
                        r = changes_move(&manager->changes, job, JOB_EVENT_RESTART, 0);
                if (r < 0)
                        return r;
                job_table_count_work(&manager->table, job);
        }
        changes_arm(&manager->changes);
        return 0;
}

/* The last worker is gone. */
static void on_runs_stopped(void *userdata)
{
        Manager *manager = userdata;

        (void) manager_commit(manager);
        manager->stopped(manager->stopped_userdata);
}

static int on_stop_timeout(sd_event_source *source, uint64_t usec, void *userdata)
{
        Manager *manager = userdata;

        runs_kill(&manager->runs);
        return 0;
}

void manager_stop(Manager *manager, void (*done)(void *userdata), void *userdata)
{
        manager->stopped = done;
        manager->stopped_userdata = userdata;
        (void) sd_event_add_time_relative(manager->parts.event,
                                          NULL,
                                          CLOCK_BOOTTIME,
                                          STOP_TIMEOUT_USEC,
                                          0,
                                          on_stop_timeout,
                                          manager);
        runs_stop(&manager->runs, on_runs_stopped, manager);
        waiters_answer_stopping(&manager->waiters);
}

void manager_network_came_up(Manager *manager)
{
        uint64_t max_delay_sec = manager->parts.config->max_retry_delay_sec;
        Job *job = NULL, *after = NULL;
        unsigned n = 0;

        if (runs_is_stopping(&manager->runs))
                return;
        JOB_TABLE_FOREACH (job, after, &manager->table) {
                if (!job_is_unreachable(job) ||
                    !attempts_bring_forward(&job->attempts, manager->parts.clock, max_delay_sec))
                        continue;
                /* A job that cannot be saved is put back when the commit fails. */
                (void) changes_save(&manager->changes, job, JOB_RETRY, JOB_CHANGE_TIMES);
                n++;
        }
        if (n > 0)
                log_info("The network has come up, jobs that are tried sooner: %u", n);
}

void manager_take_config(Manager *manager)
{
        runs_take_config(&manager->runs);
}

int manager_reload(Manager *manager, const Caller *caller, char **ret_problem)
{
        const ManagerParts *parts = &manager->parts;
        bool own = parts->only_uid >= 0 && parts->only_uid == (int64_t) caller->uid;
        int r = policy_check(caller, own ? VERB_RELOAD_OWN : VERB_RELOAD, NULL);

        if (r >= 0 && !parts->reload)
                r = -EOPNOTSUPP;
        return r < 0 ? r : parts->reload(parts->reload_userdata, caller->uid, ret_problem);
}

bool manager_is_idle(const Manager *manager)
{
        Job *job = NULL, *after = NULL;

        if (job_table_has_work(&manager->table) || !runs_is_idle(&manager->runs) ||
            !waiters_is_empty(&manager->waiters) || !changes_is_idle(&manager->changes))
                return false;
        if (vault_is_persistent(manager->parts.vault))
                return true;
        /* The credentials would be lost, because their key goes with the process. */
        JOB_TABLE_FOREACH (job, after, &manager->table)
                if (job->vault_bytes > 0)
                        return false;
        return true;
}

static int set_up(Manager *manager)
{
        const ChangesEvents changes_events = { .committed = effects_on_committed,
                                               .reverted = effects_on_reverted,
                                               .userdata = &manager->effects };
        const JobRunEvents run_events = reports_events(&manager->reports);
        int r;

        job_table_init(&manager->table, &manager->parts);
        waiters_init(&manager->waiters);
        manager->reports = (Reports){ .parts = &manager->parts,
                                      .changes = &manager->changes,
                                      .waiters = &manager->waiters,
                                      .timers = &manager->timers,
                                      .announcer = &manager->announcer,
                                      .runs = &manager->runs };
        manager->effects = (Effects){ .parts = &manager->parts,
                                      .table = &manager->table,
                                      .changes = &manager->changes,
                                      .waiters = &manager->waiters,
                                      .timers = &manager->timers,
                                      .announcer = &manager->announcer,
                                      .runs = &manager->runs,
                                      .reports = &manager->reports };
        r = changes_init(&manager->changes, &manager->parts, &changes_events);
        if (r >= 0)
                r = timers_init(&manager->timers,
                                manager->parts.event,
                                effects_on_timer,
                                &manager->effects);
        if (r >= 0)
                r = runs_init(&manager->runs,
                              &manager->parts,
                              &manager->changes,
                              &manager->timers,
                              &run_events);
        return r < 0 ? r : 0;
}

/* Each member is freed, also of a manager that could not be set up. */
Manager *manager_free(Manager *manager)
{
        Job *job = NULL, *after = NULL;

        if (!manager)
                return NULL;
        job_table_keep_work_file(&manager->table);
        changes_done(&manager->changes);
        JOB_TABLE_FOREACH (job, after, &manager->table) {
                if (runs_has_run(job))
                        runs_end(&manager->runs, job);
                effects_drop_job(&manager->effects, job);
        }
        runs_done(&manager->runs);
        timers_done(&manager->timers);
        free(manager);
        return NULL;
}

int manager_new(const ManagerParts *parts, Manager **ret)
{
        Manager *manager = calloc(1, sizeof(*manager));
        int r;

        if (!manager)
                return -ENOMEM;
        manager->parts = *parts;
        r = set_up(manager);
        if (r < 0) {
                manager_free(manager);
                return r;
        }
        *ret = manager;
        return 0;
}
