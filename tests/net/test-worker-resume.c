/* A file that one dosvc-worker has begun is continued by the next one, or begun again. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dbus/worker-wire.h"

#include "base/macro.h"

#include "model/file-record.h"
#include "tests/lib/worker-case.h"

#define SIZE     BAD_SERVER_SIZE
#define PART     BAD_SERVER_PART
#define ETAG     BAD_SERVER_ETAG
#define ETAG_B   BAD_SERVER_ETAG_B
#define MODIFIED BAD_SERVER_MODIFIED

START_TEST(a_stopped_file_goes_on_with_if_range)
{
        FileRecord record;

        case_begin(&case_worker, "/stall", NULL);
        driver_wait_received(&case_worker, PART);
        driver_call_stop(&case_worker);
        ck_assert_uint_eq(case_worker.records[0].offset_bytes, PART);
        http_server_forget(&case_server);
        record = case_remember(&case_worker, driver_stop);

        case_resume(&record);
        case_assert_finished(0, bad_server_a, SIZE);
        case_assert_log_count(&case_server, "Range: bytes=1048576-\n", 1);
        case_assert_log_count(&case_server, "If-Range: " ETAG "\n", 1);
        case_assert_log_count(&case_server, "GET ", 1);
        ck_assert_uint_eq(case_entries_in_home(), 1);
}
END_TEST

START_TEST(a_killed_worker_s_file_goes_on)
{
        FileRecord record = case_interrupt("/stall", driver_kill);

        case_resume(&record);
        case_assert_finished(0, bad_server_a, SIZE);
        case_assert_log_count(&case_server, "If-Range: " ETAG "\n", 1);
}
END_TEST

START_TEST(a_hang_up_alone_keeps_the_bytes)
{
        FileRecord record;
        _cleanup_free_ char *path = NULL;
        struct stat st;

        case_begin(&case_worker, "/stall", NULL);
        driver_wait_received(&case_worker, PART);
        record = case_remember(&case_worker, driver_stop);
        path = case_temp_path(&record);
        ck_assert_int_eq(stat(path, &st), 0);
        ck_assert_int_eq(st.st_size, PART);
        file_record_done(&record);
}
END_TEST

START_TEST(a_changed_version_starts_again)
{
        FileRecord record = case_interrupt("/changing", driver_stop);
        _cleanup_free_ char *before = case_temp_path(&record);

        case_resume(&record);
        case_assert_finished(0, bad_server_b, SIZE);
        ck_assert_str_eq(case_worker.records[0].etag, ETAG_B);
        case_assert_log_count(&case_server, "GET ", 1);
        /* A crash can never pair the old record with the new bytes. */
        ck_assert_int_lt(access(before, F_OK), 0);
        ck_assert_uint_eq(case_entries_in_home(), 1);
}
END_TEST

START_TEST(a_strong_date_resumes)
{
        FileRecord record = case_interrupt("/dated", driver_stop);

        case_resume(&record);
        case_assert_finished(0, bad_server_a, SIZE);
        case_assert_log_count(&case_server, "If-Range: " MODIFIED "\n", 1);
}
END_TEST

START_TEST(a_date_of_the_same_second_starts_again)
{
        FileRecord record = case_interrupt("/just-now", driver_stop);

        case_resume(&record);
        case_assert_finished(0, bad_server_a, SIZE);
        case_assert_log_count(&case_server, "Range", 0);
        ck_assert_uint_eq(case_worker.records[0].restarts, 1);
        ck_assert_str_ne(case_worker.records[0].restart_reason, "");
}
END_TEST

START_TEST(a_weak_validator_resumes_by_its_date_alone)
{
        FileRecord record = case_interrupt("/weak", driver_stop);

        case_resume(&record);
        case_assert_finished(0, bad_server_a, SIZE);
        case_assert_log_count(&case_server, "If-Range: " MODIFIED "\n", 1);
        ck_assert_uint_eq(case_worker.records[0].restarts, 0);
}
END_TEST

