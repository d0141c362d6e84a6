/*
 * How a job ends: by itself (AutoComplete), as a whole (CompleteWhole), and for those who wait for
 * it (Wait).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dbus/dosvc-wire.h"

#include "base/macro.h"

#include "model/limits.h"
#include "tests/lib/client.h"
#include "tests/lib/file-hash.h"
#include "tests/lib/process.h"
#include "tests/lib/servers.h"
#include "tests/lib/service-fixture.h"
#include "tests/lib/users.h"

#define ERROR(name) DOSVC_ERROR_PREFIX name

#define SECOND    1000000ULL
#define WAIT_MSEC 20000
#define MINUTE    (60 * SECOND)

static char *job, *local; /* alice's job, without files, and where its file goes */

static void start(void)
{
        fixture_start();
        job = client_create(fixture.alice, "complete");
        local = fixture_alice_file("complete-file");
        (void) unlink(local);
}

static void stop(void)
{
        (void) unlink(local);
        free(local);
        free(job);
}

static void add(Site site, const char *name)
{
        _cleanup_free_ char *url = servers_url(site, name);

        client_add_file(fixture.alice, job, url, local);
}

static void set_auto_complete(bool value)
{
        ck_assert_pstr_eq(client_try(fixture.alice,
                                     job,
                                     "org.freedesktop.DBus.Properties",
                                     "Set",
                                     "ssv",
                                     DOSVC_JOB_INTERFACE,
                                     "AutoComplete",
                                     "b",
                                     (int) value),
                          NULL);
}

/* What Wait answers, or the name of its error. */
static const char *wait_as(sd_bus *bus, uint64_t timeout_usec)
{
        static char answer[256];
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *reply = NULL;
        const char *state;

        if (sd_bus_call_method(bus,
                               DOSVC_BUS_NAME,
                               job,
                               DOSVC_JOB_INTERFACE,
                               "Wait",
                               &error,
                               &reply,
                               "t",
                               timeout_usec) < 0) {
                (void) snprintf(answer, sizeof(answer), "%s", error.name);
        } else {
                ck_assert_int_ge(sd_bus_message_read(reply, "s", &state), 0);
                (void) snprintf(answer, sizeof(answer), "%s", state);
        }
        sd_bus_error_free(&error);
        sd_bus_message_unref(reply);
        return answer;
}

/* ---- AutoComplete ---------------------------------------------------------------------------- */

START_TEST(a_job_with_auto_complete_ends_by_itself)
{
        _cleanup_free_ char *original = servers_file("small");

        add(SITE_OPEN, "small");
        set_auto_complete(true);
        client_call(fixture.alice, job, "Resume");
        ck_assert_str_eq(wait_as(fixture.alice, 20 * SECOND), "acknowledged");
        file_hash_assert_same(local, original);
        ck_assert_pstr_eq(client_try_call(fixture.alice, job, "Resume"),
                          "org.freedesktop.DBus.Error.UnknownObject");
}
END_TEST

START_TEST(a_transferred_job_ends_once_it_is_told_to)
{
        add(SITE_OPEN, "small");
        client_call(fixture.alice, job, "Resume");
        ck_assert_str_eq(wait_as(fixture.alice, 20 * SECOND), "transferred");
        ck_assert_int_ne(access(local, F_OK), 0);
        set_auto_complete(true);
        ck_assert_str_eq(wait_as(fixture.alice, 20 * SECOND), "acknowledged");
        ck_assert_int_eq(access(local, F_OK), 0);
}
END_TEST

