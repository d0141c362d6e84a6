#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "dbus/worker-wire.h"

#include "base/str.h"

#include "model/error-code.h"
#include "model/limits.h"
#include "tests/lib/manager-rig.h"

/* Downloading --------------------------------------------------------------------------------- */

START_TEST(resume_without_files_is_refused)
{
        Job *job = make_job(0);

        ck_assert_int_eq(manager_resume(manager, &alice, job), -ENODATA);
        turn();
        check_story("");
}
END_TEST

START_TEST(a_job_goes_through_its_states)
{
        Job *job = make_job(2);
        WorkerLink *link;

        resume(job);
        check_story("queued connecting ");
        link = worker_of(job);
        ck_assert_uint_eq(link->task, WORKER_TASK_DOWNLOAD);
        ck_assert_uint_eq(link->owner_uid, alice.uid);
        ck_assert_str_eq(link->owner_name, "alice");
        ck_assert_uint_eq(link->n_files, 2);
        ck_assert_uint_eq(link->files[1].index, 1);
        ck_assert_str_eq(link->files[1].remote_name, "http://host/b");
        ck_assert_str_eq(link->files[1].local_name, "/dir/b");

        link->facts->progress(link->userdata, 0, 5, 100);
        turn();
        check_story("progress transferring ");
        ck_assert_uint_eq(job->bytes_transferred, 5);
        now_usec += SEC;
        fake_link_succeed(link);
        turn();
        check_story("progress progress transferred ");
        ck_assert_uint_eq(job->transferred_usec, now_usec);
        ck_assert_uint_eq(job->n_finished, 2);
        ck_assert_uint_eq(job->bytes_transferred, 200);
        /* What the job already knows of its files is not the worker's to change. */
        ck_assert_str_eq(job->files[0].record.remote_name, "http://host/a");
        ck_assert_str_eq(job->files[0].record.local_name, "/dir/a");
        ck_assert_ptr_null(job->run);
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

START_TEST(a_worker_gets_the_reserve_of_the_disk)
{
        config.disk_reserve_bytes = 12345;
        ck_assert_uint_eq(worker_of(make_connecting(1))->settings.disk_reserve_bytes, 12345);
}
END_TEST

START_TEST(progress_is_live_and_a_checkpoint_is_kept)
{
        Job *job = make_transferring(1), *stored = NULL;
        WorkerLink *link = worker_of(job);

        link->facts->progress(link->userdata, 0, 50, 100);
        ck_assert_uint_eq(job->bytes_transferred, 50);
        ck_assert_uint_eq(job->files[0].record.offset_bytes, 10);
        link->facts->progress(link->userdata, 7, 50, 100); /* not one of its files */
        fake_link_checkpoint(link, 7, 60, 100, false);
        ck_assert_uint_eq(job->bytes_transferred, 50);

        fake_link_checkpoint(link, 0, 60, 100, false);
        ck_assert_int_eq(manager_commit(manager), 0);
        ck_assert_int_eq(store_load_job(store, &owners, job->id, &stored), 0);
        ck_assert_uint_eq(stored->files[0].record.offset_bytes, 60);
        ck_assert_str_eq(stored->files[0].record.temp_name, ".0.part");
        job_free(stored);
}
END_TEST

START_TEST(the_rate_is_measured)
{
        Job *job = make_connecting(1);
        WorkerLink *link = worker_of(job);

        link->facts->progress(link->userdata, 0, 0, 100000);
        now_usec += SEC;
        link->facts->progress(link->userdata, 0, 1000, 100000);
        ck_assert_uint_eq(job->rate_bps, 1000);
        now_usec += SEC;
        link->facts->progress(link->userdata, 0, 6000, 100000);
        ck_assert_uint_eq(job->rate_bps, 2000); /* a quarter of the new */
        now_usec += 100;
        link->facts->progress(link->userdata, 0, 7000, 100000);
        ck_assert_uint_eq(job->rate_bps, 2000);              /* too short a span */
        link->facts->progress(link->userdata, 0, 0, 100000); /* from the beginning again */
        now_usec += SEC;
        link->facts->progress(link->userdata, 0, 2000, 100000);
        ck_assert_uint_eq(job->rate_bps, 2000);
        fake_link_succeed(link);
        ck_assert_uint_eq(job->rate_bps, 0);
}
END_TEST

START_TEST(a_worker_that_says_finished_too_early_is_not_believed)
{
        Job *job = make_connecting(2);
        WorkerLink *link = worker_of(job);

        fake_link_checkpoint(link, 0, 100, 100, true);
        fake_link_checkpoint(link, 1, 50, 100, false);
        link->facts->finished(link->userdata);
        fake_link_end(link, 0, "");
        turn();
        ck_assert_uint_eq(job->state, JOB_TRANSIENT_ERROR);
        ck_assert_uint_eq(job->error.code, (uint32_t) ERROR_CODE_WORKER_FAILED);
        ck_assert_uint_eq(job->error_count, 1);
        ck_assert_uint_eq(job->n_finished, 1);
}
END_TEST

START_TEST(a_worker_that_ends_without_a_word_is_a_failure)
{
        Job *job = make_transferring(1);

        fake_link_end(worker_of(job), -ECONNRESET, "The worker was killed by signal 9");
        turn();
        check_story("transient-error ");
        ck_assert_uint_eq(job->error.code, (uint32_t) ERROR_CODE_WORKER_FAILED);
        ck_assert_uint_eq(job->error.context, ERROR_CONTEXT_GENERAL_QUEUE_MANAGER);
        ck_assert_str_eq(job->error.description, "The worker was killed by signal 9");
        ck_assert_uint_eq(job->files[0].record.offset_bytes, 10);
}
END_TEST

START_TEST(a_worker_that_cannot_be_started_is_a_transient_failure)
{
        Job *job = make_job(1);

        fake_link_refuse(-ENOENT);
        resume(job);
        check_story("queued connecting transient-error ");
        ck_assert_uint_eq(job->error.code, (uint32_t) ERROR_CODE_WORKER_FAILED);
        ck_assert_uint_eq(fake_link_count(), 0);
        ck_assert_uint_eq(job->owner->shares[SCHEDULER_DOWNLOADS].n_active, 0);
        resume(job);
        check_story("queued connecting ");
}
END_TEST

/* Neither the owner nor the server has done anything wrong: no attempt is counted. */
START_TEST(a_job_for_which_there_is_no_process_waits_in_the_queue)
{
        Job *job = make_job(1);

        fake_link_refuse(-EAGAIN);
        resume(job);
        check_story("queued connecting queued ");
        ck_assert_uint_eq(job->owner->shares[SCHEDULER_DOWNLOADS].n_active, 0);
        ck_assert_uint_eq(job->error_count, 0);
        ck_assert(is_waiting(job));

        wait_for_timer();
        check_story("connecting ");
        fake_link_end(worker_of(job), -EAGAIN, "No worker could be started");
        turn();
        check_story("queued ");
        ck_assert_uint_eq(job->attempts, 0);
        ck_assert_uint_eq(job->error.code, 0);
}
END_TEST

START_TEST(files_added_while_running_get_a_second_worker)
{
        Job *job = make_transferring(1);
        WorkerLink *link;

        add_files(job, 2);
        turn();
        ck_assert_uint_eq(fake_link_count(), 1);
        story[0] = '\0';
        fake_link_succeed(worker_of(job));
        turn();
        check_story("progress queued connecting ");
        link = worker_of(job);
        ck_assert_uint_eq(link->n_files, 2);
        ck_assert_uint_eq(link->files[0].index, 1);
        ck_assert_uint_eq(link->files[1].index, 2);
        fake_link_succeed(link);
        turn();
        ck_assert_uint_eq(job->state, JOB_TRANSFERRED);
        ck_assert_uint_eq(job->n_finished, 3);
}
END_TEST

START_TEST(files_added_after_the_transfer_wait_for_resume)
{
        Job *job = make_transferred(1);

        resume(job);
        check_story("");
        add_files(job, 1);
        turn();
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
        turn();
        fake_link_succeed(worker_of(jobs[0]));
        turn();
        ck_assert_uint_eq(jobs[3]->state, JOB_CONNECTING);
        fake_link_fail(worker_of(jobs[1]), false, ERROR_CODE_HTTP(404), 0);
        turn();
        ck_assert_uint_eq(jobs[2]->state, JOB_CONNECTING);
        ck_assert_uint_eq(fake_link_alive(), 2);
}
END_TEST

/* Failing ------------------------------------------------------------------------------------- */

START_TEST(a_transient_failure_is_retried_when_its_time_has_come)
{
        Job *job = make_transferring(1);

        fake_link_fail(worker_of(job), true, ERROR_CODE_HTTP(503), 0);
        ck_assert_uint_ge(job->next_attempt_usec, now_usec + 60 * SEC);
        ck_assert_uint_le(job->next_attempt_usec, now_usec + 66 * SEC);
        now_usec += 100 * SEC; /* it has come when the turn ends */
        ck_assert_int_eq(manager_commit(manager), 0);
        check_story("transient-error ");
        ck_assert_uint_eq(job->error.code, ERROR_CODE_HTTP(503));
        ck_assert_str_eq(job->error.description, "It failed.");
        ck_assert_str_eq(job->error.url, "http://host/");
        ck_assert_uint_eq(job->error_count, 1);
        wait_for_timer();
        check_story("queued connecting ");
        ck_assert_uint_eq(job->next_attempt_usec, 0);
        ck_assert_uint_eq(job->error.code, ERROR_CODE_HTTP(503)); /* until bytes come in */
        ck_assert_uint_eq(worker_of(job)->files[0].offset_bytes, 10);
        fake_link_checkpoint(worker_of(job), 0, 20, 100, false);
        turn();
        check_story("progress transferring ");
        ck_assert_uint_eq(job->error.code, 0);
        ck_assert_uint_eq(job->error_count, 1);
}
END_TEST

START_TEST(the_delay_doubles_up_to_its_limit)
{
        /* The last tenth is chance: above each delay, below the limit. */
        static const uint64_t delays[] = { 60, 120, 180, 180 };
        Job *job = make_connecting(1);

        for (size_t i = 0; i < ARRAY_SIZE(delays); i++) {
                uint64_t delay;

                fake_link_fail(worker_of(job), true, ERROR_CODE_HTTP(503), 0);
                delay = job->next_attempt_usec - now_usec;
                ck_assert_uint_ge(delay, delays[i] * SEC);
                ck_assert_uint_le(delay, delays[i] == 180 ? 200 * SEC : delays[i] * SEC * 11 / 10);
                now_usec += 1000 * SEC;
                ck_assert_int_eq(manager_commit(manager), 0);
                story[0] = '\0';
                wait_for_timer();
        }
        /* Progress begins anew. */
        fake_link_checkpoint(worker_of(job), 0, 5, 100, false);
        fake_link_fail(worker_of(job), true, ERROR_CODE_HTTP(503), 0);
        ck_assert_uint_le(job->next_attempt_usec - now_usec, 66 * SEC);
}
END_TEST

START_TEST(a_server_may_ask_for_a_longer_delay)
{
        static const struct {
                uint64_t asked, delay;
        } cases[] = { { 1, 60 }, { 5000, 5000 }, { UINT64_MAX, 86400 } };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                Job *job = make_connecting(1);
                uint64_t delay;

                fake_link_fail(worker_of(job), true, ERROR_CODE_HTTP(503), cases[i].asked);
                delay = job->next_attempt_usec - now_usec;
                ck_assert_uint_ge(delay, cases[i].delay * SEC);
                ck_assert_uint_le(delay, cases[i].delay * SEC * 11 / 10);
                turn();
        }
}
END_TEST

