#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

/* Returns what is written to stderr; static. */
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

/* The same less level, program and line end; static. */
static const char *shown(const char *text)
{
        static char message[4096];
        const char *line = written(text);

        ck_assert_ptr_nonnull(strstr(line, "<5>dosvcd: "));
        (void) snprintf(message, sizeof(message), "%s", line + strlen("<5>dosvcd: "));
        message[strlen(message) - 1] = '\0';
        return message;
}

START_TEST(a_text_makes_no_second_entry)
{
        ck_assert_str_eq(written("first\n<3>dosvcd: job 1: second\x1b[2J\x7f"),
                         "<5>dosvcd: first?<3>dosvcd: job 1: second?[2J?\n");
        ck_assert_str_eq(written("gr\303\274n"), "<5>dosvcd: gr\303\274n\n");
}
END_TEST

/* journalctl(1) shows an entry with bytes or controls like these as "[blob data]". */
START_TEST(no_text_hides_its_entry_or_reverses_it)
{
        static const struct {
                const char *text, *shown;
        } cases[] = {
                { "a\302\205b", "a?b" },                    /* NEL, a C1 control */
                { "a\342\200\256b\342\201\247c", "a?b?c" }, /* RLO, RLI */
                { "a\342\200\250b", "a?b" },                /* line separator */
                { "a\377b\200c", "a?b?c" },
                { "a\300\257b", "a??b" },           /* overlong */
                { "a\355\240\200b", "a???b" },      /* surrogate */
                { "a\364\220\200\200b", "a????b" }, /* above U+10FFFF */
                { "a\370\210\200\200\200b", "a?????b" },
                { "a\342\202", "a??" }, /* cut off */
                { "\302\240\342\202\254\360\237\230\200", "\302\240\342\202\254\360\237\230\200" },
        };
        char text[4096];

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                ck_assert_str_eq(shown(cases[i].text), cases[i].shown);

        /* The room of a message ends in the middle of a character. */
        text[0] = 'a';
        for (size_t i = 1; i + 3 < sizeof(text); i += 3)
                memcpy(text + i, "\342\202\254", 4);
        ck_assert_uint_gt(strlen(shown(text)), 2000);
        ck_assert_ptr_null(strstr(shown(text), "\342\202?\342"));
        ck_assert_int_eq(shown(text)[strlen(shown(text)) - 1], '?');
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("log");
        TCase *lines = tcase_create("lines");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_test(lines, a_text_makes_no_second_entry);
        tcase_add_test(lines, no_text_hides_its_entry_or_reverses_it);
        suite_add_tcase(suite, lines);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
