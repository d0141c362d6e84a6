/*
 * Credentials of a server against real ones: nginx (Basic), Apache (Digest MD5), lighttpd
 * (Digest SHA-256), over http, https and redirects. What was sent is read in the servers' logs.
 * "9.n" is statement n of spec section 9.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dbus/dosvc-wire.h"

#include "base/fd.h"
#include "base/macro.h"

#include "tests/lib/client.h"
#include "tests/lib/file-hash.h"
#include "tests/lib/process.h"
#include "tests/lib/servers.h"
#include "tests/lib/service-fixture.h"
#include "tests/lib/users.h"

#define WAIT_MSEC 20000

#define CODE_401 0x80190191U
#define CODE_403 0x80190193U
#define CODE_404 0x80190194U

static char *job, *local; /* alice's, and where its first file goes */

static void start(void)
{
        fixture_start();
        servers_forget_requests();
        job = client_create(fixture.alice, "auth");
        local = fixture_alice_file("file");
        (void) unlink(local);
}

static void start_user(void)
{
        fixture_start_user();
        servers_forget_requests();
        job = client_create(fixture.alice, "auth");
        local = fixture_alice_file("file");
        (void) unlink(local);
}

static void add(Site site, const char *name, const char *path)
{
        _cleanup_free_ char *url = servers_url(site, name);

        client_add_file(fixture.alice, job, url, path);
}

static void set(const char *scheme, const char *password)
{
        client_set_password(fixture.alice, job, "server", scheme, SERVERS_USER, password);
}

static void fetch(void)
{
        _cleanup_free_ char *expected = servers_file("small");

        client_fetch(fixture.alice, job, WAIT_MSEC);
        file_hash_assert_same(local, expected);
}

static void expect_error(uint32_t code, const char *name)
{
        ClientError error;

        client_call(fixture.alice, job, "Resume");
        client_wait_state(fixture.alice, job, "error", WAIT_MSEC);
        error = client_error(fixture.alice, job);
        ck_assert_uint_eq(error.code, code);
        ck_assert_str_eq(error.name, name);
        ck_assert_str_eq(error.context, "remote-file");
        ck_assert_uint_gt(strlen(error.description), 10);
        ck_assert_ptr_null(strstr(error.description, SERVERS_PASSWORD));
}

/* Asked without credentials first, and for Digest once more for its nonce; then one scheme. */
static void assert_asked_first(Site site, const char *path, const char *scheme)
{
        _cleanup_free_ char *requests = servers_requests(site, 2), *expected = NULL;
        bool twice = strcmp(scheme, "Digest") == 0;

        ck_assert_int_ge(asprintf(&expected,
                                  "GET %s 401 -\n%s%s%sGET %s 200 %s\n",
                                  path,
                                  twice ? "GET " : "",
                                  twice ? path : "",
                                  twice ? " 401 -\n" : "",
                                  path,
                                  scheme),
                         0);
        ck_assert_str_eq(requests, expected);
}

/* So that a client sees by the name that waiting is of no use; tests/bus/test-retry has the others.
 */
START_TEST(a_wrong_scheme_has_an_error_of_its_own)
{
        static const struct {
                Site site;
                const char *scheme, *state, *error;
        } cases[] = {
                { SITE_OPEN, "https", "transient-error", "secure-channel-failure" },
                { SITE_TLS_OPEN, "http", "error", "http-400" },
        };
        _cleanup_free_ char *right = servers_url(cases[_i].site, "small"), *wrong = NULL;

        ck_assert_int_ge(asprintf(&wrong, "%s%s", cases[_i].scheme, strchr(right, ':')), 0);
        client_add_file(fixture.alice, job, wrong, local);
        client_call(fixture.alice, job, "Resume");
        client_wait_state(fixture.alice, job, cases[_i].state, WAIT_MSEC);
        ck_assert_str_eq(client_error(fixture.alice, job).name, cases[_i].error);
}
END_TEST

typedef struct Way {
        Site site;
        const char *scheme, *path, *word;
} Way;

