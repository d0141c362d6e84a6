#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#include "manager/subscribers.h"
#include "model/limits.h"

static const Caller alice = { .uid = 1000 }, bob = { .uid = 1001 }, root = { .uid = 0 };

static sd_event *event; /* owned by the fixture, as is the next */
static Subscribers *subscribers;
static Owner alices_owner = { .uid = 1000 }, bobs_owner = { .uid = 1001 };
static Job alices = { .id.bytes = { 1 }, .owner = &alices_owner };
static Job alices_other = { .id.bytes = { 2 }, .owner = &alices_owner };
static Job bobs = { .id.bytes = { 3 }, .owner = &bobs_owner };
static char ticks[256]; /* names, in the order of their ticks */
static uint64_t last_since;

static void on_tick(void *userdata, const char *destination, uint64_t since_usec)
{
        size_t length = strlen(ticks);

        (void) snprintf(ticks + length, sizeof(ticks) - length, "%s ", destination);
        last_since = since_usec;
}

static void setup(void)
{
        ck_assert_int_eq(sd_event_new(&event), 0);
        ck_assert_int_eq(subscribers_new(event, on_tick, NULL, &subscribers), 0);
        ticks[0] = '\0';
}

static void teardown(void)
{
        subscribers = subscribers_free(subscribers);
        event = sd_event_unref(event);
}

static const SubscribeOptions own = { .progress_interval_msec = 100 };
static const SubscribeOptions quiet = { .progress_interval_msec = 0 };
static const SubscribeOptions all = { .all_users = true, .progress_interval_msec = 100 };
static const SubscribeOptions one = { .one_job = true,
                                      .job.bytes = { 1 },
                                      .progress_interval_msec = 100 };

static void add(const char *name, const Caller *caller, const SubscribeOptions *options)
{
        ck_assert_int_eq(subscribers_add(subscribers, name, caller, options), 0);
}

static void on_each(void *userdata, const char *destination)
{
        unsigned *n = userdata;

        *n += 1;
        ck_assert_int_eq(destination[0], ':');
}

static unsigned count(const Job *job, bool progress_only)
{
        unsigned n = 0;

        subscribers_each(subscribers, job, progress_only, on_each, &n);
        return n;
}

START_TEST(each_hears_only_of_what_he_may)
{
        static const struct {
                const char *name;
                const Caller *caller;
                const SubscribeOptions *options;
                bool alices, alices_other, bobs;
        } cases[] = {
                { ":1.1", &alice, &own, true, true, false },
                { ":1.2", &bob, &own, false, false, true },
                { ":1.3", &root, &own, false, false, false },
                { ":1.4", &root, &all, true, true, true },
                { ":1.5", &alice, &one, true, false, false },
                { ":1.6", &bob, &one, false, false, false }, /* not his */
                { ":1.7", &root, &one, true, false, false },
                { ":1.8", &alice, &quiet, true, true, false },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const char *name = cases[i].name;

                add(name, cases[i].caller, cases[i].options);
                ck_assert(subscribers_hears(subscribers, name, &alices) == cases[i].alices);
                ck_assert(subscribers_hears(subscribers, name, &alices_other) ==
                          cases[i].alices_other);
                ck_assert(subscribers_hears(subscribers, name, &bobs) == cases[i].bobs);
        }
        ck_assert(!subscribers_hears(subscribers, ":1.9", &alices));
        ck_assert_uint_eq(count(&alices, false), 5);
        ck_assert_uint_eq(count(&alices, true), 4);
        ck_assert_uint_eq(count(&alices_other, false), 3);
        ck_assert_uint_eq(count(&bobs, false), 2);
}
END_TEST

static unsigned count_between(const Job *job, uint32_t owner_uid, uint32_t other_uid)
{
        unsigned n = 0;

        subscribers_each_between(subscribers, job, owner_uid, other_uid, on_each, &n);
        return n;
}

START_TEST(who_hears_of_one_owners_job_only_is_known)
{
        add(":1.1", &alice, &own);
        add(":1.2", &alice, &own);
        add(":1.3", &bob, &own);
        add(":1.4", &root, &own);
        add(":1.5", &root, &all); /* of both */
        add(":1.6", &root, &one); /* as well, if it is that one */
        ck_assert_uint_eq(count_between(&alices, alice.uid, bob.uid), 2);
        ck_assert_uint_eq(count_between(&alices, bob.uid, alice.uid), 1);
        ck_assert_uint_eq(count_between(&alices, root.uid, alice.uid), 1);
        ck_assert_uint_eq(count_between(&alices, alice.uid, alice.uid), 0);
}
END_TEST

START_TEST(a_new_owner_is_who_hears_of_the_job)
{
        Job job = alices;

        add(":1.1", &alice, &own);
        add(":1.2", &bob, &own);
        ck_assert(subscribers_hears(subscribers, ":1.1", &job));
        job.owner = &bobs_owner;
        ck_assert(!subscribers_hears(subscribers, ":1.1", &job));
        ck_assert(subscribers_hears(subscribers, ":1.2", &job));
}
END_TEST

START_TEST(a_second_subscription_replaces_the_first)
{
        add(":1.1", &alice, &own);
        add(":1.1", &alice, &one);
        ck_assert_uint_eq(count(&alices, false), 1);
        ck_assert_uint_eq(count(&alices_other, false), 0);
        subscribers_remove(subscribers, ":1.1");
        ck_assert(subscribers_is_empty(subscribers));
}
END_TEST

