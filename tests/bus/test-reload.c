/*
 * Manager.Reload and SIGHUP: the configuration is read again while the service runs.
 */
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dbus/dosvc-wire.h"

#include "base/macro.h"

#include "tests/lib/client.h"
#include "tests/lib/process.h"
#include "tests/lib/service-fixture.h"
#include "tests/lib/temp-dir.h"

#define ERROR(name)   DOSVC_ERROR_PREFIX name
#define INVALID_ARGS  "org.freedesktop.DBus.Error.InvalidArgs"
#define ACCESS_DENIED "org.freedesktop.DBus.Error.AccessDenied"

static void configure(const char *text)
{
        temp_dir_write(fixture.daemon.config, text);
}

static const char *try_reload(sd_bus *bus)
{
        return client_try(bus, DOSVC_MANAGER_PATH, DOSVC_MANAGER_INTERFACE, "Reload", NULL);
}

static void reload(const char *text)
{
        configure(text);
        ck_assert_pstr_eq(try_reload(fixture.root), NULL);
}

static uint64_t number(const char *property)
{
        return client_number(fixture.alice,
                             DOSVC_MANAGER_PATH,
                             DOSVC_MANAGER_INTERFACE,
                             property,
                             'u');
}

static const char *try_create(void)
{
        return client_try(fixture.alice,
                          DOSVC_MANAGER_PATH,
                          DOSVC_MANAGER_INTERFACE,
                          "CreateJob",
                          "ssa{sv}",
                          "name",
                          "download",
                          0);
}

static bool log_has(const char *text)
{
        _cleanup_free_ char *log = temp_dir_read(fixture.daemon.log, NULL);

        return strstr(log, text);
}

/* No limit takes away what is there. */
START_TEST(limits_below_what_is_in_use_refuse_only_what_is_new)
{
        _cleanup_free_ char *job = client_create(fixture.alice, "one");
        uint64_t limit = number("MaxJobsPerUser");

        ck_assert_uint_gt(limit, 2);
        free(client_create(fixture.alice, "two"));
        client_add_file(fixture.alice, job, "http://127.0.0.1:9/1", "/tmp/1");
        client_add_file(fixture.alice, job, "http://127.0.0.1:9/2", "/tmp/2");

        reload("[Limits]\nMaxJobsPerUser=1\nMaxFilesPerJob=1\n");
        ck_assert_uint_eq(number("MaxJobsPerUser"), 1);
        ck_assert_uint_eq(number("MaxFilesPerJob"), 1);
        ck_assert_uint_eq(number("JobsTotal"), 2);
        ck_assert_pstr_eq(try_create(), ERROR("TooManyJobs"));
        ck_assert_pstr_eq(client_try_add_file(fixture.alice, job, "http://127.0.0.1:9/3", "/tmp/3"),
                          ERROR("TooManyFiles"));
        ck_assert_uint_eq(client_number(fixture.alice, job, DOSVC_JOB_INTERFACE, "FilesTotal", 'u'),
                          2);
        client_call(fixture.alice, job, "Resume");
        client_call(fixture.alice, job, "Cancel");

        reload("");
        ck_assert_uint_eq(number("MaxJobsPerUser"), limit);
        ck_assert_pstr_eq(try_create(), NULL);
        ck_assert(log_has("read again for uid 0; changed: MaxJobsPerUser=, MaxFilesPerJob=\n"));
}
END_TEST

START_TEST(a_configuration_that_cannot_be_used_leaves_the_old_one)
{
        _cleanup_free_ char *place = NULL;

        reload("[Limits]\nMaxJobsPerUser=7\n");
        configure("[Limits]\nMaxJobsPerUser=8\nMaxFilesPerJob=none\n");
        ck_assert_pstr_eq(try_reload(fixture.root), INVALID_ARGS);
        ck_assert_int_ge(
                asprintf(&place, "%s:3: [Limits] MaxFilesPerJob=none", fixture.daemon.config),
                0);
        ck_assert_msg(strstr(client_last_message(), place), "%s", client_last_message());
        ck_assert(log_has(place));
        ck_assert_uint_eq(number("MaxJobsPerUser"), 7);

        reload("[Limits]\nMaxJobsPerUser=9\nMaxFrobs=1\n");
        ck_assert_uint_eq(number("MaxJobsPerUser"), 9);
        ck_assert(log_has("dosvcd.conf:3: unknown key MaxFrobs"));
}
END_TEST

