/*
 * dosvc_list_jobs() with a service that gives a few rows at a time, and whose jobs come and go from
 * one page to the next.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client-lib/internal.h"

#define JOBS_MAX  1000U
#define PAGE_ROWS 100U

static unsigned jobs[JOBS_MAX]; /* numbers of those that the service has, in its order */
static size_t n_jobs;
static unsigned n_calls;
static void (*between_pages)(void); /* what happens at the service after each page */

static sd_bus *bus;
static dosvc_connection *connection;
static int pair[2];

static void append_row(sd_bus_message *m, unsigned number)
{
        char path[128];

        (void) snprintf(path, sizeof(path), DOSVC_JOB_PREFIX "/%032x", number);
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

static uint64_t read_offset(sd_bus_message *m)
{
        uint64_t offset, limit;
        const char *key, *key_of_limit;

        ck_assert_int_ge(sd_bus_message_seal(m, ++n_calls, 0), 0);
        ck_assert_int_ge(sd_bus_message_rewind(m, 1), 0);
        ck_assert_int_gt(
                sd_bus_message_read(m, "a{sv}", 2, &key, "t", &offset, &key_of_limit, "t", &limit),
                0);
        ck_assert_str_eq(key, "offset");
        ck_assert_str_eq(key_of_limit, "limit");
        return offset;
}

/* In place of libsystemd's: the service. */
int sd_bus_call(sd_bus *b, sd_bus_message *m, uint64_t usec, sd_bus_error *e, sd_bus_message **ret)
{
        uint64_t offset = read_offset(m);
        sd_bus_message *page;

        ck_assert_int_ge(
                sd_bus_message_new_method_call(bus, &page, NULL, "/path", "an.interface", "Test"),
                0);
        ck_assert_int_ge(sd_bus_message_open_container(page, 'a', "(oussstt)"), 0);
        for (uint64_t i = offset; i < n_jobs && i < offset + PAGE_ROWS; i++)
                append_row(page, jobs[i]);
        ck_assert_int_ge(sd_bus_message_close_container(page), 0);
        ck_assert_int_ge(sd_bus_message_seal(page, n_calls, 0), 0);
        ck_assert_int_ge(sd_bus_message_rewind(page, 1), 0);
        *ret = page;
        if (between_pages)
                between_pages();
        return 1;
}

static void setup(void)
{
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        ck_assert_int_ge(sd_bus_new(&bus), 0);
        ck_assert_int_ge(sd_bus_set_fd(bus, pair[0], pair[0]), 0);
        ck_assert_int_ge(sd_bus_start(bus), 0);
        connection = calloc(1, sizeof(*connection));
        ck_assert_ptr_nonnull(connection);
        connection->bus = bus;
        for (n_jobs = 0; n_jobs < JOBS_MAX; n_jobs++)
                jobs[n_jobs] = (unsigned) n_jobs;
        between_pages = NULL;
        n_calls = 0;
}

static void teardown(void)
{
        free(connection->error_name);
        free(connection->error_message);
        free(connection);
        bus = sd_bus_close_unref(bus);
        (void) close(pair[1]);
}

static void remove_job(size_t i)
{
        memmove(&jobs[i], &jobs[i + 1], (--n_jobs - i) * sizeof(*jobs));
}

static dosvc_job_list *read_list(void)
{
        dosvc_job_list *list = NULL;

        ck_assert_int_eq(dosvc_list_jobs(connection, 0, NULL, &list), 0);
        return list;
}

/* In their order, each once; and all that the service has now. */
static void check_that_none_is_missing(const dosvc_job_list *list)
{
        size_t found = 0;
        long last = -1;

        for (size_t i = 0; i < dosvc_job_list_size(list); i++) {
                long number = strtol(dosvc_job_list_id(list, i), NULL, 16);

                ck_assert_int_gt(number, last);
                last = number;
                if (found < n_jobs && (long) jobs[found] == number)
                        found++;
        }
        ck_assert_uint_eq(found, n_jobs);
}

START_TEST(a_long_list_comes_in_pages)
{
        dosvc_job_list *list = read_list();

        ck_assert_uint_eq(dosvc_job_list_size(list), JOBS_MAX);
        check_that_none_is_missing(list);
        ck_assert_uint_gt(n_calls, JOBS_MAX / PAGE_ROWS);
        dosvc_job_list_free(list);
}
END_TEST

static void remove_the_first(void)
{
        if (n_jobs > 0)
                remove_job(0);
}

START_TEST(a_job_that_goes_hides_no_other)
{
        dosvc_job_list *list;

        between_pages = remove_the_first;
        list = read_list();
        check_that_none_is_missing(list);
        dosvc_job_list_free(list);
}
END_TEST

/* More than a page overlaps with what is known: it is looked for further back. */
static void remove_many(void)
{
        for (unsigned i = 0; n_calls == 3 && i < 250; i++)
                remove_job(7);
}

START_TEST(many_jobs_that_go_at_once_hide_no_other)
{
        dosvc_job_list *list;

        between_pages = remove_many;
        list = read_list();
        check_that_none_is_missing(list);
        dosvc_job_list_free(list);
}
END_TEST

static void remove_all(void)
{
        n_jobs = 0;
}

START_TEST(a_list_that_is_emptied_is_empty)
{
        dosvc_job_list *list;

        between_pages = remove_all;
        list = read_list();
        ck_assert_uint_eq(dosvc_job_list_size(list), 0);
        dosvc_job_list_free(list);
}
END_TEST

START_TEST(no_job_is_an_empty_list)
{
        dosvc_job_list *list;

        n_jobs = 0;
        list = read_list();
        ck_assert_uint_eq(dosvc_job_list_size(list), 0);
        ck_assert_uint_eq(n_calls, 1);
        dosvc_job_list_free(list);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("job-list");
        TCase *tcase = tcase_create("pages");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, a_long_list_comes_in_pages);
        tcase_add_test(tcase, a_job_that_goes_hides_no_other);
        tcase_add_test(tcase, many_jobs_that_go_at_once_hide_no_other);
        tcase_add_test(tcase, a_list_that_is_emptied_is_empty);
        tcase_add_test(tcase, no_job_is_an_empty_list);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