/* 9.11, 9.12, 9.18: nothing is sent before it is asked for; the one scheme asked for is enough. */
static const Way ways[] = {
        { SITE_BASIC, "basic", "/basic/small", "Basic" },
        { SITE_TLS_BASIC, "basic", "/basic/small", "Basic" },
        { SITE_DIGEST_MD5, "digest", "/digest/small", "Digest" },
        { SITE_DIGEST_SHA256, "digest", "/sha256/small", "Digest" },
        { SITE_DIGEST_EITHER, "digest", "/either/small", "Digest" },
};

static void assert_described(const char *offered, const char *set)
{
        ClientError error = client_error(fixture.alice, job);

        ck_assert_msg(strstr(error.description, offered) && strstr(error.description, set),
                      "%s",
                      error.description);
}

/* What the server offers and what the job has, so that the owner sees what is missing. */
START_TEST(a_refusal_names_what_is_offered_and_what_is_set)
{
        char offered[32];

        (void) snprintf(offered, sizeof(offered), " It offers: %s.", ways[_i].scheme);
        add(ways[_i].site, "small", local);
        expect_error(CODE_401, "http-401");
        assert_described(offered, " Set for target server: none.");
        set("ntlm", SERVERS_PASSWORD);
        client_set_password(fixture.alice, job, "server", "bearer", NULL, "token");
        client_set_password(fixture.alice, job, "proxy", "basic", "reader", "word");
        expect_error(CODE_401, "http-401");
        assert_described(offered, " Set for target server: ntlm, bearer.");
        set(ways[_i].scheme, "wrong");
        expect_error(CODE_401, "http-401");
        assert_described(offered, ways[_i].scheme);
}
END_TEST

START_TEST(right_credentials_are_given_when_asked_for)
{
        const Way *way = &ways[_i];

        add(way->site, "small", local);
        set(way->scheme, SERVERS_PASSWORD);
        fetch();
        assert_asked_first(way->site, way->path, way->word);
}
END_TEST

/* 9.20, 9.22, 9.23: what is not provided is an error of the job that names the side. */
START_TEST(without_credentials_the_job_is_in_error)
{
        add(ways[_i].site, "small", local);
        expect_error(CODE_401, "http-401");
        ck_assert_int_lt(access(local, F_OK), 0);
        /* No timer tries again: spec section 1.7. */
        ck_assert_uint_eq(
                client_number(fixture.alice, job, DOSVC_JOB_INTERFACE, "NextAttemptTime", 't'),
                0);
}
END_TEST

/* 9.21: refused, and no other scheme is tried after it. */
START_TEST(wrong_credentials_are_an_error)
{
        add(ways[_i].site, "small", local);
        set(ways[_i].scheme, "wrong");
        expect_error(CODE_401, "http-401");
        ck_assert_int_lt(access(local, F_OK), 0);
}
END_TEST

START_TEST(credentials_of_a_scheme_not_offered_are_not_used)
{
        add(SITE_BASIC, "small", local);
        set("digest", SERVERS_PASSWORD);
        expect_error(CODE_401, "http-401");
        ck_assert_str_eq(servers_requests(SITE_BASIC, 1), "GET /basic/small 401 -\n");
}
END_TEST

/* 9.19, 9.25: who does not know the scheme sets all. */
START_TEST(of_all_schemes_set_the_offered_one_is_used)
{
        static const char *const schemes[] = { "basic", "digest", "ntlm", "negotiate" };

        add(SITE_DIGEST_SHA256, "small", local);
        for (size_t i = 0; i < ARRAY_SIZE(schemes); i++)
                set(schemes[i], SERVERS_PASSWORD);
        fetch();
        assert_asked_first(SITE_DIGEST_SHA256, "/sha256/small", "Digest");
}
END_TEST

/* 9.24, 9.15, 9.16: recovery by new credentials and Resume, which keeps what was fetched. */
START_TEST(after_new_credentials_and_resume_finished_files_are_kept)
{
        _cleanup_free_ char *second = fixture_alice_file("second"),
                            *medium = servers_file("medium");

        add(SITE_OPEN, "medium", second);
        add(SITE_BASIC, "small", local);
        set("basic", "wrong");
        expect_error(CODE_401, "http-401");
        ck_assert_uint_eq(
                client_number(fixture.alice, job, DOSVC_JOB_INTERFACE, "FilesTransferred", 'u'),
                1);

        servers_forget_requests();
        set("basic", SERVERS_PASSWORD);
        fetch();
        file_hash_assert_same(second, medium);
        ck_assert_str_eq(servers_requests(SITE_BASIC, 2),
                         "GET /basic/small 401 -\nGET /basic/small 200 Basic\n");
}
END_TEST

