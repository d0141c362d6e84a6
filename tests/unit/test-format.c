#include <check.h>
#include <dosvc.h>
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl/format.h"
#include "ctl/table.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define KIB 1024ULL

START_TEST(sizes_have_one_decimal_and_units_of_1024)
{
        static const struct {
                uint64_t bytes;
                const char *text;
        } cases[] = {
                { 0, "0B" },
                { 1, "1B" },
                { 1023, "1023B" },
                { KIB, "1.0K" },
                { 1536, "1.5K" },
                { KIB * KIB - 1, "1023.9K" },
                { KIB * KIB, "1.0M" },
                { 5 * KIB * KIB * KIB, "5.0G" },
                { KIB * KIB * KIB * KIB, "1.0T" },
                { UINT64_MAX - 1, "15.9E" },
                { DOSVC_UNKNOWN_SIZE, "-" },
        };
        char buffer[FORMAT_SIZE];

        for (size_t i = 0; i < COUNT(cases); i++)
                ck_assert_str_eq(format_size(buffer, cases[i].bytes), cases[i].text);
}
END_TEST

START_TEST(rates_are_sizes_a_second)
{
        char buffer[FORMAT_SIZE];

        ck_assert_str_eq(format_rate(buffer, 0), "0B/s");
        ck_assert_str_eq(format_rate(buffer, 1536), "1.5K/s");
}
END_TEST

START_TEST(spans_have_their_two_largest_units)
{
        static const struct {
                uint64_t seconds;
                const char *text;
        } cases[] = {
                { 0, "0s" },         { 59, "59s" },       { 60, "1min 0s" },  { 123, "2min 3s" },
                { 3600, "1h 0min" }, { 7265, "2h 1min" }, { 86400, "1d 0h" }, { 90061, "1d 1h" },
        };
        char buffer[FORMAT_SIZE];

        for (size_t i = 0; i < COUNT(cases); i++)
                ck_assert_str_eq(format_span(buffer, cases[i].seconds), cases[i].text);
}
END_TEST

START_TEST(a_time_of_zero_never_was)
{
        char buffer[FORMAT_SIZE];

        ck_assert_str_eq(format_time(buffer, 0), "-");
        ck_assert_str_eq(format_time_utc(buffer, 0), "-");
}
END_TEST

START_TEST(times_are_local_for_people_and_utc_for_programs)
{
        char buffer[FORMAT_SIZE];

        (void) setenv("TZ", "EST5", 1);
        tzset();
        ck_assert_str_eq(format_time(buffer, 1700000000000001ULL), "2023-11-14 17:13:20 EST");
        ck_assert_str_eq(format_time_utc(buffer, 1700000000000001ULL),
                         "2023-11-14T22:13:20.000001Z");
}
END_TEST

START_TEST(per_cent_is_rounded_down_and_survives_large_numbers)
{
        static const struct {
                uint64_t done, total;
                const char *text;
        } cases[] = {
                { 0, 0, "100%" },
                { 0, 10, "0%" },
                { 199, 200, "99%" },
                { 200, 200, "100%" },
                { 300, 200, "100%" },
                { UINT64_MAX - 2, UINT64_MAX - 1, "99%" },
                { UINT64_MAX / 2, UINT64_MAX - 1, "50%" },
                { 5, DOSVC_UNKNOWN_SIZE, "-" },
        };
        char buffer[FORMAT_SIZE];

        for (size_t i = 0; i < COUNT(cases); i++)
                ck_assert_str_eq(format_percent(buffer, cases[i].done, cases[i].total),
                                 cases[i].text);
}
END_TEST

START_TEST(the_rest_takes_what_it_takes_at_that_rate)
{
        char buffer[FORMAT_SIZE];

        ck_assert_str_eq(format_eta(buffer, 0, 1000, 10), "1min 40s");
        ck_assert_str_eq(format_eta(buffer, 1000, 1000, 10), "-");
        ck_assert_str_eq(format_eta(buffer, 0, 1000, 0), "-");
        ck_assert_str_eq(format_eta(buffer, 0, DOSVC_UNKNOWN_SIZE, 10), "-");
        ck_assert_str_eq(format_eta(buffer, 0, UINT64_MAX - 1, 1), "-");
}
END_TEST

