/*
 * Bytes of two versions never meet: dosvc-worker goes on with a part of a file against
 * servers that lie about what they have. As root, because the worker is another user.
 */
#include <check.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macro.h"
#include "base/str.h"

#include "model/file-record.h"
#include "tests/lib/process.h"
#include "tests/lib/temp-dir.h"
#include "tests/lib/worker-case.h"

#define SIZE     BAD_SERVER_SIZE
#define PART     BAD_SERVER_PART
#define ETAG     BAD_SERVER_ETAG
#define MODIFIED BAD_SERVER_MODIFIED
#define ANSWERED "HTTP/1.1 200 OK\nDate: Fri, 01 Mar 2024 12:00:00 GMT\n"

static void put(char **owned, const char *value)
{
        ck_assert_int_ge(str_set(owned, value), 0);
}

static void make_record(FileRecord *record, uint32_t index, const char *path)
{
        char name[32];

        (void) snprintf(name, sizeof(name), "file-%u", index);
        case_make_record(record, index, path, name);
}

/* Bytes as an earlier worker left them and the manager recorded them. */
static void leave_data(FileRecord *record, const void *data, uint64_t offset)
{
        _cleanup_free_ char *path = NULL, *name = NULL;
        struct stat st;
        FILE *out;

        ck_assert_int_gt(asprintf(&name, ".file-%u.00000001.dosvc", record->index), 0);
        path = temp_dir_path(case_home, name);
        out = fopen(path, "we");
        ck_assert_ptr_nonnull(out);
        ck_assert_uint_eq(fwrite(data, 1, offset, out), offset);
        ck_assert_int_eq(fclose(out), 0);
        ck_assert_int_eq(chown(path, WORKER_DRIVER_UID, WORKER_DRIVER_UID), 0);
        ck_assert_int_eq(stat(path, &st), 0);
        put(&record->temp_name, name);
        put(&record->effective_url, record->remote_name);
        record->inode = st.st_ino;
        record->offset_bytes = offset;
}

static void leave_bytes(FileRecord *record, uint64_t offset)
{
        leave_data(record, bad_server_a, offset);
}

/* Leaves the record that says this of version A. */
static void leave_version(FileRecord *record, const char *etag, const char *modified, uint64_t size)
{
        put(&record->etag, etag);
        put(&record->last_modified, modified);
        put(&record->headers, ANSWERED);
        record->total_bytes = size;
}

/* Goes on behind PART bytes of version A. */
static void resume(const char *path)
{
        FileRecord record;

        http_server_forget(&case_server);
        make_record(&record, 0, path);
        leave_bytes(&record, PART);
        leave_version(&record, ETAG, MODIFIED, SIZE);
        case_fetch_records(&record, 1);
        file_record_done(&record);
}

/* ---- validators ------------------------------------------------------------------------- */

