/*
 * dosvc-worker as the manager sees it: the real program, over its link, against a server
 * that is good, strict or hostile as each test wants. As root, because the worker is
 * another user.
 */
#include <check.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dbus/worker-wire.h"

#include "base/macro.h"

#include "model/error-code.h"
#include "tests/lib/http-tricks.h"
#include "tests/lib/memory-scan.h"
#include "tests/lib/process.h"
#include "tests/lib/sanitizer.h"
#include "tests/lib/temp-dir.h"
#include "tests/lib/worker-driver.h"

#define SIZE     TRICKS_SIZE
#define PART     TRICKS_PART
#define ETAG     TRICKS_ETAG
#define ETAG_B   TRICKS_ETAG_B
#define MODIFIED TRICKS_MODIFIED
#define USER     TRICKS_USER
#define PASSWORD TRICKS_PASSWORD

static char *dir;  /* of the whole test */
static char *home; /* of the owner */
static HttpServer server, other;
static WorkerDriver worker, second;

/* ---- the owner's side ------------------------------------------------------------------- */

static const DriverCredential right[] = {
        { AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, USER, PASSWORD },
        { AUTH_TARGET_SERVER, AUTH_SCHEME_DIGEST, USER, PASSWORD },
        { AUTH_TARGET_PROXY, AUTH_SCHEME_BASIC, "proxy-" USER, PASSWORD },
};

static const DriverCredential wrong[] = {
        { AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, USER, "guess" },
        { AUTH_TARGET_SERVER, AUTH_SCHEME_DIGEST, USER, "guess" },
        { AUTH_TARGET_PROXY, AUTH_SCHEME_BASIC, USER, "guess" },
};

static void give(WorkerDriver *driver, const DriverCredential *credentials, size_t n)
{
        driver->credentials = credentials;
        driver->n_credentials = n;
}

static void make_record(FileRecord *record, uint32_t index, const char *path, const char *name)
{
        _cleanup_free_ char *url = http_server_url(&server, path);
        _cleanup_free_ char *local = temp_dir_path(home, name);

        ck_assert_int_ge(file_record_init(record, index, url, local), 0);
}

/* Starts a worker on one file of that path on the server. */
static void begin(WorkerDriver *driver, const char *path, const char *proxy)
{
        FileRecord record;

        make_record(&record, 0, path, "file");
        driver_start(driver);
        driver_download(driver, &record, 1, proxy);
        file_record_done(&record);
}

static void fetch(const char *path)
{
        begin(&worker, path, NULL);
        driver_wait(&worker);
}

static void fetch_as(const char *path, const DriverCredential *credentials, const char *proxy)
{
        FileRecord record;

        make_record(&record, 0, path, "file");
        driver_start(&worker);
        give(&worker, credentials, credentials ? 3 : 0);
        driver_download(&worker, &record, 1, proxy);
        driver_wait(&worker);
        file_record_done(&record);
}

/* What the manager would know of file 0 after that worker; the worker ends as given. */
static FileRecord remember(WorkerDriver *driver, void (*ending)(WorkerDriver *))
{
        FileRecord record;

        ck_assert_int_ge(file_record_copy(&record, &driver->records[0]), 0);
        ending(driver);
        return record;
}

static void resume(FileRecord *record)
{
        driver_start(&worker);
        driver_download(&worker, record, 1, NULL);
        driver_wait(&worker);
        file_record_done(record);
}

/* The file that is named holds exactly those bytes. */
static void assert_bytes(const char *path, const void *expected, size_t size)
{
        size_t found;
        _cleanup_free_ char *bytes = temp_dir_read(path, &found);

        ck_assert_uint_eq(found, size);
        ck_assert(memcmp(bytes, expected, size) == 0);
}

static char *temp_path(const FileRecord *record)
{
        ck_assert_str_ne(record->temp_name, "");
        return temp_dir_path(home, record->temp_name);
}

static void assert_finished_with(const void *expected, size_t size)
{
        _cleanup_free_ char *path = NULL;

        ck_assert_msg(worker.finished, "%s", worker.description);
        ck_assert(worker.records[0].finished);
        ck_assert_uint_eq(worker.records[0].offset_bytes, size);
        ck_assert_uint_eq(worker.records[0].total_bytes, size);
        path = temp_path(&worker.records[0]);
        assert_bytes(path, expected, size);
}

static void assert_failed(uint32_t code, bool transient, const char *context)
{
        char name[ERROR_CODE_NAME_MAX];

        ck_assert(worker.failed);
        ck_assert_msg(worker.code == code,
                      "%s: %s",
                      error_code_name(worker.code, name),
                      worker.description);
        ck_assert_int_eq(worker.transient, transient);
        ck_assert_str_eq(worker.context, context);
        ck_assert_uint_eq(worker.failed_file, 0);
        ck_assert_str_ne(worker.description, "");
}

static size_t count_of(const char *text, const char *part)
{
        size_t n = 0;

        for (const char *at = text; (at = strstr(at, part)); at++)
                n++;
        return n;
}

static void assert_log_count(const HttpServer *of, const char *part, size_t expected)
{
        _cleanup_free_ char *text = http_server_log(of);

        ck_assert_msg(count_of(text, part) == expected,
                      "\"%s\" %zu times in:\n%s",
                      part,
                      count_of(text, part),
                      text);
}

