#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "worker/http/redirect.h"

static FileRecord record;

static void setup(void)
{
        ck_assert_int_eq(file_record_init(&record, 0, "https://own.test/a", "/a"), 0);
}

static void teardown(void)
{
        file_record_done(&record);
}

START_TEST(a_redirect_has_a_status_and_a_place)
{
        static const struct {
                unsigned status;
                bool is_one;
        } cases[] = {
                { 200, false }, { 300, false }, { 301, true }, { 302, true }, { 303, true },
                { 304, false }, { 305, false }, { 307, true }, { 308, true }, { 404, false },
        };
        char location[] = "/b";

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                Head head = { .status = cases[i].status, .location = location };

                ck_assert(redirect_is_one(&head) == cases[i].is_one);
                head.location = NULL;
                ck_assert(!redirect_is_one(&head));
        }
}
END_TEST

/* The owner's name stays known however often the place changes. */
START_TEST(a_reported_place_keeps_the_owners_name)
{
        ck_assert_int_eq(redirect_report(&record, "https://one.test/b"), 1);
        ck_assert_str_eq(record.remote_name, "https://one.test/b");
        ck_assert_str_eq(record.named_url, "https://own.test/a");
        ck_assert_int_eq(redirect_report(&record, "https://two.test/c"), 1);
        ck_assert_str_eq(record.remote_name, "https://two.test/c");
        ck_assert_str_eq(file_record_owners_name(&record), "https://own.test/a");
}
END_TEST

START_TEST(the_same_place_is_no_news)
{
        ck_assert_int_eq(redirect_report(&record, "https://own.test/a"), 0);
        ck_assert_str_eq(record.named_url, "");
        ck_assert_str_eq(file_record_owners_name(&record), "https://own.test/a");
}
END_TEST

START_TEST(what_is_no_remote_name_is_left_alone)
{
        char url[4000] = "https://own.test/";

        memset(url + strlen(url), 'x', sizeof(url) - strlen(url) - 1);
        url[sizeof(url) - 1] = '\0';
        ck_assert_int_eq(redirect_report(&record, url), 0);
        ck_assert_str_eq(record.remote_name, "https://own.test/a");
}
END_TEST

START_TEST(only_https_to_http_is_a_downgrade)
{
        ck_assert(redirect_is_downgrade("https://a/", "http://a/"));
        ck_assert(!redirect_is_downgrade("https://a/", "https://b/"));
        ck_assert(!redirect_is_downgrade("http://a/", "http://b/"));
        ck_assert(!redirect_is_downgrade("http://a/", "https://a/"));
}
END_TEST

static Suite *make_suite(void)
{
        Suite *suite = suite_create("redirects");
        TCase *tcase = tcase_create("redirects");

        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, a_redirect_has_a_status_and_a_place);
        tcase_add_test(tcase, a_reported_place_keeps_the_owners_name);
        tcase_add_test(tcase, the_same_place_is_no_news);
        tcase_add_test(tcase, what_is_no_remote_name_is_left_alone);
        tcase_add_test(tcase, only_https_to_http_is_a_downgrade);
        suite_add_tcase(suite, tcase);
        return suite;
}

int main(void)
{
        SRunner *runner = srunner_create(make_suite());
        int failed;

        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
