#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/worker-wire.h"

#include "base/str.h"

#include "model/wire-settings.h"
#include "tests/lib/wire-message.h"

START_TEST(settings_come_out_as_they_went_in)
{
        JobSettings settings = {
                .redirect_policy = REDIRECT_POLICY_ALLOW_REPORT_DOWNGRADE,
                .security_flags = 1U << SECURITY_FLAG_ENABLE_CRL_CHECK |
                                  1U << SECURITY_FLAG_IGNORE_UNKNOWN_CA,
                .disk_reserve_bytes = UINT64_MAX,
        };
        JobSettings out = { 0 }, copy = { 0 };

        ck_assert_int_eq(strings_copy(NULL, &settings.proxies), 0);
        ck_assert_int_eq(strings_append(&settings.proxies, "http://proxy:3128"), 0);
        ck_assert_int_eq(str_set(&settings.ca_certificate, "/ca.pem"), 0);
        ck_assert_int_eq(str_set(&settings.client_certificate, "/cert.pem"), 0);
        ck_assert_int_eq(str_set(&settings.client_key, "/key.pem"), 0);
        ck_assert_int_eq(str_set(&settings.ticket_cache, "FILE:/tmp/cache"), 0);
        ck_assert_int_eq(secret_new_copy("A: b\n", 5, &settings.headers), 0);
        ck_assert_int_eq(secret_new_copy("secret", 6, &settings.key_password), 0);
        ck_assert_int_eq(job_settings_copy(&copy, &settings), 0);
        ck_assert_int_ge(wire_append_settings(message, &copy, SETTING_FOR_WORKER), 0);
        job_settings_done(&copy);
        message_seal();
        ck_assert_int_eq(wire_read_settings(message, SETTING_FOR_WORKER, &out), 0);
        ck_assert_uint_eq(out.redirect_policy, settings.redirect_policy);
        ck_assert_uint_eq(out.security_flags, settings.security_flags);
        ck_assert_uint_eq(out.disk_reserve_bytes, settings.disk_reserve_bytes);
        ck_assert_uint_eq(strings_count(out.proxies), 1);
        ck_assert_str_eq(out.proxies[0], "http://proxy:3128");
        ck_assert_str_eq(out.ca_certificate, "/ca.pem");
        ck_assert_str_eq(out.client_certificate, "/cert.pem");
        ck_assert_str_eq(out.client_key, "/key.pem");
        ck_assert_str_eq(out.ticket_cache, "FILE:/tmp/cache");
        ck_assert(secret_equal(out.headers, settings.headers));
        ck_assert(secret_equal(out.key_password, settings.key_password));
        job_settings_done(&out);
        job_settings_done(&settings);
}
END_TEST

START_TEST(defaults_are_not_sent)
{
        JobSettings settings, out = { .redirect_policy = REDIRECT_POLICY_DISALLOW };

        job_settings_init(&settings);
        ck_assert_int_ge(wire_append_settings(message, &settings, SETTING_FOR_WORKER), 0);
        message_seal();
        ck_assert_int_eq(wire_read_settings(message, SETTING_FOR_WORKER, &out), 0);
        ck_assert_uint_eq(out.redirect_policy, REDIRECT_POLICY_ALLOW_SILENT);
        ck_assert_ptr_null(out.headers);
        ck_assert_ptr_null(out.ca_certificate);
        job_settings_done(&out);
}
END_TEST

static const struct {
        const char *key, *type, *value;
} refused[] = {
        { "unknown", "s", "x" },
        { "DisplayName", "s", "not for workers" },
        { "RedirectPolicy", "s", "perhaps" },
        { "RedirectPolicy", "as", "allow-silent" },
        { "SecurityFlags", "as", "ignore-everything" },
        { "SecurityFlags", "s", "enable-crl-check" },
        { "Proxies", "as", "socks5://proxy" },
        { "CACertificate", "s", "relative.pem" },
        { "CACertificate", "s", "" },
        { "ClientCertificate", "s", "relative.pem" },
        { "ClientKey", "s", "relative.pem" },
        { "TicketCache", "s", "MEMORY:x" },
        { "CustomHeaders", "s", "A: b" },
        { "DiskReserve", "s", "1" },
};

START_TEST(what_the_manager_does_not_say_is_refused)
{
        JobSettings out = { 0 };
        int r = strcmp(refused[_i].type, "s") == 0 ? sd_bus_message_append(message,
                                                                           "a{sv}",
                                                                           1,
                                                                           refused[_i].key,
                                                                           "s",
                                                                           refused[_i].value)
                                                   : sd_bus_message_append(message,
                                                                           "a{sv}",
                                                                           1,
                                                                           refused[_i].key,
                                                                           "as",
                                                                           1,
                                                                           refused[_i].value);

        ck_assert_int_ge(r, 0);
        message_seal();
        ck_assert_int_eq(wire_read_settings(message, SETTING_FOR_WORKER, &out), -EBADMSG);
        ck_assert_ptr_null(out.ca_certificate);
}
END_TEST

/* ---- Changed --------------------------------------------------------------------------------- */

