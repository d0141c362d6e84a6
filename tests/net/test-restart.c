/*
 * What survives: jobs, files, credentials and bytes over SIGTERM and kill -9 of dosvcd, of its
 * spawner and of a worker in the middle of a large file; the result is byte for byte the
 * server's. The file takes five seconds at the rate of SITE_SLOW: 40 MiB unless $DOSVC_SLOW_MIB
 * says otherwise, 1 GiB with 205.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dbus/dosvc-wire.h"

#include "base/macro.h"

#include "tests/lib/client.h"
#include "tests/lib/file-hash.h"
#include "tests/lib/process.h"
#include "tests/lib/servers.h"
#include "tests/lib/service-fixture.h"
#include "tests/lib/temp-dir.h"
#include "tests/lib/users.h"

#define MIB       (1024ULL * 1024ULL)
#define WAIT_MSEC 30000

#define LARGE_SEC  5
#define LARGE_MSEC (LARGE_SEC * 2 * 1000 + WAIT_MSEC)

static const char alice_home[] = USERS_ALICE_HOME;
static char *job, *local;

/* What comes in a second. */
static uint64_t slow_bytes(void)
{
        return servers_slow_mib() * MIB;
}

/* A worker syncs and reports once a second; before that nothing is promised. */
static uint64_t synced_bytes(void)
{
        return 2 * slow_bytes();
}

/* Alice's home is all tests': a failed one may have left its file. */
static void remove_leftovers(void)
{
        ck_assert_int_eq(process_run(&(ProcessSpec){
                                 .argv = PROCESS_ARGV("find", alice_home, "-type", "f", "-delete"),
                         }),
                         0);
}

/* Temporary files in alice's home. */
static bool has_leftovers(void)
{
        _cleanup_free_ char *list = temp_dir_path(fixture.dir, "list"), *text = NULL;

        (void) unlink(list);
        ck_assert_int_eq(
                process_run(&(ProcessSpec){
                        .argv = PROCESS_ARGV("find", alice_home, "-type", "f", "-name", ".*"),
                        .output = list,
                }),
                0);
        text = temp_dir_read(list, NULL);
        return *text;
}

static void prepare(void)
{
        _cleanup_free_ char *url = servers_url(SITE_SLOW, "large");
        _cleanup_free_ char *path = servers_file("large");

        if (access(path, F_OK) < 0)
                servers_add_file("large", LARGE_SEC * slow_bytes());
        servers_forget_requests();
        local = fixture_alice_file("large");
        remove_leftovers();
        job = client_create_for(fixture.alice, url, local);
        client_set_password(fixture.alice, job, "server", "basic", SERVERS_USER, SERVERS_PASSWORD);
}

static void start(void)
{
        fixture_start_with_key();
        prepare();
}

static void start_user(void)
{
        fixture_start_user();
        prepare();
}

static void resume_until(uint64_t bytes)
{
        client_call(fixture.alice, job, "Resume");
        client_wait_bytes(fixture.alice, job, bytes, WAIT_MSEC);
}

static uint64_t bytes_now(void)
{
        return client_number(fixture.alice, job, DOSVC_JOB_INTERFACE, "BytesTransferred", 't');
}

/* To the end, whatever the job was doing; transient errors are retried at once. */
static void finish(void)
{
        _cleanup_free_ char *expected = servers_file("large");
        uint64_t deadline = process_now_msec() + LARGE_MSEC;

        while (strcmp(client_state(fixture.alice, job), "transferred") != 0) {
                ClientError error = client_error(fixture.alice, job);

                ck_assert_msg(strcmp(client_state(fixture.alice, job), "error") != 0,
                              "%s: %s",
                              error.name,
                              error.description);
                ck_assert_uint_lt(process_now_msec(), deadline);
                client_call(fixture.alice, job, "Resume");
                process_nap_msec(100);
        }
        ck_assert_int_eq(client_complete(fixture.alice, job), 0);
        file_hash_assert_same(local, expected);
}

