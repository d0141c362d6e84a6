/*
 * What a job does after a failure (spec sections 3.3 and 3.6): waits, tries again, gives up in
 * time, and takes nothing for progress that is none. The configured waits are one second.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dbus/dosvc-wire.h"

#include "base/macro.h"

#include "tests/lib/client.h"
#include "tests/lib/http-server.h"
#include "tests/lib/process.h"
#include "tests/lib/service-fixture.h"
#include "tests/lib/temp-dir.h"
#include "tests/lib/users.h"

#define INVALID_ARGS "org.freedesktop.DBus.Error.InvalidArgs"

#define NOBODY    "http://127.0.0.1:9/x"
#define WAIT_MSEC 20000

#define CONTENT_SIZE (256U * 1024)
#define PIECE        (CONTENT_SIZE / 5)

/* Counters of the server. */
enum { HEALTHY, ANSWERS };

static unsigned char content[CONTENT_SIZE];
static HttpServer server;
static char *job, *local; /* alice's */

/* The content from offset on, but only so many bytes of it. */
static void serve_piece(HttpRequest *request, size_t offset, size_t size)
{
        if (offset > 0)
                http_printf(request,
                            "HTTP/1.1 206 Partial\r\nContent-Length: %zu\r\nETag: \"e\"\r\n"
                            "Content-Range: bytes %zu-%u/%u\r\n\r\n",
                            CONTENT_SIZE - offset,
                            offset,
                            CONTENT_SIZE - 1,
                            CONTENT_SIZE);
        else
                http_printf(request,
                            "HTTP/1.1 200 OK\r\nContent-Length: %u\r\n%s\r\n",
                            CONTENT_SIZE,
                            strncmp(request->path, "/forgets", 8) == 0 ? "" : "ETag: \"e\"\r\n");
        if (size > CONTENT_SIZE - offset)
                size = CONTENT_SIZE - offset;
        http_write(request, content + offset, size);
}

static void serve(HttpRequest *request)
{
        HttpContent whole = { .data = content, .size_bytes = CONTENT_SIZE, .etag = "\"e\"" };
        char range[64];
        size_t offset = 0;

        (void) __atomic_add_fetch(&request->counters[ANSWERS], 1, __ATOMIC_SEQ_CST);
        if (request->counters[HEALTHY]) {
                http_serve(request, &whole);
        } else if (strcmp(request->path, "/busy") == 0) {
                http_printf(request,
                            "HTTP/1.1 503 Busy\r\nRetry-After: 3600\r\nContent-Length: 0\r\n\r\n");
        } else if (strcmp(request->path, "/stalls") == 0) {
                serve_piece(request, 0, PIECE);
                (void) pause();
        } else {
                /* A piece a request, then the connection breaks: of the rest, or ever the first. */
                if (strcmp(request->path, "/pieces") == 0 &&
                    http_field(request, "Range", range, sizeof(range)))
                        offset = strtoul(range + strlen("bytes="), NULL, 10);
                serve_piece(request, offset, PIECE);
                http_hang_up(request, false);
        }
}

static void start_as_configured(const char *config)
{
        fixture_start();
        temp_dir_write(fixture.daemon.config, config);
        fixture_restart();
        http_server_start(&server, serve, fixture.dir);
        local = fixture_alice_file("retry");
        (void) unlink(local);
}

static void start(void)
{
        start_as_configured("[Service]\nMinimumRetryDelaySec=1\nMaximumRetryDelaySec=1\n");
}

static void start_patient(void)
{
        start_as_configured("");
}

static void stop(void)
{
        http_server_stop(&server);
}

static void create(const char *path)
{
        _cleanup_free_ char *url = http_server_url(&server, path);

        job = client_create_for(fixture.alice, url, local);
}

static const char *try_span(const char *property, uint64_t seconds)
{
        return client_try(fixture.alice,
                          job,
                          "org.freedesktop.DBus.Properties",
                          "Set",
                          "ssv",
                          DOSVC_JOB_INTERFACE,
                          property,
                          "t",
                          seconds);
}

static void set_span(const char *property, uint64_t seconds)
{
        ck_assert_pstr_eq(try_span(property, seconds), NULL);
}

static uint64_t span(const char *property)
{
        return client_number(fixture.alice, job, DOSVC_JOB_INTERFACE, property, 't');
}

static uint64_t error_count(void)
{
        return client_number(fixture.alice, job, DOSVC_JOB_INTERFACE, "ErrorCount", 'u');
}