START_TEST(a_server_is_asked_in_other_words_until_it_understands)
{
        static const struct {
                const char *path;
                unsigned requests, if_ranges, restarts;
        } servers[] = {
                { "/plain", 1, 1, 0 },       { "/date-only", 2, 2, 0 },
                { "/no-if-range", 3, 2, 0 }, { "/precondition", 3, 2, 0 },
                { "/no-range", 3, 2, 1 },    { "/old-part", 1, 1, 0 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(servers); i++) {
                resume(servers[i].path);
                case_assert_finished(0, bad_server_a, SIZE);
                ck_assert_msg(case_count_in_log(&case_server, "GET ") == servers[i].requests,
                              "%s",
                              servers[i].path);
                ck_assert_uint_eq(case_count_in_log(&case_server, "\nIf-Range: "),
                                  servers[i].if_ranges);
                ck_assert_uint_eq(case_worker.records[0].restarts, servers[i].restarts);
        }
}
END_TEST

START_TEST(the_second_file_does_not_repeat_vain_attempts)
{
        enum { FILES = 100 }; /* a few at a time: the last begins long after the first */
        FileRecord records[FILES];

        for (uint32_t i = 0; i < FILES; i++) {
                bool begun = i == 0 || i == FILES - 1;

                make_record(&records[i], i, begun ? "/no-if-range" : "/empty");
                if (begun) {
                        leave_bytes(&records[i], PART);
                        leave_version(&records[i], ETAG, MODIFIED, SIZE);
                }
        }
        case_fetch_records(records, FILES);
        case_assert_finished(0, bad_server_a, SIZE);
        case_assert_finished(FILES - 1, bad_server_a, SIZE);
        for (uint32_t i = 0; i < FILES; i++)
                file_record_done(&records[i]);
        ck_assert_uint_eq(case_count_in_log(&case_server, "\nRange: "), 4);
        ck_assert_uint_eq(case_count_in_log(&case_server, "\nIf-Range: "), 2);
}
END_TEST

START_TEST(another_version_starts_again_and_says_why)
{
        static const struct {
                const char *path;
                size_t size;
        } servers[] = {
                { "/careless", SIZE },
                { "/careless-bare", SIZE },
                { "/redated", SIZE },
                { "/shrunk", SIZE / 2 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(servers); i++) {
                resume(servers[i].path);
                case_assert_finished(0, bad_server_b, servers[i].size);
                ck_assert_uint_eq(case_worker.records[0].restarts, 1);
                ck_assert_str_ne(case_worker.records[0].restart_reason, "");
        }
}
END_TEST

START_TEST(lengths_that_contradict_are_refused)
{
        static const char *const paths[] = {
                "/negative-length", "/list-of-lengths", "/endless-length",
                "/long-chunks",     "/two-lengths",     "/cut-chunks",
        };

        for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
                FileRecord record;

                make_record(&record, 0, paths[i]);
                case_fetch_records(&record, 1);
                ck_assert_msg(case_worker.failed, "%s", paths[i]);
                ck_assert(case_worker.transient);
                ck_assert_str_eq(case_worker.context, "remote-file");
                ck_assert(!case_worker.records[0].finished);
                file_record_done(&record);
        }
}
END_TEST

START_TEST(a_part_that_is_too_long_or_too_short_is_no_file)
{
        resume("/long-part");
        ck_assert(case_worker.failed && case_worker.transient);
        ck_assert(!case_worker.records[0].finished);
        ck_assert_uint_le(case_worker.records[0].offset_bytes, SIZE);

        resume("/short-part");
        ck_assert(case_worker.failed && case_worker.transient);
        ck_assert_uint_eq(case_worker.records[0].offset_bytes, SIZE - 1);
        ck_assert_uint_eq(case_worker.records[0].restarts, 0);
        ck_assert(case_holds(&case_worker.records[0], bad_server_a, SIZE - 1));
}
END_TEST

START_TEST(a_range_that_is_refused_starts_again)
{
        resume("/no-bytes-behind");
        case_assert_finished(0, bad_server_a, SIZE);
        ck_assert_uint_eq(case_worker.records[0].restarts, 1);
}
END_TEST

START_TEST(a_coded_body_is_stored_as_it_comes)
{
        FileRecord record;

        make_record(&record, 0, "/coded");
        case_fetch_records(&record, 1);
        case_assert_finished(0, bad_server_b, SIZE);
        file_record_done(&record);
}
END_TEST

/* ---- checksums -------------------------------------------------------------------------- */

static char *
checksum_of_bytes(const EVP_MD *algorithm, const char *prefix, const void *data, size_t data_size)
{
        unsigned char digest[EVP_MAX_MD_SIZE];
        unsigned size;
        char *text, *at;

        ck_assert_int_eq(EVP_Digest(data, data_size, digest, &size, algorithm, NULL), 1);
        text = malloc(strlen(prefix) + 2 * (size_t) size + 1);
        ck_assert_ptr_nonnull(text);
        at = stpcpy(text, prefix);
        for (unsigned i = 0; i < size; i++, at += 2)
                (void) snprintf(at, 3, "%02x", digest[i]);
        return text;
}

static char *checksum_of(const EVP_MD *algorithm, const char *prefix, const void *data)
{
        return checksum_of_bytes(algorithm, prefix, data, SIZE);
}

/* Version A's checksum is what is wanted; offset bytes of it are there. */
static void fetch_checked(const char *path, uint64_t offset)
{
        _cleanup_free_ char *checksum = checksum_of(EVP_sha256(), "sha256:", bad_server_a);
        FileRecord record;

        http_server_forget(&case_server);
        make_record(&record, 0, path);
        put(&record.checksum, checksum);
        if (offset > 0) {
                leave_bytes(&record, offset);
                leave_version(&record, ETAG, MODIFIED, SIZE);
        }
        case_fetch_records(&record, 1);
        file_record_done(&record);
}

static void assert_validation_failed(unsigned restarts)
{
        ck_assert(case_worker.failed && !case_worker.transient);
        ck_assert_uint_eq(case_worker.code, (uint32_t) ERROR_CODE_VALIDATION_FAILED);
        ck_assert_str_eq(case_worker.context, "remote-file");
        /* The next one begins with nothing. */
        ck_assert(!case_worker.records[0].finished);
        ck_assert_uint_eq(case_worker.records[0].offset_bytes, 0);
        ck_assert_uint_eq(case_worker.records[0].total_bytes, DOSVC_SIZE_UNKNOWN);
        ck_assert_str_eq(case_worker.records[0].etag, "");
        ck_assert_uint_eq(case_worker.records[0].restarts, restarts);
        ck_assert(case_holds(&case_worker.records[0], "", 0));
}

START_TEST(a_file_with_its_checksum_finishes)
{
        static const uint64_t offsets[] = { 0, 1, PART, SIZE - 1, SIZE };

        for (size_t i = 0; i < ARRAY_SIZE(offsets); i++) {
                fetch_checked("/plain", offsets[i]);
                case_assert_finished(0, bad_server_a, SIZE);
                ck_assert_uint_eq(case_worker.records[0].restarts, 0);
                ck_assert_uint_eq(case_count_in_log(&case_server, "GET "),
                                  offsets[i] == SIZE ? 0 : 1);
        }
        fetch_checked("/chunked", PART);
        case_assert_finished(0, bad_server_a, SIZE);
}
END_TEST

START_TEST(every_algorithm_is_computed_behind_the_sandbox)
{
        _cleanup_free_ char *sha512 = checksum_of(EVP_sha512(), "sha512:", bad_server_a);
        _cleanup_free_ char *sha1 = checksum_of(EVP_sha1(), "sha1:", bad_server_a);
        _cleanup_free_ char *md5 = checksum_of(EVP_md5(), "md5:", bad_server_a);
        const char *const checksums[] = { sha512, sha1, md5 };

        for (size_t i = 0; i < ARRAY_SIZE(checksums); i++) {
                FileRecord record;

                make_record(&record, 0, "/plain");
                put(&record.checksum, checksums[i]);
                case_fetch_records(&record, 1);
                case_assert_finished(0, bad_server_a, SIZE);
                file_record_done(&record);
        }
}
END_TEST

START_TEST(a_file_with_another_checksum_is_thrown_away)
{
        fetch_checked("/coded", 0);
        assert_validation_failed(1);
}
END_TEST

START_TEST(another_version_without_the_checksum_costs_no_bytes)
{
        fetch_checked("/careless", PART);
        ck_assert(case_worker.failed && !case_worker.transient);
        ck_assert_uint_eq(case_worker.code, (uint32_t) ERROR_CODE_VALIDATION_FAILED);
        ck_assert_uint_eq(case_worker.records[0].offset_bytes, PART);
        ck_assert_str_eq(case_worker.records[0].etag, ETAG);
        ck_assert_uint_eq(case_worker.records[0].restarts, 0);
        ck_assert(case_holds(&case_worker.records[0], bad_server_a, PART));
        ck_assert_uint_eq(case_entries_in_home(), 1);
}
END_TEST

/* A disk that changed what was written to it is found out, wherever the file stood. */
START_TEST(bytes_that_changed_on_disk_are_found_out)
{
        static const uint64_t offsets[] = { PART, SIZE };

        for (size_t i = 0; i < ARRAY_SIZE(offsets); i++) {
                _cleanup_free_ char *checksum = checksum_of(EVP_sha256(), "sha256:", bad_server_a);
                FileRecord record;

                make_record(&record, 0, "/plain");
                put(&record.checksum, checksum);
                bad_server_a[1000] ^= 1;
                leave_bytes(&record, offsets[i]);
                bad_server_a[1000] ^= 1;
                leave_version(&record, ETAG, MODIFIED, SIZE);
                case_fetch_records(&record, 1);
                assert_validation_failed(1);
                file_record_done(&record);
        }
}
END_TEST

START_TEST(an_unknown_checksum_is_an_error_before_any_request)
{
        FileRecord record;

        make_record(&record, 0, "/plain");
        put(&record.checksum, "crc32:00000000");
        case_fetch_records(&record, 1);
        ck_assert(case_worker.failed && !case_worker.transient);
        ck_assert_uint_eq(case_worker.code, (uint32_t) ERROR_CODE_VALIDATION_FAILED);
        ck_assert_uint_eq(http_server_count(&case_server), 0);
        file_record_done(&record);
}
END_TEST

/* ---- parts ------------------------------------------------------------------------------ */

#define TO_END DOSVC_SIZE_UNKNOWN

static const FileRange ascending[] = { { 10, 100 },
                                       { 110, 50 },
                                       { PART, PART },
                                       { SIZE - 7, TO_END } };
static const FileRange mixed[] = { { PART, 1000 }, { 2 * PART, TO_END }, { 0, 1 }, { 5, 70000 } };
static const FileRange backwards[] = { { PART, 1000 }, { 500, 60 }, { 2 * PART, 50 } };
static const FileRange one[] = { { PART, 1000 } };

typedef struct Parts {
        const FileRange *ranges;
        uint32_t n;
} Parts;

static const Parts lists[] = { { ascending, ARRAY_SIZE(ascending) },
                               { mixed, ARRAY_SIZE(mixed) },
                               { one, ARRAY_SIZE(one) },
                               { backwards, ARRAY_SIZE(backwards) } };

/* The parts of a version one after the other; a new buffer. */
static unsigned char *parts_of(const Parts *wanted, const unsigned char *data, size_t *ret_size)
{
        unsigned char *parts = malloc(SIZE);
        size_t size = 0;

        ck_assert_ptr_nonnull(parts);
        for (uint32_t i = 0; i < wanted->n; i++) {
                size_t from = wanted->ranges[i].offset_bytes, length = SIZE - from;

                if (wanted->ranges[i].length_bytes != TO_END)
                        length = wanted->ranges[i].length_bytes;
                memcpy(parts + size, data + from, length);
                size += length;
        }
        *ret_size = size;
        return parts;
}

static void want_parts(FileRecord *record, const Parts *wanted)
{
        record->ranges = malloc(wanted->n * sizeof(*wanted->ranges));
        ck_assert_ptr_nonnull(record->ranges);
        memcpy(record->ranges, wanted->ranges, wanted->n * sizeof(*wanted->ranges));
        record->n_ranges = wanted->n;
}

static void fetch_parts(const char *path, const Parts *wanted)
{
        FileRecord record;

        http_server_forget(&case_server);
        make_record(&record, 0, path);
        want_parts(&record, wanted);
        case_fetch_records(&record, 1);
        file_record_done(&record);
}

static void assert_parts_of(const Parts *wanted, const unsigned char *data)
{
        size_t size;
        _cleanup_free_ unsigned char *parts = parts_of(wanted, data, &size);

        case_assert_finished(0, parts, size);
}

START_TEST(each_part_is_asked_for_by_itself)
{
        for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
                fetch_parts("/plain", &lists[i]);
                assert_parts_of(&lists[i], bad_server_a);
                ck_assert_uint_eq(case_count_in_log(&case_server, "GET "), lists[i].n);
                ck_assert_uint_eq(case_count_in_log(&case_server, "\nRange: bytes="), lists[i].n);
                ck_assert_uint_eq(case_count_in_log(&case_server, "\nIf-Range: " ETAG),
                                  lists[i].n - 1);
        }
        ck_assert_uint_eq(case_count_in_log(&case_server, "\nRange: bytes=1048576-1049575\n"), 1);
}
END_TEST

