#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "dbus/worker-wire.h"

#include "base/str.h"

#include "model/error-code.h"
#include "tests/lib/manager-fixture.h"

/* Downloading ---------------------------------------------------------------------------------- */

START_TEST(resume_without_files_is_refused)
{
        Job *job = make_job(0);

        ck_assert_int_eq(manager_resume(manager, &alice, job), -ENODATA);
        run_loop();
        check_event_log("");
}
END_TEST

START_TEST(a_job_goes_through_its_states)
{
        Job *job = make_job(2);
        WorkerLink *link;

        resume(job);
        check_event_log("queued connecting ");
        link = worker_of(job);
        ck_assert_uint_eq(link->task, WORKER_TASK_DOWNLOAD);
        ck_assert_uint_eq(link->owner_uid, alice.uid);
        ck_assert_str_eq(link->owner_name, "alice");
        ck_assert_uint_eq(link->n_files, 2);
        ck_assert_uint_eq(link->files[1].index, 1);
        ck_assert_str_eq(link->files[1].remote_name, "http://host/b");
        ck_assert_str_eq(link->files[1].local_name, "/dir/b");

        link->events->progress(link->userdata, 0, 5, 100);
        run_loop();
        check_event_log("progress transferring ");
        ck_assert_uint_eq(job->bytes_transferred, 5);
        now_usec += SEC;
        fake_link_succeed(link);
        run_loop();
        check_event_log("progress progress transferred ");
        ck_assert_uint_eq(job->transferred_usec, now_usec);
        ck_assert_uint_eq(job->n_finished, 2);
        ck_assert_uint_eq(job->bytes_transferred, 200);
        /* A worker cannot change the names of files. */
        ck_assert_str_eq(job->files[0].record.remote_name, "http://host/a");
        ck_assert_str_eq(job->files[0].record.local_name, "/dir/a");
        ck_assert_ptr_null(job->work.run);
        ck_assert_uint_eq(fake_link_alive(), 0);
        ck_assert_uint_eq(job->owner->shares[SCHEDULER_DOWNLOADS].n_active, 0);
}
END_TEST

START_TEST(a_worker_gets_the_proxies_of_its_job)
{
        char own_url[] = "http://own:1", configured_url[] = "http://configured:2", host[] = "host";
        char *own[] = { own_url, NULL }, *configured[] = { configured_url, NULL },
             *bypass[] = { host, NULL };
        static const struct {
                ProxyUsage usage;
                ProxySource source;
                const char *proxy;
        } cases[] = {
                { PROXY_USAGE_PRECONFIG, PROXY_SOURCE_LIST, "http://configured:2" },
                { PROXY_USAGE_NONE, PROXY_SOURCE_LIST, NULL },
                { PROXY_USAGE_OVERRIDE, PROXY_SOURCE_LIST, "http://own:1" },
                { PROXY_USAGE_AUTODETECT, PROXY_SOURCE_AUTODETECT, NULL },
        };

        config.proxies = configured;
        config.proxy_bypass = bypass;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                Job *job = make_job(1);
                WorkerLink *link;

                ck_assert_int_eq(set_proxies(&alice, job, cases[i].usage, own, bypass), 0);
                resume(job);
                link = worker_of(job);
                ck_assert_uint_eq(link->settings.proxy_source, cases[i].source);
                ck_assert_uint_eq(strings_count(link->settings.proxies), cases[i].proxy ? 1 : 0);
                ck_assert_uint_eq(strings_count(link->settings.proxy_bypass),
                                  cases[i].usage == PROXY_USAGE_PRECONFIG ||
                                                  cases[i].usage == PROXY_USAGE_OVERRIDE
                                          ? 1
                                          : 0);
                if (cases[i].proxy)
                        ck_assert_str_eq(link->settings.proxies[0], cases[i].proxy);
        }
}
END_TEST

/* The worker that runs hears of it, once it is saved, and goes on. */
START_TEST(a_live_setting_reaches_the_worker_that_runs)
{
        char url[] = "http://own:1", *own[] = { url, NULL };
        Job *job = make_transferring(1);
        WorkerLink *link = worker_of(job);

        ck_assert_int_eq(set_proxies(&alice, job, PROXY_USAGE_OVERRIDE, own, NULL), 0);
        ck_assert_uint_eq(link->n_changes, 0);
        run_loop();
        ck_assert_uint_eq(link->n_changes, 1);
        ck_assert_str_eq(link->settings.proxies[0], "http://own:1");

        ck_assert_int_eq(set_proxies(&alice, job, PROXY_USAGE_AUTODETECT, NULL, NULL), 0);
        ck_assert_int_eq(set_number(&alice, job, SETTING_REDIRECT_POLICY, REDIRECT_POLICY_DISALLOW),
                         0);
        run_loop();
        ck_assert_uint_eq(link->n_changes, 2);
        ck_assert_uint_eq(strings_count(link->settings.proxies), 0);
        ck_assert_uint_eq(link->settings.proxy_source, PROXY_SOURCE_AUTODETECT);
        ck_assert_uint_eq(link->settings.redirect_policy, REDIRECT_POLICY_DISALLOW);

        ck_assert(!link->stopped);
        ck_assert_uint_eq(fake_link_count(), 1);
        ck_assert_uint_eq(job->state, JOB_TRANSFERRING);
}
END_TEST

