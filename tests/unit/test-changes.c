#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "base/str.h"

#include "model/error-code.h"
#include "tests/lib/manager-fixture.h"

START_TEST(nothing_is_announced_before_the_commit)
{
        Job *job = create(&alice);

        ck_assert_int_eq(manager_when_saved(manager, on_saved, NULL), 0);
        ck_assert(store_is_dirty(store));
        check_event_log("");
        run_loop();
        check_event_log("saved=ok new ");

        ck_assert_int_eq(set_text(&alice, job, SETTING_DISPLAY_NAME, "other"), 0);
        ck_assert_int_eq(set_number(&alice, job, SETTING_PRIORITY, PRIORITY_LOW), 0);
        check_event_log("");
        ck_assert_int_eq(manager_commit(manager), 0);
        check_event_log("name=other priority ");
}
END_TEST

START_TEST(callers_are_answered_in_the_order_of_their_calls)
{
        int first = 1, second = 2;

        ck_assert_int_eq(manager_when_saved(manager, on_saved, &first), 0);
        run_loop(); /* nothing is to be saved, so the answer comes at once */
        check_event_log("saved=ok ");
        (void) create(&alice);
        ck_assert_int_eq(manager_when_saved(manager, on_saved, &first), 0);
        (void) create(&alice);
        ck_assert_int_eq(manager_when_saved(manager, on_saved, &second), 0);
        run_loop(); /* one commit for both */
        check_event_log("saved=ok saved=ok new new ");
}
END_TEST

START_TEST(a_failed_commit_takes_back_the_whole_batch)
{
        Job *job = make_job(1), *none = NULL;
        char url[] = "http://proxy:80";
        char *proxies[] = { url, NULL };

        ck_assert_int_eq(set_text(&alice, job, SETTING_DISPLAY_NAME, "other"), 0);
        ck_assert_int_eq(set_text(&alice, job, SETTING_DESCRIPTION, "more"), 0);
        ck_assert_int_eq(set_proxies(&alice, job, PROXY_USAGE_OVERRIDE, proxies, NULL), 0);
        ck_assert_int_eq(manager_when_saved(manager, on_saved, NULL), 0);
        add_files(job, 2);
        ck_assert_int_eq(manager_resume(manager, &alice, job), 0);
        (void) create(&bob);
        ck_assert_int_eq(manager_when_saved(manager, on_saved, NULL), 0);
        store_fail(store, -ENOSPC);
        /* Further calls of the batch fail at once. */
        ck_assert_int_eq(manager_create_job(manager, &alice, "late", &none), -ENOSPC);
        ck_assert_ptr_null(none);
        run_loop();
        check_event_log("saved=ENOSPC saved=ENOSPC ");
        ck_assert_str_eq(job->settings.display_name, "name");
        ck_assert_ptr_null(job->settings.description);
        ck_assert_uint_eq(job->settings.proxy_usage, PROXY_USAGE_PRECONFIG);
        ck_assert_uint_eq(strings_count(job->settings.proxies), 0);
        ck_assert_uint_eq(job->n_files, 1);
        ck_assert_uint_eq(job->state, JOB_SUSPENDED);
        ck_assert_ptr_null(owners_find(&owners, bob.uid));
        ck_assert_uint_eq(fake_link_count(), 0);

        /* The next batch succeeds. */
        resume(job);
        ck_assert_uint_eq(job->state, JOB_CONNECTING);
}
END_TEST

START_TEST(a_failed_change_is_not_in_memory_either)
{
        Job *job = make_job(1);
        static const ManagerFile file = { .remote_name = "http://host/x", .local_name = "/dir/x" };
        uint32_t first;

        store_fail(store, -ENOSPC);
        ck_assert_int_eq(set_text(&alice, job, SETTING_DISPLAY_NAME, "other"), -ENOSPC);
        ck_assert_int_eq(manager_add_files(manager, &alice, job, &file, 1, &first), -ENOSPC);
        ck_assert_uint_eq(job->n_files, 1);
        ck_assert_int_eq(manager_resume(manager, &alice, job), -ENOSPC);
        run_loop();
        ck_assert_str_eq(job->settings.display_name, "name");
        ck_assert_uint_eq(job->n_files, 1);
        ck_assert_uint_eq(job->state, JOB_SUSPENDED);
        check_event_log("");
}
END_TEST

