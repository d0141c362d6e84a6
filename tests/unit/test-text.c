#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"

#include "model/limits.h"
#include "model/text.h"
#include "tests/lib/repeat.h"

START_TEST(characters_are_utf16_units)
{
        static const struct {
                const char *text;
                int units; /* or -EILSEQ */
        } cases[] = {
                { "", 0 },
                { "abc", 3 },
                { "\x7f", 1 },
                { "\xc2\x80", 1 },         /* U+0080 */
                { "\xc3\xa4", 1 },         /* U+00E4 */
                { "\xdf\xbf", 1 },         /* U+07FF */
                { "\xe0\xa0\x80", 1 },     /* U+0800 */
                { "\xe2\x82\xac", 1 },     /* U+20AC */
                { "\xed\x9f\xbf", 1 },     /* U+D7FF, before the surrogates */
                { "\xee\x80\x80", 1 },     /* U+E000, behind them */
                { "\xef\xbf\xbf", 1 },     /* U+FFFF */
                { "\xf0\x90\x80\x80", 2 }, /* U+10000 */
                { "\xf0\x9f\x98\x80", 2 }, /* U+1F600 */
                { "\xf4\x8f\xbf\xbf", 2 }, /* U+10FFFF */
                { "a\xc3\xa4\xf0\x9f\x98\x80", 4 },
                { "\xc0\x80", -EILSEQ }, /* overlong NUL */
                { "\xc1\xbf", -EILSEQ }, /* overlong */
                { "\xe0\x9f\xbf", -EILSEQ },
                { "\xf0\x8f\xbf\xbf", -EILSEQ },
                { "\xed\xa0\x80", -EILSEQ }, /* surrogates */
                { "\xed\xbf\xbf", -EILSEQ },
                { "\xed\xa0\xbd\xed\xb8\x80", -EILSEQ }, /* a pair of them (CESU-8) */
                { "\xf4\x90\x80\x80", -EILSEQ },         /* over U+10FFFF */
                { "\xf5\x80\x80\x80", -EILSEQ },
                { "\xf8\x88\x80\x80\x80", -EILSEQ },
                { "\xff", -EILSEQ },
                { "\x80", -EILSEQ }, /* a tail without a head */
                { "a\xbf", -EILSEQ },
                { "\xc3", -EILSEQ }, /* truncated */
                { "\xe2\x82", -EILSEQ },
                { "\xf0\x9f\x98", -EILSEQ },
                { "\xc3(", -EILSEQ },
                { "\xe2\x28\xa1", -EILSEQ },
                { "\xe2\x82(", -EILSEQ },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                size_t units = 4711;
                int r = text_utf16_length(cases[i].text, strlen(cases[i].text), &units);

                ck_assert_msg(r == (cases[i].units < 0 ? cases[i].units : 0), "%zu: %d", i, r);
                ck_assert_msg(units == (r < 0 ? 4711 : (size_t) cases[i].units),
                              "%zu: %zu",
                              i,
                              units);
        }
}
END_TEST

START_TEST(a_character_that_the_size_cuts_is_truncated)
{
        size_t units;

        ck_assert_int_eq(text_utf16_length("\xe2\x82\xac", 2, &units), -EILSEQ);
        ck_assert_int_eq(text_utf16_length("a\xe2\x82\xac", 1, &units), 0);
        ck_assert_uint_eq(units, 1);
        ck_assert_int_eq(text_utf16_length("a\0b", 3, &units), 0);
        ck_assert_uint_eq(units, 3);
}
END_TEST

START_TEST(a_label_is_text_of_limited_length)
{
        _cleanup_free_ char *most = repeat("", "\xf0\x9f\x98\x80", 128, "");
        _cleanup_free_ char *more = repeat("", "\xf0\x9f\x98\x80", 128, "a");
        const struct {
                const char *text;
                int result;
        } cases[] = {
                { "", 0 },
                { "My download (\xc3\xa4)", 0 },
                { most, 0 },
                { more, -E2BIG },
                { "two\nlines", -EINVAL },
                { "\x1b[31m", -EINVAL },
                { "\x7f", -EINVAL },
                { "\xff", -EINVAL },
                { "\xc3", -EINVAL },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const char *reason = NULL;
                int r = text_check_label(cases[i].text, LIMIT_DISPLAY_NAME, &reason);

                ck_assert_msg(r == cases[i].result, "%zu: %d", i, r);
                ck_assert_msg((reason != NULL) == (r < 0), "%zu", i);
        }
}
END_TEST

START_TEST(latin1_has_a_byte_a_character)
{
        char text[8] = "";
        size_t size = 4711;

        ck_assert_int_eq(text_to_latin1("a\xc3\xa9\xc3\xbf", 5, text, &size), 0);
        ck_assert_uint_eq(size, 3);
        ck_assert_int_eq(memcmp(text, "a\xe9\xff", 3), 0);
        ck_assert_int_eq(text_to_latin1("\xc4\x80", 2, text, &size), -EILSEQ);
        ck_assert_int_eq(text_to_latin1("\xe9", 1, text, &size), -EILSEQ);
        ck_assert_int_eq(text_to_latin1("", 0, NULL, &size), 0);
        ck_assert_uint_eq(size, 0);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("text");
        TCase *text = tcase_create("text");
        SRunner *runner;
        int failed;

        tcase_add_test(text, characters_are_utf16_units);
        tcase_add_test(text, a_character_that_the_size_cuts_is_truncated);
        tcase_add_test(text, a_label_is_text_of_limited_length);
        tcase_add_test(text, latin1_has_a_byte_a_character);
        suite_add_tcase(suite, text);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
