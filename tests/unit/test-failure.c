#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/error-code.h"
#include "worker/failure.h"

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
                Failure failure = { 0 };

                failure_set_status(&failure, statuses[i].status, "http://h/p?secret", false, 7);
                ck_assert_msg(failure.transient == statuses[i].transient, "%u", statuses[i].status);
                ck_assert_uint_eq(failure.code, 0x80190000u | statuses[i].status);
                ck_assert_uint_eq(failure.retry_after_sec, statuses[i].transient ? 7 : 0);
                ck_assert_str_eq(failure.url, "http://h/p?secret");
                ck_assert_ptr_null(strstr(failure.description, "secret"));
                failure_done(&failure);
        }
}
END_TEST

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
                Failure failure = { 0 };

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
        Failure failure = { 0 }, moved;

        failure_set_local(&failure, -ENOSPC, "/a");
        failure_set_internal(&failure, -ENOMEM);
        failure_set_status(&failure, 404, "http://h/", false, 0);
        ck_assert_uint_eq(failure.code, (uint32_t) ERROR_CODE_DISK_FULL);
        failure_move(&moved, &failure);
        ck_assert_uint_eq(failure.code, 0);
        ck_assert_ptr_null(failure.description);
        failure_done(&moved);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("failure");
        TCase *tcase = tcase_create("classes");
        SRunner *runner;
        int failed;

        tcase_add_test(tcase, each_status_has_its_class);
        tcase_add_test(tcase, local_errors_name_the_path_and_the_reason);
        tcase_add_test(tcase, the_first_reason_stays);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