START_TEST(who_unsubscribes_hears_nothing_more)
{
        ck_assert(subscribers_is_empty(subscribers));
        add(":1.1", &alice, &own);
        add(":1.2", &alice, &own);
        subscribers_remove(subscribers, ":1.1");
        subscribers_remove(subscribers, ":1.1");
        subscribers_remove(subscribers, ":1.3");
        ck_assert_uint_eq(count(&alices, false), 1);
        ck_assert(!subscribers_is_empty(subscribers));
}
END_TEST

START_TEST(one_user_has_a_limited_number_of_connections)
{
        char name[16];

        for (unsigned i = 0; i < LIMIT_SUBSCRIBERS_PER_USER; i++) {
                (void) snprintf(name, sizeof(name), ":1.%u", i);
                add(name, &alice, &own);
        }
        ck_assert_int_eq(subscribers_add(subscribers, ":2.1", &alice, &own), -ENOBUFS);
        add(":1.0", &alice, &one); /* replacing is none more */
        add(":2.1", &bob, &own);   /* nor is another user's */
        subscribers_remove(subscribers, ":1.7");
        add(":2.2", &alice, &own);
}
END_TEST

/* Ticks -------------------------------------------------------------------------------------- */

/* Runs until something ticked; how long that took, in milliseconds. */
static uint64_t wait_for_tick(void)
{
        uint64_t since = clock_boottime(&clock_system), now = since;

        while (ticks[0] == '\0' && now < since + 3 * USEC_PER_SEC) {
                ck_assert_int_ge(sd_event_run(event, 50000), 0);
                now = clock_boottime(&clock_system);
        }
        return (now - since) / USEC_PER_MSEC;
}

/* Nothing ticks in that time. */
static void check_silence(uint64_t msec)
{
        uint64_t since = clock_boottime(&clock_system);

        while (clock_boottime(&clock_system) < since + msec * USEC_PER_MSEC)
                ck_assert_int_ge(sd_event_run(event, 20000), 0);
        ck_assert_str_eq(ticks, "");
}

START_TEST(progress_ticks_once_for_many_notes)
{
        uint64_t before = clock_boottime(&clock_system);

        add(":1.1", &alice, &own);
        add(":1.2", &bob, &own);
        for (int i = 0; i < 10; i++)
                subscribers_note_progress(subscribers, &alices);
        ck_assert_str_eq(ticks, ""); /* from the loop */
        (void) wait_for_tick();
        ck_assert_str_eq(ticks, ":1.1 ");
        ck_assert_uint_lt(last_since, before);
        ticks[0] = '\0';
        check_silence(300); /* nothing moves, nothing is said */
}
END_TEST

START_TEST(ticks_keep_their_interval)
{
        const SubscribeOptions slow = { .progress_interval_msec = 400 };
        uint64_t between;

        add(":1.1", &alice, &slow);
        subscribers_note_progress(subscribers, &alices);
        (void) wait_for_tick(); /* the first comes at once */
        ticks[0] = '\0';
        subscribers_note_progress(subscribers, &alices);
        between = wait_for_tick();
        ck_assert_str_eq(ticks, ":1.1 ");
        ck_assert_uint_ge(between, 390);
        ck_assert_uint_le(between, 1000);
        ck_assert_uint_gt(last_since, 0); /* when the first was */
}
END_TEST

START_TEST(who_wants_no_progress_gets_no_tick)
{
        add(":1.1", &alice, &quiet);
        add(":1.2", &alice, &own);
        subscribers_note_progress(subscribers, &bobs);
        check_silence(200);
        subscribers_note_progress(subscribers, &alices);
        (void) wait_for_tick();
        ck_assert_str_eq(ticks, ":1.2 ");
}
END_TEST

START_TEST(who_no_longer_wants_progress_gets_no_tick)
{
        add(":1.1", &alice, &own);
        subscribers_note_progress(subscribers, &alices);
        add(":1.1", &alice, &quiet);
        check_silence(300);

        add(":1.1", &alice, &own);
        subscribers_note_progress(subscribers, &alices);
        subscribers_remove(subscribers, ":1.1");
        check_silence(300);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("subscribers");
        TCase *who = tcase_create("who");
        TCase *when = tcase_create("when");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(who, setup, teardown);
        tcase_add_test(who, each_hears_only_of_what_he_may);
        tcase_add_test(who, who_hears_of_one_owners_job_only_is_known);
        tcase_add_test(who, a_new_owner_is_who_hears_of_the_job);
        tcase_add_test(who, a_second_subscription_replaces_the_first);
        tcase_add_test(who, who_unsubscribes_hears_nothing_more);
        tcase_add_test(who, one_user_has_a_limited_number_of_connections);
        suite_add_tcase(suite, who);
        tcase_add_checked_fixture(when, setup, teardown);
        tcase_add_test(when, progress_ticks_once_for_many_notes);
        tcase_add_test(when, ticks_keep_their_interval);
        tcase_add_test(when, who_wants_no_progress_gets_no_tick);
        tcase_add_test(when, who_no_longer_wants_progress_gets_no_tick);
        suite_add_tcase(suite, when);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
