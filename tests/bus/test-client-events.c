/*
 * libdosvc against the real service: events, and waiting over a crash of the service.
 */
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/macro.h"

#include "tests/lib/client-fixture.h"
#include "tests/lib/process.h"
#include "tests/lib/service-fixture.h"
#include "tests/lib/users.h"

/* ------------------------------------------------------------------------- events */

/* What the callback was told. */
typedef struct Heard {
        char states[256]; /* "queued connecting …" */
        unsigned counts[8];
        uint64_t bytes;
        uint64_t total;
        int from_within[2]; /* what dispatching and waiting answer there */
        char removed[32];
} Heard;

static void on_event(void *userdata, const dosvc_event *event)
{
        Heard *heard = userdata;
        int type = dosvc_event_type(event);
        size_t length = strlen(heard->states);

        ck_assert_int_ge(type, DOSVC_EVENT_NEW);
        ck_assert_int_le(type, DOSVC_EVENT_SERVICE_BACK);
        heard->counts[type]++;
        heard->from_within[0] = dosvc_dispatch(alice);
        heard->from_within[1] = dosvc_job_wait(alice, job_id, NULL, 0, NULL);
        if (type == DOSVC_EVENT_STATE)
                (void) snprintf(heard->states + length,
                                sizeof(heard->states) - length,
                                "%s ",
                                dosvc_event_state(event));
        if (type == DOSVC_EVENT_REMOVED)
                (void) snprintf(heard->removed,
                                sizeof(heard->removed),
                                "%s",
                                dosvc_event_state(event));
        if (type == DOSVC_EVENT_PROGRESS) {
                ck_assert_uint_ge(dosvc_event_bytes_transferred(event), heard->bytes);
                heard->bytes = dosvc_event_bytes_transferred(event);
                heard->total = dosvc_event_bytes_total(event);
        }
        if (type < DOSVC_EVENT_SERVICE_GONE)
                ck_assert_int_eq((int) strlen(dosvc_event_job(event)), 32);
        else
                ck_assert_str_eq(dosvc_event_job(event), "");
}

/* A loop of one's own, as the header describes it, until the condition holds. */
static bool
dispatch_until(dosvc_connection *c, bool (*done)(const Heard *heard), const Heard *heard)
{
        uint64_t deadline = process_now_msec() + 20000;

        while (!done(heard) && process_now_msec() < deadline) {
                struct pollfd pollfd = { .fd = dosvc_get_fd(c),
                                         .events = (short) dosvc_get_events(c) };
                int timeout_msec, r;

                ck_assert_int_eq(dosvc_get_timeout(c, &timeout_msec), 0);
                if (timeout_msec < 0 || timeout_msec > 100)
                        timeout_msec = 100;
                ck_assert_int_ge(poll(&pollfd, 1, timeout_msec), 0);
                while ((r = dosvc_dispatch(c)) > 0)
                        ;
                ck_assert_int_eq(r, 0);
        }
        return done(heard);
}

static bool has_transferred(const Heard *heard)
{
        return strstr(heard->states, "transferred ");
}

static bool has_gone(const Heard *heard)
{
        return heard->removed[0];
}

START_TEST(a_subscriber_hears_states_progress_and_the_end)
{
        Heard heard = { 0 };

        add_file(SITE_SLOW, "medium");
        ck_assert_int_eq(set_password("server", "basic", SERVERS_USER, SERVERS_PASSWORD), 0);
        ck_assert_int_eq(dosvc_subscribe(alice, 0, job_id, 100, on_event, &heard), 0);
        ck_assert_int_eq(dosvc_job_resume(alice, job_id), 0);
        ck_assert(dispatch_until(alice, has_transferred, &heard));
        ck_assert_str_eq(heard.states, "queued connecting transferring transferred ");
        ck_assert_uint_gt(heard.counts[DOSVC_EVENT_PROGRESS], 0);
        ck_assert_uint_gt(heard.counts[DOSVC_EVENT_CHANGED], 0);
        ck_assert_uint_eq(heard.total, SERVERS_MEDIUM_BYTES);
        ck_assert_int_eq(heard.from_within[0], -EBUSY);
        ck_assert_int_eq(heard.from_within[1], -EBUSY);
        ck_assert_int_eq(dosvc_job_complete(alice, job_id), 0);
        ck_assert(dispatch_until(alice, has_gone, &heard));
        ck_assert_str_eq(heard.removed, "acknowledged");
}
END_TEST

START_TEST(a_subscriber_hears_of_new_jobs_of_his_own)
{
        Heard heard = { 0 };
        char other[DOSVC_ID_SIZE];

        ck_assert_int_eq(dosvc_subscribe(alice, 0, NULL, 0, on_event, &heard), 0);
        ck_assert_int_eq(dosvc_job_create(bob, "bob's", other), 0);
        ck_assert_int_eq(dosvc_job_create(alice, "hers", other), 0);
        ck_assert_int_eq(dosvc_job_cancel(alice, other), 0);
        ck_assert(dispatch_until(alice, has_gone, &heard));
        ck_assert_uint_eq(heard.counts[DOSVC_EVENT_NEW], 1);
        ck_assert_str_eq(heard.removed, "cancelled");
}
END_TEST

