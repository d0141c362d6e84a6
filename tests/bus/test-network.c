/*
 * A job that could not reach its server hears of the network: the whole service in a network
 * namespace whose one device goes down and up. Left alone, a job waits a minute.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dbus/dosvc-wire.h"

#include "base/clock.h"
#include "base/macro.h"

#include "tests/lib/client.h"
#include "tests/lib/http-server.h"
#include "tests/lib/network.h"
#include "tests/lib/process.h"
#include "tests/lib/service-fixture.h"
#include "tests/lib/temp-dir.h"

#define WAIT_MSEC 20000

/* A second of quiet, a second that jobs are spread over, and the attempt itself. */
#define SOON_MSEC 3500

#define CONTENT_SIZE 4096U

/* Counter of the server. */
enum { ANSWERS };

static unsigned char content[CONTENT_SIZE];
static HttpServer server;
static char *job, *local; /* alice's */

static void serve(HttpRequest *request)
{
        (void) __atomic_add_fetch(&request->counters[ANSWERS], 1, __ATOMIC_SEQ_CST);
        if (strcmp(request->path, "/busy") == 0)
                http_printf(request,
                            "HTTP/1.1 503 Busy\r\nRetry-After: 600\r\nContent-Length: 0\r\n\r\n");
        else
                http_serve(request,
                           &(HttpContent){ .data = content, .size_bytes = sizeof(content) });
}

static void prepare(void)
{
        http_server_start(&server, serve, fixture.dir);
        local = fixture_alice_file("network");
        (void) unlink(local);
}

static void start(void)
{
        network_leave();
        fixture_start();
        prepare();
}

static void start_user(void)
{
        network_leave();
        fixture_start_user();
        prepare();
}

static void stop(void)
{
        http_server_stop(&server);
}

static uint64_t next_attempt(void)
{
        return client_number(fixture.alice, job, DOSVC_JOB_INTERFACE, "NextAttemptTime", 't');
}

static void begin(const char *path)
{
        _cleanup_free_ char *url = http_server_url(&server, path);

        job = client_create_for(fixture.alice, url, local);
        client_call(fixture.alice, job, "Resume");
        client_wait_state(fixture.alice, job, "transient-error", WAIT_MSEC);
        ck_assert_uint_gt(next_attempt(),
                          clock_realtime(&clock_system) + 30 * USEC_PER_SEC); /* left alone */
}

/* Down before the first attempt; what that does to the machine's loopback has settled. */
static void begin_offline(void)
{
        network_set(false);
        begin("/file");
        ck_assert_str_eq(client_error(fixture.alice, job).name, "connect-failure");
        ck_assert_str_eq(client_error(fixture.alice, job).context, "transport");
}

static void assert_goes_on(void)
{
        uint64_t began = process_now_msec();

        network_set(true);
        client_wait_state(fixture.alice, job, "transferred", SOON_MSEC);
        ck_assert_uint_le(process_now_msec() - began, SOON_MSEC);
        ck_assert_int_eq(client_complete(fixture.alice, job), 0);
}

START_TEST(a_job_goes_on_when_the_network_is_back)
{
        begin_offline();
        assert_goes_on();
        ck_assert_uint_eq(server.counters[ANSWERS], 1);
}
END_TEST

/* Nothing else connects the manager to the spawner then. */
START_TEST(a_job_of_before_a_restart_goes_on_too)
{
        begin_offline();
        fixture_restart();
        process_nap_msec(500);
        ck_assert_str_eq(client_state(fixture.alice, job), "transient-error");
        assert_goes_on();
}
END_TEST

static int count_attempts(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        const char *interface, *name;
        uint64_t usec;

        ck_assert_int_gt(sd_bus_message_read(m, "s", &interface), 0);
        ck_assert_int_gt(sd_bus_message_enter_container(m, 'a', "{sv}"), 0);
        while (sd_bus_message_enter_container(m, 'e', "sv") > 0) {
                ck_assert_int_gt(sd_bus_message_read(m, "s", &name), 0);
                if (strcmp(name, "NextAttemptTime") == 0) {
                        ck_assert_int_gt(sd_bus_message_read(m, "v", "t", &usec), 0);
                        *(uint64_t *) userdata = usec;
                } else {
                        ck_assert_int_gt(sd_bus_message_skip(m, "v"), 0);
                }
                ck_assert_int_ge(sd_bus_message_exit_container(m), 0);
        }
        return 0;
}

/* Its owner sees when, before it happens. */
START_TEST(the_new_time_is_announced)
{
        const uint64_t deadline = process_now_msec() + SOON_MSEC;
        uint64_t next = 0, now;

        begin_offline();
        client_try(fixture.alice,
                   DOSVC_MANAGER_PATH,
                   DOSVC_MANAGER_INTERFACE,
                   "Subscribe",
                   "a{sv}",
                   0);
        ck_assert_int_ge(sd_bus_match_signal(fixture.alice,
                                             NULL,
                                             DOSVC_BUS_NAME,
                                             job,
                                             "org.freedesktop.DBus.Properties",
                                             "PropertiesChanged",
                                             count_attempts,
                                             &next),
                         0);
        now = clock_realtime(&clock_system);
        network_set(true);
        while (next == 0) {
                ck_assert_uint_lt(process_now_msec(), deadline);
                if (sd_bus_process(fixture.alice, NULL) == 0)
                        (void) sd_bus_wait(fixture.alice, 100000);
        }
        ck_assert_uint_gt(next, now);
        ck_assert_uint_lt(next, now + SOON_MSEC * USEC_PER_MSEC);
}
END_TEST

START_TEST(a_job_that_a_server_has_put_off_waits)
{
        uint64_t before;

        begin("/busy");
        before = next_attempt();
        network_set(false);
        network_set(true);
        process_nap_msec(SOON_MSEC);
        ck_assert_str_eq(client_state(fixture.alice, job), "transient-error");
        ck_assert_uint_eq(next_attempt(), before);
        ck_assert_uint_eq(server.counters[ANSWERS], 1);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("network");
        TCase *service = fixture_case(suite, "service", start);
        TCase *user = fixture_case(suite, "user", start_user);

        http_fill(content, sizeof(content), 1);
        tcase_add_checked_fixture(service, NULL, stop);
        tcase_add_checked_fixture(user, NULL, stop);
        tcase_add_test(service, a_job_goes_on_when_the_network_is_back);
        tcase_add_test(service, the_new_time_is_announced);
        tcase_add_test(service, a_job_that_a_server_has_put_off_waits);
        tcase_add_test(user, a_job_goes_on_when_the_network_is_back);
        tcase_add_test(user, a_job_of_before_a_restart_goes_on_too);
        return fixture_play(suite, 0);
}
