#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/file-record.h"
#include "worker/record.h"

static FileRecord record;

static void setup(void)
{
        ck_assert_int_eq(file_record_init(&record, 0, "https://own.test/a", "/a"), 0);
}

static void teardown(void)
{
        file_record_done(&record);
}

/* The owner's name is kept however often redirects change the remote name. */
START_TEST(a_new_place_keeps_the_owners_name)
{
        ck_assert_int_eq(record_relocate(&record, "https://one.test/b"), 1);
        ck_assert_str_eq(record.remote_name, "https://one.test/b");
        ck_assert_str_eq(record.named_url, "https://own.test/a");
        ck_assert_int_eq(record_relocate(&record, "https://two.test/c"), 1);
        ck_assert_str_eq(record.remote_name, "https://two.test/c");
        ck_assert_str_eq(file_record_owners_name(&record), "https://own.test/a");
}
END_TEST

START_TEST(the_same_place_changes_nothing)
{
        ck_assert_int_eq(record_relocate(&record, "https://own.test/a"), 0);
        ck_assert_str_eq(record.named_url, "");
        ck_assert_str_eq(file_record_owners_name(&record), "https://own.test/a");
}
END_TEST

START_TEST(what_is_no_remote_name_is_left_alone)
{
        char url[4000] = "https://own.test/";

        memset(url + strlen(url), 'x', sizeof(url) - strlen(url) - 1);
        url[sizeof(url) - 1] = '\0';
        ck_assert_int_eq(record_relocate(&record, url), 0);
        ck_assert_str_eq(record.remote_name, "https://own.test/a");
}
END_TEST

START_TEST(a_version_is_taken_and_forgotten)
{
        const SourceAnswer answer = {
                .url = "https://web.test/a",
                .etag = "\"1\"",
                .last_modified = "then",
                .coding = "gzip",
                .headers = "HTTP/1.1 200 OK\n",
        };

        record.offset_bytes = record.total_bytes = 5;
        record.finished = true;
        ck_assert_int_eq(record_set_version(&record, &answer), 0);
        ck_assert_str_eq(record.etag, answer.etag);
        ck_assert_str_eq(record.last_modified, answer.last_modified);
        ck_assert_str_eq(record.coding, answer.coding);
        ck_assert_str_eq(record.headers, answer.headers);
        ck_assert_str_eq(record.effective_url, answer.url);
        ck_assert_int_eq(record_forget_version(&record), 0);
        ck_assert_str_eq(record.etag, "");
        ck_assert_str_eq(record.last_modified, "");
        ck_assert_str_eq(record.headers, "");
        ck_assert_str_eq(record.effective_url, "");
        ck_assert_uint_eq(record.offset_bytes, 0);
        ck_assert_uint_eq(record.total_bytes, DOSVC_SIZE_UNKNOWN);
        ck_assert(!record.finished);
}
END_TEST

START_TEST(restarts_are_counted_and_the_last_reason_is_kept)
{
        ck_assert_int_eq(record_add_restart(&record, "First."), 0);
        ck_assert_int_eq(record_add_restart(&record, "Second."), 0);
        ck_assert_uint_eq(record.restarts, 2);
        ck_assert_str_eq(record.restart_reason, "Second.");
        record.restarts = UINT32_MAX;
        ck_assert_int_eq(record_add_restart(&record, "Third."), 0);
        ck_assert_uint_eq(record.restarts, UINT32_MAX);
}
END_TEST

static Suite *make_suite(void)
{
        Suite *suite = suite_create("record");
        TCase *tcase = tcase_create("record");

        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, a_new_place_keeps_the_owners_name);
        tcase_add_test(tcase, the_same_place_changes_nothing);
        tcase_add_test(tcase, what_is_no_remote_name_is_left_alone);
        tcase_add_test(tcase, a_version_is_taken_and_forgotten);
        tcase_add_test(tcase, restarts_are_counted_and_the_last_reason_is_kept);
        suite_add_tcase(suite, tcase);
        return suite;
}

int main(void)
{
        SRunner *runner = srunner_create(make_suite());
        int failed;

        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
