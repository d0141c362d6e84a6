/*
 * dosvcctl as a user meets it, off a terminal.
 */
#include <stdio.h>
#include <string.h>

#include "base/macro.h"

#include "tests/lib/client-fixture.h"
#include "tests/lib/dosvcctl-fixture.h"
#include "tests/lib/file-hash.h"
#include "tests/lib/service-fixture.h"
#include "tests/lib/users.h"

START_TEST(get_fetches_a_file_and_leaves_no_job)
{
        _cleanup_free_ char *original = servers_file("small"),
                            *fetched = fixture_alice_file("small");

        (void) unlink(fetched);
        ck_assert_int_eq(run_with_url(SITE_OPEN, "small", "dosvcctl get", ""), 0);
        file_hash_assert_same(fetched, original);
        assert_said("/small");
        (void) unlink(fetched);
        ck_assert_int_eq(run_with_url(SITE_OPEN, "small", "dosvcctl -q get -o new-name", ""), 0);
        ck_assert_str_eq(output, "");
        (void) unlink(fetched);
        /* The job of start() only. */
        ck_assert_uint_eq(count_jobs(alice, 0, NULL), 1);
}
END_TEST

START_TEST(get_logs_in_with_a_password_from_a_descriptor)
{
        _cleanup_free_ char *original = servers_file("small"),
                            *fetched = fixture_alice_file("small");

        ck_assert_int_eq(run_with_url(SITE_DIGEST_MD5,
                                      "small",
                                      "echo " SERVERS_PASSWORD
                                      " | dosvcctl get --login=" SERVERS_USER " --password-fd=0",
                                      ""),
                         0);
        file_hash_assert_same(fetched, original);
        (void) unlink(fetched);
}
END_TEST

START_TEST(a_failed_get_says_why_and_what_to_do)
{
        ck_assert_int_eq(run_with_url(SITE_BASIC, "small", "dosvcctl get --keep", ""), 8);
        assert_said("http-401");
        assert_said("dosvcctl cred set ");
        ck_assert_int_eq(run_with_url(SITE_GONE, "small", "dosvcctl get --keep", ""), 11);
        assert_said("http-404");
        assert_said("dosvcctl edit-url ");
        ck_assert_int_eq(run("dosvcctl get -d missing http://127.0.0.1:1/x"), 1);
        assert_said("missing");
        ck_assert_int_eq(run("dosvcctl get http://127.0.0.1:1/"), 2);
        assert_said("-o FILE");
        ck_assert_int_eq(run("dosvcctl get -o x ftp://127.0.0.1/x"), 2);
        /* What could not begin left nothing behind; the two that failed did. */
        ck_assert_uint_eq(count_jobs(alice, 0, NULL), 3);
}
END_TEST

START_TEST(the_steps_of_a_job_have_verbs)
{
        _cleanup_free_ char *original = servers_file("small");

        ck_assert_int_eq(run_with_url(SITE_BASIC, "small", "dosvcctl add $job", "client-file"), 0);
        assert_run("printf " SERVERS_PASSWORD " | dosvcctl cred set $job --login=" SERVERS_USER
                   " --scheme=basic --password-fd=0",
                   0);
        assert_run("dosvcctl set client priority=high description=text", 0);
        assert_run("dosvcctl show -p Priority --value $job", 0);
        ck_assert_str_eq(output, "high\n");
        assert_run("dosvcctl start client", 0);
        assert_run("dosvcctl wait --timeout=20s client", 0);
        assert_run("dosvcctl list --no-legend", 0);
        assert_said("transferred");
        assert_said("64.0K");
        assert_run("dosvcctl complete $job", 0);
        file_hash_assert_same(local_file, original);
        assert_run("dosvcctl show $job", 3);
}
END_TEST

START_TEST(a_hint_in_json_names_the_job)
{
        _cleanup_free_ char *url = servers_url(SITE_GONE, "small"), *command = NULL, *resume = NULL;

        ck_assert_int_gt(asprintf(&command, "dosvcctl add $job %s hint-file", url), 0);
        assert_run(command, 0);
        assert_run("dosvcctl start $job; dosvcctl wait --timeout=20s $job", 11);
        assert_run("dosvcctl --json=short explain $job", 0);
        ck_assert_int_gt(asprintf(&resume, "Then: dosvcctl resume %s\"", job_id), 0);
        assert_said(resume);
}
END_TEST

