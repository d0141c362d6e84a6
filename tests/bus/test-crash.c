/*
 * The end of the service at the wrong moment: killed between a decision and what follows from it,
 * and told to stop with a hundred transfers under way.
 */
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dbus/dosvc-wire.h"

#include "base/macro.h"

#include "tests/lib/client.h"
#include "tests/lib/http-server.h"
#include "tests/lib/process.h"
#include "tests/lib/service-fixture.h"
#include "tests/lib/temp-dir.h"
#include "tests/lib/users.h"

#define WAIT_MSEC 40000

#define CONTENT_SIZE (64U * 1024 * 1024)
#define PIECE        (32U * 1024)
#define PIECE_MSEC   250

#define MANY 100

static char piece[PIECE];
static HttpServer server;

/* Slow, and it never ends while a test lasts. */
static void serve(HttpRequest *request)
{
        http_printf(request,
                    "HTTP/1.1 200 OK\r\nContent-Length: %u\r\nETag: \"e\"\r\n\r\n",
                    CONTENT_SIZE);
        for (unsigned sent = 0; sent < CONTENT_SIZE; sent += PIECE) {
                http_write(request, piece, PIECE);
                process_nap_msec(PIECE_MSEC);
        }
}

static void start(void)
{
        fixture_start();
        temp_dir_write(fixture.daemon.config,
                       "[Limits]\nMaxActiveJobs=100\nMaxActiveJobsPerUser=100\n");
        fixture_restart();
        http_server_start(&server, serve, fixture.dir);
}

static void stop(void)
{
        http_server_stop(&server);
}

static char *create(unsigned n)
{
        _cleanup_free_ char *url = http_server_url(&server, "/file"), *local = NULL;
        char name[32];

        (void) snprintf(name, sizeof(name), "crash-%u", n);
        local = fixture_alice_file(name);
        (void) unlink(local);
        return client_create_for(fixture.alice, url, local);
}

static uint64_t bytes(const char *job)
{
        return client_number(fixture.alice, job, DOSVC_JOB_INTERFACE, "BytesTransferred", 't');
}

static bool has_leftovers(void)
{
        _cleanup_free_ char *list = temp_dir_path(fixture.dir, "list"), *text = NULL;

        ck_assert_int_eq(
                process_run(&(ProcessSpec){
                        .argv = PROCESS_ARGV("find", USERS_ALICE_HOME, "-name", ".crash-*"),
                        .output = list,
                }),
                0);
        text = temp_dir_read(list, NULL);
        (void) unlink(list);
        return text[0] != '\0';
}

static uint64_t jobs(void)
{
        return client_number(fixture.alice,
                             DOSVC_MANAGER_PATH,
                             DOSVC_MANAGER_INTERFACE,
                             "JobsTotal",
                             'u');
}

/* A number from the database, nobody else having it open. */
static uint64_t ask_store(const char *sql)
{
        _cleanup_free_ char *path = temp_dir_path(fixture.daemon.state_dir, "jobs.db");
        sqlite3_stmt *statement = NULL;
        sqlite3 *db = NULL;
        uint64_t number;

        ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
        ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
        ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
        number = (uint64_t) sqlite3_column_int64(statement, 0);
        ck_assert_int_eq(sqlite3_finalize(statement), SQLITE_OK);
        ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
        return number;
}

