#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"

#include "model/checksum.h"
#include "model/limits.h"

#define HEX32 "0123456789abcdefABCDEF0123456789"
#define LOW32 "0123456789abcdefabcdef0123456789"

static const struct {
        const char *algorithm, *digits, *expected;
        int result;
} checksums[] = {
        { "sha256", HEX32 HEX32, "sha256:" LOW32 LOW32, 0 },
        { "sha512", HEX32 HEX32 HEX32 HEX32, "sha512:" LOW32 LOW32 LOW32 LOW32, 0 },
        { "sha1", HEX32 "ABCDef01", "sha1:" LOW32 "abcdef01", 0 },
        { "md5", HEX32, "md5:" LOW32, 0 },
        { "sha256", "", NULL, -EINVAL },
        { "sha256", HEX32, NULL, -EINVAL },
        { "sha256", HEX32 HEX32 "0", NULL, -EINVAL },
        { "md5", "g123456789abcdefABCDEF0123456789", NULL, -EINVAL },
        { "md5", " 123456789abcdefABCDEF0123456789", NULL, -EINVAL },
        { "md5", "0x23456789abcdefABCDEF0123456789", NULL, -EINVAL },
        { "SHA256", HEX32 HEX32, NULL, -ENOENT },
        { "sha384", HEX32 HEX32, NULL, -ENOENT },
        { "", "", NULL, -ENOENT },
};

START_TEST(a_checksum_has_as_many_digits_as_its_algorithm_says)
{
        _cleanup_free_ char *checksum = NULL;
        const char *reason = NULL;

        ck_assert_int_eq(
                checksum_parse(checksums[_i].algorithm, checksums[_i].digits, &checksum, &reason),
                checksums[_i].result);
        ck_assert_pstr_eq(checksum, checksums[_i].expected);
        ck_assert((checksums[_i].result == -EINVAL) == (reason != NULL));
        if (checksum)
                ck_assert_uint_le(strlen(checksum), LIMIT_CHECKSUM);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("checksum");
        TCase *checksum = tcase_create("checksum");
        SRunner *runner;
        int failed;

        tcase_add_loop_test(checksum,
                            a_checksum_has_as_many_digits_as_its_algorithm_says,
                            0,
                            ARRAY_SIZE(checksums));
        suite_add_tcase(suite, checksum);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