static size_t entries_in_home(void)
{
        _cleanup_free_ char *command = NULL, *out = temp_dir_path(dir, "listing"), *text = NULL;

        ck_assert_int_gt(asprintf(&command, "ls -A %s > %s", home, out), 0);
        ck_assert_int_eq(process_run(&(ProcessSpec){ .argv = PROCESS_ARGV("sh", "-c", command) }),
                         0);
        text = temp_dir_read(out, NULL);
        return count_of(text, "\n");
}

static void set_up(void)
{
        dir = temp_dir_new();
        home = temp_dir_path(dir, "home");
        temp_dir_make(home, 0700, WORKER_DRIVER_UID);
        http_server_start(&server, tricks_serve, dir);
        http_server_start(&other, tricks_serve, dir);
}

static void tear_down(void)
{
        driver_stop(&worker);
        driver_stop(&second);
        http_server_stop(&server);
        http_server_stop(&other);
        free(home);
        dir = temp_dir_remove(dir);
}

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

        driver_start(&worker);
        ck_assert_int_gt(asprintf(&path, "/proc/%d/status", (int) worker.pid), 0);
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

        begin(&worker, "/stall", NULL);
        make_record(&record, 0, "/plain", "file");
        ck_assert_str_eq(driver_try_download(&worker, &record), DOSVC_ERROR_PREFIX "InvalidState");
        file_record_done(&record);
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
                driver_start(&worker);
                ck_assert_str_eq(driver_try_download(&worker, &record),
                                 "org.freedesktop.DBus.Error.InvalidArgs");
                driver_stop(&worker);
                file_record_done(&record);
        }
}
END_TEST

/* ---- downloads -------------------------------------------------------------------------- */

START_TEST(a_file_arrives_whole_beside_its_name)
{
        _cleanup_free_ char *final = temp_dir_path(home, "file");

        fetch("/plain");
        assert_finished_with(tricks_a, SIZE);
        ck_assert_int_lt(access(final, F_OK), 0);
        ck_assert_str_eq(worker.records[0].etag, ETAG);
        ck_assert_str_eq(worker.records[0].last_modified, MODIFIED);
        ck_assert_str_eq(worker.records[0].effective_url, worker.records[0].remote_name);
        assert_log_count(&server, "GET ", 1);
        assert_log_count(&server, "Range", 0);
        assert_log_count(&server, "Accept-Encoding", 0);
}
END_TEST

START_TEST(many_files_arrive_on_few_connections)
{
        enum { FILES = 100 };
        FileRecord records[FILES];

        for (uint32_t i = 0; i < FILES; i++) {
                char name[16];

                (void) snprintf(name, sizeof(name), "file-%u", i);
                make_record(&records[i], i, i % 2 ? "/empty" : "/chunked", name);
        }
        driver_start(&worker);
        driver_download(&worker, records, FILES, NULL);
        driver_wait(&worker);
        ck_assert(worker.finished);
        for (uint32_t i = 0; i < FILES; i++) {
                _cleanup_free_ char *path = temp_path(&worker.records[i]);

                ck_assert(worker.records[i].finished);
                assert_bytes(path, tricks_a, i % 2 ? 0 : SIZE);
                file_record_done(&records[i]);
        }
        /* Finished ones are told together, not one by one. */
        ck_assert_uint_lt(worker.n_checkpoints, FILES);
}
END_TEST

START_TEST(a_body_without_a_length_arrives)
{
        static const char *const paths[] = { "/chunked", "/unframed", "/empty" };

        for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
                fetch(paths[i]);
                assert_finished_with(tricks_a, i == 2 ? 0 : SIZE);
                driver_stop(&worker);
        }
}
END_TEST

START_TEST(a_trailer_is_not_believed)
{
        fetch("/chunked");
        ck_assert_str_eq(worker.records[0].etag, "");
}
END_TEST

START_TEST(response_headers_are_kept_without_cookies)
{
        fetch("/plain");
        ck_assert_ptr_nonnull(strstr(worker.records[0].headers, "HTTP/1.1 200 OK\n"));
        ck_assert_ptr_nonnull(strstr(worker.records[0].headers, "Last-Modified: " MODIFIED "\n"));
        ck_assert_ptr_null(strstr(worker.records[0].headers, "confidential"));
}
END_TEST

START_TEST(a_new_temporary_file_is_told_before_its_bytes)
{
        begin(&worker, "/stall", NULL);
        driver_wait_received(&worker, PART);
        ck_assert_str_ne(worker.records[0].temp_name, "");
        ck_assert_uint_ne(worker.records[0].inode, 0);
        ck_assert_str_eq(worker.records[0].etag, ETAG);
        ck_assert_uint_eq(worker.records[0].total_bytes, SIZE);
        ck_assert_uint_ge(worker.n_checkpoints, 1);
}
END_TEST

START_TEST(a_checkpoint_comes_while_bytes_flow)
{
        begin(&worker, "/stall", NULL);
        driver_wait_checkpoint(&worker, 0, PART);
        ck_assert(!worker.records[0].finished);
}
END_TEST

START_TEST(a_temporary_file_is_private)
{
        _cleanup_free_ char *path = NULL;
        struct stat st;

        fetch("/plain");
        path = temp_path(&worker.records[0]);
        ck_assert_int_eq(stat(path, &st), 0);
        ck_assert_uint_eq(st.st_mode & 07777, 0600);
        ck_assert_uint_eq(st.st_uid, WORKER_DRIVER_UID);
}
END_TEST

/* ---- credentials ------------------------------------------------------------------------ */

