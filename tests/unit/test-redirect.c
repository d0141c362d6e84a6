#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"

#include "model/error-code.h"
#include "model/limits.h"
#include "worker/http/redirect.h"

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

static Head head_to(char *location)
{
        return (Head){ .status = 302, .location = location };
}

START_TEST(a_redirect_leads_to_an_http_url_or_nowhere)
{
        static const struct {
                const char *location, *url;
                int result;
        } cases[] = {
                { "b?c#d", "https://web.test/b?c", 0 },
                { "//other.test/", "https://other.test/", 0 },
                { "http://al:pw@other.test/x", "http://other.test/x", 0 },
                { "ftp://other.test/", NULL, -EPROTONOSUPPORT },
                { "file:///etc/passwd", NULL, -EPROTONOSUPPORT },
                { "https://", NULL, -EINVAL },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(failure_done) Failure failure = FAILURE_NONE;
                _cleanup_free_ char *location = strdup(cases[i].location), *url = NULL;
                const Head head = head_to(location);
                int r = redirect_resolve(&head, "https://web.test/a", &url, &failure);

                ck_assert_msg(r == cases[i].result, "%s: %d", cases[i].location, r);
                if (r < 0)
                        ck_assert_uint_eq(failure.code, (uint32_t) ERROR_CODE_REDIRECT_FAILED);
                else
                        ck_assert_str_eq(url, cases[i].url);
        }
}
END_TEST

START_TEST(a_redirect_is_followed_as_far_as_the_job_lets_it)
{
        static const char https[] = "https://web.test/a", http[] = "http://web.test/a";
        static const struct {
                const char *to;
                RedirectPolicy policy;
                unsigned n_redirects;
                uint32_t code;
        } cases[] = {
                { https, REDIRECT_POLICY_ALLOW_SILENT, 1, 0 },
                { https, REDIRECT_POLICY_ALLOW_REPORT, LIMIT_REDIRECTS, 0 },
                { https,
                  REDIRECT_POLICY_ALLOW_SILENT,
                  LIMIT_REDIRECTS + 1,
                  (uint32_t) ERROR_CODE_REDIRECT_FAILED },
                { https, REDIRECT_POLICY_DISALLOW, 1, ERROR_CODE_HTTP(302) },
                { http, REDIRECT_POLICY_ALLOW_SILENT, 1, (uint32_t) ERROR_CODE_REDIRECT_FAILED },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(failure_done) Failure failure = FAILURE_NONE;
                const Head head = head_to(NULL);
                int r = redirect_check(&head,
                                       https,
                                       cases[i].to,
                                       cases[i].policy,
                                       cases[i].n_redirects,
                                       &failure);

                ck_assert_int_eq(r, cases[i].code ? -EPERM : 0);
                ck_assert_uint_eq(failure.code, cases[i].code);
        }
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
        Suite *suite = suite_create("redirect");
        TCase *tcase = tcase_create("redirect");

        tcase_add_test(tcase, a_redirect_has_a_status_and_a_place);
        tcase_add_test(tcase, a_redirect_leads_to_an_http_url_or_nowhere);
        tcase_add_test(tcase, a_redirect_is_followed_as_far_as_the_job_lets_it);
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
