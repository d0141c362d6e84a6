/*
 * Headers and redirects: the effect that a job's settings have on real requests. Certificates are
 * in test-certificates.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dbus/dosvc-wire.h"

#include "base/macro.h"

#include "tests/lib/client.h"
#include "tests/lib/origins.h"
#include "tests/lib/process.h"
#include "tests/lib/service-fixture.h"
#include "tests/lib/temp-dir.h"
#include "tests/lib/users.h"

static void start(void)
{
        fixture_start();
        origins_start();
}

static void start_with_key(void)
{
        fixture_start_with_key();
        origins_start();
}

/* Headers -------------------------------------------------------------------------------- */

START_TEST(headers_are_sent_with_each_request)
{
        _cleanup_free_ char *log = NULL;

        origins_add("/basic");
        SET_LIST("CustomHeaders", ORIGINS_TOKEN, "X-Empty:", "User-Agent: mine");
        client_set_password(fixture.alice, job, "server", "basic", "reader", "secret");
        origins_fetch();
        log = http_server_log(&own);
        ck_assert_uint_eq(count_in(log, ORIGINS_TOKEN "\n"), 2);
        ck_assert_uint_eq(count_in(log, "X-Empty:"), 2);
        ck_assert_uint_eq(count_in(log, "User-Agent: mine\n"), 2);
}
END_TEST

START_TEST(another_origin_gets_no_header)
{
        _cleanup_free_ char *log = NULL, *other_log = NULL;

        origins_add("/away");
        SET_LIST("CustomHeaders",
                 ORIGINS_TOKEN,
                 "Authorization: Bearer marker",
                 "Cookie: marker=1");
        origins_fetch();
        log = http_server_log(&own);
        other_log = http_server_log(&other);
        ck_assert_uint_eq(count_in(log, "marker"), 3);
        ck_assert_uint_eq(count_in(other_log, "GET /file"), 1);
        ck_assert_ptr_null(strstr(other_log, "marker"));
}
END_TEST

/* What answers the challenge is the credential, and only that. */
START_TEST(a_login_takes_the_place_of_an_own_authorization)
{
        _cleanup_free_ char *log = NULL;

        origins_add("/basic");
        SET_LIST("CustomHeaders", "Authorization: Bearer marker");
        client_set_password(fixture.alice, job, "server", "basic", "reader", "secret");
        origins_fetch();
        log = http_server_log(&own);
        ck_assert_uint_eq(count_in(log, "Authorization: Bearer marker"), 1);
        ck_assert_uint_eq(count_in(log, "Authorization: Basic"), 1);
}
END_TEST

START_TEST(an_active_job_goes_on_with_the_new_headers)
{
        origins_add("/slow");
        client_call(fixture.alice, job, "Resume");
        ck_assert(PROCESS_WAIT_UNTIL(ORIGINS_WAIT_MSEC, http_server_count(&own) == 1));
        SET_LIST("CustomHeaders", ORIGINS_TOKEN);
        client_wait_state(fixture.alice, job, "transferred", ORIGINS_WAIT_MSEC);
        ck_assert_uint_eq(http_server_count(&own), 2);
}
END_TEST

START_TEST(headers_outlive_the_service)
{
        _cleanup_free_ char *log = NULL;

        origins_add("/file");
        SET_LIST("CustomHeaders", ORIGINS_TOKEN);
        fixture_restart();
        origins_fetch();
        log = http_server_log(&own);
        ck_assert_uint_eq(count_in(log, ORIGINS_TOKEN), 1);
}
END_TEST

/* Without a key that outlives the service. */
START_TEST(a_job_does_not_run_without_its_headers)
{
        _cleanup_free_ char *log = NULL;

        origins_add("/file");
        SET_LIST("CustomHeaders", ORIGINS_TOKEN);
        fixture_restart();
        origins_expect_error("credentials-lost");
        ck_assert_ptr_nonnull(strstr(client_error(fixture.alice, job).description, "headers"));
        ck_assert_uint_eq(http_server_count(&own), 0);
        SET_LIST("CustomHeaders", ORIGINS_TOKEN);
        origins_fetch();
        log = http_server_log(&own);
        ck_assert_uint_eq(count_in(log, ORIGINS_TOKEN), 1);
}
END_TEST

START_TEST(a_new_owner_sends_no_header_of_the_old_one)
{
        _cleanup_free_ char *log = NULL;

        free(local); /* root's worker is bound by the rights of files as anybody's */
        local = temp_dir_path(fixture.dir, "file");
        origins_add("/file");
        SET_LIST("CustomHeaders", ORIGINS_TOKEN);
        client_call(fixture.root, job, "TakeOwnership");
        client_call(fixture.root, job, "Resume");
        client_wait_state(fixture.root, job, "transferred", ORIGINS_WAIT_MSEC);
        log = http_server_log(&own);
        ck_assert_uint_eq(count_in(log, "GET /file"), 1);
        ck_assert_ptr_null(strstr(log, "marker"));
}
END_TEST