START_TEST(a_server_without_ranges_gives_parts_too)
{
        static const char *const paths[] = { "/no-range", "/no-if-range", "/date-only" };

        for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
                for (size_t j = 0; j < ARRAY_SIZE(lists); j++) {
                        fetch_parts(paths[i], &lists[j]);
                        assert_parts_of(&lists[j], bad_server_a);
                        ck_assert_uint_eq(case_worker.records[0].restarts, 0);
                }
        fetch_parts("/no-range", &lists[0]);
        ck_assert_uint_eq(case_count_in_log(&case_server, "GET "), 1);
}
END_TEST

START_TEST(without_validators_parts_come_in_one_answer)
{
        static const char *const paths[] = { "/chunked", "/unframed", "/careless-bare" };

        for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
                fetch_parts(paths[i], &lists[0]);
                assert_parts_of(&lists[0], i == 2 ? bad_server_b : bad_server_a);
                fetch_parts(paths[i], &lists[2]);
                assert_parts_of(&lists[2], i == 2 ? bad_server_b : bad_server_a);
                fetch_parts(paths[i], &lists[1]);
                ck_assert(case_worker.failed && !case_worker.transient);
                ck_assert_uint_eq(case_worker.code,
                                  (uint32_t) ERROR_CODE_INSUFFICIENT_RANGE_SUPPORT);
        }
}
END_TEST