START_TEST(no_credential_is_sent_before_it_is_asked_for)
{
        _cleanup_free_ char *text = NULL;
        const char *first_end;

        fetch_as("/basic", right, NULL);
        assert_finished_with(tricks_a, SIZE);
        text = http_server_log(&server);
        first_end = strstr(text, "\n\n");
        ck_assert_ptr_nonnull(first_end);
        ck_assert(!strstr(text, "Authorization") || strstr(text, "Authorization") > first_end);
        assert_log_count(&server, "GET ", 2);
        assert_log_count(&server, "Authorization: Basic ", 1);
        ck_assert_str_eq(worker.questions, "0 server basic;");
}
END_TEST

START_TEST(digest_is_used_where_it_is_asked_for)
{
        static const char *const paths[] = { "/digest", "/digest-sha256" };

        for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
                fetch_as(paths[i], right, NULL);
                assert_finished_with(tricks_a, SIZE);
                ck_assert_str_eq(worker.questions, "0 server digest;");
                driver_stop(&worker);
        }
        assert_log_count(&server, "Authorization: Basic", 0);
}
END_TEST

START_TEST(a_wrong_password_is_a_fatal_401)
{
        static const char *const paths[] = { "/basic", "/digest", "/digest-sha256" };

        for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
                fetch_as(paths[i], wrong, NULL);
                assert_failed(ERROR_CODE_HTTP(401), false, "remote-file");
                driver_stop(&worker);
        }
        ck_assert_uint_eq(entries_in_home(), 0);
}
END_TEST

START_TEST(no_password_is_a_fatal_401)
{
        fetch_as("/basic", NULL, NULL);
        assert_failed(ERROR_CODE_HTTP(401), false, "remote-file");
        assert_log_count(&server, "GET ", 1);
}
END_TEST

START_TEST(all_schemes_of_a_challenge_are_told)
{
        fetch_as("/many-schemes", right, NULL);
        assert_finished_with(tricks_a, SIZE);
        ck_assert_str_eq(worker.questions, "0 server basic,digest,ntlm,negotiate;");
        assert_log_count(&server, "Authorization: Basic", 0);
}
END_TEST

START_TEST(a_challenge_nobody_knows_is_not_asked_about)
{
        fetch_as("/unknown-scheme", right, NULL);
        assert_failed(ERROR_CODE_HTTP(401), false, "remote-file");
        ck_assert_str_eq(worker.questions, "");
}
END_TEST

START_TEST(each_file_starts_without_credentials)
{
        FileRecord records[2];

        make_record(&records[0], 0, "/basic", "one");
        make_record(&records[1], 1, "/basic", "two");
        driver_start(&worker);
        give(&worker, right, ARRAY_SIZE(right));
        driver_download(&worker, records, 2, NULL);
        driver_wait(&worker);
        ck_assert(worker.finished);
        assert_log_count(&server, "GET ", 4);
        assert_log_count(&server, "Authorization: ", 2);
        file_record_done(&records[0]);
        file_record_done(&records[1]);
}
END_TEST

START_TEST(another_port_gets_no_credentials)
{
        for (unsigned challenged = 0; challenged < 2; challenged++) {
                char path[64];

                (void) snprintf(path,
                                sizeof(path),
                                "/%s?%u",
                                challenged ? "basic-away" : "away",
                                other.port);
                fetch_as(path, right, NULL);
                assert_failed(ERROR_CODE_HTTP(401), false, "remote-file");
                /* It was not even asked for: only the first origin's own challenge was. */
                ck_assert_str_eq(worker.questions, challenged ? "0 server basic;" : "");
                driver_stop(&worker);
        }
        assert_log_count(&other, "GET /basic\n", 2);
        assert_log_count(&other, "Authorization", 0);
}
END_TEST

START_TEST(a_password_in_a_redirect_is_not_used)
{
        fetch_as("/with-user", NULL, NULL);
        assert_failed(ERROR_CODE_HTTP(401), false, "remote-file");
        assert_log_count(&server, "Authorization", 0);
        ck_assert_ptr_null(strstr(worker.url, PASSWORD));
}
END_TEST

START_TEST(a_proxy_gets_its_own_credential)
{
        _cleanup_free_ char *proxy = http_server_url(&other, "");

        fetch_as("/plain", right, proxy);
        assert_finished_with(tricks_a, SIZE);
        ck_assert_str_eq(worker.questions, "0 proxy basic;");
        assert_log_count(&other, "GET http://", 2);
        assert_log_count(&other, "Proxy-Authorization: Basic", 1);
        assert_log_count(&other, "\nAuthorization", 0);
        ck_assert_uint_eq(http_server_count(&server), 0);
}
END_TEST

START_TEST(a_proxy_that_refuses_is_a_fatal_407)
{
        _cleanup_free_ char *proxy = http_server_url(&other, "");

        fetch_as("/plain", wrong, proxy);
        assert_failed(ERROR_CODE_HTTP(407), false, "remote-file");
}
END_TEST

START_TEST(proxy_and_server_may_both_ask)
{
        _cleanup_free_ char *proxy = http_server_url(&other, "");

        fetch_as("/basic", right, proxy);
        assert_finished_with(tricks_a, SIZE);
        ck_assert_str_eq(worker.questions, "0 proxy basic;0 server basic;");
}
END_TEST