/* The directory is not writable when the file is to be put in place. */
START_TEST(what_cannot_be_put_in_place_is_tried_again)
{
        _cleanup_free_ char *dir = fixture_alice_file("closed"), *url = NULL, *path = NULL;

        ck_assert(mkdir(dir, 0700) == 0 || errno == EEXIST);
        ck_assert_int_eq(chown(dir, USERS_ALICE_UID, USERS_ALICE_UID), 0);
        ck_assert_int_gt(asprintf(&path, "%s/file", dir), 0);
        url = servers_url(SITE_OPEN, "small");
        client_add_file(fixture.alice, job, url, path);
        ck_assert_pstr_eq(client_try(fixture.alice,
                                     job,
                                     "org.freedesktop.DBus.Properties",
                                     "Set",
                                     "ssv",
                                     DOSVC_JOB_INTERFACE,
                                     "MinimumRetryDelay",
                                     "t",
                                     UINT64_C(5)),
                          NULL);
        client_call(fixture.alice, job, "Resume");
        ck_assert_str_eq(wait_as(fixture.alice, 20 * SECOND), "transferred");
        ck_assert_int_eq(chmod(dir, 0500), 0);
        set_auto_complete(true);
        ck_assert_str_eq(wait_as(fixture.alice, 20 * SECOND), "transferred");
        ck_assert_str_eq(client_error(fixture.alice, job).name, "access-denied");
        ck_assert_ptr_nonnull(
                strstr(client_string(fixture.alice, job, DOSVC_JOB_INTERFACE, "Status"),
                       "completing is tried again at"));
        ck_assert_uint_gt(
                client_number(fixture.alice, job, DOSVC_JOB_INTERFACE, "NextAttemptTime", 't'),
                0);
        fixture_crash(); /* and it is not forgotten */
        ck_assert_int_eq(chmod(dir, 0700), 0);
        ck_assert(PROCESS_WAIT_UNTIL(WAIT_MSEC, access(path, F_OK) == 0));
        ck_assert_int_eq(unlink(path), 0);
        ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

/* ---- CompleteWhole --------------------------------------------------------------------------- */

START_TEST(complete_whole_refuses_an_unfinished_job)
{
        ck_assert_pstr_eq(client_try_call(fixture.alice, job, "CompleteWhole"), ERROR("Empty"));
        add(SITE_OPEN, "small");
        ck_assert_pstr_eq(client_try_call(fixture.alice, job, "CompleteWhole"),
                          ERROR("InvalidState"));
        ck_assert_ptr_nonnull(strstr(client_last_message(), "0 of 1 files"));
        ck_assert_str_eq(client_state(fixture.alice, job), "suspended");
        ck_assert_pstr_eq(client_try_call(fixture.bob, job, "CompleteWhole"),
                          "org.freedesktop.DBus.Error.UnknownObject");
        client_call(fixture.alice, job, "Resume");
        ck_assert_str_eq(wait_as(fixture.alice, 0), "transferred");
        client_call(fixture.alice, job, "CompleteWhole");
        ck_assert_int_eq(access(local, F_OK), 0);
}
END_TEST

/* ---- Wait ------------------------------------------------------------------------------------ */

START_TEST(wait_answers_with_the_state_when_its_time_is_up)
{
        uint64_t before = process_now_msec();

        ck_assert_str_eq(wait_as(fixture.alice, SECOND / 2), "suspended");
        ck_assert_uint_ge(process_now_msec() - before, 500);
        ck_assert_uint_lt(process_now_msec() - before, 5000);
}
END_TEST

START_TEST(wait_answers_when_a_job_has_failed)
{
        add(SITE_GONE, "small");
        client_call(fixture.alice, job, "Resume");
        ck_assert_str_eq(wait_as(fixture.alice, MINUTE), "error");
        ck_assert_str_eq(wait_as(fixture.alice, 0), "error");
        ck_assert_str_eq(wait_as(fixture.root, 0), "error");
        ck_assert_str_eq(wait_as(fixture.bob, 0), "org.freedesktop.DBus.Error.UnknownObject");
}
END_TEST

/* Answers of calls that were sent one after the other. */
typedef struct Answers {
        unsigned n, refused;
        char last[64];
} Answers;

static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Answers *answers = userdata;
        const char *state;

        answers->n++;
        if (sd_bus_message_is_method_error(m, ERROR("LimitExceeded")))
                answers->refused++;
        else if (sd_bus_message_read(m, "s", &state) >= 0)
                (void) snprintf(answers->last, sizeof(answers->last), "%s", state);
        return 0;
}

