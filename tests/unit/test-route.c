#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "base/str.h"

#include "tests/lib/fake-questions.h"
#include "worker/http/route.h"

static const char url[] = "http://host/file";

static JobSettings settings;
static Proxies *proxies;
static Route route;
static unsigned n_found;

static void on_found(void *userdata, const char *reason)
{
        ck_assert_ptr_null(reason);
        n_found++;
}

static void set(const char *const *list)
{
        ck_assert_int_eq(setting_set(&settings,
                                     SETTING_PROXIES,
                                     &(SettingValue){ .texts = (char **) (uintptr_t) list }),
                         0);
}

#define LIST(...) ((const char *[]){ __VA_ARGS__, NULL })

static void setup(void)
{
        n_found = 0;
        job_settings_init(&settings);
        set(LIST("http://a:1", "http://b:2"));
        ck_assert_int_eq(proxies_new(&settings, NULL, &proxies), 0);
        route_init(&route, proxies, on_found, NULL);
        ck_assert_int_eq(route_find(&route, url), 1);
}

static void teardown(void)
{
        route_forget(&route);
        proxies = proxies_free(proxies);
        job_settings_done(&settings);
}

static void change(const char *const *list)
{
        set(list);
        proxies_forget(proxies);
}

START_TEST(the_next_proxy_is_tried_if_one_cannot_be_reached)
{
        ck_assert_str_eq(route_proxy(&route), "http://a:1");
        ck_assert(!route_next(&route, false));
        ck_assert(route_next(&route, true));
        ck_assert_int_eq(route_find(&route, url), 1);
        ck_assert_str_eq(route_proxy(&route), "http://b:2");
        ck_assert(!route_next(&route, true));
}
END_TEST

START_TEST(a_change_outdates_the_route_but_for_the_request_that_runs)
{
        ck_assert(!route_is_outdated(&route));
        change(LIST("http://c:3"));
        ck_assert(route_is_outdated(&route));
        ck_assert_str_eq(route_proxy(&route), "http://a:1");
        ck_assert(!route_next(&route, false));
        ck_assert_int_eq(route_find(&route, url), 1);
        ck_assert(!route_is_outdated(&route));
        ck_assert_str_eq(route_proxy(&route), "http://c:3");
}
END_TEST

/* The next URL may come after the change, and what belongs to the old proxies is still there. */
START_TEST(a_forgotten_route_is_outdated_as_well)
{
        route_forget(&route);
        ck_assert(!route_is_outdated(&route));
        change(LIST("http://c:3"));
        ck_assert(route_is_outdated(&route));
}
END_TEST

START_TEST(an_old_proxy_out_of_reach_leads_to_the_new_ones)
{
        ck_assert(route_next(&route, true));
        change(LIST("http://b:2", "http://c:3"));
        ck_assert(route_next(&route, true));
        ck_assert_int_eq(route_find(&route, url), 1);
        ck_assert_str_eq(route_proxy(&route), "http://b:2"); /* not known to be out of reach */
}
END_TEST

START_TEST(who_waits_follows_the_new_settings)
{
        change(NULL);
        settings.proxy_source = PROXY_SOURCE_SESSION;
        ck_assert_int_eq(route_find(&route, url), 0);
        settings.proxy_source = PROXY_SOURCE_LIST;
        change(LIST("http://c:3"));
        fake_questions_give_proxies(-EREMOTEIO, NULL, "The settings have changed.");
        ck_assert_uint_eq(n_found, 1);
        ck_assert_int_eq(route_find(&route, url), 1);
        ck_assert_str_eq(route_proxy(&route), "http://c:3");
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("route");
        TCase *tcase = tcase_create("route");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, the_next_proxy_is_tried_if_one_cannot_be_reached);
        tcase_add_test(tcase, a_change_outdates_the_route_but_for_the_request_that_runs);
        tcase_add_test(tcase, a_forgotten_route_is_outdated_as_well);
        tcase_add_test(tcase, an_old_proxy_out_of_reach_leads_to_the_new_ones);
        tcase_add_test(tcase, who_waits_follows_the_new_settings);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
