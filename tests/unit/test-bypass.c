#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "base/macro.h"

#include "model/bypass.h"

START_TEST(a_rule_matches_what_it_says_and_nothing_else)
{
        static const struct {
                const char *rule, *host;
                bool matches;
        } cases[] = {
                { "www.example.com", "www.example.com", true },
                { "www.example.com", "WWW.Example.COM", true },
                { "www.example.com", "www.example.com.", true },
                { "www.example.com.", "www.example.com", true },
                { "example.com", "www.example.com", false },
                { "www.example.com", "example.com", false },
                { "example.com", "badexample.com", false },
                { "*.example.com", "www.example.com", true },
                { "*.example.com", "a.b.example.com", true },
                { "*.EXAMPLE.com", "www.example.com.", true },
                { "*.example.com", "example.com", false },
                { "*.example.com", "badexample.com", false },
                { "*.example.com", "www.example.com.org", false },
                { "*example.com", "badexample.com", true },
                { ".example.com", "example.com", true },
                { ".example.com", "www.example.com", true },
                { ".example.com", "badexample.com", false },
                { "*", "anything.example.com", true },
                { "*", "192.0.2.1", true },
                { "*", "[::1]", true },
                { "<local>", "intranet", true },
                { "<local>", "localhost", true },
                { "<local>", "intranet.", true },
                { "<local>", "www.example.com", false },
                { "<local>", "192.0.2.1", false },
                { "<local>", "[::1]", false },
                { "localhost", "localhost", true },
                { "localhost", "127.0.0.1", false },
                { "192.0.2.1", "192.0.2.1", true },
                { "192.0.2.1", "192.0.2.10", false },
                { "*.0.2.1", "192.0.2.1", false },
                { "192.0.2.0/24", "192.0.2.255", true },
                { "192.0.2.0/24", "192.0.3.0", false },
                { "192.0.2.128/25", "192.0.2.129", true },
                { "192.0.2.128/25", "192.0.2.127", false },
                { "192.0.2.7/31", "192.0.2.6", true },
                { "0.0.0.0/0", "198.51.100.7", true },
                { "0.0.0.0/0", "name", false },
                { "0.0.0.0/0", "[::1]", false },
                { "2001:db8::1", "[2001:db8::1]", true },
                { "[2001:db8::1]", "[2001:0db8:0:0::1]", true },
                { "2001:db8::1", "[2001:db8::2]", false },
                { "2001:db8::/32", "[2001:db8:ffff::1]", true },
                { "2001:db8::/32", "[2001:db9::1]", false },
                { "::/1", "[7fff::]", true },
                { "::/1", "[8000::]", false },
                { "ftp:", "ftp:", false },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                ck_assert_msg(bypass_matches(cases[i].rule, cases[i].host) == cases[i].matches,
                              "%s and %s",
                              cases[i].rule,
                              cases[i].host);
}
END_TEST

START_TEST(what_can_match_nothing_is_refused)
{
        static const char *const cases[] = {
                "",
                ".",
                "*.",
                "..",
                "aaa.*",
                "a*b.com",
                "*.*.com",
                "**",
                "host:80",
                "192.0.2.1:80",
                "[::1]:80",
                "192.0.2.0/33",
                "::/129",
                "192.0.2.0/",
                "192.0.2.0/-1",
                "host/8",
                "<LOCAL>",
                "<all>",
                "a b",
                "a,b",
                "http://a",
                "a\nb",
                "[192.0.2.1]",
                "alice@host",
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const char *reason = NULL;

                ck_assert_msg(bypass_check(cases[i], &reason) == -EINVAL, "%s", cases[i]);
                ck_assert_msg(reason != NULL, "%s", cases[i]);
        }
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("bypass");
        TCase *tcase = tcase_create("rules");
        SRunner *runner;
        int failed;

        tcase_add_test(tcase, a_rule_matches_what_it_says_and_nothing_else);
        tcase_add_test(tcase, what_can_match_nothing_is_refused);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
