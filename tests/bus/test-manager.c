/*
 * org.dosvc1.Manager and the standard interfaces beside it: creating, finding and listing jobs,
 * subscriptions, and what happens to bad arguments.
 */
#include <stdio.h>
#include <string.h>

#include "dbus/dosvc-wire.h"

#include "base/macro.h"

#include "tests/lib/client.h"
#include "tests/lib/process.h"
#include "tests/lib/service-fixture.h"
#include "tests/lib/temp-dir.h"
#include "tests/lib/users.h"

#define ERROR(name)  DOSVC_ERROR_PREFIX name
#define INVALID_ARGS "org.freedesktop.DBus.Error.InvalidArgs"

#define EURO "\342\202\254" /* one UTF-16 unit */

static const char *manager_string(const char *property)
{
        return client_string(fixture.alice, DOSVC_MANAGER_PATH, DOSVC_MANAGER_INTERFACE, property);
}

static uint64_t manager_number(sd_bus *bus, const char *property)
{
        return client_number(bus, DOSVC_MANAGER_PATH, DOSVC_MANAGER_INTERFACE, property, 'u');
}

static const char *try_create(const char *name, const char *type)
{
        return client_try(fixture.alice,
                          DOSVC_MANAGER_PATH,
                          DOSVC_MANAGER_INTERFACE,
                          "CreateJob",
                          "ssa{sv}",
                          name,
                          type,
                          0);
}

static const char *try_create_with(const char *option, const char *type, const char *value)
{
        return client_try(fixture.alice,
                          DOSVC_MANAGER_PATH,
                          DOSVC_MANAGER_INTERFACE,
                          "CreateJob",
                          "ssa{sv}",
                          "name",
                          "download",
                          1,
                          option,
                          type,
                          value);
}

static char *repeat(const char *piece, size_t n)
{
        char *text;
        size_t size;
        FILE *out = open_memstream(&text, &size);

        for (size_t i = 0; i < n; i++)
                (void) fputs(piece, out);
        (void) fclose(out);
        return text;
}

START_TEST(a_new_job_is_suspended_and_the_callers)
{
        char *job = client_create(fixture.alice, "a " EURO " name");
        const char *id = client_string(fixture.alice, job, DOSVC_JOB_INTERFACE, "Id");

        ck_assert_int_eq(strncmp(job, DOSVC_JOB_PREFIX "/", strlen(DOSVC_JOB_PREFIX) + 1), 0);
        ck_assert_str_eq(strrchr(job, '/') + 1, id);
        ck_assert_uint_eq(strlen(id), 32);
        ck_assert_uint_eq(strspn(id, "0123456789abcdef"), 32);
        ck_assert_str_eq(client_state(fixture.alice, job), "suspended");
        ck_assert_str_eq(client_string(fixture.alice, job, DOSVC_JOB_INTERFACE, "Type"),
                         "download");
        ck_assert_str_eq(client_string(fixture.alice, job, DOSVC_JOB_INTERFACE, "DisplayName"),
                         "a " EURO " name");
        ck_assert_str_eq(client_string(fixture.alice, job, DOSVC_JOB_INTERFACE, "Priority"),
                         "normal");
        ck_assert_uint_eq(client_number(fixture.alice, job, DOSVC_JOB_INTERFACE, "Owner", 'u'),
                          USERS_ALICE_UID);
        ck_assert_uint_eq(client_number(fixture.alice, job, DOSVC_JOB_INTERFACE, "FilesTotal", 'u'),
                          0);
        ck_assert_uint_gt(
                client_number(fixture.alice, job, DOSVC_JOB_INTERFACE, "CreationTime", 't'),
                1000000000000000);
        ck_assert_uint_eq(client_error(fixture.alice, job).code, 0);
        ck_assert_str_eq(client_error(fixture.alice, job).file, "/");
}
END_TEST

