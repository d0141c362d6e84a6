#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

#include "manager/job-log.h"
#include "model/error-code.h"
#include "tests/lib/manager-fixture.h"
#include "tests/lib/temp-dir.h"

static char *dir, *path; /* owned by start_reading() and stop_reading() */
static int before;       /* stderr of the test program */
static size_t seen;      /* bytes of the log that were looked at */
static char id[SD_ID128_STRING_MAX];

static void start_reading(const Job *job)
{
        (void) sd_id128_to_string(job->id, id);
        dir = temp_dir_new();
        path = temp_dir_path(dir, "log");
        before = dup(STDERR_FILENO);
        seen = 0;
        ck_assert_ptr_nonnull(freopen(path, "we", stderr));
}

static void stop_reading(void)
{
        ck_assert_int_ge(dup2(before, STDERR_FILENO), 0);
        (void) close(before);
        free(path);
        dir = temp_dir_remove(dir);
}

/* Returns what was logged since the last call, with "ID" for the id of the job; static. */
static const char *logged(void)
{
        static char text[8192];
        _cleanup_free_ char *log = NULL;
        char *at;

        (void) fflush(stderr);
        log = temp_dir_read(path, NULL);
        (void) snprintf(text, sizeof(text), "%s", log + seen);
        seen = strlen(log);
        while ((at = strstr(text, id))) {
                memcpy(at, "ID", 2);
                memmove(at + 2, at + strlen(id), strlen(at + strlen(id)) + 1);
        }
        return text;
}

#define WHOSE         "<6>dosvcd: Job ID (uid 1000, host, \"name\"): "
#define WHOSE_FAILURE "<5>dosvcd: Job ID (uid 1000, host, \"name\"): "

START_TEST(a_job_is_logged_from_its_beginning_to_its_end)
{
        Job *job = create(&alice);

        start_reading(job);
        ck_assert_str_eq(logged(), ""); /* it is not saved yet */
        run_loop();
        ck_assert_str_eq(logged(), "<6>dosvcd: Job ID (uid 1000, \"name\"): created by uid 1000\n");
        add_files(job, 2);
        run_loop();
        ck_assert_str_eq(logged(), "");
        resume(job);
        ck_assert_str_eq(logged(), WHOSE "resumed by uid 1000\n");
        ck_assert_int_eq(manager_suspend(manager, &root, job), 0);
        run_loop();
        fake_link_end(worker_of(job), 0, "");
        run_loop();
        ck_assert_str_eq(logged(), WHOSE "suspended by uid 0\n");

        resume(job);
        now_usec += 5 * SEC / 2;
        fake_link_succeed(worker_of(job));
        run_loop();
        ck_assert_str_eq(logged(),
                         WHOSE "resumed by uid 1000\n" WHOSE
                               "transferred: 2 of 2 files, 200 bytes in 2.5 s\n");
        complete(job);
        ck_assert_str_eq(logged(), "");
        fake_link_succeed(worker_of(job));
        run_loop();
        ck_assert_str_eq(logged(),
                         WHOSE "completed by uid 1000: 2 of 2 files, 200 bytes in 2.5 s\n");
        stop_reading();
}
END_TEST

START_TEST(a_cancelled_job_is_logged_once)
{
        Job *job = make_transferring(2);

        start_reading(job);
        ck_assert_int_eq(manager_cancel(manager, &root, job, on_done, NULL), 0);
        run_loop();
        fake_link_end(worker_of(job), 0, "");
        run_loop();
        ck_assert_uint_eq(worker_of(job)->task, WORKER_TASK_CLEAN);
        fake_link_end(worker_of(job), 0, "");
        run_loop();
        ck_assert_str_eq(logged(), WHOSE "cancelled by uid 0\n");
        stop_reading();
}
END_TEST

START_TEST(a_new_owner_is_logged_with_the_old_one)
{
        Job *job = make_job(1);

        start_reading(job);
        ck_assert_int_eq(manager_take_ownership(manager, &root, job), 0);
        run_loop();
        ck_assert_str_eq(logged(),
                         "<5>dosvcd: Job ID (uid 0, host, \"name\"): "
                         "taken over by uid 0 from uid 1000\n");
        stop_reading();
}
END_TEST