START_TEST(resume_skips_the_delay)
{
        Job *job = make_transient_error(1);

        ck_assert(is_waiting(job));
        resume(job);
        check_story("queued connecting ");
        ck_assert_uint_eq(job->next_attempt_usec, 0);
}
END_TEST

START_TEST(suspend_forgets_the_retry)
{
        Job *job = make_transient_error(1);

        ck_assert_int_eq(manager_suspend(manager, &alice, job), 0);
        turn();
        check_story("suspended ");
        ck_assert(!is_waiting(job));
        ck_assert_uint_eq(job->error.code, 0);
}
END_TEST

/* News of the network ------------------------------------------------------------------------- */

/* Fails for the first time, as if before a server was reached. */
static Job *make_unreachable(uint32_t code, ErrorContext context)
{
        Job *job = make_connecting(1);
        WorkerLink *link = worker_of(job);

        link->facts->failed(link->userdata,
                            &(WorkerFailure){ .file = 0,
                                              .transient = true,
                                              .code = code,
                                              .context = context,
                                              .description = "Out of reach.",
                                              .url = "http://host/" });
        fake_link_end(link, 0, "");
        turn();
        ck_assert_uint_eq(job->state, JOB_TRANSIENT_ERROR);
        ck_assert_uint_ge(job->next_attempt_usec, now_usec + 60 * SEC);
        story[0] = '\0';
        return job;
}

