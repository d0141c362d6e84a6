#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "manager/waiters.h"
#include "model/limits.h"

static Waiters waiters;
static Job job, other;
static int results[2];
static unsigned n_answers;

static void setup(void)
{
        waiters_init(&waiters);
        job = other = (Job){ 0 };
        n_answers = 0;
}

static void on_done(void *userdata, int result, bool partial, const char *text)
{
        *(int *) userdata = result;
        n_answers++;
}

static void add(Job *of, int *result)
{
        *result = 1;
        ck_assert_int_eq(waiters_add(&waiters, of, on_done, result), 0);
}

START_TEST(only_the_callers_of_one_job_are_answered)
{
        add(&job, &results[0]);
        add(&other, &results[1]);
        waiters_answer(&waiters, &job, -EIO, false, "");
        ck_assert_int_eq(results[0], -EIO);
        ck_assert_int_eq(results[1], 1);
        ck_assert(!waiters_is_empty(&waiters));
        waiters_answer(&waiters, &job, 0, false, ""); /* nobody is answered twice */
        ck_assert_uint_eq(n_answers, 1);
        waiters_answer(&waiters, &other, 0, false, "");
        ck_assert_int_eq(results[1], 0);
        ck_assert(waiters_is_empty(&waiters));
}
END_TEST

START_TEST(a_stop_answers_the_callers_of_jobs_without_a_worker)
{
        add(&job, &results[0]);
        add(&other, &results[1]);
        other.work.run = (JobRun *) &other; /* any worker */
        waiters_answer_stopping(&waiters);
        ck_assert_int_eq(results[0], -ECANCELED);
        ck_assert_int_eq(results[1], 1);
        waiters_answer(&waiters, &other, 0, false, "");
}
END_TEST

START_TEST(a_dropped_caller_is_not_answered)
{
        add(&job, &results[0]);
        add(&job, &results[1]);
        waiters_drop_last(&waiters);
        waiters_answer(&waiters, &job, 0, false, "");
        ck_assert_int_eq(results[0], 0);
        ck_assert_int_eq(results[1], 1);
}
END_TEST

START_TEST(the_callers_of_one_job_are_limited)
{
        for (unsigned i = 0; i < LIMIT_WAITERS_PER_JOB; i++)
                add(&job, &results[0]);
        ck_assert_int_eq(waiters_add(&waiters, &job, on_done, &results[1]), -ENOBUFS);
        add(&other, &results[1]);
        waiters_answer(&waiters, &job, 0, false, "");
        ck_assert_uint_eq(n_answers, LIMIT_WAITERS_PER_JOB);
        waiters_answer(&waiters, &other, 0, false, "");
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("waiters");
        TCase *tcase = tcase_create("waiters");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, setup, NULL);
        tcase_add_test(tcase, only_the_callers_of_one_job_are_answered);
        tcase_add_test(tcase, a_stop_answers_the_callers_of_jobs_without_a_worker);
        tcase_add_test(tcase, a_dropped_caller_is_not_answered);
        tcase_add_test(tcase, the_callers_of_one_job_are_limited);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