static void send_waits(sd_bus *bus, unsigned n, Answers *answers)
{
        for (unsigned i = 0; i < n; i++)
                ck_assert_int_ge(sd_bus_call_method_async(bus,
                                                          NULL,
                                                          DOSVC_BUS_NAME,
                                                          job,
                                                          DOSVC_JOB_INTERFACE,
                                                          "Wait",
                                                          on_answer,
                                                          answers,
                                                          "t",
                                                          UINT64_C(0)),
                                 0);
        ck_assert_int_ge(sd_bus_flush(bus), 0);
}

static bool has_answers(sd_bus *bus, const Answers *answers, unsigned n)
{
        while (sd_bus_process(bus, NULL) > 0)
                ;
        return answers->n >= n;
}

START_TEST(all_who_wait_hear_that_the_job_is_gone)
{
        Answers answers = { 0 };

        send_waits(fixture.alice, 20, &answers);
        client_call(fixture.alice, job, "Cancel");
        ck_assert(PROCESS_WAIT_UNTIL(WAIT_MSEC, has_answers(fixture.alice, &answers, 20)));
        ck_assert_str_eq(answers.last, "cancelled");
}
END_TEST

/* dbus-daemon itself lets a connection wait for 128 answers. */
#define CROWD 100U

START_TEST(those_who_wait_are_limited_and_leave_with_their_connection)
{
        sd_bus *crowds[LIMIT_WAITS_PER_USER / CROWD + 1];
        Answers answers = { 0 };

        for (size_t i = 0; i < ARRAY_SIZE(crowds); i++) {
                crowds[i] = bus_open(&fixture.bus, USERS_ALICE_UID);
                /* The first call of a connection finds out who it is. */
                ck_assert_pstr_eq(client_try_call(crowds[i], job, "Suspend"), NULL);
                send_waits(crowds[i], CROWD, &answers);
        }
        ck_assert(
                PROCESS_WAIT_UNTIL(WAIT_MSEC,
                                   has_answers(crowds[ARRAY_SIZE(crowds) - 1],
                                               &answers,
                                               ARRAY_SIZE(crowds) * CROWD - LIMIT_WAITS_PER_USER)));
        ck_assert_uint_eq(answers.refused, answers.n);
        ck_assert_str_eq(wait_as(fixture.alice, SECOND / 10), ERROR("LimitExceeded"));
        for (size_t i = 0; i < ARRAY_SIZE(crowds); i++)
                (void) sd_bus_flush_close_unref(crowds[i]);
        ck_assert(
                PROCESS_WAIT_UNTIL(WAIT_MSEC,
                                   strcmp(wait_as(fixture.alice, SECOND / 10), "suspended") == 0));
}
END_TEST

/* Nothing is published with root's rights that root has not asked for. */
START_TEST(a_job_that_is_taken_over_does_not_complete_itself)
{
        set_auto_complete(true);
        client_call(fixture.root, job, "TakeOwnership");
        ck_assert_uint_eq(
                client_number(fixture.root, job, DOSVC_JOB_INTERFACE, "AutoComplete", 'b'),
                0);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("complete");
        TCase *tcase = fixture_case(suite, "complete", start);

        tcase_add_checked_fixture(tcase, NULL, stop);
        tcase_add_test(tcase, a_job_with_auto_complete_ends_by_itself);
        tcase_add_test(tcase, a_transferred_job_ends_once_it_is_told_to);
        tcase_add_test(tcase, what_cannot_be_put_in_place_is_tried_again);
        tcase_add_test(tcase, complete_whole_refuses_an_unfinished_job);
        tcase_add_test(tcase, wait_answers_with_the_state_when_its_time_is_up);
        tcase_add_test(tcase, wait_answers_when_a_job_has_failed);
        tcase_add_test(tcase, all_who_wait_hear_that_the_job_is_gone);
        tcase_add_test(tcase, those_who_wait_are_limited_and_leave_with_their_connection);
        tcase_add_test(tcase, a_job_that_is_taken_over_does_not_complete_itself);
        return fixture_play(suite, SERVERS_NGINX);
}