START_TEST(parts_of_two_versions_never_mix)
{
        static const char *const paths[] = { "/flipping", "/flipping-parts" };

        for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
                for (size_t j = 0; j < 2; j++) {
                        fetch_parts(paths[i], &lists[j]);
                        if (case_worker.finished) {
                                size_t size;
                                _cleanup_free_ unsigned char *a =
                                        parts_of(&lists[j], bad_server_a, &size);

                                if (!case_holds(&case_worker.records[0], a, size))
                                        assert_parts_of(&lists[j], bad_server_b);
                                continue;
                        }
                        ck_assert(case_worker.failed && case_worker.transient);
                        ck_assert_uint_eq(case_worker.code,
                                          (uint32_t) ERROR_CODE_REMOTE_FILE_CHANGED);
                        ck_assert_uint_eq(case_worker.records[0].restarts, 6);
                }
}
END_TEST

START_TEST(parts_out_of_the_file_are_fatal)
{
        static const FileRange ranges[] = { { SIZE, 1 }, { SIZE - 1, 2 }, { SIZE, TO_END } };
        static const FileRange later[] = { { 0, 10 }, { SIZE, 5 } };
        static const char *const paths[] = { "/plain", "/no-range", "/chunked" };

        for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
                for (size_t j = 0; j <= ARRAY_SIZE(ranges); j++) {
                        Parts wanted = { j < 3 ? &ranges[j] : later, j < 3 ? 1 : 2 };

                        fetch_parts(paths[i], &wanted);
                        ck_assert_msg(case_worker.failed && !case_worker.transient,
                                      "%s %zu",
                                      paths[i],
                                      j);
                        ck_assert_uint_eq(case_worker.code, (uint32_t) ERROR_CODE_INVALID_RANGE);
                }
}
END_TEST

