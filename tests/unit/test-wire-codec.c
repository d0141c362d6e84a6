#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/worker-wire.h"

#include "base/str.h"

#include "model/limits.h"
#include "model/wire-codec.h"
#include "tests/lib/wire-message.h"

static char *letters(size_t n)
{
        char *s = malloc(n + 1);

        ck_assert_ptr_nonnull(s);
        memset(s, 'x', n);
        s[n] = '\0';
        return s;
}

/* A record with a value in each field; texts are not to be freed. */
static FileRecord full_record(uint32_t index)
{
        static char remote[] = "http://host/\xc3\xa4", local[] = "/dir/file",
                    temp[] = ".file.dosvc-1", etag[] = "W/\"1\"",
                    modified[] = "Thu, 29 Feb 2024 10:00:00 GMT", url[] = "https://cdn/x",
                    headers[] = "HTTP/1.1 200 OK\nServer: x\n";

        return (FileRecord){ .remote_name = remote,
                             .local_name = local,
                             .temp_name = temp,
                             .etag = etag,
                             .last_modified = modified,
                             .effective_url = url,
                             .headers = headers,
                             .inode = 0xfedcba9876543210,
                             .offset_bytes = 300,
                             .total_bytes = UINT64_MAX - 1,
                             .index = index };
}

static void check_equal(const FileRecord *a, const FileRecord *b)
{
        ck_assert_uint_eq(a->index, b->index);
        ck_assert_str_eq(a->remote_name, b->remote_name);
        ck_assert_str_eq(a->local_name, b->local_name);
        ck_assert_str_eq(a->temp_name, b->temp_name);
        ck_assert_uint_eq(a->inode, b->inode);
        ck_assert_uint_eq(a->offset_bytes, b->offset_bytes);
        ck_assert_uint_eq(a->total_bytes, b->total_bytes);
        ck_assert_str_eq(a->etag, b->etag);
        ck_assert_str_eq(a->last_modified, b->last_modified);
        ck_assert_str_eq(a->effective_url, b->effective_url);
        ck_assert_str_eq(a->headers, b->headers);
        ck_assert(a->finished == b->finished);
}

/* Reads one record as the other side does. */
static int read_one(const FileRecord *record)
{
        FileRecord *read = NULL;
        size_t n = 4711;
        int r;

        message_teardown();
        message_setup();
        ck_assert_int_eq(wire_append_files(message, record, 1), 0);
        message_seal();
        r = wire_read_files(message, 100, &read, &n);
        if (r < 0) {
                ck_assert_ptr_null(read);
                ck_assert_uint_eq(n, 4711);
        } else {
                ck_assert_uint_eq(n, 1);
                check_equal(record, read);
                file_records_free(read, n);
        }
        return r;
}

/* Records ------------------------------------------------------------------------------------ */

START_TEST(records_come_out_as_they_went_in)
{
        FileRecord sent[9], *read = NULL;
        size_t n = 0;

        for (uint32_t i = 0; i < ARRAY_SIZE(sent); i++)
                sent[i] = full_record(i * 1000);
        sent[1].total_bytes = DOSVC_SIZE_UNKNOWN;
        sent[2].total_bytes = sent[2].offset_bytes;
        sent[2].finished = true;
        sent[8].index = UINT32_MAX;
        ck_assert_int_eq(wire_append_files(message, sent, ARRAY_SIZE(sent)), 0);
        ck_assert_int_ge(sd_bus_message_append(message, "s", "behind"), 0);
        message_seal();

        ck_assert_int_eq(wire_read_files(message, 100, &read, &n), 0);
        ck_assert_uint_eq(n, ARRAY_SIZE(sent));
        for (size_t i = 0; i < n; i++)
                check_equal(&sent[i], &read[i]);
        ck_assert_ptr_null(file_records_free(read, n));
        /* The message stands behind the array. */
        ck_assert_int_gt(sd_bus_message_peek_type(message, NULL, NULL), 0);
}
END_TEST

