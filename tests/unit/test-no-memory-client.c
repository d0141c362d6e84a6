#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client-lib/internal.h"
#include "tests/lib/no-memory.h"

#define JOB      "0123456789abcdef0123456789abcdef"
#define JOB_PATH DOSVC_MANAGER_PATH "/job/" JOB

/* The path of the job whose id ends in that digit. */
#define JOB_PATH_OF(digit) DOSVC_MANAGER_PATH "/job/0123456789abcdef0123456789abcde" digit

static sd_bus *bus;              /* owned by the fixture, as are the next */
static sd_bus_message *answer;   /* to each call, */
static sd_bus_message *pages[3]; /* but to the calls for a list, which come in pages */
static size_t n_pages;
static dosvc_connection *connection;
static int pair[2];

/* In place of libsystemd's: what the service answers. */
int sd_bus_call(sd_bus *b, sd_bus_message *m, uint64_t usec, sd_bus_error *e, sd_bus_message **ret)
{
        sd_bus_message *next = n_pages < ARRAY_SIZE(pages) ? pages[n_pages++] : NULL;

        *ret = sd_bus_message_ref(next ? next : answer);
        ck_assert_int_ge(sd_bus_message_rewind(*ret, 1), 0);
        return 1;
}

/* Forgets the failure that the connection keeps: it is no part of what a call leaves. */
static int finish(int r)
{
        free(connection->error_name);
        free(connection->error_message);
        connection->error_name = connection->error_message = NULL;
        return r;
}

static sd_bus_message *new_message(void)
{
        sd_bus_message *m;

        ck_assert_int_ge(
                sd_bus_message_new_method_call(bus, &m, NULL, "/path", "an.interface", "Test"),
                0);
        return m;
}

static void setup(void)
{
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        ck_assert_int_ge(sd_bus_new(&bus), 0);
        ck_assert_int_ge(sd_bus_set_fd(bus, pair[0], pair[0]), 0);
        ck_assert_int_ge(sd_bus_start(bus), 0);
        answer = new_message();
        connection = calloc(1, sizeof(*connection));
        ck_assert_ptr_nonnull(connection);
        connection->bus = bus;
}

static void teardown(void)
{
        (void) finish(0);
        free(connection);
        answer = sd_bus_message_unref(answer);
        for (size_t i = 0; i < ARRAY_SIZE(pages); i++)
                pages[i] = sd_bus_message_unref(pages[i]);
        bus = sd_bus_close_unref(bus);
        (void) close(pair[1]);
}

static int list_jobs(void *userdata)
{
        dosvc_job_list *list = NULL;
        int r;

        n_pages = 0;
        r = dosvc_list_jobs(connection, 0, NULL, &list);

        if (r >= 0)
                ck_assert_uint_eq(dosvc_job_list_size(list), 3);
        dosvc_job_list_free(list);
        return finish(r);
}

static void append_job(sd_bus_message *m, const char *path)
{
        ck_assert_int_ge(sd_bus_message_append(m,
                                               "(oussstt)",
                                               path,
                                               1000,
                                               "name",
                                               "download",
                                               "queued",
                                               UINT64_C(1),
                                               UINT64_C(2)),
                         0);
}

/* Two jobs, then all three of them, and then nothing new. */
START_TEST(jobs_are_listed_all_or_none)
{
        static const char *const jobs[] = { JOB_PATH_OF("1"), JOB_PATH_OF("2"), JOB_PATH_OF("3") };

        for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
                pages[i] = new_message();
                ck_assert_int_ge(sd_bus_message_open_container(pages[i], 'a', "(oussstt)"), 0);
                for (size_t j = 0; j < ARRAY_SIZE(jobs) && j < i + 2; j++)
                        append_job(pages[i], jobs[j]);
                ck_assert_int_ge(sd_bus_message_close_container(pages[i]), 0);
                ck_assert_int_ge(sd_bus_message_seal(pages[i], i + 1, 0), 0);
        }
        no_memory_torture(&(NoMemoryScenario){ .name = "list_jobs", .run = list_jobs });
}
END_TEST

static int list_files(void *userdata)
{
        dosvc_file_list *list = NULL;
        int r;

        n_pages = 0;
        r = dosvc_job_list_files(connection, JOB, &list);

        if (r >= 0)
                ck_assert_uint_eq(dosvc_file_list_size(list), 2);
        dosvc_file_list_free(list);
        return finish(r);
}

static void append_file(sd_bus_message *m, const char *path)
{
        ck_assert_int_ge(sd_bus_message_append(m,
                                               "(ossttb)",
                                               path,
                                               "http://host/a",
                                               "/dir/a",
                                               UINT64_C(1),
                                               UINT64_C(2),
                                               0),
                         0);
}

/* Two files, and then no more. */
START_TEST(files_are_listed_all_or_none)
{
        static const char *const paths[] = { JOB_PATH "/file/0", JOB_PATH "/file/1" };

        for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
                pages[i] = new_message();
                ck_assert_int_ge(sd_bus_message_open_container(pages[i], 'a', "(ossttb)"), 0);
                for (size_t j = 0; i == 0 && j < ARRAY_SIZE(paths); j++)
                        append_file(pages[i], paths[j]);
                ck_assert_int_ge(sd_bus_message_close_container(pages[i]), 0);
                ck_assert_int_ge(sd_bus_message_seal(pages[i], i + 1, 0), 0);
        }
        no_memory_torture(&(NoMemoryScenario){ .name = "list_files", .run = list_files });
}
END_TEST

