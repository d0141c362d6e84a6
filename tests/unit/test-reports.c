#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "model/error-code.h"
#include "tests/lib/manager-fixture.h"

/* Checkpoints and ends ------------------------------------------------------------------------- */

START_TEST(progress_is_live_and_a_checkpoint_is_kept)
{
        Job *job = make_transferring(1), *stored = NULL;
        WorkerLink *link = worker_of(job);

        link->events->progress(link->userdata, 0, 50, 100);
        ck_assert_uint_eq(job->bytes_transferred, 50);
        ck_assert_uint_eq(job->files[0].record.offset_bytes, 10);
        link->events->progress(link->userdata, 7, 50, 100); /* not one of its files */
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

        link->events->progress(link->userdata, 0, 0, 100000);
        now_usec += SEC;
        link->events->progress(link->userdata, 0, 1000, 100000);
        ck_assert_uint_eq(job->rate_bps, 1000);
        now_usec += SEC;
        link->events->progress(link->userdata, 0, 6000, 100000);
        ck_assert_uint_eq(job->rate_bps, 2000); /* a quarter of the new */
        now_usec += 100;
        link->events->progress(link->userdata, 0, 7000, 100000);
        ck_assert_uint_eq(job->rate_bps, 2000);               /* too short a span */
        link->events->progress(link->userdata, 0, 0, 100000); /* from the beginning again */
        now_usec += SEC;
        link->events->progress(link->userdata, 0, 2000, 100000);
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
        link->events->finished(link->userdata);
        fake_link_end(link, 0, "");
        run_loop();
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
        run_loop();
        check_event_log("transient-error ");
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
        check_event_log("queued connecting transient-error ");
        ck_assert_uint_eq(job->error.code, (uint32_t) ERROR_CODE_WORKER_FAILED);
        ck_assert_uint_eq(fake_link_count(), 0);
        ck_assert_uint_eq(job->owner->shares[SCHEDULER_DOWNLOADS].n_active, 0);
        resume(job);
        check_event_log("queued connecting ");
}
END_TEST

/* Nobody has done anything wrong, so no failure is counted. */
START_TEST(a_job_for_which_there_is_no_process_waits_in_the_queue)
{
        Job *job = make_job(1);

        fake_link_refuse(-EAGAIN);
        resume(job);
        check_event_log("queued connecting queued ");
        ck_assert_uint_eq(job->owner->shares[SCHEDULER_DOWNLOADS].n_active, 0);
        ck_assert_uint_eq(job->error_count, 0);
        ck_assert(is_waiting(job));

        wait_for_timer();
        check_event_log("connecting ");
        fake_link_end(worker_of(job), -EAGAIN, "No worker could be started");
        run_loop();
        check_event_log("queued ");
        ck_assert_uint_eq(job->attempts.failures, 0);
        ck_assert_uint_eq(job->error.code, 0);
}
END_TEST

/* Failing -------------------------------------------------------------------------------------- */

START_TEST(a_transient_failure_is_retried_when_its_time_has_come)
{
        Job *job = make_transferring(1);

        fake_link_fail(worker_of(job), true, ERROR_CODE_HTTP(503), 0);
        ck_assert_uint_ge(job->attempts.next_usec, now_usec + 60 * SEC);
        ck_assert_uint_le(job->attempts.next_usec, now_usec + 66 * SEC);
        now_usec += 100 * SEC; /* the next attempt is due when the batch ends */
        ck_assert_int_eq(manager_commit(manager), 0);
        check_event_log("transient-error ");
        ck_assert_uint_eq(job->error.code, ERROR_CODE_HTTP(503));
        ck_assert_str_eq(job->error.description, "It failed.");
        ck_assert_str_eq(job->error.url, "http://host/");
        ck_assert_uint_eq(job->error_count, 1);
        wait_for_timer();
        check_event_log("queued connecting ");
        ck_assert_uint_eq(job->attempts.next_usec, 0);
        ck_assert_uint_eq(job->error.code, ERROR_CODE_HTTP(503)); /* until bytes come in */
        ck_assert_uint_eq(worker_of(job)->files[0].offset_bytes, 10);
        fake_link_checkpoint(worker_of(job), 0, 20, 100, false);
        run_loop();
        check_event_log("progress transferring ");
        ck_assert_uint_eq(job->error.code, 0);
        ck_assert_uint_eq(job->error_count, 1);
}
END_TEST

START_TEST(the_delay_doubles_up_to_its_limit)
{
        /* A random tenth is added to each delay, and subtracted from the limit. */
        static const uint64_t delays[] = { 60, 120, 180, 180 };
        Job *job = make_connecting(1);

        for (size_t i = 0; i < ARRAY_SIZE(delays); i++) {
                uint64_t delay;

                fake_link_fail(worker_of(job), true, ERROR_CODE_HTTP(503), 0);
                delay = job->attempts.next_usec - now_usec;
                ck_assert_uint_ge(delay, delays[i] * SEC);
                ck_assert_uint_le(delay, delays[i] == 180 ? 200 * SEC : delays[i] * SEC * 11 / 10);
                now_usec += 1000 * SEC;
                ck_assert_int_eq(manager_commit(manager), 0);
                event_log[0] = '\0';
                wait_for_timer();
        }
        /* After progress the delays begin anew. */
        fake_link_checkpoint(worker_of(job), 0, 5, 100, false);
        fake_link_fail(worker_of(job), true, ERROR_CODE_HTTP(503), 0);
        ck_assert_uint_le(job->attempts.next_usec - now_usec, 66 * SEC);
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
                delay = job->attempts.next_usec - now_usec;
                ck_assert_uint_ge(delay, cases[i].delay * SEC);
                ck_assert_uint_le(delay, cases[i].delay * SEC * 11 / 10);
                run_loop();
        }
}
END_TEST

