#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "model/enums.h"

#define CHECK_ENUM(prefix, max)                                                                    \
        do {                                                                                       \
                for (unsigned i = 0; i < (max); i++)                                               \
                        ck_assert_int_eq(prefix##_from_string(prefix##_to_string(i)), (int) i);    \
                ck_assert_int_eq(prefix##_from_string(""), -EINVAL);                               \
                ck_assert_int_eq(prefix##_from_string("Basic"), -EINVAL);                          \
                ck_assert_int_eq(prefix##_from_string("nonesuch"), -EINVAL);                       \
        } while (0)

START_TEST(names_lead_back_to_their_values)
{
        CHECK_ENUM(job_state, JOB_STATES_MAX);
        CHECK_ENUM(auth_target, AUTH_TARGETS_MAX);
        CHECK_ENUM(auth_scheme, AUTH_SCHEMES_MAX);
        CHECK_ENUM(error_context, ERROR_CONTEXTS_MAX);
}
END_TEST

START_TEST(values_are_the_numbers_of_the_original)
{
        ck_assert_int_eq(job_state_from_string("queued"), 0);
        ck_assert_int_eq(job_state_from_string("suspended"), 3);
        ck_assert_int_eq(job_state_from_string("transient-error"), 5);
        ck_assert_int_eq(job_state_from_string("cancelled"), 8);
        ck_assert_int_eq(auth_target_from_string("server"), 0);
        ck_assert_int_eq(auth_target_from_string("proxy"), 1);
        ck_assert_int_eq(auth_scheme_from_string("basic"), 0);
        ck_assert_int_eq(auth_scheme_from_string("passport"), 4);
        ck_assert_int_eq(error_context_from_string("local-file"), 4);
        ck_assert_int_eq(error_context_from_string("remote-application"), 7);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("enums");
        TCase *enums = tcase_create("enums");
        SRunner *runner;
        int failed;

        tcase_add_test(enums, names_lead_back_to_their_values);
        tcase_add_test(enums, values_are_the_numbers_of_the_original);
        suite_add_tcase(suite, enums);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
