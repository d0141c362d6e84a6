#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/str.h"

#include "model/enums.h"
#include "model/error-code.h"
#include "tests/lib/manager-fixture.h"

/* A job as a crash left it: one file with 10 bytes on disk. */
static sd_id128_t store_job(JobState state, uint8_t number)
{
        Owner *owner;
        Job *job;
        sd_id128_t id = { .bytes = { number } };

        ck_assert_int_eq(owners_acquire(&owners, 1000, "alice", &owner), 0);
        ck_assert_int_eq(job_new(id, owner, &job), 0);
        job->state = state;
        job->attempts.next_usec = now_usec + 1000 * SEC;
        ck_assert_int_eq(job_add_file(job, "http://host/a", "/dir/a"), 0);
        ck_assert_int_eq(str_set(&job->files[0].record.temp_name, ".0.part"), 0);
        job->files[0].record.offset_bytes = 10;
        ck_assert_int_eq(store_put_job(store, job), 0);
        ck_assert_int_eq(store_put_file(store, job, 0), 0);
        ck_assert_int_eq(store_commit(store), 0);
        job_free(job);
        owners_release(&owners, owner);
        return id;
}

START_TEST(each_state_is_taken_up_again)
{
        static const struct {
                JobState before, after;
                int task;   /* -1: no worker */
                bool waits; /* for the next attempt, or for the end of MaximumDownloadTime */
                const char *events;
        } cases[] = {
                { JOB_QUEUED, JOB_CONNECTING, WORKER_TASK_DOWNLOAD, true, "connecting " },
                { JOB_CONNECTING, JOB_CONNECTING, WORKER_TASK_DOWNLOAD, true, "connecting " },
                { JOB_TRANSFERRING, JOB_CONNECTING, WORKER_TASK_DOWNLOAD, true, "connecting " },
                { JOB_SUSPENDED, JOB_SUSPENDED, -1, false, "" },
                { JOB_ERROR, JOB_ERROR, -1, false, "" },
                { JOB_TRANSIENT_ERROR, JOB_TRANSIENT_ERROR, -1, true, "" },
                { JOB_TRANSFERRED, JOB_TRANSFERRED, -1, false, "" },
                { JOB_CANCELLED, JOB_CANCELLED, WORKER_TASK_CLEAN, false, "" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                sd_id128_t id = store_job(cases[i].before, (uint8_t) (i + 1));
                WorkerLink *link;
                Job *job = NULL;

                manager = manager_free(manager);
                new_manager(-1);
                ck_assert_int_eq(manager_load(manager), 0);
                run_loop();
                check_event_log(cases[i].events);
                ck_assert_int_eq(manager_find_job(manager, &root, id, &job), 0);
                ck_assert_str_eq(job_state_to_string(job->state),
                                 job_state_to_string(cases[i].after));
                ck_assert(is_waiting(job) == cases[i].waits);
                ck_assert_uint_eq(job->files[0].record.offset_bytes, 10);
                link = fake_link_of(id);
                ck_assert_int_eq(link ? (int) link->task : -1, cases[i].task);
                if (link)
                        ck_assert_uint_eq(link->files[0].offset_bytes, 10);
                ck_assert_int_eq(store_delete_job(store, job), 0);
                ck_assert_int_eq(store_commit(store), 0);
        }
}
END_TEST

START_TEST(an_acknowledged_job_goes_at_the_next_start)
{
        sd_id128_t id = store_job(JOB_ACKNOWLEDGED, 1);
        Job *job;

        ck_assert_int_eq(manager_load(manager), 0);
        run_loop();
        ck_assert_int_eq(manager_find_job(manager, &root, id, &job), -ENOENT);
        ck_assert_int_eq(store_load_job(store, &owners, id, &job), -ENOENT);
        ck_assert_uint_eq(fake_link_count(), 0);
}
END_TEST

START_TEST(a_retry_whose_time_has_passed_comes_at_once)
{
        (void) store_job(JOB_TRANSIENT_ERROR, 1);
        now_usec += 2000 * SEC;
        ck_assert_int_eq(manager_load(manager), 0);
        run_loop();
        wait_for_timer();
        check_event_log("queued connecting ");
}
END_TEST

START_TEST(credentials_survive_only_with_their_key)
{
        Job *job = make_job(1);
        sd_id128_t id = job->id;
        const VaultRow foreign = { .key_id.bytes = { 1 },
                                   .sealed = (uint8_t[40]){ 1 },
                                   .sealed_size = 40 };
        uint64_t bytes, replaced;

        ck_assert_int_eq(set_password(job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, "kept"), 0);
        run_loop();
        bytes = job->vault_bytes;
        manager = manager_free(manager);
        new_manager(-1);
        ck_assert_int_eq(manager_load(manager), 0);
        run_loop();
        ck_assert_int_eq(manager_find_job(manager, &alice, id, &job), 0);
        ck_assert_uint_eq(job->vault_bytes, bytes);
        ck_assert_uint_eq(job->owner->vault_bytes, bytes);
        ck_assert(!job->credentials_lost);

        ck_assert_int_eq(store_put_slot(store,
                                        job,
                                        AUTH_TARGET_PROXY,
                                        AUTH_SCHEME_BASIC,
                                        false,
                                        "user",
                                        &foreign,
                                        &replaced),
                         0);
        ck_assert_int_eq(store_commit(store), 0);
        manager = manager_free(manager);
        new_manager(-1);
        ck_assert_int_eq(manager_load(manager), 0);
        run_loop();
        ck_assert_int_eq(manager_find_job(manager, &alice, id, &job), 0);
        ck_assert(job->credentials_lost);
        ck_assert_uint_eq(job->vault_bytes, bytes);
        ck_assert_uint_eq(count_slots(job, AUTH_TARGET_PROXY), 0);
}
END_TEST

START_TEST(a_stop_waits_for_the_workers)
{
        Job *first = make_transferring(1), *second = make_transferring(1), *stored = NULL;
        sd_id128_t id = first->id;

        manager_stop(manager, on_stopped, NULL);
        run_loop();
        ck_assert(worker_of(first)->stopped);
        ck_assert(worker_of(second)->stopped);
        check_event_log("");
        fake_link_checkpoint(worker_of(first), 0, 77, 100, false);
        fake_link_end(worker_of(first), 0, "");
        run_loop();
        check_event_log("progress ");
        fake_link_end(worker_of(second), 0, "");
        run_loop();
        check_event_log("stopped ");
        ck_assert(!store_is_dirty(store));
        ck_assert_uint_eq(fake_link_alive(), 0);

        ck_assert_int_eq(store_load_job(store, &owners, id, &stored), 0);
        ck_assert_uint_eq(stored->files[0].record.offset_bytes, 77);
        ck_assert_uint_eq(stored->state, JOB_TRANSFERRING); /* goes on at the next start */
        job_free(stored);
}
END_TEST

START_TEST(a_stop_without_workers_is_soon_done)
{
        (void) make_transferred(1);
        manager_stop(manager, on_stopped, NULL);
        run_loop();
        check_event_log("stopped ");
}
END_TEST

START_TEST(nothing_starts_while_stopping)
{
        Job *job = make_job(1), *running = make_transferring(1);

        manager_stop(manager, on_stopped, NULL);
        ck_assert_int_eq(manager_resume(manager, &alice, job), 0);
        run_loop();
        check_event_log("queued ");
        ck_assert_uint_eq(fake_link_count(), 1);
        fake_link_end(worker_of(running), 0, "");
        run_loop();
        check_event_log("stopped ");
        ck_assert_uint_eq(fake_link_count(), 1);
}
END_TEST

START_TEST(a_worker_that_hangs_does_not_hold_up_a_stop)
{
        uint64_t since = clock_boottime(&clock_system);

        (void) make_transferring(1);
        manager_stop(manager, on_stopped, NULL);
        while (event_log[0] == '\0') {
                ck_assert_uint_lt(clock_boottime(&clock_system), since + 7 * SEC);
                ck_assert_int_ge(sd_event_run(event, 100000), 0);
        }
        ck_assert_uint_ge(clock_boottime(&clock_system), since + 4 * SEC);
        check_event_log("stopped ");
        ck_assert_uint_eq(fake_link_alive(), 0);
}
END_TEST

START_TEST(who_waits_when_it_ends_is_answered)
{
        Job *job = make_transferred(1);

        complete(job);
        (void) create(&alice);
        ck_assert_int_eq(manager_when_saved(manager, on_saved, NULL), 0);
        manager = manager_free(manager);
        check_event_log("saved=ECANCELED done=ECANCELED ");
}
END_TEST

static bool has_work_file(void)
{
        return faccessat(state_dir_fd, "work", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

START_TEST(a_file_tells_whether_to_start_at_boot)
{
        Job *job = make_job(1);

        ck_assert(!has_work_file());
        resume(job);
        ck_assert(has_work_file());
        fake_link_fail(worker_of(job), true, ERROR_CODE_HTTP(503), 0);
        run_loop();
        ck_assert(has_work_file());
        resume(job);
        fake_link_succeed(worker_of(job));
        run_loop();
        ck_assert(!has_work_file());

        (void) make_connecting(1);
        ck_assert(has_work_file());
        manager = manager_free(manager); /* stays for the next start */
        ck_assert(has_work_file());
        new_manager(-1);
        ck_assert_int_eq(manager_load(manager), 0);
        run_loop();
        ck_assert(has_work_file());
}
END_TEST

START_TEST(the_service_is_idle_when_nothing_would_be_lost)
{
        Job *job;

        ck_assert(manager_is_idle(manager));
        job = create(&alice);
        ck_assert(!manager_is_idle(manager)); /* not saved yet */
        add_files(job, 1);
        run_loop();
        ck_assert(manager_is_idle(manager));
        resume(job);
        ck_assert(!manager_is_idle(manager));
        fake_link_fail(worker_of(job), true, ERROR_CODE_HTTP(503), 0);
        run_loop();
        ck_assert(!manager_is_idle(manager)); /* the timer of the next attempt runs */
        ck_assert_int_eq(manager_suspend(manager, &alice, job), 0);
        run_loop();
        ck_assert(manager_is_idle(manager));
        ck_assert_int_eq(set_password(job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, "x"), 0);
        run_loop();
        ck_assert(!manager_is_idle(manager)); /* the credential would be lost with its key */
        complete(job);
        ck_assert(manager_is_idle(manager));
}
END_TEST

/* The network comes up ------------------------------------------------------------------------- */

/* A job whose first attempt has failed before a server answered. */
static Job *make_unreachable(uint32_t code, ErrorContext context)
{
        Failure failure = FAILURE_NONE;
        Job *job = make_connecting(1);
        WorkerLink *link = worker_of(job);

        failure_set(&failure, code, true, context, "http://host/", "Out of reach.");
        failure.file = 0;
        link->events->failed(link->userdata, &failure);
        failure_done(&failure);
        fake_link_end(link, 0, "");
        run_loop();
        ck_assert_uint_eq(job->state, JOB_TRANSIENT_ERROR);
        ck_assert_uint_ge(job->attempts.next_usec, now_usec + 60 * SEC);
        event_log[0] = '\0';
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
        usec = stored->attempts.next_usec;
        job_free(stored);
        return usec;
}

START_TEST(a_job_without_network_is_tried_when_it_comes_up)
{
        Job *job = make_offline();
        uint32_t attempts = job->attempts.failures;
        uint64_t before = job->attempts.next_usec;

        manager_network_came_up(manager);
        ck_assert_uint_ge(job->attempts.next_usec, now_usec);
        ck_assert_uint_lt(job->attempts.next_usec, now_usec + SEC);
        check_event_log(""); /* it is saved first */
        ck_assert_uint_ne(job->attempts.next_usec, before);
        now_usec += SEC;
        ck_assert_int_eq(manager_commit(manager), 0);
        check_event_log("attempt ");
        ck_assert_uint_eq(stored_attempt(job), job->attempts.next_usec);
        wait_for_timer();
        check_event_log("queued connecting ");
        ck_assert_uint_eq(job->attempts.failures, attempts);

        /* The hint does not change the back-off. */
        fake_link_fail(worker_of(job), true, (uint32_t) ERROR_CODE_CONNECT_FAILURE, 0);
        ck_assert_uint_ge(job->attempts.next_usec, now_usec + 120 * SEC);
}
END_TEST

static const struct {
        uint32_t code;
        ErrorContext context;
        bool sooner;
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

START_TEST(only_a_job_that_no_server_answered_is_tried_sooner)
{
        for (size_t i = 0; i < ARRAY_SIZE(failures); i++) {
                Job *job = make_unreachable(failures[i].code, failures[i].context);
                uint64_t before = job->attempts.next_usec;

                manager_network_came_up(manager);
                run_loop();
                ck_assert_int_eq(job->attempts.next_usec < before, failures[i].sooner);
                check_event_log(failures[i].sooner ? "attempt " : "");
                ck_assert_int_eq(manager_suspend(manager, &alice, job), 0);
                run_loop();
        }
}
END_TEST

START_TEST(hints_that_do_not_help_count_for_less)
{
        static const uint64_t distances[] = { 0, 5, 10, 20, 40, 80 };
        Job *job = make_offline();
        uint64_t latest = now_usec;

        for (size_t i = 0; i < ARRAY_SIZE(distances); i++) {
                const uint64_t due = latest + distances[i] * SEC;

                manager_network_came_up(manager);
                ck_assert_uint_ge(job->attempts.next_usec, due);
                ck_assert_uint_le(job->attempts.next_usec, due + distances[i] * SEC / 10 + SEC);
                /* Another hint changes nothing. */
                latest = job->attempts.next_usec;
                manager_network_came_up(manager);
                ck_assert_uint_eq(job->attempts.next_usec, latest);
                now_usec = latest;
                ck_assert_int_eq(manager_commit(manager), 0);
                event_log[0] = '\0';
                wait_for_timer();
                fake_link_fail(worker_of(job), true, (uint32_t) ERROR_CODE_TIMEOUT, 0);
                run_loop();
        }

        /* Resume forgets the hints. */
        resume(job);
        fake_link_fail(worker_of(job), true, (uint32_t) ERROR_CODE_TIMEOUT, 0);
        run_loop();
        manager_network_came_up(manager);
        ck_assert_uint_lt(job->attempts.next_usec, now_usec + SEC);
}
END_TEST

START_TEST(an_attempt_that_is_near_is_left_where_it_is)
{
        Job *job = make_offline();
        uint64_t before = job->attempts.next_usec;

        now_usec = before;
        manager_network_came_up(manager);
        ck_assert_uint_eq(job->attempts.next_usec, before);
        run_loop();
        check_event_log("");
        ck_assert_uint_eq(job->attempts.hints, 0);
}
END_TEST

START_TEST(jobs_in_other_states_ignore_the_network)
{
        Job *suspended = make_job(1), *error = make_error(1), *transferred = make_transferred(1);

        manager_network_came_up(manager);
        run_loop();
        check_event_log("");
        ck_assert_uint_eq(suspended->state, JOB_SUSPENDED);
        ck_assert_uint_eq(error->state, JOB_ERROR);
        ck_assert_uint_eq(transferred->state, JOB_TRANSFERRED);
}
END_TEST

START_TEST(a_hint_that_cannot_be_saved_is_taken_back)
{
        Job *job = make_offline();
        uint64_t before = job->attempts.next_usec;

        store_fail(store, -ENOSPC);
        manager_network_came_up(manager);
        run_loop();
        check_event_log("");
        ck_assert_uint_eq(job->attempts.next_usec, before);
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
                uint64_t usec = jobs[i]->attempts.next_usec;

                first = usec < first ? usec : first;
                last = usec > last ? usec : last;
        }
        ck_assert_uint_gt(last - first, SEC / 100);
        ck_assert_uint_lt(last, now_usec + SEC);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("manager");
        SRunner *runner;
        int failed;

        FIXTURE_ADD_TESTS(suite,
                          "life of the service",
                          each_state_is_taken_up_again,
                          an_acknowledged_job_goes_at_the_next_start,
                          a_retry_whose_time_has_passed_comes_at_once,
                          credentials_survive_only_with_their_key,
                          a_stop_waits_for_the_workers,
                          a_stop_without_workers_is_soon_done,
                          nothing_starts_while_stopping,
                          a_worker_that_hangs_does_not_hold_up_a_stop,
                          who_waits_when_it_ends_is_answered,
                          a_file_tells_whether_to_start_at_boot,
                          the_service_is_idle_when_nothing_would_be_lost);
        FIXTURE_ADD_TESTS(suite,
                          "network",
                          a_job_without_network_is_tried_when_it_comes_up,
                          only_a_job_that_no_server_answered_is_tried_sooner,
                          hints_that_do_not_help_count_for_less,
                          an_attempt_that_is_near_is_left_where_it_is,
                          jobs_in_other_states_ignore_the_network,
                          a_hint_that_cannot_be_saved_is_taken_back,
                          jobs_are_not_all_tried_at_once);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