START_TEST(written_spans_are_understood)
{
        static const struct {
                const char *text;
                uint64_t seconds;
        } cases[] = {
                { "0", 0 },      { "90", 90 },         { "90s", 90 },
                { "5min", 300 }, { "5m", 300 },        { "2h", 7200 },
                { "1d", 86400 }, { "1h 30min", 5400 }, { "1h30min", 5400 },
        };
        uint64_t usec;

        for (size_t i = 0; i < COUNT(cases); i++) {
                ck_assert_int_eq(format_parse_span(cases[i].text, &usec), 0);
                ck_assert_uint_eq(usec, cases[i].seconds * 1000000);
        }
}
END_TEST

START_TEST(other_text_is_no_span)
{
        static const char *const cases[] = { "",
                                             " ",
                                             "x",
                                             "-1",
                                             "5x",
                                             "5 min",
                                             "1h,",
                                             "0x10",
                                             "99999999999999999999",
                                             "18446744073709551615w" };
        uint64_t usec = 7;

        for (size_t i = 0; i < COUNT(cases); i++)
                ck_assert_msg(format_parse_span(cases[i], &usec) == -EINVAL, "'%s'", cases[i]);
        ck_assert_uint_eq(usec, 7);
}
END_TEST

/* ------------------------------------------------------------------- safe text */

static void assert_clean(const char *from, bool utf8, const char *to)
{
        char *clean = format_clean(from, utf8);

        ck_assert_str_eq(clean, to);
        free(clean);
}

START_TEST(control_characters_never_reach_the_terminal)
{
        assert_clean("plain text", true, "plain text");
        assert_clean("\033[2Jgone\r\n\t\177", true, "?[2Jgone????");
        assert_clean("C1 \xc2\x9b"
                     "31m",
                     true,
                     "C1 ?31m");
        assert_clean("turned \xe2\x80\xae", true, "turned ?");
}
END_TEST

START_TEST(what_is_not_utf8_is_replaced_byte_by_byte)
{
        assert_clean("\xff\xfe", true, "??");
        assert_clean("\xc3", true, "?");
        assert_clean("\xc0\xaf", true, "??");
        assert_clean("\xed\xa0\x80", true, "???");
        assert_clean("\xf4\x90\x80\x80", true, "????");
}
END_TEST

START_TEST(a_locale_without_utf8_gets_ascii)
{
        assert_clean("caf\xc3\xa9 \xe2\x82\xac", true, "caf\xc3\xa9 \xe2\x82\xac");
        assert_clean("caf\xc3\xa9 \xe2\x82\xac", false, "caf? ?");
}
END_TEST

/* --------------------------------------------------------------------- progress */

static const Progress half = {
        .label = "image.iso",
        .state = "transferring",
        .done_bytes = 512 * KIB,
        .total_bytes = KIB * KIB,
        .rate_bps = 64 * KIB,
};

static void assert_line(const Progress *progress, size_t width, const char *expected)
{
        char *line = format_progress(progress, width);

        ck_assert_str_eq(line, expected);
        ck_assert_uint_le(format_width(line), width);
        free(line);
}

START_TEST(a_progress_line_has_label_bar_and_figures)
{
        assert_line(&half,
                    80,
                    "image.iso [====================>                   ] "
                    " 50% 512.0K/1.0M 64.0K/s 8s");
}
END_TEST

START_TEST(a_whole_file_fills_the_bar)
{
        Progress whole = half;

        whole.done_bytes = whole.total_bytes;
        whole.state = "transferred";
        assert_line(&whole, 60, "image.iso [=====================] 100% 1.0M/1.0M transferred");
}
END_TEST

START_TEST(without_a_total_there_are_bytes_and_rate)
{
        Progress unknown = half;

        unknown.total_bytes = DOSVC_UNKNOWN_SIZE;
        assert_line(&unknown, 50, "image.iso [>                      ] 512.0K 64.0K/s");
}
END_TEST

