/*
 * dosvc-worker as the manager sees it: the real program, over its link, against a server that is
 * good, strict or hostile, as each test wants.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dbus/worker-wire.h"

#include "base/macro.h"

#include "model/file-record.h"
#include "tests/lib/sanitizer.h"
#include "tests/lib/temp-dir.h"
#include "tests/lib/worker-case.h"

#define SIZE     BAD_SERVER_SIZE
#define PART     BAD_SERVER_PART
#define ETAG     BAD_SERVER_ETAG
#define MODIFIED BAD_SERVER_MODIFIED

/* ---- the process ------------------------------------------------------------------------ */

START_TEST(a_worker_with_capabilities_ends)
{
        ck_assert_int_eq(driver_run_with_rights(0, true, true), 2);
}
END_TEST

START_TEST(a_worker_that_could_gain_rights_ends)
{
        ck_assert_int_eq(driver_run_with_rights(WORKER_DRIVER_UID, false, true), 2);
}
END_TEST

START_TEST(a_worker_without_a_link_ends)
{
        ck_assert_int_eq(driver_run_with_rights(WORKER_DRIVER_UID, true, false), 2);
}
END_TEST

START_TEST(a_worker_ends_with_its_link)
{
        ck_assert_int_eq(driver_run_with_rights(WORKER_DRIVER_UID, true, true), 0);
}
END_TEST

START_TEST(a_worker_cannot_be_dumped_and_is_filtered)
{
        _cleanup_free_ char *path = NULL, *status = NULL;
        struct stat st;

        driver_start(&case_worker);
        ck_assert_int_gt(asprintf(&path, "/proc/%d/status", (int) case_worker.pid), 0);
        status = temp_dir_read(path, NULL);
        /* The kernel gives the files of what cannot be dumped to root. */
        ck_assert_int_eq(stat(path, &st), 0);
        ck_assert_uint_eq(st.st_uid, 0);
        ck_assert_ptr_nonnull(strstr(status, "\nNoNewPrivs:\t1\n"));
#ifndef WITH_SANITIZER
        ck_assert_ptr_nonnull(strstr(status, "\nSeccomp:\t2\n"));
#endif
}
END_TEST

START_TEST(a_worker_takes_one_task)
{
        FileRecord record;

        case_begin(&case_worker, "/stall", NULL);
        case_make_record(&record, 0, "/plain", "file");
        ck_assert_str_eq(driver_try_download(&case_worker, &record),
                         DOSVC_ERROR_PREFIX "InvalidState");
        file_record_done(&record);
}
END_TEST

START_TEST(only_a_download_has_settings_that_change)
{
        driver_start(&case_worker);
        ck_assert_str_eq(driver_try_change(&case_worker, "RedirectPolicy", "disallow"),
                         DOSVC_ERROR_PREFIX "InvalidState");
}
END_TEST

START_TEST(a_change_that_breaks_the_contract_is_refused)
{
        static const struct {
                const char *name, *value;
        } changes[] = {
                { "unknown", "x" },
                { "CACertificate", "/ca.pem" }, /* for a new worker only */
                { "RedirectPolicy", "perhaps" },
                { "Proxies", "http://proxy:3128" }, /* of another type */
        };

        case_begin(&case_worker, "/stall", NULL);
        for (size_t i = 0; i < ARRAY_SIZE(changes); i++)
                ck_assert_str_eq(driver_try_change(&case_worker, changes[i].name, changes[i].value),
                                 SD_BUS_ERROR_INVALID_ARGS);
        ck_assert_pstr_eq(driver_try_change(&case_worker, "RedirectPolicy", "disallow"), NULL);
        ck_assert(!case_worker.failed);
}
END_TEST