static void assert_is(const char *state, const char *error)
{
        ck_assert_str_eq(client_state(fixture.alice, job), state);
        ck_assert_str_eq(client_error(fixture.alice, job).name, error);
}

/* Spans -------------------------------------------------------------------------------------- */

START_TEST(spans_are_those_of_the_original_unless_set)
{
        create("/x");
        ck_assert_uint_eq(span("MinimumRetryDelay"), 60); /* the configuration's */
        ck_assert_uint_eq(span("NoProgressTimeout"), 1209600);
        ck_assert_uint_eq(span("MaximumDownloadTime"), 7776000);
}
END_TEST

START_TEST(spans_are_kept_over_a_crash)
{
        create("/x");
        set_span("MinimumRetryDelay", 4);
        set_span("NoProgressTimeout", 0);
        set_span("MaximumDownloadTime", UINT32_MAX);
        fixture_crash();
        ck_assert_uint_eq(span("MinimumRetryDelay"), 5); /* the least there is */
        ck_assert_uint_eq(span("NoProgressTimeout"), 0);
        ck_assert_uint_eq(span("MaximumDownloadTime"), UINT32_MAX);
}
END_TEST

START_TEST(spans_have_bounds)
{
        create("/x");
        ck_assert_pstr_eq(try_span("MaximumDownloadTime", 0), INVALID_ARGS);
        ck_assert_pstr_eq(try_span("MaximumDownloadTime", UINT64_MAX), INVALID_ARGS);
        ck_assert_pstr_eq(try_span("NoProgressTimeout", UINT32_MAX + UINT64_C(1)), INVALID_ARGS);
        ck_assert_uint_eq(span("MaximumDownloadTime"), 7776000);
        ck_assert_pstr_eq(client_try(fixture.alice,
                                     DOSVC_MANAGER_PATH,
                                     DOSVC_MANAGER_INTERFACE,
                                     "CreateJob",
                                     "ssa{sv}",
                                     "with options",
                                     "download",
                                     1,
                                     "MaximumDownloadTime",
                                     "t",
                                     UINT64_C(5)),
                          NULL);
}
END_TEST

/* Giving up ---------------------------------------------------------------------------------- */

START_TEST(without_patience_the_first_failure_is_the_last)
{
        job = client_create_for(fixture.alice, NOBODY, local);
        set_span("NoProgressTimeout", 0);
        client_call(fixture.alice, job, "Resume");
        (void) PROCESS_WAIT_UNTIL(WAIT_MSEC,
                                  strcmp(client_state(fixture.alice, job), "error") == 0);
        assert_is("error", "connect-failure");
        ck_assert_uint_eq(error_count(), 1);
}
END_TEST

START_TEST(a_delay_beyond_the_patience_is_an_error_at_once)
{
        job = client_create_for(fixture.alice, NOBODY, local);
        set_span("NoProgressTimeout", 5);
        set_span("MinimumRetryDelay", 6);
        client_call(fixture.alice, job, "Resume");
        (void) PROCESS_WAIT_UNTIL(WAIT_MSEC,
                                  strcmp(client_state(fixture.alice, job), "error") == 0);
        assert_is("error", "connect-failure");
        ck_assert_uint_eq(error_count(), 1);
}
END_TEST

START_TEST(a_job_that_gets_nowhere_is_given_up)
{
        uint64_t began = process_now_msec();

        job = client_create_for(fixture.alice, NOBODY, local);
        set_span("NoProgressTimeout", 3);
        client_call(fixture.alice, job, "Resume");
        (void) PROCESS_WAIT_UNTIL(WAIT_MSEC,
                                  strcmp(client_state(fixture.alice, job), "error") == 0);
        assert_is("error", "connect-failure");
        ck_assert_uint_ge(process_now_msec() - began, 2900);
        ck_assert_uint_ge(error_count(), 3);
        ck_assert_uint_le(error_count(), 5);
}
END_TEST

/* The server asks for an hour; the owner has two seconds. */
START_TEST(a_job_that_waits_too_long_is_given_up)
{
        create("/busy");
        set_span("NoProgressTimeout", 2);
        client_call(fixture.alice, job, "Resume");
        client_wait_state(fixture.alice, job, "transient-error", WAIT_MSEC);
        ck_assert_ptr_nonnull(
                strstr(client_string(fixture.alice, job, DOSVC_JOB_INTERFACE, "Status"),
                       "Gives up at"));
        (void) PROCESS_WAIT_UNTIL(WAIT_MSEC,
                                  strcmp(client_state(fixture.alice, job), "error") == 0);
        assert_is("error", "http-503");
        ck_assert_uint_eq(error_count(), 1);
        ck_assert_uint_eq(server.counters[ANSWERS], 1);
}
END_TEST

