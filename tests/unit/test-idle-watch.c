#include <check.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/macro.h"

#include "manager/idle-watch.h"
#include "tests/lib/process.h"

#define SPAN_MSEC 200

static sd_event *event; /* owned by the fixture, as is the next */
static IdleWatch *watch;
static bool is_idle;
static unsigned asked, reported;

static bool on_question(void *userdata)
{
        asked++;
        return is_idle;
}

static void on_idle(void *userdata)
{
        reported++;
}

static void setup(void)
{
        const IdleWatchEvents events = { .is_idle = on_question, .idle = on_idle };

        asked = reported = 0;
        ck_assert_int_ge(sd_event_new(&event), 0);
        ck_assert_int_eq(idle_watch_new(event, SPAN_MSEC * USEC_PER_MSEC, &events, &watch), 0);
}

static void teardown(void)
{
        watch = idle_watch_free(watch);
        event = sd_event_unref(event);
}

/* Timers may fire up to a second late, as they do not have to be exact. */
static void run_until_asked(unsigned times)
{
        const uint64_t give_up = process_now_msec() + 5000;

        while (asked < times) {
                ck_assert_uint_lt(process_now_msec(), give_up);
                ck_assert_int_ge(sd_event_run(event, 100 * USEC_PER_MSEC), 0);
        }
}

START_TEST(two_idle_moments_in_a_row_are_reported)
{
        is_idle = true;
        run_until_asked(1);
        ck_assert_uint_eq(reported, 0);
        run_until_asked(2);
        ck_assert_uint_eq(reported, 1);
}
END_TEST

START_TEST(work_in_between_begins_the_time_anew)
{
        is_idle = true;
        run_until_asked(1);
        is_idle = false;
        run_until_asked(2);
        is_idle = true;
        run_until_asked(3);
        ck_assert_uint_eq(reported, 0);
        run_until_asked(4);
        ck_assert_uint_eq(reported, 1);
}
END_TEST

START_TEST(a_service_that_goes_on_is_asked_again)
{
        is_idle = true;
        run_until_asked(3);
        ck_assert_uint_eq(reported, 1);
        run_until_asked(4);
        ck_assert_uint_eq(reported, 2);
}
END_TEST

START_TEST(another_span_counts_from_now_on)
{
        is_idle = true;
        run_until_asked(1);
        idle_watch_set_span(watch, 0);
        for (unsigned i = 0; i < 20; i++)
                ck_assert_int_ge(sd_event_run(event, 100 * USEC_PER_MSEC), 0);
        ck_assert_uint_eq(asked, 1);
        idle_watch_set_span(watch, SPAN_MSEC * USEC_PER_MSEC);
        run_until_asked(2);
        ck_assert_uint_eq(reported, 0);
        run_until_asked(3);
        ck_assert_uint_eq(reported, 1);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("idle-watch");
        TCase *tcase = tcase_create("idle");
        SRunner *runner;
        int failed;

        tcase_set_timeout(tcase, 20);
        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, two_idle_moments_in_a_row_are_reported);
        tcase_add_test(tcase, work_in_between_begins_the_time_anew);
        tcase_add_test(tcase, a_service_that_goes_on_is_asked_again);
        tcase_add_test(tcase, another_span_counts_from_now_on);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