START_TEST(an_order_with_a_bad_path_or_url_is_refused)
{
        static const struct {
                const char *url, *path;
        } orders[] = {
                { "http://127.0.0.1/", "relative" },
                { "http://127.0.0.1/", "/tmp/../etc/passwd" },
                { "file:///etc/passwd", "/tmp/x" },
                { "http://user:secret@127.0.0.1/", "/tmp/x" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
                FileRecord record;

                ck_assert_int_ge(file_record_init(&record, 0, orders[i].url, orders[i].path), 0);
                driver_start(&case_worker);
                ck_assert_str_eq(driver_try_download(&case_worker, &record),
                                 "org.freedesktop.DBus.Error.InvalidArgs");
                driver_stop(&case_worker);
                file_record_done(&record);
        }
}
END_TEST

/* ---- downloads -------------------------------------------------------------------------- */

START_TEST(a_file_arrives_whole_beside_its_name)
{
        _cleanup_free_ char *final = temp_dir_path(case_home, "file");

        case_fetch("/plain");
        case_assert_finished(0, bad_server_a, SIZE);
        ck_assert_int_lt(access(final, F_OK), 0);
        ck_assert_str_eq(case_worker.records[0].etag, ETAG);
        ck_assert_str_eq(case_worker.records[0].last_modified, MODIFIED);
        ck_assert_str_eq(case_worker.records[0].effective_url, case_worker.records[0].remote_name);
        case_assert_log_count(&case_server, "GET ", 1);
        case_assert_log_count(&case_server, "Range", 0);
        case_assert_log_count(&case_server, "Accept-Encoding: identity\n", 1);
}
END_TEST

START_TEST(many_files_arrive_on_few_connections)
{
        enum { FILES = 100 };
        FileRecord records[FILES];

        for (uint32_t i = 0; i < FILES; i++) {
                char name[16];

                (void) snprintf(name, sizeof(name), "file-%u", i);
                case_make_record(&records[i], i, i % 2 ? "/empty" : "/chunked", name);
        }
        driver_start(&case_worker);
        driver_download(&case_worker, records, FILES, NULL);
        driver_wait(&case_worker);
        ck_assert(case_worker.finished);
        for (uint32_t i = 0; i < FILES; i++) {
                _cleanup_free_ char *path = case_temp_path(&case_worker.records[i]);

                ck_assert(case_worker.records[i].finished);
                case_assert_bytes(path, bad_server_a, i % 2 ? 0 : SIZE);
                file_record_done(&records[i]);
        }
        /* Finished files are reported together, not one by one. */
        ck_assert_uint_lt(case_worker.n_checkpoints, FILES);
}
END_TEST

START_TEST(a_body_without_a_length_arrives)
{
        static const char *const paths[] = { "/chunked", "/unframed", "/empty" };

        for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
                case_fetch(paths[i]);
                case_assert_finished(0, bad_server_a, i == 2 ? 0 : SIZE);
                driver_stop(&case_worker);
        }
}
END_TEST

START_TEST(a_trailer_is_ignored)
{
        case_fetch("/chunked");
        ck_assert_str_eq(case_worker.records[0].etag, "");
}
END_TEST

START_TEST(response_headers_are_kept_without_cookies)
{
        case_fetch("/plain");
        ck_assert_ptr_nonnull(strstr(case_worker.records[0].headers, "HTTP/1.1 200 OK\n"));
        ck_assert_ptr_nonnull(
                strstr(case_worker.records[0].headers, "Last-Modified: " MODIFIED "\n"));
        ck_assert_ptr_null(strstr(case_worker.records[0].headers, "confidential"));
}
END_TEST

START_TEST(a_new_temporary_file_is_reported_before_its_bytes)
{
        case_begin(&case_worker, "/stall", NULL);
        driver_wait_received(&case_worker, PART);
        ck_assert_str_ne(case_worker.records[0].temp_name, "");
        ck_assert_uint_ne(case_worker.records[0].inode, 0);
        ck_assert_str_eq(case_worker.records[0].etag, ETAG);
        ck_assert_uint_eq(case_worker.records[0].total_bytes, SIZE);
        ck_assert_uint_ge(case_worker.n_checkpoints, 1);
}
END_TEST

START_TEST(a_checkpoint_comes_while_bytes_arrive)
{
        case_begin(&case_worker, "/stall", NULL);
        driver_wait_checkpoint(&case_worker, 0, PART);
        ck_assert(!case_worker.records[0].finished);
}
END_TEST