/* Derived from section 9: an invalid call leaves the slot as it was. */
START_TEST(a_failed_replacement_leaves_the_slot)
{
        add(SITE_BASIC, "small", local);
        set("basic", SERVERS_PASSWORD);
        ck_assert_pstr_eq(
                client_try_credential(fixture.alice,
                                      job,
                                      "server",
                                      "basic",
                                      &(ClientCredential){ .user_name = "a:b", .password = "p" }),
                "org.dosvc1.Error.InvalidCredentials");
        ck_assert_pstr_eq(client_try_credential(fixture.alice,
                                                job,
                                                "server",
                                                "basic",
                                                &(ClientCredential){ .user_name = "u" }),
                          "org.freedesktop.DBus.Error.InvalidArgs");
        fetch();
}
END_TEST

/* 9.17 */
START_TEST(removed_credentials_are_not_used)
{
        add(SITE_BASIC, "small", local);
        set("basic", SERVERS_PASSWORD);
        ck_assert_int_eq(client_remove_credentials(fixture.alice, job, "server", "basic"), 1);
        expect_error(CODE_401, "http-401");
        ck_assert_str_eq(servers_requests(SITE_BASIC, 1), "GET /basic/small 401 -\n");
}
END_TEST

/* Slots of one job are not another's, even of the same owner. */
START_TEST(credentials_belong_to_one_job)
{
        _cleanup_free_ char *url = servers_url(SITE_BASIC, "small");
        _cleanup_free_ char *path = fixture_alice_file("other");

        add(SITE_BASIC, "small", local);
        set("basic", SERVERS_PASSWORD);
        fetch();
        job = client_create_for(fixture.alice, url, path);
        expect_error(CODE_401, "http-401");
}
END_TEST

/* 9.28: after TakeOwnership the job has no credentials. */
START_TEST(taking_ownership_wipes_credentials)
{
        _cleanup_free_ char *url = servers_url(SITE_BASIC, "small");

        client_add_file(fixture.alice, job, url, "/tmp/dosvc-taken");
        set("basic", SERVERS_PASSWORD);
        client_call(fixture.root, job, "TakeOwnership");
        client_call(fixture.root, job, "Resume");
        client_wait_state(fixture.root, job, "error", WAIT_MSEC);
        ck_assert_uint_eq(client_error(fixture.root, job).code, CODE_401);
        ck_assert_str_eq(servers_requests(SITE_BASIC, 1), "GET /basic/small 401 -\n");
        client_call(fixture.root, job, "Cancel");
}
END_TEST

/* Spec section 1.9: only the origin of the file's own remote name gets credentials. */
START_TEST(another_origin_gets_no_credentials)
{
        add(SITE_AWAY, "small", local);
        set("basic", SERVERS_PASSWORD);
        set("digest", SERVERS_PASSWORD);
        expect_error(CODE_401, "http-401");
        ck_assert_str_eq(servers_requests(SITE_AWAY, 1), "GET /away/small 302 -\n");
        ck_assert_str_eq(servers_requests(SITE_OTHER_BASIC, 1), "GET /basic/small 401 -\n");
}
END_TEST

START_TEST(the_same_origin_gets_credentials_after_a_redirect)
{
        add(SITE_HERE, "small", local);
        set("basic", SERVERS_PASSWORD);
        fetch();
        ck_assert_str_eq(servers_requests(SITE_HERE, 3),
                         "GET /here/small 302 -\nGET /basic/small 401 -\n"
                         "GET /basic/small 200 Basic\n");
}
END_TEST

