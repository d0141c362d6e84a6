#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/worker-wire.h"

#include "base/macro.h"

#include "model/limits.h"
#include "model/wire-failure.h"
#include "tests/lib/wire-message.h"

/* The files of the worker: sorted, with gaps. */
static const FileRecord files[] = { { .index = 1 }, { .index = 5 }, { .index = 6 } };

static int read_one(Failure *ret)
{
        message_seal();
        return wire_read_failure(message, files, ARRAY_SIZE(files), ret);
}

/* The result of reading these values. */
static int read_values(uint32_t file,
                       uint32_t code,
                       const char *context,
                       const char *description,
                       const char *url)
{
        Failure failure = FAILURE_NONE;
        int r;

        message_teardown();
        message_setup();
        ck_assert_int_ge(sd_bus_message_append(message,
                                               WORKER_FAILURE_SIGNATURE,
                                               file,
                                               1,
                                               code,
                                               context,
                                               description,
                                               url,
                                               UINT64_C(7)),
                         0);
        r = read_one(&failure);
        failure_done(&failure);
        return r;
}

START_TEST(a_failure_comes_out_as_it_went_in)
{
        Failure sent = FAILURE_NONE, got = FAILURE_NONE;

        failure_set(&sent, 7, true, ERROR_CONTEXT_LOCAL_FILE, "http://host/", "The disk is full.");
        sent.file = 5;
        sent.retry_after_sec = UINT64_MAX;
        ck_assert_int_ge(wire_append_failure(message, &sent), 0);
        ck_assert_int_eq(read_one(&got), 0);
        ck_assert_uint_eq(got.code, 7);
        ck_assert(got.transient);
        ck_assert_uint_eq(got.context, ERROR_CONTEXT_LOCAL_FILE);
        ck_assert_uint_eq(got.file, 5);
        ck_assert_uint_eq(got.retry_after_sec, UINT64_MAX);
        ck_assert_str_eq(got.description, "The disk is full.");
        ck_assert_str_eq(got.url, "http://host/");
        failure_done(&sent);
        failure_done(&got);
}
END_TEST

START_TEST(texts_and_files_that_are_not_there_stay_away)
{
        Failure sent = { .code = 7, .file = FAILURE_NO_FILE }, got = FAILURE_NONE;

        ck_assert_int_ge(wire_append_failure(message, &sent), 0);
        ck_assert_int_eq(read_one(&got), 0);
        ck_assert(!got.transient);
        ck_assert_uint_eq(got.file, FAILURE_NO_FILE);
        ck_assert_ptr_null(got.description);
        ck_assert_ptr_null(got.url);
}
END_TEST

