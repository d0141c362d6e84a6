#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/worker-wire.h"

#include "base/str.h"

#include "tests/lib/fake-questions.h"
#include "worker/http/proxies.h"

#define LIST(...) ((const char *[]){ __VA_ARGS__, NULL })

static Proxies *proxies;
static JobSettings settings;

static void set(ProxySource source, const char *const *entries, const char *const *bypass)
{
        job_settings_done(&settings);
        job_settings_init(&settings);
        settings.proxy_source = source;
        ck_assert_int_eq(setting_set(&settings,
                                     SETTING_PROXIES,
                                     &(SettingValue){ .texts = (char **) (uintptr_t) entries }),
                         0);
        ck_assert_int_eq(setting_set(&settings,
                                     SETTING_PROXY_BYPASS,
                                     &(SettingValue){ .texts = (char **) (uintptr_t) bypass }),
                         0);
}

static void start_with(ProxySource source, const char *const *entries, const char *const *bypass)
{
        set(source, entries, bypass);
        proxies_free(proxies);
        ck_assert_int_eq(proxies_new(&settings, NULL, &proxies), 0);
}

static void start(const char *const *entries, const char *const *bypass)
{
        start_with(PROXY_SOURCE_LIST, entries, bypass);
}

static void teardown(void)
{
        proxies = proxies_free(proxies);
        job_settings_done(&settings);
}

/* The choices in one string, "-" for "directly"; or the name of the errno. */
static const char *choices_for(const char *url)
{
        static char text[1024];
        _cleanup_(strings_freep) char **choices = NULL;
        int r = proxies_decide(proxies, url, &choices);

        text[0] = '\0';
        if (r < 0)
                return strerrorname_np(-r);
        for (char **choice = choices; *choice; choice++) {
                (void) strncat(text, choice == choices ? "" : " ", 2);
                (void) strncat(text, **choice ? *choice : "-", 256);
        }
        return text;
}

static int keep(const char *url, const char *const *answer)
{
        char **copies = NULL;
        int r;

        ck_assert_int_eq(strings_copy((char *const *) (uintptr_t) answer, &copies), 0);
        r = proxies_keep(proxies, url, copies);
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
                ck_assert_str_eq(choices_for("http://host.example/file"), cases[i].http);
                ck_assert_str_eq(choices_for("HTTPS://host.example/file"), cases[i].https);
        }
}
END_TEST

START_TEST(a_bypassed_host_is_reached_directly)
{
        start(LIST("http://a:1"), LIST("*.example.com", "<local>", "10.0.0.0/8", "fd00::/8"));
        ck_assert_str_eq(choices_for("http://www.example.com/"), "-");
        ck_assert_str_eq(choices_for("https://www.example.com:8443/x?y"), "-");
        ck_assert_str_eq(choices_for("http://example.com/"), "http://a:1");
        ck_assert_str_eq(choices_for("http://intranet:81/"), "-");
        ck_assert_str_eq(choices_for("http://10.1.2.3:8080/"), "-");
        ck_assert_str_eq(choices_for("http://11.1.2.3/"), "http://a:1");
        ck_assert_str_eq(choices_for("http://[fd00::1]:80/"), "-");
        ck_assert_str_eq(choices_for("http://[fe80::1]/"), "http://a:1");
}
END_TEST

START_TEST(what_could_not_be_reached_comes_last)
{
        start(LIST("http://a:1", "http://b:2", "http://c:3"), NULL);
        proxies_report(proxies, "http://a:1", false);
        proxies_report(proxies, "http://a:1", false);
        ck_assert_str_eq(choices_for("http://host/"), "http://b:2 http://c:3 http://a:1");
        proxies_report(proxies, "http://b:2", true);
        proxies_report(proxies, "http://c:3", false);
        ck_assert_str_eq(choices_for("http://host/"), "http://b:2 http://a:1 http://c:3");
        proxies_report(proxies, "http://a:1", true);
        ck_assert_str_eq(choices_for("http://host/"), "http://a:1 http://b:2 http://c:3");
        proxies_report(proxies, "http://c:3", true);
        ck_assert_str_eq(choices_for("http://host/"), "http://a:1 http://b:2 http://c:3");
}
END_TEST

/* An unreachable server says nothing about other servers. */
START_TEST(directly_is_never_out_of_reach)
{
        start_with(PROXY_SOURCE_AUTODETECT, NULL, NULL);
        ck_assert_int_eq(keep("http://a/", LIST("direct://", "http://p:1")), 0);
        proxies_report(proxies, "", false);
        ck_assert_str_eq(choices_for("http://a/"), "- http://p:1");
}
END_TEST

