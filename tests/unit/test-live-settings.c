/*
 * manager/live-settings in front of a worker that the test plays. The answers to the worker's
 * questions are the test's, too.
 */
#include <check.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <systemd/sd-bus.h>

#include "dbus/worker-wire.h"

#include "base/clock.h"
#include "base/macro.h"

#include "manager/live-settings.h"
#include "model/wire-settings.h"

/* Stands for the time that a worker has to reply. */
#define SHORT_USEC (50 * USEC_PER_MSEC)

static sd_event *event;
static sd_bus *manager, *worker;
static LiveSettings *live;
static sd_bus_message *call;  /* the one that the worker has not answered */
static uint64_t timeout_usec; /* of the calls that have one; 0: as they want it */
static unsigned n_calls, n_failed, n_proxy_changes;
static ProxySource proxy_source;

/* ---- both sides ------------------------------------------------------------------------------ */

int __real_sd_bus_call_async(sd_bus *bus,
                             sd_bus_slot **slot,
                             sd_bus_message *m,
                             sd_bus_message_handler_t callback,
                             void *userdata,
                             uint64_t usec);
int __wrap_sd_bus_call_async(sd_bus *bus,
                             sd_bus_slot **slot,
                             sd_bus_message *m,
                             sd_bus_message_handler_t callback,
                             void *userdata,
                             uint64_t usec);

int __wrap_sd_bus_call_async(sd_bus *bus,
                             sd_bus_slot **slot,
                             sd_bus_message *m,
                             sd_bus_message_handler_t callback,
                             void *userdata,
                             uint64_t usec)
{
        if (timeout_usec && usec != UINT64_MAX)
                usec = timeout_usec;
        return __real_sd_bus_call_async(bus, slot, m, callback, userdata, usec);
}

void answers_change_proxies(Answers *answers, ProxySource source)
{
        n_proxy_changes++;
        proxy_source = source;
}

static void on_failed(void *userdata)
{
        n_failed++;
}

/* Everything that is due, and a little of what is on its way. */
static void run_loop(void)
{
        while (sd_event_run(event, 20000) > 0)
                ;
}

static int on_call(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        if (sd_bus_message_is_method_call(m, WORKER_INTERFACE, WORKER_CHANGED) <= 0)
                return 0;
        n_calls++;
        ck_assert_ptr_null(call);
        call = sd_bus_message_ref(m);
        return 1;
}

static sd_bus *open_bus(int fd)
{
        sd_bus *bus;

        ck_assert_int_ge(sd_bus_new(&bus), 0);
        ck_assert_int_ge(sd_bus_set_fd(bus, fd, fd), 0);
        return bus;
}

static void start_bus(sd_bus *bus)
{
        ck_assert_int_ge(sd_bus_start(bus), 0);
        ck_assert_int_ge(sd_bus_attach_event(bus, event, 0), 0);
}

static void setup(void)
{
        JobSettings settings;
        int pair[2];

        n_calls = n_failed = n_proxy_changes = 0;
        timeout_usec = 0;
        ck_assert_int_ge(sd_event_new(&event), 0);
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair),
                         0);
        manager = open_bus(pair[0]);
        worker = open_bus(pair[1]);
        ck_assert_int_ge(sd_bus_set_server(worker, 1, (sd_id128_t){ .bytes = { 2 } }), 0);
        ck_assert_int_ge(sd_bus_add_filter(worker, NULL, on_call, NULL), 0);
        start_bus(worker);
        start_bus(manager);
        job_settings_init(&settings);
        ck_assert_int_eq(setting_parse(&settings, SETTING_CA_CERTIFICATE, "/ca.pem"), 0);
        ck_assert_int_eq(setting_parse(&settings, SETTING_PROXIES, "http://a:1\n"), 0);
        ck_assert_int_eq(live_settings_new(manager, NULL, &settings, on_failed, NULL, &live), 0);
        ck_assert_ptr_null(settings.proxies); /* taken out */
        ck_assert_str_eq(settings.ca_certificate, "/ca.pem");
        job_settings_done(&settings);
        run_loop();
}

static void teardown(void)
{
        live = live_settings_free(live);
        call = sd_bus_message_unref(call);
        manager = sd_bus_close_unref(manager);
        worker = sd_bus_close_unref(worker);
        event = sd_event_unref(event);
}

static void change(const char *proxies, RedirectPolicy policy)
{
        JobSettings settings;

        job_settings_init(&settings);
        ck_assert_int_eq(setting_parse(&settings, SETTING_PROXIES, proxies), 0);
        settings.proxy_source = proxies[0] ? PROXY_SOURCE_LIST : PROXY_SOURCE_AUTODETECT;
        settings.redirect_policy = policy;
        settings.disk_reserve_bytes = 7; /* cannot change live */
        ck_assert_int_eq(live_settings_change(live, &settings), 0);
        job_settings_done(&settings);
        run_loop();
}

