#include "tests/lib/worker-case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"

#include "model/file-record.h"
#include "tests/lib/process.h"
#include "tests/lib/temp-dir.h"

char *case_dir, *case_home;
HttpServer case_server, case_other;
WorkerDriver case_worker, case_second;

static void set_up(void)
{
        case_dir = temp_dir_new();
        case_home = temp_dir_path(case_dir, "home");
        temp_dir_make(case_home, 0700, WORKER_DRIVER_UID);
        http_server_start(&case_server, bad_server_serve, case_dir);
        http_server_start(&case_other, bad_server_serve, case_dir);
}

static void tear_down(void)
{
        driver_stop(&case_worker);
        driver_stop(&case_second);
        http_server_stop(&case_server);
        http_server_stop(&case_other);
        free(case_home);
        case_dir = temp_dir_remove(case_dir);
}

TCase *case_add(Suite *suite, const char *name)
{
        TCase *tcase = tcase_create(name);

        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_set_timeout(tcase, 60);
        suite_add_tcase(suite, tcase);
        return tcase;
}

int case_run_suite(Suite *suite)
{
        SRunner *runner = srunner_create(suite);
        int failed;

        bad_server_setup();
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

void case_make_record(FileRecord *record, uint32_t index, const char *path, const char *name)
{
        _cleanup_free_ char *url = http_server_url(&case_server, path);
        _cleanup_free_ char *local = temp_dir_path(case_home, name);

        ck_assert_int_ge(file_record_init(record, index, url, local), 0);
}

void case_begin(WorkerDriver *driver, const char *path, const char *proxy)
{
        FileRecord record;

        case_make_record(&record, 0, path, "file");
        driver_start(driver);
        driver_download(driver, &record, 1, proxy);
        file_record_done(&record);
}

void case_fetch(const char *path)
{
        case_begin(&case_worker, path, NULL);
        driver_wait(&case_worker);
}

void case_fetch_records(const FileRecord *records, size_t n_records)
{
        driver_stop(&case_worker);
        driver_start(&case_worker);
        driver_download(&case_worker, records, n_records, NULL);
        driver_wait(&case_worker);
}

FileRecord case_remember(WorkerDriver *driver, void (*ending)(WorkerDriver *))
{
        FileRecord record;

        ck_assert_int_ge(file_record_copy(&record, &driver->records[0]), 0);
        ending(driver);
        return record;
}

FileRecord case_interrupt(const char *path, void (*ending)(WorkerDriver *))
{
        case_begin(&case_worker, path, NULL);
        driver_wait_received(&case_worker, BAD_SERVER_PART);
        if (ending == driver_kill)
                driver_wait_checkpoint(&case_worker, 0, BAD_SERVER_PART);
        else
                driver_call_stop(&case_worker);
        http_server_forget(&case_server);
        return case_remember(&case_worker, ending);
}

void case_resume(FileRecord *record)
{
        case_fetch_records(record, 1);
        file_record_done(record);
}

char *case_temp_path(const FileRecord *record)
{
        ck_assert_str_ne(record->temp_name, "");
        return temp_dir_path(case_home, record->temp_name);
}

static bool holds(const char *path, const void *expected, size_t size_bytes)
{
        size_t found;
        _cleanup_free_ char *bytes = temp_dir_read(path, &found);

        return found == size_bytes && memcmp(bytes, expected, size_bytes) == 0;
}

bool case_holds(const FileRecord *record, const void *expected, size_t size_bytes)
{
        _cleanup_free_ char *path = case_temp_path(record);

        return holds(path, expected, size_bytes);
}

void case_assert_bytes(const char *path, const void *expected, size_t size_bytes)
{
        ck_assert_msg(holds(path, expected, size_bytes), "%s", path);
}

void case_assert_finished(uint32_t file, const void *expected, size_t size_bytes)
{
        const FileRecord *record = &case_worker.records[file];

        ck_assert_msg(case_worker.finished, "%s", case_worker.description);
        ck_assert(record->finished);
        ck_assert_uint_eq(record->offset_bytes, size_bytes);
        ck_assert_uint_eq(record->total_bytes, size_bytes);
        ck_assert(case_holds(record, expected, size_bytes));
}

void case_assert_failed(uint32_t code, bool transient, const char *context)
{
        char name[ERROR_CODE_NAME_MAX];

        ck_assert(case_worker.failed);
        ck_assert_msg(case_worker.code == code,
                      "%s: %s",
                      error_code_name(case_worker.code, name),
                      case_worker.description);
        ck_assert_int_eq(case_worker.transient, transient);
        ck_assert_str_eq(case_worker.context, context);
        ck_assert_uint_eq(case_worker.failed_file, 0);
        ck_assert_str_ne(case_worker.description, "");
}

static size_t count(const char *text, const char *part)
{
        size_t n = 0;

        for (const char *at = text; (at = strstr(at, part)); at++)
                n++;
        return n;
}

size_t case_count_in_log(const HttpServer *server, const char *part)
{
        _cleanup_free_ char *text = http_server_log(server);

        return count(text, part);
}

void case_assert_log_count(const HttpServer *server, const char *part, size_t expected)
{
        _cleanup_free_ char *text = http_server_log(server);

        ck_assert_msg(count(text, part) == expected,
                      "\"%s\" %zu times in:\n%s",
                      part,
                      count(text, part),
                      text);
}

size_t case_entries_in_home(void)
{
        _cleanup_free_ char *command = NULL, *out = temp_dir_path(case_dir, "listing");
        _cleanup_free_ char *text = NULL;

        ck_assert_int_gt(asprintf(&command, "ls -A %s > %s", case_home, out), 0);
        ck_assert_int_eq(process_run(&(ProcessSpec){ .argv = PROCESS_ARGV("sh", "-c", command) }),
                         0);
        text = temp_dir_read(out, NULL);
        return count(text, "\n");
}