START_TEST(a_whole_file_that_ends_early_finishes_no_part)
{
        static const FileRange to_end[] = { { 0, 100 }, { 2 * PART, TO_END } };
        const Parts wanted = { to_end, ARRAY_SIZE(to_end) };

        fetch_parts("/cut-whole", &wanted);
        ck_assert(case_worker.failed && case_worker.transient);
        ck_assert(!case_worker.records[0].finished);
        ck_assert_uint_eq(case_worker.records[0].offset_bytes, 110);
        ck_assert_uint_eq(case_worker.records[0].total_bytes, 100 + SIZE - 2 * PART);
}
END_TEST

/* The parts are as an earlier worker left them, cut at any place. */
START_TEST(each_part_goes_on_where_it_was)
{
        static const char *const paths[] = { "/plain", "/no-range", "/no-if-range" };

        for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
                for (size_t j = 0; j < ARRAY_SIZE(lists); j++) {
                        FileRecord whole, record;
                        size_t size;
                        _cleanup_free_ unsigned char *parts =
                                parts_of(&lists[j], bad_server_a, &size);
                        const uint64_t cuts[] = { 1, 99, 100, 101, 999, size / 2, size - 1, size };

                        fetch_parts(paths[i], &lists[j]);
                        ck_assert_int_ge(file_record_copy(&whole, &case_worker.records[0]), 0);
                        for (size_t k = 0; k < ARRAY_SIZE(cuts); k++) {
                                if (cuts[k] > size)
                                        continue;
                                ck_assert_int_ge(file_record_copy(&record, &whole), 0);
                                record.finished = false;
                                leave_data(&record, parts, cuts[k]);
                                case_fetch_records(&record, 1);
                                assert_parts_of(&lists[j], bad_server_a);
                                ck_assert_uint_eq(case_worker.records[0].restarts, 0);
                                file_record_done(&record);
                        }
                        file_record_done(&whole);
                }
}
END_TEST

START_TEST(a_checksum_is_that_of_the_parts)
{
        _cleanup_free_ char *checksum = NULL;
        FileRecord record;

        checksum = checksum_of_bytes(EVP_md5(), "md5:", bad_server_a + PART, 1000);
        make_record(&record, 0, "/plain");
        want_parts(&record, &lists[2]);
        put(&record.checksum, checksum);
        case_fetch_records(&record, 1);
        assert_parts_of(&lists[2], bad_server_a);
        file_record_done(&record);
}
END_TEST