START_TEST(other_proxies_of_the_service_reach_the_worker_that_runs)
{
        char first[] = "http://first:1", second[] = "http://second:2";
        char *old[] = { first, NULL }, *others[] = { second, NULL };
        char **before = config.proxies;
        Job *job, *own;

        config.proxies = old;
        job = make_transferring(1);
        own = make_job(1);
        ck_assert_int_eq(set_proxies(&alice, own, PROXY_USAGE_NONE, NULL, NULL), 0);
        resume(own);
        ck_assert_str_eq(worker_of(job)->settings.proxies[0], "http://first:1");

        config.proxies = others;
        manager_take_config(manager);
        ck_assert_str_eq(worker_of(job)->settings.proxies[0], "http://second:2");
        ck_assert_uint_eq(strings_count(worker_of(own)->settings.proxies), 0);
        ck_assert(!worker_of(job)->stopped);
        config.proxies = before;
}
END_TEST

START_TEST(a_change_that_is_not_saved_reaches_no_worker)
{
        Job *job = make_transferring(1);
        WorkerLink *link = worker_of(job);

        ck_assert_int_eq(set_proxies(&alice, job, PROXY_USAGE_NONE, NULL, NULL), 0);
        store_fail(store, -ENOSPC);
        run_loop();
        ck_assert_uint_eq(link->n_changes, 0);
        ck_assert_uint_eq(job->settings.proxy_usage, PROXY_USAGE_PRECONFIG);
}
END_TEST

START_TEST(a_setting_that_is_fixed_gives_the_job_a_new_worker)
{
        Job *job = make_transferring(1);
        WorkerLink *link = worker_of(job);

        ck_assert_int_eq(set_number(&alice, job, SETTING_SECURITY_FLAGS, 1), 0);
        run_loop();
        ck_assert(link->stopped);
        ck_assert_uint_eq(link->n_changes, 0);

        /* It is about to end, and the next one gets all. */
        ck_assert_int_eq(set_proxies(&alice, job, PROXY_USAGE_AUTODETECT, NULL, NULL), 0);
        run_loop();
        ck_assert_uint_eq(link->n_changes, 0);
        fake_link_end(link, 0, "");
        run_loop();
        ck_assert_uint_eq(fake_link_count(), 2);
        ck_assert_uint_eq(worker_of(job)->settings.proxy_source, PROXY_SOURCE_AUTODETECT);
        ck_assert_uint_eq(worker_of(job)->settings.security_flags, 1);
}
END_TEST

START_TEST(a_worker_gets_the_reserve_of_the_disk)
{
        config.disk_reserve_bytes = 12345;
        ck_assert_uint_eq(worker_of(make_connecting(1))->settings.disk_reserve_bytes, 12345);
}
END_TEST

START_TEST(files_added_while_running_get_a_second_worker)
{
        Job *job = make_transferring(1);
        WorkerLink *link;

        add_files(job, 2);
        run_loop();
        ck_assert_uint_eq(fake_link_count(), 1);
        event_log[0] = '\0';
        fake_link_succeed(worker_of(job));
        run_loop();
        check_event_log("progress queued connecting ");
        link = worker_of(job);
        ck_assert_uint_eq(link->n_files, 2);
        ck_assert_uint_eq(link->files[0].index, 1);
        ck_assert_uint_eq(link->files[1].index, 2);
        fake_link_succeed(link);
        run_loop();
        ck_assert_uint_eq(job->state, JOB_TRANSFERRED);
        ck_assert_uint_eq(job->n_finished, 3);
}
END_TEST

START_TEST(files_added_after_the_transfer_wait_for_resume)
{
        Job *job = make_transferred(1);

        resume(job);
        check_event_log("");
        add_files(job, 1);
        run_loop();
        ck_assert_uint_eq(job->state, JOB_TRANSFERRED);
        resume(job);
        ck_assert_uint_eq(worker_of(job)->n_files, 1);
        ck_assert_uint_eq(worker_of(job)->files[0].index, 1);
}
END_TEST