/* Checks what the worker was told, and replies. */
static void take(const char *proxy, RedirectPolicy policy)
{
        JobSettings settings;

        ck_assert_ptr_nonnull(call);
        ck_assert_int_eq(wire_read_settings(call, SETTING_FOR_ANY_WORKER, &settings), 0);
        ck_assert_pstr_eq(settings.proxies ? settings.proxies[0] : NULL, proxy);
        ck_assert_uint_eq(settings.redirect_policy, policy);
        job_settings_done(&settings);
        ck_assert_int_ge(sd_bus_reply_method_return(call, NULL), 0);
        call = sd_bus_message_unref(call);
        run_loop();
}

#define FOLLOW REDIRECT_POLICY_ALLOW_SILENT
#define STOP   REDIRECT_POLICY_DISALLOW

/* ---- tests ----------------------------------------------------------------------------------- */

START_TEST(a_change_counts_from_the_workers_reply_on)
{
        change("", FOLLOW);
        ck_assert_uint_eq(n_proxy_changes, 0);
        take(NULL, FOLLOW);
        ck_assert_uint_eq(n_proxy_changes, 1);
        ck_assert_uint_eq(proxy_source, PROXY_SOURCE_AUTODETECT);

        /* The proxies are as they were, so what their answers remember is still true. */
        change("", STOP);
        take(NULL, STOP);
        ck_assert_uint_eq(n_proxy_changes, 1);
        ck_assert_uint_eq(n_failed, 0);
}
END_TEST

START_TEST(settings_that_the_worker_has_are_not_told)
{
        change("http://a:1\n", FOLLOW);
        ck_assert_uint_eq(n_calls, 0);
}
END_TEST

START_TEST(one_change_is_told_at_a_time)
{
        change("http://b:2\n", FOLLOW);
        change("http://c:3\n", FOLLOW);
        change("", STOP);
        ck_assert_uint_eq(n_calls, 1);
        take("http://b:2", FOLLOW);
        ck_assert_uint_eq(proxy_source, PROXY_SOURCE_LIST);
        ck_assert_uint_eq(n_calls, 2);
        take(NULL, STOP);
        ck_assert_uint_eq(proxy_source, PROXY_SOURCE_AUTODETECT);
        ck_assert_uint_eq(n_proxy_changes, 2);
        ck_assert_uint_eq(n_calls, 2);
}
END_TEST

/* The worker sees no other proxies then, and goes on with a search that is under way. */
START_TEST(a_change_that_is_undone_before_it_is_told_is_none)
{
        change("http://a:1\n", STOP);
        change("http://b:2\n", STOP);
        change("http://a:1\n", STOP);
        take("http://a:1", STOP);
        ck_assert_uint_eq(n_calls, 1);
        ck_assert_uint_eq(n_proxy_changes, 0);
}
END_TEST

START_TEST(a_change_that_was_told_can_be_undone)
{
        change("http://b:2\n", FOLLOW);
        change("http://a:1\n", FOLLOW);
        take("http://b:2", FOLLOW);
        take("http://a:1", FOLLOW);
        ck_assert_uint_eq(n_proxy_changes, 2);
}
END_TEST

START_TEST(a_refusal_is_a_failure)
{
        change("", FOLLOW);
        ck_assert_int_ge(sd_bus_reply_method_errorf(call, SD_BUS_ERROR_INVALID_ARGS, "No"), 0);
        run_loop();
        ck_assert_uint_eq(n_failed, 1);
        ck_assert_uint_eq(n_proxy_changes, 0);
}
END_TEST

START_TEST(a_reply_that_never_comes_is_a_failure)
{
        timeout_usec = SHORT_USEC;
        change("", FOLLOW);
        for (unsigned i = 0; i < 50 && n_failed == 0; i++)
                run_loop();
        ck_assert_uint_eq(n_failed, 1);
        ck_assert_uint_eq(n_proxy_changes, 0);
}
END_TEST

START_TEST(the_end_of_the_link_is_no_failure_of_its_own)
{
        change("", FOLLOW);
        call = sd_bus_message_unref(call);
        worker = sd_bus_close_unref(worker);
        run_loop();
        ck_assert_uint_eq(n_failed, 0);
}
END_TEST

START_TEST(after_a_stop_nothing_is_told_and_no_reply_counts)
{
        change("", FOLLOW);
        change("http://b:2\n", STOP);
        live_settings_stop(live);
        take(NULL, FOLLOW);
        ck_assert_uint_eq(n_calls, 1);
        ck_assert_uint_eq(n_proxy_changes, 0);
        ck_assert_uint_eq(n_failed, 0);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("live-settings");
        TCase *tcase = tcase_create("live-settings");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, a_change_counts_from_the_workers_reply_on);
        tcase_add_test(tcase, settings_that_the_worker_has_are_not_told);
        tcase_add_test(tcase, one_change_is_told_at_a_time);
        tcase_add_test(tcase, a_change_that_is_undone_before_it_is_told_is_none);
        tcase_add_test(tcase, a_change_that_was_told_can_be_undone);
        tcase_add_test(tcase, a_refusal_is_a_failure);
        tcase_add_test(tcase, a_reply_that_never_comes_is_a_failure);
        tcase_add_test(tcase, the_end_of_the_link_is_no_failure_of_its_own);
        tcase_add_test(tcase, after_a_stop_nothing_is_told_and_no_reply_counts);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
