#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"

#include "manager/timers.h"

static sd_event *event;
static Timers timers;
static TimersEntry first, second;
static TimersEntry *expired[4];
static size_t n_expired;

/* tests/sources.mk leads the calls of sd_event_add_time() here. */
int __real_sd_event_add_time(sd_event *e,
                             sd_event_source **ret,
                             clockid_t clock,
                             uint64_t usec,
                             uint64_t accuracy,
                             sd_event_time_handler_t callback,
                             void *userdata);
int __wrap_sd_event_add_time(sd_event *e,
                             sd_event_source **ret,
                             clockid_t clock,
                             uint64_t usec,
                             uint64_t accuracy,
                             sd_event_time_handler_t callback,
                             void *userdata);

static unsigned n_failures; /* of the next calls */

int __wrap_sd_event_add_time(sd_event *e,
                             sd_event_source **ret,
                             clockid_t clock,
                             uint64_t usec,
                             uint64_t accuracy,
                             sd_event_time_handler_t callback,
                             void *userdata)
{
        if (n_failures == 0)
                return __real_sd_event_add_time(e, ret, clock, usec, accuracy, callback, userdata);
        n_failures--;
        return -ENOMEM;
}

static void on_expired(void *userdata, TimersEntry *entry)
{
        ck_assert_ptr_eq(userdata, &timers);
        ck_assert(!timers_is_waiting(entry));
        expired[n_expired++] = entry;
}

static void setup(void)
{
        n_expired = 0;
        n_failures = 0;
        ck_assert_int_eq(sd_event_new(&event), 0);
        ck_assert_int_ge(timers_init(&timers, event, on_expired, &timers), 0);
        timers_entry_init(&first);
        timers_entry_init(&second);
}

static void teardown(void)
{
        timers_cancel(&first);
        timers_cancel(&second);
        timers_done(&timers);
        event = sd_event_unref(event);
}

static void run_loop(void)
{
        int r;

        do {
                r = sd_event_run(event, 0);
                ck_assert_int_ge(r, 0);
        } while (r > 0);
}

/* The safety timer expires now. */
static void expire_safety(void)
{
        int enabled = SD_EVENT_OFF;

        ck_assert_int_ge(sd_event_source_get_enabled(timers.safety, &enabled), 0);
        ck_assert_int_eq(enabled, SD_EVENT_ONESHOT);
        ck_assert_int_ge(sd_event_source_set_time(timers.safety, 0), 0);
        run_loop();
}

START_TEST(each_entry_expires_once)
{
        timers_start(&timers, &first, 0);
        timers_start(&timers, &second, 3600 * USEC_PER_SEC);
        ck_assert(timers_is_waiting(&first));
        run_loop();
        ck_assert_uint_eq(n_expired, 1);
        ck_assert_ptr_eq(expired[0], &first);
        ck_assert(timers_is_waiting(&second));
        run_loop();
        ck_assert_uint_eq(n_expired, 1);
        timers_start(&timers, &first, 0);
        timers_start(&timers, &second, 0); /* sooner than before */
        run_loop();
        ck_assert_uint_eq(n_expired, 3);
}
END_TEST

START_TEST(a_cancelled_entry_does_not_expire)
{
        timers_start(&timers, &first, 0);
        timers_cancel(&first);
        timers_cancel(&first);
        ck_assert(!timers_is_waiting(&first));
        run_loop();
        ck_assert_uint_eq(n_expired, 0);
}
END_TEST

START_TEST(the_longest_span_is_not_over_at_once)
{
        timers_start(&timers, &first, UINT64_MAX);
        run_loop();
        ck_assert_uint_eq(n_expired, 0);
        ck_assert(timers_is_waiting(&first));
}
END_TEST

START_TEST(a_timer_without_memory_is_made_later)
{
        n_failures = 3;
        timers_start(&timers, &first, 0);
        timers_start(&timers, &second, 3600 * USEC_PER_SEC);
        ck_assert(timers_is_waiting(&first));
        run_loop();
        ck_assert_uint_eq(n_expired, 0);
        expire_safety(); /* there is memory for the second only */
        ck_assert_uint_eq(n_expired, 0);
        expire_safety();
        ck_assert_uint_eq(n_expired, 1);
        ck_assert_ptr_eq(expired[0], &first);
        ck_assert(timers_is_waiting(&second));
}
END_TEST

START_TEST(a_cancelled_entry_is_not_made_later)
{
        n_failures = 1;
        timers_start(&timers, &first, 0);
        timers_cancel(&first);
        expire_safety();
        ck_assert_uint_eq(n_expired, 0);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("timers");
        TCase *tcase = tcase_create("timers");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, each_entry_expires_once);
        tcase_add_test(tcase, a_cancelled_entry_does_not_expire);
        tcase_add_test(tcase, the_longest_span_is_not_over_at_once);
        tcase_add_test(tcase, a_timer_without_memory_is_made_later);
        tcase_add_test(tcase, a_cancelled_entry_is_not_made_later);
        suite_add_tcase(suite, tcase);
        log_set_max_level(LOG_EMERG);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