START_TEST(no_records_are_an_empty_array)
{
        FileRecord *read = NULL;
        size_t n = 4711;

        ck_assert_int_eq(wire_append_files(message, NULL, 0), 0);
        message_seal();
        ck_assert_int_eq(wire_read_files(message, 100, &read, &n), 0);
        ck_assert_uint_eq(n, 0);
        file_records_free(read, n);
        ck_assert_ptr_null(file_records_free(NULL, 0));
}
END_TEST

START_TEST(a_text_is_as_long_as_its_limit_and_no_longer)
{
        FileRecord record = full_record(0);
        const struct {
                char **text;
                size_t limit;
        } cases[] = {
                { &record.remote_name, LIMIT_REMOTE_NAME * 3 },
                { &record.local_name, LIMIT_LOCAL_NAME },
                { &record.temp_name, LIMIT_FILE_NAME },
                { &record.etag, LIMIT_VALIDATOR },
                { &record.last_modified, LIMIT_VALIDATOR },
                { &record.effective_url, LIMIT_WORKER_TEXT },
                { &record.headers, LIMIT_RESPONSE_HEADERS },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_free_ char *most = letters(cases[i].limit);
                _cleanup_free_ char *more = letters(cases[i].limit + 1);
                char *usual = *cases[i].text;
                int r;

                *cases[i].text = most;
                r = read_one(&record);
                ck_assert_msg(r == 0, "%zu: %d", i, r);
                *cases[i].text = more;
                r = read_one(&record);
                ck_assert_msg(r == -EBADMSG, "%zu: %d", i, r);
                *cases[i].text = usual;
        }
}
END_TEST

START_TEST(a_temporary_name_is_never_a_path)
{
        static const struct {
                const char *name;
                int result;
        } cases[] = {
                { "", 0 },
                { ".file.part", 0 },
                { "...", 0 },
                { "..a", 0 },
                { ".", -EBADMSG },
                { "..", -EBADMSG },
                { "/", -EBADMSG },
                { "a/b", -EBADMSG },
                { "/etc/passwd", -EBADMSG },
                { "../file", -EBADMSG },
                { "file/", -EBADMSG },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                FileRecord record = full_record(0);
                char name[16];
                int r;

                (void) snprintf(name, sizeof(name), "%s", cases[i].name);
                record.temp_name = name;
                r = read_one(&record);
                ck_assert_msg(r == cases[i].result, "%s: %d", cases[i].name, r);
        }
}
END_TEST

START_TEST(numbers_make_sense_together)
{
        static const struct {
                uint64_t offset, total;
                bool finished;
                int result;
        } cases[] = {
                { 0, 0, false, 0 },
                { 0, 0, true, 0 },
                { 5, 10, false, 0 },
                { 10, 10, false, 0 },
                { 10, 10, true, 0 },
                { 5, DOSVC_SIZE_UNKNOWN, false, 0 },
                { 11, 10, false, -EBADMSG },
                { UINT64_MAX, 10, false, -EBADMSG },
                { 9, 10, true, -EBADMSG },
                { 11, 10, true, -EBADMSG },
                { 5, DOSVC_SIZE_UNKNOWN, true, -EBADMSG },
                { UINT64_MAX, DOSVC_SIZE_UNKNOWN, true, -EBADMSG },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                FileRecord record = full_record(0);
                int r;

                record.offset_bytes = cases[i].offset;
                record.total_bytes = cases[i].total;
                record.finished = cases[i].finished;
                r = read_one(&record);
                ck_assert_msg(r == cases[i].result, "%zu: %d", i, r);
        }
}
END_TEST

START_TEST(one_bad_record_spoils_the_array)
{
        FileRecord sent[6], *read = NULL;
        char path[] = "../x";
        size_t n;

        for (uint32_t i = 0; i < ARRAY_SIZE(sent); i++)
                sent[i] = full_record(i);
        sent[5].temp_name = path;
        ck_assert_int_eq(wire_append_files(message, sent, ARRAY_SIZE(sent)), 0);
        message_seal();
        ck_assert_int_eq(wire_read_files(message, 100, &read, &n), -EBADMSG);
        ck_assert_ptr_null(read);
}
END_TEST

