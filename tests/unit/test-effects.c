#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "model/error-code.h"
#include "model/limits.h"
#include "tests/lib/manager-fixture.h"

/* Complete ------------------------------------------------------------------------------------- */

START_TEST(complete_publishes_what_is_transferred)
{
        Job *job = make_transferred(2);
        sd_id128_t id = job->id;
        WorkerLink *link;

        complete(job);
        check_event_log("");
        link = worker_of(job);
        ck_assert_uint_eq(link->task, WORKER_TASK_PUBLISH);
        ck_assert_uint_eq(link->n_files, 2);
        ck_assert_str_eq(link->files[1].temp_name, ".1.part");
        ck_assert(link->files[1].finished);
        fake_link_succeed(link);
        ck_assert_str_eq(event_log, ""); /* nothing is announced before it is saved */
        run_loop();
        check_event_log("acknowledged done=ok removed=acknowledged ");
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
                check_event_log(i == 1 ? "" : "suspended ");
                link = worker_of(job);
                if (link->task == WORKER_TASK_DOWNLOAD) {
                        ck_assert(link->stopped);
                        fake_link_checkpoint(link, 0, 100, 100, true);
                        fake_link_end(link, 0, "");
                        run_loop();
                        check_event_log("progress ");
                        link = worker_of(job);
                        ck_assert(link->files[0].finished);
                }
                ck_assert_uint_eq(link->task, WORKER_TASK_PUBLISH);
                ck_assert_uint_eq(link->n_files, 1); /* the other file has nothing on disk */
                fake_link_succeed(link);
                run_loop();
                check_event_log("acknowledged done=ok(partial) removed=acknowledged ");
        }
}
END_TEST

START_TEST(complete_with_nothing_on_disk_needs_no_worker)
{
        Job *job = make_job(1);

        complete(job);
        check_event_log("acknowledged done=ok(partial) removed=acknowledged ");
        ck_assert_uint_eq(fake_link_count(), 0);

        manager = manager_free(manager);
        config.max_active_jobs = 0;
        new_manager(-1);
        job = make_job(1);
        resume(job);
        check_event_log("queued ");
        complete(job);
        check_event_log("suspended acknowledged done=ok(partial) removed=acknowledged ");
}
END_TEST

START_TEST(a_connecting_job_is_halted_before_it_is_published)
{
        Job *job = make_connecting(1);

        complete(job);
        check_event_log("suspended ");
        ck_assert(worker_of(job)->stopped);
        fake_link_end(worker_of(job), 0, "");
        run_loop();
        check_event_log("acknowledged done=ok(partial) removed=acknowledged ");
}
END_TEST

START_TEST(a_failed_publication_keeps_the_job)
{
        Job *job = make_transferred(1);

        complete(job);
        fake_link_fail(worker_of(job), false, (uint32_t) ERROR_CODE_ACCESS_DENIED, 0);
        run_loop();
        check_event_log("done=EIO ");
        ck_assert_uint_eq(job->state, JOB_TRANSFERRED);
        ck_assert_uint_eq(job->error.code, (uint32_t) ERROR_CODE_ACCESS_DENIED);
        ck_assert_uint_eq(job->error_count, 1);
        complete(job);
        fake_link_end(worker_of(job), -ECONNRESET, "The worker was killed by signal 9");
        run_loop();
        check_event_log("done=EIO ");
        ck_assert_str_eq(job->error.description, "The worker was killed by signal 9");
        fake_link_refuse(-ENOENT);
        complete(job);
        check_event_log("done=EIO ");
        complete(job);
        fake_link_succeed(worker_of(job));
        run_loop();
        check_event_log("acknowledged done=ok removed=acknowledged ");
}
END_TEST

