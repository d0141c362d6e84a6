#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"

#include "manager/config.h"
#include "tests/lib/temp-dir.h"

static char *dir, *path, *drop_in_dir, *warnings; /* owned by the fixture */
static Config config;
static bool loaded;

static void setup(void)
{
        dir = temp_dir_new();
        path = temp_dir_path(dir, "dosvcd.conf");
        drop_in_dir = temp_dir_path(dir, "dosvcd.conf.d");
}

static void done(void)
{
        if (loaded)
                config_done(&config);
        loaded = false;
        free(warnings);
        warnings = NULL;
}

static void teardown(void)
{
        done();
        free(path);
        free(drop_in_dir);
        dir = temp_dir_remove(dir);
}

static void drop_in(const char *name, const char *text)
{
        _cleanup_free_ char *file = temp_dir_path(drop_in_dir, name);

        temp_dir_make(drop_in_dir, 0755, 0);
        temp_dir_write(file, text);
}

/* Loads, with what goes to stderr in warnings. */
static void load(void)
{
        _cleanup_free_ char *log = temp_dir_path(dir, "log");
        int before = dup(STDERR_FILENO), r;

        done();
        ck_assert_ptr_nonnull(freopen(log, "we", stderr));
        r = config_load(&config, path);
        loaded = true;
        (void) fflush(stderr);
        ck_assert_int_ge(dup2(before, STDERR_FILENO), 0);
        (void) close(before);
        ck_assert_int_eq(r, 0);
        warnings = temp_dir_read(log, NULL);
}

static void load_text(const char *text)
{
        temp_dir_write(path, text);
        load();
}

static void check_defaults(void)
{
        ck_assert_uint_eq(config.max_jobs, 100000);
        ck_assert_uint_eq(config.max_jobs_per_user, 1000);
        ck_assert_uint_eq(config.max_files_per_job, 10000);
        ck_assert_uint_eq(config.max_active_jobs, 100);
        ck_assert_uint_eq(config.max_active_jobs_per_user, 10);
        ck_assert_uint_eq(config.disk_reserve_bytes, 64 * 1024 * 1024);
        ck_assert_uint_eq(config.idle_exit_sec, 60);
        ck_assert_uint_eq(config.job_defaults.minimum_retry_delay_sec, 60);
        ck_assert_uint_eq(config.max_retry_delay_sec, 3600);
        ck_assert_uint_eq(config.log_level, LOG_INFO);
        ck_assert_ptr_nonnull(config.proxies);
        ck_assert_uint_eq(strings_count(config.proxies), 0);
        ck_assert_ptr_nonnull(config.proxy_bypass);
        ck_assert_uint_eq(strings_count(config.proxy_bypass), 0);
}

static void check_warned(const char *part)
{
        ck_assert_msg(strstr(warnings, part) != NULL, "no \"%s\" in: %s", part, warnings);
}

START_TEST(a_missing_file_means_the_defaults)
{
        load();
        check_defaults();
        ck_assert_str_eq(warnings, "");
}
END_TEST

START_TEST(every_key_is_read)
{
        load_text("# a comment\n"
                  "[Limits]\n"
                  "MaxJobs=11\n"
                  "MaxJobsPerUser = 12\n"
                  "MaxFilesPerJob=13\n"
                  "MaxActiveJobs=14\n"
                  "MaxActiveJobsPerUser=15\n"
                  "DiskReserve=16\n"
                  "[Proxy]\n"
                  "Proxy=one:3128 \thttps://two\n"
                  "ProxyBypass=localhost .example.org\n"
                  "[Service]\n"
                  "IdleExitSec=0\n"
                  "MinimumRetryDelaySec=17\n"
                  "MaximumRetryDelaySec=18\n"
                  "LogLevel=debug\n");
        ck_assert_str_eq(warnings, "");
        ck_assert_uint_eq(config.max_jobs, 11);
        ck_assert_uint_eq(config.max_jobs_per_user, 12);
        ck_assert_uint_eq(config.max_files_per_job, 13);
        ck_assert_uint_eq(config.max_active_jobs, 14);
        ck_assert_uint_eq(config.max_active_jobs_per_user, 15);
        ck_assert_uint_eq(config.disk_reserve_bytes, 16);
        ck_assert_uint_eq(strings_count(config.proxies), 2);
        ck_assert_str_eq(config.proxies[0], "http://one:3128");
        ck_assert_str_eq(config.proxies[1], "https://two:443");
        ck_assert_uint_eq(strings_count(config.proxy_bypass), 2);
        ck_assert_str_eq(config.proxy_bypass[1], ".example.org");
        ck_assert_uint_eq(config.idle_exit_sec, 0);
        ck_assert_uint_eq(config.job_defaults.minimum_retry_delay_sec, 17);
        ck_assert_uint_eq(config.max_retry_delay_sec, 18);
        ck_assert_uint_eq(config.log_level, LOG_DEBUG);
}
END_TEST

