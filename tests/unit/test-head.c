#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/dosvc-wire.h"

#include "base/macro.h"
#include "base/str.h"

#include "model/limits.h"
#include "worker/http/head.h"

#define UNKNOWN DOSVC_SIZE_UNKNOWN

static void add_lines(Head *head, const char *text)
{
        while (*text) {
                const char *end = strchrnul(text, '\n');
                size_t size = (size_t) (end - text) + (*end ? 1 : 0);

                ck_assert_int_eq(head_add_line(head, text, size), 0);
                text += size;
        }
}

static Head parsed(const char *text)
{
        Head head;

        head_init(&head);
        add_lines(&head, text);
        return head;
}

START_TEST(passport_is_told_apart_by_name_and_side)
{
        static const struct {
                const char *line;
                bool server, proxy;
        } cases[] = {
                { "WWW-Authenticate: Passport1.4 ct=1\r\n", true, false },
                { "www-authenticate: passport1.4\r\n", true, false },
                { "Proxy-Authenticate: Passport1.4 da-status=failed\r\n", false, true },
                { "WWW-Authenticate: Passport1.41\r\n", false, false },
                { "WWW-Authenticate: Basic realm=\"Passport1.4\"\r\n", false, false },
                { "X-Authenticate: Passport1.4\r\n", false, false },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_free_ char *text = NULL;
                Head head;

                ck_assert_int_eq(str_format(&text, "HTTP/1.1 401 No\r\n%s\r\n", cases[i].line), 0);
                head = parsed(text);
                ck_assert_msg(head.server_passport == cases[i].server, "%zu", i);
                ck_assert_msg(head.proxy_passport == cases[i].proxy, "%zu", i);
                head_done(&head);
        }
}
END_TEST

START_TEST(a_status_line_is_strict)
{
        static const struct {
                const char *line;
                unsigned status;
        } lines[] = {
                { "HTTP/1.1 200 OK\r\n", 200 }, { "HTTP/1.0 404\r\n", 404 },
                { "HTTP/2 503 \r\n", 503 },     { "HTTP/1.1 2000 x\r\n", 0 },
                { "HTTP/1.1 20\r\n", 0 },       { "HTTP/1.1 -20 x\r\n", 0 },
                { "HTTP/1.1\r\n", 0 },          { "HTTP/1.1  200\r\n", 0 },
                { "ICY 200 OK\r\n", 0 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
                Head head = parsed(lines[i].line);

                ck_assert_msg(head.status == lines[i].status, "%s", lines[i].line);
                head_done(&head);
        }
}
END_TEST

START_TEST(fields_are_found_in_any_case)
{
        Head head = parsed("HTTP/1.1 302 Found\r\ncontent-LENGTH:  17 \r\nETAG: \"x\"\r\n"
                           "Last-Modified:Thu, 29 Feb 2024 10:00:00 GMT\r\nLocation: /a b\r\n"
                           "date: Fri, 01 Mar 2024 12:00:00 GMT\r\nRetry-After: 5\r\n\r\n");

        ck_assert_uint_eq(head.status, 302);
        ck_assert(head.complete);
        ck_assert_uint_eq(head.content_length, 17);
        ck_assert_str_eq(head.etag, "\"x\"");
        ck_assert_str_eq(head.last_modified, "Thu, 29 Feb 2024 10:00:00 GMT");
        ck_assert_str_eq(head.date, "Fri, 01 Mar 2024 12:00:00 GMT");
        ck_assert_str_eq(head.location, "/a b");
        ck_assert_str_eq(head.retry_after, "5");
        head_done(&head);
}
END_TEST

START_TEST(a_further_status_line_forgets_the_head_before)
{
        Head head = parsed("HTTP/1.1 401 No\r\nETag: \"x\"\r\nContent-Length: 5\r\n\r\n"
                           "HTTP/1.1 200 OK\r\n");

        ck_assert_uint_eq(head.status, 200);
        ck_assert(!head.complete);
        ck_assert_ptr_null(head.etag);
        ck_assert_uint_eq(head.content_length, UNKNOWN);
        ck_assert_str_eq(head.text, "HTTP/1.1 200 OK\n");
        head_done(&head);
}
END_TEST

START_TEST(lines_behind_the_head_are_not_heard)
{
        Head head = parsed("HTTP/1.1 200 OK\r\n\r\nETag: \"late\"\r\n");

        ck_assert_ptr_null(head.etag);
        head_done(&head);
}
END_TEST

START_TEST(lengths_that_differ_or_are_none_conflict)
{
        static const struct {
                const char *lines;
                bool conflict;
        } heads[] = {
                { "Content-Length: 5\r\nContent-Length: 5\r\n", false },
                { "Content-Length: 5\r\nContent-Length: 6\r\n", true },
                { "Content-Length: 5, 5\r\n", true },
                { "Content-Length: -1\r\n", true },
                { "Content-Length: +1\r\n", true },
                { "Content-Length: 0x5\r\n", true },
                { "Content-Length:\r\n", true },
                { "Content-Length: 18446744073709551615\r\n", true },
                { "Content-Length: 9223372036854775807\r\n", false },
                { "Content-Length: 99999999999999999999999999\r\n", true },
        };

        for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
                Head head = parsed(heads[i].lines);

                ck_assert_msg(head.conflicting_length == heads[i].conflict, "%s", heads[i].lines);
                head_done(&head);
        }
}
END_TEST