/* ---- the disk --------------------------------------------------------------------------- */

/* Makes a system call of the worker fail, from now on. */
static pid_t inject(const char *call, const char *error)
{
        _cleanup_free_ char *fault = NULL, *pid = NULL, *status = NULL, *output = NULL;
        pid_t tracer;

        ck_assert_int_gt(asprintf(&fault, "inject=%s:error=%s", call, error), 0);
        ck_assert_int_gt(asprintf(&pid, "%d", (int) case_worker.pid), 0);
        ck_assert_int_gt(asprintf(&status, "/proc/%d/status", (int) case_worker.pid), 0);
        output = temp_dir_path(case_dir, "strace");
        tracer = process_start(
                &(ProcessSpec){ .argv = PROCESS_ARGV("strace", "-f", "-qq", "-e", fault, "-p", pid),
                                .output = output });
        ck_assert(PROCESS_WAIT_UNTIL(10000, ({
                                             _cleanup_free_ char *text =
                                                     temp_dir_read(status, NULL);
                                             strstr(text, "\nTracerPid:\t0\n") == NULL;
                                     })));
        return tracer;
}

/* Goes on with PART bytes of a file while that call fails. */
static void resume_with_fault(const char *path, const char *call, const char *error)
{
        FileRecord record;
        pid_t tracer;

        http_server_forget(&case_server);
        make_record(&record, 0, path);
        leave_bytes(&record, PART);
        leave_version(&record, ETAG, MODIFIED, SIZE);
        driver_stop(&case_worker);
        driver_start(&case_worker);
        tracer = inject(call, error);
        driver_download(&case_worker, &record, 1, NULL);
        driver_wait(&case_worker);
        process_stop(&tracer);
        file_record_done(&record);
}

static void assert_fault(int code, uint64_t offset)
{
        char name[ERROR_CODE_NAME_MAX];

        ck_assert(case_worker.failed && case_worker.transient);
        ck_assert_msg(case_worker.code == (uint32_t) code,
                      "%s: %s",
                      error_code_name(case_worker.code, name),
                      case_worker.description);
        ck_assert_str_eq(case_worker.context, "local-file");
        ck_assert(!case_worker.records[0].finished);
        ck_assert_uint_eq(case_worker.records[0].offset_bytes, offset);
}

/* Goes on from what the last worker said, with a disk that works. */
static void recover(unsigned restarts)
{
        FileRecord record;

        ck_assert_int_ge(file_record_copy(&record, &case_worker.records[0]), 0);
        case_fetch_records(&record, 1);
        case_assert_finished(0, bad_server_a, SIZE);
        ck_assert_uint_eq(case_worker.records[0].restarts, restarts);
        file_record_done(&record);
}

START_TEST(a_failed_sync_is_no_success_and_nothing_is_trusted)
{
        static const struct {
                const char *error;
                int code;
        } faults[] = {
                { "EIO", ERROR_CODE_IO_DEVICE },
                { "ENOSPC", ERROR_CODE_DISK_FULL },
                { "EDQUOT", ERROR_CODE_DISK_FULL },
        };

        for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
                resume_with_fault("/plain", "fdatasync", faults[i].error);
                assert_fault(faults[i].code, 0);
                ck_assert(case_holds(&case_worker.records[0], "", 0));
                recover(1);
        }
}
END_TEST

START_TEST(a_write_that_the_disk_fails_begins_again)
{
        resume_with_fault("/plain", "pwrite64", "EIO");
        assert_fault(ERROR_CODE_IO_DEVICE, 0);
        recover(1);
}
END_TEST

START_TEST(a_full_disk_keeps_what_there_is)
{
        resume_with_fault("/plain", "pwrite64", "ENOSPC");
        assert_fault(ERROR_CODE_DISK_FULL, PART);
        recover(0);
        resume_with_fault("/plain", "pwrite64", "EDQUOT");
        assert_fault(ERROR_CODE_DISK_FULL, PART);
        recover(0);
        resume_with_fault("/plain", "fallocate", "EDQUOT");
        assert_fault(ERROR_CODE_DISK_FULL, PART);
        recover(0);
}
END_TEST