/* The owner can go on from there in each way: fetch it again, do without it, or give up. */
START_TEST(a_file_that_is_gone_is_not_finished_any_more)
{
        for (unsigned way = 0; way < 3; way++) {
                Job *job = make_transferred(2);
                uint64_t bytes = job->files[1].record.offset_bytes;

                event_log[0] = '\0';
                complete(job);
                fake_link_lose(worker_of(job), 1);
                run_loop();
                check_event_log("done=EIO error ");
                ck_assert_uint_eq(job->error.code, (uint32_t) ERROR_CODE_TEMPORARY_FILE_GONE);
                ck_assert_int_eq(job->error.file, 1);
                ck_assert_uint_eq(job->n_finished, 1);
                ck_assert_uint_eq(job->files[1].record.offset_bytes, bytes);
                if (way == 0) {
                        complete(job);
                        fake_link_succeed(worker_of(job));
                        run_loop();
                        check_event_log("acknowledged done=ok(partial) removed=acknowledged ");
                } else if (way == 1) {
                        ck_assert_int_eq(manager_cancel(manager, &alice, job, on_done, NULL), 0);
                        run_loop();
                        ck_assert_uint_eq(worker_of(job)->task, WORKER_TASK_CLEAN);
                        ck_assert_uint_eq(worker_of(job)->n_files, 2);
                } else {
                        resume(job);
                        ck_assert_uint_eq(worker_of(job)->task, WORKER_TASK_DOWNLOAD);
                        ck_assert_uint_eq(worker_of(job)->n_files, 1);
                        ck_assert_uint_eq(worker_of(job)->files[0].index, 1);
                }
        }
}
END_TEST

/* Only that file is concerned, and only a job that was transferred says so by its state. */
START_TEST(a_suspended_job_that_lost_a_file_stays_suspended)
{
        Job *job = make_transferring(2);

        fake_link_checkpoint(worker_of(job), 0, 5, 5, true);
        ck_assert_int_eq(manager_suspend(manager, &alice, job), 0);
        run_loop();
        fake_link_end(worker_of(job), 0, "");
        run_loop();
        event_log[0] = '\0';
        complete(job);
        fake_link_lose(worker_of(job), 0);
        run_loop();
        check_event_log("done=EIO ");
        ck_assert_uint_eq(job->state, JOB_SUSPENDED);
        ck_assert_uint_eq(job->n_finished, 0);
}
END_TEST

START_TEST(a_publication_waits_for_a_process)
{
        Job *job = make_transferred(1);

        fake_link_refuse(-EAGAIN);
        complete(job);
        check_event_log("");
        ck_assert(job->publishing);
        ck_assert_int_eq(manager_resume(manager, &alice, job), -EBADFD);
        ck_assert_ptr_null(job->work.run);

        while (!job->work.run)
                ck_assert_int_ge(sd_event_run(event, 100000), 0);
        fake_link_succeed(worker_of(job));
        run_loop();
        check_event_log("acknowledged done=ok removed=acknowledged ");
}
END_TEST

START_TEST(publications_get_workers_in_order)
{
        Job *jobs[LIMIT_ENDINGS_PER_USER + 2];

        for (size_t i = 0; i < ARRAY_SIZE(jobs); i++)
                jobs[i] = make_transferred(1);
        for (size_t i = 0; i < ARRAY_SIZE(jobs); i++)
                complete(jobs[i]);
        ck_assert_uint_eq(fake_link_alive(), LIMIT_ENDINGS_PER_USER);
        ck_assert_ptr_null(jobs[LIMIT_ENDINGS_PER_USER]->work.run);
        check_event_log("");

        for (size_t i = 0; i < ARRAY_SIZE(jobs); i++) {
                fake_link_succeed(worker_of(jobs[i]));
                run_loop();
                check_event_log("acknowledged done=ok removed=acknowledged ");
        }
        ck_assert_uint_eq(fake_link_alive(), 0);
}
END_TEST