/* The last request for the file asked for a part of it: fetched bytes were not fetched again. */
static void assert_continued(void)
{
        _cleanup_free_ char *requests = servers_requests(SITE_SLOW, 1);

        ck_assert_msg(strstr(requests, "GET /slow/large 206 Basic"), "%s", requests);
}

START_TEST(a_suspended_transfer_continues_where_it_was)
{
        uint64_t bytes;

        resume_until(4 * MIB);
        client_call(fixture.alice, job, "Suspend");
        ck_assert_str_eq(client_state(fixture.alice, job), "suspended");
        bytes = bytes_now();
        process_nap_msec(500);
        ck_assert_int_eq(daemon_find(&fixture.daemon, "dosvc-worker", 0), 0);
        ck_assert_uint_ge(bytes_now(), 4 * MIB);
        ck_assert_uint_le(bytes_now(), bytes + slow_bytes());
        ck_assert_int_lt(access(local, F_OK), 0);
        finish();
        assert_continued();
}
END_TEST

/* The state of a job, its files and its credentials are the store's, not the process's. */
START_TEST(a_restarted_service_knows_its_jobs)
{
        client_call(fixture.alice, job, "Suspend");
        if (_i)
                fixture_crash();
        else
                fixture_restart();
        ck_assert_str_eq(client_state(fixture.alice, job), "suspended");
        ck_assert_str_eq(client_string(fixture.alice, job, DOSVC_JOB_INTERFACE, "DisplayName"),
                         "test");
        ck_assert_uint_eq(client_number(fixture.alice, job, DOSVC_JOB_INTERFACE, "FilesTotal", 'u'),
                          1);
        ck_assert_int_eq(client_remove_credentials(fixture.alice, job, "server", "basic"), 1);
}
END_TEST

/* Saved before announced: what a client was told is there after kill -9 at once. */
START_TEST(what_was_answered_survives_kill_9)
{
        char *names[20], name[32];

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                (void) snprintf(name, sizeof(name), "job %zu", i);
                names[i] = client_create(fixture.alice, name);
                client_add_file(fixture.alice, names[i], "http://127.0.0.1:9/x", "/tmp/x");
        }
        client_call(fixture.alice, names[0], "Cancel");
        fixture_crash();
        ck_assert_pstr_eq(client_try_call(fixture.alice, names[0], "ListFiles"),
                          SD_BUS_ERROR_UNKNOWN_OBJECT);
        for (size_t i = 1; i < ARRAY_SIZE(names); i++)
                ck_assert_uint_eq(client_number(fixture.alice,
                                                names[i],
                                                DOSVC_JOB_INTERFACE,
                                                "FilesTotal",
                                                'u'),
                                  1);
}
END_TEST

START_TEST(a_restarted_service_goes_on_with_active_jobs)
{
        resume_until(synced_bytes());
        if (_i)
                fixture_crash();
        else
                fixture_restart();
        /* Without a call: it was active, so it is again. */
        client_wait_bytes(fixture.alice, job, synced_bytes(), WAIT_MSEC);
        finish();
        assert_continued();
}
END_TEST

static const char *const helpers[] = { "dosvc-worker", "dosvc-spawn" };

START_TEST(a_killed_helper_costs_one_attempt)
{
        pid_t pid;

        resume_until(synced_bytes());
        pid = daemon_find(&fixture.daemon, helpers[_i], 5000);
        ck_assert_int_gt(pid, 0);
        ck_assert_int_eq(kill(pid, SIGKILL), 0);
        ck_assert(PROCESS_WAIT_UNTIL(10000,
                                     strcmp(client_state(fixture.alice, job), "transient-error") ==
                                             0));
        ck_assert_str_eq(client_error(fixture.alice, job).name, "worker-failed");
        /* dosvcd goes on; started without systemd it has no way to a new spawner. */
        free(client_create(fixture.bob, "meanwhile"));
        if (_i == 1)
                fixture_restart();
        finish();
        assert_continued();
}
END_TEST