START_TEST(options_are_properties)
{
        ck_assert_pstr_eq(try_create_with("Priority", "s", "low"), NULL);
        ck_assert_pstr_eq(try_create_with("Description", "s", "why"), NULL);
        ck_assert_pstr_eq(try_create_with("Priority", "s", "urgent"), INVALID_ARGS);
        ck_assert_pstr_eq(try_create_with("Priority", "o", "/low"), INVALID_ARGS);
        ck_assert_pstr_eq(try_create_with("State", "s", "error"), INVALID_ARGS);
        ck_assert_pstr_eq(try_create_with("Owner", "s", "0"), INVALID_ARGS);
        ck_assert_pstr_eq(try_create_with("priority", "s", "low"), INVALID_ARGS);
        ck_assert_pstr_eq(try_create_with("", "s", ""), INVALID_ARGS);
        ck_assert_uint_eq(manager_number(fixture.alice, "JobsTotal"), 2);
}
END_TEST

START_TEST(names_and_types_are_checked)
{
        ck_assert_pstr_eq(try_create("", "download"), NULL);
        ck_assert_pstr_eq(try_create(repeat(EURO, 256), "download"), NULL);
        ck_assert_pstr_eq(try_create(repeat(EURO, 257), "download"), ERROR("StringTooLong"));
        ck_assert_pstr_eq(try_create("a\nb", "download"), INVALID_ARGS);
        ck_assert_pstr_eq(try_create("\033[2J", "download"), INVALID_ARGS);
        ck_assert_pstr_eq(try_create("n", "upload"), ERROR("NotSupported"));
        ck_assert_pstr_eq(try_create("n", "Download"), INVALID_ARGS);
        ck_assert_pstr_eq(try_create("n", ""), INVALID_ARGS);
        ck_assert_uint_eq(manager_number(fixture.alice, "JobsTotal"), 2);
}
END_TEST

START_TEST(ids_are_32_hex_digits_of_a_job)
{
        static const char *const calls[][2] = {
                { "", INVALID_ARGS },
                { "x", INVALID_ARGS },
                { "0123456789abcdef0123456789abcdeg", INVALID_ARGS },
                { "0123456789abcdef0123456789abcdef0", INVALID_ARGS },
                { "0123456789abcdef0123456789abcdef", ERROR("NotFound") },
        };

        for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
                ck_assert_pstr_eq(client_try(fixture.alice,
                                             DOSVC_MANAGER_PATH,
                                             DOSVC_MANAGER_INTERFACE,
                                             "GetJob",
                                             "s",
                                             calls[i][0]),
                                  calls[i][1]);
}
END_TEST

START_TEST(unknown_keys_and_values_are_never_ignored)
{
        static const struct {
                const char *member, *key, *type, *value, *error;
        } calls[] = {
                { "ListJobs", "owner", "s", "x", INVALID_ARGS },
                { "ListJobs", "state", "s", "running", INVALID_ARGS },
                { "ListJobs", "state", "o", "/queued", INVALID_ARGS },
                { "ListJobs", "state", "s", "queued", NULL },
                { "Subscribe", "interval", "s", "x", INVALID_ARGS },
                { "Subscribe", "job", "s", "x", INVALID_ARGS },
                { "Subscribe", "job", "o", "/org", INVALID_ARGS },
                { "Subscribe",
                  "job",
                  "o",
                  "/org/dosvc1/job/0123456789abcdef0123456789abcdef",
                  ERROR("NotFound") },
        };

        for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
                ck_assert_pstr_eq(client_try(fixture.alice,
                                             DOSVC_MANAGER_PATH,
                                             DOSVC_MANAGER_INTERFACE,
                                             calls[i].member,
                                             "a{sv}",
                                             1,
                                             calls[i].key,
                                             calls[i].type,
                                             calls[i].value),
                                  calls[i].error);
}
END_TEST

