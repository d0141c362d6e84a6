#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/worker-wire.h"

#include "base/str.h"

#include "worker/proxies.h"

#define LIST(...) ((const char *[]){ __VA_ARGS__, NULL })

static Proxies *proxies;

static void start_with(ProxySource source, const char *const *entries, const char *const *bypass)
{
        char **entry_copies = NULL, **bypass_copies = NULL;

        ck_assert_int_eq(strings_copy((char *const *) (uintptr_t) entries, &entry_copies), 0);
        ck_assert_int_eq(strings_copy((char *const *) (uintptr_t) bypass, &bypass_copies), 0);
        proxies_free(proxies);
        ck_assert_int_eq(proxies_new(source, entry_copies, bypass_copies, &proxies), 0);
        strings_free(entry_copies);
        strings_free(bypass_copies);
}

static void start(const char *const *entries, const char *const *bypass)
{
        start_with(PROXY_SOURCE_LIST, entries, bypass);
}

static void teardown(void)
{
        proxies = proxies_free(proxies);
}

/* The ways in one string, "-" for "directly". */
static const char *ways_to(const char *url)
{
        static char text[1024];
        _cleanup_(strings_freep) char **ways = NULL;
        int r = proxies_decide(proxies, url, &ways);

        text[0] = '\0';
        if (r < 0)
                return strerrorname_np(-r);
        for (char **way = ways; *way; way++) {
                (void) strncat(text, way == ways ? "" : " ", 2);
                (void) strncat(text, **way ? *way : "-", 256);
        }
        return text;
}

static int found(const char *url, const char *const *answer)
{
        char **copies = NULL;
        int r;

        ck_assert_int_eq(strings_copy((char *const *) (uintptr_t) answer, &copies), 0);
        r = proxies_found(proxies, url, copies);
        strings_free(copies);
        return r;
}