static Job *make_offline(void)
{
        return make_unreachable((uint32_t) ERROR_CODE_CONNECT_FAILURE,
                                ERROR_CONTEXT_GENERAL_TRANSPORT);
}

static uint64_t stored_attempt(const Job *job)
{
        Job *stored = NULL;
        uint64_t usec;

        ck_assert_int_eq(store_load_job(store, &owners, job->id, &stored), 0);
        usec = stored->next_attempt_usec;
        job_free(stored);
        return usec;
}

START_TEST(a_job_without_network_is_tried_when_it_comes_up)
{
        Job *job = make_offline();
        uint32_t attempts = job->attempts;
        uint64_t before = job->next_attempt_usec;

        manager_network_came_up(manager);
        ck_assert_uint_ge(job->next_attempt_usec, now_usec);
        ck_assert_uint_lt(job->next_attempt_usec, now_usec + SEC);
        check_story(""); /* first saved */
        ck_assert_uint_ne(job->next_attempt_usec, before);
        now_usec += SEC;
        ck_assert_int_eq(manager_commit(manager), 0);
        check_story("attempt ");
        ck_assert_uint_eq(stored_attempt(job), job->next_attempt_usec);
        wait_for_timer();
        check_story("queued connecting ");
        ck_assert_uint_eq(job->attempts, attempts);

        /* The back-off goes on as if nothing had been. */
        fake_link_fail(worker_of(job), true, (uint32_t) ERROR_CODE_CONNECT_FAILURE, 0);
        ck_assert_uint_ge(job->next_attempt_usec, now_usec + 120 * SEC);
}
END_TEST

static const struct {
        uint32_t code;
        ErrorContext context;
        bool hastened;
} failures[] = {
        { (uint32_t) ERROR_CODE_CONNECT_FAILURE, ERROR_CONTEXT_GENERAL_TRANSPORT, true },
        { (uint32_t) ERROR_CODE_NAME_RESOLUTION_FAILURE, ERROR_CONTEXT_GENERAL_TRANSPORT, true },
        { (uint32_t) ERROR_CODE_PROXY_NAME_RESOLUTION_FAILURE,
          ERROR_CONTEXT_GENERAL_TRANSPORT,
          true },
        { (uint32_t) ERROR_CODE_TIMEOUT, ERROR_CONTEXT_REMOTE_FILE, true },
        { ERROR_CODE_HTTP(503), ERROR_CONTEXT_REMOTE_FILE, false },
        { ERROR_CODE_HTTP(429), ERROR_CONTEXT_REMOTE_FILE, false },
        { (uint32_t) ERROR_CODE_CONNECTION_CLOSED, ERROR_CONTEXT_REMOTE_FILE, false },
        { (uint32_t) ERROR_CODE_INVALID_SERVER_RESPONSE, ERROR_CONTEXT_REMOTE_FILE, false },
        { (uint32_t) ERROR_CODE_DISK_FULL, ERROR_CONTEXT_LOCAL_FILE, false },
        { (uint32_t) ERROR_CODE_WORKER_FAILED, ERROR_CONTEXT_GENERAL_QUEUE_MANAGER, false },
};

