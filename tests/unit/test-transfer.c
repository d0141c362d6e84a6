/* The file that a transfer makes of the answers of a source, whatever protocol that speaks. */
#include <check.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macro.h"
#include "base/str.h"

#include "model/error-code.h"
#include "model/file-record.h"
#include "tests/lib/fake-source.h"
#include "tests/lib/temp-dir.h"
#include "worker/destinations.h"
#include "worker/transfer.h"

#define URL  "proto://host/file"
#define TEXT "0123456789"
#define SIZE 10

static char *dir; /* owned by the fixture, as are the next */
static sd_event *event;
static Destinations *destinations;
static TransferContext context;
static FileRecord record;
static Transfer *transfer;

static unsigned n_begun, n_ended;
static Failure ended_with;

static void on_begun(void *userdata, Transfer *of)
{
        n_begun++;
}

static void on_ended(void *userdata, Transfer *of, Failure *failure)
{
        n_ended++;
        if (failure)
                ended_with = failure_steal(failure);
}

static const TransferEvents events = { .begun = on_begun, .ended = on_ended };

static void setup(void)
{
        _cleanup_free_ char *local = NULL;

        dir = temp_dir_new();
        local = temp_dir_path(dir, "file");
        ck_assert_int_eq(sd_event_new(&event), 0);
        ck_assert_int_eq(destinations_new(&destinations), 0);
        context = (TransferContext){ .event = event };
        ck_assert_int_eq(destinations_add(destinations, local, &context.destination), 0);
        ck_assert_int_eq(file_record_init(&record, 0, URL, local), 0);
        ended_with = FAILURE_NONE;
}

static void teardown(void)
{
        transfer = transfer_free(transfer);
        file_record_done(&record);
        failure_done(&ended_with);
        destinations = destinations_free(destinations);
        event = sd_event_unref(event);
        dir = temp_dir_remove(dir);
}

static void run_loop(void)
{
        while (sd_event_run(event, 0) > 0)
                ;
}

/* Begins the transfer, which asks for something or ends. */
static void start(void)
{
        ck_assert_int_eq(transfer_new(&context, &record, &events, NULL, &transfer), 0);
        run_loop();
}

/* Ends it, so that another worker can go on with what is on disk. */
static void stop(void)
{
        ck_assert_int_ge(transfer_sync(transfer), 0);
        transfer = transfer_free(transfer);
        n_ended = 0;
}

static void done(void)
{
        fake_source_done(NULL);
        run_loop();
}

/* An answer with those bytes of a file of SIZE bytes. */
static int begin(bool continues, uint64_t from, uint64_t to)
{
        return fake_source_begin(&(SourceAnswer){
                .continues = continues,
                .reason = "Another version.",
                .url = URL "2",
                .etag = "\"1\"",
                .last_modified = "",
                .coding = "",
                .headers = "headers",
                .body_begin = from,
                .body_end = to,
                .file_size_bytes = SIZE,
        });
}

static void want_parts(const FileRange *ranges, uint32_t n)
{
        record.ranges = calloc(n, sizeof(*ranges));
        ck_assert_ptr_nonnull(record.ranges);
        memcpy(record.ranges, ranges, n * sizeof(*ranges));
        record.n_ranges = n;
}

static void check_whole(const char *expected)
{
        _cleanup_free_ char *path = temp_dir_path(dir, record.temp_name), *text = NULL;

        ck_assert_uint_eq(n_ended, 1);
        ck_assert_msg(ended_with.code == 0, "%s", ended_with.description);
        ck_assert_int_eq(transfer_sync(transfer), 1);
        ck_assert_uint_eq(record.offset_bytes, strlen(expected));
        ck_assert_uint_eq(record.total_bytes, strlen(expected));
        text = temp_dir_read(path, NULL);
        ck_assert_str_eq(text, expected);
}

static void check_failed(int code)
{
        char name[ERROR_CODE_NAME_MAX];

        ck_assert_uint_eq(n_ended, 1);
        ck_assert_msg(ended_with.code == (uint32_t) code,
                      "%s: %s",
                      error_code_name(ended_with.code, name),
                      ended_with.description);
        ck_assert(fake_source_is_halted());
}