START_TEST(a_directory_that_cannot_be_synced_finishes_nothing)
{
        FileRecord record;
        pid_t tracer;

        make_record(&record, 0, "/plain");
        driver_start(&case_worker);
        tracer = inject("fsync", "EIO:when=1");
        driver_download(&case_worker, &record, 1, NULL);
        driver_wait(&case_worker);
        process_stop(&tracer);
        ck_assert(case_worker.failed && case_worker.transient);
        ck_assert(!case_worker.records[0].finished);
        ck_assert_uint_eq(case_worker.records[0].offset_bytes, 0);
        recover(0);
        file_record_done(&record);
}
END_TEST

/* ---- the table -------------------------------------------------------------------------- */

/* Facts that an earlier worker may have learnt of version A. */
static const struct {
        const char *etag, *modified;
        uint64_t size;
} knowledge[] = {
        { ETAG, MODIFIED, SIZE }, { ETAG, "", DOSVC_SIZE_UNKNOWN },
        { "", MODIFIED, SIZE },   { "W/\"a\"", MODIFIED, SIZE },
        { "", "", SIZE },
};

static const uint64_t points[] = { 0, 1, SIZE / 2, SIZE - 1, SIZE };

/* More attempts than any server needs to give the file if it ever will. */
#define MAX_ATTEMPTS 3

#define QUIET_MSEC 600

/* What "/cut-whole" sends. */
#define CUT (2U * PART + 10)

static void sha256(const void *data, size_t size, unsigned char digest[static 32])
{
        ck_assert_int_eq(EVP_Digest(data, size, digest, NULL, EVP_sha256(), NULL), 1);
}

/* The first bytes of a version are these. */
static bool is_of_one_version(const void *bytes, size_t size)
{
        return size <= SIZE &&
               (memcmp(bytes, bad_server_a, size) == 0 || memcmp(bytes, bad_server_b, size) == 0);
}

/*
 * Everything that these servers ever call a whole file. The last but one is a body without a
 * length that broke off: to a client that knew no size before, its end is where it ended.
 */
static bool is_a_whole_version(const void *bytes, size_t size)
{
        const struct {
                const void *data;
                size_t size;
        } versions[] = { { bad_server_a, SIZE },     { bad_server_b, SIZE }, { bad_server_a, PART },
                         { bad_server_b, SIZE / 2 }, { bad_server_a, CUT },  { "", 0 } };
        unsigned char found[32], expected[32];

        sha256(bytes, size, found);
        for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
                sha256(versions[i].data, versions[i].size, expected);
                if (memcmp(found, expected, sizeof(found)) == 0)
                        return true;
        }
        return false;
}

/* Bytes that the worker vouches for are on disk and of one version; a finished file is a whole one.
 */
static void assert_nothing_mixed(const FileRecord *record, const char *what)
{
        _cleanup_free_ char *path = NULL, *bytes = NULL;
        size_t size;

        if (record->temp_name[0] == '\0') {
                ck_assert_msg(!record->finished && record->offset_bytes == 0, "%s", what);
                return;
        }
        path = temp_dir_path(case_home, record->temp_name);
        bytes = temp_dir_read(path, &size);
        ck_assert_msg(size >= record->offset_bytes, "%s", what);
        ck_assert_msg(is_of_one_version(bytes, (size_t) record->offset_bytes), "%s", what);
        if (record->finished)
                ck_assert_msg(record->offset_bytes == size && is_a_whole_version(bytes, size),
                              "%s: %zu bytes",
                              what,
                              size);
}

/* Attempts as the manager makes them, until the file is there or the error is fatal. */
static bool attempt(FileRecord *record, const char *what)
{
        for (unsigned i = 0; i < MAX_ATTEMPTS; i++) {
                bool answered, finished, over;

                driver_start(&case_worker);
                driver_download(&case_worker, record, 1, NULL);
                answered = driver_wait_quiet(&case_worker, QUIET_MSEC);
                if (!answered)
                        driver_call_stop(&case_worker);
                finished = case_worker.finished;
                over = finished || (answered && !case_worker.transient);
                ck_assert_msg(finished == case_worker.records[0].finished, "%s", what);
                assert_nothing_mixed(&case_worker.records[0], what);
                file_record_done(record);
                ck_assert_int_ge(file_record_copy(record, &case_worker.records[0]), 0);
                driver_stop(&case_worker);
                if (over)
                        return finished;
        }
        return false;
}