START_TEST(only_what_no_server_has_answered_is_tried_sooner)
{
        for (size_t i = 0; i < ARRAY_SIZE(failures); i++) {
                Job *job = make_unreachable(failures[i].code, failures[i].context);
                uint64_t before = job->next_attempt_usec;

                manager_network_came_up(manager);
                turn();
                ck_assert_int_eq(job->next_attempt_usec < before, failures[i].hastened);
                check_story(failures[i].hastened ? "attempt " : "");
                ck_assert_int_eq(manager_suspend(manager, &alice, job), 0);
                turn();
        }
}
END_TEST

START_TEST(news_that_do_not_help_count_for_less)
{
        static const uint64_t distances[] = { 0, 5, 10, 20, 40, 80 };
        Job *job = make_offline();
        uint64_t latest = now_usec;

        for (size_t i = 0; i < ARRAY_SIZE(distances); i++) {
                const uint64_t due = latest + distances[i] * SEC;

                manager_network_came_up(manager);
                ck_assert_uint_ge(job->next_attempt_usec, due);
                ck_assert_uint_le(job->next_attempt_usec, due + distances[i] * SEC / 10 + SEC);
                /* More of them change nothing. */
                latest = job->next_attempt_usec;
                manager_network_came_up(manager);
                ck_assert_uint_eq(job->next_attempt_usec, latest);
                now_usec = latest;
                ck_assert_int_eq(manager_commit(manager), 0);
                story[0] = '\0';
                wait_for_timer();
                fake_link_fail(worker_of(job), true, (uint32_t) ERROR_CODE_TIMEOUT, 0);
                turn();
        }

        /* Resume begins anew. */
        resume(job);
        fake_link_fail(worker_of(job), true, (uint32_t) ERROR_CODE_TIMEOUT, 0);
        turn();
        manager_network_came_up(manager);
        ck_assert_uint_lt(job->next_attempt_usec, now_usec + SEC);
}
END_TEST

START_TEST(an_attempt_that_is_near_is_left_where_it_is)
{
        Job *job = make_offline();
        uint64_t before = job->next_attempt_usec;

        now_usec = before;
        manager_network_came_up(manager);
        ck_assert_uint_eq(job->next_attempt_usec, before);
        turn();
        check_story("");
        ck_assert_uint_eq(job->hints, 0);
}
END_TEST

START_TEST(jobs_in_other_states_are_no_business_of_the_network)
{
        Job *suspended = make_job(1), *error = make_error(1), *transferred = make_transferred(1);

        manager_network_came_up(manager);
        turn();
        check_story("");
        ck_assert_uint_eq(suspended->state, JOB_SUSPENDED);
        ck_assert_uint_eq(error->state, JOB_ERROR);
        ck_assert_uint_eq(transferred->state, JOB_TRANSFERRED);
}
END_TEST

START_TEST(news_that_cannot_be_saved_are_taken_back)
{
        Job *job = make_offline();
        uint64_t before = job->next_attempt_usec;

        store_fail(store, -ENOSPC);
        manager_network_came_up(manager);
        turn();
        check_story("");
        ck_assert_uint_eq(job->next_attempt_usec, before);
        ck_assert(is_waiting(job));
}
END_TEST

START_TEST(jobs_are_not_all_tried_at_once)
{
        uint64_t first = UINT64_MAX, last = 0;
        Job *jobs[10];

        for (size_t i = 0; i < ARRAY_SIZE(jobs); i++)
                jobs[i] = make_offline();
        manager_network_came_up(manager);
        for (size_t i = 0; i < ARRAY_SIZE(jobs); i++) {
                uint64_t usec = jobs[i]->next_attempt_usec;

                first = usec < first ? usec : first;
                last = usec > last ? usec : last;
        }
        ck_assert_uint_gt(last - first, SEC / 100);
        ck_assert_uint_lt(last, now_usec + SEC);
}
END_TEST

START_TEST(a_fatal_failure_waits_for_resume)
{
        Job *job = make_transferring(2);
        WorkerLink *link = worker_of(job);

        link->facts->failed(link->userdata,
                            &(WorkerFailure){ .file = 1,
                                              .code = ERROR_CODE_HTTP(401),
                                              .context = ERROR_CONTEXT_REMOTE_FILE,
                                              .description = "First.",
                                              .url = "http://host/b" });
        fake_link_fail(link, true, ERROR_CODE_HTTP(503), 0); /* the first is what counts */
        turn();
        check_story("error ");
        ck_assert_uint_eq(job->error.code, ERROR_CODE_HTTP(401));
        ck_assert_str_eq(job->error.description, "First.");
        ck_assert_int_eq(job->error.file, 1);
        ck_assert(!is_waiting(job));
        ck_assert_int_eq(manager_suspend(manager, &alice, job), 0);
        turn();
        check_story("");
        ck_assert_uint_eq(job->state, JOB_ERROR);
        resume(job);
        check_story("queued connecting ");
        ck_assert_uint_eq(worker_of(job)->files[0].offset_bytes, 10);
}
END_TEST

/* Halting ------------------------------------------------------------------------------------- */

