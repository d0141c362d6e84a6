#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

START_TEST(only_decimal_digits_are_a_number)
{
        static const struct {
                const char *text;
                uint64_t max;
                int result;
                uint64_t value;
        } cases[] = {
                { "0", 0, 0, 0 },
                { "7", 7, 0, 7 },
                { "007", 7, 0, 7 },
                { "18446744073709551615", UINT64_MAX, 0, UINT64_MAX },
                { "15", 15, 0, 15 },
                { "16", 15, -ERANGE, 0 },
                { "1", 0, -ERANGE, 0 },
                { "9", 3, -ERANGE, 0 },
                { "18446744073709551616", UINT64_MAX, -ERANGE, 0 },
                { "99999999999999999999", UINT64_MAX, -ERANGE, 0 },
                { "", 9, -EINVAL, 0 },
                { NULL, 9, -EINVAL, 0 },
                { "-1", 9, -EINVAL, 0 },
                { "+1", 9, -EINVAL, 0 },
                { " 1", 9, -EINVAL, 0 },
                { "1 ", 9, -EINVAL, 0 },
                { "0x1", 99, -EINVAL, 0 },
                { "1.5", 99, -EINVAL, 0 },
                { "one", 9, -EINVAL, 0 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                uint64_t value = 4711;
                int r = str_parse_u64(cases[i].text, cases[i].max, &value);

                ck_assert_msg(r == cases[i].result, "%zu: %d", i, r);
                ck_assert_uint_eq(value, r < 0 ? 4711 : cases[i].value);
        }
}
END_TEST

START_TEST(control_characters_are_found_within_the_size)
{
        static const struct {
                const char *text;
                size_t size;
                bool control;
        } cases[] = {
                { "", 0, false },         { "abc ~", 5, false }, { "a\nb", 3, true },
                { "a\nb", 1, false },     { "a\tb", 3, true },   { "a\0b", 3, true },
                { "\x7f", 1, true },      { "\x1f", 1, true },   { " ", 1, false },
                { "\xc3\xa4", 2, false }, { "\xff", 1, false },  { "\xc2\x80", 2, false },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                ck_assert_msg(str_has_control(cases[i].text, cases[i].size) == cases[i].control,
                              "%zu",
                              i);
}
END_TEST

START_TEST(null_is_an_empty_string_but_equals_none)
{
        const char copy[] = "same";

        ck_assert(str_is_empty(NULL));
        ck_assert(str_is_empty(""));
        ck_assert(!str_is_empty(" "));

        ck_assert(str_equal(NULL, NULL));
        ck_assert(str_equal("same", copy));
        ck_assert(!str_equal("same", "Same"));
        ck_assert(!str_equal(NULL, ""));
        ck_assert(!str_equal("", NULL));
}
END_TEST

START_TEST(a_prefix_may_be_empty_but_not_longer)
{
        ck_assert(str_starts_with("http://host", "http://"));
        ck_assert(str_starts_with("http", "http"));
        ck_assert(str_starts_with("http", ""));
        ck_assert(!str_starts_with("htt", "http"));
        ck_assert(!str_starts_with("HTTP", "http"));
        ck_assert(!str_starts_with("", "h"));
}
END_TEST

START_TEST(a_string_is_formatted_and_replaced)
{
        char *s = NULL;

        ck_assert_int_eq(str_format(&s, "%s-%d", "job", 7), 0);
        ck_assert_str_eq(s, "job-7");
        ck_assert_int_eq(str_set(&s, "other"), 0);
        ck_assert_str_eq(s, "other");
        ck_assert_int_eq(str_set(&s, s), 0); /* the copy is made before the old one goes */
        ck_assert_str_eq(s, "other");
        ck_assert_int_eq(str_set(&s, NULL), 0);
        ck_assert_ptr_null(s);
}
END_TEST

START_TEST(a_list_grows_by_copies)
{
        char word[] = "one";
        char **list = NULL;

        ck_assert_uint_eq(strings_count(NULL), 0);
        ck_assert_int_eq(strings_append(&list, word), 0);
        word[0] = 'x';
        ck_assert_int_eq(strings_append(&list, ""), 0);
        ck_assert_int_eq(strings_append(&list, "three"), 0);
        ck_assert_uint_eq(strings_count(list), 3);
        ck_assert_str_eq(list[0], "one");
        ck_assert_str_eq(list[1], "");
        ck_assert_str_eq(list[2], "three");
        ck_assert_ptr_null(list[3]);
        ck_assert_ptr_null(strings_free(list));
        ck_assert_ptr_null(strings_free(NULL));
}
END_TEST

START_TEST(a_copied_list_is_independent)
{
        char one[] = "one", two[] = "two";
        char *const from[] = { one, two, NULL };
        char **copy = NULL, **empty = NULL;

        ck_assert_int_eq(strings_copy(from, &copy), 0);
        one[0] = 'x';
        ck_assert_uint_eq(strings_count(copy), 2);
        ck_assert_str_eq(copy[0], "one");
        ck_assert_str_eq(copy[1], "two");
        strings_free(copy);

        ck_assert_int_eq(strings_copy(NULL, &empty), 0); /* no list becomes an empty one */
        ck_assert_ptr_nonnull(empty);
        ck_assert_ptr_null(empty[0]);
        strings_free(empty);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("str");
        TCase *text = tcase_create("text");
        TCase *lists = tcase_create("lists");
        SRunner *runner;
        int failed;

        tcase_add_test(text, only_decimal_digits_are_a_number);
        tcase_add_test(text, control_characters_are_found_within_the_size);
        tcase_add_test(text, null_is_an_empty_string_but_equals_none);
        tcase_add_test(text, a_prefix_may_be_empty_but_not_longer);
        tcase_add_test(text, a_string_is_formatted_and_replaced);
        suite_add_tcase(suite, text);
        tcase_add_test(lists, a_list_grows_by_copies);
        tcase_add_test(lists, a_copied_list_is_independent);
        suite_add_tcase(suite, lists);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
