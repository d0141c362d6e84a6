#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/str.h"

#include "manager/bus-edge.h"
#include "manager/manager-core.h"
#include "model/error-code.h"
#include "model/file-record.h"
#include "tests/lib/manager-fixture.h"
#include "tests/lib/manager-trial.h"
#include "tests/lib/no-memory.h"

/* ---- reports of workers ---------------------------------------------------------------------- */

static FileRecord reported; /* set by each test */

static int checkpoint(Job *job)
{
        WorkerLink *link = worker_of(job);

        link->events->checkpoint(link->userdata, &reported, 1);
        return manager_commit(manager);
}

static bool is_done_checkpoint(Job *job)
{
        return job->files[0].record.offset_bytes == 50;
}

static void undo_checkpoint(Job *job)
{
        fake_link_checkpoint(worker_of(job), 0, 10, 100, false);
        ck_assert_int_eq(manager_commit(manager), 0);
}

static int try_checkpoint(void *userdata)
{
        Trial *trial = userdata;
        int r = checkpoint(trial->job);

        run_loop();
        return r < 0 ? r : is_done_checkpoint(trial->job) ? 0 : -ENOMEM;
}

START_TEST(an_offset_is_recorded_or_the_one_before)
{
        Trial trial = { .job = make_transferring(1),
                        .undo = undo_checkpoint,
                        .is_done = is_done_checkpoint };

        ck_assert_int_eq(file_record_init(&reported, 0, "http://host/a", "/dir/a"), 0);
        ck_assert_int_eq(str_set(&reported.temp_name, ".0.part"), 0);
        reported.offset_bytes = 50;
        reported.total_bytes = 100;
        no_memory_torture(&(NoMemoryScenario){ .name = "checkpoint",
                                               .run = try_checkpoint,
                                               .check = manager_trial_check,
                                               .userdata = &trial,
                                               .harmless = true });
        file_record_done(&reported);
}
END_TEST

static Job **failed_of; /* each run uses a job of its own */
static uint32_t failure_code;
static bool failure_is_transient;

/* The job takes over the failure of its worker, or it is tried again with another worker. */
static int fail_worker(void *userdata)
{
        fake_link_fail(worker_of(*failed_of), failure_is_transient, failure_code, 0);
        run_loop();
        return 0;
}

static void check_failed(void *userdata, int result)
{
        Job *job = *failed_of;
        sd_id128_t id = job->id;
        JobState wanted = failure_is_transient ? JOB_TRANSIENT_ERROR : JOB_ERROR;

        for (int i = 0; i < 4 && (job->stale || !(job->state == wanted || job_is_active(job))); i++)
                manager_trial_expire_timers();
        manager_trial_check_agreement();
        if (job->state == wanted)
                ck_assert_uint_eq(job->error.code, failure_code);
        else
                ck_assert_ptr_nonnull(fake_link_of(job->id));
        if (failure_is_transient && job->state == wanted) {
                for (int i = 0; i < 2 && !is_waiting(job); i++)
                        manager_trial_expire_timers();
                ck_assert(is_waiting(job));
        }
        ck_assert_int_eq(manager_cancel(manager, &alice, job, on_done, NULL), 0);
        run_loop();
        while (fake_link_of(id)) {
                fake_link_end(fake_link_of(id), 0, "");
                run_loop();
        }
        ck_assert_uint_eq(job_table_count(&manager->table), 0);
        *failed_of = make_connecting(1);
}

static void torture_failure(bool transient, uint32_t code)
{
        failure_is_transient = transient;
        failure_code = code;
        no_memory_torture(&(NoMemoryScenario){ .name = transient ? "transient failure" : "failure",
                                               .run = fail_worker,
                                               .check = check_failed,
                                               .harmless = true });
}

START_TEST(a_failure_is_reported_with_its_code_or_the_job_goes_on)
{
        Job *job = make_connecting(1);

        failed_of = &job;
        torture_failure(false, ERROR_CODE_HTTP(404));
        torture_failure(true, ERROR_CODE_HTTP(503));
}
END_TEST

/* ---- start ----------------------------------------------------------------------------------- */

static void make_manager(void *userdata)
{
        new_manager(-1);
}

static int load_again(void *userdata)
{
        int r = manager_load(manager);

        if (r >= 0)
                run_loop();
        return r;
}

static void check_loaded(void *userdata, int result)
{
        if (result >= 0) {
                manager_trial_expire_timers();
                manager_trial_check_agreement();
                ck_assert_uint_eq(job_table_count(&manager->table), 2);
        }
        manager = manager_free(manager);
        store_rollback(store);
        ck_assert_ptr_null(owners.by_uid);
}

START_TEST(all_jobs_are_loaded_or_the_start_fails)
{
        (void) make_connecting(1);
        (void) make_job(2);
        manager = manager_free(manager);
        no_memory_torture(&(NoMemoryScenario){ .name = "load",
                                               .prepare = make_manager,
                                               .run = load_again,
                                               .check = check_loaded,
                                               .harmless = true });
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("no-memory-workers");
        SRunner *runner;
        int failed;

        FIXTURE_ADD_TESTS(suite,
                          "workers",
                          an_offset_is_recorded_or_the_one_before,
                          a_failure_is_reported_with_its_code_or_the_job_goes_on);
        FIXTURE_ADD_TESTS(suite, "start", all_jobs_are_loaded_or_the_start_fails);
        log_set_max_level(LOG_EMERG);
        no_memory_set_up();
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