START_TEST(a_wrong_part_is_never_appended)
{
        FileRecord record = case_interrupt("/lying", driver_stop);

        case_resume(&record);
        case_assert_finished(0, bad_server_a, SIZE);
        case_assert_log_count(&case_server, "GET ", 2);
        case_assert_log_count(&case_server, "\nRange", 1);
}
END_TEST

START_TEST(a_part_that_was_not_asked_for_is_refused)
{
        case_fetch("/unasked-part");
        case_assert_failed((uint32_t) ERROR_CODE_INVALID_SERVER_RESPONSE, true, "remote-file");
}
END_TEST

START_TEST(a_file_that_was_all_there_needs_no_request)
{
        FileRecord record;

        case_fetch("/plain");
        http_server_forget(&case_server);
        record = case_remember(&case_worker, driver_stop);
        record.finished = false;
        case_resume(&record);
        case_assert_finished(0, bad_server_a, SIZE);
        ck_assert_uint_eq(http_server_count(&case_server), 0);
}
END_TEST

START_TEST(a_range_after_the_end_means_whole)
{
        FileRecord record;

        case_fetch("/plain");
        record = case_remember(&case_worker, driver_stop);
        record.finished = false;
        record.total_bytes = DOSVC_SIZE_UNKNOWN;
        case_resume(&record);
        case_assert_finished(0, bad_server_a, SIZE);
        case_assert_log_count(&case_server, "Range: bytes=3145728-\n", 1);
}
END_TEST

START_TEST(a_temporary_file_that_is_gone_or_short_starts_again)
{
        for (unsigned i = 0; i < 2; i++) {
                FileRecord record = case_interrupt("/stall", driver_stop);
                _cleanup_free_ char *path = case_temp_path(&record);

                ck_assert_int_eq(i ? truncate(path, 1000) : unlink(path), 0);
                case_resume(&record);
                case_assert_finished(0, bad_server_a, SIZE);
                case_assert_log_count(&case_server, "Range", 0);
                driver_stop(&case_worker);
                case_server.counters[0] = 0;
        }
}
END_TEST

START_TEST(bytes_after_the_recorded_offset_are_not_trusted)
{
        FileRecord record = case_interrupt("/stall", driver_stop);
        _cleanup_free_ char *path = case_temp_path(&record);
        FILE *out = fopen(path, "ae");

        ck_assert_ptr_nonnull(out);
        ck_assert_int_ge(fputs("what a crash left behind", out), 0);
        ck_assert_int_eq(fclose(out), 0);
        case_resume(&record);
        case_assert_finished(0, bad_server_a, SIZE);
}
END_TEST

static void add_resuming(Suite *suite)
{
        TCase *tcase = case_add(suite, "resuming");

        tcase_add_test(tcase, a_stopped_file_goes_on_with_if_range);
        tcase_add_test(tcase, a_killed_worker_s_file_goes_on);
        tcase_add_test(tcase, a_hang_up_alone_keeps_the_bytes);
        tcase_add_test(tcase, a_changed_version_starts_again);
        tcase_add_test(tcase, a_strong_date_resumes);
        tcase_add_test(tcase, a_date_of_the_same_second_starts_again);
        tcase_add_test(tcase, a_weak_validator_resumes_by_its_date_alone);
        tcase_add_test(tcase, a_wrong_part_is_never_appended);
        tcase_add_test(tcase, a_part_that_was_not_asked_for_is_refused);
        tcase_add_test(tcase, a_file_that_was_all_there_needs_no_request);
        tcase_add_test(tcase, a_range_after_the_end_means_whole);
        tcase_add_test(tcase, a_temporary_file_that_is_gone_or_short_starts_again);
        tcase_add_test(tcase, bytes_after_the_recorded_offset_are_not_trusted);
}

int main(void)
{
        Suite *suite = suite_create("worker-resume");

        add_resuming(suite);
        return case_run_suite(suite);
}