START_TEST(what_is_searched_for_is_asked_once_an_origin)
{
        start_with(_i ? PROXY_SOURCE_AUTODETECT : PROXY_SOURCE_SESSION, NULL, NULL);
        ck_assert_str_eq(choices_for("http://a/x"), "EAGAIN");
        ck_assert_int_eq(keep("http://a/x", LIST("http://p:1", "https://q:2", "direct://")), 0);
        ck_assert_str_eq(choices_for("http://a:80/y"), "http://p:1 https://q:2 -");
        ck_assert_str_eq(choices_for("http://a:81/y"), "EAGAIN");
        ck_assert_str_eq(choices_for("https://a/y"), "EAGAIN");
        ck_assert_int_eq(keep("https://a/", LIST("direct://")), 0);
        ck_assert_str_eq(choices_for("https://a/y"), "-");
        ck_assert_int_eq(keep("http://a/", LIST("http://r:3")), 0);
        ck_assert_str_eq(choices_for("http://a/y"), "http://r:3");
}
END_TEST

START_TEST(of_many_origins_the_oldest_is_forgotten)
{
        char url[64];

        start_with(PROXY_SOURCE_SESSION, NULL, NULL);
        for (unsigned i = 0; i < 17; i++) {
                (void) snprintf(url, sizeof(url), "http://host-%u/", i);
                ck_assert_int_eq(keep(url, LIST("http://p:1")), 0);
        }
        ck_assert_str_eq(choices_for("http://host-0/"), "EAGAIN");
        ck_assert_str_eq(choices_for("http://host-1/"), "http://p:1");
        ck_assert_str_eq(choices_for("http://host-16/"), "http://p:1");
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
                ck_assert_int_eq(keep("http://a/", answers[i]), -EINVAL);
                ck_assert_str_eq(choices_for("http://a/"), "EAGAIN");
        }
}
END_TEST

START_TEST(what_is_no_url_has_no_proxy)
{
        start_with(_i ? PROXY_SOURCE_SESSION : PROXY_SOURCE_LIST, LIST("http://a:1"), NULL);
        ck_assert_str_eq(choices_for(""), "EINVAL");
        ck_assert_str_eq(choices_for("http://"), "EINVAL");
}
END_TEST

/* Somebody who waits: how often a search ended, and the reason of the last failure. */
typedef struct Waiting {
        ProxiesWaiter waiter;
        const char *url; /* to be searched for again unless it was found; NULL: never */
        unsigned calls;
        const char *reason;
} Waiting;

static void on_found(void *userdata, const char *reason)
{
        Waiting *waiting = userdata;
        _cleanup_(strings_freep) char **choices = NULL;

        waiting->calls++;
        waiting->reason = reason;
        if (waiting->url && proxies_decide(proxies, waiting->url, &choices) == -EAGAIN)
                ck_assert_int_eq(proxies_search(proxies, waiting->url, &waiting->waiter), 0);
}

static void search(Waiting *waiting, const char *url)
{
        waiting->url = url;
        proxies_waiter_init(&waiting->waiter, on_found, waiting);
        ck_assert_int_eq(proxies_search(proxies, url, &waiting->waiter), 0);
}

static void give(int result, const char *proxy, const char *reason)
{
        char **answer = NULL;

        ck_assert_int_eq(strings_copy((char *const *) (uintptr_t) LIST(proxy), &answer), 0);
        fake_questions_give_proxies(result, answer, reason);
        strings_free(answer);
}

/* The manager takes one question at a time, however many files wait. */
START_TEST(one_search_at_a_time_serves_all_who_wait)
{
        Waiting first = { 0 }, second = { 0 }, other = { 0 };

        start_with(PROXY_SOURCE_SESSION, NULL, NULL);
        search(&first, "http://a/1");
        search(&other, "http://b/");
        search(&second, "http://a/2");
        ck_assert_str_eq(fake_questions_asked(), "find-proxies http://a/1");
        give(0, "http://p:1", NULL);
        ck_assert_uint_eq(first.calls + second.calls + other.calls, 3);
        ck_assert_str_eq(fake_questions_asked(), "find-proxies http://b/");
        give(0, "http://q:2", NULL);
        ck_assert_uint_eq(first.calls + second.calls, 2);
        ck_assert_uint_eq(other.calls, 2);
        ck_assert_str_eq(choices_for("http://b/"), "http://q:2");
        ck_assert_str_eq(fake_questions_asked(), "");
}
END_TEST