/* Spec section 4.4. */
START_TEST(entries_are_chosen_by_the_protocol_of_the_url)
{
        static const struct {
                const char *entries[5];
                const char *http, *https;
        } cases[] = {
                { { NULL }, "-", "-" },
                { { "http://a:1" }, "http://a:1", "http://a:1" },
                { { "http://a:1", "https://b:2" },
                  "http://a:1 https://b:2",
                  "http://a:1 https://b:2" },
                { { "http=http://a:1" }, "http://a:1", "-" },
                { { "https=https://a:1" }, "-", "https://a:1" },
                { { "http=http://a:1", "https=http://b:2" }, "http://a:1", "http://b:2" },
                { { "http=http://a:1", "http://c:3" }, "http://a:1", "http://c:3" },
                { { "http://c:3", "https=http://b:2", "https=http://d:4" },
                  "http://c:3",
                  "http://b:2 http://d:4" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                start(cases[i].entries, NULL);
                ck_assert_str_eq(ways_to("http://host.example/file"), cases[i].http);
                ck_assert_str_eq(ways_to("HTTPS://host.example/file"), cases[i].https);
        }
}
END_TEST

START_TEST(a_bypassed_host_is_reached_directly)
{
        start(LIST("http://a:1"), LIST("*.example.com", "<local>", "10.0.0.0/8", "fd00::/8"));
        ck_assert_str_eq(ways_to("http://www.example.com/"), "-");
        ck_assert_str_eq(ways_to("https://www.example.com:8443/x?y"), "-");
        ck_assert_str_eq(ways_to("http://example.com/"), "http://a:1");
        ck_assert_str_eq(ways_to("http://intranet:81/"), "-");
        ck_assert_str_eq(ways_to("http://10.1.2.3:8080/"), "-");
        ck_assert_str_eq(ways_to("http://11.1.2.3/"), "http://a:1");
        ck_assert_str_eq(ways_to("http://[fd00::1]:80/"), "-");
        ck_assert_str_eq(ways_to("http://[fe80::1]/"), "http://a:1");
}
END_TEST

START_TEST(what_could_not_be_reached_comes_last)
{
        start(LIST("http://a:1", "http://b:2", "http://c:3"), NULL);
        proxies_tell(proxies, "http://a:1", false);
        proxies_tell(proxies, "http://a:1", false);
        ck_assert_str_eq(ways_to("http://host/"), "http://b:2 http://c:3 http://a:1");
        proxies_tell(proxies, "http://b:2", true);
        proxies_tell(proxies, "http://c:3", false);
        ck_assert_str_eq(ways_to("http://host/"), "http://b:2 http://a:1 http://c:3");
        proxies_tell(proxies, "http://a:1", true);
        ck_assert_str_eq(ways_to("http://host/"), "http://a:1 http://b:2 http://c:3");
        proxies_tell(proxies, "http://c:3", true);
        ck_assert_str_eq(ways_to("http://host/"), "http://a:1 http://b:2 http://c:3");
}
END_TEST

/* That a server is not there says nothing of other servers. */
START_TEST(directly_is_never_out_of_reach)
{
        start_with(PROXY_SOURCE_AUTODETECT, NULL, NULL);
        ck_assert_int_eq(found("http://a/", LIST("direct://", "http://p:1")), 0);
        proxies_tell(proxies, "", false);
        ck_assert_str_eq(ways_to("http://a/"), "- http://p:1");
}
END_TEST

START_TEST(what_is_searched_for_is_asked_once_an_origin)
{
        start_with(_i ? PROXY_SOURCE_AUTODETECT : PROXY_SOURCE_SESSION, NULL, NULL);
        ck_assert_str_eq(ways_to("http://a/x"), "EAGAIN");
        ck_assert_int_eq(found("http://a/x", LIST("http://p:1", "https://q:2", "direct://")), 0);
        ck_assert_str_eq(ways_to("http://a:80/y"), "http://p:1 https://q:2 -");
        ck_assert_str_eq(ways_to("http://a:81/y"), "EAGAIN");
        ck_assert_str_eq(ways_to("https://a/y"), "EAGAIN");
        ck_assert_int_eq(found("https://a/", LIST("direct://")), 0);
        ck_assert_str_eq(ways_to("https://a/y"), "-");
        ck_assert_int_eq(found("http://a/", LIST("http://r:3")), 0);
        ck_assert_str_eq(ways_to("http://a/y"), "http://r:3");
}
END_TEST

START_TEST(of_many_origins_the_oldest_is_forgotten)
{
        char url[64];

        start_with(PROXY_SOURCE_SESSION, NULL, NULL);
        for (unsigned i = 0; i < 17; i++) {
                (void) snprintf(url, sizeof(url), "http://host-%u/", i);
                ck_assert_int_eq(found(url, LIST("http://p:1")), 0);
        }
        ck_assert_str_eq(ways_to("http://host-0/"), "EAGAIN");
        ck_assert_str_eq(ways_to("http://host-1/"), "http://p:1");
        ck_assert_str_eq(ways_to("http://host-16/"), "http://p:1");
}
END_TEST

START_TEST(an_answer_that_names_no_proxy_is_refused)
{
        static const char *const answers[][3] = {
                { NULL },
                { "socks5://p:1" },
                { "http://p:1", "file:///etc/passwd" },
                { "http=http://p:1" },
                { "http://alice:secret@p:1" },
                { "" },
        };

        start_with(PROXY_SOURCE_SESSION, NULL, NULL);
        for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
                ck_assert_int_eq(found("http://a/", answers[i]), -EINVAL);
                ck_assert_str_eq(ways_to("http://a/"), "EAGAIN");
        }
}
END_TEST

START_TEST(what_is_no_url_has_no_way)
{
        start_with(_i ? PROXY_SOURCE_SESSION : PROXY_SOURCE_LIST, LIST("http://a:1"), NULL);
        ck_assert_str_eq(ways_to(""), "EINVAL");
        ck_assert_str_eq(ways_to("http://"), "EINVAL");
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("proxies");
        TCase *tcase = tcase_create("decisions");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, NULL, teardown);
        tcase_add_test(tcase, entries_are_chosen_by_the_protocol_of_the_url);
        tcase_add_test(tcase, a_bypassed_host_is_reached_directly);
        tcase_add_test(tcase, what_could_not_be_reached_comes_last);
        tcase_add_test(tcase, directly_is_never_out_of_reach);
        tcase_add_loop_test(tcase, what_is_searched_for_is_asked_once_an_origin, 0, 2);
        tcase_add_test(tcase, of_many_origins_the_oldest_is_forgotten);
        tcase_add_test(tcase, an_answer_that_names_no_proxy_is_refused);
        tcase_add_loop_test(tcase, what_is_no_url_has_no_way, 0, 2);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
