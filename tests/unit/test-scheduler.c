#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "manager/scheduler.h"

#define NO_LIMIT 1000000U

#define N_OWNERS         100U
#define N_JOBS           10000U
#define N_JOBS_PER_OWNER (N_JOBS / N_OWNERS)

static Scheduler scheduler;
static Owners owners;
static Owner *alice, *bob, *carol;
static SchedulerEntry entries[8];

static void setup(void)
{
        scheduler_init(&scheduler, SCHEDULER_DOWNLOADS, NO_LIMIT, NO_LIMIT);
        owners = (Owners){ 0 };
        ck_assert_int_eq(owners_acquire(&owners, 1000, "alice", &alice), 0);
        ck_assert_int_eq(owners_acquire(&owners, 1001, "bob", &bob), 0);
        ck_assert_int_eq(owners_acquire(&owners, 1002, "carol", &carol), 0);
        for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
                scheduler_entry_init(&entries[i]);
}

static void release(Owner *owner)
{
        owner->shares[SCHEDULER_DOWNLOADS].n_active = 0;
        owners_release(&owners, owner);
}

static void teardown(void)
{
        release(alice);
        release(bob);
        release(carol);
}

/* Index of the next entry, -1 when there is none. */
static int next(void)
{
        SchedulerEntry *entry = scheduler_next(&scheduler);

        return entry ? (int) (entry - entries) : -1;
}

static void add(int index, Owner *owner, Priority priority)
{
        scheduler_add(&scheduler, &entries[index], owner, priority);
}

START_TEST(an_empty_queue_has_no_next)
{
        ck_assert_int_eq(next(), -1);
        ck_assert_uint_eq(scheduler.n_active, 0);
}
END_TEST

START_TEST(jobs_of_one_owner_run_first_come_first_served)
{
        for (int i = 0; i < 4; i++)
                add(i, alice, PRIORITY_NORMAL);
        ck_assert_uint_eq(scheduler.n_queued, 4);
        for (int i = 0; i < 4; i++)
                ck_assert_int_eq(next(), i);
        ck_assert_int_eq(next(), -1);
        ck_assert_uint_eq(scheduler.n_queued, 0);
        ck_assert_uint_eq(scheduler.n_active, 4);
        ck_assert_uint_eq(alice->shares[SCHEDULER_DOWNLOADS].n_active, 4);
}
END_TEST

START_TEST(priority_comes_before_turn)
{
        add(0, alice, PRIORITY_LOW);
        add(1, alice, PRIORITY_NORMAL);
        add(2, alice, PRIORITY_HIGH);
        add(3, alice, PRIORITY_FOREGROUND);
        add(4, bob, PRIORITY_NORMAL);
        add(5, bob, PRIORITY_FOREGROUND);
        ck_assert_int_eq(next(), 3);
        ck_assert_int_eq(next(), 5);
        ck_assert_int_eq(next(), 2);
        ck_assert_int_eq(next(), 1);
        ck_assert_int_eq(next(), 4);
        ck_assert_int_eq(next(), 0);
}
END_TEST

START_TEST(owners_take_turns)
{
        add(0, alice, PRIORITY_NORMAL);
        add(1, alice, PRIORITY_NORMAL);
        add(2, alice, PRIORITY_NORMAL);
        add(3, bob, PRIORITY_NORMAL);
        add(4, carol, PRIORITY_NORMAL);
        add(5, carol, PRIORITY_NORMAL);
        ck_assert_int_eq(next(), 0);
        ck_assert_int_eq(next(), 3);
        ck_assert_int_eq(next(), 4);
        ck_assert_int_eq(next(), 1);
        ck_assert_int_eq(next(), 5);
        ck_assert_int_eq(next(), 2);
}
END_TEST

START_TEST(who_comes_back_is_at_the_end_of_the_line)
{
        add(0, alice, PRIORITY_NORMAL);
        add(1, bob, PRIORITY_NORMAL);
        ck_assert_int_eq(next(), 0);
        add(2, alice, PRIORITY_NORMAL);
        ck_assert_int_eq(next(), 1);
        ck_assert_int_eq(next(), 2);
}
END_TEST

START_TEST(no_more_run_than_the_limit_of_all)
{
        scheduler_init(&scheduler, SCHEDULER_DOWNLOADS, 2, NO_LIMIT);
        for (int i = 0; i < 3; i++)
                add(i, alice, PRIORITY_NORMAL);
        ck_assert_int_eq(next(), 0);
        ck_assert_int_eq(next(), 1);
        ck_assert_int_eq(next(), -1);
        scheduler_finished(&scheduler, alice);
        ck_assert_int_eq(next(), 2);
        ck_assert_int_eq(next(), -1);
}
END_TEST