START_TEST(an_answer_becomes_the_file)
{
        start();
        ck_assert_uint_eq(fake_source_fetches(), 1);
        ck_assert_uint_eq(fake_source_position(), 0);
        ck_assert_int_eq(begin(false, 0, SIZE), 0);
        ck_assert_uint_ge(n_begun, 1);
        ck_assert_int_eq(fake_source_body("01234"), 0);
        ck_assert_uint_eq(transfer_received(transfer), 5);
        ck_assert_int_eq(fake_source_body("56789"), 0);
        done();
        check_whole(TEXT);
        ck_assert_str_eq(record.etag, "\"1\"");
        ck_assert_str_eq(record.effective_url, URL "2");
        ck_assert_uint_eq(record.restarts, 0);
}
END_TEST

START_TEST(an_answer_of_unknown_length_ends_where_it_ends)
{
        start();
        ck_assert_int_eq(fake_source_begin(&(SourceAnswer){
                                 .reason = "",
                                 .url = URL,
                                 .etag = "",
                                 .last_modified = "",
                                 .coding = "",
                                 .headers = "",
                                 .body_end = DOSVC_SIZE_UNKNOWN,
                                 .file_size_bytes = DOSVC_SIZE_UNKNOWN,
                         }),
                         0);
        ck_assert_int_eq(fake_source_body("012"), 0);
        done();
        check_whole("012");
}
END_TEST

START_TEST(a_body_of_another_length_than_announced_is_a_failure)
{
        start();
        ck_assert_int_eq(begin(false, 0, SIZE), 0);
        if (_i)
                ck_assert_int_lt(fake_source_body(TEXT "x"), 0);
        else
                ck_assert_int_eq(fake_source_body("0123"), 0);
        done();
        check_failed(ERROR_CODE_INVALID_SERVER_RESPONSE);
        ck_assert(ended_with.transient);
}
END_TEST

START_TEST(a_failure_of_the_source_is_passed_on)
{
        Failure failure = FAILURE_NONE;

        start();
        failure_set(&failure,
                    ERROR_CODE_HTTP(404),
                    false,
                    ERROR_CONTEXT_REMOTE_FILE,
                    URL,
                    "%s",
                    "Gone.");
        fake_source_done(&failure);
        ck_assert_uint_eq(failure.code, 0);
        run_loop();
        check_failed((int) ERROR_CODE_HTTP(404));
        ck_assert_str_eq(ended_with.description, "Gone.");
}
END_TEST

START_TEST(each_part_is_asked_for_by_its_position)
{
        static const FileRange parts[] = { { 5, 3 }, { 0, 2 } };

        want_parts(parts, 2);
        start();
        ck_assert_int_eq(begin(false, 5, 8), 0);
        ck_assert_int_eq(fake_source_body("567"), 0);
        done();
        ck_assert_uint_eq(fake_source_fetches(), 2);
        ck_assert_uint_eq(fake_source_position(), 3);
        ck_assert_int_eq(begin(true, 0, 2), 0);
        ck_assert_int_eq(fake_source_body("01"), 0);
        done();
        check_whole("56701");
}
END_TEST

START_TEST(a_part_that_ends_early_is_a_failure)
{
        static const FileRange parts[] = { { 5, 3 }, { 0, 2 } };

        want_parts(parts, 2);
        start();
        ck_assert_int_eq(begin(false, 5, 8), 0);
        ck_assert_int_eq(fake_source_body("56"), 0);
        done();
        check_failed(ERROR_CODE_INVALID_SERVER_RESPONSE);
        ck_assert_uint_eq(fake_source_fetches(), 1);
}
END_TEST

START_TEST(parts_are_cut_out_of_a_whole_file)
{
        static const FileRange parts[] = { { 1, 2 }, { 5, 3 } };

        want_parts(parts, 2);
        start();
        ck_assert_int_eq(begin(false, 0, SIZE), 0);
        ck_assert_int_eq(fake_source_body("01"), 0);
        ck_assert_int_eq(fake_source_body("23456"), 0);
        ck_assert_int_eq(fake_source_body("789"), 1); /* the rest is not wanted */
        done();
        check_whole("12567");
        ck_assert_uint_eq(fake_source_fetches(), 1);
}
END_TEST

