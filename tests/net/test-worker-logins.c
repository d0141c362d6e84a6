/* Credentials: which ones dosvc-worker asks for, whom it shows them to, and that they are erased.
 */
#include <stdio.h>
#include <string.h>

#include "base/macro.h"

#include "model/file-record.h"
#include "tests/lib/memory-scan.h"
#include "tests/lib/sanitizer.h"
#include "tests/lib/temp-dir.h"
#include "tests/lib/worker-case.h"

#define SIZE     BAD_SERVER_SIZE
#define USER     BAD_SERVER_USER
#define PASSWORD BAD_SERVER_PASSWORD

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

static void fetch_as(const char *path, const DriverCredential *credentials, const char *proxy)
{
        FileRecord record;

        case_make_record(&record, 0, path, "file");
        driver_start(&case_worker);
        give(&case_worker, credentials, credentials ? 3 : 0);
        driver_download(&case_worker, &record, 1, proxy);
        driver_wait(&case_worker);
        file_record_done(&record);
}

START_TEST(no_credential_is_sent_before_it_is_asked_for)
{
        _cleanup_free_ char *text = NULL;
        const char *first_end;

        fetch_as("/basic", right, NULL);
        case_assert_finished(0, bad_server_a, SIZE);
        text = http_server_log(&case_server);
        first_end = strstr(text, "\n\n");
        ck_assert_ptr_nonnull(first_end);
        ck_assert(!strstr(text, "Authorization") || strstr(text, "Authorization") > first_end);
        case_assert_log_count(&case_server, "GET ", 2);
        case_assert_log_count(&case_server, "Authorization: Basic ", 1);
        ck_assert_str_eq(case_worker.questions, "0 server basic;");
}
END_TEST

START_TEST(digest_is_used_where_it_is_asked_for)
{
        static const char *const paths[] = { "/digest", "/digest-sha256" };

        for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
                fetch_as(paths[i], right, NULL);
                case_assert_finished(0, bad_server_a, SIZE);
                ck_assert_str_eq(case_worker.questions, "0 server digest;");
                driver_stop(&case_worker);
        }
        case_assert_log_count(&case_server, "Authorization: Basic", 0);
}
END_TEST

START_TEST(a_wrong_password_is_a_fatal_401)
{
        static const char *const paths[] = { "/basic", "/digest", "/digest-sha256" };

        for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
                fetch_as(paths[i], wrong, NULL);
                case_assert_failed(ERROR_CODE_HTTP(401), false, "remote-file");
                driver_stop(&case_worker);
        }
        ck_assert_uint_eq(case_entries_in_home(), 0);
}
END_TEST

START_TEST(no_password_is_a_fatal_401)
{
        fetch_as("/basic", NULL, NULL);
        case_assert_failed(ERROR_CODE_HTTP(401), false, "remote-file");
        case_assert_log_count(&case_server, "GET ", 1);
}
END_TEST

START_TEST(all_schemes_of_a_challenge_are_reported)
{
        fetch_as("/many-schemes", right, NULL);
        case_assert_finished(0, bad_server_a, SIZE);
        ck_assert_str_eq(case_worker.questions, "0 server basic,digest,ntlm,negotiate;");
        case_assert_log_count(&case_server, "Authorization: Basic", 0);
}
END_TEST

START_TEST(an_unknown_challenge_is_not_asked_about)
{
        fetch_as("/unknown-scheme", right, NULL);
        case_assert_failed(ERROR_CODE_HTTP(401), false, "remote-file");
        ck_assert_str_eq(case_worker.questions, "");
        ck_assert_ptr_nonnull(strstr(case_worker.description, " It offers: none."));
}
END_TEST

START_TEST(each_file_starts_without_credentials)
{
        FileRecord records[2];

        case_make_record(&records[0], 0, "/basic", "one");
        case_make_record(&records[1], 1, "/basic", "two");
        driver_start(&case_worker);
        give(&case_worker, right, ARRAY_SIZE(right));
        driver_download(&case_worker, records, 2, NULL);
        driver_wait(&case_worker);
        ck_assert(case_worker.finished);
        case_assert_log_count(&case_server, "GET ", 4);
        case_assert_log_count(&case_server, "Authorization: ", 2);
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
                                case_other.port);
                fetch_as(path, right, NULL);
                case_assert_failed(ERROR_CODE_HTTP(401), false, "remote-file");
                /* It was not even asked for: only the first origin's own challenge was. */
                ck_assert_str_eq(case_worker.questions, challenged ? "0 server basic;" : "");
                ck_assert_ptr_nonnull(strstr(case_worker.description,
                                             " It offers: basic. Credentials are for the origin"));
                driver_stop(&case_worker);
        }
        case_assert_log_count(&case_other, "GET /basic\n", 2);
        case_assert_log_count(&case_other, "Authorization", 0);
}
END_TEST

