#include <check.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "base/str.h"

#include "model/limits.h"
#include "model/url.h"
#include "tests/lib/repeat.h"

/* Remote names ---------------------------------------------------------------------------- */

typedef struct Remote {
        const char *given, *url, *user, *password;
} Remote;

static void check_remote(const Remote *remote)
{
        _cleanup_free_ char *url = NULL, *user = NULL, *password = NULL;
        const char *reason = "";
        int r = url_parse_remote_name(remote->given, &url, &user, &password, &reason);

        ck_assert_msg(r == 0, "%s: %d, it %s", remote->given, r, reason);
        ck_assert_str_eq(url, remote->url);
        ck_assert_msg(str_equal(user, remote->user), "%s: user %s", remote->given, user);
        ck_assert_msg(str_equal(password, remote->password),
                      "%s: password %s",
                      remote->given,
                      password);
}

START_TEST(a_remote_name_keeps_what_is_asked_for)
{
        static const Remote cases[] = {
                { "http://host/path", "http://host/path", NULL, NULL },
                { "https://host/a/b?c=d&e=%20f", "https://host/a/b?c=d&e=%20f", NULL, NULL },
                { "http://host", "http://host/", NULL, NULL },
                { "http://host?q", "http://host/?q", NULL, NULL },
                { "HTTP://Host/Path", "http://Host/Path", NULL, NULL },
                { "http://host:8080/", "http://host:8080/", NULL, NULL },
                { "http://host:1/", "http://host:1/", NULL, NULL },
                { "http://host:65535/", "http://host:65535/", NULL, NULL },
                { "http://192.0.2.1/", "http://192.0.2.1/", NULL, NULL },
                { "http://[2001:db8::1]/", "http://[2001:db8::1]/", NULL, NULL },
                { "http://[2001:db8::1]:81/", "http://[2001:db8::1]:81/", NULL, NULL },
                { "http://[fe80::1%25eth0]/", "http://[fe80::1%25eth0]/", NULL, NULL },
                { "http://host/%2e%2e/%00x", "http://host/%2e%2e/%00x", NULL, NULL },
                { "http://host/a;b=c,d!e*f'(g)", "http://host/a;b=c,d!e*f'(g)", NULL, NULL },
                { "http://host/?u=http://other/", "http://host/?u=http://other/", NULL, NULL },
                { "http://host/a@b:c", "http://host/a@b:c", NULL, NULL },
                { "http://host/path#part", "http://host/path", NULL, NULL },
                { "http://host/path#", "http://host/path", NULL, NULL },
                { "http://host#a@b", "http://host/", NULL, NULL },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                check_remote(&cases[i]);
}
END_TEST

START_TEST(user_info_moves_out_of_the_url)
{
        static const Remote cases[] = {
                { "http://alice:secret@host/f", "http://host/f", "alice", "secret" },
                { "http://alice@host/f", "http://host/f", "alice", NULL },
                { "http://alice:@host/f", "http://host/f", "alice", "" },
                { "http://:secret@host/f", "http://host/f", "", "secret" },
                { "http://a%40b:c%3Ad%2F@host/", "http://host/", "a@b", "c:d/" },
                { "http://%C3%A4:%E2%82%AC@host/", "http://host/", "\xc3\xa4", "\xe2\x82\xac" },
                { "http://alice:a:b@host/", "http://host/", "alice", "a:b" },
                { "http://alice:p@[::1]:8080/", "http://[::1]:8080/", "alice", "p" },
                { "http://a:b@host/c#d@e", "http://host/c", "a", "b" },
                { "http://a:b@host?c@d", "http://host/?c@d", "a", "b" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                check_remote(&cases[i]);
}
END_TEST

static void refuse_remote(const char *given)
{
        char *url = NULL, *user = NULL, *password = NULL;
        const char *reason = NULL;
        int r = url_parse_remote_name(given, &url, &user, &password, &reason);

        ck_assert_msg(r == -EINVAL, "%s: %d, %s", given, r, url);
        ck_assert_msg(reason && !url && !user && !password, "%s", given);
}

START_TEST(anything_but_a_web_address_is_refused)
{
        static const char *const cases[] = {
                "",
                "host/path",
                "/path",
                "//host/path",
                "http:/host/path",
                "http:/host/://other/path",
                "http:/h%6Fst/?://other/path",
                "http:host",
                "http://",
                "http:///host/path",
                "http://?q",
                "http://#f",
                "http://user@/path",
                "http://:80/",
                "ftp://host/file",
                "file:///etc/passwd",
                "gopher://host/",
                "httpss://host/",
                "javascript://host/",
                "://host/",
                "http://host:port/",
                "http://host:65536/",
                "http://host:-1/",
                "http://host:80:80/",
                "http://[::1/",
                "http://::1/",
                "http://[::g]/",
                "http://[]/",
                "http://host%2ename/",
                "http://ho%00st/",
                "http://user:pass@ho%20st/",
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                refuse_remote(cases[i]);
}
END_TEST

START_TEST(characters_that_a_url_may_not_hold_are_refused)
{
        static const char illegal[] = " \t\r\n\x01\x1f\x7f\"<>\\^`{|}\x80\xc3\xff";

        for (const char *c = illegal; *c; c++) {
                char in_path[] = "http://host/a?b", in_host[] = "http://hoost/",
                     in_user[] = "http://us@host/";

                in_path[13] = *c;
                in_host[9] = *c;
                in_user[8] = *c;
                refuse_remote(in_path);
                refuse_remote(in_host);
                refuse_remote(in_user);
        }
        refuse_remote("http://host/\xc3\xa4");
        refuse_remote("http://host/a\r\nX-Header: b");
        refuse_remote(" http://host/");
        refuse_remote("http://host/ ");
}
END_TEST

START_TEST(user_info_with_controls_is_refused)
{
        refuse_remote("http://a%00b@host/");
        refuse_remote("http://a%0ab@host/");
        refuse_remote("http://a:b%0d@host/");
}
END_TEST

START_TEST(a_remote_name_has_at_most_2200_characters)
{
        _cleanup_free_ char *most = repeat("http://host/", "a", LIMIT_REMOTE_NAME - 12, "");
        _cleanup_free_ char *more = repeat("http://host/", "a", LIMIT_REMOTE_NAME - 11, "");
        const Remote longest = { most, most, NULL, NULL };

        ck_assert_uint_eq(strlen(most), 2200);
        check_remote(&longest);
        refuse_remote(more);
}
END_TEST

/* Proxies and origins --------------------------------------------------------------------- */

START_TEST(a_proxy_has_one_normal_form)
{
        static const struct {
                const char *given, *url;
        } cases[] = {
                { "proxy", "http://proxy:80" },
                { "proxy:3128", "http://proxy:3128" },
                { "http://proxy", "http://proxy:80" },
                { "HTTP://proxy:3128/", "http://proxy:3128" },
                { "https://proxy", "https://proxy:443" },
                { "https://proxy:8443", "https://proxy:8443" },
                { "192.0.2.1:3128", "http://192.0.2.1:3128" },
                { "[2001:db8::1]:3128", "http://[2001:db8::1]:3128" },
                { "[2001:db8::1]", "http://[2001:db8::1]:80" },
                { "[fe80::1%25eth0]:3128", "http://[fe80::1%25eth0]:3128" },
                { "http=proxy:3128", "http=http://proxy:3128" },
                { "https=proxy", "https=http://proxy:80" },
                { "http=https://proxy", "http=https://proxy:443" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_free_ char *url = NULL;
                const char *reason = "";
                int r = url_parse_proxy(cases[i].given, &url, &reason);

                ck_assert_msg(r == 0, "%s: %d, it %s", cases[i].given, r, reason);
                ck_assert_str_eq(url, cases[i].url);
        }
}
END_TEST

START_TEST(a_proxy_is_a_host_and_nothing_else)
{
        static const char *const cases[] = {
                "",
                "http://",
                ":3128",
                "proxy:0x50",
                "proxy:99999",
                "socks5://proxy:1080",
                "ftp://proxy",
                "file:///proxy",
                "alice:secret@proxy:3128",
                "http://alice@proxy",
                "proxy/path",
                "proxy:3128/path",
                "proxy?query",
                "http://proxy/?query",
                "pro xy",
                "pro\nxy",
                "proxy,other",
                "p%72oxy",
                "http=",
                "https=alice:secret@proxy",
                "ftp=proxy:3128",
                "socks=proxy:1080",
                "HTTP=proxy",
                "http=https=proxy",
                "=proxy",
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                char *url = NULL;
                const char *reason = NULL;
                int r = url_parse_proxy(cases[i], &url, &reason);

                ck_assert_msg(r == -EINVAL, "%s: %d, %s", cases[i], r, url);
                ck_assert_msg(reason && !url, "%s", cases[i]);
        }
}
END_TEST

START_TEST(an_origin_is_scheme_host_and_port)
{
        static const struct {
                const char *a, *b;
                bool same;
        } cases[] = {
                { "http://host/a", "http://host/b?c", true },
                { "http://host/", "http://host:80/", true },
                { "https://host/", "https://host:443/", true },
                { "http://host/", "HTTP://HOST/", true },
                { "http://host/", "http://alice:secret@host/", true },
                { "http://host", "http://host/#a", true },
                { "http://[::1]/", "http://[::1]:80/", true },
                { "http://host/", "https://host/", false },
                { "http://host:443/", "https://host:443/", false },
                { "http://host/", "http://host:81/", false },
                { "http://host/", "http://host2/", false },
                { "http://host/", "http://sub.host/", false },
                { "http://host/", "http://host.evil/", false },
                { "http://host/", "http://host@evil/", false },
                { "http://host/", "http://evil/?http://host/", false },
                { "http://[::1]/", "http://[::2]/", false },
                { "http://[fe80::1%25eth0]/", "http://[fe80::1%25eth1]/", false },
                { "http://[fe80::1%25eth0]/", "http://[fe80::1]/", false },
                { "http://host/", "ftp://host/", false },
                { "http://host/", "", false },
                { "", "", false },
                { "host", "host", false },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                ck_assert_msg(url_same_origin(cases[i].a, cases[i].b) == cases[i].same,
                              "%s, %s",
                              cases[i].a,
                              cases[i].b);
                ck_assert_msg(url_same_origin(cases[i].b, cases[i].a) == cases[i].same,
                              "%s, %s",
                              cases[i].b,
                              cases[i].a);
        }
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("url");
        TCase *remote_names = tcase_create("remote names");
        TCase *hosts = tcase_create("hosts");
        SRunner *runner;
        int failed;

        tcase_add_test(remote_names, a_remote_name_keeps_what_is_asked_for);
        tcase_add_test(remote_names, user_info_moves_out_of_the_url);
        tcase_add_test(remote_names, anything_but_a_web_address_is_refused);
        tcase_add_test(remote_names, characters_that_a_url_may_not_hold_are_refused);
        tcase_add_test(remote_names, user_info_with_controls_is_refused);
        tcase_add_test(remote_names, a_remote_name_has_at_most_2200_characters);
        suite_add_tcase(suite, remote_names);
        tcase_add_test(hosts, a_proxy_has_one_normal_form);
        tcase_add_test(hosts, a_proxy_is_a_host_and_nothing_else);
        tcase_add_test(hosts, an_origin_is_scheme_host_and_port);
        suite_add_tcase(suite, hosts);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