/* Each host of a job is asked anew: spec section 1.5, last row. */
START_TEST(files_of_two_origins_in_a_job_both_get_credentials)
{
        _cleanup_free_ char *second = fixture_alice_file("second"), *small = servers_file("small");

        add(SITE_BASIC, "small", local);
        add(SITE_OTHER_BASIC, "small", second);
        set("basic", SERVERS_PASSWORD);
        fetch();
        file_hash_assert_same(second, small);
        ck_assert_str_eq(servers_requests(SITE_OTHER_BASIC, 2),
                         "GET /basic/small 401 -\nGET /basic/small 200 Basic\n");
}
END_TEST

START_TEST(https_does_not_lead_to_http)
{
        add(SITE_TLS_DOWN, "small", local);
        client_call(fixture.alice, job, "Resume");
        client_wait_state(fixture.alice, job, "error", WAIT_MSEC);
        ck_assert_str_eq(client_error(fixture.alice, job).name, "redirect-failed");
        ck_assert_str_eq(servers_requests(SITE_OPEN, 0), "");
}
END_TEST

START_TEST(a_redirect_loop_ends)
{
        add(SITE_LOOP, "small", local);
        client_call(fixture.alice, job, "Resume");
        client_wait_state(fixture.alice, job, "error", WAIT_MSEC);
        ck_assert_str_eq(client_error(fixture.alice, job).name, "redirect-failed");
}
END_TEST

/* User info of a URL is a credential like one that was set. */
START_TEST(user_info_of_a_url_is_given_when_asked_for)
{
        _cleanup_free_ char *url = servers_url(SITE_BASIC, "small"), *with_user = NULL;

        ck_assert_int_ge(asprintf(&with_user,
                                  "http://" SERVERS_USER ":" SERVERS_PASSWORD "@%s",
                                  url + strlen("http://")),
                         0);
        client_add_file(fixture.alice, job, with_user, local);
        fetch();
        ck_assert_str_eq(servers_requests(SITE_BASIC, 2),
                         "GET /basic/small 401 -\nGET /basic/small 200 Basic\n");
}
END_TEST

typedef struct Failure {
        Site site;
        uint32_t code;
        const char *name;
} Failure;

static const Failure failures[] = {
        { SITE_GONE, CODE_404, "http-404" },
        { SITE_FORBIDDEN, CODE_403, "http-403" },
};

START_TEST(other_refusals_are_errors_of_their_own)
{
        add(failures[_i].site, "small", local);
        set("basic", SERVERS_PASSWORD);
        expect_error(failures[_i].code, failures[_i].name);
}
END_TEST

START_TEST(a_failing_server_is_tried_again)
{
        add(SITE_BROKEN, "small", local);
        client_call(fixture.alice, job, "Resume");
        client_wait_state(fixture.alice, job, "transient-error", WAIT_MSEC);
        ck_assert_str_eq(client_error(fixture.alice, job).name, "http-500");
        ck_assert_uint_gt(
                client_number(fixture.alice, job, DOSVC_JOB_INTERFACE, "NextAttemptTime", 't'),
                0);
}
END_TEST

/* 9.32: what proves the server is TLS, not the credentials. */
START_TEST(a_certificate_of_nobodys_is_not_trusted)
{
        add(SITE_UNTRUSTED, "small", local);
        set("basic", SERVERS_PASSWORD);
        client_call(fixture.alice, job, "Resume");
        ck_assert(PROCESS_WAIT_UNTIL(WAIT_MSEC, client_error(fixture.alice, job).code != 0));
        ck_assert_str_eq(client_error(fixture.alice, job).name, "unknown-certificate-authority");
        ck_assert_str_eq(servers_requests(SITE_UNTRUSTED, 0), "");
}
END_TEST

START_TEST(files_of_all_sizes_arrive_whole)
{
        static const char *const names[] = { "empty", "small", "medium" };
        char *paths[ARRAY_SIZE(names)];

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                paths[i] = fixture_alice_file(names[i]);
                add(_i ? SITE_TLS_BASIC : SITE_BASIC, names[i], paths[i]);
        }
        set("basic", SERVERS_PASSWORD);
        client_fetch(fixture.alice, job, WAIT_MSEC);
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                _cleanup_free_ char *expected = servers_file(names[i]);

                file_hash_assert_same(paths[i], expected);
        }
}
END_TEST