START_TEST(edit_url_fetches_files_from_another_place)
{
        _cleanup_free_ char *original = servers_file("small"), *command = NULL;
        _cleanup_free_ char *url = servers_url(SITE_OPEN, "");

        assert_run("dosvcctl add $job http://127.0.0.1:1/old/small client-file", 0);
        assert_run("dosvcctl edit-url $job --from=http://127.0.0.1:1/OLD/ --to=http://x/", 1);
        assert_said("http://127.0.0.1:1/OLD/");
        ck_assert_int_gt(asprintf(&command,
                                  "dosvcctl edit-url $job --from=http://127.0.0.1:1/old/ --to=%s",
                                  url),
                         0);
        assert_run(command, 0);
        assert_run("dosvcctl start $job; dosvcctl wait --timeout=20s $job; "
                   "dosvcctl complete $job",
                   0);
        file_hash_assert_same(local_file, original);
}
END_TEST

START_TEST(edit_url_names_one_file_by_its_number)
{
        assert_run("dosvcctl add $job http://127.0.0.1:1/a a-file", 0);
        assert_run("dosvcctl add $job http://127.0.0.1:1/b b-file", 0);
        assert_run("dosvcctl edit-url $job 1 http://127.0.0.1:1/c && dosvcctl files $job", 0);
        assert_said("http://127.0.0.1:1/a");
        assert_said("http://127.0.0.1:1/c");
        assert_run("dosvcctl edit-url $job first http://127.0.0.1:1/c", 2);
        assert_run("dosvcctl edit-url $job 1", 2);
        assert_run("dosvcctl edit-url $job 1 relative", 2);
}
END_TEST

START_TEST(settings_have_keys_and_verbs)
{
        assert_run("dosvcctl set client redirect-policy=disallow "
                   "security-flags=ignore-unknown-ca,enable-crl-check ca-certificate=/own.pem",
                   0);
        assert_run("dosvcctl show -p RedirectPolicy -p CACertificate --value $job", 0);
        ck_assert_str_eq(output, "disallow\n/own.pem\n");
        assert_run("dosvcctl set client security-flags=ignore-all", 2);
        assert_said("ignore-all");
        assert_run("printf 'X-Token: secret\\r\\n\\nB: c\\n' | dosvcctl header set $job", 0);
        assert_run("dosvcctl header show $job", 0);
        ck_assert_str_eq(output, "X-Token: secret\nB: c\n");
        ck_assert_int_eq(run_as(0, "dosvcctl header show $job"), 4);
        assert_run("dosvcctl header remove $job && dosvcctl header show $job", 0);
        ck_assert_str_eq(output, "");
        assert_run("dosvcctl cert set $job /nowhere.pem", 2);
        assert_run("printf secret | dosvcctl cert set $job /etc/hostname --password-fd=0", 0);
        assert_run("dosvcctl cert remove $job", 0);
        assert_run("dosvcctl cert remove $job", 0);
        assert_said("There was none");
}
END_TEST

START_TEST(a_digest_is_what_the_file_must_have)
{
        _cleanup_free_ char *original = servers_file("small"),
                            *fetched = fixture_alice_file("small");

        ck_assert_int_eq(run_with_url(SITE_OPEN,
                                      "small",
                                      "dosvcctl get -q -o copy",
                                      "&& sum=$(sha256sum < copy | cut -c1-64) && rm copy && "
                                      "echo $sum > sum"),
                         0);
        ck_assert_int_eq(
                run_with_url(SITE_OPEN, "small", "dosvcctl get --digest=SHA256:$(cat sum)", ""),
                0);
        file_hash_assert_same(fetched, original);
        (void) unlink(fetched);
        ck_assert_int_eq(
                run_with_url(SITE_OPEN,
                             "small",
                             "dosvcctl get --checksum md5:00112233445566778899aabbccddeeff",
                             ""),
                10);
        assert_said("validation-failed");
        ck_assert_int_ne(access(fetched, F_OK), 0);
}
END_TEST

START_TEST(each_file_has_its_own_digest)
{
        assert_run(
                "dosvcctl get --no-wait --digest=- --digest=md5:00112233445566778899AABBCCDDEEFF "
                "http://127.0.0.1:1/a http://127.0.0.1:1/b > other",
                0);
        assert_run("dosvcctl --json=short files $(cat other) | python3 -c 'import json, sys\n"
                   "for file in json.load(sys.stdin): print(file[\"checksum\"] or \"none\")'",
                   0);
        ck_assert_str_eq(output, "none\nmd5:00112233445566778899aabbccddeeff\n");
}
END_TEST