START_TEST(an_etag_is_ascii_and_single)
{
        static const struct {
                const char *lines;
                const char *etag; /* NULL: not believed */
        } heads[] = {
                { "ETag: \"a\"\r\n", "\"a\"" },
                { "ETag: W/\"a\"\r\n", "W/\"a\"" },
                { "ETag: \"\"\r\n", "\"\"" },
                { "ETag: \"a\"\r\nETag: \"a\"\r\n", "\"a\"" },
                { "ETag: \"a\"\r\nETag: \"b\"\r\n", NULL },
                { "ETag: \"a\"\r\nETag: \"b\"\r\nETag: \"a\"\r\n", NULL },
                { "ETag: a\r\n", "a" },
                { "ETag: W/a\r\n", "W/a" },
                { "ETag: d41d8cd9-1,2\r\n", "d41d8cd9-1,2" },
                { "ETag: *\r\n", NULL },
                { "ETag: W/\r\n", NULL },
                { "ETag: \"a\r\n", NULL },
                { "ETag: a\"\r\n", NULL },
                { "ETag: a b\r\n", NULL },
                /* one that cannot be read says nothing beside one that can */
                { "ETag: \"a\r\nETag: \"a\"\r\n", "\"a\"" },
                { "ETag: \"a\"\r\nETag:\r\n", "\"a\"" },
                { "ETag: \"\r\n", NULL },
                { "ETag: w/\"a\"\r\n", NULL },
                { "ETag: \"a\"b\"\r\n", NULL },
                { "ETag: \"a b\"\r\n", NULL },
                { "ETag: \"\xc3\xa4\"\r\n", NULL },
                { "ETag: \"a\rb\"\r\n", NULL },
                { "ETag:\r\n", NULL },
        };

        for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
                Head head = parsed(heads[i].lines);

                ck_assert_msg(str_equal(head.etag, heads[i].etag), "%s", heads[i].lines);
                ck_assert_msg(heads[i].etag || head.malformed_etag || head.conflicting_etag,
                              "%s",
                              heads[i].lines);
                head_done(&head);
        }
}
END_TEST

START_TEST(validators_over_the_limit_are_not_believed)
{
        char line[LIMIT_VALIDATOR + 100] = "ETag: \"";
        Head head;

        memset(line + 7, 'a', LIMIT_VALIDATOR);
        memcpy(line + 7 + LIMIT_VALIDATOR, "\"\r\n", 4);
        head = parsed(line);
        ck_assert_ptr_null(head.etag);
        head_done(&head);
}
END_TEST

START_TEST(a_last_modified_that_is_no_date_is_not_believed)
{
        static const char good[] = "Thu, 29 Feb 2024 10:00:00 GMT";
        Head head = parsed("Last-Modified: yesterday\r\n");

        ck_assert(!head.conflicting_modified);
        ck_assert_ptr_null(head.last_modified);
        head_done(&head);
        head = parsed(
                "Last-Modified: yesterday\r\nLast-Modified: Thu, 29 Feb 2024 10:00:00 GMT\r\n");
        ck_assert_str_eq(head.last_modified, good);
        head_done(&head);
        head = parsed("Last-Modified: Thu, 29 Feb 2024 10:00:00 GMT\r\n"
                      "Last-Modified: Thu, 29 Feb 2024 10:00:01 GMT\r\n");
        ck_assert(head.conflicting_modified);
        ck_assert_ptr_null(head.last_modified);
        head_done(&head);
}
END_TEST