/* Derived from section 9: user and password of two calls at a time are never mixed. */
START_TEST(a_slow_call_does_not_mix_with_another)
{
        sd_bus *second = bus_open(&fixture.bus, USERS_ALICE_UID);
        int ends[2];

        add(SITE_BASIC, "small", local);
        ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
        ck_assert_int_ge(sd_bus_call_method_async(second,
                                                  NULL,
                                                  DOSVC_BUS_NAME,
                                                  job,
                                                  DOSVC_JOB_INTERFACE,
                                                  "SetCredentials",
                                                  NULL,
                                                  NULL,
                                                  "ssa{sv}",
                                                  "server",
                                                  "basic",
                                                  2,
                                                  "user-name",
                                                  "s",
                                                  SERVERS_USER,
                                                  "password-fd",
                                                  "h",
                                                  ends[0]),
                         0);
        ck_assert_int_ge(sd_bus_flush(second), 0);
        process_nap_msec(300);
        client_set_password(fixture.alice, job, "server", "basic", "another", "wrong");
        ck_assert_int_eq(fd_write_all(ends[1], SERVERS_PASSWORD, strlen(SERVERS_PASSWORD)), 0);
        (void) close(ends[1]);
        process_nap_msec(500);
        fetch();
        sd_bus_flush_close_unref(second);
}
END_TEST

static Suite *make_suite(void)
{
        Suite *suite = suite_create("auth");
        TCase *schemes = fixture_case(suite, "schemes", start);
        TCase *recovery = fixture_case(suite, "recovery", start);
        TCase *origins = fixture_case(suite, "origins", start);
        TCase *answers = fixture_case(suite, "answers", start);
        TCase *user = fixture_case(suite, "user instance", start_user);

        tcase_add_loop_test(schemes,
                            right_credentials_are_given_when_asked_for,
                            0,
                            ARRAY_SIZE(ways));
        tcase_add_loop_test(schemes, a_wrong_scheme_has_an_error_of_its_own, 0, 2);
        tcase_add_loop_test(schemes, without_credentials_the_job_is_in_error, 0, ARRAY_SIZE(ways));
        tcase_add_loop_test(schemes,
                            a_refusal_names_what_is_offered_and_what_is_set,
                            0,
                            ARRAY_SIZE(ways));
        tcase_add_loop_test(schemes, wrong_credentials_are_an_error, 0, ARRAY_SIZE(ways));
        tcase_add_test(schemes, credentials_of_a_scheme_not_offered_are_not_used);
        tcase_add_test(schemes, of_all_schemes_set_the_offered_one_is_used);

        tcase_add_test(recovery, after_new_credentials_and_resume_finished_files_are_kept);
        tcase_add_test(recovery, a_failed_replacement_leaves_the_slot);
        tcase_add_test(recovery, removed_credentials_are_not_used);
        tcase_add_test(recovery, credentials_belong_to_one_job);
        tcase_add_test(recovery, taking_ownership_wipes_credentials);
        tcase_add_test(recovery, a_slow_call_does_not_mix_with_another);

        tcase_add_test(origins, another_origin_gets_no_credentials);
        tcase_add_test(origins, the_same_origin_gets_credentials_after_a_redirect);
        tcase_add_test(origins, files_of_two_origins_in_a_job_both_get_credentials);
        tcase_add_test(origins, https_does_not_lead_to_http);
        tcase_add_test(origins, a_redirect_loop_ends);
        tcase_add_test(origins, user_info_of_a_url_is_given_when_asked_for);

        tcase_add_loop_test(answers,
                            other_refusals_are_errors_of_their_own,
                            0,
                            ARRAY_SIZE(failures));
        tcase_add_test(answers, a_failing_server_is_tried_again);
        tcase_add_test(answers, a_certificate_of_nobodys_is_not_trusted);
        tcase_add_loop_test(answers, files_of_all_sizes_arrive_whole, 0, 2);

        tcase_add_loop_test(user, right_credentials_are_given_when_asked_for, 0, ARRAY_SIZE(ways));
        return suite;
}

int main(void)
{
        return fixture_play(make_suite(), SERVERS_NGINX | SERVERS_APACHE | SERVERS_LIGHTTPD);
}