START_TEST(a_password_in_a_redirect_is_not_used)
{
        fetch_as("/with-user", NULL, NULL);
        case_assert_failed(ERROR_CODE_HTTP(401), false, "remote-file");
        case_assert_log_count(&case_server, "Authorization", 0);
        ck_assert_ptr_null(strstr(case_worker.url, PASSWORD));
}
END_TEST

START_TEST(a_proxy_gets_its_own_credential)
{
        _cleanup_free_ char *proxy = http_server_url(&case_other, "");

        fetch_as("/plain", right, proxy);
        case_assert_finished(0, bad_server_a, SIZE);
        ck_assert_str_eq(case_worker.questions, "0 proxy basic;");
        case_assert_log_count(&case_other, "GET http://", 2);
        case_assert_log_count(&case_other, "Proxy-Authorization: Basic", 1);
        case_assert_log_count(&case_other, "\nAuthorization", 0);
        ck_assert_uint_eq(http_server_count(&case_server), 0);
}
END_TEST

START_TEST(a_proxy_that_refuses_is_a_fatal_407)
{
        _cleanup_free_ char *proxy = http_server_url(&case_other, "");

        fetch_as("/plain", wrong, proxy);
        case_assert_failed(ERROR_CODE_HTTP(407), false, "remote-file");
}
END_TEST

START_TEST(proxy_and_server_may_both_ask)
{
        _cleanup_free_ char *proxy = http_server_url(&case_other, "");

        fetch_as("/basic", right, proxy);
        case_assert_finished(0, bad_server_a, SIZE);
        ck_assert_str_eq(case_worker.questions, "0 proxy basic;0 server basic;");
}
END_TEST

START_TEST(a_tunnel_asks_for_the_proxy_credential)
{
        _cleanup_free_ char *proxy = http_server_url(&case_other, "");
        _cleanup_free_ char *local = temp_dir_path(case_home, "file");
        const DriverCredential *const given[] = { wrong, right };

        for (size_t i = 0; i < 2; i++) {
                FileRecord record;

                ck_assert_int_ge(file_record_init(&record, 0, "https://127.0.0.1:1/x", local), 0);
                driver_start(&case_worker);
                give(&case_worker, given[i], 3);
                driver_download(&case_worker, &record, 1, proxy);
                driver_wait(&case_worker);
                ck_assert_ptr_nonnull(strstr(case_worker.questions, "0 proxy basic;"));
                /* The test's proxy opens no tunnel; it says so only to those it knows. */
                case_assert_failed(ERROR_CODE_HTTP(i ? 502 : 407), i == 1, "remote-file");
                driver_stop(&case_worker);
                file_record_done(&record);
        }
        case_assert_log_count(&case_other, "\nAuthorization", 0);
}
END_TEST

#ifndef WITH_SANITIZER

START_TEST(a_password_is_gone_from_memory_when_the_file_is_there)
{
        static const char *const paths[] = { "/basic", "/digest" };

        for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
                const char *where = "";

                fetch_as(paths[i], right, NULL);
                ck_assert(case_worker.finished);
                ck_assert_msg(!memory_scan_process(case_worker.pid, PASSWORD, &where), "%s", where);
                /* The middle of "reader:Plover-…" in base64. */
                ck_assert_msg(
                        !memory_scan_process(case_worker.pid, "cmVhZGVyOlBsb3Zlci14eXp6", &where),
                        "%s",
                        where);
                driver_stop(&case_worker);
        }
}
END_TEST

#endif

static void add_credentials(Suite *suite)
{
        TCase *tcase = case_add(suite, "credentials");

        tcase_add_test(tcase, no_credential_is_sent_before_it_is_asked_for);
        tcase_add_test(tcase, digest_is_used_where_it_is_asked_for);
        tcase_add_test(tcase, a_wrong_password_is_a_fatal_401);
        tcase_add_test(tcase, no_password_is_a_fatal_401);
        tcase_add_test(tcase, all_schemes_of_a_challenge_are_reported);
        tcase_add_test(tcase, an_unknown_challenge_is_not_asked_about);
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

int main(void)
{
        Suite *suite = suite_create("worker-logins");

        add_credentials(suite);
        return case_run_suite(suite);
}