START_TEST(a_search_that_fails_says_why)
{
        static const struct {
                int result;
                const char *proxy, *reason, *expected;
        } cases[] = {
                { -EREMOTEIO, "http://p:1", "No session.", "No session." },
                { 0, "file:///etc/passwd", NULL, "The answer is no list of proxies." },
        };
        Waiting waiting = { 0 };

        start_with(PROXY_SOURCE_SESSION, NULL, NULL);
        search(&waiting, "http://a/");
        waiting.url = NULL;
        give(cases[_i].result, cases[_i].proxy, cases[_i].reason);
        ck_assert_uint_eq(waiting.calls, 1);
        ck_assert_str_eq(waiting.reason, cases[_i].expected);
        ck_assert_str_eq(choices_for("http://a/"), "EAGAIN");
}
END_TEST

START_TEST(who_stops_waiting_is_not_called)
{
        Waiting waiting = { 0 };

        start_with(PROXY_SOURCE_SESSION, NULL, NULL);
        search(&waiting, "http://a/");
        proxies_stop_waiting(&waiting.waiter);
        give(0, "http://p:1", NULL);
        ck_assert_uint_eq(waiting.calls, 0);
        ck_assert_str_eq(choices_for("http://a/"), "http://p:1");
}
END_TEST

/* ---- changes --------------------------------------------------------------------------------- */

START_TEST(a_change_takes_what_was_learned_along)
{
        unsigned generation;

        start(LIST("http://a:1", "http://b:2"), NULL);
        generation = proxies_generation(proxies);
        proxies_report(proxies, "http://a:1", false);
        ck_assert_str_eq(choices_for("http://host/"), "http://b:2 http://a:1");
        set(PROXY_SOURCE_LIST, LIST("http://a:1", "http://c:3"), LIST("direct.example"));
        proxies_forget(proxies);
        ck_assert_uint_ne(proxies_generation(proxies), generation);
        ck_assert_str_eq(choices_for("http://host/"), "http://a:1 http://c:3");
        ck_assert_str_eq(choices_for("http://direct.example/"), "-");
        proxies_report(proxies, "http://a:1", false);
        ck_assert_str_eq(choices_for("http://host/"), "http://c:3 http://a:1");
}
END_TEST

START_TEST(a_change_takes_what_was_found_along)
{
        start_with(PROXY_SOURCE_SESSION, NULL, NULL);
        ck_assert_int_eq(keep("http://a/", LIST("http://p:1")), 0);
        set(PROXY_SOURCE_AUTODETECT, NULL, NULL);
        proxies_forget(proxies);
        ck_assert_str_eq(choices_for("http://a/"), "EAGAIN");
}
END_TEST

/* The manager takes one question at a time, so the old one has to end before the next is asked. */
START_TEST(an_outdated_answer_is_not_used)
{
        Waiting waiting = { 0 };

        start_with(PROXY_SOURCE_SESSION, NULL, NULL);
        search(&waiting, "http://a/");
        set(PROXY_SOURCE_AUTODETECT, NULL, NULL);
        proxies_forget(proxies);
        give(_i ? 0 : -EREMOTEIO, "http://p:1", "The settings have changed.");
        ck_assert_uint_eq(waiting.calls, 1);
        ck_assert_ptr_null(waiting.reason);
        ck_assert_str_eq(fake_questions_asked(), "find-proxies http://a/");
        give(0, "http://q:2", NULL);
        ck_assert_str_eq(choices_for("http://a/"), "http://q:2");
}
END_TEST

START_TEST(who_waits_for_a_search_gets_the_new_list)
{
        Waiting waiting = { 0 };

        start_with(PROXY_SOURCE_SESSION, NULL, NULL);
        search(&waiting, "http://a/");
        set(PROXY_SOURCE_LIST, LIST("http://c:3"), NULL);
        proxies_forget(proxies);
        give(-EREMOTEIO, "http://p:1", "The settings have changed.");
        ck_assert_uint_eq(waiting.calls, 1);
        ck_assert_ptr_null(waiting.reason);
        ck_assert_str_eq(fake_questions_asked(), "");
        ck_assert_str_eq(choices_for("http://a/"), "http://c:3");
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
        tcase_add_loop_test(tcase, what_is_no_url_has_no_proxy, 0, 2);
        tcase_add_test(tcase, one_search_at_a_time_serves_all_who_wait);
        tcase_add_loop_test(tcase, a_search_that_fails_says_why, 0, 2);
        tcase_add_test(tcase, who_stops_waiting_is_not_called);
        tcase_add_test(tcase, a_change_takes_what_was_learned_along);
        tcase_add_test(tcase, a_change_takes_what_was_found_along);
        tcase_add_loop_test(tcase, an_outdated_answer_is_not_used, 0, 2);
        tcase_add_test(tcase, who_waits_for_a_search_gets_the_new_list);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
