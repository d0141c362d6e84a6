#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

/* What is written to stderr; static. */
static const char *written(const char *text)
{
        static char line[4096];
        int pipe_fds[2], before = dup(STDERR_FILENO);
        ssize_t n;

        ck_assert_int_eq(pipe(pipe_fds), 0);
        ck_assert_int_ge(dup2(pipe_fds[1], STDERR_FILENO), 0);
        log_write(LOG_NOTICE, NULL, "%s", text);
        ck_assert_int_ge(dup2(before, STDERR_FILENO), 0);
        n = read(pipe_fds[0], line, sizeof(line) - 1);
        ck_assert_int_gt(n, 0);
        line[n] = '\0';
        (void) close(pipe_fds[0]);
        (void) close(pipe_fds[1]);
        (void) close(before);
        return line;
}

START_TEST(a_text_makes_no_second_entry)
{
        ck_assert_str_eq(written("first\n<3>dosvcd: job 1: second\x1b[2J\x7f"),
                         "<5>dosvcd: first?<3>dosvcd: job 1: second?[2J?\n");
        ck_assert_str_eq(written("gr\303\274n"), "<5>dosvcd: gr\303\274n\n");
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("log");
        TCase *lines = tcase_create("lines");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_test(lines, a_text_makes_no_second_entry);
        suite_add_tcase(suite, lines);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
