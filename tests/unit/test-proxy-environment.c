#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"

#include "ctl/proxy-environment.h"

static ProxyEnvironment environment;

static void set_up(void)
{
        static const char *const names[] = {
                "http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
                "ALL_PROXY",  "no_proxy",    "NO_PROXY",    "HTTP_PROXY",
        };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                ck_assert_int_eq(unsetenv(names[i]), 0);
}

static void tear_down(void)
{
        proxy_environment_done(&environment);
}

/* The proxies, or the hosts, with a space behind each. */
static const char *join(char *const *list)
{
        static char text[1024];

        text[0] = '\0';
        for (; *list; list++)
                (void) snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s ", *list);
        return text;
}

static void read_with(const char *name, const char *value)
{
        ck_assert_int_eq(setenv(name, value, 1), 0);
        proxy_environment_done(&environment);
        ck_assert_int_eq(proxy_environment_read(&environment), 0);
}

START_TEST(without_variables_there_is_no_proxy)
{
        read_with("no_proxy", "a.example");
        ck_assert_str_eq(join(environment.proxies), "");
        read_with("HTTP_PROXY", "http://proxy:1"); /* a CGI program has it from its client */
        ck_assert_str_eq(join(environment.proxies), "");
}
END_TEST

START_TEST(each_scheme_has_its_proxy)
{
        read_with("https_proxy", "https://secure:1/");
        ck_assert_str_eq(join(environment.proxies), "https=https://secure:1 ");
        read_with("all_proxy", "proxy:3128");
        ck_assert_str_eq(join(environment.proxies), "http=proxy:3128 https=https://secure:1 ");
        read_with("http_proxy", "http://plain:2");
        ck_assert_str_eq(join(environment.proxies), "http=http://plain:2 https=https://secure:1 ");
        ck_assert_ptr_null(environment.user_name);
}
END_TEST

START_TEST(a_login_leaves_the_url)
{
        read_with("http_proxy", "http://CORP%5calice:p%40ss:w@proxy:1/path");
        ck_assert_str_eq(join(environment.proxies), "http=http://proxy:1 ");
        ck_assert_str_eq(environment.user_name, "CORP\\alice");
        ck_assert_str_eq(environment.password, "p@ss:w");
        read_with("http_proxy", "http://bob@proxy:1");
        ck_assert_str_eq(environment.user_name, "bob");
        ck_assert_str_eq(environment.password, "");
}
END_TEST

START_TEST(hosts_without_proxy_stand_for_their_subdomains)
{
        ck_assert_int_eq(setenv("http_proxy", "http://proxy:1", 1), 0);
        read_with("no_proxy", "a.example, .b.example 192.0.2.0/24,[::1]");
        ck_assert_str_eq(join(environment.bypass),
                         "a.example *.a.example b.example *.b.example 192.0.2.0/24 [::1] ");
        read_with("no_proxy", "a.example,*");
        ck_assert_str_eq(join(environment.proxies), "");
}
END_TEST

START_TEST(too_many_hosts_are_refused)
{
        char hosts[4 * PROXY_ENVIRONMENT_MAX + 1] = "";

        for (size_t i = 0; i < PROXY_ENVIRONMENT_MAX; i++)
                memcpy(hosts + 4 * i, "a.b,", 4);
        hosts[sizeof(hosts) - 1] = '\0';
        ck_assert_int_eq(setenv("http_proxy", "http://proxy:1", 1), 0);
        ck_assert_int_eq(setenv("no_proxy", hosts, 1), 0);
        ck_assert_int_eq(proxy_environment_read(&environment), -EINVAL);
        ck_assert_ptr_null(environment.bypass[0]);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("proxy-environment");
        TCase *tcase = tcase_create("variables");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_add_test(tcase, without_variables_there_is_no_proxy);
        tcase_add_test(tcase, each_scheme_has_its_proxy);
        tcase_add_test(tcase, a_login_leaves_the_url);
        tcase_add_test(tcase, hosts_without_proxy_stand_for_their_subdomains);
        tcase_add_test(tcase, too_many_hosts_are_refused);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