/* Status says that the job keeps trying for so long from now on. */
static void assert_keeps_trying(uint64_t seconds)
{
        static const char words[] = ", gives up at ";
        const char *status = client_string(fixture.alice, job, DOSVC_JOB_INTERFACE, "Status");
        const char *when = strstr(status, words);
        uint64_t end = (uint64_t) time(NULL) + seconds;
        struct tm tm = { 0 };

        ck_assert_msg(strncmp(status, "Tries again at ", 15) == 0 && when, "%s", status);
        ck_assert_ptr_nonnull(strptime(when + strlen(words), "%Y-%m-%d %H:%M:%S UTC: ", &tm));
        ck_assert_msg((uint64_t) timegm(&tm) >= end - 60 && (uint64_t) timegm(&tm) <= end,
                      "%s",
                      status);
}

static void fail_once(void)
{
        client_call(fixture.alice, job, "Resume");
        client_wait_state(fixture.alice, job, "transient-error", WAIT_MSEC);
}

/* A fortnight as the original, but a day where nobody has ever answered. */
START_TEST(a_job_that_nobody_answers_is_tried_for_a_day)
{
        job = client_create_for(fixture.alice, NOBODY, local);
        fail_once();
        assert_keeps_trying(86400);
        set_span("NoProgressTimeout", 100000);
        assert_keeps_trying(100000);
        set_span("NoProgressTimeout", 1209600);
        assert_keeps_trying(86400);
}
END_TEST

START_TEST(a_job_that_was_answered_once_is_tried_for_a_fortnight)
{
        create("/busy");
        fail_once();
        assert_keeps_trying(1209600);
        http_server_stop(&server);
        fail_once();
        ck_assert_str_eq(client_error(fixture.alice, job).name, "connect-failure");
        assert_keeps_trying(1209600);
        fixture_crash();
        assert_keeps_trying(1209600);
        http_server_start(&server, serve, fixture.dir);
}
END_TEST

/* So that a client need not wait for it. Wrong schemes are in tests/net/test-auth. */
START_TEST(each_kind_of_typing_error_has_a_name)
{
        static const char *const cases[][2] = {
                { "http://no.invalid/", "name-resolution-failure" },
                { NOBODY, "connect-failure" },
        };

        job = client_create_for(fixture.alice, cases[_i][0], local);
        fail_once();
        ck_assert_str_eq(client_error(fixture.alice, job).name, cases[_i][1]);
}
END_TEST

/* What was set counts for a wait that is under way. */
START_TEST(patience_may_be_lost_while_waiting)
{
        create("/busy");
        client_call(fixture.alice, job, "Resume");
        client_wait_state(fixture.alice, job, "transient-error", WAIT_MSEC);
        set_span("NoProgressTimeout", 1);
        (void) PROCESS_WAIT_UNTIL(WAIT_MSEC,
                                  strcmp(client_state(fixture.alice, job), "error") == 0);
        assert_is("error", "http-503");
}
END_TEST

START_TEST(the_same_bytes_again_are_no_progress)
{
        create("/forgets");
        set_span("NoProgressTimeout", 3);
        client_call(fixture.alice, job, "Resume");
        (void) PROCESS_WAIT_UNTIL(WAIT_MSEC,
                                  strcmp(client_state(fixture.alice, job), "error") == 0);
        ck_assert_str_eq(client_state(fixture.alice, job), "error");
        ck_assert_uint_ge(server.counters[ANSWERS], 3);
}
END_TEST

/* Five pieces, a second between them: longer than the patience, but each goes further. */
START_TEST(each_byte_further_is_progress)
{
        size_t size;
        char *data;

        create("/pieces");
        set_span("NoProgressTimeout", 2);
        client_fetch(fixture.alice, job, WAIT_MSEC);
        ck_assert_uint_ge(server.counters[ANSWERS], 5);
        data = temp_dir_read(local, &size);
        ck_assert_uint_eq(size, CONTENT_SIZE);
        ck_assert_mem_eq(data, content, size);
        free(data);
}
END_TEST