START_TEST(a_discarded_job_was_never_there)
{
        Job *job = create(&alice);
        sd_id128_t id = job->id;

        manager_discard_job(manager, job);
        run_loop();
        check_event_log("");
        ck_assert_int_eq(manager_find_job(manager, &alice, id, &job), -ENOENT);
        ck_assert_ptr_null(owners_find(&owners, alice.uid));
}
END_TEST

START_TEST(complete_of_a_failed_batch_is_answered_and_can_be_called_again)
{
        static Job *(*const makers[])(
                size_t) = { make_transferred, make_error, make_transferring, make_transient_error };

        for (size_t i = 0; i < ARRAY_SIZE(makers); i++) {
                Job *job = makers[i](1);
                JobState state = job->state;

                ck_assert_int_eq(manager_complete(manager, &alice, job, on_done, NULL), 0);
                store_fail(store, -ENOSPC);
                run_loop();
                check_event_log("done=ENOSPC ");
                ck_assert_uint_eq(job->state, state);
                ck_assert_int_eq(manager_resume(manager, &alice, job), 0);
                run_loop();
                if (fake_link_of(job->id))
                        fake_link_succeed(worker_of(job));
                run_loop();
                ck_assert_uint_eq(job->state, JOB_TRANSFERRED);
                event_log[0] = '\0';

                ck_assert_int_eq(manager_complete(manager, &alice, job, on_done, NULL), 0);
                run_loop();
                ck_assert_uint_eq(worker_of(job)->task, WORKER_TASK_PUBLISH);
                fake_link_succeed(worker_of(job));
                run_loop();
                check_event_log("acknowledged done=ok removed=acknowledged ");
        }
}
END_TEST

START_TEST(cancel_of_a_failed_batch_is_answered_and_can_be_called_again)
{
        Job *job = make_transferring(1);

        ck_assert_int_eq(manager_cancel(manager, &alice, job, on_done, NULL), 0);
        store_fail(store, -ENOSPC);
        run_loop();
        check_event_log("done=ENOSPC ");
        ck_assert_uint_eq(job->state, JOB_TRANSFERRING);
        ck_assert(!worker_of(job)->stopped);
        ck_assert_int_eq(manager_cancel(manager, &alice, job, on_done, NULL), 0);
        run_loop();
        check_event_log("cancelled ");
        fake_link_end(worker_of(job), 0, "");
        run_loop();
        fake_link_succeed(worker_of(job));
        run_loop();
        check_event_log("done=ok removed=cancelled ");
}
END_TEST

START_TEST(a_caller_who_was_refused_at_once_is_not_answered_later)
{
        Job *job = make_transferring(1);

        store_fail(store, -ENOSPC);
        ck_assert_int_eq(manager_complete(manager, &alice, job, on_done, NULL), -ENOSPC);
        ck_assert_int_eq(manager_cancel(manager, &alice, job, on_done, NULL), -ENOSPC);
        run_loop();
        check_event_log("");
        ck_assert_int_eq(manager_suspend(manager, &alice, job), 0);
        run_loop();
        check_event_log("suspended ");
}
END_TEST

START_TEST(a_publication_that_cannot_be_saved_is_answered)
{
        Job *job = make_transferred(1);

        ck_assert_int_eq(manager_complete(manager, &alice, job, on_done, NULL), 0);
        run_loop();
        fake_link_succeed(worker_of(job));
        store_fail(store, -ENOSPC);
        run_loop();
        check_event_log("done=ENOSPC ");
        ck_assert_uint_eq(job->state, JOB_TRANSFERRED);
        /* Complete may be called again. */
        ck_assert_int_eq(manager_complete(manager, &alice, job, on_done, NULL), 0);
        run_loop();
        fake_link_succeed(worker_of(job));
        run_loop();
        check_event_log("acknowledged done=ok removed=acknowledged ");
}
END_TEST