START_TEST(a_tunnel_asks_for_the_proxy_credential)
{
        _cleanup_free_ char *proxy = http_server_url(&other, "");
        _cleanup_free_ char *local = temp_dir_path(home, "file");
        const DriverCredential *const given[] = { wrong, right };

        for (size_t i = 0; i < 2; i++) {
                FileRecord record;

                ck_assert_int_ge(file_record_init(&record, 0, "https://127.0.0.1:1/x", local), 0);
                driver_start(&worker);
                give(&worker, given[i], 3);
                driver_download(&worker, &record, 1, proxy);
                driver_wait(&worker);
                ck_assert_ptr_nonnull(strstr(worker.questions, "0 proxy basic;"));
                /* The test's proxy opens no tunnel; it says so only to those it knows. */
                assert_failed(ERROR_CODE_HTTP(i ? 502 : 407), i == 1, "remote-file");
                driver_stop(&worker);
                file_record_done(&record);
        }
        assert_log_count(&other, "\nAuthorization", 0);
}
END_TEST

#ifndef WITH_SANITIZER

START_TEST(a_password_is_gone_from_memory_when_the_file_is_there)
{
        static const char *const paths[] = { "/basic", "/digest" };

        for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
                const char *where = "";

                fetch_as(paths[i], right, NULL);
                ck_assert(worker.finished);
                ck_assert_msg(!memory_scan_process(worker.pid, PASSWORD, &where), "%s", where);
                /* The middle of "reader:Plover-…" in base64. */
                ck_assert_msg(!memory_scan_process(worker.pid, "cmVhZGVyOlBsb3Zlci14eXp6", &where),
                              "%s",
                              where);
                driver_stop(&worker);
        }
}
END_TEST

#endif

/* ---- redirects -------------------------------------------------------------------------- */

START_TEST(a_redirect_is_followed_and_its_body_left)
{
        for (unsigned i = 0; i < 3; i++) {
                fetch("/relative");
                assert_finished_with(tricks_a, SIZE);
                ck_assert_ptr_nonnull(strstr(worker.records[0].effective_url, "/plain"));
                ck_assert_ptr_null(strchr(worker.records[0].effective_url, '#'));
                driver_stop(&worker);
        }
}
END_TEST

START_TEST(a_redirect_loop_ends)
{
        fetch("/loop");
        assert_failed((uint32_t) ERROR_CODE_REDIRECT_FAILED, false, "remote-file");
        assert_log_count(&server, "GET /loop", 11);
}
END_TEST

START_TEST(a_redirect_to_another_protocol_is_refused)
{
        fetch("/to-ftp");
        assert_failed((uint32_t) ERROR_CODE_REDIRECT_FAILED, false, "remote-file");
        driver_stop(&worker);
        fetch("/to-file");
        assert_failed((uint32_t) ERROR_CODE_REDIRECT_FAILED, false, "remote-file");
}
END_TEST

/* ---- resuming --------------------------------------------------------------------------- */

/* A part of the file is there, a worker was ended in that way, another one goes on. */
static FileRecord interrupted(const char *path, void (*ending)(WorkerDriver *))
{
        begin(&worker, path, NULL);
        driver_wait_received(&worker, PART);
        if (ending == driver_kill)
                driver_wait_checkpoint(&worker, 0, PART);
        else
                driver_call_stop(&worker);
        http_server_forget(&server);
        return remember(&worker, ending);
}

START_TEST(a_stopped_file_goes_on_with_if_range)
{
        FileRecord record;

        begin(&worker, "/stall", NULL);
        driver_wait_received(&worker, PART);
        driver_call_stop(&worker);
        ck_assert_uint_eq(worker.records[0].offset_bytes, PART);
        http_server_forget(&server);
        record = remember(&worker, driver_stop);

        resume(&record);
        assert_finished_with(tricks_a, SIZE);
        assert_log_count(&server, "Range: bytes=1048576-\n", 1);
        assert_log_count(&server, "If-Range: " ETAG "\n", 1);
        assert_log_count(&server, "GET ", 1);
        ck_assert_uint_eq(entries_in_home(), 1);
}
END_TEST

START_TEST(a_killed_worker_s_file_goes_on)
{
        FileRecord record = interrupted("/stall", driver_kill);

        resume(&record);
        assert_finished_with(tricks_a, SIZE);
        assert_log_count(&server, "If-Range: " ETAG "\n", 1);
}
END_TEST

START_TEST(a_hang_up_alone_keeps_the_bytes)
{
        FileRecord record;
        _cleanup_free_ char *path = NULL;
        struct stat st;

        begin(&worker, "/stall", NULL);
        driver_wait_received(&worker, PART);
        record = remember(&worker, driver_stop);
        path = temp_path(&record);
        ck_assert_int_eq(stat(path, &st), 0);
        ck_assert_int_eq(st.st_size, PART);
        file_record_done(&record);
}
END_TEST

START_TEST(a_changed_version_starts_again)
{
        FileRecord record = interrupted("/changing", driver_stop);
        _cleanup_free_ char *before = temp_path(&record);

        resume(&record);
        assert_finished_with(tricks_b, SIZE);
        ck_assert_str_eq(worker.records[0].etag, ETAG_B);
        assert_log_count(&server, "GET ", 1);
        /* A crash can never pair the old record with the new bytes. */
        ck_assert_int_lt(access(before, F_OK), 0);
        ck_assert_uint_eq(entries_in_home(), 1);
}
END_TEST

