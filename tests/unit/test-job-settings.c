#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#include "model/job-settings.h"

static JobSettings settings;

static void setup(void)
{
        job_settings_init(&settings);
}

static void teardown(void)
{
        job_settings_done(&settings);
}

static const struct {
        SettingId id;
        const char *text;
} texts[] = {
        { SETTING_DISPLAY_NAME, "a name" },
        { SETTING_PRIORITY, "foreground" },
        { SETTING_MINIMUM_RETRY_DELAY, "77" },
        { SETTING_MAXIMUM_DOWNLOAD_TIME, "4294967295" },
        { SETTING_REDIRECT_POLICY, "allow-report+https-to-http" },
        { SETTING_SECURITY_FLAGS, "enable-crl-check\nignore-cert-wrong-usage\n" },
        { SETTING_CA_CERTIFICATE, "/ca.pem" },
        { SETTING_PROXY_USAGE, "override" },
        { SETTING_PROXIES, "http://one:80\nhttps=http://two:80\n" },
        { SETTING_DISK_RESERVE, "18446744073709551615" },
};

static void check_text(const JobSettings *of, SettingId id, const char *expected)
{
        _cleanup_free_ char *text = NULL;

        ck_assert_int_eq(setting_format(of, id, &text), 0);
        ck_assert_str_eq(text, expected);
}

START_TEST(each_setting_is_found_by_its_name)
{
        for (unsigned id = 0; id < SETTINGS_MAX; id++)
                ck_assert_uint_eq(setting_find(setting_infos[id].name), id);
        ck_assert_uint_eq(setting_find("FromTheFuture"), SETTINGS_MAX);
}
END_TEST

START_TEST(each_setting_begins_with_its_default)
{
        for (unsigned id = 0; id < SETTINGS_MAX; id++)
                ck_assert(setting_is_default(&settings, (SettingId) id));
        ck_assert_uint_eq(settings.priority, PRIORITY_NORMAL);
        ck_assert_uint_eq(settings.minimum_retry_delay_sec, 60);
        ck_assert_uint_eq(settings.no_progress_timeout_sec, 1209600);
        ck_assert_uint_eq(settings.maximum_download_time_sec, 7776000);
        ck_assert_ptr_null(settings.display_name);
}
END_TEST

START_TEST(a_text_is_taken_and_given_back)
{
        JobSettings copy;

        ck_assert_int_eq(setting_parse(&settings, texts[_i].id, texts[_i].text), 0);
        ck_assert(!setting_is_default(&settings, texts[_i].id));
        check_text(&settings, texts[_i].id, texts[_i].text);
        ck_assert_int_eq(job_settings_copy(&copy, &settings), 0);
        check_text(&copy, texts[_i].id, texts[_i].text);
        job_settings_done(&copy);
        setting_reset(&settings, texts[_i].id);
        for (unsigned id = 0; id < SETTINGS_MAX; id++)
                ck_assert(setting_is_default(&settings, (SettingId) id));
}
END_TEST