START_TEST(failures_are_logged_with_what_comes_of_them)
{
        Job *job = make_transferring(1);

        start_reading(job);
        fake_link_fail(worker_of(job), true, ERROR_CODE_HTTP(503), 0);
        run_loop();
        ck_assert_str_eq(logged(), WHOSE_FAILURE "failed, to be tried again: It failed.\n");
        expire_timer(job); /* nobody has resumed it */
        fake_link_fail(worker_of(job), false, ERROR_CODE_HTTP(404), 0);
        run_loop();
        ck_assert_str_eq(logged(), WHOSE_FAILURE "failed: It failed.\n");
        resume(job); /* forgets the error */
        ck_assert_str_eq(logged(), WHOSE "resumed by uid 1000\n");
        stop_reading();
}
END_TEST

START_TEST(a_job_that_is_given_up_is_logged_as_failed)
{
        Job *job = make_transient_error(1);

        start_reading(job);
        now_usec += 100 * 86400 * SEC;
        expire_timer(job);
        ck_assert_uint_eq(job->state, JOB_ERROR);
        ck_assert_str_eq(logged(), WHOSE_FAILURE "failed: It failed.\n");
        stop_reading();
}
END_TEST

START_TEST(what_is_not_saved_is_not_logged)
{
        Job *job = make_transient_error(1);

        start_reading(job);
        ck_assert_int_eq(manager_resume(manager, &root, job), 0);
        store_fail(store, -ENOSPC);
        run_loop();
        ck_assert_ptr_null(strstr(logged(), "ID"));
        expire_timer(job); /* the service tries again, not root */
        ck_assert_uint_eq(job->state, JOB_CONNECTING);
        ck_assert_str_eq(logged(), "");
        stop_reading();
}
END_TEST

START_TEST(a_name_cannot_pass_for_the_rest_of_an_entry)
{
        static const char name[] = "x\"): completed by uid 0\302\205\xe2\x80\xae <";
        Job *job = make_job(1);

        start_reading(job);
        ck_assert_int_eq(set_text(&alice, job, SETTING_DISPLAY_NAME, name), 0);
        resume(job);
        ck_assert_str_eq(logged(),
                         "<6>dosvcd: Job ID (uid 1000, host, \"x'): completed by uid 0?? <\"): "
                         "resumed by uid 1000\n");
        stop_reading();
}
END_TEST

START_TEST(of_a_url_only_the_host_is_logged)
{
        static const struct {
                const char *url, *host;
        } cases[] = {
                { "https://example.com/path?token=secret", "example.com" },
                { "http://example.com:8080/x", "example.com" },
                { "http://example.com?secret", "example.com" },
                { "http://example.com", "example.com" },
                { "http://[2001:db8::1]:80/x", "[2001:db8::1]" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const ManagerFile file = { .remote_name = cases[i].url, .local_name = "/f" };
                Job *job = make_job(0);
                char expected[256];
                uint32_t first;

                ck_assert_int_eq(manager_add_files(manager, &alice, job, &file, 1, &first), 0);
                start_reading(job);
                resume(job);
                (void) snprintf(expected,
                                sizeof(expected),
                                "<6>dosvcd: Job ID (uid 1000, %s, \"name\"): resumed by uid 1000\n",
                                cases[i].host);
                ck_assert_str_eq(logged(), expected);
                stop_reading();
        }
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("job-log");
        SRunner *runner;
        int failed;

        FIXTURE_ADD_TESTS(suite,
                          "events",
                          a_job_is_logged_from_its_beginning_to_its_end,
                          a_cancelled_job_is_logged_once,
                          a_new_owner_is_logged_with_the_old_one,
                          failures_are_logged_with_what_comes_of_them,
                          a_job_that_is_given_up_is_logged_as_failed,
                          what_is_not_saved_is_not_logged);
        FIXTURE_ADD_TESTS(suite,
                          "texts",
                          a_name_cannot_pass_for_the_rest_of_an_entry,
                          of_a_url_only_the_host_is_logged);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
