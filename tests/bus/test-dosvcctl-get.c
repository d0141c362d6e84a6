/*
 * dosvcctl get as hands that know wget and curl use it: interrupted and called again, several files
 * at once, files that are not there, names that are taken.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/macro.h"

#include "tests/lib/client-fixture.h"
#include "tests/lib/dosvcctl-fixture.h"
#include "tests/lib/file-hash.h"
#include "tests/lib/process.h"
#include "tests/lib/service-fixture.h"
#include "tests/lib/users.h"

/* At SITE_SLOW's pace long enough to be interrupted. */
#define LONG_MIB 20U

/*
 * Runs a command of alice's in an empty directory, in which $open, $other, $gone, $basic and $slow
 * begin the URLs of these sites.
 */
static int try(const char *command)
{
        static const struct {
                const char *name;
                Site site;
        } sites[] = {
                { "open", SITE_OPEN },   { "other", SITE_OTHER_OPEN }, { "gone", SITE_GONE },
                { "basic", SITE_BASIC }, { "slow", SITE_SLOW },
        };
        char *script = strdup("mkdir -p get && cd get || exit; "), *more;
        int status;

        for (size_t i = 0; i < ARRAY_SIZE(sites); i++) {
                _cleanup_free_ char *url = servers_url(sites[i].site, "");

                ck_assert_int_gt(asprintf(&more, "%s%s=%s; ", script, sites[i].name, url), 0);
                free(script);
                script = more;
        }
        ck_assert_int_gt(asprintf(&more, "%s%s", script, command), 0);
        free(script);
        status = run(more);
        free(more);
        return status;
}

#define assert_try(command, expected)                                                              \
        do {                                                                                       \
                int assert_status_ = try(command);                                                 \
                ck_assert_msg(assert_status_ == (expected),                                        \
                              "'%s' gave %d: %s",                                                  \
                              command,                                                             \
                              assert_status_,                                                      \
                              output);                                                             \
        } while (0)

#define assert_not_said(text) ck_assert_msg(!strstr(output, text), "'%s' is in: %s", text, output)

static char *fetched(const char *name)
{
        _cleanup_free_ char *path = NULL;

        ck_assert_int_gt(asprintf(&path, "get/%s", name), 0);
        return fixture_alice_file(path);
}

static bool is_there(const char *name)
{
        _cleanup_free_ char *path = fetched(name);

        return access(path, F_OK) == 0;
}

static void assert_fetched(const char *name, const char *served)
{
        _cleanup_free_ char *path = fetched(name), *original = servers_file(served);

        file_hash_assert_same(path, original);
}

/* Jobs beside the one of the fixture. */
static size_t count_left(void)
{
        return count_jobs(alice, 0, NULL) - 1;
}

static void start(void)
{
        client_start();
        ck_assert_int_eq(run("rm -rf get"), 0);
}

/* ---- again ----------------------------------------------------------------------------------- */

START_TEST(the_same_get_again_goes_on_with_the_job)
{
        servers_add_file("long", LONG_MIB * 1024 * 1024);
        assert_try("echo " SERVERS_PASSWORD " >password; \"$program\" get --login=" SERVERS_USER
                   " --password-fd=3 ${slow}long 3<password & sleep 1.5; kill $!; wait $!",
                   7);
        assert_said("goes on in the background");
        ck_assert_uint_eq(count_left(), 1);
        assert_try("dosvcctl get ${slow}long", 0);
        assert_said("goes on with the job that is there already");
        assert_fetched("long", "long");
        ck_assert_uint_eq(count_left(), 0);
}
END_TEST

START_TEST(an_interrupted_get_puts_its_file_in_place)
{
        servers_add_file("long", LONG_MIB * 1024 * 1024);
        assert_try("echo " SERVERS_PASSWORD " >password; \"$program\" get --login=" SERVERS_USER
                   " --password-fd=3 ${slow}long 3<password & sleep 1; kill $!; wait $!",
                   7);
        assert_said("puts its files in place by itself");
        ck_assert(PROCESS_WAIT_UNTIL(20000, is_there("long")));
        assert_fetched("long", "long");
        ck_assert(PROCESS_WAIT_UNTIL(5000, count_left() == 0));
}
END_TEST

START_TEST(get_can_leave_the_end_to_complete)
{
        assert_try("dosvcctl get --no-complete ${open}small", 0);
        assert_said("dosvcctl complete ");
        ck_assert(!is_there("small"));
        ck_assert_uint_eq(count_left(), 1);
        assert_try("dosvcctl complete small", 0);
        assert_fetched("small", "small");
}
END_TEST

START_TEST(complete_gives_up_unfinished_files_only_if_told_to)
{
        assert_try("dosvcctl add $job ${gone}a b; dosvcctl complete $job", 13);
        assert_said("complete --partial");
        assert_try("dosvcctl complete --partial $job", 0);
}
END_TEST

