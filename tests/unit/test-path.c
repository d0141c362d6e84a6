#include <check.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"

#include "model/limits.h"
#include "model/path.h"
#include "tests/lib/repeat.h"

START_TEST(a_local_name_is_the_absolute_path_of_a_file)
{
        _cleanup_free_ char *part = repeat("/", "a", LIMIT_FILE_NAME, "");
        _cleanup_free_ char *long_part = repeat("/", "a", LIMIT_FILE_NAME + 1, "");
        _cleanup_free_ char *middle = repeat("/", "a", LIMIT_FILE_NAME + 1, "/b");
        _cleanup_free_ char *path = repeat("", "/a", (LIMIT_LOCAL_NAME - 1) / 2, "b");
        _cleanup_free_ char *long_path = repeat("", "/a", (LIMIT_LOCAL_NAME + 1) / 2, "");
        const struct {
                const char *name;
                bool legal;
        } cases[] = {
                { "/f", true },
                { "/home/alice/file.iso", true },
                { "/dir/with space/\xc3\xa4", true },
                { "/dir/..file", true },
                { "/dir/file..", true },
                { "/dir/...", true },
                { "/.hidden/.f", true },
                { "/a\\b:c*?", true },
                { part, true },
                { path, true },
                { "", false },
                { "file", false },
                { "./file", false },
                { "~/file", false },
                { "file:///dir/file", false },
                { "/", false },
                { "//", false },
                { "/dir/", false },
                { "//dir/file", false },
                { "/dir//file", false },
                { "/.", false },
                { "/..", false },
                { "/./file", false },
                { "/dir/../file", false },
                { "/dir/..", false },
                { "/dir/.", false },
                { "/dir/fi\nle", false },
                { "/dir/\x1b[2J", false },
                { "/dir/\x7f", false },
                { "/dir/\xff", false },
                { "/dir/\xc0\xaf", false },
                { long_part, false },
                { middle, false },
                { long_path, false },
        };

        ck_assert_uint_eq(strlen(path), LIMIT_LOCAL_NAME);
        ck_assert_uint_eq(strlen(long_path), LIMIT_LOCAL_NAME + 1);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const char *reason = NULL;
                int r = path_check_local_name(cases[i].name, &reason);

                ck_assert_msg(r == (cases[i].legal ? 0 : -EINVAL), "%s: %d", cases[i].name, r);
                ck_assert_msg((reason != NULL) == (r < 0), "%s", cases[i].name);
        }
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("path");
        TCase *path = tcase_create("path");
        SRunner *runner;
        int failed;

        tcase_add_test(path, a_local_name_is_the_absolute_path_of_a_file);
        suite_add_tcase(suite, path);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
