#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#include "model/limits.h"
#include "model/spec.h"

/* n times the text, with a head and a tail. */
static char *repeat(const char *head, const char *text, size_t n, const char *tail)
{
        char *s = NULL;
        size_t size;
        FILE *out = open_memstream(&s, &size);

        ck_assert_ptr_nonnull(out);
        (void) fputs(head, out);
        for (size_t i = 0; i < n; i++)
                (void) fputs(text, out);
        (void) fputs(tail, out);
        ck_assert_int_eq(fclose(out), 0);
        return s;
}

/* Enumerations ------------------------------------------------------------------------------- */

#define CHECK_ENUM(prefix, max)                                                                    \
        do {                                                                                       \
                for (unsigned i = 0; i < (max); i++)                                               \
                        ck_assert_int_eq(prefix##_from_string(prefix##_to_string(i)), (int) i);    \
                ck_assert_int_eq(prefix##_from_string(""), -EINVAL);                               \
                ck_assert_int_eq(prefix##_from_string("Basic"), -EINVAL);                          \
                ck_assert_int_eq(prefix##_from_string("nonesuch"), -EINVAL);                       \
        } while (0)

START_TEST(names_lead_back_to_their_values)
{
        CHECK_ENUM(job_state, JOB_STATES_MAX);
        CHECK_ENUM(priority, PRIORITIES_MAX);
        CHECK_ENUM(auth_target, AUTH_TARGETS_MAX);
        CHECK_ENUM(auth_scheme, AUTH_SCHEMES_MAX);
        CHECK_ENUM(proxy_usage, PROXY_USAGES_MAX);
        CHECK_ENUM(error_context, ERROR_CONTEXTS_MAX);
}
END_TEST

START_TEST(values_are_the_numbers_of_the_original)
{
        ck_assert_int_eq(job_state_from_string("queued"), 0);
        ck_assert_int_eq(job_state_from_string("suspended"), 3);
        ck_assert_int_eq(job_state_from_string("transient-error"), 5);
        ck_assert_int_eq(job_state_from_string("cancelled"), 8);
        ck_assert_int_eq(priority_from_string("foreground"), 0);
        ck_assert_int_eq(priority_from_string("low"), 3);
        ck_assert_int_eq(auth_target_from_string("server"), 0);
        ck_assert_int_eq(auth_target_from_string("proxy"), 1);
        ck_assert_int_eq(auth_scheme_from_string("basic"), 0);
        ck_assert_int_eq(auth_scheme_from_string("passport"), 4);
        ck_assert_int_eq(proxy_usage_from_string("preconfig"), 0);
        ck_assert_int_eq(proxy_usage_from_string("autodetect"), 3);
        ck_assert_int_eq(error_context_from_string("local-file"), 4);
        ck_assert_int_eq(error_context_from_string("remote-application"), 7);
}
END_TEST

/* Records ------------------------------------------------------------------------------------ */

START_TEST(a_new_record_knows_only_its_names)
{
        FileRecord record;

        ck_assert_int_eq(file_record_init(&record, 3, "http://host/", "/dir/file"), 0);
        ck_assert_uint_eq(record.index, 3);
        ck_assert_str_eq(record.remote_name, "http://host/");
        ck_assert_str_eq(record.local_name, "/dir/file");
        ck_assert_str_eq(record.temp_name, "");
        ck_assert_str_eq(record.etag, "");
        ck_assert_str_eq(record.last_modified, "");
        ck_assert_str_eq(record.effective_url, "");
        ck_assert_str_eq(record.headers, "");
        ck_assert_uint_eq(record.offset_bytes, 0);
        ck_assert_uint_eq(record.total_bytes, DOSVC_SIZE_UNKNOWN);
        ck_assert(!record.finished);
        file_record_done(&record);
        ck_assert_ptr_null(record.remote_name);
        file_record_done(&record);
}
END_TEST

START_TEST(a_copied_record_is_independent)
{
        char etag[] = "\"a\"";
        const FileRecord from = { .index = 7,
                                  .etag = etag,
                                  .inode = 2,
                                  .offset_bytes = 3,
                                  .total_bytes = 4,
                                  .finished = true };
        FileRecord copy;

        ck_assert_int_eq(file_record_copy(&copy, &from), 0);
        etag[1] = 'b';
        ck_assert_str_eq(copy.etag, "\"a\"");
        ck_assert_str_eq(copy.remote_name, ""); /* never NULL */
        ck_assert_uint_eq(copy.index, 7);
        ck_assert_uint_eq(copy.inode, 2);
        ck_assert_uint_eq(copy.offset_bytes, 3);
        ck_assert_uint_eq(copy.total_bytes, 4);
        ck_assert(copy.finished);
        file_record_done(&copy);
}
END_TEST

/* Text --------------------------------------------------------------------------------------- */

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
                int r = spec_utf16_length(cases[i].text, strlen(cases[i].text), &units);

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

        ck_assert_int_eq(spec_utf16_length("\xe2\x82\xac", 2, &units), -EILSEQ);
        ck_assert_int_eq(spec_utf16_length("a\xe2\x82\xac", 1, &units), 0);
        ck_assert_uint_eq(units, 1);
        ck_assert_int_eq(spec_utf16_length("a\0b", 3, &units), 0);
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
                int r = spec_check_label(cases[i].text, LIMIT_DISPLAY_NAME, &reason);

                ck_assert_msg(r == cases[i].result, "%zu: %d", i, r);
                ck_assert_msg((reason != NULL) == (r < 0), "%zu", i);
        }
}
END_TEST

/* Remote names ------------------------------------------------------------------------------- */

typedef struct Remote {
        const char *given, *url, *user, *password;
} Remote;

static void check_remote(const Remote *remote)
{
        _cleanup_free_ char *url = NULL, *user = NULL, *password = NULL;
        const char *reason = "";
        int r = spec_parse_remote_name(remote->given, &url, &user, &password, &reason);

        ck_assert_msg(r == 0, "%s: %d, it %s", remote->given, r, reason);
        ck_assert_str_eq(url, remote->url);
        ck_assert_msg(str_equal(user, remote->user), "%s: user %s", remote->given, user);
        ck_assert_msg(str_equal(password, remote->password),
                      "%s: password %s",
                      remote->given,
                      password);
}

START_TEST(a_remote_name_keeps_what_is_asked_for)
{
        static const Remote cases[] = {
                { "http://host/path", "http://host/path", NULL, NULL },
                { "https://host/a/b?c=d&e=%20f", "https://host/a/b?c=d&e=%20f", NULL, NULL },
                { "http://host", "http://host/", NULL, NULL },
                { "http://host?q", "http://host/?q", NULL, NULL },
                { "HTTP://Host/Path", "http://Host/Path", NULL, NULL },
                { "http://host:8080/", "http://host:8080/", NULL, NULL },
                { "http://host:1/", "http://host:1/", NULL, NULL },
                { "http://host:65535/", "http://host:65535/", NULL, NULL },
                { "http://192.0.2.1/", "http://192.0.2.1/", NULL, NULL },
                { "http://[2001:db8::1]/", "http://[2001:db8::1]/", NULL, NULL },
                { "http://[2001:db8::1]:81/", "http://[2001:db8::1]:81/", NULL, NULL },
                { "http://[fe80::1%25eth0]/", "http://[fe80::1%25eth0]/", NULL, NULL },
                { "http://host/%2e%2e/%00x", "http://host/%2e%2e/%00x", NULL, NULL },
                { "http://host/a;b=c,d!e*f'(g)", "http://host/a;b=c,d!e*f'(g)", NULL, NULL },
                { "http://host/?u=http://other/", "http://host/?u=http://other/", NULL, NULL },
                { "http://host/a@b:c", "http://host/a@b:c", NULL, NULL },
                { "http://host/path#part", "http://host/path", NULL, NULL },
                { "http://host/path#", "http://host/path", NULL, NULL },
                { "http://host#a@b", "http://host/", NULL, NULL },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                check_remote(&cases[i]);
}
END_TEST

START_TEST(user_info_moves_out_of_the_url)
{
        static const Remote cases[] = {
                { "http://alice:secret@host/f", "http://host/f", "alice", "secret" },
                { "http://alice@host/f", "http://host/f", "alice", NULL },
                { "http://alice:@host/f", "http://host/f", "alice", "" },
                { "http://:secret@host/f", "http://host/f", "", "secret" },
                { "http://a%40b:c%3Ad%2F@host/", "http://host/", "a@b", "c:d/" },
                { "http://%C3%A4:%E2%82%AC@host/", "http://host/", "\xc3\xa4", "\xe2\x82\xac" },
                { "http://alice:a:b@host/", "http://host/", "alice", "a:b" },
                { "http://alice:p@[::1]:8080/", "http://[::1]:8080/", "alice", "p" },
                { "http://a:b@host/c#d@e", "http://host/c", "a", "b" },
                { "http://a:b@host?c@d", "http://host/?c@d", "a", "b" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                check_remote(&cases[i]);
}
END_TEST

static void refuse_remote(const char *given)
{
        char *url = NULL, *user = NULL, *password = NULL;
        const char *reason = NULL;
        int r = spec_parse_remote_name(given, &url, &user, &password, &reason);

        ck_assert_msg(r == -EINVAL, "%s: %d, %s", given, r, url);
        ck_assert_msg(reason && !url && !user && !password, "%s", given);
}

START_TEST(anything_but_a_web_address_is_refused)
{
        static const char *const cases[] = {
                "",
                "host/path",
                "/path",
                "//host/path",
                "http:/host/path",
                "http:host",
                "http://",
                "http:///host/path",
                "http://?q",
                "http://#f",
                "http://user@/path",
                "http://:80/",
                "ftp://host/file",
                "file:///etc/passwd",
                "gopher://host/",
                "httpss://host/",
                "javascript://host/",
                "://host/",
                "http://host:port/",
                "http://host:65536/",
                "http://host:-1/",
                "http://host:80:80/",
                "http://[::1/",
                "http://::1/",
                "http://[::g]/",
                "http://[]/",
                "http://host%2ename/",
                "http://ho%00st/",
                "http://user:pass@ho%20st/",
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                refuse_remote(cases[i]);
}
END_TEST

START_TEST(characters_that_a_url_may_not_hold_are_refused)
{
        static const char illegal[] = " \t\r\n\x01\x1f\x7f\"<>\\^`{|}\x80\xc3\xff";

        for (const char *c = illegal; *c; c++) {
                char in_path[] = "http://host/a?b", in_host[] = "http://hoost/",
                     in_user[] = "http://us@host/";

                in_path[13] = *c;
                in_host[9] = *c;
                in_user[8] = *c;
                refuse_remote(in_path);
                refuse_remote(in_host);
                refuse_remote(in_user);
        }
        refuse_remote("http://host/\xc3\xa4");
        refuse_remote("http://host/a\r\nX-Header: b");
        refuse_remote(" http://host/");
        refuse_remote("http://host/ ");
}
END_TEST

START_TEST(user_info_with_controls_is_refused)
{
        refuse_remote("http://a%00b@host/");
        refuse_remote("http://a%0ab@host/");
        refuse_remote("http://a:b%0d@host/");
}
END_TEST

START_TEST(a_remote_name_has_at_most_2200_characters)
{
        _cleanup_free_ char *most = repeat("http://host/", "a", LIMIT_REMOTE_NAME - 12, "");
        _cleanup_free_ char *more = repeat("http://host/", "a", LIMIT_REMOTE_NAME - 11, "");
        const Remote longest = { most, most, NULL, NULL };

        ck_assert_uint_eq(strlen(most), 2200);
        check_remote(&longest);
        refuse_remote(more);
}
END_TEST

/* Local names -------------------------------------------------------------------------------- */

START_TEST(a_local_name_is_the_absolute_path_of_a_file)
{
        _cleanup_free_ char *part = repeat("/", "a", LIMIT_FILE_NAME, "");
        _cleanup_free_ char *long_part = repeat("/", "a", LIMIT_FILE_NAME + 1, "");
        _cleanup_free_ char *middle = repeat("/", "a", LIMIT_FILE_NAME + 1, "/b");
        _cleanup_free_ char *path = repeat("", "/a", (LIMIT_LOCAL_NAME - 1) / 2, "b");
        _cleanup_free_ char *long_path = repeat("", "/a", (LIMIT_LOCAL_NAME + 1) / 2, "");
        const struct {
                const char *name;
                bool legal;
        } cases[] = {
                { "/f", true },
                { "/home/alice/file.iso", true },
                { "/dir/with space/\xc3\xa4", true },
                { "/dir/..file", true },
                { "/dir/file..", true },
                { "/dir/...", true },
                { "/.hidden/.f", true },
                { "/a\\b:c*?", true },
                { part, true },
                { path, true },
                { "", false },
                { "file", false },
                { "./file", false },
                { "~/file", false },
                { "file:///dir/file", false },
                { "/", false },
                { "//", false },
                { "/dir/", false },
                { "//dir/file", false },
                { "/dir//file", false },
                { "/.", false },
                { "/..", false },
                { "/./file", false },
                { "/dir/../file", false },
                { "/dir/..", false },
                { "/dir/.", false },
                { "/dir/fi\nle", false },
                { "/dir/\x1b[2J", false },
                { "/dir/\x7f", false },
                { "/dir/\xff", false },
                { "/dir/\xc0\xaf", false },
                { long_part, false },
                { middle, false },
                { long_path, false },
        };

        ck_assert_uint_eq(strlen(path), LIMIT_LOCAL_NAME);
        ck_assert_uint_eq(strlen(long_path), LIMIT_LOCAL_NAME + 1);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const char *reason = NULL;
                int r = spec_check_local_name(cases[i].name, &reason);

                ck_assert_msg(r == (cases[i].legal ? 0 : -EINVAL), "%s: %d", cases[i].name, r);
                ck_assert_msg((reason != NULL) == (r < 0), "%s", cases[i].name);
        }
}
END_TEST

/* Credentials -------------------------------------------------------------------------------- */

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
                int r = spec_check_user_name(cases[i].scheme, cases[i].name, &reason);

                ck_assert_msg(r == cases[i].result, "%zu: %d", i, r);
                ck_assert_msg((reason != NULL) == (r < 0), "%zu", i);
        }
}
END_TEST

static int check_password(const char *s, size_t size)
{
        const char *reason = NULL;
        int r = spec_check_password(AUTH_SCHEME_BASIC, s, size, &reason);

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
                int r = spec_check_password(cases[i].scheme, s, strlen(s), &reason);

                ck_assert_msg(r == cases[i].result, "%zu: %d", i, r);
                ck_assert_msg((reason != NULL) == (r < 0), "%zu", i);
        }
}
END_TEST

START_TEST(latin1_has_a_byte_a_character)
{
        char text[8] = "";
        size_t size = 4711;

        ck_assert_int_eq(spec_to_latin1("a\xc3\xa9\xc3\xbf", 5, text, &size), 0);
        ck_assert_uint_eq(size, 3);
        ck_assert_int_eq(memcmp(text, "a\xe9\xff", 3), 0);
        ck_assert_int_eq(spec_to_latin1("\xc4\x80", 2, text, &size), -EILSEQ);
        ck_assert_int_eq(spec_to_latin1("\xe9", 1, text, &size), -EILSEQ);
        ck_assert_int_eq(spec_to_latin1("", 0, NULL, &size), 0);
        ck_assert_uint_eq(size, 0);
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

/* Proxies and origins ------------------------------------------------------------------------- */

START_TEST(a_proxy_has_one_normal_form)
{
        static const struct {
                const char *given, *url;
        } cases[] = {
                { "proxy", "http://proxy:80" },
                { "proxy:3128", "http://proxy:3128" },
                { "http://proxy", "http://proxy:80" },
                { "HTTP://proxy:3128/", "http://proxy:3128" },
                { "https://proxy", "https://proxy:443" },
                { "https://proxy:8443", "https://proxy:8443" },
                { "192.0.2.1:3128", "http://192.0.2.1:3128" },
                { "[2001:db8::1]:3128", "http://[2001:db8::1]:3128" },
                { "[2001:db8::1]", "http://[2001:db8::1]:80" },
                { "[fe80::1%25eth0]:3128", "http://[fe80::1%25eth0]:3128" },
                { "http=proxy:3128", "http=http://proxy:3128" },
                { "https=proxy", "https=http://proxy:80" },
                { "http=https://proxy", "http=https://proxy:443" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_free_ char *url = NULL;
                const char *reason = "";
                int r = spec_parse_proxy(cases[i].given, &url, &reason);

                ck_assert_msg(r == 0, "%s: %d, it %s", cases[i].given, r, reason);
                ck_assert_str_eq(url, cases[i].url);
        }
}
END_TEST

START_TEST(a_proxy_is_a_host_and_nothing_else)
{
        static const char *const cases[] = {
                "",
                "http://",
                ":3128",
                "proxy:0x50",
                "proxy:99999",
                "socks5://proxy:1080",
                "ftp://proxy",
                "file:///proxy",
                "alice:secret@proxy:3128",
                "http://alice@proxy",
                "proxy/path",
                "proxy:3128/path",
                "proxy?query",
                "http://proxy/?query",
                "pro xy",
                "pro\nxy",
                "proxy,other",
                "p%72oxy",
                "http=",
                "https=alice:secret@proxy",
                "ftp=proxy:3128",
                "socks=proxy:1080",
                "HTTP=proxy",
                "http=https=proxy",
                "=proxy",
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                char *url = NULL;
                const char *reason = NULL;
                int r = spec_parse_proxy(cases[i], &url, &reason);

                ck_assert_msg(r == -EINVAL, "%s: %d, %s", cases[i], r, url);
                ck_assert_msg(reason && !url, "%s", cases[i]);
        }
}
END_TEST

START_TEST(an_origin_is_scheme_host_and_port)
{
        static const struct {
                const char *a, *b;
                bool same;
        } cases[] = {
                { "http://host/a", "http://host/b?c", true },
                { "http://host/", "http://host:80/", true },
                { "https://host/", "https://host:443/", true },
                { "http://host/", "HTTP://HOST/", true },
                { "http://host/", "http://alice:secret@host/", true },
                { "http://host", "http://host/#a", true },
                { "http://[::1]/", "http://[::1]:80/", true },
                { "http://host/", "https://host/", false },
                { "http://host:443/", "https://host:443/", false },
                { "http://host/", "http://host:81/", false },
                { "http://host/", "http://host2/", false },
                { "http://host/", "http://sub.host/", false },
                { "http://host/", "http://host.evil/", false },
                { "http://host/", "http://host@evil/", false },
                { "http://host/", "http://evil/?http://host/", false },
                { "http://[::1]/", "http://[::2]/", false },
                { "http://[fe80::1%25eth0]/", "http://[fe80::1%25eth1]/", false },
                { "http://[fe80::1%25eth0]/", "http://[fe80::1]/", false },
                { "http://host/", "ftp://host/", false },
                { "http://host/", "", false },
                { "", "", false },
                { "host", "host", false },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                ck_assert_msg(spec_same_origin(cases[i].a, cases[i].b) == cases[i].same,
                              "%s, %s",
                              cases[i].a,
                              cases[i].b);
                ck_assert_msg(spec_same_origin(cases[i].b, cases[i].a) == cases[i].same,
                              "%s, %s",
                              cases[i].b,
                              cases[i].a);
        }
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("spec");
        TCase *values = tcase_create("values");
        TCase *text = tcase_create("text");
        TCase *remote = tcase_create("remote names");
        TCase *local = tcase_create("local names");
        TCase *credentials = tcase_create("credentials");
        TCase *hosts = tcase_create("proxies and origins");
        SRunner *runner;
        int failed;

        tcase_add_test(values, names_lead_back_to_their_values);
        tcase_add_test(values, values_are_the_numbers_of_the_original);
        tcase_add_test(values, a_new_record_knows_only_its_names);
        tcase_add_test(values, a_copied_record_is_independent);
        suite_add_tcase(suite, values);
        tcase_add_test(text, characters_are_utf16_units);
        tcase_add_test(text, a_character_that_the_size_cuts_is_truncated);
        tcase_add_test(text, a_label_is_text_of_limited_length);
        suite_add_tcase(suite, text);
        tcase_add_test(remote, a_remote_name_keeps_what_is_asked_for);
        tcase_add_test(remote, user_info_moves_out_of_the_url);
        tcase_add_test(remote, anything_but_a_web_address_is_refused);
        tcase_add_test(remote, characters_that_a_url_may_not_hold_are_refused);
        tcase_add_test(remote, user_info_with_controls_is_refused);
        tcase_add_test(remote, a_remote_name_has_at_most_2200_characters);
        suite_add_tcase(suite, remote);
        tcase_add_test(local, a_local_name_is_the_absolute_path_of_a_file);
        suite_add_tcase(suite, local);
        tcase_add_test(credentials, a_user_name_is_checked_for_its_scheme);
        tcase_add_test(credentials, a_password_has_at_most_65536_units);
        tcase_add_test(credentials, a_secret_fits_its_scheme);
        tcase_add_test(credentials, latin1_has_a_byte_a_character);
        tcase_add_test(credentials, a_surrogate_pair_of_a_password_is_two_units);
        tcase_add_test(credentials, a_password_is_text_without_controls);
        tcase_add_test(credentials, a_long_password_is_too_long_whatever_it_holds);
        suite_add_tcase(suite, credentials);
        tcase_add_test(hosts, a_proxy_has_one_normal_form);
        tcase_add_test(hosts, a_proxy_is_a_host_and_nothing_else);
        tcase_add_test(hosts, an_origin_is_scheme_host_and_port);
        suite_add_tcase(suite, hosts);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
