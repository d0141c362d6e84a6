#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/macro.h"
#include "base/str.h"

#include "manager/options.h"

static const struct {
        const char *arguments[5];
        int result;
        bool user;
        const char *state_directory, *config;
} cases[] = {
        { { NULL }, 1, false, NULL, NULL },
        { { "--user" }, 1, true, NULL, NULL },
        { { "--state-directory=/s", "--config", "/c", "--user" }, 1, true, "/s", "/c" },
        { { "--config=/a", "--config=/b" }, 1, false, NULL, "/b" },
        { { "--version" }, 0, false, NULL, NULL },
        { { "--user", "--help", "--nonesuch" }, 0, true, NULL, NULL },
        { { "--nonesuch" }, -EINVAL, false, NULL, NULL },
        { { "--config" }, -EINVAL, false, NULL, NULL },
        { { "--user=yes" }, -EINVAL, false, NULL, NULL },
        { { "--user", "more" }, -EINVAL, true, NULL, NULL },
};

START_TEST(arguments_become_options)
{
        char *argv[ARRAY_SIZE(cases[0].arguments) + 2] = { strdup("dosvcd") };
        Options options = { 0 };
        int argc = 1, null = open("/dev/null", O_WRONLY | O_CLOEXEC);

        for (const char *const *s = cases[_i].arguments; *s; s++)
                argv[argc++] = strdup(*s);
        (void) dup2(null, STDOUT_FILENO);
        (void) dup2(null, STDERR_FILENO);
        ck_assert_int_eq(options_parse(&options, argc, argv), cases[_i].result);
        ck_assert(options.user == cases[_i].user);
        ck_assert(str_equal(options.paths.state_directory, cases[_i].state_directory));
        ck_assert(str_equal(options.paths.config, cases[_i].config));
        options_done(&options);
        while (argc > 0)
                free(argv[--argc]);
        (void) close(null);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("options");
        TCase *tcase = tcase_create("options");
        SRunner *runner;
        int failed;

        tcase_add_loop_test(tcase, arguments_become_options, 0, ARRAY_SIZE(cases));
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