START_TEST(ranges_are_fetched_one_behind_the_other)
{
        ck_assert_int_eq(
                run_with_url(SITE_OPEN, "small", "dosvcctl get -q -o whole", "&& rm -f parts"),
                0);
        ck_assert_int_eq(
                run_with_url(SITE_OPEN, "small", "dosvcctl get -q -o parts --range 65000-,0:9", ""),
                0);
        assert_run("{ tail -c +65001 whole; head -c 10 whole; } | cmp - parts && rm whole parts",
                   0);
        ck_assert_int_eq(
                run_with_url(SITE_OPEN, "small", "dosvcctl get -o parts --range 70000-", ""),
                1);
        assert_said("invalid-range");
        assert_run("ls parts", 2);
}
END_TEST

START_TEST(files_show_what_only_some_files_have)
{
        assert_run("dosvcctl add $job http://127.0.0.1:1/a a-file && dosvcctl files $job", 0);
        ck_assert_ptr_null(strstr(output, "CHECKSUM"));
        ck_assert_ptr_null(strstr(output, "RANGES"));
        ck_assert_ptr_null(strstr(output, "RESTARTS"));
        assert_run("dosvcctl add $job http://127.0.0.1:1/b b-file --range=0-4,7--; "
                   "dosvcctl add $job http://127.0.0.1:1/b b-file --range=0-4,7: "
                   "--digest=md5:00112233445566778899aabbccddeeff && dosvcctl files $job",
                   0);
        assert_said("RANGES");
        assert_said("0-4,7-");
        assert_said("md5:00112233445566778899aabbccddeeff");
        ck_assert_ptr_null(strstr(output, "RESTARTS"));
}
END_TEST

START_TEST(a_wrong_digest_or_range_is_told_before_there_is_a_job)
{
        static const char *const options[] = {
                "--digest=00112233445566778899aabbccddeeff",
                "--digest=md5:0011",
                "--digest=md5:0011223344556677889zaabbccddeeff",
                "--digest=sha256:",
                "--digest=:00",
                "--digest=md5:00112233445566778899aabbccddeeff --digest=-",
                "--range=9-5",
                "--range=5",
                "--range=-5",
                "--range=0-1,",
                "--range=0-18446744073709551615",
                "--range=0-99999999999999999999",
        };

        daemon_stop(&fixture.daemon);
        for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
                _cleanup_free_ char *command = NULL;

                ck_assert_int_gt(
                        asprintf(&command, "dosvcctl get %s http://127.0.0.1:1/a", options[i]),
                        0);
                assert_run(command, 2);
        }
        assert_run("dosvcctl get --digest=md5:00112233445566778899aabbccddeeff "
                   "http://127.0.0.1:1/a http://127.0.0.1:1/b",
                   2);
        assert_run("dosvcctl get --range=0-1 http://127.0.0.1:1/a http://127.0.0.1:1/b", 2);
        assert_run("dosvcctl add --digest=md5:0 $job http://127.0.0.1:1/a", 2);
        assert_run("dosvcctl add --digest=md5:0 --from-file=/dev/null $job", 2);
}
END_TEST

START_TEST(what_only_the_service_can_judge_leaves_no_job)
{
        assert_run("dosvcctl get --range=0-9,5- http://127.0.0.1:1/a", 2);
        assert_said("overlap");
        assert_run("dosvcctl get --digest=sha3:00 http://127.0.0.1:1/a", 2);
        assert_said("'sha3'");
        ck_assert_uint_eq(count_jobs(alice, 0, NULL), 1);
}
END_TEST

START_TEST(every_property_of_the_service_is_shown)
{
        assert_run("dosvcctl show $job | cut -d= -f1 | sort > shown; "
                   "busctl --json=short call org.dosvc1 /org/dosvc1/job/$job "
                   "org.freedesktop.DBus.Properties GetAll s org.dosvc1.Job | "
                   "python3 -c 'import json, sys\n"
                   "for name in json.load(sys.stdin)[\"data\"][0]:\n"
                   "    if name not in (\"Error\", \"ProxySettings\"): print(name)\n"
                   "print(\"~ all\")' | "
                   "sort | comm -13 shown -",
                   0);
        ck_assert_str_eq(output, "~ all\n");
        assert_run("dosvcctl show -p error-file -p State --value $job", 0);
        ck_assert_str_eq(output, "suspended\n\n");
        assert_run("dosvcctl show -p ProxySettings $job", 0);
        ck_assert_str_eq(output, "ProxyUsage=preconfig\nProxies=\nProxyBypass=\n");
        assert_run("dosvcctl show -p Nope $job", 2);
        ck_assert_ptr_null(strstr(output, "="));
        assert_run("dosvcctl -j show -p Nope $job", 2);
        ck_assert_ptr_null(strstr(output, "{"));
        assert_said("'Nope'");
}
END_TEST