START_TEST(a_failed_batch_leaves_a_publication_alone)
{
        Job *job = make_transferred(1);

        ck_assert_int_eq(manager_complete(manager, &alice, job, on_done, NULL), 0);
        run_loop();
        ck_assert_int_eq(set_text(&alice, job, SETTING_DISPLAY_NAME, "other"), 0);
        store_fail(store, -ENOSPC);
        run_loop();
        check_event_log("");
        ck_assert_int_eq(manager_resume(manager, &alice, job), -EBADFD);
        fake_link_succeed(worker_of(job));
        run_loop();
        check_event_log("acknowledged done=ok removed=acknowledged ");
}
END_TEST

START_TEST(a_worker_that_cannot_be_recorded_is_tried_again_later)
{
        Job *job = make_job(1);

        ck_assert_int_eq(manager_resume(manager, &alice, job), 0);
        while (job->state != JOB_CONNECTING) /* the scheduler has chosen it */
                ck_assert_int_eq(sd_event_run(event, 0), 1);
        check_event_log("queued ");
        store_fail(store, -ENOSPC);
        run_loop();
        check_event_log("");
        ck_assert_uint_eq(job->state, JOB_QUEUED);
        ck_assert_uint_eq(fake_link_count(), 0);
        ck_assert_uint_eq(job->owner->shares[SCHEDULER_DOWNLOADS].n_active, 0);
        ck_assert(is_waiting(job));
}
END_TEST

START_TEST(a_retry_that_cannot_be_saved_is_tried_again_later)
{
        Job *job = make_transferring(1);

        fake_link_fail(worker_of(job), true, ERROR_CODE_HTTP(503), 0);
        now_usec += 1000 * SEC;
        ck_assert_int_eq(manager_commit(manager), 0);
        check_event_log("transient-error ");
        while (job->state == JOB_TRANSIENT_ERROR)
                ck_assert_int_ge(sd_event_run(event, 100000), 0);
        store_fail(store, -ENOSPC);
        ck_assert_int_eq(manager_commit(manager), -ENOSPC);
        ck_assert_uint_eq(job->state, JOB_TRANSIENT_ERROR);
        ck_assert(is_waiting(job));
}
END_TEST

START_TEST(a_cancelled_job_is_not_forgotten_when_a_batch_fails)
{
        Job *job = make_transferring(1);

        ck_assert_int_eq(manager_cancel(manager, &alice, job, on_done, NULL), 0);
        run_loop();
        check_event_log("cancelled ");
        fake_link_end(worker_of(job), 0, "");
        store_fail(store, -ENOSPC);
        run_loop();
        ck_assert_uint_eq(job->state, JOB_CANCELLED);
        ck_assert(is_waiting(job) || fake_link_of(job->id));
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("changes");
        SRunner *runner;
        int failed;

        FIXTURE_ADD_TESTS(suite,
                          "batch",
                          nothing_is_announced_before_the_commit,
                          callers_are_answered_in_the_order_of_their_calls,
                          a_failed_commit_takes_back_the_whole_batch,
                          a_failed_change_is_not_in_memory_either,
                          a_discarded_job_was_never_there,
                          complete_of_a_failed_batch_is_answered_and_can_be_called_again,
                          cancel_of_a_failed_batch_is_answered_and_can_be_called_again,
                          a_caller_who_was_refused_at_once_is_not_answered_later,
                          a_publication_that_cannot_be_saved_is_answered,
                          a_failed_batch_leaves_a_publication_alone,
                          a_worker_that_cannot_be_recorded_is_tried_again_later,
                          a_retry_that_cannot_be_saved_is_tried_again_later,
                          a_cancelled_job_is_not_forgotten_when_a_batch_fails);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