START_TEST(a_coding_has_one_form)
{
        static const struct {
                const char *lines;
                const char *coding; /* NULL: none */
        } heads[] = {
                { "", NULL },
                { "Content-Encoding: gzip\r\n", "gzip" },
                { "Content-Encoding: GZip \r\n", "gzip" },
                { "Content-Encoding: x-gzip\r\n", "gzip" },
                { "Content-Encoding: identity\r\n", NULL },
                { "Content-Encoding:\r\n", NULL },
                { "Content-Encoding: ,\t, identity,\r\n", NULL },
                { "Content-Encoding: gzip , br\r\n", "gzip,br" },
                { "Content-Encoding: gzip\r\nContent-Encoding: br\r\n", "gzip,br" },
                { "Content-Encoding: gzip br\r\n", HEAD_CODING_UNKNOWN },
                { "Content-Encoding: gz\"ip\r\n", HEAD_CODING_UNKNOWN },
                { "Content-Encoding: ?, gzip\r\n", HEAD_CODING_UNKNOWN },
        };

        for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
                Head head = parsed(heads[i].lines);

                ck_assert_msg(str_equal(head.coding, heads[i].coding),
                              "%s: %s",
                              heads[i].lines,
                              head.coding ? head.coding : "none");
                head_done(&head);
        }
}
END_TEST

START_TEST(a_coding_over_the_limit_is_unknown)
{
        char line[LIMIT_VALIDATOR + 100];
        size_t size = 0;
        Head head;

        while (size + 10 < sizeof(line))
                size += (size_t) snprintf(line + size,
                                          sizeof(line) - size,
                                          "%s",
                                          size == 0 ? "Content-Encoding: gzip" : ",br");
        (void) snprintf(line + size, sizeof(line) - size, "\r\n");
        head = parsed(line);
        ck_assert_str_eq(head.coding, HEAD_CODING_UNKNOWN);
        head_done(&head);
}
END_TEST

START_TEST(a_type_is_what_stands_before_its_parameters)
{
        Head head = parsed("Content-Type: Text/HTML; charset=x\r\n");

        ck_assert_str_eq(head.media_type, "text/html");
        head_done(&head);
}
END_TEST

START_TEST(content_ranges_are_strict)
{
        static const struct {
                const char *value;
                bool good;
                HeadRange range;
        } values[] = {
                { "bytes 0-4/10", true, { true, 0, 4, 10 } },
                { "BYTES 5-9/10", true, { true, 5, 9, 10 } },
                { "bytes 5-9/*", true, { true, 5, 9, UNKNOWN } },
                { "bytes */10", true, { false, 0, 0, 10 } },
                { "bytes 9-9/10", true, { true, 9, 9, 10 } },
                { "bytes 5-4/10", false, { 0 } },
                { "bytes 5-10/10", false, { 0 } },
                { "bytes */*", false, { 0 } },
                { "bytes 5-9", false, { 0 } },
                { "bytes 5/10", false, { 0 } },
                { "bytes -9/10", false, { 0 } },
                { "bytes 5-/10", false, { 0 } },
                { "bytes 5-9/", false, { 0 } },
                { "bytes 5-9/10x", false, { 0 } },
                { "bytes 5-9/10/11", false, { 0 } },
                { "bytes  5-9/10", false, { 0 } },
                { "bytes 5 - 9/10", false, { 0 } },
                { "bytes=5-9/10", false, { 0 } },
                { "items 5-9/10", false, { 0 } },
                { "5-9/10", false, { 0 } },
                { "", false, { 0 } },
                { "bytes 18446744073709551615-18446744073709551616/1", false, { 0 } },
                { "bytes 9223372036854775808-9223372036854775809/*", false, { 0 } },
                { "bytes 0000000000000000000000000000000000000000000000000000000000000000000000"
                  "000000-4/10",
                  false,
                  { 0 } },
        };

        for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
                HeadRange range = { 0 };
                int r = head_parse_range(values[i].value, &range);

                ck_assert_msg((r == 0) == values[i].good, "%s", values[i].value);
                ck_assert_msg(range.satisfied == values[i].range.satisfied &&
                                      range.first == values[i].range.first &&
                                      range.last == values[i].range.last &&
                                      range.total == values[i].range.total,
                              "%s",
                              values[i].value);
        }
}
END_TEST

START_TEST(two_content_ranges_are_bad)
{
        Head head = parsed("Content-Range: bytes 0-4/10\r\nContent-Range: bytes 0-4/10\r\n");

        ck_assert(head.has_range && head.bad_range);
        head_done(&head);
}
END_TEST