START_TEST(every_property_that_can_be_written_is_a_key)
{
        assert_run("dosvcctl set $job retry-delay=5min NoProgressTimeout=2h "
                   "maximum-download-time=1d description='two words'",
                   0);
        assert_run("dosvcctl show --value -p MinimumRetryDelay -p NoProgressTimeout "
                   "-p MaximumDownloadTime -p Description $job",
                   0);
        ck_assert_str_eq(output, "two words\n300\n7200\n86400\n");
        assert_run("dosvcctl set $job", 0);
        assert_said("minimum-retry-delay=300\n");
        assert_said("proxy=preconfig\n");
        assert_run("dosvcctl -j set $job | python3 -m json.tool", 0);
}
END_TEST

START_TEST(a_key_or_value_that_is_wrong_is_told_before_anything_is_sent)
{
        assert_run("dosvcctl set $job retry-dealy=5min", 2);
        assert_said("'retry-dealy'");
        assert_said(" minimum-retry-delay,");
        assert_run("dosvcctl set $job state=queued", 2);
        assert_run("dosvcctl set $job proxy-settings=none", 2);
        assert_said("proxy-bypass");
        assert_run("dosvcctl set $job retry-delay=soon", 2);
        assert_said("retry-delay: 'soon' is not a time span");
        assert_run("dosvcctl set $job retry-delay", 2);
        assert_run("dosvcctl set $job custom-headers='X: y'", 2);
        assert_said("dosvcctl header set ");
        assert_run("dosvcctl set $job maximum-download-time=0", 2);
        assert_run("dosvcctl show -p MinimumRetryDelay --value $job", 0);
        ck_assert_str_eq(output, "60\n");
}
END_TEST

START_TEST(jobs_are_named_by_id_prefix_or_name)
{
        char other[DOSVC_ID_SIZE];

        assert_run("dosvcctl show -p Id --value client", 0);
        assert_run("dosvcctl show -p Id --value $(echo $job | cut -c1-12)", 0);
        ck_assert_int_eq(strncmp(output, job_id, 32), 0);
        assert_run("dosvcctl show -p Id --value $(echo $job | cut -c1-3)", 3);
        ck_assert_int_eq(dosvc_job_create(alice, "client", other), 0);
        assert_run("dosvcctl cancel client", 2);
        assert_said(job_id);
        assert_said(other);
        ck_assert_uint_eq(count_jobs(alice, 0, NULL), 2);
}
END_TEST

START_TEST(exit_statuses_tell_what_was_wrong)
{
        assert_run("dosvcctl", 2);
        assert_run("dosvcctl dance", 2);
        assert_run("dosvcctl --unknown list", 2);
        assert_run("dosvcctl set $job colour=red", 2);
        assert_run("dosvcctl wait --timeout=soon $job", 2);
        assert_run("dosvcctl wait $job", 13);
        assert_run("dosvcctl resume $job", 13);
        assert_said("has no files");
        assert_run("dosvcctl take-ownership $job", 4);
        assert_run("dosvcctl list --all-users", 4);
        ck_assert_int_eq(run_as(USERS_BOB_UID, "dosvcctl status $job"), 3);
        ck_assert_int_eq(run_as(0, "printf x | dosvcctl cred set $job --login=x --password-fd=0"),
                         4);
        assert_run("dosvcctl cred set $job --login=x </dev/null", 1);
        assert_said("--password-fd");
        assert_run("DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nonexistent dosvcctl list", 5);
        daemon_stop(&fixture.daemon);
        assert_run("dosvcctl list", 5);
}
END_TEST