START_TEST(an_owner_at_the_limit_does_not_hold_up_others)
{
        scheduler_init(&scheduler, SCHEDULER_DOWNLOADS, NO_LIMIT, 1);
        add(0, alice, PRIORITY_FOREGROUND);
        add(1, alice, PRIORITY_FOREGROUND);
        add(2, bob, PRIORITY_LOW);
        ck_assert_int_eq(next(), 0);
        ck_assert_int_eq(next(), 2);
        ck_assert_int_eq(next(), -1);
        scheduler_finished(&scheduler, bob);
        ck_assert_int_eq(next(), -1);
        scheduler_finished(&scheduler, alice);
        ck_assert_int_eq(next(), 1);
}
END_TEST

START_TEST(a_removed_entry_is_not_handed_out)
{
        add(0, alice, PRIORITY_NORMAL);
        add(1, alice, PRIORITY_NORMAL);
        add(2, bob, PRIORITY_NORMAL);
        ck_assert(scheduler_is_queued(&entries[1]));
        scheduler_remove(&entries[1]);
        scheduler_remove(&entries[1]); /* removing it twice does no harm */
        scheduler_remove(&entries[2]);
        scheduler_remove(&entries[7]); /* it was never added */
        ck_assert(!scheduler_is_queued(&entries[1]));
        ck_assert_uint_eq(scheduler.n_queued, 1);
        ck_assert_int_eq(next(), 0);
        ck_assert_int_eq(next(), -1);
}
END_TEST

START_TEST(adding_again_moves_behind_the_others)
{
        add(0, alice, PRIORITY_NORMAL);
        add(1, alice, PRIORITY_NORMAL);
        add(0, alice, PRIORITY_NORMAL);
        ck_assert_uint_eq(scheduler.n_queued, 2);
        ck_assert_int_eq(next(), 1);
        ck_assert_int_eq(next(), 0);
        ck_assert_int_eq(next(), -1);
}
END_TEST

START_TEST(a_new_priority_moves_the_entry)
{
        add(0, alice, PRIORITY_NORMAL);
        add(1, alice, PRIORITY_NORMAL);
        add(1, alice, PRIORITY_HIGH);
        ck_assert_int_eq(next(), 1);
        add(0, alice, PRIORITY_LOW);
        add(2, bob, PRIORITY_NORMAL);
        ck_assert_uint_eq(scheduler.n_queued, 2);
        ck_assert_int_eq(next(), 2);
        ck_assert_int_eq(next(), 0);
}
END_TEST

START_TEST(a_new_owner_moves_the_entry)
{
        add(0, alice, PRIORITY_NORMAL);
        add(0, bob, PRIORITY_NORMAL);
        ck_assert_uint_eq(scheduler.n_queued, 1);
        ck_assert_int_eq(next(), 0);
        ck_assert_uint_eq(alice->shares[SCHEDULER_DOWNLOADS].n_active, 0);
        ck_assert_uint_eq(bob->shares[SCHEDULER_DOWNLOADS].n_active, 1);
        ck_assert_int_eq(next(), -1);
}
END_TEST

START_TEST(each_pool_has_places_and_turns_of_its_own)
{
        Scheduler endings;

        scheduler_init(&scheduler, SCHEDULER_DOWNLOADS, 1, 1);
        scheduler_init(&endings, SCHEDULER_ENDINGS, 2, 1);
        add(0, alice, PRIORITY_NORMAL);
        add(1, alice, PRIORITY_NORMAL);
        scheduler_add(&endings, &entries[2], alice, PRIORITY_NORMAL);
        scheduler_add(&endings, &entries[3], alice, PRIORITY_NORMAL);
        scheduler_add(&endings, &entries[4], bob, PRIORITY_LOW);

        ck_assert_int_eq(next(), 0);
        ck_assert_int_eq(next(), -1);
        ck_assert_ptr_eq(scheduler_next(&endings), &entries[2]);
        ck_assert_ptr_eq(scheduler_next(&endings), &entries[4]);
        ck_assert_ptr_null(scheduler_next(&endings));
        scheduler_finished(&endings, alice);
        ck_assert_int_eq(next(), -1);
        ck_assert_ptr_eq(scheduler_next(&endings), &entries[3]);
        scheduler_finished(&endings, alice);
        scheduler_finished(&endings, bob);
        ck_assert_uint_eq(alice->shares[SCHEDULER_DOWNLOADS].n_active, 1);
        ck_assert_uint_eq(alice->shares[SCHEDULER_ENDINGS].n_active, 0);
}
END_TEST

