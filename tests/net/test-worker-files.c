/*
 * The files of a dosvc-worker: where it refuses to write, which files it never touches, and what
 * Publish and Clean leave.
 */
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dbus/worker-wire.h"

#include "base/macro.h"

#include "model/file-record.h"
#include "tests/lib/odd-disk.h"
#include "tests/lib/temp-dir.h"
#include "tests/lib/worker-case.h"

#define SIZE BAD_SERVER_SIZE
#define PART BAD_SERVER_PART

/* Downloads to a path below dir and fails with that code before any request. */
static void assert_place_refused(const char *local_name, int code)
{
        _cleanup_free_ char *url = http_server_url(&case_server, "/plain");
        FileRecord record;

        ck_assert_int_ge(file_record_init(&record, 0, url, local_name), 0);
        driver_start(&case_worker);
        driver_download(&case_worker, &record, 1, NULL);
        driver_wait(&case_worker);
        case_assert_failed((uint32_t) code, false, "local-file");
        ck_assert_ptr_nonnull(strstr(case_worker.description, local_name));
        ck_assert_uint_eq(http_server_count(&case_server), 0);
        driver_stop(&case_worker);
        file_record_done(&record);
}

START_TEST(a_place_that_cannot_take_a_file_is_refused_early)
{
        _cleanup_free_ char *path = temp_dir_path(case_home, "taken");
        _cleanup_free_ char *missing = temp_dir_path(case_home, "missing/file");
        _cleanup_free_ char *under_file = temp_dir_path(case_home, "plain/file");
        _cleanup_free_ char *plain = temp_dir_path(case_home, "plain");
        _cleanup_free_ char *foreign = temp_dir_path(case_dir, "file");

        temp_dir_make(path, 0755, WORKER_DRIVER_UID);
        assert_place_refused(path, ERROR_CODE_NOT_A_FILE);
        ck_assert_int_eq(rmdir(path), 0);
        ck_assert_int_eq(mkfifo(path, 0666), 0);
        assert_place_refused(path, ERROR_CODE_NOT_A_FILE);

        temp_dir_write(plain, "");
        assert_place_refused(missing, ERROR_CODE_PATH_NOT_FOUND);
        assert_place_refused(under_file, ERROR_CODE_PATH_NOT_FOUND);
        assert_place_refused(foreign, ERROR_CODE_ACCESS_DENIED);
        assert_place_refused("/proc/self/x", ERROR_CODE_ACCESS_DENIED);
        assert_place_refused("/dev/null", ERROR_CODE_NOT_A_FILE);
}
END_TEST

START_TEST(a_full_disk_is_transient)
{
        static const char *const paths[] = { "/plain", "/unframed" };

        ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
        ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
        ck_assert_int_eq(mount("small", case_home, "tmpfs", 0, "size=2m,uid=7101,mode=0700"), 0);
        for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
                case_fetch(paths[i]);
                case_assert_failed((uint32_t) ERROR_CODE_DISK_FULL, true, "local-file");
                /* With a known size it is noticed before the first byte. */
                ck_assert(i == 0 ? case_worker.records[0].offset_bytes == 0
                                 : case_worker.records[0].offset_bytes >= PART);
                driver_stop(&case_worker);
        }
        ck_assert_int_eq(umount(case_home), 0);
}
END_TEST

START_TEST(a_symlink_in_place_of_the_temporary_file_is_not_followed)
{
        FileRecord record = case_interrupt("/stall", driver_stop);
        _cleanup_free_ char *path = case_temp_path(&record);
        _cleanup_free_ char *victim = temp_dir_path(case_home, "victim");

        temp_dir_write(victim, "precious");
        ck_assert_int_eq(chown(victim, WORKER_DRIVER_UID, WORKER_DRIVER_UID), 0);
        ck_assert_int_eq(unlink(path), 0);
        ck_assert_int_eq(symlink(victim, path), 0);
        case_resume(&record);
        case_assert_finished(0, bad_server_a, SIZE);
        case_assert_bytes(victim, "precious", 8);
}
END_TEST

START_TEST(a_hard_link_in_place_of_the_temporary_file_is_not_written)
{
        FileRecord record = case_interrupt("/stall", driver_stop);
        _cleanup_free_ char *path = case_temp_path(&record);
        _cleanup_free_ char *victim = temp_dir_path(case_home, "victim");

        ck_assert_int_eq(link(path, victim), 0);
        case_resume(&record);
        case_assert_finished(0, bad_server_a, SIZE);
        case_assert_bytes(victim, bad_server_a, PART);
}
END_TEST

