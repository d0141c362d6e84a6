#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"

#include "model/error-code.h"
#include "model/failure.h"

START_TEST(local_errors_name_the_path_and_the_reason)
{
        static const struct {
                int error;
                int code;
                bool transient;
        } errors[] = {
                { ENOSPC, ERROR_CODE_DISK_FULL, true },
                { ENOSR, ERROR_CODE_DISK_FULL, true },
                { EDQUOT, ERROR_CODE_DISK_FULL, true },
                { EACCES, ERROR_CODE_ACCESS_DENIED, false },
                { EPERM, ERROR_CODE_ACCESS_DENIED, false },
                { EROFS, ERROR_CODE_READ_ONLY, false },
                { ENOENT, ERROR_CODE_PATH_NOT_FOUND, false },
                { ENOTDIR, ERROR_CODE_PATH_NOT_FOUND, false },
                { EISDIR, ERROR_CODE_NOT_A_FILE, false },
                { EEXIST, ERROR_CODE_NOT_A_FILE, false },
                { EIO, ERROR_CODE_IO_DEVICE, true },
                { EWOULDBLOCK, ERROR_CODE_FILE_IN_USE, true },
                { ENODEV, ERROR_CODE_IO_DEVICE, true },
        };

        for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
                Failure failure = FAILURE_NONE;

                failure_set_local(&failure, -errors[i].error, "/home/a/file");
                ck_assert_uint_eq(failure.code, (uint32_t) errors[i].code);
                ck_assert_int_eq(failure.transient, errors[i].transient);
                ck_assert_int_eq(failure.context, ERROR_CONTEXT_LOCAL_FILE);
                ck_assert_ptr_nonnull(strstr(failure.description, "/home/a/file"));
                ck_assert_ptr_nonnull(
                        strstr(failure.description, failure_local_reason(-errors[i].error)));
                failure_done(&failure);
        }
}
END_TEST

START_TEST(the_first_reason_stays)
{
        Failure failure = FAILURE_NONE;

        failure_set_local(&failure, -ENOSPC, "/a");
        failure_set_internal(&failure, -ENOMEM);
        failure_set_bad_answer(&failure, "http://h/", "is strange");
        failure_set_no_ranges(&failure, "http://h/");
        ck_assert_uint_eq(failure.code, (uint32_t) ERROR_CODE_DISK_FULL);
        ck_assert_ptr_null(failure.url);
        failure_done(&failure);
        ck_assert_uint_eq(failure.code, 0);
}
END_TEST

START_TEST(a_copy_is_equal_and_a_stolen_failure_is_gone)
{
        Failure failure = FAILURE_NONE, copy, stolen;

        failure_set_bad_answer(&failure, "http://h/?secret", "is strange");
        failure_add(&failure, "Really.");
        failure.file = 7;
        failure.retry_after_sec = 9;
        ck_assert_int_eq(failure_copy(&copy, &failure), 0);
        stolen = failure_steal(&failure);
        ck_assert_uint_eq(failure.code, 0);
        ck_assert_uint_eq(failure.file, FAILURE_NO_FILE);
        ck_assert_ptr_null(failure.description);
        ck_assert_str_eq(stolen.description,
                         "The server's answer for http://h/ is strange. Really.");
        ck_assert_str_eq(copy.description, stolen.description);
        ck_assert_str_eq(copy.url, stolen.url);
        ck_assert_uint_eq(copy.code, stolen.code);
        ck_assert_uint_eq(copy.file, 7);
        ck_assert_uint_eq(copy.retry_after_sec, 9);
        failure_done(&stolen);
        failure_done(&copy);
}
END_TEST

START_TEST(schemes_are_named_in_a_sentence_of_their_own)
{
        _cleanup_(failure_done) Failure failure = FAILURE_NONE;

        failure_add_schemes(&failure, "It offers", 1U << AUTH_SCHEME_NTLM); /* to nothing */
        ck_assert_ptr_null(failure.description);
        failure_set(&failure, 1, false, ERROR_CONTEXT_REMOTE_FILE, NULL, "Refused.");
        failure_add_schemes(&failure, "It offers", (1U << AUTH_SCHEMES_MAX) - 1);
        failure_add_schemes(&failure, "Set", 0);
        ck_assert_str_eq(failure.description,
                         "Refused. It offers: basic, digest, ntlm, negotiate, passport, bearer. "
                         "Set: none.");
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("failure");
        TCase *tcase = tcase_create("failure");
        SRunner *runner;
        int failed;

        tcase_add_test(tcase, local_errors_name_the_path_and_the_reason);
        tcase_add_test(tcase, the_first_reason_stays);
        tcase_add_test(tcase, schemes_are_named_in_a_sentence_of_their_own);
        tcase_add_test(tcase, a_copy_is_equal_and_a_stolen_failure_is_gone);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