START_TEST(a_line_is_never_wider_than_the_terminal)
{
        Progress wide = half;

        wide.label = "a very long name with an umlaut: \xc3\xa4\xc3\xb6\xc3\xbc and more of it";
        for (size_t width = 1; width < 200; width++) {
                char *line = format_progress(&wide, width);

                ck_assert_uint_le(format_width(line), width);
                free(line);
        }
}
END_TEST

/* ------------------------------------------------------------------------ tables */

static char *print_table(Table *table, bool legend)
{
        size_t size;
        char *text;
        FILE *out = open_memstream(&text, &size);

        table_print(table, out, legend);
        (void) fclose(out);
        table_free(table);
        return text;
}

START_TEST(columns_are_as_wide_as_their_widest_cell)
{
        static const char *const headers[] = { "ID", ">SIZE", "NAME", NULL };
        Table *table = table_new(headers);
        char *text;

        ck_assert(table_add(table, (const char *[]){ "1", "12.0K", "caf\xc3\xa9" }));
        ck_assert(table_add(table, (const char *[]){ "1000", "-", "" }));
        text = print_table(table, true);
        ck_assert_str_eq(text,
                         "ID    SIZE NAME\n"
                         "1    12.0K caf\xc3\xa9\n"
                         "1000     - \n");
        free(text);
}
END_TEST

START_TEST(a_table_without_legend_has_rows_only)
{
        static const char *const headers[] = { "LONG HEADER", "NAME", NULL };
        Table *table = table_new(headers);
        char *text;

        ck_assert(table_add(table, (const char *[]){ "1", "a" }));
        text = print_table(table, false);
        ck_assert_str_eq(text, "1 a\n");
        free(text);
}
END_TEST

static const char *paint_red(const char *cell)
{
        return strcmp(cell, "error") == 0 ? "\033[31m" : "";
}

START_TEST(colours_do_not_move_columns)
{
        static const char *const headers[] = { "STATE", "NAME", NULL };
        Table *table = table_new(headers);
        char *text;

        ck_assert(table_add(table, (const char *[]){ "error", "a" }));
        ck_assert(table_add(table, (const char *[]){ "queued", "b" }));
        table_set_color(table, 0, paint_red);
        text = print_table(table, false);
        ck_assert_str_eq(text, "\033[31merror\033[0m  a\nqueued b\n");
        free(text);
}
END_TEST

static Suite *make_suite(void)
{
        Suite *suite = suite_create("format");
        TCase *values = tcase_create("values"), *safe = tcase_create("safe-text");
        TCase *progress = tcase_create("progress"), *tables = tcase_create("tables");

        tcase_add_test(values, sizes_have_one_decimal_and_units_of_1024);
        tcase_add_test(values, rates_are_sizes_a_second);
        tcase_add_test(values, spans_have_their_two_largest_units);
        tcase_add_test(values, a_time_of_zero_never_was);
        tcase_add_test(values, times_are_local_for_people_and_utc_for_programs);
        tcase_add_test(values, per_cent_is_rounded_down_and_survives_large_numbers);
        tcase_add_test(values, the_rest_takes_what_it_takes_at_that_rate);
        tcase_add_test(values, written_spans_are_understood);
        tcase_add_test(values, other_text_is_no_span);
        suite_add_tcase(suite, values);

        tcase_add_test(safe, control_characters_never_reach_the_terminal);
        tcase_add_test(safe, what_is_not_utf8_is_replaced_byte_by_byte);
        tcase_add_test(safe, a_locale_without_utf8_gets_ascii);
        suite_add_tcase(suite, safe);

        tcase_add_test(progress, a_progress_line_has_label_bar_and_figures);
        tcase_add_test(progress, a_whole_file_fills_the_bar);
        tcase_add_test(progress, without_a_total_there_are_bytes_and_rate);
        tcase_add_test(progress, a_line_is_never_wider_than_the_terminal);
        suite_add_tcase(suite, progress);

        tcase_add_test(tables, columns_are_as_wide_as_their_widest_cell);
        tcase_add_test(tables, a_table_without_legend_has_rows_only);
        tcase_add_test(tables, colours_do_not_move_columns);
        suite_add_tcase(suite, tables);
        return suite;
}

int main(void)
{
        SRunner *runner = srunner_create(make_suite());
        int failed;

        (void) setlocale(LC_ALL, "C.UTF-8");
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
