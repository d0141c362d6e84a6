#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macro.h"
#include "base/str.h"

#include "manager/service-paths.h"
#include "tests/lib/temp-dir.h"

#define SYSTEM_CONFIG SYSCONFDIR "/dosvc/dosvcd.conf"

static char *dir;

static void setup(void)
{
        dir = temp_dir_new();
}

static void teardown(void)
{
        dir = temp_dir_remove(dir);
}

/* "@" stands for the directory of the test. */
static const struct {
        const char *state, *xdg_state, *xdg_config, *home; /* of the environment */
        bool user;
        const char *state_directory, *config; /* NULL: -ENOENT */
} cases[] = {
        { NULL, NULL, NULL, "@", false, "/var/lib/dosvc", SYSTEM_CONFIG },
        { "@s", "@x", "@y", "@h", false, "@s", SYSTEM_CONFIG },
        { "@s:@t", NULL, NULL, NULL, false, "@s", SYSTEM_CONFIG },
        { NULL, NULL, NULL, "@h", true, "@h/.local/state/dosvc", "@h/.config/dosvc/dosvcd.conf" },
        { NULL, "@x", "@y", "@h", true, "@x/dosvc", "@y/dosvc/dosvcd.conf" },
        { NULL, "x", "y", "@h", true, "@h/.local/state/dosvc", "@h/.config/dosvc/dosvcd.conf" },
        { "@s", NULL, "@y", NULL, true, "@s", "@y/dosvc/dosvcd.conf" },
        { NULL, NULL, NULL, NULL, true, NULL, NULL },
        { NULL, NULL, NULL, "h", true, NULL, NULL },
};

static char *expand(const char *s)
{
        char *text = strdup(s), *at;

        while ((at = strchr(text, '@'))) {
                char *longer = NULL;

                ck_assert_int_eq(
                        str_format(&longer, "%.*s%s/%s", (int) (at - text), text, dir, at + 1),
                        0);
                free(text);
                text = longer;
        }
        return text;
}

static void set(const char *name, const char *value)
{
        _cleanup_free_ char *expanded = value ? expand(value) : NULL;

        ck_assert_int_eq(value ? setenv(name, expanded, 1) : unsetenv(name), 0);
}

static void assert_path(const char *path, const char *expected)
{
        _cleanup_free_ char *expanded = expand(expected);

        ck_assert_str_eq(path, expanded);
}

START_TEST(files_are_where_the_environment_says)
{
        ServicePaths paths = { 0 };
        int r;

        set("STATE_DIRECTORY", cases[_i].state);
        set("XDG_STATE_HOME", cases[_i].xdg_state);
        set("XDG_CONFIG_HOME", cases[_i].xdg_config);
        set("HOME", cases[_i].home);
        r = service_paths_find(&paths, cases[_i].user);
        ck_assert_int_eq(r, cases[_i].state_directory ? 0 : -ENOENT);
        if (r == 0) {
                assert_path(paths.state_directory, cases[_i].state_directory);
                assert_path(paths.config, cases[_i].config);
        }
        service_paths_done(&paths);
}
END_TEST

START_TEST(what_was_given_stays)
{
        ServicePaths paths = { .state_directory = strdup("/given"), .config = strdup("/file") };

        set("STATE_DIRECTORY", "/s");
        ck_assert_int_eq(service_paths_find(&paths, false), 0);
        ck_assert_str_eq(paths.state_directory, "/given");
        ck_assert_str_eq(paths.config, "/file");
        service_paths_done(&paths);
        ck_assert_ptr_null(paths.state_directory);
}
END_TEST

START_TEST(a_users_state_directory_is_made_with_what_is_above_it)
{
        ServicePaths paths = { .state_directory = temp_dir_path(dir, "a/b/c"),
                               .config = strdup("/file") };
        struct stat st;
        int fd;

        ck_assert_int_eq(service_paths_find(&paths, true), 0);
        fd = service_paths_open_state(&paths);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(fstat(fd, &st), 0);
        ck_assert_uint_eq(st.st_mode & 07777, 0700);
        (void) close(fd);
        /* It may be there already. */
        fd = service_paths_open_state(&paths);
        ck_assert_int_ge(fd, 0);
        (void) close(fd);
        service_paths_done(&paths);
}
END_TEST

START_TEST(a_state_directory_that_cannot_be_made_is_an_error)
{
        ServicePaths paths = { .state_directory = temp_dir_path(dir, "missing/state") };

        ck_assert_int_eq(service_paths_open_state(&paths), -ENOENT);
        service_paths_done(&paths);
}
END_TEST

START_TEST(programs_are_beside_this_one)
{
        _cleanup_close_ int programs = service_paths_open_programs();

        ck_assert_int_ge(programs, 0);
        ck_assert_int_eq(faccessat(programs, "test-service-paths", X_OK, 0), 0);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("service-paths");
        TCase *tcase = tcase_create("paths");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, what_was_given_stays);
        tcase_add_test(tcase, a_users_state_directory_is_made_with_what_is_above_it);
        tcase_add_test(tcase, a_state_directory_that_cannot_be_made_is_an_error);
        tcase_add_test(tcase, programs_are_beside_this_one);
        tcase_add_loop_test(tcase, files_are_where_the_environment_says, 0, ARRAY_SIZE(cases));
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