/* The decision is stored; the worker that would carry it out is never started. */
START_TEST(a_cancelled_job_is_cleaned_up_after_a_crash)
{
        char *job = create(0);
        sd_bus_message *m = NULL;
        pid_t spawner;

        client_call(fixture.alice, job, "Resume");
        client_wait_bytes(fixture.alice, job, PIECE, WAIT_MSEC);
        client_call(fixture.alice, job, "Suspend");
        ck_assert(PROCESS_WAIT_UNTIL(WAIT_MSEC,
                                     daemon_find(&fixture.daemon, "dosvc-worker", 0) == 0));
        ck_assert(has_leftovers());

        spawner = daemon_find(&fixture.daemon, "dosvc-spawn", 5000);
        ck_assert_int_gt(spawner, 0);
        ck_assert_int_eq(kill(spawner, SIGSTOP), 0);
        ck_assert_int_ge(sd_bus_message_new_method_call(fixture.alice,
                                                        &m,
                                                        DOSVC_BUS_NAME,
                                                        job,
                                                        DOSVC_JOB_INTERFACE,
                                                        "Cancel"),
                         0);
        ck_assert_int_ge(sd_bus_send(fixture.alice, m, NULL), 0);
        sd_bus_message_unref(m);
        ck_assert(PROCESS_WAIT_UNTIL(WAIT_MSEC,
                                     strcmp(client_state(fixture.alice, job), "cancelled") == 0));
        process_nap_msec(500); /* memory is ahead of the disk by a turn */

        process_kill(&fixture.daemon.pid);
        ck_assert_int_eq(kill(spawner, SIGKILL), 0);
        ck_assert(
                PROCESS_WAIT_UNTIL(WAIT_MSEC, daemon_find(&fixture.daemon, "dosvc-spawn", 0) == 0));
        ck_assert(has_leftovers());
        ck_assert_uint_eq(ask_store("SELECT count(*) FROM jobs WHERE state=8"), 1);

        daemon_start(&fixture.daemon);
        ck_assert(PROCESS_WAIT_UNTIL(WAIT_MSEC, !has_leftovers()));
        ck_assert(PROCESS_WAIT_UNTIL(WAIT_MSEC, jobs() == 0));
        /* A cancelled job is not counted: its row goes when the worker has said that it is done. */
        ck_assert(PROCESS_WAIT_UNTIL(WAIT_MSEC,
                                     daemon_find(&fixture.daemon, "dosvc-worker", 0) == 0));
        daemon_stop(&fixture.daemon);
        ck_assert_uint_eq(ask_store("SELECT count(*) FROM jobs"), 0);
}
END_TEST

static uint64_t stop_timed(void)
{
        uint64_t began = process_now_msec();
        int status = -1;

        ck_assert_int_eq(kill(fixture.daemon.pid, SIGTERM), 0);
        ck_assert(process_wait(fixture.daemon.pid, WAIT_MSEC, &status));
        ck_assert_int_eq(status, 0);
        fixture.daemon.pid = 0;
        return process_now_msec() - began;
}

START_TEST(a_stop_with_many_transfers_is_quick_and_loses_nothing)
{
        uint64_t before[MANY], sum = 0, msec;
        char *job[MANY];

        for (unsigned i = 0; i < MANY; i++) {
                job[i] = create(i);
                client_call(fixture.alice, job[i], "Resume");
        }
        for (unsigned i = 0; i < MANY; i++)
                client_wait_bytes(fixture.alice, job[i], PIECE, WAIT_MSEC);
        for (unsigned i = 0; i < MANY; i++) {
                ck_assert_str_eq(client_state(fixture.alice, job[i]), "transferring");
                before[i] = bytes(job[i]);
                sum += before[i];
        }

        msec = stop_timed();
        (void) fprintf(stderr, "stopped %d transfers in %u ms\n", MANY, (unsigned) msec);
        ck_assert_uint_lt(msec, 5000);
        ck_assert_int_eq(daemon_find(&fixture.daemon, "dosvc-worker", 0), 0);
        ck_assert_uint_ge(ask_store("SELECT sum(offset) FROM files"), sum);
        ck_assert_uint_eq(ask_store("SELECT count(*) FROM files WHERE offset > 0"), MANY);
}
END_TEST

/* One worker does not hear: it is not waited for longer than that. */
START_TEST(a_stop_does_not_wait_for_a_worker_that_hangs)
{
        char *job[3];
        pid_t worker;

        for (unsigned i = 0; i < ARRAY_SIZE(job); i++) {
                job[i] = create(i);
                client_call(fixture.alice, job[i], "Resume");
        }
        for (unsigned i = 0; i < ARRAY_SIZE(job); i++)
                client_wait_bytes(fixture.alice, job[i], PIECE, WAIT_MSEC);
        worker = daemon_find(&fixture.daemon, "dosvc-worker", 0);
        ck_assert_int_eq(kill(worker, SIGSTOP), 0);
        ck_assert_uint_lt(stop_timed(), 5000);
        ck_assert(PROCESS_WAIT_UNTIL(5000, daemon_find(&fixture.daemon, "dosvc-worker", 0) == 0));
        ck_assert_uint_ge(ask_store("SELECT count(*) FROM files WHERE offset > 0"), 2);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("crash");
        TCase *crash = fixture_case(suite, "crash", start);
        TCase *stops = fixture_case(suite, "stop", start);

        http_fill(piece, sizeof(piece), 1);
        tcase_add_checked_fixture(crash, NULL, stop);
        tcase_add_test(crash, a_cancelled_job_is_cleaned_up_after_a_crash);
        tcase_add_checked_fixture(stops, NULL, stop);
        tcase_add_test(stops, a_stop_with_many_transfers_is_quick_and_loses_nothing);
        tcase_add_test(stops, a_stop_does_not_wait_for_a_worker_that_hangs);
        return fixture_play(suite, 0);
}