START_TEST(no_more_workers_run_than_configured)
{
        Job *jobs[4];

        manager = manager_free(manager);
        config.max_active_jobs_per_user = 2;
        new_manager(-1);
        for (size_t i = 0; i < ARRAY_SIZE(jobs); i++)
                jobs[i] = make_job(1);
        for (size_t i = 0; i < ARRAY_SIZE(jobs); i++)
                resume(jobs[i]);
        ck_assert_uint_eq(fake_link_alive(), 2);
        ck_assert_uint_eq(jobs[2]->state, JOB_QUEUED);
        ck_assert_int_eq(set_number(&alice, jobs[3], SETTING_PRIORITY, PRIORITY_HIGH), 0);
        run_loop();
        fake_link_succeed(worker_of(jobs[0]));
        run_loop();
        ck_assert_uint_eq(jobs[3]->state, JOB_CONNECTING);
        fake_link_fail(worker_of(jobs[1]), false, ERROR_CODE_HTTP(404), 0);
        run_loop();
        ck_assert_uint_eq(jobs[2]->state, JOB_CONNECTING);
        ck_assert_uint_eq(fake_link_alive(), 2);
}
END_TEST

START_TEST(other_limits_hold_for_workers_that_are_not_started_yet)
{
        Job *jobs[4];

        for (size_t i = 0; i < ARRAY_SIZE(jobs); i++)
                jobs[i] = make_job(1);
        resume(jobs[0]);
        resume(jobs[1]);
        config.max_active_jobs = 1;
        manager_take_config(manager);
        resume(jobs[2]);
        ck_assert_uint_eq(fake_link_alive(), 2);
        fake_link_succeed(worker_of(jobs[0]));
        run_loop();
        ck_assert_uint_eq(fake_link_alive(), 1);
        ck_assert_uint_eq(jobs[2]->state, JOB_QUEUED);

        config.max_active_jobs = 2;
        manager_take_config(manager);
        run_loop();
        ck_assert_uint_eq(jobs[2]->state, JOB_CONNECTING);
        config.max_active_jobs = 20;
        config.max_active_jobs_per_user = 2;
        manager_take_config(manager);
        resume(jobs[3]);
        ck_assert_uint_eq(jobs[3]->state, JOB_QUEUED);
}
END_TEST

/* Halting -------------------------------------------------------------------------------------- */

START_TEST(suspend_halts_the_worker_and_keeps_what_it_has)
{
        Job *job = make_transferring(1);
        WorkerLink *link = worker_of(job);

        ck_assert_int_eq(manager_suspend(manager, &alice, job), 0);
        ck_assert(!link->stopped); /* it is saved first */
        run_loop();
        check_event_log("suspended ");
        ck_assert(link->stopped);
        link->events->progress(link->userdata, 0, 90, 100);
        ck_assert_uint_eq(job->bytes_transferred, 10);
        fake_link_checkpoint(link, 0, 40, 100, false);
        fake_link_end(link, 0, "");
        run_loop();
        ck_assert_uint_eq(job->state, JOB_SUSPENDED);
        ck_assert_uint_eq(job->files[0].record.offset_bytes, 40);
        ck_assert_uint_eq(fake_link_alive(), 0);
        ck_assert_uint_eq(job->owner->shares[SCHEDULER_DOWNLOADS].n_active, 0);
}
END_TEST

START_TEST(success_or_failure_of_a_halted_worker_comes_too_late)
{
        for (int i = 0; i < 3; i++) {
                Job *job = make_transferring(1);
                WorkerLink *link = worker_of(job);

                ck_assert_int_eq(manager_suspend(manager, &alice, job), 0);
                run_loop();
                if (i == 0)
                        fake_link_succeed(link);
                else if (i == 1)
                        fake_link_fail(link, false, ERROR_CODE_HTTP(404), 0);
                else
                        fake_link_end(link, -ETIMEDOUT, "It hung.");
                run_loop();
                ck_assert_uint_eq(job->state, JOB_SUSPENDED);
                ck_assert_uint_eq(job->error.code, 0);
                ck_assert_uint_eq(job->n_finished, i == 0);
                if (i > 0)
                        continue;
                /* All files are finished already, so no worker is needed. */
                event_log[0] = '\0';
                resume(job);
                check_event_log("queued transferred ");
                ck_assert_uint_eq(fake_link_alive(), 0);
        }
}
END_TEST