START_TEST(who_unsubscribed_hears_nothing_more)
{
        Heard heard = { 0 };
        char other[DOSVC_ID_SIZE];

        ck_assert_int_eq(dosvc_subscribe(alice, 0, NULL, 0, on_event, &heard), 0);
        ck_assert_int_eq(dosvc_unsubscribe(alice), 0);
        ck_assert_int_eq(dosvc_unsubscribe(alice), 0);
        ck_assert_int_eq(dosvc_job_create(alice, "quiet", other), 0);
        while (dosvc_dispatch(alice) > 0)
                ;
        for (size_t i = 0; i < ARRAY_SIZE(heard.counts); i++)
                ck_assert_uint_eq(heard.counts[i], 0);
}
END_TEST

START_TEST(subscriptions_are_refused_as_the_contract_says)
{
        ck_assert_int_eq(dosvc_subscribe(bob, DOSVC_ALL_USERS, NULL, 0, on_event, NULL), -EACCES);
        ck_assert_int_eq(dosvc_subscribe(bob, 0, job_id, 0, on_event, NULL), -ENOENT);
        ck_assert_int_eq(dosvc_subscribe(bob, 0, NULL, 99, on_event, NULL), -EINVAL);
        ck_assert_int_eq(dosvc_subscribe(bob, 0, "x", 0, on_event, NULL), -EINVAL);
        ck_assert_int_eq(dosvc_subscribe(bob, 64, NULL, 0, on_event, NULL), -EINVAL);
        ck_assert_int_eq(dosvc_subscribe(root, DOSVC_ALL_USERS, NULL, 0, on_event, NULL), 0);
}
END_TEST

static void forge(sd_bus *forger, const char *victim)
{
        char path[128];
        sd_bus_message *m = NULL;

        (void) snprintf(path, sizeof(path), "%s/%s", DOSVC_JOB_PREFIX, job_id);
        ck_assert_int_ge(
                sd_bus_message_new_signal(forger, &m, path, DOSVC_JOB_INTERFACE, "StateChanged"),
                0);
        ck_assert_int_ge(sd_bus_message_append(m, "ss", "transferred", "queued"), 0);
        ck_assert_int_ge(sd_bus_message_set_destination(m, victim), 0);
        ck_assert_int_ge(sd_bus_send(forger, m, NULL), 0);
        sd_bus_message_unref(m);
}

START_TEST(signals_of_others_are_not_believed)
{
        char **names = NULL;
        Heard heard = { 0 };
        size_t forged = 0;

        ck_assert_int_eq(dosvc_subscribe(alice, 0, job_id, 0, on_event, &heard), 0);
        /* bob does not know which connection is alice's: he tells everybody. */
        ck_assert_int_ge(sd_bus_list_names(fixture.bob, &names, NULL), 0);
        for (size_t i = 0; names[i]; i++) {
                if (names[i][0] == ':') {
                        forge(fixture.bob, names[i]);
                        forged++;
                }
                free(names[i]);
        }
        free(names);
        ck_assert_int_ge(sd_bus_flush(fixture.bob), 0);
        ck_assert_uint_gt(forged, 3);
        ck_assert_int_eq(dosvc_job_wait(alice,
                                        job_id,
                                        (const char *const[]){ "transferred", NULL },
                                        SECOND,
                                        NULL),
                         -ETIMEDOUT);
        ck_assert_str_eq(heard.states, "");
}
END_TEST

/* ------------------------------------------------------------------------ waiting */

START_TEST(a_job_at_rest_is_not_waited_for)
{
        const char *state = NULL;

        ck_assert_int_eq(dosvc_job_wait(alice,
                                        job_id,
                                        (const char *const[]){ "suspended", NULL },
                                        WAIT,
                                        &state),
                         0);
        ck_assert_str_eq(state, "suspended");
        ck_assert_int_eq(dosvc_job_wait(alice, job_id, NULL, WAIT, NULL), -EBADFD);
        ck_assert_int_eq(dosvc_job_wait(alice, NO_JOB, NULL, WAIT, &state), -ENOENT);
        ck_assert_int_eq(dosvc_job_wait(alice, "x", NULL, WAIT, &state), -EINVAL);
        ck_assert_int_eq(dosvc_job_wait(bob, job_id, NULL, WAIT, &state), -ENOENT);
}
END_TEST

START_TEST(waiting_ends_with_the_time)
{
        uint64_t before = process_now_msec();

        assert_error(alice,
                     dosvc_job_wait(alice,
                                    job_id,
                                    (const char *const[]){ "transferred", NULL },
                                    SECOND / 2,
                                    NULL),
                     -ETIMEDOUT,
                     "");
        ck_assert_uint_ge(process_now_msec() - before, 500);
        ck_assert_uint_lt(process_now_msec() - before, 5000);
}
END_TEST

static void on_alarm(int number)
{
}