START_TEST(two_workers_never_write_one_file)
{
        FileRecord record;

        case_begin(&case_second, "/stall", NULL);
        driver_wait_checkpoint(&case_second, 0, PART);
        ck_assert_int_ge(file_record_copy(&record, &case_second.records[0]), 0);
        driver_start(&case_worker);
        driver_download(&case_worker, &record, 1, NULL);
        driver_wait(&case_worker);
        case_assert_failed((uint32_t) ERROR_CODE_FILE_IN_USE, true, "local-file");
        file_record_done(&record);
}
END_TEST

/* ---- Publish and Clean ------------------------------------------------------------------ */

static size_t publish(const FileRecord *record)
{
        size_t failures;

        driver_start(&case_worker);
        failures = driver_do_files(&case_worker, WORKER_PUBLISH, record, 1);
        return failures;
}

static FileRecord fetched(const char *path)
{
        case_fetch(path);
        ck_assert(case_worker.finished);
        return case_remember(&case_worker, driver_stop);
}

START_TEST(a_published_file_has_name_mode_and_time)
{
        FileRecord record = fetched("/plain");
        struct stat st;

        ck_assert_uint_eq(publish(&record), 0);
        case_assert_bytes(record.local_name, bad_server_a, SIZE);
        ck_assert_int_eq(lstat(record.local_name, &st), 0);
        ck_assert_uint_eq(st.st_mode & 07777, 0644);
        ck_assert_int_eq(st.st_mtime, 1709200800); /* MODIFIED */
        ck_assert_uint_eq(case_entries_in_home(), 1);
        file_record_done(&record);
}
END_TEST

START_TEST(publishing_may_be_repeated)
{
        FileRecord record = fetched("/plain");

        ck_assert_uint_eq(publish(&record), 0);
        driver_stop(&case_worker);
        ck_assert_uint_eq(publish(&record), 0);
        case_assert_bytes(record.local_name, bad_server_a, SIZE);
        file_record_done(&record);
}
END_TEST

/* On a disk whose numbers do not last: a worker died between the rename and its report. */
START_TEST(publishing_may_be_repeated_after_a_remount)
{
        _cleanup_free_ char *backing = temp_dir_new();
        OddDisk disk = { 0 };

        if (odd_disk_mount(&disk, case_home, backing, WORKER_DRIVER_UID)) {
                FileRecord record = fetched("/plain");

                ck_assert_uint_eq(publish(&record), 0);
                driver_stop(&case_worker);
                odd_disk_renumber(&disk);
                ck_assert_uint_eq(publish(&record), 0);
                case_assert_bytes(record.local_name, bad_server_a, SIZE);
                driver_stop(&case_worker);

                /* Another file of that name is not taken for it. */
                ck_assert_int_eq(truncate(record.local_name, PART), 0);
                ck_assert_uint_eq(publish(&record), 1);
                ck_assert_uint_eq(case_worker.code, (uint32_t) ERROR_CODE_TEMPORARY_FILE_GONE);
                driver_stop(&case_worker);
                file_record_done(&record);
        }
        odd_disk_unmount(&disk);
        (void) temp_dir_remove(STEAL_PTR(backing));
}
END_TEST

START_TEST(a_finished_file_that_became_shorter_is_not_published)
{
        FileRecord record = fetched("/plain");
        _cleanup_free_ char *path = case_temp_path(&record);

        ck_assert_int_eq(truncate(path, PART), 0);
        ck_assert_uint_eq(publish(&record), 1);
        ck_assert_uint_eq(case_worker.code, (uint32_t) ERROR_CODE_TEMPORARY_FILE_GONE);
        ck_assert_int_lt(access(record.local_name, F_OK), 0);
        file_record_done(&record);
}
END_TEST

START_TEST(a_symlink_of_the_final_name_is_replaced)
{
        FileRecord record = fetched("/plain");
        _cleanup_free_ char *victim = temp_dir_path(case_home, "victim");
        struct stat st;

        temp_dir_write(victim, "precious");
        ck_assert_int_eq(symlink(victim, record.local_name), 0);
        ck_assert_uint_eq(publish(&record), 0);
        ck_assert_int_eq(lstat(record.local_name, &st), 0);
        ck_assert(S_ISREG(st.st_mode));
        case_assert_bytes(victim, "precious", 8);
        file_record_done(&record);
}
END_TEST