START_TEST(a_publication_does_not_wait_for_downloads)
{
        Job *finished;

        manager = manager_free(manager);
        config.max_active_jobs = 1;
        new_manager(-1);
        finished = make_transferred(1);
        (void) make_transferring(1);
        complete(finished);
        fake_link_succeed(worker_of(finished));
        run_loop();
        check_event_log("acknowledged done=ok removed=acknowledged ");
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
        run_loop();
        check_event_log("");
}
END_TEST

/* Callers who wait ----------------------------------------------------------------------------- */

START_TEST(a_caller_whose_worker_could_not_be_started_hears_that_the_service_stops)
{
        Job *job = make_transferred(1);

        fake_link_refuse(-EAGAIN);
        ck_assert_int_eq(manager_complete(manager, &alice, job, on_done, NULL), 0);
        while (!job->work.run)
                ck_assert_int_eq(sd_event_run(event, 0), 1);
        manager_stop(manager, on_stopped, NULL);
        run_loop();
        check_event_log("done=ECANCELED stopped ");
}
END_TEST

static void on_nothing(void *userdata, int result, bool partial, const char *text)
{
}

START_TEST(callers_without_a_worker_hear_that_the_service_stops)
{
        Job *jobs[LIMIT_ENDINGS_PER_USER + 1];

        for (size_t i = 0; i < ARRAY_SIZE(jobs); i++)
                jobs[i] = make_transferred(1);
        for (size_t i = 0; i < ARRAY_SIZE(jobs); i++)
                complete(jobs[i]);
        manager_stop(manager, on_stopped, NULL);
        check_event_log("done=ECANCELED ");
}
END_TEST

START_TEST(a_second_complete_is_answered_with_the_first)
{
        Job *job = make_transferred(1);

        complete(job);
        complete(job);
        ck_assert_uint_eq(fake_link_alive(), 1);
        fake_link_succeed(worker_of(job));
        run_loop();
        check_event_log("acknowledged done=ok done=ok removed=acknowledged ");
}
END_TEST

START_TEST(the_callers_who_wait_for_one_job_are_limited)
{
        Job *job = make_transferred(1);
        unsigned n = 0;

        while (n < 100000 && manager_complete(manager, &alice, job, on_nothing, NULL) == 0)
                n++;
        ck_assert_uint_eq(n, LIMIT_WAITERS_PER_JOB);
        ck_assert_int_eq(manager_complete(manager, &alice, job, on_nothing, NULL), -ENOBUFS);
        run_loop();
        fake_link_succeed(worker_of(job));
        run_loop();
        check_event_log("acknowledged removed=acknowledged ");
}
END_TEST

/* Cancel --------------------------------------------------------------------------------------- */

/* ---- AutoComplete ---------------------------------------------------------------------------- */

/* A transferred job that completes itself, with the worker that publishes its file. */
static Job *make_completing(void)
{
        Job *job = make_transferring(1);

        ck_assert_int_eq(set_number(&alice, job, SETTING_AUTO_COMPLETE, 1), 0);
        run_loop();
        fake_link_checkpoint(worker_of(job), 0, 100, 100, true);
        fake_link_succeed(worker_of(job));
        run_loop();
        ck_assert_uint_eq(job->state, JOB_TRANSFERRED);
        ck_assert_uint_eq(worker_of(job)->task, WORKER_TASK_PUBLISH);
        event_log[0] = '\0';
        return job;
}

START_TEST(a_job_completes_itself)
{
        Job *job = make_completing();

        fake_link_succeed(worker_of(job));
        run_loop();
        check_event_log("acknowledged removed=acknowledged ");
        ck_assert_uint_eq(fake_link_alive(), 0);
}
END_TEST

START_TEST(a_transferred_job_completes_itself_once_it_is_told_to)
{
        Job *job = make_transferred(1);

        ck_assert_int_eq(set_number(&alice, job, SETTING_AUTO_COMPLETE, 1), 0);
        run_loop();
        ck_assert_uint_eq(worker_of(job)->task, WORKER_TASK_PUBLISH);
        fake_link_succeed(worker_of(job));
        run_loop();
        check_event_log("acknowledged removed=acknowledged ");
}
END_TEST