START_TEST(a_strong_date_resumes)
{
        FileRecord record = interrupted("/dated", driver_stop);

        resume(&record);
        assert_finished_with(tricks_a, SIZE);
        assert_log_count(&server, "If-Range: " MODIFIED "\n", 1);
}
END_TEST

START_TEST(a_date_of_the_same_second_starts_again)
{
        FileRecord record = interrupted("/just-now", driver_stop);

        resume(&record);
        assert_finished_with(tricks_a, SIZE);
        assert_log_count(&server, "Range", 0);
        ck_assert_uint_eq(worker.records[0].restarts, 1);
        ck_assert_str_ne(worker.records[0].restart_reason, "");
}
END_TEST

START_TEST(a_weak_validator_resumes_by_its_date_alone)
{
        FileRecord record = interrupted("/weak", driver_stop);

        resume(&record);
        assert_finished_with(tricks_a, SIZE);
        assert_log_count(&server, "If-Range: " MODIFIED "\n", 1);
        ck_assert_uint_eq(worker.records[0].restarts, 0);
}
END_TEST

START_TEST(a_wrong_part_is_never_glued_on)
{
        FileRecord record = interrupted("/lying", driver_stop);

        resume(&record);
        assert_finished_with(tricks_a, SIZE);
        assert_log_count(&server, "GET ", 2);
        assert_log_count(&server, "\nRange", 1);
}
END_TEST

START_TEST(a_part_that_was_not_asked_for_is_refused)
{
        fetch("/unasked-part");
        assert_failed((uint32_t) ERROR_CODE_INVALID_SERVER_RESPONSE, true, "remote-file");
}
END_TEST

START_TEST(a_file_that_was_all_there_needs_no_request)
{
        FileRecord record;

        fetch("/plain");
        http_server_forget(&server);
        record = remember(&worker, driver_stop);
        record.finished = false;
        resume(&record);
        assert_finished_with(tricks_a, SIZE);
        ck_assert_uint_eq(http_server_count(&server), 0);
}
END_TEST

START_TEST(a_range_behind_the_end_means_whole)
{
        FileRecord record;

        fetch("/plain");
        record = remember(&worker, driver_stop);
        record.finished = false;
        record.total_bytes = DOSVC_SIZE_UNKNOWN;
        resume(&record);
        assert_finished_with(tricks_a, SIZE);
        assert_log_count(&server, "Range: bytes=3145728-\n", 1);
}
END_TEST

START_TEST(a_temporary_file_that_is_gone_or_short_starts_again)
{
        for (unsigned i = 0; i < 2; i++) {
                FileRecord record = interrupted("/stall", driver_stop);
                _cleanup_free_ char *path = temp_path(&record);

                ck_assert_int_eq(i ? truncate(path, 1000) : unlink(path), 0);
                resume(&record);
                assert_finished_with(tricks_a, SIZE);
                assert_log_count(&server, "Range", 0);
                driver_stop(&worker);
                server.counters[0] = 0;
        }
}
END_TEST

START_TEST(bytes_behind_the_recorded_offset_are_not_trusted)
{
        FileRecord record = interrupted("/stall", driver_stop);
        _cleanup_free_ char *path = temp_path(&record);
        FILE *out = fopen(path, "ae");

        ck_assert_ptr_nonnull(out);
        ck_assert_int_ge(fputs("what a crash left behind", out), 0);
        ck_assert_int_eq(fclose(out), 0);
        resume(&record);
        assert_finished_with(tricks_a, SIZE);
}
END_TEST

/* ---- failures of the other side --------------------------------------------------------- */

START_TEST(a_missing_file_is_fatal)
{
        fetch("/gone?token=confidential");
        assert_failed(ERROR_CODE_HTTP(404), false, "remote-file");
        ck_assert_ptr_null(strstr(worker.description, "confidential"));
        ck_assert_ptr_nonnull(strstr(worker.description, "404"));
        /* The page that came with it is nobody's file. */
        ck_assert_uint_eq(entries_in_home(), 0);
}
END_TEST

START_TEST(a_busy_server_says_when_to_come_back)
{
        fetch("/busy");
        assert_failed(ERROR_CODE_HTTP(503), true, "remote-file");
        ck_assert_uint_eq(worker.retry_after_sec, 120);
}
END_TEST

START_TEST(a_short_body_is_transient_and_keeps_its_bytes)
{
        fetch("/short");
        assert_failed((uint32_t) ERROR_CODE_CONNECTION_CLOSED, true, "remote-file");
        ck_assert_uint_eq(worker.records[0].offset_bytes, PART);
        ck_assert(!worker.records[0].finished);
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
                fetch(answers[i].path);
                assert_failed((uint32_t) answers[i].code, true, "remote-file");
                driver_stop(&worker);
        }
}
END_TEST

START_TEST(an_endless_error_page_ends)
{
        fetch("/endless-error");
        assert_failed(ERROR_CODE_HTTP(500), true, "remote-file");
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
                _cleanup_free_ char *local = temp_dir_path(home, "file");
                FileRecord record;

                ck_assert_int_ge(file_record_init(&record, 0, urls[i].url, local), 0);
                driver_start(&worker);
                driver_download(&worker, &record, 1, NULL);
                driver_wait(&worker);
                assert_failed((uint32_t) urls[i].code, true, "transport");
                ck_assert_ptr_null(strstr(worker.description, "confidential"));
                driver_stop(&worker);
                file_record_done(&record);
        }
}
END_TEST