START_TEST(messages_say_what_to_do)
{
        static const struct {
                const char *command;
                int status;
                const char *said;
        } cases[] = {
                { "dosvcctl get -o - http://127.0.0.1:1/x", 2, "-o ./-" },
                { "dosvcctl get -O http://127.0.0.1:1/x", 2, "get -O FILE URL" },
                { "dosvcctl get -d missing http://127.0.0.1:1/x", 1, "make it first" },
                { "dosvcctl get --proxy=http://127.0.0.1:9 http://127.0.0.1:1/x",
                  12,
                  "proxy could be made (Connection refused): http://127.0.0.1:9" },
                { "dosvcctl get --proxy=socks5://127.0.0.1:9 http://a/x", 2, "SOCKS" },
                { "dosvcctl --user list", 5, "DBUS_SESSION_BUS_ADDRESS" },
                { "dosvcctl list --state=broken", 2, "suspended error transient-error" },
                { "dosvcctl take-ownership $job", 4, "Only root takes over jobs" },
                { "dosvcctl status $job", 0, "no files yet" },
                { "dosvcctl list", 0, "-" },
                { "DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nonexistent dosvcctl list",
                  5,
                  "Is dbus running?" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                assert_run(cases[i].command, cases[i].status);
                assert_said(cases[i].said);
                ck_assert_ptr_null(strstr(output, "Tries again"));
        }
}
END_TEST

START_TEST(json_is_one_value_that_parses)
{
        static const char *const commands[] = {
                "list", "status", "status $job", "show $job", "files $job", "explain $job",
        };

        for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
                _cleanup_free_ char *command = NULL;

                ck_assert_int_gt(asprintf(&command,
                                          "dosvcctl -j %s | python3 -c 'import json, sys\n"
                                          "value = json.load(sys.stdin)\n"
                                          "for o in value if type(value) is list else [value]:\n"
                                          "    assert o[\"schema\"] == 1'",
                                          commands[i]),
                                 0);
                assert_run(command, 0);
        }
}
END_TEST

START_TEST(names_cannot_control_the_terminal_or_break_the_locale)
{
        ck_assert_int_eq(dosvc_job_set_display_name(alice,
                                                    job_id,
                                                    "a\xc2\x9b"
                                                    "31m\xe2\x80\xae"
                                                    "b"),
                         0);
        assert_run("dosvcctl list --no-legend", 0);
        assert_said("a?31m?b");
        ck_assert_int_eq(dosvc_job_set_display_name(alice, job_id, "caf\xc3\xa9"), 0);
        assert_run("dosvcctl list --no-legend", 0);
        assert_said("caf\xc3\xa9");
        assert_run("LC_ALL=C dosvcctl list --no-legend", 0);
        assert_said("caf?");
        ck_assert_ptr_null(strchr(output, '\033'));
}
END_TEST

START_TEST(monitor_shows_what_happens_as_json_lines)
{
        assert_run("dosvcctl -j monitor > events & pid=$!; sleep 1; "
                   "dosvcctl set $job priority=low; dosvcctl cancel $job; sleep 1; kill $pid; "
                   "cat events",
                   0);
        assert_said("\"event\":\"changed\"");
        assert_said("\"event\":\"removed\"");
        assert_said("\"state\":\"cancelled\"");
}
END_TEST

static Suite *make_suite(void)
{
        Suite *suite = suite_create("dosvcctl");
        TCase *ctl = client_case(suite, "dosvcctl");

        tcase_add_test(ctl, get_fetches_a_file_and_leaves_no_job);
        tcase_add_test(ctl, get_logs_in_with_a_password_from_a_descriptor);
        tcase_add_test(ctl, a_failed_get_says_why_and_what_to_do);
        tcase_add_test(ctl, the_steps_of_a_job_have_verbs);
        tcase_add_test(ctl, a_hint_in_json_names_the_job);
        tcase_add_test(ctl, edit_url_fetches_files_from_another_place);
        tcase_add_test(ctl, edit_url_names_one_file_by_its_number);
        tcase_add_test(ctl, settings_have_keys_and_verbs);
        tcase_add_test(ctl, a_digest_is_what_the_file_must_have);
        tcase_add_test(ctl, each_file_has_its_own_digest);
        tcase_add_test(ctl, ranges_are_fetched_one_behind_the_other);
        tcase_add_test(ctl, files_show_what_only_some_files_have);
        tcase_add_test(ctl, a_wrong_digest_or_range_is_told_before_there_is_a_job);
        tcase_add_test(ctl, what_only_the_service_can_judge_leaves_no_job);
        tcase_add_test(ctl, every_property_of_the_service_is_shown);
        tcase_add_test(ctl, every_property_that_can_be_written_is_a_key);
        tcase_add_test(ctl, a_key_or_value_that_is_wrong_is_told_before_anything_is_sent);
        tcase_add_test(ctl, jobs_are_named_by_id_prefix_or_name);
        tcase_add_test(ctl, exit_statuses_tell_what_was_wrong);
        tcase_add_test(ctl, messages_say_what_to_do);
        tcase_add_test(ctl, json_is_one_value_that_parses);
        tcase_add_test(ctl, names_cannot_control_the_terminal_or_break_the_locale);
        tcase_add_test(ctl, monitor_shows_what_happens_as_json_lines);
        return suite;
}

int main(void)
{
        return fixture_play(make_suite(), SERVERS_NGINX | SERVERS_APACHE);
}
