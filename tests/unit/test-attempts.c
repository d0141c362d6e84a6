#include <check.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/macro.h"

#include "manager/attempts.h"

/* Delays ------------------------------------------------------------------------------------- */

static const struct {
        uint64_t least, most;
        uint32_t failures;
        uint64_t retry_after;
        double from, to; /* seconds */
} delays[] = {
        { 60, 3600, 0, 0, 60, 66 },
        { 60, 3600, 1, 0, 60, 66 },
        { 60, 3600, 2, 0, 120, 132 },
        { 60, 3600, 3, 0, 240, 264 },
        { 60, 3600, 6, 0, 1920, 2112 },
        { 60, 3600, 7, 0, 3240, 3600 }, /* the ceiling is not passed */
        { 60, 3600, UINT32_MAX, 0, 3240, 3600 },
        { 100, 10, 1, 0, 100, 110 }, /* the owner's delay is above the ceiling */
        { 100, 10, 9, 0, 100, 110 },
        { 60, 60, 9, 0, 60, 66 },
        { 60, 3600, 1, 59, 60, 66 },
        { 60, 3600, 1, 600, 600, 660 },
        { 60, 3600, 9, 3500, 3500, 3860 },
        { 60, 3600, 9, 7200, 7200, 7920 },
        { 60, 3600, 1, UINT64_MAX, 86400, 95040 },
        { UINT32_MAX, 3600, 40, 0, UINT32_MAX, UINT32_MAX * 1.1 },
};

START_TEST(a_delay_is_between_its_bounds)
{
        static const uint32_t randoms[] = { 0, 1, 999999, 0x7fffffff, UINT32_MAX };

        for (size_t i = 0; i < ARRAY_SIZE(randoms); i++) {
                double delay = (double) attempts_delay_usec(delays[_i].least,
                                                            delays[_i].most,
                                                            delays[_i].failures,
                                                            delays[_i].retry_after,
                                                            randoms[i]) /
                               (double) USEC_PER_SEC;

                ck_assert_double_ge(delay, delays[_i].from);
                ck_assert_double_le(delay, delays[_i].to);
        }
}
END_TEST

START_TEST(chance_spreads_the_delays)
{
        ck_assert_uint_ne(attempts_delay_usec(60, 3600, 1, 0, 1),
                          attempts_delay_usec(60, 3600, 1, 0, 2));
        ck_assert_uint_ne(attempts_delay_usec(60, 3600, 9, 0, 1),
                          attempts_delay_usec(60, 3600, 9, 0, 2));
        ck_assert_uint_ne(attempts_delay_usec(60, 60, 1, 90, 1),
                          attempts_delay_usec(60, 60, 1, 90, 2));
}
END_TEST

/* Attempts ----------------------------------------------------------------------------------- */

#define SEC(n) ((n) *USEC_PER_SEC)

static uint64_t now_usec;

static uint64_t fake_now(void *userdata)
{
        return now_usec;
}

static const Clock fake_clock = { .realtime_usec = fake_now, .boottime_usec = fake_now };
static const AttemptsLimits limits = { 60, 3600, 1000 };

static void setup(void)
{
        now_usec = SEC(1000000);
}

static bool fail_once(Attempts *attempts)
{
        return attempts_fail(attempts, &fake_clock, &limits, false, 0);
}

START_TEST(failures_without_progress_exhaust_the_attempts)
{
        Attempts attempts = { 0 };

        ck_assert(fail_once(&attempts));
        ck_assert_uint_ge(attempts.next_usec, now_usec + SEC(60));
        now_usec += SEC(999);
        ck_assert(fail_once(&attempts));
        ck_assert_uint_ge(attempts.next_usec, now_usec + SEC(120));
        now_usec += SEC(1);
        ck_assert(!fail_once(&attempts));
        ck_assert_uint_eq(attempts.failures, 3);
}
END_TEST

START_TEST(a_delay_above_the_patience_exhausts_the_attempts)
{
        Attempts attempts = { 0 };
        AttemptsLimits impatient = { .min_delay_sec = 60, .no_progress_sec = 59 };

        ck_assert(!attempts_fail(&attempts, &fake_clock, &impatient, false, 0));
}
END_TEST

START_TEST(three_lost_workers_in_a_row_exhaust_the_attempts)
{
        Attempts attempts = { 0 };

        ck_assert(attempts_fail(&attempts, &fake_clock, &limits, true, 0));
        ck_assert(attempts_fail(&attempts, &fake_clock, &limits, true, 0));
        ck_assert(fail_once(&attempts)); /* this worker was not lost */
        ck_assert(!attempts_fail(&attempts, &fake_clock, &limits, true, 0));
}
END_TEST