START_TEST(files_get_the_mode_of_the_callers_umask)
{
        assert_try("umask 077; dosvcctl get ${open}small; stat -c %a small", 0);
        assert_said("600\n");
        assert_try("umask 002; dosvcctl get -o other ${open}small; stat -c %a other", 0);
        assert_said("664\n");
        assert_try("job=$(dosvcctl create); dosvcctl set $job umask=027 auto-complete=yes;"
                   " dosvcctl show -p UMask -p AutoComplete --value $job; dosvcctl cancel $job",
                   0);
        ck_assert_str_eq(output, "yes\n027\n");
}
END_TEST

START_TEST(another_name_is_another_job)
{
        assert_try("dosvcctl get --keep ${gone}small", 11);
        assert_try("dosvcctl get -o other ${open}small", 0);
        assert_not_said("already");
        ck_assert_uint_eq(count_left(), 1);
}
END_TEST

/* ---- several files --------------------------------------------------------------------------- */

START_TEST(files_of_the_same_name_are_numbered)
{
        assert_try("dosvcctl get ${open}small ${other}medium?small ${other}small", 0);
        assert_said("get/small.1\n");
        assert_fetched("small", "small");
        assert_fetched("small.1", "small");
        assert_fetched("medium", "medium");
}
END_TEST

START_TEST(what_is_whole_is_put_in_place_beside_a_failure)
{
        assert_try("dosvcctl get ${open}small ${gone}a ${open}medium ${gone}b", 11);
        assert_said("/gone/a: ");
        assert_said("/gone/b: ");
        assert_fetched("small", "small");
        assert_fetched("medium", "medium");
        ck_assert_uint_eq(count_left(), 0);
}
END_TEST

START_TEST(all_or_nothing_stops_at_a_failure)
{
        assert_try("dosvcctl get --all-or-nothing ${gone}a ${open}small", 11);
        ck_assert(!is_there("small"));
}
END_TEST

START_TEST(a_list_of_urls_is_read)
{
        assert_try("printf '# comment\\n%s\\n\\n%s other\\n' ${open}small ${open}empty |"
                   " dosvcctl get -i -",
                   0);
        assert_fetched("small", "small");
        assert_fetched("other", "empty");
        assert_try("dosvcctl get -i nowhere", 1);
        assert_said("nowhere");
        assert_try("dosvcctl get", 2);
}
END_TEST

/* ---- failures -------------------------------------------------------------------------------- */

START_TEST(a_job_that_fetched_nothing_goes_with_its_message)
{
        assert_try("dosvcctl get ${gone}small", 11);
        assert_said("404");
        assert_said("--keep");
        assert_not_said("edit-url");
        assert_try("dosvcctl get ${basic}small", 8);
        assert_said("--login=NAME");
        ck_assert_uint_eq(count_left(), 0);
        assert_try("dosvcctl get --keep ${gone}small", 11);
        assert_said("edit-url");
        ck_assert_uint_eq(count_left(), 1);
        assert_try("dosvcctl cancel --state=error", 0);
        ck_assert_uint_eq(count_left(), 0);
}
END_TEST

START_TEST(a_host_that_is_not_there_fails_at_once)
{
        uint64_t before = process_now_msec();

        assert_try("dosvcctl get http://127.0.0.1:1/x", 12);
        assert_try("dosvcctl get http://host.invalid/x", 12);
        assert_try("dosvcctl get host.invalid/x", 12);
        assert_try("dosvcctl get hptt://127.0.0.1/x", 2);
        ck_assert_uint_lt(process_now_msec() - before, 10000);
        ck_assert_uint_eq(count_left(), 0);
        assert_try("dosvcctl get --retry --timeout=2s http://127.0.0.1:1/x", 6);
        ck_assert_uint_eq(count_left(), 1);
}
END_TEST

START_TEST(a_failure_is_json_too)
{
        assert_try("dosvcctl --json=short get ${open}small ${gone}a 2>/dev/null", 11);
        assert_said("\"exit_code\":11");
        assert_said("get/small\"]");
        assert_said("/gone/a\"");
        ck_assert_int_eq(output[0], '{');
}
END_TEST

/* ---- names ----------------------------------------------------------------------------------- */

START_TEST(names_are_decoded)
{
        assert_try("dosvcctl get ${open}sm%61ll", 0);
        assert_fetched("small", "small");
        assert_try("dosvcctl get --dry-run ${open}a%20b%2fc%0a", 0);
        assert_said("/get/a b%2fc%0a\n");
        assert_try("dosvcctl get --dry-run ${open}%2e%2e", 0);
        assert_said("/get/%2e%2e\n");
        assert_try("dosvcctl get --dry-run ${open}%ff", 0);
        assert_said("/get/%ff\n");
}
END_TEST

START_TEST(a_file_that_is_there_is_treated_as_wanted)
{
        assert_try("echo old >small; dosvcctl get --no-clobber ${open}small", 1);
        assert_said("is there already");
        assert_try("dosvcctl get --exists=number ${open}small; cat small", 0);
        assert_said("old\n");
        assert_fetched("small.1", "small");
        assert_try("dosvcctl get ${open}small", 0);
        assert_fetched("small", "small");
        assert_try("dosvcctl get --exists=maybe ${open}small", 2);
}
END_TEST