static void forget_counters(void)
{
        for (size_t i = 0; i < HTTP_SERVER_COUNTERS; i++)
                case_server.counters[i] = 0;
}

START_TEST(no_server_makes_a_file_of_two_versions)
{
        unsigned n = 0, n_finished = 0;
        const char *path;

        for (size_t i = 0; (path = bad_server_path(i)); i++)
                for (size_t j = 0; j < ARRAY_SIZE(points); j++) {
                        char what[128];
                        FileRecord record;

                        (void) snprintf(what,
                                        sizeof(what),
                                        "%s at %llu, knowledge %d",
                                        path,
                                        (unsigned long long) points[j],
                                        _i);
                        forget_counters();
                        make_record(&record, 0, path);
                        if (points[j] > 0) {
                                leave_bytes(&record, points[j]);
                                leave_version(&record,
                                              knowledge[_i].etag,
                                              knowledge[_i].modified,
                                              knowledge[_i].size);
                        }
                        n_finished += attempt(&record, what);
                        n++;
                        file_record_done(&record);
                }
        (void) printf("%u combinations, %u files finished, none mixed\n", n, n_finished);
        /* Servers that never give anything are fewer than those that do. */
        ck_assert_uint_gt(n_finished, n / 2);
}
END_TEST

/* ---- the list --------------------------------------------------------------------------- */

static void add_validators(Suite *suite)
{
        TCase *tcase = case_add(suite, "validators");

        tcase_add_test(tcase, a_server_is_asked_in_other_words_until_it_understands);
        tcase_add_test(tcase, the_second_file_does_not_repeat_vain_attempts);
        tcase_add_test(tcase, another_version_starts_again_and_says_why);
        tcase_add_test(tcase, lengths_that_contradict_are_refused);
        tcase_add_test(tcase, a_part_that_is_too_long_or_too_short_is_no_file);
        tcase_add_test(tcase, a_range_that_is_refused_starts_again);
        tcase_add_test(tcase, a_coded_body_is_stored_as_it_comes);
}

static void add_checksums(Suite *suite)
{
        TCase *tcase = case_add(suite, "checksums");

        tcase_add_test(tcase, a_file_with_its_checksum_finishes);
        tcase_add_test(tcase, every_algorithm_is_computed_behind_the_sandbox);
        tcase_add_test(tcase, a_file_with_another_checksum_is_thrown_away);
        tcase_add_test(tcase, another_version_without_the_checksum_costs_no_bytes);
        tcase_add_test(tcase, bytes_that_changed_on_disk_are_found_out);
        tcase_add_test(tcase, an_unknown_checksum_is_an_error_before_any_request);
}

static void add_parts(Suite *suite)
{
        TCase *tcase = case_add(suite, "parts");

        tcase_add_test(tcase, each_part_is_asked_for_by_itself);
        tcase_add_test(tcase, a_server_without_ranges_gives_parts_too);
        tcase_add_test(tcase, without_validators_parts_come_in_one_answer);
        tcase_add_test(tcase, parts_of_two_versions_never_mix);
        tcase_add_test(tcase, parts_out_of_the_file_are_fatal);
        tcase_add_test(tcase, a_whole_file_that_ends_early_finishes_no_part);
        tcase_add_test(tcase, each_part_goes_on_where_it_was);
        tcase_add_test(tcase, a_checksum_is_that_of_the_parts);
}

static void add_disk(Suite *suite)
{
        TCase *tcase = case_add(suite, "disk");

        tcase_add_test(tcase, a_failed_sync_is_no_success_and_nothing_is_trusted);
        tcase_add_test(tcase, a_write_that_the_disk_fails_begins_again);
        tcase_add_test(tcase, a_full_disk_keeps_what_there_is);
        tcase_add_test(tcase, a_directory_that_cannot_be_synced_finishes_nothing);
}

static void add_table(Suite *suite)
{
        TCase *tcase = case_add(suite, "table");

        tcase_set_timeout(tcase, 300);
        tcase_add_loop_test(tcase,
                            no_server_makes_a_file_of_two_versions,
                            0,
                            (int) ARRAY_SIZE(knowledge));
}

int main(void)
{
        Suite *suite = suite_create("faults");

        add_validators(suite);
        add_checksums(suite);
        add_parts(suite);
        add_disk(suite);
        add_table(suite);
        return case_run_suite(suite);
}