START_TEST(a_temporary_file_is_private)
{
        _cleanup_free_ char *path = NULL;
        struct stat st;

        case_fetch("/plain");
        path = case_temp_path(&case_worker.records[0]);
        ck_assert_int_eq(stat(path, &st), 0);
        ck_assert_uint_eq(st.st_mode & 07777, 0600);
        ck_assert_uint_eq(st.st_uid, WORKER_DRIVER_UID);
}
END_TEST

/* ---- redirects -------------------------------------------------------------------------- */

START_TEST(a_redirect_is_followed_and_its_body_left)
{
        for (unsigned i = 0; i < 3; i++) {
                case_fetch("/relative");
                case_assert_finished(0, bad_server_a, SIZE);
                ck_assert_ptr_nonnull(strstr(case_worker.records[0].effective_url, "/plain"));
                ck_assert_ptr_null(strchr(case_worker.records[0].effective_url, '#'));
                driver_stop(&case_worker);
        }
}
END_TEST

START_TEST(a_redirect_loop_ends)
{
        case_fetch("/loop");
        case_assert_failed((uint32_t) ERROR_CODE_REDIRECT_FAILED, false, "remote-file");
        case_assert_log_count(&case_server, "GET /loop", 11);
}
END_TEST

START_TEST(a_redirect_to_another_protocol_is_refused)
{
        case_fetch("/to-ftp");
        case_assert_failed((uint32_t) ERROR_CODE_REDIRECT_FAILED, false, "remote-file");
        driver_stop(&case_worker);
        case_fetch("/to-file");
        case_assert_failed((uint32_t) ERROR_CODE_REDIRECT_FAILED, false, "remote-file");
}
END_TEST

/* ---- failures of the other side --------------------------------------------------------- */

START_TEST(a_missing_file_is_fatal)
{
        case_fetch("/gone?token=confidential");
        case_assert_failed(ERROR_CODE_HTTP(404), false, "remote-file");
        ck_assert_ptr_null(strstr(case_worker.description, "confidential"));
        ck_assert_ptr_nonnull(strstr(case_worker.description, "404"));
        /* The error page that came with it is not stored. */
        ck_assert_uint_eq(case_entries_in_home(), 0);
}
END_TEST

START_TEST(a_busy_server_says_when_to_come_back)
{
        case_fetch("/busy");
        case_assert_failed(ERROR_CODE_HTTP(503), true, "remote-file");
        ck_assert_uint_eq(case_worker.retry_after_sec, 120);
}
END_TEST

START_TEST(a_short_body_is_transient_and_keeps_its_bytes)
{
        case_fetch("/short");
        case_assert_failed((uint32_t) ERROR_CODE_CONNECTION_CLOSED, true, "remote-file");
        ck_assert_uint_eq(case_worker.records[0].offset_bytes, PART);
        ck_assert(!case_worker.records[0].finished);
}
END_TEST

START_TEST(broken_answers_are_transient)
{
        static const struct {
                const char *path;
                int code;
        } answers[] = {
                { "/reset", ERROR_CODE_CONNECTION_CLOSED },
                { "/old-protocol", ERROR_CODE_INVALID_SERVER_RESPONSE },
                { "/two-lengths", ERROR_CODE_INVALID_SERVER_RESPONSE },
        };

        for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
                case_fetch(answers[i].path);
                case_assert_failed((uint32_t) answers[i].code, true, "remote-file");
                driver_stop(&case_worker);
        }
}
END_TEST

START_TEST(an_endless_error_page_ends)
{
        case_fetch("/endless-error");
        case_assert_failed(ERROR_CODE_HTTP(500), true, "remote-file");
}
END_TEST

