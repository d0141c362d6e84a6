#include <check.h>
#include <stdlib.h>

#include "model/file-record.h"

START_TEST(a_new_record_knows_only_its_names)
{
        FileRecord record;

        ck_assert_int_eq(file_record_init(&record, 3, "http://host/", "/dir/file"), 0);
        ck_assert_uint_eq(record.index, 3);
        ck_assert_str_eq(record.remote_name, "http://host/");
        ck_assert_str_eq(record.local_name, "/dir/file");
        ck_assert_str_eq(record.temp_name, "");
        ck_assert_str_eq(record.etag, "");
        ck_assert_str_eq(record.last_modified, "");
        ck_assert_str_eq(record.effective_url, "");
        ck_assert_str_eq(record.headers, "");
        ck_assert_uint_eq(record.offset_bytes, 0);
        ck_assert_uint_eq(record.total_bytes, DOSVC_SIZE_UNKNOWN);
        ck_assert(!record.finished);
        file_record_done(&record);
        ck_assert_ptr_null(record.remote_name);
        file_record_done(&record);
}
END_TEST

START_TEST(a_copied_record_is_independent)
{
        char etag[] = "\"a\"";
        const FileRecord from = { .index = 7,
                                  .etag = etag,
                                  .inode = 2,
                                  .offset_bytes = 3,
                                  .total_bytes = 4,
                                  .finished = true };
        FileRecord copy;

        ck_assert_int_eq(file_record_copy(&copy, &from), 0);
        etag[1] = 'b';
        ck_assert_str_eq(copy.etag, "\"a\"");
        ck_assert_str_eq(copy.remote_name, ""); /* never NULL */
        ck_assert_uint_eq(copy.index, 7);
        ck_assert_uint_eq(copy.inode, 2);
        ck_assert_uint_eq(copy.offset_bytes, 3);
        ck_assert_uint_eq(copy.total_bytes, 4);
        ck_assert(copy.finished);
        file_record_done(&copy);
}
END_TEST

START_TEST(a_record_is_found_by_its_index)
{
        static const FileRecord records[] = { { .index = 0 }, { .index = 3 }, { .index = 9 } };

        for (uint32_t index = 0; index < 11; index++) {
                const FileRecord *found = file_records_find(records, 3, index);

                ck_assert((found != NULL) == (index == 0 || index == 3 || index == 9));
                ck_assert(!found || found->index == index);
        }
        ck_assert_ptr_null(file_records_find(NULL, 0, 0));
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("file-record");
        TCase *record = tcase_create("record");
        SRunner *runner;
        int failed;

        tcase_add_test(record, a_new_record_knows_only_its_names);
        tcase_add_test(record, a_copied_record_is_independent);
        tcase_add_test(record, a_record_is_found_by_its_index);
        suite_add_tcase(suite, record);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
