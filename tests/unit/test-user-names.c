#include <check.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#include "manager/user-names.h"
#include "tests/lib/process.h"
#include "tests/lib/users.h"

static sd_event *event; /* owned by the fixture */
static bool answered;
static char name[64]; /* "" for NULL */

static void setup(void)
{
        ck_assert_int_ge(sd_event_new(&event), 0);
        answered = false;
        name[0] = '\0';
}

static void teardown(void)
{
        event = sd_event_unref(event);
}

static void on_answer(void *userdata, const char *answer)
{
        ck_assert(!answered);
        answered = true;
        if (answer)
                (void) stpncpy(name, answer, sizeof(name) - 1);
}

static UserLookup *start(uint32_t uid)
{
        UserLookup *lookup = NULL;

        ck_assert_int_eq(user_lookup_new(event, uid, on_answer, NULL, &lookup), 0);
        return lookup;
}

static void wait_for_answer(void)
{
        const uint64_t give_up = process_now_msec() + 10000;

        while (!answered) {
                ck_assert_uint_lt(process_now_msec(), give_up);
                ck_assert_int_ge(sd_event_run(event, 100 * USEC_PER_MSEC), 0);
        }
}

START_TEST(a_uid_has_the_name_of_its_entry)
{
        static const struct {
                uint32_t uid;
                const char *name;
        } cases[] = {
                { 0, "root" },
                { USERS_ALICE_UID, "alice" },
                { 7999, "" },
        };
        UserLookup *lookup = start(cases[_i].uid);

        ck_assert(!answered);
        wait_for_answer();
        ck_assert_str_eq(name, cases[_i].name);
        user_lookup_free(lookup);
}
END_TEST

START_TEST(a_lookup_that_is_freed_has_no_answer)
{
        user_lookup_free(start(0));
        for (unsigned i = 0; i < 5; i++)
                ck_assert_int_ge(sd_event_run(event, 20 * USEC_PER_MSEC), 0);
        ck_assert(!answered);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("user-names");
        TCase *tcase = tcase_create("lookup");
        SRunner *runner;
        int failed;

        users_setup();
        tcase_set_timeout(tcase, 30);
        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_loop_test(tcase, a_uid_has_the_name_of_its_entry, 0, 3);
        tcase_add_test(tcase, a_lookup_that_is_freed_has_no_answer);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
