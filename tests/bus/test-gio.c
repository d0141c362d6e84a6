/*
 * Clients that are written with the D-Bus libraries of other languages: one Subscribe, and the
 * signals reach their proxies and object managers as those libraries expect (python3-gi here).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dbus/dosvc-wire.h"

#include "base/macro.h"

#include "model/limits.h"
#include "tests/lib/client.h"
#include "tests/lib/http-server.h"
#include "tests/lib/process.h"
#include "tests/lib/service-fixture.h"
#include "tests/lib/temp-dir.h"
#include "tests/lib/users.h"

/* Debian's own, for which its packages are; another one may come first in PATH. */
#define PYTHON "/usr/bin/python3"

#define OBJECT_MANAGER "org.freedesktop.DBus.ObjectManager"

static const unsigned char content[] = "what the server has";
static HttpServer server;

/* Slow enough for each state to be seen: those of one moment are announced as the last of them. */
static void serve(HttpRequest *request)
{
        request->piece_bytes = sizeof(content) / 2;
        request->piece_msec = 1500;
        http_serve(request,
                   &(HttpContent){ .data = content,
                                   .size_bytes = sizeof(content),
                                   .etag = "\"one\"" });
}

static void start(void)
{
        fixture_start();
        http_server_start(&server, serve, fixture.dir);
}

static void start_on_broker(void)
{
        fixture_start_on_broker();
        http_server_start(&server, serve, fixture.dir);
}

static void stop(void)
{
        http_server_stop(&server);
}

/* Runs a program of tests/bus, which that user need not be able to read; all that it said. */
static char *run(const char *path, uint32_t uid, const char *local)
{
        _cleanup_free_ char *program = temp_dir_read(path, NULL);
        _cleanup_free_ char *url = http_server_url(&server, "/file");
        _cleanup_free_ char *output = temp_dir_path(fixture.dir, "said");
        int status;
        char *said;

        ck_assert_str_ne(program, "");
        status = process_run(&(ProcessSpec){
                .argv = PROCESS_ARGV(PYTHON, "-c", program, fixture.bus.address, url, local),
                .output = output,
                .uid = uid,
        });
        said = temp_dir_read(output, NULL);
        ck_assert_msg(status == 0, "%s", said);
        return said;
}

START_TEST(a_job_is_followed_to_its_end_without_polling)
{
        _cleanup_free_ char *local = fixture_alice_file("followed");
        _cleanup_free_ char *said = run("tests/bus/follow-job.py", USERS_ALICE_UID, local);

        ck_assert_str_eq(said,
                         "added job\n"
                         "name renamed\n"
                         "slots None\n"
                         "added file\n"
                         "state queued\n"
                         "state connecting\n"
                         "state transferring\n"
                         "cached transferred 1\n"
                         "state transferred\n"
                         "state acknowledged\n"
                         "removed job\n"
                         "removed file\n");
        ck_assert_int_eq(access(local, F_OK), 0);
}
END_TEST

START_TEST(every_property_is_told_as_introspection_says)
{
        _cleanup_free_ char *local = temp_dir_path(fixture.dir, "told");
        _cleanup_free_ char *said = run("tests/bus/tell-all.py", 0, local);

        ck_assert_str_eq(said, "not told: []\ntold, but not annotated: []\n");
}
END_TEST

/* ---- objects that come and go ---------------------------------------------------------------- */

/* The signals that a subscriber hears, as "+job " "+file " "-job " "-file ". */
typedef struct Heard {
        sd_bus *bus;
        char text[4096];
} Heard;

static int on_object(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        bool added = strcmp(sd_bus_message_get_member(m), "InterfacesAdded") == 0;
        Heard *heard = userdata;
        size_t at = strlen(heard->text);
        const char *path;

        ck_assert_int_gt(sd_bus_message_read(m, "o", &path), 0);
        (void) snprintf(heard->text + at,
                        sizeof(heard->text) - at,
                        "%c%s ",
                        added ? '+' : '-',
                        strstr(path, "/file/") ? "file" : "job");
        return 0;
}

static void subscribe(Heard *heard, sd_bus *bus, bool all_users)
{
        heard->bus = bus;
        ck_assert_int_ge(
                sd_bus_match_signal(bus, NULL, NULL, NULL, OBJECT_MANAGER, NULL, on_object, heard),
                0);
        ck_assert_pstr_eq(client_try(bus,
                                     DOSVC_MANAGER_PATH,
                                     DOSVC_MANAGER_INTERFACE,
                                     "Subscribe",
                                     "a{sv}",
                                     (int) all_users,
                                     "all-users",
                                     "b",
                                     1),
                          NULL);
}

