#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "worker/http/origins.h"

START_TEST(an_origin_is_remembered_and_another_is_not)
{
        Origins *origins;

        ck_assert_int_eq(origins_new(&origins), 0);
        ck_assert_int_eq(origins_find(origins, "http://a/x"), RESUME_VALIDATOR_ETAG);
        origins_learn(origins, "http://a/x", RESUME_VALIDATOR_COMPARISON);
        ck_assert_int_eq(origins_find(origins, "http://a:80/y?z"), RESUME_VALIDATOR_COMPARISON);
        ck_assert_int_eq(origins_find(origins, "http://a:81/x"), RESUME_VALIDATOR_ETAG);
        ck_assert_int_eq(origins_find(origins, "https://a/x"), RESUME_VALIDATOR_ETAG);
        origins_learn(origins, "http://a/z", RESUME_VALIDATOR_DATE);
        ck_assert_int_eq(origins_find(origins, "http://a/x"), RESUME_VALIDATOR_DATE);
        origins_free(origins);
}
END_TEST

START_TEST(of_many_origins_the_oldest_is_forgotten)
{
        Origins *origins;
        char url[64];

        ck_assert_int_eq(origins_new(&origins), 0);
        for (unsigned i = 0; i < 17; i++) {
                (void) snprintf(url, sizeof(url), "http://host-%u/", i);
                origins_learn(origins, url, RESUME_VALIDATOR_DATE);
        }
        ck_assert_int_eq(origins_find(origins, "http://host-0/"), RESUME_VALIDATOR_ETAG);
        ck_assert_int_eq(origins_find(origins, "http://host-1/"), RESUME_VALIDATOR_DATE);
        ck_assert_int_eq(origins_find(origins, "http://host-16/"), RESUME_VALIDATOR_DATE);
        origins_free(origins);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("origins");
        TCase *tcase = tcase_create("origins");
        SRunner *runner;
        int failed;

        tcase_add_test(tcase, an_origin_is_remembered_and_another_is_not);
        tcase_add_test(tcase, of_many_origins_the_oldest_is_forgotten);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