START_TEST(a_file_without_the_parts_wanted_is_a_failure)
{
        static const FileRange parts[] = { { SIZE, 1 } };

        want_parts(parts, 1);
        start();
        ck_assert_int_lt(begin(false, 0, SIZE), 0);
        done();
        check_failed(ERROR_CODE_INVALID_RANGE);
}
END_TEST

/* Leaves what an earlier worker would have left: the first five bytes. */
static void leave_half(void)
{
        start();
        ck_assert_int_eq(begin(false, 0, SIZE), 0);
        ck_assert_int_eq(fake_source_body("01234"), 0);
        stop();
        ck_assert_uint_eq(record.offset_bytes, 5);
}

START_TEST(the_bytes_of_an_earlier_worker_are_continued)
{
        leave_half();
        start();
        ck_assert_uint_eq(fake_source_position(), 5);
        ck_assert_int_eq(begin(true, 5, SIZE), 0);
        ck_assert_int_eq(fake_source_body("56789"), 0);
        done();
        check_whole(TEXT);
        ck_assert_uint_eq(record.restarts, 0);
}
END_TEST

START_TEST(another_version_takes_another_temporary_file)
{
        _cleanup_free_ char *before = NULL, *path = NULL;

        leave_half();
        ck_assert_int_eq(str_set(&before, record.temp_name), 0);
        start();
        ck_assert_int_eq(begin(false, 0, SIZE), 0);
        ck_assert_int_eq(fake_source_body(TEXT), 0);
        done();
        check_whole(TEXT);
        ck_assert_uint_eq(record.restarts, 1);
        ck_assert_str_eq(record.restart_reason, "Another version.");
        ck_assert_str_ne(record.temp_name, before);
        path = temp_dir_path(dir, before);
        ck_assert_int_lt(access(path, F_OK), 0);
}
END_TEST

START_TEST(a_file_that_keeps_changing_gets_a_rest)
{
        int r = 0;
        unsigned n = 0;

        start();
        while (r >= 0 && n++ < 100) {
                r = begin(false, 0, SIZE);
                if (r >= 0)
                        ck_assert_int_eq(fake_source_body("0"), 0);
        }
        ck_assert_uint_lt(n, 10);
        done();
        check_failed(ERROR_CODE_REMOTE_FILE_CHANGED);
        ck_assert(ended_with.transient);
}
END_TEST

START_TEST(a_file_that_was_whole_is_not_asked_for)
{
        leave_half();
        record.total_bytes = 5;
        start();
        ck_assert_uint_eq(fake_source_fetches(), 0);
        ck_assert_uint_eq(n_ended, 1);
        ck_assert_uint_eq(ended_with.code, 0);
}
END_TEST

/* md5 of TEXT; the first half is read again from the disk. */
START_TEST(a_checksum_counts_the_bytes_of_an_earlier_worker)
{
        static const char right[] = "md5:781e5e245d69b566979b86e28d23f2c7";
        static const char wrong[] = "md5:00000000000000000000000000000000";

        leave_half();
        ck_assert_int_eq(str_set(&record.checksum, _i ? right : wrong), 0);
        start();
        ck_assert_int_eq(begin(true, 5, SIZE), 0);
        ck_assert_int_eq(fake_source_body("56789"), 0);
        done();
        if (_i) {
                check_whole(TEXT);
                return;
        }
        check_failed(ERROR_CODE_VALIDATION_FAILED);
        ck_assert(!ended_with.transient);
        ck_assert_uint_eq(record.offset_bytes, 0);
        ck_assert_uint_eq(record.restarts, 1);
}
END_TEST

/* A temporary file of the record as the manager knows it. */
static void check_on_disk(const char *expected)
{
        _cleanup_free_ char *path = temp_dir_path(dir, transfer_record(transfer)->temp_name);
        _cleanup_free_ char *text = temp_dir_read(path, NULL);

        ck_assert_str_eq(text, expected);
}

static size_t n_temporary_files(void)
{
        DIR *listing = opendir(dir);
        size_t n = 0;

        ck_assert_ptr_nonnull(listing);
        for (const struct dirent *entry; (entry = readdir(listing));)
                n += strstr(entry->d_name, ".dosvc") != NULL;
        (void) closedir(listing);
        return n;
}