START_TEST(a_failure_keeps_what_other_files_have)
{
        FileRecord records[2];

        make_record(&records[0], 0, "/stall", "one");
        make_record(&records[1], 1, "/short?later", "two");
        driver_start(&worker);
        driver_download(&worker, records, 2, NULL);
        driver_wait(&worker);
        ck_assert(worker.failed);
        ck_assert_uint_eq(worker.failed_file, 1);
        ck_assert_uint_eq(worker.records[0].offset_bytes, PART);
        ck_assert_uint_eq(worker.records[1].offset_bytes, PART);
        file_record_done(&records[0]);
        file_record_done(&records[1]);
}
END_TEST

/* ---- failures of this side -------------------------------------------------------------- */

/* Downloads to a path below dir and fails with that code before any request. */
static void assert_place_refused(const char *local_name, int code)
{
        _cleanup_free_ char *url = http_server_url(&server, "/plain");
        FileRecord record;

        ck_assert_int_ge(file_record_init(&record, 0, url, local_name), 0);
        driver_start(&worker);
        driver_download(&worker, &record, 1, NULL);
        driver_wait(&worker);
        assert_failed((uint32_t) code, false, "local-file");
        ck_assert_ptr_nonnull(strstr(worker.description, local_name));
        ck_assert_uint_eq(http_server_count(&server), 0);
        driver_stop(&worker);
        file_record_done(&record);
}

START_TEST(a_place_that_cannot_take_a_file_is_refused_early)
{
        _cleanup_free_ char *path = temp_dir_path(home, "taken");
        _cleanup_free_ char *missing = temp_dir_path(home, "missing/file");
        _cleanup_free_ char *under_file = temp_dir_path(home, "plain/file");
        _cleanup_free_ char *plain = temp_dir_path(home, "plain");
        _cleanup_free_ char *foreign = temp_dir_path(dir, "file");

        temp_dir_make(path, 0755, WORKER_DRIVER_UID);
        assert_place_refused(path, ERROR_CODE_NOT_A_FILE);
        ck_assert_int_eq(rmdir(path), 0);
        ck_assert_int_eq(mkfifo(path, 0666), 0);
        assert_place_refused(path, ERROR_CODE_NOT_A_FILE);

        temp_dir_write(plain, "");
        assert_place_refused(missing, ERROR_CODE_PATH_NOT_FOUND);
        assert_place_refused(under_file, ERROR_CODE_PATH_NOT_FOUND);
        assert_place_refused(foreign, ERROR_CODE_ACCESS_DENIED);
        assert_place_refused("/proc/self/x", ERROR_CODE_ACCESS_DENIED);
        assert_place_refused("/dev/null", ERROR_CODE_NOT_A_FILE);
}
END_TEST

START_TEST(a_full_disk_is_transient)
{
        static const char *const paths[] = { "/plain", "/unframed" };

        ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
        ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
        ck_assert_int_eq(mount("small", home, "tmpfs", 0, "size=2m,uid=7101,mode=0700"), 0);
        for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
                fetch(paths[i]);
                assert_failed((uint32_t) ERROR_CODE_DISK_FULL, true, "local-file");
                /* With a known size it is noticed before the first byte. */
                ck_assert(i == 0 ? worker.records[0].offset_bytes == 0
                                 : worker.records[0].offset_bytes >= PART);
                driver_stop(&worker);
        }
        ck_assert_int_eq(umount(home), 0);
}
END_TEST

START_TEST(a_symlink_in_place_of_the_temporary_file_is_not_followed)
{
        FileRecord record = interrupted("/stall", driver_stop);
        _cleanup_free_ char *path = temp_path(&record);
        _cleanup_free_ char *victim = temp_dir_path(home, "victim");

        temp_dir_write(victim, "precious");
        ck_assert_int_eq(chown(victim, WORKER_DRIVER_UID, WORKER_DRIVER_UID), 0);
        ck_assert_int_eq(unlink(path), 0);
        ck_assert_int_eq(symlink(victim, path), 0);
        resume(&record);
        assert_finished_with(tricks_a, SIZE);
        assert_bytes(victim, "precious", 8);
}
END_TEST

START_TEST(a_hard_link_in_place_of_the_temporary_file_is_not_written)
{
        FileRecord record = interrupted("/stall", driver_stop);
        _cleanup_free_ char *path = temp_path(&record);
        _cleanup_free_ char *victim = temp_dir_path(home, "victim");

        ck_assert_int_eq(link(path, victim), 0);
        resume(&record);
        assert_finished_with(tricks_a, SIZE);
        assert_bytes(victim, tricks_a, PART);
}
END_TEST

START_TEST(two_workers_never_write_one_file)
{
        FileRecord record;

        begin(&second, "/stall", NULL);
        driver_wait_checkpoint(&second, 0, PART);
        ck_assert_int_ge(file_record_copy(&record, &second.records[0]), 0);
        driver_start(&worker);
        driver_download(&worker, &record, 1, NULL);
        driver_wait(&worker);
        assert_failed((uint32_t) ERROR_CODE_FILE_IN_USE, true, "local-file");
        file_record_done(&record);
}
END_TEST

/* ---- Publish and Clean ------------------------------------------------------------------ */

static size_t publish(const FileRecord *record)
{
        size_t failures;

        driver_start(&worker);
        failures = driver_do_files(&worker, WORKER_PUBLISH, record, 1);
        return failures;
}

static FileRecord fetched(const char *path)
{
        fetch(path);
        ck_assert(worker.finished);
        return remember(&worker, driver_stop);
}

