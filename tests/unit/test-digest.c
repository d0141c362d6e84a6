#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "base/macro.h"

#include "worker/digest.h"

/* The digests of "abc": FIPS 180-2, RFC 1321. */
#define SHA256 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define SHA1   "a9993e364706816aba3e25717850c26c9cd0d89d"
#define MD5    "900150983cd24fb0d6963f7d28e17f72"
#define SHA512                                                                                     \
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"                         \
        "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"

static int finish(Digest *digest, const char *first, const char *then)
{
        ck_assert_int_eq(digest_update(digest, first, 1), 0);
        ck_assert_int_eq(digest_update(digest, then, 2), 0);
        return digest_finish(digest);
}

START_TEST(known_bytes_have_their_checksum_and_others_have_not)
{
        static const char *const checksums[] = {
                "sha256:" SHA256,
                "sha512:" SHA512,
                "sha1:" SHA1,
                "md5:" MD5,
                "md5:900150983CD24FB0D6963F7D28E17F72",
        };

        for (size_t i = 0; i < ARRAY_SIZE(checksums); i++) {
                Digest *digest;

                ck_assert_int_eq(digest_new(checksums[i], &digest), 0);
                ck_assert_int_eq(finish(digest, "a", "bd"), 0);
                ck_assert_int_eq(digest_restart(digest), 0);
                ck_assert_int_eq(digest_update(digest, "xyz", 3), 0);
                ck_assert_int_eq(digest_restart(digest), 0);
                ck_assert_int_eq(finish(digest, "a", "bc"), 1);
                digest_free(digest);
        }
}
END_TEST

START_TEST(what_is_no_checksum_is_refused)
{
        static const char *const checksums[] = {
                "",
                "sha256",
                "sha256:",
                "sha256:" SHA1,
                "sha256:" SHA256 "0",
                "crc32:00000000",
                SHA256,
                "md5:900150983cd24fb0d6963f7d28e17f7g",
        };

        for (size_t i = 0; i < ARRAY_SIZE(checksums); i++) {
                Digest *digest = NULL;

                ck_assert_int_eq(digest_new(checksums[i], &digest), -EINVAL);
                ck_assert_ptr_null(digest);
        }
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("digest");
        TCase *tcase = tcase_create("digest");
        SRunner *runner;
        int failed;

        tcase_add_test(tcase, known_bytes_have_their_checksum_and_others_have_not);
        tcase_add_test(tcase, what_is_no_checksum_is_refused);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