START_TEST(a_job_may_not_take_forever)
{
        create("/stalls");
        set_span("MaximumDownloadTime", 2);
        for (int i = 0; i < 2; i++) { /* Resume gives it the whole time again */
                uint64_t began = process_now_msec();

                client_call(fixture.alice, job, "Resume");
                (void) PROCESS_WAIT_UNTIL(WAIT_MSEC,
                                          strcmp(client_state(fixture.alice, job), "error") == 0);
                assert_is("error", "maximum-download-time");
                ck_assert_uint_ge(process_now_msec() - began, 1900);
                ck_assert_uint_le(process_now_msec() - began, 6000);
        }
        /* The error is told first, then the worker is stopped. */
        ck_assert(PROCESS_WAIT_UNTIL(WAIT_MSEC,
                                     daemon_find(&fixture.daemon, "dosvc-worker", 0) == 0));
}
END_TEST

/* Its time goes on after a restart of the service. */
START_TEST(the_time_of_a_job_adds_up)
{
        create("/stalls");
        set_span("MaximumDownloadTime", 4);
        client_call(fixture.alice, job, "Resume");
        client_wait_bytes(fixture.alice, job, PIECE / 2, WAIT_MSEC);
        process_nap_msec(2000);
        fixture_restart();
        client_wait_bytes(fixture.alice, job, PIECE / 2, WAIT_MSEC);
        process_nap_msec(2500);
        assert_is("error", "maximum-download-time");
}
END_TEST

/* Going on ----------------------------------------------------------------------------------- */

START_TEST(resume_tries_at_once)
{
        create("/busy");
        client_call(fixture.alice, job, "Resume");
        client_wait_state(fixture.alice, job, "transient-error", WAIT_MSEC);
        server.counters[HEALTHY] = 1;
        client_fetch(fixture.alice, job, WAIT_MSEC);
}
END_TEST

START_TEST(a_wait_goes_on_after_a_crash)
{
        job = client_create_for(fixture.alice, NOBODY, local);
        client_call(fixture.alice, job, "Resume");
        client_wait_state(fixture.alice, job, "transient-error", WAIT_MSEC);
        fixture_crash();
        ck_assert(PROCESS_WAIT_UNTIL(WAIT_MSEC, error_count() >= 4));
        ck_assert_str_ne(client_state(fixture.alice, job), "error");
}
END_TEST

START_TEST(a_job_whose_workers_crash_is_in_error)
{
        create("/stalls");
        client_call(fixture.alice, job, "Resume");
        for (unsigned i = 1; i <= 3; i++) {
                ck_assert(PROCESS_WAIT_UNTIL(WAIT_MSEC, server.counters[ANSWERS] >= i));
                ck_assert_int_eq(kill(daemon_find(&fixture.daemon, "dosvc-worker", 5000), SIGKILL),
                                 0);
                ck_assert(PROCESS_WAIT_UNTIL(WAIT_MSEC, error_count() == i));
        }
        assert_is("error", "worker-failed");
        server.counters[HEALTHY] = 1;
        client_fetch(fixture.alice, job, WAIT_MSEC);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("retry");
        TCase *spans = fixture_case(suite, "spans", start_patient);
        TCase *limits = fixture_case(suite, "giving-up", start);
        TCase *going_on = fixture_case(suite, "going-on", start);
        TCase *const cases[] = { spans, limits, going_on };

        http_fill(content, sizeof(content), 1);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                tcase_add_checked_fixture(cases[i], NULL, stop);
        tcase_add_test(spans, spans_are_those_of_the_original_unless_set);
        tcase_add_test(spans, spans_are_kept_over_a_crash);
        tcase_add_test(spans, spans_have_bounds);
        tcase_add_test(spans, a_job_that_nobody_answers_is_tried_for_a_day);
        tcase_add_test(spans, a_job_that_was_answered_once_is_tried_for_a_fortnight);
        tcase_add_loop_test(spans, each_kind_of_typing_error_has_a_name, 0, 2);
        tcase_add_test(limits, without_patience_the_first_failure_is_the_last);
        tcase_add_test(limits, a_delay_beyond_the_patience_is_an_error_at_once);
        tcase_add_test(limits, a_job_that_gets_nowhere_is_given_up);
        tcase_add_test(limits, a_job_that_waits_too_long_is_given_up);
        tcase_add_test(limits, patience_may_be_lost_while_waiting);
        tcase_add_test(limits, the_same_bytes_again_are_no_progress);
        tcase_add_test(limits, each_byte_further_is_progress);
        tcase_add_test(limits, a_job_may_not_take_forever);
        tcase_add_test(limits, the_time_of_a_job_adds_up);
        tcase_add_test(going_on, resume_tries_at_once);
        tcase_add_test(going_on, a_wait_goes_on_after_a_crash);
        tcase_add_test(going_on, a_job_whose_workers_crash_is_in_error);
        return fixture_play(suite, 0);
}
