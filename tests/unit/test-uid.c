#include <check.h>
#include <stdlib.h>

#include "base/macro.h"
#include "base/uid.h"

START_TEST(uids_that_mean_nobody_for_long_are_refused)
{
        static const struct {
                uid_t uid;
                bool refused;
        } cases[] = {
                { 0, false },    { 1000, false },  { 61183, false },          { 61184, true },
                { 65519, true }, { 65520, false }, { 65533, false },          { 65534, true },
                { 65535, true }, { 65536, false }, { UINT32_MAX - 1, false }, { UINT32_MAX, true },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                ck_assert_msg(uid_is_refused(cases[i].uid) == cases[i].refused, "%u", cases[i].uid);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("uid");
        TCase *tcase = tcase_create("uid");
        SRunner *runner;
        int failed;

        tcase_add_test(tcase, uids_that_mean_nobody_for_long_are_refused);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
