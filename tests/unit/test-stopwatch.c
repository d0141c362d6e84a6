#include <check.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/stopwatch.h"

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
        Suite *suite = suite_create("stopwatch");
        TCase *watches = tcase_create("stopwatches");
        SRunner *runner;
        int failed;

        tcase_add_test(watches, a_stopwatch_adds_up_over_stops);
        tcase_add_test(watches, a_stopwatch_starts_anew_as_it_was);
        tcase_add_test(watches, no_limit_is_too_long_to_count);
        tcase_add_test(watches, a_stopwatch_runs_from_the_first_moment_of_its_clock);
        suite_add_tcase(suite, watches);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