START_TEST(suspend_halts_the_worker_and_keeps_what_it_has)
{
        Job *job = make_transferring(1);
        WorkerLink *link = worker_of(job);

        ck_assert_int_eq(manager_suspend(manager, &alice, job), 0);
        ck_assert(!link->stopped); /* not before it is saved */
        turn();
        check_story("suspended ");
        ck_assert(link->stopped);
        link->facts->progress(link->userdata, 0, 90, 100);
        ck_assert_uint_eq(job->bytes_transferred, 10);
        fake_link_checkpoint(link, 0, 40, 100, false);
        fake_link_end(link, 0, "");
        turn();
        ck_assert_uint_eq(job->state, JOB_SUSPENDED);
        ck_assert_uint_eq(job->files[0].record.offset_bytes, 40);
        ck_assert_uint_eq(fake_link_alive(), 0);
        ck_assert_uint_eq(job->owner->shares[SCHEDULER_DOWNLOADS].n_active, 0);
}
END_TEST

START_TEST(what_a_halted_worker_says_of_its_success_or_failure_is_late)
{
        for (int i = 0; i < 3; i++) {
                Job *job = make_transferring(1);
                WorkerLink *link = worker_of(job);

                ck_assert_int_eq(manager_suspend(manager, &alice, job), 0);
                turn();
                if (i == 0)
                        fake_link_succeed(link);
                else if (i == 1)
                        fake_link_fail(link, false, ERROR_CODE_HTTP(404), 0);
                else
                        fake_link_end(link, -ETIMEDOUT, "It hung.");
                turn();
                ck_assert_uint_eq(job->state, JOB_SUSPENDED);
                ck_assert_uint_eq(job->error.code, 0);
                ck_assert_uint_eq(job->n_finished, i == 0);
                if (i > 0)
                        continue;
                /* All is there already: no worker is needed to find out. */
                story[0] = '\0';
                resume(job);
                check_story("queued transferred ");
                ck_assert_uint_eq(fake_link_alive(), 0);
        }
}
END_TEST

START_TEST(a_failure_while_the_service_stops_is_not_the_jobs)
{
        Job *job = make_transferring(1);

        manager_stop(manager, on_stopped, NULL);
        fake_link_fail(worker_of(job), false, ERROR_CODE_HTTP(404), 0);
        turn();
        check_story("stopped ");
        ck_assert_uint_eq(job->state, JOB_TRANSFERRING); /* the next start tries again */
        ck_assert_uint_eq(job->error.code, 0);
}
END_TEST

START_TEST(resume_while_the_worker_is_stopping_waits_for_its_end)
{
        Job *job = make_transferring(1);

        ck_assert_int_eq(manager_suspend(manager, &alice, job), 0);
        turn();
        resume(job);
        check_story("suspended queued ");
        ck_assert_uint_eq(fake_link_count(), 1);
        fake_link_end(worker_of(job), 0, "");
        turn();
        check_story("connecting ");
        ck_assert_uint_eq(fake_link_count(), 2);
}
END_TEST

/* Between the scheduler's choice and its commit there is no worker yet. */
static Job *make_chosen(void)
{
        Job *job = make_job(1);

        ck_assert_int_eq(manager_resume(manager, &alice, job), 0);
        while (job->state != JOB_CONNECTING)
                ck_assert_int_eq(sd_event_run(event, 0), 1);
        ck_assert_ptr_null(fake_link_of(job->id));
        story[0] = '\0';
        return job;
}

START_TEST(suspend_in_the_turn_of_the_start_leaves_no_worker)
{
        Job *job = make_chosen();

        ck_assert_int_eq(manager_suspend(manager, &alice, job), 0);
        turn();
        ck_assert_uint_eq(job->state, JOB_SUSPENDED);
        ck_assert_ptr_null(job->run);
        ck_assert_uint_eq(job->owner->shares[SCHEDULER_DOWNLOADS].n_active, 0);
        resume(job);
        ck_assert_uint_eq(job->state, JOB_CONNECTING);
        ck_assert_uint_eq(fake_link_alive(), 1);
}
END_TEST

START_TEST(suspend_and_resume_in_the_turn_of_the_start_start_it)
{
        Job *job = make_chosen();

        ck_assert_int_eq(manager_suspend(manager, &alice, job), 0);
        ck_assert_int_eq(manager_resume(manager, &alice, job), 0);
        turn();
        check_story("connecting "); /* queued is what clients know already */
        ck_assert_uint_eq(fake_link_alive(), 1);
        ck_assert_uint_eq(job->owner->shares[SCHEDULER_DOWNLOADS].n_active, 1);
}
END_TEST

START_TEST(cancel_in_the_turn_of_the_start_ends_the_job)
{
        Job *job = make_chosen();

        ck_assert_int_eq(manager_cancel(manager, &alice, job, on_done, NULL), 0);
        turn();
        check_story("cancelled done=ok(partial) removed=cancelled ");
}
END_TEST

START_TEST(stop_in_the_turn_of_the_start_starts_nothing)
{
        Job *job = make_chosen();

        manager_stop(manager, on_stopped, NULL);
        turn();
        check_story("connecting stopped ");
        ck_assert_uint_eq(fake_link_count(), 0);
        ck_assert_ptr_null(job->run);
}
END_TEST

/* Complete ------------------------------------------------------------------------------------ */