START_TEST(only_root_has_it_read_again)
{
        configure("[Limits]\nMaxJobsPerUser=7\n");
        ck_assert_pstr_eq(try_reload(fixture.alice), ACCESS_DENIED);
        ck_assert_uint_ne(number("MaxJobsPerUser"), 7);
}
END_TEST

START_TEST(a_user_instance_is_its_users)
{
        configure("[Limits]\nMaxJobsPerUser=7\n");
        ck_assert_pstr_eq(try_reload(fixture.bob), ACCESS_DENIED);
        ck_assert_uint_ne(number("MaxJobsPerUser"), 7);
        ck_assert_pstr_eq(try_reload(fixture.alice), NULL);
        ck_assert_uint_eq(number("MaxJobsPerUser"), 7);
}
END_TEST

START_TEST(a_hangup_does_the_same)
{
        _cleanup_free_ char *job = client_create(fixture.alice, "there before");

        configure("[Limits]\nMaxJobsPerUser=7\n");
        ck_assert_int_eq(kill(fixture.daemon.pid, SIGHUP), 0);
        ck_assert(PROCESS_WAIT_UNTIL(5000, number("MaxJobsPerUser") == 7));
        ck_assert(log_has("read again for a signal; changed: MaxJobsPerUser="));

        configure("[Limits]\nMaxJobsPerUser=0\n");
        ck_assert_int_eq(kill(fixture.daemon.pid, SIGHUP), 0);
        ck_assert(PROCESS_WAIT_UNTIL(5000, log_has("dosvcd.conf:2: [Limits] MaxJobsPerUser=0")));
        ck_assert_uint_eq(number("MaxJobsPerUser"), 7);
        ck_assert_str_eq(client_state(fixture.alice, job), "suspended");
}
END_TEST

START_TEST(another_log_level_holds_at_once)
{
        reload("[Service]\nLogLevel=err\n");
        reload("[Service]\nLogLevel=err\n[Limits]\nMaxJobs=5\n");
        ck_assert(!log_has("MaxJobs="));
        reload("");
        ck_assert(log_has("changed: MaxJobs=, LogLevel="));
}
END_TEST

/* A server that accepts and says nothing; *ret_url is a file of it, a new string. */
static int start_silent_server(char **ret_url)
{
        struct sockaddr_in address = { .sin_family = AF_INET,
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t size = sizeof(address);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        ck_assert_int_eq(bind(fd, (struct sockaddr *) &address, size), 0);
        ck_assert_int_eq(listen(fd, 8), 0);
        ck_assert_int_eq(getsockname(fd, (struct sockaddr *) &address, &size), 0);
        ck_assert_int_ge(asprintf(ret_url, "http://127.0.0.1:%d/file", ntohs(address.sin_port)), 0);
        return fd;
}

START_TEST(a_queued_job_starts_when_there_may_be_more_workers)
{
        _cleanup_free_ char *url = NULL, *first = NULL, *second = NULL;
        _cleanup_free_ char *one = fixture_alice_file("one"), *two = fixture_alice_file("two");
        int server = start_silent_server(&url);

        reload("[Limits]\nMaxActiveJobs=1\n");
        first = client_create_for(fixture.alice, url, one);
        second = client_create_for(fixture.alice, url, two);
        client_call(fixture.alice, first, "Resume");
        client_wait_state(fixture.alice, first, "connecting", 10000);
        client_call(fixture.alice, second, "Resume");
        process_nap_msec(300);
        ck_assert_str_eq(client_state(fixture.alice, second), "queued");
        reload("[Limits]\nMaxActiveJobs=2\n");
        client_wait_state(fixture.alice, second, "connecting", 10000);
        ck_assert_str_eq(client_state(fixture.alice, first), "connecting");
        (void) close(server);
}
END_TEST

static Suite *make_suite(void)
{
        Suite *suite = suite_create("reload");
        TCase *calls = fixture_case(suite, "calls", fixture_start);
        TCase *user = fixture_case(suite, "user instance", fixture_start_user);

        tcase_add_test(calls, limits_below_what_is_in_use_refuse_only_what_is_new);
        tcase_add_test(calls, a_configuration_that_cannot_be_used_leaves_the_old_one);
        tcase_add_test(calls, only_root_has_it_read_again);
        tcase_add_test(calls, a_hangup_does_the_same);
        tcase_add_test(calls, another_log_level_holds_at_once);
        tcase_add_test(calls, a_queued_job_starts_when_there_may_be_more_workers);
        tcase_add_test(user, a_user_instance_is_its_users);
        return suite;
}

int main(void)
{
        return fixture_play(make_suite(), 0);
}