START_TEST(a_change_has_what_can_change_live)
{
        JobSettings settings, out;

        job_settings_init(&settings);
        ck_assert_int_eq(setting_parse(&settings, SETTING_CA_CERTIFICATE, "/ca.pem"), 0);
        ck_assert_int_eq(setting_parse(&settings, SETTING_PROXIES, "http://proxy:3128\n"), 0);
        settings.redirect_policy = REDIRECT_POLICY_DISALLOW;
        ck_assert_int_ge(wire_append_settings(message, &settings, SETTING_FOR_ANY_WORKER), 0);
        message_seal();
        ck_assert_int_eq(wire_read_settings(message, SETTING_FOR_ANY_WORKER, &out), 0);
        ck_assert_ptr_null(out.ca_certificate);
        ck_assert_str_eq(out.proxies[0], "http://proxy:3128");
        ck_assert_uint_eq(out.redirect_policy, REDIRECT_POLICY_DISALLOW);
        ck_assert_uint_eq(out.proxy_source, PROXY_SOURCE_LIST);
        job_settings_done(&out);
        job_settings_done(&settings);
}
END_TEST

static const struct {
        const char *key, *value;
} fixed[] = {
        { "unknown", "x" },
        { "CACertificate", "/ca.pem" },   /* needs a new worker */
        { "TicketCache", "FILE:/cache" }, /* likewise */
        { "ProxyUsage", "none" },         /* not for workers */
        { "DisplayName", "name" },
        { "RedirectPolicy", "perhaps" },
        { "ProxySource", "" },
        { "Proxies", "http://proxy:3128" }, /* of another type */
};

START_TEST(a_change_of_what_is_fixed_is_refused)
{
        JobSettings out = { 0 };

        ck_assert_int_ge(
                sd_bus_message_append(message, "a{sv}", 1, fixed[_i].key, "s", fixed[_i].value),
                0);
        message_seal();
        ck_assert_int_eq(wire_read_settings(message, SETTING_FOR_ANY_WORKER, &out), -EBADMSG);
}
END_TEST

START_TEST(a_list_that_is_too_long_is_refused)
{
        JobSettings out = { 0 };
        char **proxies = NULL;

        for (unsigned i = 0; i <= LIMIT_PROXY_LIST; i++)
                ck_assert_int_eq(strings_append(&proxies, "http://p:1"), 0);
        ck_assert_int_ge(sd_bus_message_open_container(message, 'a', "{sv}"), 0);
        ck_assert_int_ge(sd_bus_message_open_container(message, 'e', "sv"), 0);
        ck_assert_int_ge(sd_bus_message_append(message, "s", "Proxies"), 0);
        ck_assert_int_ge(sd_bus_message_open_container(message, 'v', "as"), 0);
        ck_assert_int_ge(sd_bus_message_append_strv(message, proxies), 0);
        ck_assert_int_ge(sd_bus_message_close_container(message), 0);
        ck_assert_int_ge(sd_bus_message_close_container(message), 0);
        ck_assert_int_ge(sd_bus_message_close_container(message), 0);
        message_seal();
        ck_assert_int_eq(wire_read_settings(message, SETTING_FOR_ANY_WORKER, &out), -EBADMSG);
        strings_free(proxies);
}
END_TEST

/* ---- both ------------------------------------------------------------------------------------ */

START_TEST(a_key_comes_once)
{
        JobSettings out = { 0 };

        ck_assert_int_ge(sd_bus_message_append(message,
                                               "a{sv}",
                                               2,
                                               "CACertificate",
                                               "s",
                                               "/a.pem",
                                               "CACertificate",
                                               "s",
                                               "/b.pem"),
                         0);
        message_seal();
        ck_assert_int_eq(wire_read_settings(message, SETTING_FOR_WORKER, &out), -EBADMSG);
}
END_TEST

START_TEST(headers_are_checked_behind_their_descriptor)
{
        JobSettings settings, out = { 0 };

        job_settings_init(&settings);
        ck_assert_int_eq(secret_new_copy("Host: x\n", 8, &settings.headers), 0);
        ck_assert_int_ge(wire_append_settings(message, &settings, SETTING_FOR_WORKER), 0);
        message_seal();
        ck_assert_int_eq(wire_read_settings(message, SETTING_FOR_WORKER, &out), -EBADMSG);
        job_settings_done(&settings);
}
END_TEST

static Suite *make_suite(void)
{
        Suite *suite = suite_create("wire-settings");
        TCase *tcase = tcase_create("settings");

        tcase_add_checked_fixture(tcase, message_setup, message_teardown);
        tcase_add_test(tcase, settings_come_out_as_they_went_in);
        tcase_add_test(tcase, defaults_are_not_sent);
        tcase_add_loop_test(tcase,
                            what_the_manager_does_not_say_is_refused,
                            0,
                            ARRAY_SIZE(refused));
        tcase_add_test(tcase, a_change_has_what_can_change_live);
        tcase_add_loop_test(tcase, a_change_of_what_is_fixed_is_refused, 0, ARRAY_SIZE(fixed));
        tcase_add_test(tcase, a_list_that_is_too_long_is_refused);
        tcase_add_test(tcase, a_key_comes_once);
        tcase_add_test(tcase, headers_are_checked_behind_their_descriptor);
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