static int get_info(void *userdata)
{
        dosvc_job_info *info = NULL;
        int r = dosvc_job_get_info(connection, JOB, &info);

        if (r >= 0)
                ck_assert_str_eq(dosvc_job_info_state(info), "error");
        dosvc_job_info_free(info);
        return finish(r);
}

START_TEST(a_job_is_read_whole_or_not)
{
        ck_assert_int_ge(sd_bus_message_append(answer,
                                               "a{sv}",
                                               5,
                                               "State",
                                               "s",
                                               "error",
                                               "Unknown",
                                               "s",
                                               "to this library",
                                               "DisplayName",
                                               "s",
                                               "name",
                                               "Error",
                                               "(usssso)",
                                               1,
                                               "name",
                                               "context",
                                               "description",
                                               "url",
                                               JOB_PATH "/file/0",
                                               "ProxySettings",
                                               "(sasas)",
                                               "override",
                                               1,
                                               "http://proxy:80",
                                               1,
                                               "host"),
                         0);
        ck_assert_int_ge(sd_bus_message_seal(answer, 1, 0), 0);
        no_memory_torture(&(NoMemoryScenario){ .name = "get_info", .run = get_info });
}
END_TEST

static int get_service(void *userdata)
{
        dosvc_service *service = NULL;
        int r = dosvc_get_service(connection, &service);

        dosvc_service_free(service);
        return finish(r);
}

START_TEST(the_service_is_read_whole_or_not)
{
        ck_assert_int_ge(sd_bus_message_append(answer,
                                               "a{sv}",
                                               3,
                                               "Version",
                                               "s",
                                               "1",
                                               "CredentialStore",
                                               "s",
                                               "keyring",
                                               "Features",
                                               "as",
                                               2,
                                               "one",
                                               "two"),
                         0);
        ck_assert_int_ge(sd_bus_message_seal(answer, 1, 0), 0);
        no_memory_torture(&(NoMemoryScenario){ .name = "get_service", .run = get_service });
}
END_TEST

static int get_settings(void *userdata)
{
        dosvc_values *settings = NULL;
        int r;

        n_pages = 0;
        r = dosvc_job_get_settings(connection, JOB, &settings);
        if (r >= 0)
                ck_assert_uint_eq(dosvc_values_size(settings), 2);
        dosvc_values_free(settings);
        return finish(r);
}

START_TEST(settings_are_read_whole_or_not)
{
        pages[0] = new_message();
        ck_assert_int_ge(sd_bus_message_append(pages[0],
                                               "a{sv}",
                                               3,
                                               "State",
                                               "s",
                                               "queued",
                                               "Priority",
                                               "s",
                                               "low",
                                               "Parts",
                                               "a(tt)",
                                               1,
                                               UINT64_C(1),
                                               UINT64_C(2)),
                         0);
        ck_assert_int_ge(sd_bus_message_seal(pages[0], 1, 0), 0);
        pages[1] = new_message();
        ck_assert_int_ge(sd_bus_message_append(pages[1],
                                               "s",
                                               "<interface name=\"org.dosvc1.Job\">"
                                               "<property name=\"Priority\" access=\"readwrite\"/>"
                                               "<property name=\"Parts\" access=\"readwrite\"/>"),
                         0);
        ck_assert_int_ge(sd_bus_message_seal(pages[1], 1, 0), 0);
        no_memory_torture(&(NoMemoryScenario){ .name = "get_settings", .run = get_settings });
}
END_TEST

static int build_options(void *userdata)
{
        static const char *const list[] = { "a", "b", NULL };
        dosvc_values *options = dosvc_values_new();
        int r = options ? dosvc_values_set_string(options, "string", "text") : -ENOMEM;

        if (r >= 0)
                r = dosvc_values_set_strings(options, "list", list);
        if (r >= 0)
                r = dosvc_values_add_range(options, "ranges", 0, 1);
        if (r >= 0)
                r = dosvc_values_add_range(options, "ranges", 2, 3);
        if (r >= 0)
                r = dosvc_values_set_boolean(options, "string", 1);
        dosvc_values_free(options);
        return r;
}

START_TEST(options_are_built_or_not)
{
        no_memory_torture(&(NoMemoryScenario){ .name = "options", .run = build_options });
}
END_TEST

/* Its name and its sentence may be missing, not the errno. */
static int remember(void *userdata)
{
        const sd_bus_error error = SD_BUS_ERROR_MAKE_CONST(SD_BUS_ERROR_UNKNOWN_OBJECT, "text");
        bool is_whole;

        ck_assert_int_eq(error_remember(connection, -EIO, &error), -ENOENT);
        is_whole = connection->error_name && connection->error_message;
        ck_assert_ptr_nonnull(dosvc_last_error_name(connection));
        ck_assert_ptr_nonnull(dosvc_last_error_message(connection));
        return finish(is_whole ? 0 : -ENOMEM);
}

START_TEST(an_error_keeps_its_number)
{
        no_memory_torture(&(NoMemoryScenario){ .name = "remember", .run = remember });
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("no-memory-client");
        TCase *tcase = tcase_create("answers");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, jobs_are_listed_all_or_none);
        tcase_add_test(tcase, files_are_listed_all_or_none);
        tcase_add_test(tcase, a_job_is_read_whole_or_not);
        tcase_add_test(tcase, the_service_is_read_whole_or_not);
        tcase_add_test(tcase, settings_are_read_whole_or_not);
        tcase_add_test(tcase, options_are_built_or_not);
        tcase_add_test(tcase, an_error_keeps_its_number);
        suite_add_tcase(suite, tcase);
        no_memory_set_up();
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