START_TEST(a_failure_while_the_service_stops_is_not_the_jobs)
{
        Job *job = make_transferring(1);

        manager_stop(manager, on_stopped, NULL);
        fake_link_fail(worker_of(job), false, ERROR_CODE_HTTP(404), 0);
        run_loop();
        check_event_log("stopped ");
        ck_assert_uint_eq(job->state, JOB_TRANSFERRING); /* the next start tries again */
        ck_assert_uint_eq(job->error.code, 0);
}
END_TEST

START_TEST(resume_while_the_worker_is_stopping_waits_for_its_end)
{
        Job *job = make_transferring(1);

        ck_assert_int_eq(manager_suspend(manager, &alice, job), 0);
        run_loop();
        resume(job);
        check_event_log("suspended queued ");
        ck_assert_uint_eq(fake_link_count(), 1);
        fake_link_end(worker_of(job), 0, "");
        run_loop();
        check_event_log("connecting ");
        ck_assert_uint_eq(fake_link_count(), 2);
}
END_TEST

/* A job that the scheduler has chosen, but whose worker is not started before the commit. */
static Job *make_chosen(void)
{
        Job *job = make_job(1);

        ck_assert_int_eq(manager_resume(manager, &alice, job), 0);
        while (job->state != JOB_CONNECTING)
                ck_assert_int_eq(sd_event_run(event, 0), 1);
        ck_assert_ptr_null(fake_link_of(job->id));
        event_log[0] = '\0';
        return job;
}

START_TEST(suspend_in_the_batch_of_the_start_leaves_no_worker)
{
        Job *job = make_chosen();

        ck_assert_int_eq(manager_suspend(manager, &alice, job), 0);
        run_loop();
        ck_assert_uint_eq(job->state, JOB_SUSPENDED);
        ck_assert_ptr_null(job->work.run);
        ck_assert_uint_eq(job->owner->shares[SCHEDULER_DOWNLOADS].n_active, 0);
        resume(job);
        ck_assert_uint_eq(job->state, JOB_CONNECTING);
        ck_assert_uint_eq(fake_link_alive(), 1);
}
END_TEST

START_TEST(suspend_and_resume_in_the_batch_of_the_start_start_it)
{
        Job *job = make_chosen();

        ck_assert_int_eq(manager_suspend(manager, &alice, job), 0);
        ck_assert_int_eq(manager_resume(manager, &alice, job), 0);
        run_loop();
        check_event_log("connecting "); /* clients know already that it is queued */
        ck_assert_uint_eq(fake_link_alive(), 1);
        ck_assert_uint_eq(job->owner->shares[SCHEDULER_DOWNLOADS].n_active, 1);
}
END_TEST

START_TEST(cancel_in_the_batch_of_the_start_ends_the_job)
{
        Job *job = make_chosen();

        ck_assert_int_eq(manager_cancel(manager, &alice, job, on_done, NULL), 0);
        run_loop();
        check_event_log("cancelled done=ok(partial) removed=cancelled ");
}
END_TEST

START_TEST(stop_in_the_batch_of_the_start_starts_nothing)
{
        Job *job = make_chosen();

        manager_stop(manager, on_stopped, NULL);
        run_loop();
        check_event_log("connecting stopped ");
        ck_assert_uint_eq(fake_link_count(), 0);
        ck_assert_ptr_null(job->work.run);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("runs");
        SRunner *runner;
        int failed;

        FIXTURE_ADD_TESTS(suite,
                          "downloading",
                          resume_without_files_is_refused,
                          a_job_goes_through_its_states,
                          a_worker_gets_the_proxies_of_its_job,
                          a_live_setting_reaches_the_worker_that_runs,
                          other_proxies_of_the_service_reach_the_worker_that_runs,
                          a_change_that_is_not_saved_reaches_no_worker,
                          a_setting_that_is_fixed_gives_the_job_a_new_worker,
                          a_worker_gets_the_reserve_of_the_disk,
                          files_added_while_running_get_a_second_worker,
                          files_added_after_the_transfer_wait_for_resume,
                          no_more_workers_run_than_configured,
                          other_limits_hold_for_workers_that_are_not_started_yet);
        FIXTURE_ADD_TESTS(suite,
                          "halting",
                          suspend_halts_the_worker_and_keeps_what_it_has,
                          success_or_failure_of_a_halted_worker_comes_too_late,
                          a_failure_while_the_service_stops_is_not_the_jobs,
                          resume_while_the_worker_is_stopping_waits_for_its_end,
                          suspend_in_the_batch_of_the_start_leaves_no_worker,
                          suspend_and_resume_in_the_batch_of_the_start_start_it,
                          cancel_in_the_batch_of_the_start_ends_the_job,
                          stop_in_the_batch_of_the_start_starts_nothing);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