START_TEST(completing_itself_is_tried_again_after_a_failure)
{
        Job *job = make_completing();
        uint64_t first;

        fake_link_fail(worker_of(job), false, (uint32_t) ERROR_CODE_ACCESS_DENIED, 0);
        run_loop();
        ck_assert_uint_eq(job->state, JOB_TRANSFERRED);
        ck_assert_uint_ne(job->error.code, 0);
        ck_assert_uint_eq(fake_link_alive(), 0);
        first = job->attempts.next_usec - now_usec;
        ck_assert_uint_ge(first, 60 * SEC);
        ck_assert(is_waiting(job));

        now_usec = job->attempts.next_usec;
        expire_timer(job);
        run_loop();
        fake_link_fail(worker_of(job), false, (uint32_t) ERROR_CODE_ACCESS_DENIED, 0);
        run_loop();
        ck_assert_uint_gt(job->attempts.next_usec - now_usec, first);

        complete(job); /* its owner does not wait */
        fake_link_succeed(worker_of(job));
        run_loop();
        event_log[0] = '\0';
        ck_assert_uint_eq(fake_link_alive(), 0);
}
END_TEST

START_TEST(completing_itself_is_given_up_with_the_owners_patience)
{
        Job *job = make_completing();

        ck_assert(job_has_work(job));
        ck_assert_int_eq(set_number(&alice, job, SETTING_NO_PROGRESS_TIMEOUT, 0), 0);
        fake_link_fail(worker_of(job), false, (uint32_t) ERROR_CODE_ACCESS_DENIED, 0);
        run_loop();
        ck_assert_uint_eq(job->state, JOB_TRANSFERRED);
        ck_assert_uint_eq(fake_link_alive(), 0);
        ck_assert(!is_waiting(job));
        ck_assert(!job_has_work(job));
}
END_TEST

/* The worker died after its last file was whole: what failed before is not held against it. */
START_TEST(a_job_whose_last_worker_was_lost_completes_itself)
{
        Job *job = make_connecting(1);

        ck_assert_int_eq(set_number(&alice, job, SETTING_AUTO_COMPLETE, 1), 0);
        fake_link_checkpoint(worker_of(job), 0, 100, 100, true);
        fake_link_end(worker_of(job), -ECONNRESET, "The worker was killed by signal 9");
        run_loop();
        ck_assert_uint_eq(job->state, JOB_TRANSIENT_ERROR);
        now_usec = job->attempts.next_usec;
        expire_timer(job);
        run_loop();
        ck_assert_uint_eq(job->state, JOB_TRANSFERRED);
        ck_assert_uint_eq(worker_of(job)->task, WORKER_TASK_PUBLISH);
        event_log[0] = '\0';
}
END_TEST

/* Resume, and setting AutoComplete again, try at once, also when it was given up. */
START_TEST(a_job_that_could_not_complete_itself_tries_at_once_when_asked)
{
        for (int given_up = 0; given_up < 2; given_up++)
                for (int by_resume = 0; by_resume < 2; by_resume++) {
                        Job *job = make_completing();

                        if (given_up)
                                ck_assert_int_eq(
                                        set_number(&alice, job, SETTING_NO_PROGRESS_TIMEOUT, 0),
                                        0);
                        fake_link_fail(worker_of(job),
                                       false,
                                       (uint32_t) ERROR_CODE_ACCESS_DENIED,
                                       0);
                        run_loop();
                        ck_assert_ptr_null(job->work.run);
                        if (by_resume)
                                ck_assert_int_eq(manager_resume(manager, &alice, job), 0);
                        else
                                ck_assert_int_eq(set_number(&alice, job, SETTING_AUTO_COMPLETE, 1),
                                                 0);
                        run_loop();
                        ck_assert_uint_eq(worker_of(job)->task, WORKER_TASK_PUBLISH);
                        fake_link_succeed(worker_of(job));
                        run_loop();
                }
        event_log[0] = '\0';
}
END_TEST