START_TEST(a_published_file_has_name_mode_and_time)
{
        FileRecord record = fetched("/plain");
        struct stat st;

        ck_assert_uint_eq(publish(&record), 0);
        assert_bytes(record.local_name, tricks_a, SIZE);
        ck_assert_int_eq(lstat(record.local_name, &st), 0);
        ck_assert_uint_eq(st.st_mode & 07777, 0644);
        ck_assert_int_eq(st.st_mtime, 1709200800); /* MODIFIED */
        ck_assert_uint_eq(entries_in_home(), 1);
        file_record_done(&record);
}
END_TEST

START_TEST(publishing_may_be_repeated)
{
        FileRecord record = fetched("/plain");

        ck_assert_uint_eq(publish(&record), 0);
        driver_stop(&worker);
        ck_assert_uint_eq(publish(&record), 0);
        assert_bytes(record.local_name, tricks_a, SIZE);
        file_record_done(&record);
}
END_TEST

START_TEST(a_symlink_of_the_final_name_is_replaced)
{
        FileRecord record = fetched("/plain");
        _cleanup_free_ char *victim = temp_dir_path(home, "victim");
        struct stat st;

        temp_dir_write(victim, "precious");
        ck_assert_int_eq(symlink(victim, record.local_name), 0);
        ck_assert_uint_eq(publish(&record), 0);
        ck_assert_int_eq(lstat(record.local_name, &st), 0);
        ck_assert(S_ISREG(st.st_mode));
        assert_bytes(victim, "precious", 8);
        file_record_done(&record);
}
END_TEST

START_TEST(a_directory_of_the_final_name_stays)
{
        FileRecord record = fetched("/plain");

        temp_dir_make(record.local_name, 0755, WORKER_DRIVER_UID);
        ck_assert_uint_eq(publish(&record), 1);
        ck_assert_uint_eq(worker.code, (uint32_t) ERROR_CODE_NOT_A_FILE);
        ck_assert_ptr_nonnull(strstr(worker.description, record.local_name));
        ck_assert_uint_eq(entries_in_home(), 2);
        file_record_done(&record);
}
END_TEST

START_TEST(a_finished_file_that_was_exchanged_is_not_published)
{
        FileRecord record = fetched("/plain");
        _cleanup_free_ char *path = temp_path(&record);
        _cleanup_free_ char *aside = temp_dir_path(home, "aside");

        ck_assert_int_eq(rename(path, aside), 0);
        temp_dir_write(path, "something else");
        ck_assert_int_eq(chown(path, WORKER_DRIVER_UID, WORKER_DRIVER_UID), 0);
        ck_assert_uint_eq(publish(&record), 1);
        ck_assert_int_lt(access(record.local_name, F_OK), 0);
        file_record_done(&record);
}
END_TEST

START_TEST(publishing_removes_what_is_not_finished)
{
        FileRecord record = interrupted("/stall", driver_stop);

        ck_assert_uint_eq(publish(&record), 0);
        ck_assert_uint_eq(entries_in_home(), 0);
        file_record_done(&record);
}
END_TEST

START_TEST(cleaning_removes_the_recorded_file_only)
{
        FileRecord record = fetched("/plain");
        _cleanup_free_ char *path = temp_path(&record);

        record.inode++;
        driver_start(&worker);
        ck_assert_uint_eq(driver_do_files(&worker, WORKER_CLEAN, &record, 1), 0);
        driver_stop(&worker);
        assert_bytes(path, tricks_a, SIZE);

        record.inode--;
        driver_start(&worker);
        ck_assert_uint_eq(driver_do_files(&worker, WORKER_CLEAN, &record, 1), 0);
        ck_assert_uint_eq(entries_in_home(), 0);
        file_record_done(&record);
}
END_TEST

START_TEST(cleaning_where_nothing_is_left_succeeds)
{
        FileRecord record = fetched("/plain");
        _cleanup_free_ char *moved = temp_dir_path(dir, "moved");

        ck_assert_int_eq(rename(home, moved), 0);
        driver_start(&worker);
        ck_assert_uint_eq(driver_do_files(&worker, WORKER_CLEAN, &record, 1), 0);
        file_record_done(&record);
}
END_TEST

/* ---- the list --------------------------------------------------------------------------- */

static TCase *new_case(Suite *suite, const char *name)
{
        TCase *tcase = tcase_create(name);

        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_set_timeout(tcase, 60);
        suite_add_tcase(suite, tcase);
        return tcase;
}

static void add_process(Suite *suite)
{
        TCase *tcase = new_case(suite, "process");

        tcase_add_test(tcase, a_worker_with_capabilities_ends);
        tcase_add_test(tcase, a_worker_that_could_gain_rights_ends);
        tcase_add_test(tcase, a_worker_without_a_link_ends);
        tcase_add_test(tcase, a_worker_ends_with_its_link);
        tcase_add_test(tcase, a_worker_cannot_be_dumped_and_is_filtered);
        tcase_add_test(tcase, a_worker_takes_one_task);
        tcase_add_test(tcase, an_order_with_a_bad_path_or_url_is_refused);
}

