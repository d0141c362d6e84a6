#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"

#include "model/limits.h"
#include "model/secret-rules.h"
#include "tests/lib/repeat.h"

START_TEST(a_user_name_is_checked_for_its_scheme)
{
        _cleanup_free_ char *most = repeat("", "\xe2\x82\xac", LIMIT_USER_NAME, "");
        _cleanup_free_ char *more = repeat("", "\xe2\x82\xac", LIMIT_USER_NAME, "a");
        _cleanup_free_ char *pairs = repeat("", "\xf0\x9f\x98\x80", LIMIT_USER_NAME / 2, "");
        _cleanup_free_ char *more_pairs = repeat("", "\xf0\x9f\x98\x80", LIMIT_USER_NAME / 2, "a");
        const struct {
                AuthScheme scheme;
                const char *name;
                int result;
        } cases[] = {
                { AUTH_SCHEME_BASIC, "alice", 0 },
                { AUTH_SCHEME_BASIC, "", 0 },
                { AUTH_SCHEME_BASIC, "a:b", -EILSEQ },
                { AUTH_SCHEME_BASIC, ":", -EILSEQ },
                { AUTH_SCHEME_DIGEST, "a:b", 0 },
                { AUTH_SCHEME_NTLM, "DOMAIN\\alice", 0 },
                { AUTH_SCHEME_NEGOTIATE, "alice@EXAMPLE.ORG", 0 },
                { AUTH_SCHEME_BASIC, most, 0 },
                { AUTH_SCHEME_BASIC, more, -ENAMETOOLONG },
                { AUTH_SCHEME_DIGEST, pairs, 0 },
                { AUTH_SCHEME_DIGEST, more_pairs, -ENAMETOOLONG },
                { AUTH_SCHEME_DIGEST, "a\nb", -EILSEQ },
                { AUTH_SCHEME_DIGEST, "a\tb", -EILSEQ },
                { AUTH_SCHEME_DIGEST, "\x7f", -EILSEQ },
                { AUTH_SCHEME_DIGEST, "\xff", -EILSEQ },
                { AUTH_SCHEME_DIGEST, "\xed\xa0\x80", -EILSEQ },
                { AUTH_SCHEME_NTLM, "D\\h\xc3\xa9l\xc3\xa8ne", 0 },
                { AUTH_SCHEME_NTLM, "D\\\xc5\x81ukasz", -EILSEQ },
                { AUTH_SCHEME_NEGOTIATE, "\xc5\x81ukasz@D", 0 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const char *reason = NULL;
                int r = secret_rules_check_user_name(cases[i].scheme, cases[i].name, &reason);

                ck_assert_msg(r == cases[i].result, "%zu: %d", i, r);
                ck_assert_msg((reason != NULL) == (r < 0), "%zu", i);
        }
}
END_TEST

static int check_password(const char *s, size_t size)
{
        const char *reason = NULL;
        int r = secret_rules_check_password(AUTH_SCHEME_BASIC, s, size, &reason);

        ck_assert((reason != NULL) == (r < 0));
        return r;
}

START_TEST(a_secret_fits_its_scheme)
{
        static const struct {
                AuthScheme scheme;
                const char *secret;
                int result;
        } cases[] = {
                { AUTH_SCHEME_NTLM, "\xc3\xa9\xc3\xbf", 0 },
                { AUTH_SCHEME_NTLM, "\xc4\x80", -EILSEQ },
                { AUTH_SCHEME_NTLM, "\xe2\x82\xac", -EILSEQ },
                { AUTH_SCHEME_NTLM, "", 0 },
                { AUTH_SCHEME_BASIC, "\xe2\x82\xac", 0 },
                { AUTH_SCHEME_NEGOTIATE, "\xe2\x82\xac", 0 },
                { AUTH_SCHEME_BEARER, "aZ0-._~+/==", 0 },
                { AUTH_SCHEME_BEARER, "two words", -EILSEQ },
                { AUTH_SCHEME_BEARER, "", -EILSEQ },
                { AUTH_SCHEME_BEARER, "\xc3\xa9", -EILSEQ },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const char *s = cases[i].secret, *reason = NULL;
                int r = secret_rules_check_password(cases[i].scheme, s, strlen(s), &reason);

                ck_assert_msg(r == cases[i].result, "%zu: %d", i, r);
                ck_assert_msg((reason != NULL) == (r < 0), "%zu", i);
        }
}
END_TEST

START_TEST(a_password_has_at_most_65536_units)
{
        static const char *const characters[] = { "a", "\xc3\xa4", "\xe2\x82\xac" };

        for (size_t i = 0; i < ARRAY_SIZE(characters); i++) {
                size_t size = strlen(characters[i]);
                _cleanup_free_ char *s = repeat("", characters[i], LIMIT_PASSWORD + 1, "");

                ck_assert_int_eq(check_password(s, LIMIT_PASSWORD * size), 0);
                ck_assert_int_eq(check_password(s, (LIMIT_PASSWORD + 1) * size), -EMSGSIZE);
        }
}
END_TEST

START_TEST(a_surrogate_pair_of_a_password_is_two_units)
{
        _cleanup_free_ char *s = repeat("", "\xf0\x9f\x98\x80", LIMIT_PASSWORD / 2, "a");

        ck_assert_int_eq(check_password(s, strlen(s) - 1), 0);
        ck_assert_int_eq(check_password(s, strlen(s)), -EMSGSIZE);
}
END_TEST

START_TEST(a_password_is_text_without_controls)
{
        ck_assert_int_eq(check_password("", 0), 0);
        ck_assert_int_eq(check_password(" a:b \xc3\xa4", 7), 0);
        ck_assert_int_eq(check_password("abc\0", 3), 0);
        ck_assert_int_eq(check_password("abc\0", 4), -EILSEQ);
        ck_assert_int_eq(check_password("a\0b", 3), -EILSEQ);
        ck_assert_int_eq(check_password("abc\n", 4), -EILSEQ);
        ck_assert_int_eq(check_password("\x7f", 1), -EILSEQ);
        ck_assert_int_eq(check_password("\xc3", 1), -EILSEQ);
        ck_assert_int_eq(check_password("\xed\xa0\x80", 3), -EILSEQ);
}
END_TEST

START_TEST(a_long_password_is_too_long_whatever_it_holds)
{
        _cleanup_free_ char *s = repeat("", "\xff", LIMIT_PASSWORD_BYTES + 1, "");

        ck_assert_int_eq(check_password(s, LIMIT_PASSWORD_BYTES + 1), -EMSGSIZE);
        ck_assert_int_eq(check_password(s, LIMIT_PASSWORD_BYTES), -EILSEQ);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("secret-rules");
        TCase *rules = tcase_create("rules");
        SRunner *runner;
        int failed;

        tcase_add_test(rules, a_user_name_is_checked_for_its_scheme);
        tcase_add_test(rules, a_secret_fits_its_scheme);
        tcase_add_test(rules, a_password_has_at_most_65536_units);
        tcase_add_test(rules, a_surrogate_pair_of_a_password_is_two_units);
        tcase_add_test(rules, a_password_is_text_without_controls);
        tcase_add_test(rules, a_long_password_is_too_long_whatever_it_holds);
        suite_add_tcase(suite, rules);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