START_TEST(bytes_may_have_a_unit)
{
        static const struct {
                const char *text;
                uint64_t bytes;
        } cases[] = {
                { "0", 0 },
                { "1023", 1023 },
                { "1K", 1024 },
                { "0M", 0 },
                { "3M", UINT64_C(3) << 20 },
                { "10G", UINT64_C(10) << 30 },
                { "1024T", UINT64_C(1) << 50 },
                { "1125899906842624", UINT64_C(1) << 50 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                char text[64];

                (void) snprintf(text, sizeof(text), "[Limits]\nDiskReserve=%s\n", cases[i].text);
                load_text(text);
                ck_assert_str_eq(warnings, "");
                ck_assert_uint_eq(config.disk_reserve_bytes, cases[i].bytes);
        }
}
END_TEST

START_TEST(drop_ins_follow_in_the_order_of_their_names)
{
        drop_in("20-late.conf", "[Limits]\nMaxJobs=20\n");
        drop_in("10-early.conf", "[Limits]\nMaxJobs=10\nMaxJobsPerUser=10\n");
        drop_in("30-other.txt", "[Limits]\nMaxJobs=30\n");
        drop_in("40-backup.conf~", "[Limits]\nMaxJobs=40\n");
        drop_in(".50-hidden.conf", "[Limits]\nMaxJobs=50\n");
        drop_in(".conf", "[Limits]\nMaxJobs=60\n");
        load_text("[Limits]\nMaxJobs=1\nMaxJobsPerUser=1\nMaxFilesPerJob=1\n");
        ck_assert_str_eq(warnings, "");
        ck_assert_uint_eq(config.max_jobs, 20);
        ck_assert_uint_eq(config.max_jobs_per_user, 10);
        ck_assert_uint_eq(config.max_files_per_job, 1);
}
END_TEST

START_TEST(drop_ins_need_no_main_file)
{
        drop_in("only.conf", "[Limits]\nMaxJobs=7\n");
        load();
        ck_assert_uint_eq(config.max_jobs, 7);
        ck_assert_str_eq(warnings, "");
}
END_TEST

START_TEST(a_list_replaces_the_one_before)
{
        drop_in("a.conf", "[Proxy]\nProxy=two\nProxyBypass=\n");
        load_text("[Proxy]\nProxy=one:1 other:2\nProxyBypass=localhost\n");
        ck_assert_uint_eq(strings_count(config.proxies), 1);
        ck_assert_str_eq(config.proxies[0], "http://two:80");
        ck_assert_uint_eq(strings_count(config.proxy_bypass), 0);
}
END_TEST

/* Lines are short, lists need not be. */
START_TEST(lines_of_one_file_add_up)
{
        char text[8192];
        int length = snprintf(text, sizeof(text), "[Proxy]\nProxy=zero:1\nProxy=https=one:2\n");

        for (int i = 0; i < 100; i++)
                length += snprintf(text + length, 64, "ProxyBypass=a-long-name-%d.example\n", i);
        drop_in("a.conf", text);
        load_text("[Proxy]\nProxy=early:1\nProxyBypass=early\n");
        ck_assert_str_eq(warnings, "");
        ck_assert_uint_eq(strings_count(config.proxies), 2);
        ck_assert_str_eq(config.proxies[1], "https=http://one:2");
        ck_assert_uint_eq(strings_count(config.proxy_bypass), 100);
        ck_assert_str_eq(config.proxy_bypass[99], "a-long-name-99.example");

        drop_in("a.conf", "[Proxy]\nProxyBypass=one\nProxyBypass=\nProxyBypass=two\n two.a\n");
        load();
        ck_assert_str_eq(warnings, "");
        ck_assert_uint_eq(strings_count(config.proxies), 1);
        ck_assert_uint_eq(strings_count(config.proxy_bypass), 2);
        ck_assert_str_eq(config.proxy_bypass[1], "two.a");
}
END_TEST

START_TEST(an_unknown_key_is_named)
{
        drop_in("a.conf", "[Service]\nFrobnicate=yes\n");
        load_text("[Limits]\nMaxFoo=1\nmaxjobs=1\nMaxJobs=9\n[Other]\nMaxJobs=1\n");
        check_warned("dosvcd.conf:2: unknown key MaxFoo");
        check_warned("maxjobs");
        check_warned("[Other]");
        check_warned("Frobnicate");
        check_warned("dosvcd.conf.d/a.conf:2:");
        ck_assert_uint_eq(config.max_jobs, 9);
}
END_TEST

START_TEST(a_bad_value_changes_nothing)
{
        static const char *const lines[] = {
                "[Limits]\nMaxJobs=0\n",
                "[Limits]\nMaxJobs=1000001\n",
                "[Limits]\nMaxJobs=-1\n",
                "[Limits]\nMaxJobs=many\n",
                "[Limits]\nMaxJobs=10 jobs\n",
                "[Limits]\nMaxJobs=1e3\n",
                "[Limits]\nMaxJobs=\n",
                "[Limits]\nMaxJobs=99999999999999999999999\n",
                "[Limits]\nMaxActiveJobs=251\n",
                "[Limits]\nDiskReserve=\n",
                "[Limits]\nDiskReserve=M\n",
                "[Limits]\nDiskReserve=1MB\n",
                "[Limits]\nDiskReserve=1m\n",
                "[Limits]\nDiskReserve=1 M\n",
                "[Limits]\nDiskReserve=1.5G\n",
                "[Limits]\nDiskReserve=-1\n",
                "[Limits]\nDiskReserve=5%\n",
                "[Limits]\nDiskReserve=1025T\n",
                "[Limits]\nDiskReserve=1125899906842625\n",
                "[Limits]\nDiskReserve=18014398509481985K\n",
                "[Limits]\nMaxFilesPerJob=100001\n",
                "[Service]\nMinimumRetryDelaySec=0\n",
                "[Service]\nMaximumRetryDelaySec=86401\n",
                "[Service]\nLogLevel=loud\n",
                "[Service]\nLogLevel=7\n",
                "[Proxy]\nProxy=socks5://host:1080\n",
                "[Proxy]\nProxy=good:80 alice:secret@bad:80\n",
                "[Proxy]\nProxyBypass=good aaa.*\n",
                "[Proxy]\nProxyBypass=host:80\n",
        };

        for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
                load_text(lines[i]);
                check_warned("ignoring");
                check_defaults();
        }
}
END_TEST

