#include <check.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/str.h"

#include "manager/users.h"
#include "model/limits.h"

#define NOBODY_IS_UID 3999999999U /* no entry in any user database */

static sd_event *event;
static Users *users;
static uint64_t now_usec;
static unsigned n_forks;

static uint64_t get_now(void *userdata)
{
        return now_usec;
}

static const Clock test_clock = { .realtime_usec = get_now, .boottime_usec = get_now };

/* Somebody who waits for a name. */
typedef struct Asker {
        UsersWait wait;
        unsigned n_answers;
        char *name; /* owned */
} Asker;

static void on_answer(void *userdata, const char *name)
{
        Asker *asker = userdata;

        asker->n_answers++;
        ck_assert_int_eq(str_set(&asker->name, name ? name : "(none)"), 0);
}

static void asker_init(Asker *asker)
{
        *asker = (Asker){ .wait = { .answer = on_answer, .userdata = asker } };
        list_init(&asker->wait.link);
}

static void count_fork(void)
{
        n_forks++;
}

static void setup(void)
{
        n_forks = 0;
        now_usec = 1000 * USEC_PER_SEC;
        ck_assert_int_eq(pthread_atfork(count_fork, NULL, NULL), 0);
        ck_assert_int_ge(sd_event_new(&event), 0);
        ck_assert_int_eq(users_new(event, &test_clock, &users), 0);
}

static void teardown(void)
{
        users = users_free(users);
        event = sd_event_unref(event);
}

static void wait_for(const Asker *asker)
{
        while (asker->n_answers == 0)
                ck_assert_int_ge(sd_event_run(event, 5 * USEC_PER_SEC), 1);
}

/* The name that is there after a look-up, if one is needed; "(none)". */
static void check_name(uint32_t uid, const char *expected)
{
        const char *name;
        Asker asker;
        int r;

        asker_init(&asker);
        r = users_find(users, uid, &asker.wait, &name);
        ck_assert_int_ge(r, 0);
        if (r == 0)
                wait_for(&asker);
        ck_assert_str_eq(r == 0 ? asker.name : name ? name : "(none)", expected);
        free(asker.name);
}

START_TEST(one_look_up_serves_all_who_wait)
{
        Asker askers[100];
        const char *name;

        for (size_t i = 0; i < ARRAY_SIZE(askers); i++) {
                asker_init(&askers[i]);
                ck_assert_int_eq(users_find(users, 0, &askers[i].wait, &name), 0);
        }
        wait_for(&askers[0]);
        for (size_t i = 0; i < ARRAY_SIZE(askers); i++) {
                ck_assert_uint_eq(askers[i].n_answers, 1);
                ck_assert_str_eq(askers[i].name, "root");
                free(askers[i].name);
        }
        ck_assert_uint_eq(n_forks, 1);
}
END_TEST

START_TEST(a_name_is_kept_for_a_minute)
{
        check_name(0, "root");
        now_usec += USERS_NAME_AGE_USEC - 1;
        check_name(0, "root");
        ck_assert_uint_eq(n_forks, 1);
        now_usec += 1;
        check_name(0, "root");
        ck_assert_uint_eq(n_forks, 2);
}
END_TEST

/* The database may have been out of reach: that is no verdict for a minute. */
START_TEST(an_absent_user_is_looked_up_again_soon)
{
        check_name(NOBODY_IS_UID, "(none)");
        now_usec += USERS_ABSENT_AGE_USEC - 1;
        check_name(NOBODY_IS_UID, "(none)");
        ck_assert_uint_eq(n_forks, 1);
        now_usec += 1;
        check_name(NOBODY_IS_UID, "(none)");
        ck_assert_uint_eq(n_forks, 2);
}
END_TEST

START_TEST(who_gives_up_is_not_told)
{
        Asker one, two;
        const char *name;

        asker_init(&one);
        asker_init(&two);
        ck_assert_int_eq(users_find(users, 0, &one.wait, &name), 0);
        ck_assert_int_eq(users_find(users, 0, &two.wait, &name), 0);
        list_remove(&one.wait.link);
        wait_for(&two);
        ck_assert_uint_eq(one.n_answers, 0);
        ck_assert_str_eq(two.name, "root");
        free(two.name);
}
END_TEST

/* The table has a limit, and whoever was asked about first makes room. */
START_TEST(more_users_than_are_kept_are_looked_up_all_the_same)
{
        check_name(0, "root");
        for (uint32_t i = 0; i < LIMIT_USERS; i++)
                check_name(NOBODY_IS_UID - i, "(none)");
        ck_assert_uint_eq(n_forks, 1 + LIMIT_USERS);
        check_name(NOBODY_IS_UID, "(none)");
        ck_assert_uint_eq(n_forks, 1 + LIMIT_USERS);
        check_name(0, "root");
        ck_assert_uint_eq(n_forks, 2 + LIMIT_USERS);
}
END_TEST

START_TEST(the_table_may_go_while_an_answer_is_awaited)
{
        const char *name;
        Asker asker;

        asker_init(&asker);
        ck_assert_int_eq(users_find(users, 0, &asker.wait, &name), 0);
        list_remove(&asker.wait.link);
        users = users_free(users);
        ck_assert_uint_eq(asker.n_answers, 0);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("users");
        TCase *tcase = tcase_create("names");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_set_timeout(tcase, 60);
        tcase_add_test(tcase, one_look_up_serves_all_who_wait);
        tcase_add_test(tcase, a_name_is_kept_for_a_minute);
        tcase_add_test(tcase, an_absent_user_is_looked_up_again_soon);
        tcase_add_test(tcase, who_gives_up_is_not_told);
        tcase_add_test(tcase, more_users_than_are_kept_are_looked_up_all_the_same);
        tcase_add_test(tcase, the_table_may_go_while_an_answer_is_awaited);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