/* Half of the file is there, and another version begins with that body. */
static void replace_half(const char *body)
{
        leave_half();
        ck_assert_int_eq(str_set(&record.etag, "\"old\""), 0);
        ck_assert_int_eq(str_set(&record.checksum, "md5:781e5e245d69b566979b86e28d23f2c7"), 0);
        start();
        ck_assert_int_eq(begin(false, 0, SIZE), 0);
        ck_assert_int_eq(fake_source_body(body), 0);
        /* Until the checksum has judged, the version before is what is on record. */
        ck_assert_int_eq(transfer_sync(transfer), 0);
        ck_assert_uint_eq(transfer_record(transfer)->offset_bytes, 5);
        ck_assert_str_eq(transfer_record(transfer)->etag, "\"old\"");
        ck_assert_uint_eq(transfer_received(transfer), strlen(body));
        ck_assert_uint_eq(transfer_total(transfer), SIZE);
        check_on_disk("01234");
        ck_assert_uint_eq(n_temporary_files(), 2);
}

static void check_old_half(void)
{
        ck_assert_uint_eq(record.offset_bytes, 5);
        ck_assert_str_eq(record.etag, "\"old\"");
        ck_assert_uint_eq(record.restarts, 0);
        check_on_disk("01234");
        ck_assert_uint_eq(n_temporary_files(), 1);
}

START_TEST(a_version_without_the_checksum_does_not_cost_the_one_before)
{
        replace_half("abcdefghij");
        done();
        check_failed(ERROR_CODE_VALIDATION_FAILED);
        ck_assert(!ended_with.transient);
        ck_assert_ptr_nonnull(strstr(ended_with.description, "kept"));
        check_old_half();
        /* The manager has heard other figures meanwhile. */
        ck_assert_int_eq(transfer_sync(transfer), 1);
        ck_assert_int_eq(transfer_sync(transfer), 0);
}
END_TEST

START_TEST(a_version_with_the_checksum_replaces_the_one_before)
{
        replace_half(TEXT);
        done();
        check_whole(TEXT);
        ck_assert_str_eq(record.etag, "\"1\"");
        ck_assert_uint_eq(record.restarts, 1);
        ck_assert_uint_eq(n_temporary_files(), 1);
}
END_TEST

START_TEST(of_two_unfinished_versions_the_larger_stays)
{
        replace_half(_i ? "abcdef" : "abcde");
        transfer_halt(transfer);
        if (_i == 0) {
                check_old_half();
                return;
        }
        ck_assert_int_eq(transfer_sync(transfer), 1);
        ck_assert_uint_eq(record.offset_bytes, 6);
        ck_assert_str_eq(record.etag, "\"1\"");
        ck_assert_uint_eq(record.restarts, 1);
        check_on_disk("abcdef");
        ck_assert_uint_eq(n_temporary_files(), 1);
}
END_TEST

START_TEST(a_worker_that_is_killed_leaves_the_version_before)
{
        FileRecord known;

        replace_half("abcdefgh");
        ck_assert_int_eq(file_record_copy(&known, transfer_record(transfer)), 0);
        ck_assert_uint_eq(known.offset_bytes, 5);
        ck_assert_str_eq(known.etag, "\"old\"");
        file_record_done(&known);
}
END_TEST

/* One ETag at two places, and a checksum that says whether it means the same bytes. */
START_TEST(the_bytes_of_two_places_are_judged_by_the_checksum)
{
        leave_half();
        ck_assert_int_eq(str_set(&record.checksum, "md5:781e5e245d69b566979b86e28d23f2c7"), 0);
        start();
        ck_assert_int_eq(fake_source_begin(&(SourceAnswer){
                                 .continues = true,
                                 .joins = true,
                                 .url = "proto://other/file",
                                 .body_begin = 5,
                                 .body_end = SIZE,
                                 .file_size_bytes = SIZE,
                         }),
                         0);
        ck_assert_int_eq(fake_source_body(_i ? "56789" : "vwxyz"), 0);
        done();
        if (_i) {
                check_whole(TEXT);
                ck_assert_uint_eq(record.restarts, 0);
                return;
        }
        /* They do not belong together: all of them come from one place. */
        ck_assert_uint_eq(n_ended, 0);
        ck_assert_uint_eq(fake_source_fetches(), 2);
        ck_assert_uint_eq(fake_source_position(), 0);
        ck_assert_uint_eq(record.restarts, 1);
        ck_assert_int_eq(begin(false, 0, SIZE), 0);
        ck_assert_int_eq(fake_source_body("abcdefghij"), 0);
        done();
        check_failed(ERROR_CODE_VALIDATION_FAILED);
}
END_TEST

