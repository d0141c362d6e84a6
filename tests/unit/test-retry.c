#include <check.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/macro.h"

#include "manager/retry.h"

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
        { 100, 10, 1, 0, 100, 110 }, /* the owner's wish is above the ceiling */
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
                double delay = (double) retry_delay_usec(delays[_i].least,
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
        ck_assert_uint_ne(retry_delay_usec(60, 3600, 1, 0, 1), retry_delay_usec(60, 3600, 1, 0, 2));
        ck_assert_uint_ne(retry_delay_usec(60, 3600, 9, 0, 1), retry_delay_usec(60, 3600, 9, 0, 2));
        ck_assert_uint_ne(retry_delay_usec(60, 60, 1, 90, 1), retry_delay_usec(60, 60, 1, 90, 2));
}
END_TEST

/* Stopwatches -------------------------------------------------------------------------------- */

#define SEC(n) ((n) *USEC_PER_SEC)

START_TEST(a_stopwatch_adds_up_over_stops)
{
        Stopwatch watch = { 0 };

        stopwatch_stop(&watch, SEC(5));
        ck_assert_uint_eq(watch.spent_usec, 0);
        stopwatch_start(&watch, SEC(10));
        stopwatch_start(&watch, SEC(11)); /* runs already */
        ck_assert_uint_eq(stopwatch_left_usec(&watch, SEC(13), 10), SEC(7));
        stopwatch_stop(&watch, SEC(14));
        ck_assert_uint_eq(watch.spent_usec, SEC(4));
        ck_assert_uint_eq(stopwatch_left_usec(&watch, SEC(100), 10), SEC(6));
        stopwatch_start(&watch, SEC(200));
        stopwatch_settle(&watch, SEC(201));
        ck_assert_uint_eq(watch.spent_usec, SEC(5));
        ck_assert_uint_eq(stopwatch_left_usec(&watch, SEC(203), 10), SEC(3));
        ck_assert_uint_eq(stopwatch_left_usec(&watch, SEC(206), 10), 0);
        ck_assert_uint_eq(stopwatch_left_usec(&watch, SEC(999), 10), 0);
}
END_TEST

START_TEST(a_stopwatch_starts_anew_as_it_was)
{
        Stopwatch running = { 0 }, stopped = { .spent_usec = SEC(7) };

        stopwatch_start(&running, SEC(1));
        stopwatch_restart(&running, SEC(50));
        ck_assert_uint_eq(stopwatch_left_usec(&running, SEC(51), 10), SEC(9));
        stopwatch_restart(&stopped, SEC(50));
        ck_assert_uint_eq(stopwatch_left_usec(&stopped, SEC(99), 10), SEC(10));
}
END_TEST

START_TEST(no_limit_is_too_long_to_count)
{
        Stopwatch watch = { .spent_usec = SEC(7) };

        ck_assert_uint_eq(stopwatch_left_usec(&watch, 0, UINT64_MAX), UINT64_MAX - SEC(7));
        ck_assert_uint_eq(stopwatch_left_usec(&watch, 0, 0), 0);
}
END_TEST

/* A clock may begin at 0, which says "stopped". */
START_TEST(a_stopwatch_runs_from_the_first_moment_of_its_clock)
{
        Stopwatch watch = { 0 };

        stopwatch_start(&watch, 0);
        ck_assert_uint_le(stopwatch_left_usec(&watch, SEC(4), 10), SEC(6) + 1);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("retry");
        TCase *waits = tcase_create("delays"), *watches = tcase_create("stopwatches");
        SRunner *runner;
        int failed;

        tcase_add_loop_test(waits, a_delay_is_between_its_bounds, 0, ARRAY_SIZE(delays));
        tcase_add_test(waits, chance_spreads_the_delays);
        tcase_add_test(watches, a_stopwatch_adds_up_over_stops);
        tcase_add_test(watches, a_stopwatch_starts_anew_as_it_was);
        tcase_add_test(watches, no_limit_is_too_long_to_count);
        tcase_add_test(watches, a_stopwatch_runs_from_the_first_moment_of_its_clock);
        suite_add_tcase(suite, waits);
        suite_add_tcase(suite, watches);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