START_TEST(a_progress_interval_is_0_or_at_least_100_ms)
{
        static const struct {
                uint64_t msec;
                const char *error;
        } intervals[] = { { 0, NULL },
                          { 1, INVALID_ARGS },
                          { 99, INVALID_ARGS },
                          { 100, NULL },
                          { 60000, NULL } };

        for (size_t i = 0; i < ARRAY_SIZE(intervals); i++)
                ck_assert_pstr_eq(client_try(fixture.alice,
                                             DOSVC_MANAGER_PATH,
                                             DOSVC_MANAGER_INTERFACE,
                                             "Subscribe",
                                             "a{sv}",
                                             1,
                                             "progress-interval",
                                             "t",
                                             intervals[i].msec),
                                  intervals[i].error);
}
END_TEST

START_TEST(the_service_says_what_it_is)
{
        ck_assert_str_eq(manager_string("Version"), VERSION);
        ck_assert_str_eq(manager_string("CredentialStore"), "keyring");
        ck_assert_uint_ge(manager_number(fixture.alice, "MaxJobsPerUser"), 1);
        ck_assert_uint_ge(manager_number(fixture.alice, "MaxFilesPerJob"), 1);
        ck_assert_uint_eq(manager_number(fixture.alice, "JobsTotal"), 0);
        ck_assert_pstr_eq(client_try(fixture.alice,
                                     DOSVC_MANAGER_PATH,
                                     "org.freedesktop.DBus.Properties",
                                     "Set",
                                     "ssv",
                                     DOSVC_MANAGER_INTERFACE,
                                     "Version",
                                     "s",
                                     "2"),
                          SD_BUS_ERROR_PROPERTY_READ_ONLY);
        ck_assert_pstr_eq(client_try(fixture.alice,
                                     DOSVC_MANAGER_PATH,
                                     "org.freedesktop.DBus.Peer",
                                     "Ping",
                                     NULL),
                          NULL);
}
END_TEST

START_TEST(without_a_key_credentials_are_volatile)
{
        ck_assert_str_eq(manager_string("CredentialPersistence"), "volatile");
}
END_TEST

START_TEST(with_a_key_credentials_are_persistent)
{
        ck_assert_str_eq(manager_string("CredentialPersistence"), "persistent");
}
END_TEST

START_TEST(members_and_objects_that_do_not_exist_are_named_so)
{
        ck_assert_pstr_eq(client_try(fixture.alice,
                                     DOSVC_MANAGER_PATH,
                                     DOSVC_MANAGER_INTERFACE,
                                     "Nothing",
                                     NULL),
                          SD_BUS_ERROR_UNKNOWN_METHOD);
        ck_assert_pstr_eq(client_try(fixture.alice,
                                     DOSVC_MANAGER_PATH,
                                     DOSVC_MANAGER_INTERFACE,
                                     "GetJob",
                                     "u",
                                     1),
                          INVALID_ARGS);
        ck_assert_pstr_eq(client_try(fixture.alice,
                                     DOSVC_JOB_PREFIX "/none",
                                     DOSVC_JOB_INTERFACE,
                                     "Resume",
                                     NULL),
                          SD_BUS_ERROR_UNKNOWN_OBJECT);
}
END_TEST

/* The limit of one user is not another's, and root is exempt. */
START_TEST(a_user_has_a_limit_of_jobs)
{
        uint64_t limit = manager_number(fixture.alice, "MaxJobsPerUser");

        for (uint64_t i = 0; i < limit; i++)
                free(client_create(fixture.alice, "one of many"));
        ck_assert_pstr_eq(try_create("one too many", "download"), ERROR("TooManyJobs"));
        ck_assert_ptr_nonnull(strstr(client_last_message(), "(MaxJobsPerUser=)"));
        free(client_create(fixture.bob, "free"));
        free(client_create(fixture.root, "free"));
        ck_assert_uint_eq(manager_number(fixture.alice, "JobsTotal"), limit);
}
END_TEST