START_TEST(a_directory_of_the_final_name_stays)
{
        FileRecord record = fetched("/plain");

        temp_dir_make(record.local_name, 0755, WORKER_DRIVER_UID);
        ck_assert_uint_eq(publish(&record), 1);
        ck_assert_uint_eq(case_worker.code, (uint32_t) ERROR_CODE_NOT_A_FILE);
        ck_assert_ptr_nonnull(strstr(case_worker.description, record.local_name));
        ck_assert_uint_eq(case_entries_in_home(), 2);
        file_record_done(&record);
}
END_TEST

START_TEST(a_finished_file_that_was_exchanged_is_not_published)
{
        FileRecord record = fetched("/plain");
        _cleanup_free_ char *path = case_temp_path(&record);
        _cleanup_free_ char *aside = temp_dir_path(case_home, "aside");

        ck_assert_int_eq(rename(path, aside), 0);
        temp_dir_write(path, "something else");
        ck_assert_int_eq(chown(path, WORKER_DRIVER_UID, WORKER_DRIVER_UID), 0);
        ck_assert_uint_eq(publish(&record), 1);
        ck_assert_int_lt(access(record.local_name, F_OK), 0);
        file_record_done(&record);
}
END_TEST

START_TEST(publishing_removes_what_is_not_finished)
{
        FileRecord record = case_interrupt("/stall", driver_stop);

        ck_assert_uint_eq(publish(&record), 0);
        ck_assert_uint_eq(case_entries_in_home(), 0);
        file_record_done(&record);
}
END_TEST

START_TEST(cleaning_removes_the_recorded_file_only)
{
        FileRecord record = fetched("/plain");
        _cleanup_free_ char *path = case_temp_path(&record);

        record.inode++;
        driver_start(&case_worker);
        ck_assert_uint_eq(driver_do_files(&case_worker, WORKER_CLEAN, &record, 1), 0);
        driver_stop(&case_worker);
        case_assert_bytes(path, bad_server_a, SIZE);

        record.inode--;
        driver_start(&case_worker);
        ck_assert_uint_eq(driver_do_files(&case_worker, WORKER_CLEAN, &record, 1), 0);
        ck_assert_uint_eq(case_entries_in_home(), 0);
        file_record_done(&record);
}
END_TEST

START_TEST(cleaning_where_nothing_is_left_succeeds)
{
        FileRecord record = fetched("/plain");
        _cleanup_free_ char *moved = temp_dir_path(case_dir, "moved");

        ck_assert_int_eq(rename(case_home, moved), 0);
        driver_start(&case_worker);
        ck_assert_uint_eq(driver_do_files(&case_worker, WORKER_CLEAN, &record, 1), 0);
        file_record_done(&record);
}
END_TEST

static void add_places(Suite *suite)
{
        TCase *tcase = case_add(suite, "places");

        tcase_add_test(tcase, a_place_that_cannot_take_a_file_is_refused_early);
        tcase_add_test(tcase, a_full_disk_is_transient);
        tcase_add_test(tcase, a_symlink_in_place_of_the_temporary_file_is_not_followed);
        tcase_add_test(tcase, a_hard_link_in_place_of_the_temporary_file_is_not_written);
        tcase_add_test(tcase, two_workers_never_write_one_file);
}

static void add_publishing(Suite *suite)
{
        TCase *tcase = case_add(suite, "publishing");

        tcase_add_test(tcase, a_published_file_has_name_mode_and_time);
        tcase_add_test(tcase, publishing_may_be_repeated);
        tcase_add_test(tcase, publishing_may_be_repeated_after_a_remount);
        tcase_add_test(tcase, a_finished_file_that_became_shorter_is_not_published);
        tcase_add_test(tcase, a_symlink_of_the_final_name_is_replaced);
        tcase_add_test(tcase, a_directory_of_the_final_name_stays);
        tcase_add_test(tcase, a_finished_file_that_was_exchanged_is_not_published);
        tcase_add_test(tcase, publishing_removes_what_is_not_finished);
        tcase_add_test(tcase, cleaning_removes_the_recorded_file_only);
        tcase_add_test(tcase, cleaning_where_nothing_is_left_succeeds);
}

int main(void)
{
        Suite *suite = suite_create("worker-files");

        add_places(suite);
        add_publishing(suite);
        return case_run_suite(suite);
}
