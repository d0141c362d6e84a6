#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"

#include "model/error-code.h"

START_TEST(numbers_are_those_of_the_original)
{
        static const struct {
                uint32_t code;
                const char *name;
        } cases[] = {
                { 0x80070005u, "access-denied" },
                { 0x80070003u, "path-not-found" },
                { 0x80070070u, "disk-full" },
                { 0x8020001Bu, "invalid-server-response" },
                { 0x8020002Du, "connect-failure" },
                { 0x80200031u, "name-resolution-failure" },
                { 0x80200035u, "proxy-name-resolution-failure" },
                { 0x8020003Bu, "timeout" },
                { 0x80200073u, "remote-file-changed" },
                { 0x80190191u, "http-401" },
                { 0x80190197u, "http-407" },
                { 0x801901F7u, "http-503" },
                { 0x80190000u, "http-0" },
                { 0x8019FFFFu, "http-65535" },
                { 0x00000000u, "0x00000000" },
                { 0x801A0000u, "0x801a0000" },
                { 0xFFFFFFFFu, "0xffffffff" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                char buffer[ERROR_CODE_NAME_MAX];

                ck_assert_ptr_eq(error_code_name(cases[i].code, buffer), buffer);
                ck_assert_str_eq(buffer, cases[i].name);
        }
        ck_assert_uint_eq(ERROR_CODE_HTTP(401), 0x80190191u);
}
END_TEST

#define CODE(name, number, text, class) { (number), (text) },

START_TEST(every_code_has_one_name_that_fits)
{
        static const struct {
                uint32_t code;
                const char *name;
        } codes[] = { DOSVC_JOB_ERRORS(CODE) };

        for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
                char buffer[ERROR_CODE_NAME_MAX];

                ck_assert_str_eq(error_code_name(codes[i].code, buffer), codes[i].name);
                ck_assert_uint_ne(codes[i].code, 0);
                for (size_t j = 0; j < i; j++) {
                        ck_assert_uint_ne(codes[i].code, codes[j].code);
                        ck_assert_str_ne(codes[i].name, codes[j].name);
                }
        }
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("error-code");
        TCase *names = tcase_create("names");
        SRunner *runner;
        int failed;

        tcase_add_test(names, numbers_are_those_of_the_original);
        tcase_add_test(names, every_code_has_one_name_that_fits);
        suite_add_tcase(suite, names);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