START_TEST(an_entry_goes_from_one_pool_to_the_other)
{
        Scheduler endings;

        scheduler_init(&endings, SCHEDULER_ENDINGS, 1, 1);
        add(0, alice, PRIORITY_NORMAL);
        scheduler_add(&endings, &entries[0], alice, PRIORITY_NORMAL);
        ck_assert_uint_eq(scheduler.n_queued, 0);
        ck_assert_int_eq(next(), -1);
        ck_assert_uint_eq(endings.n_queued, 1);
        scheduler_remove(&entries[0]);
        ck_assert_uint_eq(endings.n_queued, 0);
        ck_assert(!scheduler_is_queued(&entries[0]));
}
END_TEST

/* Owners come one after another with all their jobs, as after a restart. */
START_TEST(ten_thousand_jobs_of_a_hundred_owners_are_handed_out_fairly)
{
        SchedulerEntry *jobs = calloc(N_JOBS, sizeof(*jobs));
        Owner *all[N_OWNERS];
        unsigned n_given[N_OWNERS] = { 0 };

        scheduler_init(&scheduler, SCHEDULER_DOWNLOADS, N_JOBS, N_JOBS);
        ck_assert_ptr_nonnull(jobs);
        for (unsigned o = 0; o < N_OWNERS; o++) {
                char name[16];

                (void) snprintf(name, sizeof(name), "user%u", o);
                ck_assert_int_eq(owners_acquire(&owners, 2000 + o, name, &all[o]), 0);
                for (unsigned j = 0; j < N_JOBS_PER_OWNER; j++) {
                        SchedulerEntry *entry = &jobs[o * N_JOBS_PER_OWNER + j];

                        scheduler_entry_init(entry);
                        scheduler_add(&scheduler, entry, all[o], PRIORITY_NORMAL);
                }
        }
        for (unsigned i = 0; i < N_JOBS; i++) {
                SchedulerEntry *entry = scheduler_next(&scheduler);
                unsigned o = i % N_OWNERS;

                /* Each round has one job of each owner, and the jobs of one owner keep their order.
                 */
                ck_assert_ptr_nonnull(entry);
                ck_assert_ptr_eq(entry->owner, all[o]);
                ck_assert_ptr_eq(entry, &jobs[o * N_JOBS_PER_OWNER + n_given[o]]);
                n_given[o]++;
        }
        ck_assert_ptr_null(scheduler_next(&scheduler));
        for (unsigned o = 0; o < N_OWNERS; o++) {
                for (unsigned j = 0; j < N_JOBS_PER_OWNER; j++)
                        scheduler_finished(&scheduler, all[o]);
                ck_assert_uint_eq(all[o]->shares[SCHEDULER_DOWNLOADS].n_active, 0);
                owners_release(&owners, all[o]);
        }
        ck_assert_uint_eq(scheduler.n_active, 0);
        free(jobs);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("scheduler");
        TCase *order = tcase_create("order");
        TCase *limits = tcase_create("limits");
        TCase *moves = tcase_create("moves");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(order, setup, teardown);
        tcase_add_test(order, an_empty_queue_has_no_next);
        tcase_add_test(order, jobs_of_one_owner_run_first_come_first_served);
        tcase_add_test(order, priority_comes_before_turn);
        tcase_add_test(order, owners_take_turns);
        tcase_add_test(order, who_comes_back_is_at_the_end_of_the_line);
        tcase_add_test(order, ten_thousand_jobs_of_a_hundred_owners_are_handed_out_fairly);
        suite_add_tcase(suite, order);
        tcase_add_checked_fixture(limits, setup, teardown);
        tcase_add_test(limits, no_more_run_than_the_limit_of_all);
        tcase_add_test(limits, an_owner_at_the_limit_does_not_hold_up_others);
        tcase_add_test(limits, each_pool_has_places_and_turns_of_its_own);
        suite_add_tcase(suite, limits);
        tcase_add_checked_fixture(moves, setup, teardown);
        tcase_add_test(moves, a_removed_entry_is_not_handed_out);
        tcase_add_test(moves, adding_again_moves_behind_the_others);
        tcase_add_test(moves, a_new_priority_moves_the_entry);
        tcase_add_test(moves, a_new_owner_moves_the_entry);
        tcase_add_test(moves, an_entry_goes_from_one_pool_to_the_other);
        suite_add_tcase(suite, moves);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