/* Whatever was sent before has come when a call is answered. */
static void assert_heard(Heard *heard, const char *expected)
{
        (void) client_try(heard->bus,
                          DOSVC_MANAGER_PATH,
                          "org.freedesktop.DBus.Peer",
                          "Ping",
                          NULL);
        while (sd_bus_process(heard->bus, NULL) > 0)
                ;
        ck_assert_str_eq(heard->text, expected);
        heard->text[0] = '\0';
}

START_TEST(objects_are_told_to_those_who_may_see_them)
{
        Heard alice = { 0 }, bob = { 0 }, root = { 0 };
        char *job;

        subscribe(&alice, fixture.alice, false);
        subscribe(&bob, fixture.bob, false);
        subscribe(&root, fixture.root, true);
        job = client_create(fixture.alice, "name");
        client_add_file(fixture.alice, job, "http://127.0.0.1:9/1", "/tmp/1");
        client_add_file(fixture.alice, job, "http://127.0.0.1:9/2", "/tmp/2");
        assert_heard(&alice, "+job +file +file ");
        assert_heard(&root, "+job +file +file ");
        client_call(fixture.alice, job, "Cancel");
        assert_heard(&alice, "-job -file -file ");
        assert_heard(&root, "-job -file -file ");
        assert_heard(&bob, "");
        free(job);
}
END_TEST

/* Root sees the job before and after, but as one of its own only when it has taken it. */
START_TEST(a_taken_job_is_gone_for_its_owner_before)
{
        Heard alice = { 0 }, root = { 0 };
        char *job = client_create_for(fixture.alice, "http://127.0.0.1:9/1", "/tmp/1");

        subscribe(&alice, fixture.alice, false);
        subscribe(&root, fixture.root, _i > 0);
        client_call(fixture.root, job, "TakeOwnership");
        assert_heard(&alice, "-job -file ");
        assert_heard(&root, _i > 0 ? "" : "+job +file ");
        free(job);
}
END_TEST

static void add_files(sd_bus *bus, const char *job, unsigned from, unsigned n)
{
        sd_bus_message *m = NULL;
        int r = sd_bus_message_new_method_call(bus,
                                               &m,
                                               DOSVC_BUS_NAME,
                                               job,
                                               DOSVC_JOB_INTERFACE,
                                               "AddFiles");

        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(ss)");
        for (unsigned i = from; r >= 0 && i < from + n; i++) {
                char local[32];

                (void) snprintf(local, sizeof(local), "/tmp/%u", i);
                r = sd_bus_message_append(m, "(ss)", "http://127.0.0.1:9/", local);
        }
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r >= 0)
                r = sd_bus_call(bus, m, 0, NULL, NULL);
        ck_assert_int_ge(r, 0);
        sd_bus_message_unref(m);
}

/* A burst of megabytes would fill the queue of a subscriber that does not read at once. */
START_TEST(thousands_of_files_are_not_told_one_by_one)
{
        char *job = client_create(fixture.alice, "name");
        Heard alice = { 0 };

        subscribe(&alice, fixture.alice, false);
        add_files(fixture.alice, job, 0, LIMIT_ANNOUNCED_FILES + 1);
        assert_heard(&alice, "");
        add_files(fixture.alice, job, LIMIT_ANNOUNCED_FILES + 1, 2);
        assert_heard(&alice, "+file +file ");
        client_call(fixture.alice, job, "Cancel");
        assert_heard(&alice, "-job ");
        free(job);
}
END_TEST

/* A restart makes no job or file a new one. */
START_TEST(after_a_restart_only_new_files_are_told)
{
        char *job = client_create_for(fixture.alice, "http://127.0.0.1:9/1", "/tmp/1");
        Heard alice = { 0 };

        fixture_crash();
        subscribe(&alice, fixture.alice, false);
        client_add_file(fixture.alice, job, "http://127.0.0.1:9/2", "/tmp/2");
        assert_heard(&alice, "+file ");
        free(job);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("gio");
        TCase *proxies = fixture_case(suite, "proxies", start);
        TCase *broker = fixture_case(suite, "proxies on dbus-broker", start_on_broker);
        TCase *objects = fixture_case(suite, "objects", fixture_start);

        tcase_add_checked_fixture(proxies, NULL, stop);
        tcase_add_checked_fixture(broker, NULL, stop);
        tcase_add_test(proxies, a_job_is_followed_to_its_end_without_polling);
        tcase_add_test(proxies, every_property_is_told_as_introspection_says);
        tcase_add_test(broker, a_job_is_followed_to_its_end_without_polling);
        tcase_add_test(objects, objects_are_told_to_those_who_may_see_them);
        tcase_add_loop_test(objects, a_taken_job_is_gone_for_its_owner_before, 0, 2);
        tcase_add_test(objects, thousands_of_files_are_not_told_one_by_one);
        tcase_add_test(objects, after_a_restart_only_new_files_are_told);
        return fixture_play(suite, 0);
}