START_TEST(a_part_that_is_shorter_than_the_file_is_followed_by_the_rest)
{
        leave_half();
        start();
        ck_assert_int_eq(begin(true, 5, 7), 0);
        ck_assert_int_eq(fake_source_body("56"), 0);
        done();
        ck_assert_uint_eq(fake_source_fetches(), 2);
        ck_assert_uint_eq(fake_source_position(), 7);
        ck_assert_int_eq(begin(true, 7, SIZE), 0);
        ck_assert_int_eq(fake_source_body("789"), 0);
        done();
        check_whole(TEXT);
        ck_assert_uint_eq(record.restarts, 0);
}
END_TEST

START_TEST(a_redirect_that_is_reported_changes_the_remote_name)
{
        unsigned before;

        start();
        before = n_begun;
        ck_assert_int_eq(fake_source_relocated("http://elsewhere.test/file"), 0);
        ck_assert_str_eq(record.remote_name, "http://elsewhere.test/file");
        ck_assert_str_eq(file_record_owners_name(&record), URL);
        ck_assert_uint_eq(n_begun, before + 1);
}
END_TEST

START_TEST(a_destination_that_is_a_directory_ends_it_before_any_request)
{
        ck_assert_int_eq(mkdir(record.local_name, 0755), 0);
        start();
        ck_assert_uint_eq(fake_source_fetches(), 0);
        ck_assert_uint_eq(n_ended, 1);
        ck_assert_uint_eq(ended_with.code, (uint32_t) ERROR_CODE_NOT_A_FILE);
        ck_assert_int_eq(transfer_sync(transfer), 0);
}
END_TEST

static Suite *make_suite(void)
{
        Suite *suite = suite_create("transfer");
        TCase *tcase = tcase_create("transfer");

        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, an_answer_becomes_the_file);
        tcase_add_test(tcase, an_answer_of_unknown_length_ends_where_it_ends);
        tcase_add_loop_test(tcase, a_body_of_another_length_than_announced_is_a_failure, 0, 2);
        tcase_add_test(tcase, a_failure_of_the_source_is_passed_on);
        tcase_add_test(tcase, each_part_is_asked_for_by_its_position);
        tcase_add_test(tcase, a_part_that_ends_early_is_a_failure);
        tcase_add_test(tcase, parts_are_cut_out_of_a_whole_file);
        tcase_add_test(tcase, a_file_without_the_parts_wanted_is_a_failure);
        tcase_add_test(tcase, the_bytes_of_an_earlier_worker_are_continued);
        tcase_add_test(tcase, another_version_takes_another_temporary_file);
        tcase_add_test(tcase, a_file_that_keeps_changing_gets_a_rest);
        tcase_add_test(tcase, a_file_that_was_whole_is_not_asked_for);
        tcase_add_loop_test(tcase, a_checksum_counts_the_bytes_of_an_earlier_worker, 0, 2);
        tcase_add_test(tcase, a_version_without_the_checksum_does_not_cost_the_one_before);
        tcase_add_test(tcase, a_version_with_the_checksum_replaces_the_one_before);
        tcase_add_loop_test(tcase, of_two_unfinished_versions_the_larger_stays, 0, 2);
        tcase_add_test(tcase, a_worker_that_is_killed_leaves_the_version_before);
        tcase_add_loop_test(tcase, the_bytes_of_two_places_are_judged_by_the_checksum, 0, 2);
        tcase_add_test(tcase, a_part_that_is_shorter_than_the_file_is_followed_by_the_rest);
        tcase_add_test(tcase, a_redirect_that_is_reported_changes_the_remote_name);
        tcase_add_test(tcase, a_destination_that_is_a_directory_ends_it_before_any_request);
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