START_TEST(a_warning_shows_no_password_of_a_proxy)
{
        load_text("[Proxy]\nProxy=http://alice:hunter2@proxy:80\n");
        check_warned("Proxy");
        ck_assert_ptr_null(strstr(warnings, "hunter2"));
}
END_TEST

START_TEST(a_line_that_is_none_is_named_and_the_rest_read)
{
        load_text("[Limits]\nthis is no line\nMaxJobs=9\n");
        check_warned("dosvcd.conf:2: the line is neither");
        ck_assert_uint_eq(config.max_jobs, 9);
}
END_TEST

/* libinih reads lines of up to 200 bytes; one that is cut would name another host. */
START_TEST(a_line_that_is_too_long_is_named)
{
        char text[4200];
        int length = snprintf(text, sizeof(text), "[Proxy]\nProxyBypass=");
        size_t n = 0;

        for (; n < 150; n++)
                length += snprintf(text + length, 32, "host.example.org.a.b.c. ");
        (void) snprintf(text + length, 32, "\n[Limits]\nMaxJobs=9\n");
        load_text(text);
        check_warned("dosvcd.conf:2: the line is longer");
        ck_assert_uint_eq(strings_count(config.proxy_bypass), 0);
        ck_assert_uint_eq(config.max_jobs, 9);
}
END_TEST

START_TEST(the_longest_delay_is_not_below_the_shortest)
{
        load_text("[Service]\nMinimumRetryDelaySec=100\nMaximumRetryDelaySec=50\n");
        check_warned("MaximumRetryDelaySec");
        ck_assert_uint_eq(config.job_defaults.minimum_retry_delay_sec, 100);
        ck_assert_uint_eq(config.max_retry_delay_sec, 100);
}
END_TEST

/* Returns what config_reload() says has changed, or why it refuses; static. */
static const char *reload(const char *text)
{
        static char said[1024];
        _cleanup_free_ char *changes = NULL, *problem = NULL;
        int r;

        temp_dir_write(path, text);
        r = config_reload(&config, path, &changes, &problem);
        if (r < 0) {
                ck_assert_int_eq(r, -EINVAL);
                ck_assert_ptr_null(changes);
                (void) snprintf(said, sizeof(said), "! %s", problem + strlen(dir) + 1);
        } else {
                ck_assert_ptr_null(problem);
                (void) snprintf(said, sizeof(said), "%s", changes);
        }
        return said;
}