START_TEST(resume_skips_the_delay)
{
        Job *job = make_transient_error(1);

        ck_assert(is_waiting(job));
        resume(job);
        check_event_log("queued connecting ");
        ck_assert_uint_eq(job->attempts.next_usec, 0);
}
END_TEST

START_TEST(suspend_forgets_the_retry)
{
        Job *job = make_transient_error(1);

        ck_assert_int_eq(manager_suspend(manager, &alice, job), 0);
        run_loop();
        check_event_log("suspended ");
        ck_assert(!is_waiting(job));
        ck_assert_uint_eq(job->error.code, 0);
}
END_TEST

START_TEST(a_fatal_failure_waits_for_resume)
{
        Job *job = make_transferring(2);
        WorkerLink *link = worker_of(job);
        Failure failure = FAILURE_NONE;

        failure_set(&failure,
                    ERROR_CODE_HTTP(401),
                    false,
                    ERROR_CONTEXT_REMOTE_FILE,
                    "http://host/b",
                    "First.");
        failure.file = 1;
        link->events->failed(link->userdata, &failure);
        failure_done(&failure);
        fake_link_fail(link, true, ERROR_CODE_HTTP(503), 0); /* the first failure counts */
        run_loop();
        check_event_log("error ");
        ck_assert_uint_eq(job->error.code, ERROR_CODE_HTTP(401));
        ck_assert_str_eq(job->error.description, "First. Set for target server: none.");
        ck_assert_uint_eq(job->error.file, 1);
        ck_assert(!is_waiting(job));
        ck_assert_int_eq(manager_suspend(manager, &alice, job), 0);
        run_loop();
        check_event_log("");
        ck_assert_uint_eq(job->state, JOB_ERROR);
        resume(job);
        check_event_log("queued connecting ");
        ck_assert_uint_eq(worker_of(job)->files[0].offset_bytes, 10);
}
END_TEST

/* Temporary files that stay -------------------------------------------------------------------- */

/* The pauses are short at first: temporary files do not stay for the ten minutes of a back-off. */
START_TEST(leftovers_are_tried_ten_times_with_pauses)
{
        Job *job = make_transferred(1), *found;
        sd_id128_t id = job->id;

        cancel(job);
        check_event_log("cancelled ");
        for (unsigned attempt = 1; attempt <= 10; attempt++) {
                uint64_t since = clock_boottime(&clock_system), pause = SEC / 10 << attempt;

                ck_assert_uint_eq(fake_link_count(), attempt + 1);
                fake_link_fail(worker_of(job), false, (uint32_t) ERROR_CODE_READ_ONLY, 0);
                run_loop();
                check_event_log(attempt == 1 ? "done=ok removed=cancelled " : "");
                ck_assert_int_eq(manager_find_job(manager, &alice, id, &found), -ENOENT);
                ck_assert_ptr_null(fake_link_of(id));
                if (attempt > 2 && attempt < 10)
                        expire_timer(job);
                while (attempt <= 2 && !fake_link_of(id)) {
                        ck_assert_uint_lt(clock_boottime(&clock_system), since + pause + 2 * SEC);
                        ck_assert_int_ge(sd_event_run(event, 100000), 0);
                }
                if (attempt <= 2)
                        ck_assert_uint_ge(clock_boottime(&clock_system), since + pause);
        }
        ck_assert_uint_eq(fake_link_alive(), 0);
        ck_assert_int_eq(store_load_job(store, &owners, id, &found), -ENOENT);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("reports");
        SRunner *runner;
        int failed;

        FIXTURE_ADD_TESTS(suite,
                          "reports",
                          progress_is_live_and_a_checkpoint_is_kept,
                          the_rate_is_measured,
                          a_worker_that_says_finished_too_early_is_not_believed,
                          a_worker_that_ends_without_a_word_is_a_failure,
                          a_worker_that_cannot_be_started_is_a_transient_failure,
                          a_job_for_which_there_is_no_process_waits_in_the_queue);
        FIXTURE_ADD_TESTS(suite,
                          "failing",
                          a_transient_failure_is_retried_when_its_time_has_come,
                          the_delay_doubles_up_to_its_limit,
                          a_server_may_ask_for_a_longer_delay,
                          resume_skips_the_delay,
                          suspend_forgets_the_retry,
                          a_fatal_failure_waits_for_resume);
        FIXTURE_ADD_TESTS(suite, "leftovers", leftovers_are_tried_ten_times_with_pauses);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