START_TEST(complete_publishes_what_is_transferred)
{
        Job *job = make_transferred(2);
        sd_id128_t id = job->id;
        WorkerLink *link;

        complete(job);
        check_story("");
        link = worker_of(job);
        ck_assert_uint_eq(link->task, WORKER_TASK_PUBLISH);
        ck_assert_uint_eq(link->n_files, 2);
        ck_assert_str_eq(link->files[1].temp_name, ".1.part");
        ck_assert(link->files[1].finished);
        fake_link_succeed(link);
        ck_assert_str_eq(story, ""); /* saved first */
        turn();
        check_story("acknowledged done=ok removed=acknowledged ");
        ck_assert_int_eq(manager_find_job(manager, &alice, id, &job), -ENOENT);
        ck_assert_int_eq(store_load_job(store, &owners, id, &job), -ENOENT);
        ck_assert_ptr_null(owners_find(&owners, alice.uid));
}
END_TEST

START_TEST(complete_is_partial_while_files_are_missing)
{
        static Job *(*const makers[])(
                size_t) = { make_transferring, make_error, make_transient_error };

        for (size_t i = 0; i < ARRAY_SIZE(makers); i++) {
                Job *job = makers[i](2);
                WorkerLink *link;

                complete(job);
                check_story(i == 1 ? "" : "suspended ");
                link = worker_of(job);
                if (link->task == WORKER_TASK_DOWNLOAD) {
                        ck_assert(link->stopped);
                        fake_link_checkpoint(link, 0, 100, 100, true);
                        fake_link_end(link, 0, "");
                        turn();
                        check_story("progress ");
                        link = worker_of(job);
                        ck_assert(link->files[0].finished);
                }
                ck_assert_uint_eq(link->task, WORKER_TASK_PUBLISH);
                ck_assert_uint_eq(link->n_files, 1); /* of the other there is nothing */
                fake_link_succeed(link);
                turn();
                check_story("acknowledged done=ok(partial) removed=acknowledged ");
        }
}
END_TEST

START_TEST(complete_with_nothing_on_disk_needs_no_worker)
{
        Job *job = make_job(1);

        complete(job);
        check_story("acknowledged done=ok(partial) removed=acknowledged ");
        ck_assert_uint_eq(fake_link_count(), 0);

        manager = manager_free(manager);
        config.max_active_jobs = 0;
        new_manager(-1);
        job = make_job(1);
        resume(job);
        check_story("queued ");
        complete(job);
        check_story("suspended acknowledged done=ok(partial) removed=acknowledged ");
}
END_TEST

START_TEST(a_connecting_job_is_halted_before_it_is_published)
{
        Job *job = make_connecting(1);

        complete(job);
        check_story("suspended ");
        ck_assert(worker_of(job)->stopped);
        fake_link_end(worker_of(job), 0, "");
        turn();
        check_story("acknowledged done=ok(partial) removed=acknowledged ");
}
END_TEST

START_TEST(a_failed_publication_keeps_the_job)
{
        Job *job = make_transferred(1);

        complete(job);
        fake_link_fail(worker_of(job), false, (uint32_t) ERROR_CODE_ACCESS_DENIED, 0);
        turn();
        check_story("done=EIO ");
        ck_assert_uint_eq(job->state, JOB_TRANSFERRED);
        ck_assert_uint_eq(job->error.code, (uint32_t) ERROR_CODE_ACCESS_DENIED);
        ck_assert_uint_eq(job->error_count, 1);
        complete(job);
        fake_link_end(worker_of(job), -ECONNRESET, "The worker was killed by signal 9");
        turn();
        check_story("done=EIO ");
        ck_assert_str_eq(job->error.description, "The worker was killed by signal 9");
        fake_link_refuse(-ENOENT);
        complete(job);
        check_story("done=EIO ");
        complete(job);
        fake_link_succeed(worker_of(job));
        turn();
        check_story("acknowledged done=ok removed=acknowledged ");
}
END_TEST

START_TEST(a_publication_waits_for_a_process)
{
        Job *job = make_transferred(1);

        fake_link_refuse(-EAGAIN);
        complete(job);
        check_story("");
        ck_assert(job->publishing);
        ck_assert_int_eq(manager_resume(manager, &alice, job), -EBADFD);
        ck_assert_ptr_null(job->run);

        while (!job->run)
                ck_assert_int_ge(sd_event_run(event, 100000), 0);
        fake_link_succeed(worker_of(job));
        turn();
        check_story("acknowledged done=ok removed=acknowledged ");
}
END_TEST

START_TEST(publications_take_places_in_order)
{
        Job *jobs[LIMIT_ENDINGS_PER_USER + 2];

        for (size_t i = 0; i < ARRAY_SIZE(jobs); i++)
                jobs[i] = make_transferred(1);
        for (size_t i = 0; i < ARRAY_SIZE(jobs); i++)
                complete(jobs[i]);
        ck_assert_uint_eq(fake_link_alive(), LIMIT_ENDINGS_PER_USER);
        ck_assert_ptr_null(jobs[LIMIT_ENDINGS_PER_USER]->run);
        check_story("");

        for (size_t i = 0; i < ARRAY_SIZE(jobs); i++) {
                fake_link_succeed(worker_of(jobs[i]));
                turn();
                check_story("acknowledged done=ok removed=acknowledged ");
        }
        ck_assert_uint_eq(fake_link_alive(), 0);
}
END_TEST

START_TEST(a_publication_does_not_wait_for_downloads)
{
        Job *finished;

        config.max_active_jobs = 1;
        new_manager(-1);
        finished = make_transferred(1);
        (void) make_transferring(1);
        complete(finished);
        fake_link_succeed(worker_of(finished));
        turn();
        check_story("acknowledged done=ok removed=acknowledged ");
}
END_TEST