START_TEST(a_clock_that_was_put_back_does_not_hold_a_job)
{
        Job *job = make_completing();

        fake_link_fail(worker_of(job), false, (uint32_t) ERROR_CODE_ACCESS_DENIED, 0);
        run_loop();
        ck_assert_ptr_null(job->work.run);
        now_usec -= 86400 * SEC;
        expire_timer(job);
        run_loop();
        ck_assert_uint_eq(worker_of(job)->task, WORKER_TASK_PUBLISH);
        event_log[0] = '\0';
}
END_TEST

static void note_revert(void *userdata, Job *job)
{
        *(JobState *) userdata = job->state;
}

/* A caller that waits for the job has looked at what was taken back. */
START_TEST(changes_that_are_taken_back_are_told_to_the_observer)
{
        Job *job = make_error(1);
        JobState state = JOB_STATES_MAX;

        manager_set_observer(manager,
                             &(ManagerObserver){ .job_reverted = note_revert, .userdata = &state });
        ck_assert_int_eq(manager_resume(manager, &alice, job), 0);
        store_fail(store, -ENOSPC);
        run_loop();
        ck_assert_uint_eq(state, JOB_ERROR);
        event_log[0] = '\0';
}
END_TEST

START_TEST(after_a_restart_a_job_still_completes_itself)
{
        Job *job = make_completing();
        sd_id128_t id = job->id;

        manager = manager_free(manager);
        new_manager(-1);
        ck_assert_int_eq(manager_load(manager), 0);
        run_loop();
        ck_assert_int_eq(manager_find_job(manager, &root, id, &job), 0);
        ck_assert_uint_eq(worker_of(job)->task, WORKER_TASK_PUBLISH);
        fake_link_succeed(worker_of(job));
        run_loop();
        ck_assert_int_eq(manager_find_job(manager, &root, id, &job), -ENOENT);
        event_log[0] = '\0';
}
END_TEST

START_TEST(complete_whole_gives_nothing_up)
{
        Job *job = make_transferring(1), *whole = make_transferred(1), *empty = make_job(0);

        ck_assert_int_eq(manager_complete_whole(manager, &alice, job, on_done, NULL), -EBADFD);
        ck_assert_int_eq(manager_complete_whole(manager, &alice, empty, on_done, NULL), -ENODATA);
        ck_assert_int_eq(manager_complete_whole(manager, &bob, whole, on_done, NULL), -ENOENT);
        run_loop();
        check_event_log("");
        ck_assert_int_eq(manager_complete_whole(manager, &alice, whole, on_done, NULL), 0);
        run_loop();
        fake_link_succeed(worker_of(whole));
        run_loop();
        check_event_log("acknowledged done=ok removed=acknowledged ");
}
END_TEST

START_TEST(cancel_with_nothing_on_disk_needs_no_worker)
{
        Job *job = make_job(1);
        sd_id128_t id = job->id;

        cancel(job);
        check_event_log("cancelled done=ok(partial) removed=cancelled ");
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
                check_event_log("cancelled ");
                link = worker_of(job);
                if (link->task == WORKER_TASK_DOWNLOAD) {
                        ck_assert(link->stopped);
                        fake_link_end(link, 0, "");
                        run_loop();
                        link = worker_of(job);
                }
                ck_assert_uint_eq(link->task, WORKER_TASK_CLEAN);
                ck_assert_uint_eq(link->n_files, 1);
                fake_link_succeed(link);
                run_loop();
                check_event_log("done=ok removed=cancelled ");
        }
}
END_TEST