START_TEST(another_signature_is_refused)
{
        FileRecord *read = NULL;
        char **strings = NULL;
        size_t n;

        message_seal(); /* nothing at all */
        ck_assert_int_eq(wire_read_files(message, 100, &read, &n), -EBADMSG);
        ck_assert_int_eq(wire_read_strings(message, 9, &strings), -EBADMSG);

        message_teardown();
        message_setup();
        ck_assert_int_ge(sd_bus_message_append(message, "a(us)u", 1, 7, "x", 1), 0);
        message_seal();
        ck_assert_int_eq(wire_read_files(message, 100, &read, &n), -EBADMSG);
        ck_assert_int_eq(wire_read_strings(message, 9, &strings), -EBADMSG);

        message_teardown();
        message_setup();
        ck_assert_int_ge(sd_bus_message_append(message, "s", "x"), 0);
        message_seal();
        ck_assert_int_eq(wire_read_files(message, 100, &read, &n), -EBADMSG);
        ck_assert_int_eq(wire_read_strings(message, 9, &strings), -EBADMSG);
        ck_assert_ptr_null(read);
        ck_assert_ptr_null(strings);
}
END_TEST

/* Strings ------------------------------------------------------------------------------------ */

static int read_strings(char *const *sent, size_t limit)
{
        char **read = NULL;
        int r;

        message_teardown();
        message_setup();
        ck_assert_int_ge(sd_bus_message_append_strv(message, (char **) (uintptr_t) sent), 0);
        message_seal();
        r = wire_read_strings(message, limit, &read);
        if (r < 0) {
                ck_assert_ptr_null(read);
                return r;
        }
        ck_assert_uint_eq(strings_count(read), strings_count(sent));
        for (size_t i = 0; sent && sent[i]; i++)
                ck_assert_str_eq(read[i], sent[i]);
        strings_free(read);
        return r;
}

START_TEST(strings_come_out_as_they_went_in)
{
        char basic[] = "basic", empty[] = "", digest[] = "digest";
        char *const sent[] = { basic, empty, digest, NULL };

        ck_assert_int_eq(read_strings(sent, 3), 0);
        ck_assert_int_eq(read_strings(sent, 1000), 0);
        ck_assert_int_eq(read_strings(NULL, 0), 0);
}
END_TEST

START_TEST(more_strings_than_the_limit_are_refused)
{
        char a[] = "a", b[] = "b";
        char *const two[] = { a, b, NULL };

        ck_assert_int_eq(read_strings(two, 2), 0);
        ck_assert_int_eq(read_strings(two, 1), -EBADMSG);
        ck_assert_int_eq(read_strings(two, 0), -EBADMSG);
}
END_TEST

START_TEST(a_string_over_the_limit_is_refused)
{
        _cleanup_free_ char *most = letters(LIMIT_WORKER_TEXT);
        _cleanup_free_ char *more = letters(LIMIT_WORKER_TEXT + 1);
        char *const one[] = { most, NULL }, *const another[] = { most, more, NULL };

        ck_assert_int_eq(read_strings(one, 9), 0);
        ck_assert_int_eq(read_strings(another, 9), -EBADMSG);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("wire-codec");
        TCase *records = tcase_create("records");
        TCase *strings = tcase_create("strings");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(records, message_setup, message_teardown);
        tcase_add_test(records, records_come_out_as_they_went_in);
        tcase_add_test(records, no_records_are_an_empty_array);
        tcase_add_test(records, a_text_is_as_long_as_its_limit_and_no_longer);
        tcase_add_test(records, a_temporary_name_is_never_a_path);
        tcase_add_test(records, numbers_make_sense_together);
        tcase_add_test(records, one_bad_record_spoils_the_array);
        tcase_add_test(records, another_signature_is_refused);
        suite_add_tcase(suite, records);
        tcase_add_checked_fixture(strings, message_setup, message_teardown);
        tcase_add_test(strings, strings_come_out_as_they_went_in);
        tcase_add_test(strings, more_strings_than_the_limit_are_refused);
        tcase_add_test(strings, a_string_over_the_limit_is_refused);
        suite_add_tcase(suite, strings);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