START_TEST(a_signal_handler_ends_waiting)
{
        struct sigaction action = { .sa_handler = on_alarm };

        ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
        (void) alarm(1);
        ck_assert_int_eq(dosvc_job_wait(alice,
                                        job_id,
                                        (const char *const[]){ "transferred", NULL },
                                        WAIT,
                                        NULL),
                         -EINTR);
}
END_TEST

/* A child that waits as alice for the end of the job; its exit status says how that went. */
static pid_t fork_waiter(void)
{
        pid_t pid = fork();

        if (pid == 0) {
                const char *state = "";
                dosvc_connection *c = connect_as(USERS_ALICE_UID);
                int r = dosvc_job_wait(c,
                                       job_id,
                                       (const char *const[]){ "transferred", "error", NULL },
                                       WAIT,
                                       &state);

                if (r < 0 && r != -ECANCELED)
                        (void) fprintf(stderr, "waiter: %s\n", dosvc_last_error_message(c));
                _exit(r == -ECANCELED                     ? 43
                      : r < 0                             ? 1
                      : strcmp(state, "transferred") == 0 ? 42
                                                          : 2);
        }
        ck_assert_int_gt(pid, 0);
        return pid;
}

static int status_of(pid_t pid)
{
        int status;

        ck_assert(process_wait(pid, 40000, &status));
        return status;
}

START_TEST(a_cancelled_job_ends_waiting_for_it)
{
        pid_t waiter = fork_waiter();

        process_nap_msec(500);
        ck_assert_int_eq(dosvc_job_cancel(alice, job_id), 0);
        ck_assert_int_eq(status_of(waiter), 43);
}
END_TEST

START_TEST(waiting_goes_on_when_the_service_crashes_and_comes_back)
{
        pid_t waiter;

        add_file(SITE_OPEN, "small");
        waiter = fork_waiter();
        process_nap_msec(500);
        daemon_kill(&fixture.daemon);
        process_nap_msec(1500);
        daemon_start(&fixture.daemon);
        process_nap_msec(500);
        ck_assert_int_eq(dosvc_job_resume(alice, job_id), 0);
        ck_assert_int_eq(status_of(waiter), 42);
}
END_TEST

START_TEST(what_happened_while_the_service_was_away_is_asked_for)
{
        pid_t waiter;

        add_file(SITE_OPEN, "small");
        waiter = fork_waiter();
        process_nap_msec(500);
        /* It hears of the new service only when the job is done already. */
        ck_assert_int_eq(kill(waiter, SIGSTOP), 0);
        fixture_crash();
        ck_assert_int_eq(dosvc_job_resume(alice, job_id), 0);
        ck_assert_int_eq(dosvc_job_wait(alice,
                                        job_id,
                                        (const char *const[]){ "transferred", NULL },
                                        WAIT,
                                        NULL),
                         0);
        ck_assert_int_eq(kill(waiter, SIGCONT), 0);
        ck_assert_int_eq(status_of(waiter), 42);
}
END_TEST

static bool has_come_back(const Heard *heard)
{
        return heard->counts[DOSVC_EVENT_SERVICE_BACK] > 0;
}

START_TEST(a_subscription_is_renewed_when_the_service_comes_back)
{
        Heard heard = { 0 };

        add_file(SITE_OPEN, "small");
        ck_assert_int_eq(dosvc_subscribe(alice, 0, NULL, 0, on_event, &heard), 0);
        fixture_crash();
        ck_assert(dispatch_until(alice, has_come_back, &heard));
        ck_assert_uint_eq(heard.counts[DOSVC_EVENT_SERVICE_GONE], 1);
        ck_assert_uint_eq(heard.counts[DOSVC_EVENT_SERVICE_BACK], 1);
        ck_assert_int_eq(dosvc_job_resume(alice, job_id), 0);
        ck_assert(dispatch_until(alice, has_transferred, &heard));
}
END_TEST

static Suite *make_suite(void)
{
        Suite *suite = suite_create("client-events");
        TCase *events = client_case(suite, "events");
        TCase *waiting = client_case(suite, "waiting");

        tcase_add_test(events, a_subscriber_hears_states_progress_and_the_end);
        tcase_add_test(events, a_subscriber_hears_of_new_jobs_of_his_own);
        tcase_add_test(events, who_unsubscribed_hears_nothing_more);
        tcase_add_test(events, subscriptions_are_refused_as_the_contract_says);
        tcase_add_test(events, signals_of_others_are_not_believed);
        tcase_add_test(events, a_subscription_is_renewed_when_the_service_comes_back);

        tcase_add_test(waiting, a_job_at_rest_is_not_waited_for);
        tcase_add_test(waiting, waiting_ends_with_the_time);
        tcase_add_test(waiting, a_signal_handler_ends_waiting);
        tcase_add_test(waiting, a_cancelled_job_ends_waiting_for_it);
        tcase_add_test(waiting, waiting_goes_on_when_the_service_crashes_and_comes_back);
        tcase_add_test(waiting, what_happened_while_the_service_was_away_is_asked_for);
        return suite;
}

int main(void)
{
        return fixture_play(make_suite(), SERVERS_NGINX | SERVERS_APACHE);
}
