#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#include "model/limits.h"
#include "model/setting-checks.h"

static const struct {
        const char *line;
        int result;
        size_t name;
} headers[] = {
        { "X-Api-Key: secret", 0, 9 },
        { "Authorization: Bearer x", 0, 13 },
        { "Cookie: a=b", 0, 6 },
        { "User-Agent: mine", 0, 10 },
        { "X-Empty:", 0, 7 },
        { "X-Tab:\ta\tb", 0, 5 },
        { "X-Utf8: \xc3\xa4", 0, 6 },
        { "Ranges: 1", 0, 6 },
        { "Hosts: 1", 0, 5 },
        { "Proxy: 1", 0, 5 },
        { "", -EINVAL, 0 },
        { ": value", -EINVAL, 0 },
        { "no colon", -EINVAL, 2 },
        { "X-Name", -EINVAL, 6 },
        { "X-Name;", -EINVAL, 6 },
        { "X Name: value", -EINVAL, 1 },
        { "X-Name : value", -EINVAL, 6 },
        { " X-Name: value", -EINVAL, 0 },
        { "X\xc3\xa4: value", -EINVAL, 1 },
        { "X-A: b\r\nX-B: c", -EINVAL, 3 },
        { "X-A: b\nX-B: c", -EINVAL, 3 },
        { "X-A: b\x7f", -EINVAL, 3 },
        { "Accept-Encoding: gzip", -EINVAL, 15 },
        { "Connection: close", -EINVAL, 10 },
        { "Content-Length: 1", -EINVAL, 14 },
        { "Expect: 100-continue", -EINVAL, 6 },
        { "Host: elsewhere", -EINVAL, 4 },
        { "hOST: elsewhere", -EINVAL, 4 },
        { "HTTP2-Settings: x", -EINVAL, 14 },
        { "If-Match: x", -EINVAL, 8 },
        { "If-Modified-Since: x", -EINVAL, 17 },
        { "If-None-Match: x", -EINVAL, 13 },
        { "If-Range: x", -EINVAL, 8 },
        { "If-Unmodified-Since: x", -EINVAL, 19 },
        { "Keep-Alive: 5", -EINVAL, 10 },
        { "Proxy-Authorization: x", -EINVAL, 19 },
        { "proxy-anything: x", -EINVAL, 14 },
        { "Range: bytes=0-", -EINVAL, 5 },
        { "TE: trailers", -EINVAL, 2 },
        { "Trailer: x", -EINVAL, 7 },
        { "Transfer-Encoding: chunked", -EINVAL, 17 },
        { "Upgrade: h2c", -EINVAL, 7 },
};

START_TEST(a_header_is_a_name_and_a_value)
{
        const char *line = headers[_i].line, *reason = NULL;
        size_t name = 4711;
        int r = setting_check_header(line, strlen(line), &name, &reason);

        ck_assert_msg(r == headers[_i].result, "%s: %d %s", line, r, reason);
        ck_assert_uint_eq(name, headers[_i].name);
        ck_assert((reason != NULL) == (r < 0));
}
END_TEST

START_TEST(a_nul_in_a_value_is_refused)
{
        static const char line[] = "X-A: b\0c";
        const char *reason;
        size_t name;

        ck_assert_int_eq(setting_check_header(line, sizeof(line) - 1, &name, &reason), -EINVAL);
}
END_TEST

static bool are_headers(const char *text, size_t size)
{
        Secret *secret = NULL;
        bool good;

        ck_assert_int_eq(secret_new_copy(text, size, &secret), 0);
        good = setting_are_headers(secret);
        secret_free(secret);
        return good;
}

START_TEST(lines_are_checked_one_by_one)
{
        ck_assert(are_headers("", 0));
        ck_assert(are_headers("A: b\nC: d\n", 10));
        ck_assert(!are_headers("A: b\nC: d", 9));
        ck_assert(!are_headers("A: b\n\n", 6));
        ck_assert(!are_headers("A: b\nHost: d\n", 13));
        ck_assert(!are_headers("A: \xff\n", 5));
}
END_TEST

/* With CR LF behind each line and a NUL behind all, as the original counts. */
START_TEST(their_length_is_limited)
{
        size_t fits = LIMIT_HEADERS - 3, length = fits + (size_t) _i;
        char *text = malloc(length + 1);

        ck_assert_ptr_nonnull(text);
        memset(text, 'x', length);
        text[0] = 'A';
        text[1] = ':';
        text[length] = '\n';
        ck_assert(are_headers(text, length + 1) == (_i == 0));
        free(text);
}
END_TEST

static const struct {
        const char *name;
        int result;
} caches[] = {
        { "/tmp/krb5cc_1000", 0 },
        { "FILE:/tmp/krb5cc_1000", 0 },
        { "DIR:/run/user/1000/krb5cc", 0 },
        { "KEYRING:persistent:1000", 0 },
        { "KCM:", 0 },
        { "KCM:1000", 0 },
        { "API:x", 0 },
        { "relative", -EINVAL },
        { "FILE:relative", -EINVAL },
        { "DIR:", -EINVAL },
        { "/a\nb", -EINVAL },
        { "MEMORY:x", -EOPNOTSUPP },
        { "file:/tmp/x", -EOPNOTSUPP },
};

START_TEST(a_ticket_cache_outlives_its_process)
{
        const char *reason = NULL;

        ck_assert_msg(setting_check_ticket_cache(caches[_i].name, &reason) == caches[_i].result,
                      "%s",
                      caches[_i].name);
}
END_TEST

START_TEST(a_path_is_absolute)
{
        const char *reason;

        ck_assert_int_eq(setting_check_path("/etc/ssl/own.pem", &reason), 0);
        ck_assert_int_eq(setting_check_path("own.pem", &reason), -EINVAL);
        ck_assert_int_eq(setting_check_path("", &reason), -EINVAL);
        ck_assert_int_eq(setting_check_path("/a\nb", &reason), -EINVAL);
}
END_TEST

static Suite *make_suite(void)
{
        Suite *suite = suite_create("setting-checks");
        TCase *tcase = tcase_create("checks");

        tcase_add_loop_test(tcase, a_header_is_a_name_and_a_value, 0, ARRAY_SIZE(headers));
        tcase_add_test(tcase, a_nul_in_a_value_is_refused);
        tcase_add_test(tcase, lines_are_checked_one_by_one);
        tcase_add_loop_test(tcase, their_length_is_limited, 0, 2);
        tcase_add_loop_test(tcase, a_ticket_cache_outlives_its_process, 0, ARRAY_SIZE(caches));
        tcase_add_test(tcase, a_path_is_absolute);
        suite_add_tcase(suite, tcase);
        return suite;
}

int main(void)
{
        SRunner *runner = srunner_create(make_suite());
        int failed;

        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