START_TEST(who_waits_for_a_place_hears_that_the_service_stops)
{
        Job *jobs[LIMIT_ENDINGS_PER_USER + 1];

        for (size_t i = 0; i < ARRAY_SIZE(jobs); i++)
                jobs[i] = make_transferred(1);
        for (size_t i = 0; i < ARRAY_SIZE(jobs); i++)
                complete(jobs[i]);
        manager_stop(manager, on_stopped, NULL);
        check_story("done=ECANCELED ");
}
END_TEST

static void on_nothing(void *userdata, int result, bool partial, const char *text)
{
}

START_TEST(a_second_complete_is_answered_with_the_first)
{
        Job *job = make_transferred(1);

        complete(job);
        complete(job);
        ck_assert_uint_eq(fake_link_alive(), 1);
        fake_link_succeed(worker_of(job));
        turn();
        check_story("acknowledged done=ok done=ok removed=acknowledged ");
}
END_TEST

START_TEST(only_so_many_wait_for_one_publication)
{
        Job *job = make_transferred(1);
        unsigned n = 0;

        while (n < 100000 && manager_complete(manager, &alice, job, on_nothing, NULL) == 0)
                n++;
        ck_assert_uint_eq(n, LIMIT_WAITERS_PER_JOB);
        ck_assert_int_eq(manager_complete(manager, &alice, job, on_nothing, NULL), -ENOBUFS);
        turn();
        fake_link_succeed(worker_of(job));
        turn();
        check_story("acknowledged removed=acknowledged ");
}
END_TEST

START_TEST(a_job_that_is_being_published_is_left_alone)
{
        Job *job = make_transferred(1);
        static const ManagerFile file = { .remote_name = "http://host/x", .local_name = "/dir/x" };
        uint32_t first;

        complete(job);
        ck_assert_int_eq(manager_resume(manager, &alice, job), -EBADFD);
        ck_assert_int_eq(manager_suspend(manager, &alice, job), -EBADFD);
        ck_assert_int_eq(manager_cancel(manager, &alice, job, on_done, NULL), -EBADFD);
        ck_assert_int_eq(manager_add_files(manager, &alice, job, &file, 1, &first), -EBADFD);
        ck_assert_int_eq(manager_take_ownership(manager, &root, job), -EBADFD);
        turn();
        check_story("");
}
END_TEST

/* Cancel -------------------------------------------------------------------------------------- */

static void cancel(Job *job)
{
        ck_assert_int_eq(manager_cancel(manager, &alice, job, on_done, NULL), 0);
        turn();
}

START_TEST(cancel_with_nothing_on_disk_needs_no_worker)
{
        Job *job = make_job(1);
        sd_id128_t id = job->id;

        cancel(job);
        check_story("cancelled done=ok(partial) removed=cancelled ");
        ck_assert_uint_eq(fake_link_count(), 0);
        ck_assert_int_eq(store_load_job(store, &owners, id, &job), -ENOENT);
}
END_TEST

START_TEST(cancel_has_temporary_files_removed)
{
        static Job *(*const makers[])(
                size_t) = { make_transferred, make_error, make_transferring, make_transient_error };

        for (size_t i = 0; i < ARRAY_SIZE(makers); i++) {
                Job *job = makers[i](1);
                WorkerLink *link;

                cancel(job);
                check_story("cancelled ");
                link = worker_of(job);
                if (link->task == WORKER_TASK_DOWNLOAD) {
                        ck_assert(link->stopped);
                        fake_link_end(link, 0, "");
                        turn();
                        link = worker_of(job);
                }
                ck_assert_uint_eq(link->task, WORKER_TASK_CLEAN);
                ck_assert_uint_eq(link->n_files, 1);
                fake_link_succeed(link);
                turn();
                check_story("done=ok removed=cancelled ");
        }
}
END_TEST

/* It may have made a file before it went: the end looks for it under all names of all files. */
START_TEST(what_a_lost_worker_may_have_left_is_looked_for)
{
        for (int i = 0; i < 2; i++) {
                Job *job = make_connecting(2);
                sd_id128_t id = job->id;
                WorkerLink *link;

                if (i == 0) {
                        fake_link_end(worker_of(job), -EPIPE, "gone");
                        turn();
                } else { /* the manager went, and did not come to start another worker */
                        manager = manager_free(manager);
                        config.max_active_jobs = 0;
                        new_manager(-1);
                        ck_assert_int_eq(manager_load(manager), 0);
                        turn();
                        manager = manager_free(manager);
                        new_manager(-1);
                        ck_assert_int_eq(manager_load(manager), 0);
                        turn();
                        ck_assert_int_eq(manager_find_job(manager, &root, id, &job), 0);
                }
                if (i == 0)
                        cancel(job);
                else
                        complete(job);
                link = worker_of(job);
                ck_assert_uint_eq(link->task, i == 0 ? WORKER_TASK_CLEAN : WORKER_TASK_PUBLISH);
                ck_assert_uint_eq(link->n_files, 2);
                ck_assert_str_eq(link->files[1].temp_name, "");
                fake_link_succeed(link);
                turn();
                ck_assert_int_eq(manager_find_job(manager, &root, id, &job), -ENOENT);
                story[0] = '\0';
        }
}
END_TEST