START_TEST(what_is_kept_is_printable_and_not_confidential)
{
        Head head =
                parsed("HTTP/1.1 200 \xe4\x01\r\nSet-Cookie: a=secret\r\nset-cookie2: secret\r\n"
                       "WWW-Authenticate: Negotiate secret\r\nProxy-Authenticate: secret\r\n"
                       "Authentication-Info: secret\r\nX-Tab:\ta\r\nno field\r\n: secret\r\n"
                       " folded secret\r\n\r\n");

        ck_assert_str_eq(head.text, "HTTP/1.1 200 ??\nX-Tab: a\n");
        head_done(&head);
}
END_TEST

START_TEST(a_field_with_a_nul_is_dropped)
{
        static const char line[] = "ETag: \"a\"\0b\r\n";
        Head head;

        head_init(&head);
        ck_assert_int_eq(head_add_line(&head, line, sizeof(line) - 1), 0);
        ck_assert_ptr_null(head.etag);
        head_done(&head);
}
END_TEST

START_TEST(what_is_kept_has_a_limit)
{
        Head head = parsed("HTTP/1.1 200 OK\r\n");
        char line[1000];

        memset(line, 'x', sizeof(line));
        line[10] = ':';
        for (unsigned i = 0; i < 100; i++)
                ck_assert_int_eq(head_add_line(&head, line, sizeof(line)), 0);
        ck_assert_uint_le(strlen(head.text), LIMIT_RESPONSE_HEADERS);
        ck_assert_uint_gt(strlen(head.text), LIMIT_RESPONSE_HEADERS - 2 * sizeof(line));
        head_done(&head);
}
END_TEST

START_TEST(retry_after_is_seconds_or_a_date)
{
        static const struct {
                const char *lines;
                uint64_t seconds;
        } heads[] = {
                { "X: y\r\n", 0 },
                { "Retry-After: 120\r\n", 120 },
                { "Retry-After: 0\r\n", 0 },
                { "Retry-After: -5\r\n", 0 },
                { "Retry-After: soon\r\n", 0 },
                { "Retry-After: 99999999999999999999\r\n", 30 * 86400 },
                { "Retry-After: Fri, 01 Mar 2024 12:01:00 GMT\r\n", 60 },
                { "Retry-After: Fri, 01 Mar 2024 11:00:00 GMT\r\n", 0 },
                { "Retry-After: Fri, 01 Mar 2034 12:00:00 GMT\r\n", 30 * 86400 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
                Head head = parsed(heads[i].lines);

                ck_assert_msg(head_retry_after_sec(&head, 1709294400) == heads[i].seconds,
                              "%s",
                              heads[i].lines);
                head_done(&head);
        }
}
END_TEST

START_TEST(a_kept_field_is_found_again)
{
        static const char text[] = "HTTP/1.1 200 OK\nX-Date: no\nDate:  a b \nDate: c\nEmpty:\n";
        _cleanup_free_ char *date = head_find_field(text, "date");

        ck_assert_str_eq(date, "a b");
        ck_assert_ptr_null(head_find_field(text, "Empty"));
        ck_assert_ptr_null(head_find_field(text, "Dat"));
        ck_assert_ptr_null(head_find_field("", "Date"));
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("head");
        TCase *lines = tcase_create("lines"), *values = tcase_create("values"),
              *text = tcase_create("text");
        SRunner *runner;
        int failed;

        tcase_add_test(lines, a_status_line_is_strict);
        tcase_add_test(lines, passport_is_told_apart_by_name_and_side);
        tcase_add_test(lines, fields_are_found_in_any_case);
        tcase_add_test(lines, a_further_status_line_forgets_the_head_before);
        tcase_add_test(lines, lines_behind_the_head_are_not_heard);
        tcase_add_test(lines, a_field_with_a_nul_is_dropped);
        tcase_add_test(values, lengths_that_differ_or_are_none_conflict);
        tcase_add_test(values, an_etag_is_ascii_and_single);
        tcase_add_test(values, validators_over_the_limit_are_not_believed);
        tcase_add_test(values, a_last_modified_that_is_no_date_is_not_believed);
        tcase_add_test(values, a_coding_has_one_form);
        tcase_add_test(values, a_coding_over_the_limit_is_unknown);
        tcase_add_test(values, a_type_is_what_stands_before_its_parameters);
        tcase_add_test(values, content_ranges_are_strict);
        tcase_add_test(values, two_content_ranges_are_bad);
        tcase_add_test(values, retry_after_is_seconds_or_a_date);
        tcase_add_test(text, what_is_kept_is_printable_and_not_confidential);
        tcase_add_test(text, what_is_kept_has_a_limit);
        tcase_add_test(text, a_kept_field_is_found_again);
        suite_add_tcase(suite, lines);
        suite_add_tcase(suite, values);
        suite_add_tcase(suite, text);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