START_TEST(a_failure_is_about_a_file_of_the_worker_or_none)
{
        static const struct {
                uint32_t file;
                int result;
        } cases[] = {
                { 0, -EBADMSG },
                { 1, 0 },
                { 2, -EBADMSG },
                { 5, 0 },
                { 6, 0 },
                { 7, -EBADMSG },
                { FAILURE_NO_FILE, 0 },
                { FAILURE_NO_FILE - 1, -EBADMSG },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                ck_assert_int_eq(read_values(cases[i].file, 7, "remote-file", "", ""),
                                 cases[i].result);
}
END_TEST

START_TEST(a_failure_has_a_code_and_a_known_context)
{
        ck_assert_int_eq(read_values(1, 1, "remote-file", "", ""), 0);
        ck_assert_int_eq(read_values(1, 0, "remote-file", "", ""), -EBADMSG);
        ck_assert_int_eq(read_values(1, 1, "the-moon", "", ""), -EBADMSG);
}
END_TEST

START_TEST(a_text_is_as_long_as_its_limit_and_no_longer)
{
        char most[LIMIT_WORKER_TEXT + 1], more[LIMIT_WORKER_TEXT + 2];

        memset(most, 'x', sizeof(most));
        memset(more, 'x', sizeof(more));
        most[sizeof(most) - 1] = more[sizeof(more) - 1] = '\0';
        ck_assert_int_eq(read_values(1, 1, "remote-file", most, most), 0);
        ck_assert_int_eq(read_values(1, 1, "remote-file", more, ""), -EBADMSG);
        ck_assert_int_eq(read_values(1, 1, "remote-file", "", more), -EBADMSG);
}
END_TEST

START_TEST(another_signature_is_refused)
{
        Failure failure = FAILURE_NONE;
        FailureList list = { 0 };

        ck_assert_int_ge(sd_bus_message_append(message, "us", 1, "x"), 0);
        ck_assert_int_eq(read_one(&failure), -EBADMSG);
        ck_assert_int_ge(sd_bus_message_rewind(message, 1), 0);
        ck_assert_int_eq(wire_read_failures(message, files, ARRAY_SIZE(files), &list), -EBADMSG);
        message_teardown();
        message_setup();
        ck_assert_int_eq(read_one(&failure), -EBADMSG);
}
END_TEST

/* Arrays ------------------------------------------------------------------------------------- */

static void add(FailureList *list, uint32_t file)
{
        Failure failure = FAILURE_NONE;

        failure_set(&failure, 7, false, ERROR_CONTEXT_LOCAL_FILE, NULL, "It failed.");
        failure.file = file;
        ck_assert_int_eq(failure_list_add(list, &failure), 0);
        ck_assert_uint_eq(failure.code, 0);
}

START_TEST(several_failures_come_out_as_they_went_in)
{
        FailureList sent = { 0 }, got = { 0 };

        for (size_t i = 0; i < (size_t) _i; i++)
                add(&sent, files[i].index);
        ck_assert_int_ge(wire_append_failures(message, &sent), 0);
        message_seal();
        ck_assert(sd_bus_message_has_signature(message, WORKER_FAILURES_SIGNATURE));
        ck_assert_int_eq(wire_read_failures(message, files, ARRAY_SIZE(files), &got), 0);
        ck_assert_uint_eq(got.n_entries, sent.n_entries);
        for (size_t i = 0; i < got.n_entries; i++) {
                ck_assert_uint_eq(got.entries[i].file, files[i].index);
                ck_assert_str_eq(got.entries[i].description, "It failed.");
        }
        failure_list_done(&sent);
        failure_list_done(&got);
}
END_TEST

START_TEST(a_bad_entry_spoils_the_array)
{
        static const uint32_t bad[] = { 2, FAILURE_NO_FILE };
        FailureList sent = { 0 }, got = { 0 };

        add(&sent, 1);
        add(&sent, bad[_i]);
        ck_assert_int_ge(wire_append_failures(message, &sent), 0);
        message_seal();
        ck_assert_int_eq(wire_read_failures(message, files, ARRAY_SIZE(files), &got), -EBADMSG);
        ck_assert_ptr_null(got.entries);
        failure_list_done(&sent);
}
END_TEST

START_TEST(there_are_no_more_failures_than_files)
{
        FailureList sent = { 0 }, got = { 0 };

        for (size_t i = 0; i < ARRAY_SIZE(files) + 1; i++)
                add(&sent, 1);
        ck_assert_int_ge(wire_append_failures(message, &sent), 0);
        message_seal();
        ck_assert_int_eq(wire_read_failures(message, files, ARRAY_SIZE(files), &got), -EBADMSG);
        failure_list_done(&sent);
}
END_TEST

static Suite *wire_failure_suite(void)
{
        Suite *suite = suite_create("wire-failure");
        TCase *one = tcase_create("one"), *several = tcase_create("several");

        tcase_add_checked_fixture(one, message_setup, message_teardown);
        tcase_add_test(one, a_failure_comes_out_as_it_went_in);
        tcase_add_test(one, texts_and_files_that_are_not_there_stay_away);
        tcase_add_test(one, a_failure_is_about_a_file_of_the_worker_or_none);
        tcase_add_test(one, a_failure_has_a_code_and_a_known_context);
        tcase_add_test(one, a_text_is_as_long_as_its_limit_and_no_longer);
        tcase_add_test(one, another_signature_is_refused);
        suite_add_tcase(suite, one);

        tcase_add_checked_fixture(several, message_setup, message_teardown);
        tcase_add_loop_test(several, several_failures_come_out_as_they_went_in, 0, 4);
        tcase_add_loop_test(several, a_bad_entry_spoils_the_array, 0, 2);
        tcase_add_test(several, there_are_no_more_failures_than_files);
        suite_add_tcase(suite, several);
        return suite;
}

int main(void)
{
        SRunner *runner = srunner_create(wire_failure_suite());
        int n_failures;

        srunner_run_all(runner, CK_ENV);
        n_failures = srunner_ntests_failed(runner);
        srunner_free(runner);
        return n_failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
