#include "tests/lib/manager-trial.h"

#include <check.h>

#include "base/macro.h"

#include "manager/manager-core.h"
#include "tests/lib/manager-fixture.h"
#include "tests/lib/no-memory.h"

static void on_saved_result(void *userdata, int result)
{
        *(int *) userdata = result;
}

void manager_trial_expire_timers(void)
{
        Job *job = NULL, *after = NULL;

        JOB_TABLE_FOREACH (job, after, &manager->table)
                if (is_waiting(job) && (job->stale || !fake_link_of(job->id)))
                        timers_start(&manager->timers, &job->timer, 0);
        run_loop();
}

static void check_file(const FileRecord *a, const FileRecord *b)
{
        ck_assert_str_eq(a->remote_name, b->remote_name);
        ck_assert_str_eq(a->local_name, b->local_name);
        ck_assert_str_eq(a->temp_name, b->temp_name);
        ck_assert_str_eq(a->etag, b->etag);
        ck_assert_str_eq(a->checksum, b->checksum);
        ck_assert_uint_eq(a->offset_bytes, b->offset_bytes);
        ck_assert_uint_eq(a->total_bytes, b->total_bytes);
        ck_assert_uint_eq(a->n_ranges, b->n_ranges);
        ck_assert_uint_eq(a->finished, b->finished);
}

static void check_setting(const JobSettings *a, const JobSettings *b, SettingId id)
{
        _cleanup_free_ char *text_a = NULL, *text_b = NULL;

        if (!setting_is_stored(id))
                return;
        ck_assert_int_eq(setting_format(a, id, &text_a), 0);
        ck_assert_int_eq(setting_format(b, id, &text_b), 0);
        ck_assert_str_eq(text_a, text_b);
}

static void check_job(const Job *job, const Job *saved)
{
        ck_assert_str_eq(job->owner->name, saved->owner->name);
        ck_assert_uint_eq(job->state, saved->state);
        ck_assert_uint_eq(job->announced.state, saved->state);
        for (unsigned id = 0; id < SETTINGS_MAX; id++)
                check_setting(&job->settings, &saved->settings, (SettingId) id);
        ck_assert_uint_eq(job->sealed, saved->sealed);
        ck_assert_uint_eq(job->error.code, saved->error.code);
        ck_assert_uint_eq(job->error_count, saved->error_count);
        ck_assert_uint_eq(job->attempts.failures, saved->attempts.failures);
        ck_assert_uint_eq(job->n_files, saved->n_files);
        ck_assert_uint_eq(job->n_finished, saved->n_finished);
        ck_assert_uint_eq(job->bytes_total, saved->bytes_total);
        for (uint32_t i = 0; i < job->n_files; i++)
                check_file(&job->files[i].record, &saved->files[i].record);
}

typedef struct Count {
        Owners owners;
        unsigned n_jobs;
} Count;

static int compare(void *userdata, Job *saved)
{
        Count *count = userdata;
        Owner *owner = saved->owner;
        Job *job = job_table_find(&manager->table, saved->id);
        uint64_t bytes = 0;

        ck_assert_msg(job != NULL, "a job is in the store alone");
        check_job(job, saved);
        ck_assert_int_eq(store_slot_bytes(store, job, &bytes), 0);
        ck_assert_uint_eq(job->vault_bytes, bytes);
        count->n_jobs++;
        job_free(saved);
        owners_release(&count->owners, owner);
        return 0;
}

void manager_trial_check_agreement(void)
{
        Count count = { 0 };

        ck_assert(!store_is_dirty(store));
        ck_assert(list_is_empty(&manager->changes.dirty));
        ck_assert_int_eq(store_load(store, &count.owners, compare, &count), 0);
        ck_assert_uint_eq(count.n_jobs, job_table_count(&manager->table));
}

/* Calls a verb, waits for its answer, and runs what follows. */
static int try(void *userdata)
{
        Trial *trial = userdata;
        int saved = 1, r = trial->verb(trial->job);

        if (r >= 0)
                r = manager_when_saved(manager, on_saved_result, &saved);
        run_loop();
        if (r < 0)
                return r;
        ck_assert_int_le(saved, 0);
        return saved;
}

void manager_trial_check(void *userdata, int result)
{
        Trial *trial = userdata;

        manager_trial_expire_timers();
        manager_trial_check_agreement();
        if (result >= 0)
                ck_assert(trial->is_done(trial->job));
        else
                ck_assert(!trial->is_done(trial->job));
        event_log[0] = '\0';
        if (result >= 0)
                trial->undo(trial->job);
        run_loop();
        event_log[0] = '\0';
}

void manager_trial_run(const char *name, Trial *trial)
{
        no_memory_torture(&(NoMemoryScenario){ .name = name,
                                               .run = try,
                                               .check = manager_trial_check,
                                               .userdata = trial,
                                               .harmless = true });
}