START_TEST(a_cancelled_job_takes_no_more_verbs)
{
        Job *job = make_transferred(1);

        cancel(job);
        ck_assert_int_eq(manager_resume(manager, &alice, job), -EBADFD);
        ck_assert_int_eq(manager_suspend(manager, &alice, job), -EBADFD);
        ck_assert_int_eq(manager_cancel(manager, &alice, job, on_done, NULL), -EBADFD);
        ck_assert_int_eq(manager_complete(manager, &alice, job, on_done, NULL), -EBADFD);
        ck_assert_int_eq(set_text(&alice, job, SETTING_DISPLAY_NAME, "x"), -EBADFD);
        ck_assert_int_eq(manager_take_ownership(manager, &root, job), -EBADFD);
}
END_TEST

/* A job that waits 10 minutes between attempts does not leave its litter for so long. */
START_TEST(litter_is_tried_ten_times_with_pauses)
{
        Job *job = make_transferred(1), *found;
        sd_id128_t id = job->id;

        cancel(job);
        check_story("cancelled ");
        for (unsigned attempt = 1;; attempt++) {
                uint64_t since = clock_boottime(&clock_system), pause = SEC / 10 << attempt;

                ck_assert_uint_eq(fake_link_count(), attempt + 1);
                if (attempt == 3)
                        job->clean_attempts = 9;
                fake_link_fail(worker_of(job), false, (uint32_t) ERROR_CODE_READ_ONLY, 0);
                turn();
                check_story(attempt == 1 ? "done=ok removed=cancelled " : "");
                ck_assert_int_eq(manager_find_job(manager, &alice, id, &found), -ENOENT);
                if (attempt == 3)
                        break;
                ck_assert_ptr_null(fake_link_of(id));
                while (!fake_link_of(id)) {
                        ck_assert_uint_lt(clock_boottime(&clock_system), since + pause + 2 * SEC);
                        ck_assert_int_ge(sd_event_run(event, 100000), 0);
                }
                ck_assert_uint_ge(clock_boottime(&clock_system), since + pause);
        }
        ck_assert_uint_eq(fake_link_alive(), 0);
        ck_assert_int_eq(store_load_job(store, &owners, id, &found), -ENOENT);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("manager-work");
        SRunner *runner;
        int failed;

        RIG_ADD_TESTS(suite,
                      "downloading",
                      resume_without_files_is_refused,
                      a_job_goes_through_its_states,
                      a_worker_gets_the_proxies_of_its_job,
                      a_worker_gets_the_reserve_of_the_disk,
                      progress_is_live_and_a_checkpoint_is_kept,
                      the_rate_is_measured,
                      a_worker_that_says_finished_too_early_is_not_believed,
                      a_worker_that_ends_without_a_word_is_a_failure,
                      a_worker_that_cannot_be_started_is_a_transient_failure,
                      a_job_for_which_there_is_no_process_waits_in_the_queue,
                      files_added_while_running_get_a_second_worker,
                      files_added_after_the_transfer_wait_for_resume,
                      no_more_workers_run_than_configured);
        RIG_ADD_TESTS(suite,
                      "failing",
                      a_transient_failure_is_retried_when_its_time_has_come,
                      the_delay_doubles_up_to_its_limit,
                      a_server_may_ask_for_a_longer_delay,
                      resume_skips_the_delay,
                      suspend_forgets_the_retry,
                      a_fatal_failure_waits_for_resume);
        RIG_ADD_TESTS(suite,
                      "network",
                      a_job_without_network_is_tried_when_it_comes_up,
                      only_what_no_server_has_answered_is_tried_sooner,
                      news_that_do_not_help_count_for_less,
                      an_attempt_that_is_near_is_left_where_it_is,
                      jobs_in_other_states_are_no_business_of_the_network,
                      news_that_cannot_be_saved_are_taken_back,
                      jobs_are_not_all_tried_at_once);
        RIG_ADD_TESTS(suite,
                      "halting",
                      suspend_halts_the_worker_and_keeps_what_it_has,
                      what_a_halted_worker_says_of_its_success_or_failure_is_late,
                      a_failure_while_the_service_stops_is_not_the_jobs,
                      resume_while_the_worker_is_stopping_waits_for_its_end,
                      suspend_in_the_turn_of_the_start_leaves_no_worker,
                      suspend_and_resume_in_the_turn_of_the_start_start_it,
                      cancel_in_the_turn_of_the_start_ends_the_job,
                      stop_in_the_turn_of_the_start_starts_nothing);
        RIG_ADD_TESTS(suite,
                      "complete",
                      complete_publishes_what_is_transferred,
                      complete_is_partial_while_files_are_missing,
                      complete_with_nothing_on_disk_needs_no_worker,
                      a_connecting_job_is_halted_before_it_is_published,
                      a_failed_publication_keeps_the_job,
                      a_publication_waits_for_a_process,
                      publications_take_places_in_order,
                      a_publication_does_not_wait_for_downloads,
                      who_waits_for_a_place_hears_that_the_service_stops,
                      a_second_complete_is_answered_with_the_first,
                      only_so_many_wait_for_one_publication,
                      a_job_that_is_being_published_is_left_alone);
        RIG_ADD_TESTS(suite,
                      "cancel",
                      cancel_with_nothing_on_disk_needs_no_worker,
                      cancel_has_temporary_files_removed,
                      what_a_lost_worker_may_have_left_is_looked_for,
                      a_cancelled_job_takes_no_more_verbs,
                      litter_is_tried_ten_times_with_pauses);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
