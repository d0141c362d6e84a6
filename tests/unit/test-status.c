#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"

#include "model/error-code.h"
#include "worker/http/status.h"

START_TEST(each_status_has_its_class)
{
        static const struct {
                unsigned status;
                bool transient;
        } statuses[] = {
                { 204, true },  { 300, false }, { 304, false }, { 305, false }, { 306, true },
                { 307, false }, { 308, false }, { 400, false }, { 401, false }, { 403, false },
                { 404, false }, { 407, false }, { 408, true },  { 409, true },  { 410, false },
                { 416, false }, { 425, true },  { 429, true },  { 451, false }, { 500, true },
                { 501, false }, { 502, true },  { 503, true },  { 504, true },  { 505, false },
                { 599, true },
        };

        for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
                Failure failure = FAILURE_NONE;

                status_set_failure(&failure, statuses[i].status, "http://h/p?secret", false, 7);
                ck_assert_msg(failure.transient == statuses[i].transient, "%u", statuses[i].status);
                ck_assert_uint_eq(failure.code, 0x80190000u | statuses[i].status);
                ck_assert_uint_eq(failure.retry_after_sec, statuses[i].transient ? 7 : 0);
                ck_assert_str_eq(failure.url, "http://h/p?secret");
                ck_assert_ptr_null(strstr(failure.description, "secret"));
                failure_done(&failure);
        }
}
END_TEST

START_TEST(a_missing_certificate_is_fatal)
{
        Failure failure = FAILURE_NONE;

        status_set_no_certificate(&failure, 403, "https://h/p?secret");
        ck_assert_uint_eq(failure.code, (uint32_t) ERROR_CODE_CERTIFICATE_NEEDED);
        ck_assert(!failure.transient);
        ck_assert_ptr_nonnull(strstr(failure.description, "403"));
        ck_assert_ptr_null(strstr(failure.description, "secret"));
        failure_done(&failure);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("status");
        TCase *tcase = tcase_create("classes");
        SRunner *runner;
        int failed;

        tcase_add_test(tcase, each_status_has_its_class);
        tcase_add_test(tcase, a_missing_certificate_is_fatal);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