static void add_downloads(Suite *suite)
{
        TCase *tcase = new_case(suite, "downloads");

        tcase_add_test(tcase, a_file_arrives_whole_beside_its_name);
        tcase_add_test(tcase, many_files_arrive_on_few_connections);
        tcase_add_test(tcase, a_body_without_a_length_arrives);
        tcase_add_test(tcase, a_trailer_is_not_believed);
        tcase_add_test(tcase, response_headers_are_kept_without_cookies);
        tcase_add_test(tcase, a_new_temporary_file_is_told_before_its_bytes);
        tcase_add_test(tcase, a_checkpoint_comes_while_bytes_flow);
        tcase_add_test(tcase, a_temporary_file_is_private);
}

static void add_credentials(Suite *suite)
{
        TCase *tcase = new_case(suite, "credentials");

        tcase_add_test(tcase, no_credential_is_sent_before_it_is_asked_for);
        tcase_add_test(tcase, digest_is_used_where_it_is_asked_for);
        tcase_add_test(tcase, a_wrong_password_is_a_fatal_401);
        tcase_add_test(tcase, no_password_is_a_fatal_401);
        tcase_add_test(tcase, all_schemes_of_a_challenge_are_told);
        tcase_add_test(tcase, a_challenge_nobody_knows_is_not_asked_about);
        tcase_add_test(tcase, each_file_starts_without_credentials);
        tcase_add_test(tcase, another_port_gets_no_credentials);
        tcase_add_test(tcase, a_password_in_a_redirect_is_not_used);
        tcase_add_test(tcase, a_proxy_gets_its_own_credential);
        tcase_add_test(tcase, a_proxy_that_refuses_is_a_fatal_407);
        tcase_add_test(tcase, proxy_and_server_may_both_ask);
        tcase_add_test(tcase, a_tunnel_asks_for_the_proxy_credential);
#ifndef WITH_SANITIZER
        tcase_add_test(tcase, a_password_is_gone_from_memory_when_the_file_is_there);
#endif
}

static void add_redirects(Suite *suite)
{
        TCase *tcase = new_case(suite, "redirects");

        tcase_add_test(tcase, a_redirect_is_followed_and_its_body_left);
        tcase_add_test(tcase, a_redirect_loop_ends);
        tcase_add_test(tcase, a_redirect_to_another_protocol_is_refused);
}

static void add_resuming(Suite *suite)
{
        TCase *tcase = new_case(suite, "resuming");

        tcase_add_test(tcase, a_stopped_file_goes_on_with_if_range);
        tcase_add_test(tcase, a_killed_worker_s_file_goes_on);
        tcase_add_test(tcase, a_hang_up_alone_keeps_the_bytes);
        tcase_add_test(tcase, a_changed_version_starts_again);
        tcase_add_test(tcase, a_strong_date_resumes);
        tcase_add_test(tcase, a_date_of_the_same_second_starts_again);
        tcase_add_test(tcase, a_weak_validator_resumes_by_its_date_alone);
        tcase_add_test(tcase, a_wrong_part_is_never_glued_on);
        tcase_add_test(tcase, a_part_that_was_not_asked_for_is_refused);
        tcase_add_test(tcase, a_file_that_was_all_there_needs_no_request);
        tcase_add_test(tcase, a_range_behind_the_end_means_whole);
        tcase_add_test(tcase, a_temporary_file_that_is_gone_or_short_starts_again);
        tcase_add_test(tcase, bytes_behind_the_recorded_offset_are_not_trusted);
}

static void add_failures(Suite *suite)
{
        TCase *tcase = new_case(suite, "failures");

        tcase_add_test(tcase, a_missing_file_is_fatal);
        tcase_add_test(tcase, a_busy_server_says_when_to_come_back);
        tcase_add_test(tcase, a_short_body_is_transient_and_keeps_its_bytes);
        tcase_add_test(tcase, broken_answers_are_transient);
        tcase_add_test(tcase, an_endless_error_page_ends);
        tcase_add_test(tcase, a_server_that_is_not_there_is_transient);
        tcase_add_test(tcase, a_failure_keeps_what_other_files_have);
}

static void add_places(Suite *suite)
{
        TCase *tcase = new_case(suite, "places");

        tcase_add_test(tcase, a_place_that_cannot_take_a_file_is_refused_early);
        tcase_add_test(tcase, a_full_disk_is_transient);
        tcase_add_test(tcase, a_symlink_in_place_of_the_temporary_file_is_not_followed);
        tcase_add_test(tcase, a_hard_link_in_place_of_the_temporary_file_is_not_written);
        tcase_add_test(tcase, two_workers_never_write_one_file);
}

static void add_publishing(Suite *suite)
{
        TCase *tcase = new_case(suite, "publishing");

        tcase_add_test(tcase, a_published_file_has_name_mode_and_time);
        tcase_add_test(tcase, publishing_may_be_repeated);
        tcase_add_test(tcase, a_symlink_of_the_final_name_is_replaced);
        tcase_add_test(tcase, a_directory_of_the_final_name_stays);
        tcase_add_test(tcase, a_finished_file_that_was_exchanged_is_not_published);
        tcase_add_test(tcase, publishing_removes_what_is_not_finished);
        tcase_add_test(tcase, cleaning_removes_the_recorded_file_only);
        tcase_add_test(tcase, cleaning_where_nothing_is_left_succeeds);
}

int main(void)
{
        Suite *suite = suite_create("worker");
        SRunner *runner;
        int failed;

        tricks_setup();
        add_process(suite);
        add_downloads(suite);
        add_credentials(suite);
        add_redirects(suite);
        add_resuming(suite);
        add_failures(suite);
        add_places(suite);
        add_publishing(suite);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
