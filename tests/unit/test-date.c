#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "base/macro.h"

#include "worker/http/date.h"

START_TEST(all_three_forms_are_read)
{
        static const char *const dates[] = {
                "Sun, 06 Nov 1994 08:49:37 GMT",
                "Sunday, 06-Nov-94 08:49:37 GMT",
                "Sun Nov  6 08:49:37 1994",
        };

        for (size_t i = 0; i < ARRAY_SIZE(dates); i++) {
                int64_t seconds = 0;

                ck_assert_int_eq(date_parse(dates[i], &seconds), 0);
                ck_assert_int_eq(seconds, 784111777);
        }
}
END_TEST

START_TEST(anything_else_is_no_date)
{
        static const char *const dates[] = {
                "",
                "0",
                "yesterday",
                "1994-11-06T08:49:37Z",
                "Sun, 06 Nov 1994 08:49:37",
                "Sun, 06 Nov 1994 08:49:37 GMT+1",
                "Sun, 06 Nov 1994 08:49:37 CET",
                "Sun, 36 Nov 1994 08:49:37 GMT",
                "Sun, 06 Nov 1994 28:49:37 GMT",
                "Wed, 31 Dec 1969 23:59:59 GMT",
        };

        for (size_t i = 0; i < ARRAY_SIZE(dates); i++) {
                int64_t seconds;

                ck_assert_msg(date_parse(dates[i], &seconds) == -EINVAL, "%s", dates[i]);
        }
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("date");
        TCase *tcase = tcase_create("parse");
        SRunner *runner;
        int failed;

        tcase_add_test(tcase, all_three_forms_are_read);
        tcase_add_test(tcase, anything_else_is_no_date);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