static void start_small(void)
{
        fixture_start();
        daemon_stop(&fixture.daemon);
        temp_dir_write(fixture.daemon.config, "[Limits]\nMaxJobsPerUser=3\nMaxFilesPerJob=2\n");
        daemon_start(&fixture.daemon);
}

START_TEST(an_administrator_sets_the_limits)
{
        char *job;

        ck_assert_uint_eq(manager_number(fixture.alice, "MaxJobsPerUser"), 3);
        ck_assert_uint_eq(manager_number(fixture.alice, "MaxFilesPerJob"), 2);
        job = client_create(fixture.alice, "files");
        client_add_file(fixture.alice, job, "http://127.0.0.1:9/1", "/tmp/1");
        ck_assert_pstr_eq(client_try(fixture.alice,
                                     job,
                                     DOSVC_JOB_INTERFACE,
                                     "AddFiles",
                                     "a(ss)",
                                     2,
                                     "http://127.0.0.1:9/2",
                                     "/tmp/2",
                                     "http://127.0.0.1:9/3",
                                     "/tmp/3"),
                          ERROR("TooManyFiles"));
        ck_assert_ptr_nonnull(strstr(client_last_message(), "2 files (MaxFilesPerJob=)"));
        ck_assert_uint_eq(client_number(fixture.alice, job, DOSVC_JOB_INTERFACE, "FilesTotal", 'u'),
                          1);
        client_add_file(fixture.alice, job, "http://127.0.0.1:9/2", "/tmp/2");
        ck_assert_pstr_eq(client_try_add_file(fixture.alice, job, "http://127.0.0.1:9/3", "/tmp/3"),
                          ERROR("TooManyFiles"));
}
END_TEST

/* The user instance serves its own user; even another one is just a stranger to its jobs. */
START_TEST(the_user_instance_is_the_same_service)
{
        char *job = client_create(fixture.alice, "mine");

        ck_assert_str_eq(client_state(fixture.alice, job), "suspended");
        client_set_password(fixture.alice, job, "server", "basic", "u", "p");
        ck_assert_int_eq(client_remove_credentials(fixture.alice, job, "server", "basic"), 1);
        ck_assert_ptr_nonnull(client_try(fixture.bob,
                                         DOSVC_MANAGER_PATH,
                                         DOSVC_MANAGER_INTERFACE,
                                         "CreateJob",
                                         "ssa{sv}",
                                         "foreign",
                                         "download",
                                         0));
}
END_TEST

static Suite *make_suite(void)
{
        Suite *suite = suite_create("manager");
        TCase *jobs = fixture_case(suite, "jobs", fixture_start);
        TCase *arguments = fixture_case(suite, "arguments", fixture_start);
        TCase *service = fixture_case(suite, "service", fixture_start);
        TCase *key = fixture_case(suite, "key", fixture_start_with_key);
        TCase *limits = fixture_case(suite, "limits", start_small);
        TCase *user = fixture_case(suite, "user instance", fixture_start_user);

        tcase_add_test(jobs, a_new_job_is_suspended_and_the_callers);
        tcase_add_test(jobs, options_are_properties);
        tcase_add_test(jobs, names_and_types_are_checked);
        tcase_add_test(jobs, ids_are_32_hex_digits_of_a_job);

        tcase_add_test(arguments, unknown_keys_and_values_are_never_ignored);
        tcase_add_test(arguments, a_progress_interval_is_0_or_at_least_100_ms);
        tcase_add_test(arguments, members_and_objects_that_do_not_exist_are_named_so);

        tcase_add_test(service, the_service_says_what_it_is);
        tcase_add_test(service, without_a_key_credentials_are_volatile);
        tcase_add_test(key, with_a_key_credentials_are_persistent);
        tcase_add_test(limits, an_administrator_sets_the_limits);
        tcase_add_test(limits, a_user_has_a_limit_of_jobs);
        tcase_add_test(user, the_user_instance_is_the_same_service);
        return suite;
}

int main(void)
{
        return fixture_play(make_suite(), 0);
}