START_TEST(a_stopped_worker_is_not_waited_for)
{
        pid_t pid;
        uint64_t began;

        resume_until(4 * MIB);
        pid = daemon_find(&fixture.daemon, "dosvc-worker", 5000);
        ck_assert_int_gt(pid, 0);
        ck_assert_int_eq(kill(pid, SIGSTOP), 0);
        began = process_now_msec();
        client_call(fixture.alice, job, "Suspend");
        ck_assert_uint_lt(process_now_msec() - began, 2000);
        ck_assert(PROCESS_WAIT_UNTIL(15000, !process_is_alive(pid)));
        finish();
}
END_TEST

/* Killed again and again, at no chosen moment. */
START_TEST(the_result_is_whole_after_many_kills)
{
        resume_until(1 * MIB);
        for (int i = 0; i < 8; i++) {
                process_nap_msec(130U * (unsigned) (i % 4 + 1));
                if (i % 2) {
                        pid_t pid = daemon_find(&fixture.daemon, "dosvc-worker", 0);

                        if (pid > 0)
                                (void) kill(pid, SIGKILL);
                        process_nap_msec(50);
                } else
                        fixture_crash();
                (void) client_try_call(fixture.alice, job, "Resume");
        }
        finish();
}
END_TEST

START_TEST(cancel_removes_what_was_fetched)
{
        resume_until(4 * MIB);
        ck_assert(has_leftovers());
        client_call(fixture.alice, job, "Cancel");
        ck_assert(PROCESS_WAIT_UNTIL(10000, !has_leftovers()));
        ck_assert_int_lt(access(local, F_OK), 0);
}
END_TEST

/* Complete in the middle: what is finished is published, the rest removed. */
START_TEST(complete_in_the_middle_is_partial)
{
        _cleanup_free_ char *second = fixture_alice_file("small"), *small = servers_file("small");
        _cleanup_free_ char *url = servers_url(SITE_OPEN, "small");
        char *both = client_create(fixture.alice, "both");
        _cleanup_free_ char *slow = servers_url(SITE_SLOW, "large");

        (void) unlink(second);
        client_add_file(fixture.alice, both, url, second);
        client_add_file(fixture.alice, both, slow, local);
        client_set_password(fixture.alice, both, "server", "basic", SERVERS_USER, SERVERS_PASSWORD);
        client_call(fixture.alice, both, "Resume");
        client_wait_bytes(fixture.alice, both, 2 * MIB, WAIT_MSEC);
        ck_assert_int_eq(client_complete(fixture.alice, both), 1);
        file_hash_assert_same(second, small);
        ck_assert_int_lt(access(local, F_OK), 0);
}
END_TEST

static Suite *make_suite(void)
{
        Suite *suite = suite_create("restart");
        TCase *records = fixture_case(suite, "records", start);
        TCase *transfers = fixture_case(suite, "transfers", start);
        TCase *ends = fixture_case(suite, "ends", start);
        TCase *user = fixture_case(suite, "user instance", start_user);

        tcase_add_loop_test(records, a_restarted_service_knows_its_jobs, 0, 2);
        tcase_add_test(records, what_was_answered_survives_kill_9);

        tcase_set_timeout(transfers, 180);
        tcase_add_test(transfers, a_suspended_transfer_continues_where_it_was);
        tcase_add_loop_test(transfers, a_restarted_service_goes_on_with_active_jobs, 0, 2);
        tcase_add_loop_test(transfers, a_killed_helper_costs_one_attempt, 0, ARRAY_SIZE(helpers));
        tcase_add_test(transfers, a_stopped_worker_is_not_waited_for);
        tcase_add_test(transfers, the_result_is_whole_after_many_kills);

        tcase_add_test(ends, cancel_removes_what_was_fetched);
        tcase_add_test(ends, complete_in_the_middle_is_partial);

        tcase_set_timeout(user, 180);
        tcase_add_test(user, a_suspended_transfer_continues_where_it_was);
        return suite;
}

int main(void)
{
        return fixture_play(make_suite(), SERVERS_NGINX);
}