START_TEST(a_dry_run_makes_no_job)
{
        assert_try("dosvcctl get -n ${open}small", 2);
        assert_try("dosvcctl get --dry-run -P /tmp ${open}small ${open}medium", 0);
        assert_said("/open/small\t/tmp/small\n");
        assert_said("/open/medium\t/tmp/medium\n");
        ck_assert_uint_eq(count_left(), 0);
        ck_assert(!is_there("small"));
}
END_TEST

START_TEST(options_of_wget_and_curl_are_understood)
{
        assert_try("dosvcctl get -c -O renamed -H 'X-Test: 1' -U agent/1 ${open}small", 0);
        assert_fetched("renamed", "small");
        assert_try("job=$(dosvcctl create -H 'X-Test: 1' -U agent/1); dosvcctl header show $job;"
                   " dosvcctl cancel $job",
                   0);
        ck_assert_str_eq(output, "X-Test: 1\nUser-Agent: agent/1\n");
}
END_TEST

START_TEST(a_path_in_the_place_of_a_url_is_told_how_files_are_named)
{
        assert_try("dosvcctl get ${open}small /tmp/small", 2);
        ck_assert_ptr_nonnull(strstr(output, "'/tmp/small' is not a URL"));
        ck_assert_ptr_nonnull(strstr(output, "-o FILE"));
        assert_try("dosvcctl get ${open}small ./small", 2);
        assert_try("dosvcctl get ''", 2);
        ck_assert_uint_eq(count_left(), 0);
}
END_TEST

/* ---- the environment ------------------------------------------------------------------------- */

START_TEST(the_proxy_of_the_environment_is_used)
{
        _cleanup_free_ char *proxy = servers_proxy(SERVERS_PROXY_BASIC), *command = NULL;
        const char *authority = strstr(proxy, "://") + 3;

        ck_assert_int_gt(asprintf(&command,
                                  "export http_proxy=http://" SERVERS_USER ":" SERVERS_PASSWORD
                                  "@%s/; dosvcctl get ${open}small",
                                  authority),
                         0);
        assert_try(command, 0);
        assert_said("proxy of the environment");
        assert_not_said(SERVERS_PASSWORD);
        assert_fetched("small", "small");
        ck_assert_ptr_nonnull(
                strstr(servers_proxy_requests(SERVERS_PROXY_BASIC, 2), "/open/small"));
}
END_TEST

START_TEST(a_host_of_no_proxy_is_reached_directly)
{
        assert_try("export http_proxy=http://127.0.0.1:1 no_proxy=localhost,127.0.0.1;"
                   " dosvcctl get ${open}small",
                   0);
        assert_try("export http_proxy=http://127.0.0.1:1 no_proxy='*'; dosvcctl get ${open}medium",
                   0);
        assert_try("export http_proxy=http://127.0.0.1:1; dosvcctl get --proxy=none ${open}empty",
                   0);
        assert_try("export http_proxy=http://127.0.0.1:1; dosvcctl get ${open}small", 12);
        assert_try("export HTTP_PROXY=http://127.0.0.1:1; dosvcctl get ${open}small", 0);
}
END_TEST

/* ---- what is shown --------------------------------------------------------------------------- */

START_TEST(without_a_terminal_progress_is_lines)
{
        servers_add_file("long", LONG_MIB * 1024 * 1024);
        assert_try("job=$(printf " SERVERS_PASSWORD
                   " | dosvcctl get --no-wait --login=" SERVERS_USER
                   " --password-fd=0 ${slow}long); dosvcctl attach $job",
                   0);
        assert_said("long: ");
        assert_said("% ");
        ck_assert_ptr_null(strchr(output, '\r'));
        ck_assert_ptr_null(strchr(output, '\033'));
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("dosvcctl-get");
        TCase *tcase = tcase_create("get");
        const TTest *const tests[] = {
                the_same_get_again_goes_on_with_the_job,
                an_interrupted_get_puts_its_file_in_place,
                get_can_leave_the_end_to_complete,
                complete_gives_up_unfinished_files_only_if_told_to,
                files_get_the_mode_of_the_callers_umask,
                another_name_is_another_job,
                files_of_the_same_name_are_numbered,
                what_is_whole_is_put_in_place_beside_a_failure,
                all_or_nothing_stops_at_a_failure,
                a_list_of_urls_is_read,
                a_job_that_fetched_nothing_goes_with_its_message,
                a_host_that_is_not_there_fails_at_once,
                a_failure_is_json_too,
                names_are_decoded,
                a_file_that_is_there_is_treated_as_wanted,
                a_dry_run_makes_no_job,
                options_of_wget_and_curl_are_understood,
                a_path_in_the_place_of_a_url_is_told_how_files_are_named,
                the_proxy_of_the_environment_is_used,
                a_host_of_no_proxy_is_reached_directly,
                without_a_terminal_progress_is_lines,
        };

        suite_add_tcase(suite, tcase);
        tcase_set_timeout(tcase, 60);
        tcase_add_checked_fixture(tcase, start, client_stop);
        for (size_t i = 0; i < ARRAY_SIZE(tests); i++)
                tcase_add_test(tcase, tests[i]);
        return fixture_play(suite, SERVERS_NGINX | SERVERS_SQUID);
}