START_TEST(a_reload_names_what_has_changed)
{
        load_text("[Limits]\nMaxJobs=9\n[Proxy]\nProxy=one:1\nProxyBypass=a b\n");
        ck_assert_str_eq(reload("[Proxy]\nProxyBypass=a\nProxyBypass=b\nProxy=one:1\n"
                                "[Limits]\nMaxJobs=9\n"),
                         "");
        ck_assert_str_eq(
                reload("[Limits]\nMaxActiveJobs=7\nDiskReserve=1G\n[Proxy]\nProxy=one:1 two:2\n"
                       "[Service]\nMinimumRetryDelaySec=7\n"),
                "MaxJobs=, MaxActiveJobs=, "
                "DiskReserve= (for downloads that start from now on), "
                "Proxy=, ProxyBypass=, MinimumRetryDelaySec= (for new jobs)");
        ck_assert_uint_eq(config.max_jobs, 100000);
        ck_assert_uint_eq(config.max_active_jobs, 7);
        ck_assert_uint_eq(strings_count(config.proxies), 2);
        ck_assert_uint_eq(config.job_defaults.minimum_retry_delay_sec, 7);
}
END_TEST

/* An unknown key may be one of a later version. */
START_TEST(a_reload_takes_all_of_the_configuration_or_nothing)
{
        static const struct {
                const char *text, *said;
        } cases[] = {
                { "[Limits]\nMaxJobs=8\nMaxJobsPerUser=0\nMaxActiveJobs=0\n",
                  "! dosvcd.conf:3: [Limits] MaxJobsPerUser=0 must be a whole number within its "
                  "range" },
                { "[Limits]\nMaxJobs=8\nno line\n",
                  "! dosvcd.conf:3: the line is neither [section] nor key=value" },
                { "[Limits]\nMaxJobs=8\n[Proxy]\nProxy=http://alice:hunter2@proxy:80\n",
                  "! dosvcd.conf:4: [Proxy] Proxy must not hold user info (use SetCredentials with "
                  "target proxy)" },
                { "[Service]\nMinimumRetryDelaySec=9\nMaximumRetryDelaySec=8\n",
                  "! dosvcd.conf: MaximumRetryDelaySec=8 is below MinimumRetryDelaySec=9" },
                { "[Limits]\nMaxJobs=9\nMaxFoo=1\n", "" },
        };

        load_text("[Limits]\nMaxJobs=9\n");
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                ck_assert_str_eq(reload(cases[i].text), cases[i].said);
                ck_assert_uint_eq(config.max_jobs, 9);
                ck_assert_uint_eq(config.max_retry_delay_sec, 3600);
        }
        drop_in("a.conf", "[Limits]\n\nMaxJobs=x\n");
        ck_assert_str_eq(reload("[Limits]\nMaxJobs=8\n"),
                         "! dosvcd.conf.d/a.conf:3: [Limits] MaxJobs=x must be a whole number "
                         "within its range");
        ck_assert_uint_eq(config.max_jobs, 9);
}
END_TEST

START_TEST(a_file_that_cannot_be_read_is_named)
{
        drop_in("a.conf", "[Limits]\nMaxJobs=7\n");
        ck_assert_int_eq(mkdir(path, 0755), 0); /* root can read every file but this */
        load();
        check_warned("dosvcd.conf");
        ck_assert_uint_eq(config.max_jobs, 7);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("config");
        TCase *files = tcase_create("files");
        TCase *values = tcase_create("values");
        TCase *reloads = tcase_create("reloads");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(files, setup, teardown);
        tcase_add_test(files, a_missing_file_means_the_defaults);
        tcase_add_test(files, every_key_is_read);
        tcase_add_test(files, bytes_may_have_a_unit);
        tcase_add_test(files, drop_ins_follow_in_the_order_of_their_names);
        tcase_add_test(files, drop_ins_need_no_main_file);
        tcase_add_test(files, a_list_replaces_the_one_before);
        tcase_add_test(files, lines_of_one_file_add_up);
        tcase_add_test(files, a_file_that_cannot_be_read_is_named);
        suite_add_tcase(suite, files);
        tcase_add_checked_fixture(values, setup, teardown);
        tcase_add_test(values, an_unknown_key_is_named);
        tcase_add_test(values, a_bad_value_changes_nothing);
        tcase_add_test(values, a_warning_shows_no_password_of_a_proxy);
        tcase_add_test(values, a_line_that_is_none_is_named_and_the_rest_read);
        tcase_add_test(values, a_line_that_is_too_long_is_named);
        tcase_add_test(values, the_longest_delay_is_not_below_the_shortest);
        suite_add_tcase(suite, values);
        tcase_add_checked_fixture(reloads, setup, teardown);
        tcase_add_test(reloads, a_reload_names_what_has_changed);
        tcase_add_test(reloads, a_reload_takes_all_of_the_configuration_or_nothing);
        suite_add_tcase(suite, reloads);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