START_TEST(only_new_bytes_or_whole_files_are_progress)
{
        Attempts attempts = { 0 };

        attempts_load(&attempts, &fake_clock, 100);
        ck_assert(fail_once(&attempts));
        ck_assert(!attempts_note_progress(&attempts, 100, false));
        ck_assert_uint_eq(attempts.failures, 1);
        ck_assert(attempts_note_progress(&attempts, 101, false));
        ck_assert_uint_eq(attempts.failures, 0);
        ck_assert(!attempts_note_progress(&attempts, 200, false)); /* nothing to forget */

        ck_assert(fail_once(&attempts));
        ck_assert(!attempts_note_progress(&attempts, 200, false));
        ck_assert(attempts_note_progress(&attempts, 50, true));

        ck_assert(fail_once(&attempts));
        attempts_begin_again(&attempts);
        ck_assert(attempts_note_progress(&attempts, 1, false));
}
END_TEST

START_TEST(the_wait_ends_with_the_patience)
{
        Attempts attempts = { 0 };

        ck_assert(fail_once(&attempts));
        ck_assert_uint_eq(attempts_wait_usec(&attempts, &fake_clock, 1000),
                          attempts.next_usec - now_usec);
        ck_assert_uint_eq(attempts.fails_usec, now_usec + SEC(1000));
        ck_assert_uint_eq(attempts_wait_usec(&attempts, &fake_clock, 30), SEC(30));
        now_usec += SEC(30);
        ck_assert(attempts_stalled_too_long(&attempts, &fake_clock, 30));
        ck_assert(!attempts_stalled_too_long(&attempts, &fake_clock, 31));
}
END_TEST

START_TEST(resume_begins_anew)
{
        Attempts attempts = { .active.spent_usec = SEC(50) };

        ck_assert(attempts_fail(&attempts, &fake_clock, &limits, true, 0));
        ck_assert(attempts_bring_forward(&attempts, &fake_clock, 3600));
        attempts_resume(&attempts, &fake_clock);
        ck_assert_uint_eq(attempts.failures, 0);
        ck_assert_uint_eq(attempts.workers_lost, 0);
        ck_assert_uint_eq(attempts.hints, 0);
        ck_assert_uint_eq(attempts.next_usec, 0);
        now_usec += SEC(5000);
        ck_assert(!attempts_stalled_too_long(&attempts, &fake_clock, 1));
        ck_assert_uint_eq(attempts_active_left_usec(&attempts, &fake_clock, 60), SEC(60));
}
END_TEST

START_TEST(a_loaded_job_with_failures_is_stalled_on)
{
        Attempts stored = { .failures = 1, .stalled.spent_usec = SEC(10) }, attempts = { 0 };

        attempts_take_stored(&attempts, &stored);
        attempts_load(&attempts, &fake_clock, 0);
        now_usec += SEC(5);
        ck_assert(attempts_stalled_too_long(&attempts, &fake_clock, 15));
        ck_assert(!attempts_stalled_too_long(&attempts, &fake_clock, 16));
}
END_TEST

START_TEST(active_time_counts_only_while_a_worker_runs)
{
        Attempts attempts = { 0 };

        attempts_start_active(&attempts, &fake_clock);
        now_usec += SEC(10);
        attempts_stop_active(&attempts, &fake_clock);
        now_usec += SEC(100);
        attempts_start_active(&attempts, &fake_clock);
        now_usec += SEC(5);
        ck_assert_uint_eq(attempts_active_left_usec(&attempts, &fake_clock, 20), SEC(5));
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("attempts");
        TCase *delays_case = tcase_create("delays"), *attempts = tcase_create("attempts");
        SRunner *runner;
        int failed;

        tcase_add_loop_test(delays_case, a_delay_is_between_its_bounds, 0, ARRAY_SIZE(delays));
        tcase_add_test(delays_case, chance_spreads_the_delays);
        tcase_add_checked_fixture(attempts, setup, NULL);
        tcase_add_test(attempts, failures_without_progress_exhaust_the_attempts);
        tcase_add_test(attempts, a_delay_above_the_patience_exhausts_the_attempts);
        tcase_add_test(attempts, three_lost_workers_in_a_row_exhaust_the_attempts);
        tcase_add_test(attempts, only_new_bytes_or_whole_files_are_progress);
        tcase_add_test(attempts, the_wait_ends_with_the_patience);
        tcase_add_test(attempts, resume_begins_anew);
        tcase_add_test(attempts, a_loaded_job_with_failures_is_stalled_on);
        tcase_add_test(attempts, active_time_counts_only_while_a_worker_runs);
        suite_add_tcase(suite, delays_case);
        suite_add_tcase(suite, attempts);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