START_TEST(a_server_that_is_not_there_is_transient)
{
        static const struct {
                const char *url;
                int code;
        } urls[] = {
                { "http://127.0.0.1:1/x?token=confidential", ERROR_CODE_CONNECT_FAILURE },
                { "http://nowhere.invalid/x", ERROR_CODE_NAME_RESOLUTION_FAILURE },
        };

        for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
                _cleanup_free_ char *local = temp_dir_path(case_home, "file");
                FileRecord record;

                ck_assert_int_ge(file_record_init(&record, 0, urls[i].url, local), 0);
                driver_start(&case_worker);
                driver_download(&case_worker, &record, 1, NULL);
                driver_wait(&case_worker);
                case_assert_failed((uint32_t) urls[i].code, true, "transport");
                ck_assert_ptr_null(strstr(case_worker.description, "confidential"));
                driver_stop(&case_worker);
                file_record_done(&record);
        }
}
END_TEST

START_TEST(a_failure_keeps_what_other_files_have)
{
        FileRecord records[2];

        case_make_record(&records[0], 0, "/stall", "one");
        case_make_record(&records[1], 1, "/short?later", "two");
        driver_start(&case_worker);
        driver_download(&case_worker, records, 2, NULL);
        driver_wait(&case_worker);
        ck_assert(case_worker.failed);
        ck_assert_uint_eq(case_worker.failed_file, 1);
        ck_assert_uint_eq(case_worker.records[0].offset_bytes, PART);
        ck_assert_uint_eq(case_worker.records[1].offset_bytes, PART);
        file_record_done(&records[0]);
        file_record_done(&records[1]);
}
END_TEST

static void add_process(Suite *suite)
{
        TCase *tcase = case_add(suite, "process");

        tcase_add_test(tcase, a_worker_with_capabilities_ends);
        tcase_add_test(tcase, a_worker_that_could_gain_rights_ends);
        tcase_add_test(tcase, a_worker_without_a_link_ends);
        tcase_add_test(tcase, a_worker_ends_with_its_link);
        tcase_add_test(tcase, a_worker_cannot_be_dumped_and_is_filtered);
        tcase_add_test(tcase, a_worker_takes_one_task);
        tcase_add_test(tcase, only_a_download_has_settings_that_change);
        tcase_add_test(tcase, a_change_that_breaks_the_contract_is_refused);
        tcase_add_test(tcase, an_order_with_a_bad_path_or_url_is_refused);
}

static void add_downloads(Suite *suite)
{
        TCase *tcase = case_add(suite, "downloads");

        tcase_add_test(tcase, a_file_arrives_whole_beside_its_name);
        tcase_add_test(tcase, many_files_arrive_on_few_connections);
        tcase_add_test(tcase, a_body_without_a_length_arrives);
        tcase_add_test(tcase, a_trailer_is_ignored);
        tcase_add_test(tcase, response_headers_are_kept_without_cookies);
        tcase_add_test(tcase, a_new_temporary_file_is_reported_before_its_bytes);
        tcase_add_test(tcase, a_checkpoint_comes_while_bytes_arrive);
        tcase_add_test(tcase, a_temporary_file_is_private);
}

static void add_redirects(Suite *suite)
{
        TCase *tcase = case_add(suite, "redirects");

        tcase_add_test(tcase, a_redirect_is_followed_and_its_body_left);
        tcase_add_test(tcase, a_redirect_loop_ends);
        tcase_add_test(tcase, a_redirect_to_another_protocol_is_refused);
}

static void add_failures(Suite *suite)
{
        TCase *tcase = case_add(suite, "failures");

        tcase_add_test(tcase, a_missing_file_is_fatal);
        tcase_add_test(tcase, a_busy_server_says_when_to_come_back);
        tcase_add_test(tcase, a_short_body_is_transient_and_keeps_its_bytes);
        tcase_add_test(tcase, broken_answers_are_transient);
        tcase_add_test(tcase, an_endless_error_page_ends);
        tcase_add_test(tcase, a_server_that_is_not_there_is_transient);
        tcase_add_test(tcase, a_failure_keeps_what_other_files_have);
}

int main(void)
{
        Suite *suite = suite_create("worker");

        add_process(suite);
        add_downloads(suite);
        add_redirects(suite);
        add_failures(suite);
        return case_run_suite(suite);
}