/* It may have created a file, so the next worker looks for it under all names of all files. */
START_TEST(files_of_a_lost_worker_are_looked_for)
{
        for (int i = 0; i < 2; i++) {
                Job *job = make_connecting(2);
                sd_id128_t id = job->id;
                WorkerLink *link;

                if (i == 0) {
                        fake_link_end(worker_of(job), -EPIPE, "gone");
                        run_loop();
                } else { /* the manager was restarted twice without starting a worker in between */
                        manager = manager_free(manager);
                        config.max_active_jobs = 0;
                        new_manager(-1);
                        ck_assert_int_eq(manager_load(manager), 0);
                        run_loop();
                        manager = manager_free(manager);
                        new_manager(-1);
                        ck_assert_int_eq(manager_load(manager), 0);
                        run_loop();
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
                run_loop();
                ck_assert_int_eq(manager_find_job(manager, &root, id, &job), -ENOENT);
                event_log[0] = '\0';
        }
}
END_TEST

/* A report is not repeated, so files of a report that could not be saved are looked for as well. */
START_TEST(files_of_a_report_that_was_taken_back_are_looked_for)
{
        Job *job = make_connecting(1);
        WorkerLink *link = worker_of(job);

        fake_link_checkpoint(link, 0, 10, 100, false);
        ck_assert_int_eq(set_text(&alice, job, SETTING_DESCRIPTION, "x"), 0);
        store_fail(store, -ENOSPC);
        run_loop();
        ck_assert_str_eq(job->files[0].record.temp_name, "");
        cancel(job);
        ck_assert(link->stopped);
        fake_link_end(link, 0, "");
        run_loop();
        link = worker_of(job);
        ck_assert_uint_eq(link->task, WORKER_TASK_CLEAN);
        ck_assert_uint_eq(link->n_files, 1);
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

int main(void)
{
        Suite *suite = suite_create("effects");
        SRunner *runner;
        int failed;

        FIXTURE_ADD_TESTS(suite,
                          "complete",
                          complete_publishes_what_is_transferred,
                          complete_is_partial_while_files_are_missing,
                          complete_with_nothing_on_disk_needs_no_worker,
                          a_connecting_job_is_halted_before_it_is_published,
                          a_failed_publication_keeps_the_job,
                          a_file_that_is_gone_is_not_finished_any_more,
                          a_suspended_job_that_lost_a_file_stays_suspended,
                          a_publication_waits_for_a_process,
                          publications_get_workers_in_order,
                          a_publication_does_not_wait_for_downloads,
                          a_job_that_is_being_published_is_left_alone);
        FIXTURE_ADD_TESTS(suite,
                          "a job that completes itself",
                          a_job_completes_itself,
                          a_transferred_job_completes_itself_once_it_is_told_to,
                          completing_itself_is_tried_again_after_a_failure,
                          completing_itself_is_given_up_with_the_owners_patience,
                          a_job_whose_last_worker_was_lost_completes_itself,
                          a_job_that_could_not_complete_itself_tries_at_once_when_asked,
                          a_clock_that_was_put_back_does_not_hold_a_job,
                          changes_that_are_taken_back_are_told_to_the_observer,
                          after_a_restart_a_job_still_completes_itself,
                          complete_whole_gives_nothing_up);
        FIXTURE_ADD_TESTS(suite,
                          "waiters",
                          callers_without_a_worker_hear_that_the_service_stops,
                          a_caller_whose_worker_could_not_be_started_hears_that_the_service_stops,
                          a_second_complete_is_answered_with_the_first,
                          the_callers_who_wait_for_one_job_are_limited);
        FIXTURE_ADD_TESTS(suite,
                          "cancel",
                          cancel_with_nothing_on_disk_needs_no_worker,
                          cancel_has_temporary_files_removed,
                          files_of_a_lost_worker_are_looked_for,
                          files_of_a_report_that_was_taken_back_are_looked_for,
                          a_cancelled_job_takes_no_more_verbs);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