START_TEST(a_text_that_is_none_is_refused)
{
        static const struct {
                SettingId id;
                const char *text;
        } bad[] = {
                { SETTING_PRIORITY, "urgent" },
                { SETTING_PRIORITY, "" },
                { SETTING_PRIORITY, "high\nlow\n" },
                { SETTING_MINIMUM_RETRY_DELAY, "" },
                { SETTING_MINIMUM_RETRY_DELAY, "-1" },
                { SETTING_MINIMUM_RETRY_DELAY, "18446744073709551616" },
                { SETTING_SECURITY_FLAGS, "ignore-everything\n" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                ck_assert_int_eq(setting_parse(&settings, bad[i].id, bad[i].text), -EINVAL);
                ck_assert(setting_is_default(&settings, bad[i].id));
        }
}
END_TEST

START_TEST(secrets_and_what_a_worker_is_told_are_not_stored)
{
        ck_assert(setting_is_stored(SETTING_DISPLAY_NAME));
        ck_assert(setting_is_stored(SETTING_CLIENT_KEY));
        ck_assert(!setting_is_stored(SETTING_CUSTOM_HEADERS));
        ck_assert(!setting_is_stored(SETTING_KEY_PASSWORD));
        ck_assert(!setting_is_stored(SETTING_PROXY_SOURCE));
        ck_assert(!setting_is_stored(SETTING_DISK_RESERVE));
}
END_TEST

START_TEST(secrets_are_copied)
{
        JobSettings copy;

        ck_assert_int_eq(secret_new_copy("A: b\n", 5, &settings.headers), 0);
        ck_assert_int_eq(job_settings_copy(&copy, &settings), 0);
        ck_assert(secret_equal(copy.headers, settings.headers));
        ck_assert_ptr_ne(copy.headers, settings.headers);
        job_settings_done(&copy);
}
END_TEST

/* ---- changing live --------------------------------------------------------------------------- */

START_TEST(a_setting_ends_its_worker_or_reaches_it)
{
        for (unsigned id = 0; id < SETTINGS_MAX; id++) {
                unsigned both = SETTING_CHANGES_LIVE | SETTING_RENEWS_WORKER;

                ck_assert_uint_ne(setting_infos[id].flags & both, both);
                /* A secret would have to stay in the manager's memory while the worker runs. */
                if (setting_has((SettingId) id, SETTING_CHANGES_LIVE))
                        ck_assert_uint_ne(setting_infos[id].type, SETTING_TYPE_SECRET);
        }
}
END_TEST

START_TEST(what_can_change_live_is_exchanged)
{
        JobSettings other;

        job_settings_init(&other);
        ck_assert_int_eq(setting_parse(&settings, SETTING_CA_CERTIFICATE, "/ca.pem"), 0);
        ck_assert_int_eq(setting_parse(&settings, SETTING_PROXIES, "http://a:1\n"), 0);
        ck_assert_int_eq(setting_parse(&settings, SETTING_PROXY_BYPASS, "host\n"), 0);
        ck_assert_int_eq(setting_parse(&other, SETTING_PROXIES, "http://a:1\nhttp://b:2\n"), 0);
        ck_assert_int_eq(setting_parse(&other, SETTING_PROXY_BYPASS, "host\n"), 0);
        other.redirect_policy = REDIRECT_POLICY_DISALLOW;
        other.disk_reserve_bytes = 7;

        ck_assert_uint_eq(job_settings_exchange(&settings, &other, SETTING_FOR_ANY_WORKER),
                          SETTING_BIT(SETTING_PROXIES) | SETTING_BIT(SETTING_REDIRECT_POLICY));
        ck_assert_uint_eq(strings_count(settings.proxies), 2);
        ck_assert_uint_eq(strings_count(other.proxies), 1);
        ck_assert_uint_eq(settings.redirect_policy, REDIRECT_POLICY_DISALLOW);
        ck_assert_uint_eq(other.redirect_policy, REDIRECT_POLICY_ALLOW_SILENT);
        ck_assert_str_eq(settings.ca_certificate, "/ca.pem");
        ck_assert_uint_eq(settings.disk_reserve_bytes, 0);
        job_settings_done(&other);
}
END_TEST

START_TEST(all_settings_can_be_compared)
{
        JobSettings other;

        ck_assert_int_eq(setting_parse(&settings, SETTING_DESCRIPTION, "text"), 0);
        ck_assert_int_eq(secret_new_copy("secret", 6, &settings.headers), 0);
        ck_assert_int_eq(job_settings_copy(&other, &settings), 0);
        ck_assert_uint_eq(job_settings_exchange(&settings, &other, 0),
                          SETTING_BIT(SETTING_CUSTOM_HEADERS)); /* not looked into */
        ck_assert_int_eq(setting_parse(&other, SETTING_DESCRIPTION, ""), 0);
        ck_assert_uint_eq(job_settings_exchange(&settings, &other, 0),
                          SETTING_BIT(SETTING_DESCRIPTION) | SETTING_BIT(SETTING_CUSTOM_HEADERS));
        job_settings_done(&other);
}
END_TEST

/* ---- judging --------------------------------------------------------------------------------- */

START_TEST(a_value_is_judged_by_its_row)
{
        static const struct {
                SettingId id;
                SettingValue value;
                int result;
                const char *fault;
        } cases[] = {
                { SETTING_CA_CERTIFICATE, { .text = "/ca.pem" }, 0, "" },
                { SETTING_CA_CERTIFICATE, { .text = "" }, 0, "" },
                { SETTING_CA_CERTIFICATE, { .text = NULL }, 0, "" },
                { SETTING_CA_CERTIFICATE, { .text = "ca.pem" }, -EINVAL, "'ca.pem' must be" },
                { SETTING_TICKET_CACHE, { .text = "MEMORY:x" }, -EOPNOTSUPP, "'MEMORY:x' must" },
                { SETTING_MAXIMUM_DOWNLOAD_TIME, { .number = 1 }, 0, "" },
                { SETTING_MAXIMUM_DOWNLOAD_TIME, { .number = UINT32_MAX }, 0, "" },
                { SETTING_MAXIMUM_DOWNLOAD_TIME,
                  { .number = 0 },
                  -EINVAL,
                  "must be between 1 and 4294967295" },
                { SETTING_MAXIMUM_DOWNLOAD_TIME,
                  { .number = UINT64_C(1) << 32 },
                  -EINVAL,
                  "must be between 1 and 4294967295" },
        };
        SettingValue value = cases[_i].value;
        SettingFault fault = { 0 };

        ck_assert_int_eq(setting_check(cases[_i].id, &value, &fault), cases[_i].result);
        ck_assert_msg(str_starts_with(fault.text, cases[_i].fault), "%s", fault.text);
}
END_TEST

START_TEST(a_long_value_is_not_quoted)
{
        char text[600];
        SettingValue value = { .text = text };
        SettingFault fault = { 0 };

        memset(text, 'x', sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        ck_assert_int_eq(setting_check(SETTING_CA_CERTIFICATE, &value, &fault), -EINVAL);
        ck_assert(str_starts_with(fault.text, "must be an absolute path"));
}
END_TEST

START_TEST(a_name_that_is_none_is_told_the_others)
{
        SettingValue value = { 0 };
        SettingFault fault = { 0 };

        ck_assert_int_eq(setting_add_name(SETTING_PRIORITY, "low", &value, &fault), 0);
        ck_assert_uint_eq(value.number, PRIORITY_LOW);
        ck_assert_int_eq(setting_add_name(SETTING_PRIORITY, "x", &value, &fault), -EINVAL);
        ck_assert_str_eq(fault.text, "'x' must be one of foreground, high, normal, low");

        value.number = 0;
        ck_assert_int_eq(
                setting_add_name(SETTING_SECURITY_FLAGS, "ignore-unknown-ca", &value, &fault),
                0);
        ck_assert_int_eq(
                setting_add_name(SETTING_SECURITY_FLAGS, "enable-crl-check", &value, &fault),
                0);
        ck_assert_uint_eq(value.number, 9);
        ck_assert_int_eq(setting_add_name(SETTING_SECURITY_FLAGS, "x", &value, &fault),
                         -EOPNOTSUPP);
}
END_TEST

static void make_list(SettingValue *value, const char *entry, size_t n)
{
        for (size_t i = 0; i < n; i++)
                ck_assert_int_eq(strings_append(&value->texts, entry), 0);
}

START_TEST(entries_of_a_list_get_their_normal_form)
{
        SettingValue value = { 0 };
        SettingFault fault = { 0 };

        make_list(&value, "one:80", 2);
        ck_assert_int_eq(setting_check(SETTING_PROXIES, &value, &fault), 0);
        ck_assert_str_eq(value.texts[1], "http://one:80");
        ck_assert_int_eq(setting_check_size(SETTING_PROXIES, &value, &fault), 0);
        setting_value_done(&value);

        make_list(&value, "socks5://one", 1);
        ck_assert_int_eq(setting_check(SETTING_PROXIES, &value, &fault), -EINVAL);
        ck_assert(str_starts_with(fault.text, "'socks5://one' names a SOCKS proxy"));
        setting_value_done(&value);
}
END_TEST

START_TEST(a_list_of_a_client_has_a_limit)
{
        SettingValue value = { 0 };
        SettingFault fault = { 0 };

        make_list(&value, "123456789", LIMIT_PROXY_LIST / 10);
        ck_assert_int_eq(setting_check_size(SETTING_PROXY_BYPASS, &value, &fault), 0);
        make_list(&value, "", 1);
        ck_assert_int_eq(setting_check_size(SETTING_PROXY_BYPASS, &value, &fault), -E2BIG);
        ck_assert_str_eq(fault.text, "must have at most 4000 characters");
        setting_value_done(&value);
}
END_TEST

/* ---- meaning --------------------------------------------------------------------------------- */

static int number_of_choice(SettingId id, const char *name)
{
        SettingValue value = { 0 };
        int r = setting_add_name(id, name, &value, &(SettingFault){ 0 });

        return r < 0 ? r : (int) value.number;
}

START_TEST(choices_have_the_numbers_of_the_original)
{
        static const SettingId choices[] = { SETTING_PRIORITY, SETTING_PROXY_USAGE };

        for (size_t i = 0; i < ARRAY_SIZE(choices); i++) {
                const char *const *names = setting_infos[choices[i]].names;

                for (int number = 0; names[number]; number++)
                        ck_assert_int_eq(number_of_choice(choices[i], names[number]), number);
                ck_assert_int_eq(number_of_choice(choices[i], ""), -EINVAL);
                ck_assert_int_eq(number_of_choice(choices[i], "Basic"), -EINVAL);
                ck_assert_int_eq(number_of_choice(choices[i], "nonesuch"), -EINVAL);
        }
        ck_assert_int_eq(number_of_choice(SETTING_PRIORITY, "foreground"), 0);
        ck_assert_int_eq(number_of_choice(SETTING_PRIORITY, "low"), 3);
        ck_assert_int_eq(number_of_choice(SETTING_PROXY_USAGE, "preconfig"), 0);
        ck_assert_int_eq(number_of_choice(SETTING_PROXY_USAGE, "autodetect"), 3);
}
END_TEST

/* Spec section 4.3: the position is the number of the original. */
START_TEST(flags_have_the_numbers_of_the_original)
{
        ck_assert_int_eq(1 << SECURITY_FLAG_ENABLE_CRL_CHECK, 0x01);
        ck_assert_int_eq(1 << SECURITY_FLAG_IGNORE_CERT_CN_INVALID, 0x02);
        ck_assert_int_eq(1 << SECURITY_FLAG_IGNORE_CERT_DATE_INVALID, 0x04);
        ck_assert_int_eq(1 << SECURITY_FLAG_IGNORE_UNKNOWN_CA, 0x08);
        ck_assert_int_eq(1 << SECURITY_FLAG_IGNORE_CERT_WRONG_USAGE, 0x10);
}
END_TEST

START_TEST(policies_say_what_they_allow)
{
        static const struct {
                const char *name;
                bool reports, downgrades;
        } policies[] = {
                { "allow-silent", false, false },
                { "allow-report", true, false },
                { "disallow", false, false },
                { "allow-silent+https-to-http", false, true },
                { "allow-report+https-to-http", true, true },
        };

        for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
                RedirectPolicy policy;

                ck_assert_int_eq(
                        setting_parse(&settings, SETTING_REDIRECT_POLICY, policies[i].name),
                        0);
                policy = (RedirectPolicy) settings.redirect_policy;
                ck_assert(redirect_policy_reports(policy) == policies[i].reports);
                ck_assert(redirect_policy_allows_downgrade(policy) == policies[i].downgrades);
        }
}
END_TEST

static Suite *make_suite(void)
{
        Suite *suite = suite_create("job-settings");
        TCase *list = tcase_create("list");
        TCase *live = tcase_create("live");
        TCase *judging = tcase_create("judging");
        TCase *meaning = tcase_create("meaning");

        tcase_add_checked_fixture(list, setup, teardown);
        tcase_add_test(list, each_setting_is_found_by_its_name);
        tcase_add_test(list, each_setting_begins_with_its_default);
        tcase_add_loop_test(list, a_text_is_taken_and_given_back, 0, ARRAY_SIZE(texts));
        tcase_add_test(list, a_text_that_is_none_is_refused);
        tcase_add_test(list, secrets_and_what_a_worker_is_told_are_not_stored);
        tcase_add_test(list, secrets_are_copied);
        suite_add_tcase(suite, list);
        tcase_add_checked_fixture(live, setup, teardown);
        tcase_add_test(live, a_setting_ends_its_worker_or_reaches_it);
        tcase_add_test(live, what_can_change_live_is_exchanged);
        tcase_add_test(live, all_settings_can_be_compared);
        suite_add_tcase(suite, live);
        tcase_add_loop_test(judging, a_value_is_judged_by_its_row, 0, 9);
        tcase_add_test(judging, a_long_value_is_not_quoted);
        tcase_add_test(judging, a_name_that_is_none_is_told_the_others);
        tcase_add_test(judging, entries_of_a_list_get_their_normal_form);
        tcase_add_test(judging, a_list_of_a_client_has_a_limit);
        suite_add_tcase(suite, judging);
        tcase_add_checked_fixture(meaning, setup, teardown);
        tcase_add_test(meaning, choices_have_the_numbers_of_the_original);
        tcase_add_test(meaning, flags_have_the_numbers_of_the_original);
        tcase_add_test(meaning, policies_say_what_they_allow);
        suite_add_tcase(suite, meaning);
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