/* Redirects ------------------------------------------------------------------------------ */

START_TEST(a_silent_redirect_leaves_the_name)
{
        _cleanup_free_ char *url = http_server_url(&own, "/away");

        origins_add("/away");
        client_call(fixture.alice, job, "Resume");
        client_wait_state(fixture.alice, job, "transferred", ORIGINS_WAIT_MSEC);
        ck_assert_str_eq(origins_remote_name(), url);
}
END_TEST

static unsigned replace_prefix(const char *old_prefix, const char *new_prefix)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *reply = NULL;
        uint32_t changed;

        ck_assert_int_ge(sd_bus_call_method(fixture.alice,
                                            DOSVC_BUS_NAME,
                                            job,
                                            DOSVC_JOB_INTERFACE,
                                            "ReplaceRemotePrefix",
                                            &error,
                                            &reply,
                                            "ss",
                                            old_prefix,
                                            new_prefix),
                         0);
        ck_assert_int_gt(sd_bus_message_read(reply, "u", &changed), 0);
        sd_bus_message_unref(reply);
        return changed;
}

START_TEST(a_reported_redirect_becomes_the_name)
{
        _cleanup_free_ char *place = http_server_url(&other, "/file");
        _cleanup_free_ char *old = http_server_url(&own, "/");

        origins_add("/away");
        set_text("RedirectPolicy", "allow-report");
        client_call(fixture.alice, job, "Resume");
        client_wait_state(fixture.alice, job, "transferred", ORIGINS_WAIT_MSEC);
        ck_assert_str_eq(origins_remote_name(), place);
        ck_assert_uint_eq(replace_prefix(old, "http://127.0.0.1:9/"), 0);
        fixture_crash();
        ck_assert_str_eq(origins_remote_name(), place);
        ck_assert_int_eq(client_complete(fixture.alice, job), 0);
}
END_TEST

START_TEST(a_disallowed_redirect_is_an_error_with_the_place)
{
        _cleanup_free_ char *place = http_server_url(&other, "/file"), *log = NULL;

        origins_add("/away");
        set_text("RedirectPolicy", "disallow");
        SET_LIST("CustomHeaders", ORIGINS_TOKEN);
        origins_expect_error("http-302");
        ck_assert_uint_eq(client_error(fixture.alice, job).code, 0x8019012e);
        ck_assert_str_eq(origins_remote_name(), place);
        ck_assert_uint_eq(http_server_count(&other), 0);

        /* Resume goes to the place, without what is for the owner's own one only. */
        origins_fetch();
        log = http_server_log(&other);
        ck_assert_uint_eq(count_in(log, "GET /file"), 1);
        ck_assert_ptr_null(strstr(log, "marker"));
}
END_TEST

/* The owner's own word makes the place his own. */
START_TEST(a_place_that_the_owner_names_gets_the_headers)
{
        _cleanup_free_ char *place = http_server_url(&other, "/file"), *log = NULL;

        origins_add("/away");
        set_text("RedirectPolicy", "disallow");
        SET_LIST("CustomHeaders", ORIGINS_TOKEN);
        origins_expect_error("http-302");
        ck_assert_uint_eq(replace_prefix(place, place), 1);
        origins_fetch();
        log = http_server_log(&other);
        ck_assert_uint_eq(count_in(log, ORIGINS_TOKEN), 1);
}
END_TEST

static Suite *make_suite(void)
{
        Suite *suite = suite_create("settings");
        TCase *headers = fixture_case(suite, "headers", start);
        TCase *kept = fixture_case(suite, "kept", start_with_key);
        TCase *redirects = fixture_case(suite, "redirects", start);

        tcase_add_checked_fixture(headers, NULL, origins_stop);
        tcase_add_test(headers, headers_are_sent_with_each_request);
        tcase_add_test(headers, another_origin_gets_no_header);
        tcase_add_test(headers, a_login_takes_the_place_of_an_own_authorization);
        tcase_add_test(headers, an_active_job_goes_on_with_the_new_headers);
        tcase_add_test(headers, a_job_does_not_run_without_its_headers);
        tcase_add_test(headers, a_new_owner_sends_no_header_of_the_old_one);

        tcase_add_checked_fixture(kept, NULL, origins_stop);
        tcase_add_test(kept, headers_outlive_the_service);

        tcase_add_checked_fixture(redirects, NULL, origins_stop);
        tcase_add_test(redirects, a_silent_redirect_leaves_the_name);
        tcase_add_test(redirects, a_reported_redirect_becomes_the_name);
        tcase_add_test(redirects, a_disallowed_redirect_is_an_error_with_the_place);
        tcase_add_test(redirects, a_place_that_the_owner_names_gets_the_headers);
        return suite;
}

int main(void)
{
        return fixture_play(make_suite(), 0);
}
