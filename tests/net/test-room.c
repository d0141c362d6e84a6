/*
 * dosvc-worker and the room on a file system: what it leaves free, what it claims and what it
 * gives back. The file system is the test's own and small. As root.
 */
#include <check.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macro.h"

#include "model/error-code.h"
#include "model/file-record.h"
#include "tests/lib/bad-server.h"
#include "tests/lib/process.h"
#include "tests/lib/temp-dir.h"
#include "tests/lib/worker-driver.h"

#define SIZE BAD_SERVER_SIZE /* 3 MiB */
#define PART BAD_SERVER_PART /* 1 MiB */

static char *dir;  /* of the whole test */
static char *home; /* of the owner: a file system of its own */
static HttpServer server;
static WorkerDriver worker;

static void set_up(void)
{
        dir = temp_dir_new();
        home = temp_dir_path(dir, "home");
        temp_dir_make(home, 0755, 0);
        http_server_start(&server, bad_server_serve, dir);
        ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
        ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
}

static void tear_down(void)
{
        driver_stop(&worker);
        http_server_stop(&server);
        (void) umount2(home, MNT_DETACH);
        free(home);
        dir = temp_dir_remove(dir);
}

static void mount_home(unsigned mib)
{
        char options[64];

        (void) snprintf(options,
                        sizeof(options),
                        "size=%um,uid=%u,mode=0700",
                        mib,
                        WORKER_DRIVER_UID);
        ck_assert_int_eq(mount("small", home, "tmpfs", 0, options), 0);
}

static void begin(const char *path, uint64_t disk_reserve_bytes)
{
        _cleanup_free_ char *url = http_server_url(&server, path);
        _cleanup_free_ char *local = temp_dir_path(home, "file");
        FileRecord record;

        ck_assert_int_ge(file_record_init(&record, 0, url, local), 0);
        driver_start(&worker);
        worker.disk_reserve_bytes = disk_reserve_bytes;
        driver_download(&worker, &record, 1, NULL);
        file_record_done(&record);
}

static uint64_t bytes_held(const FileRecord *record)
{
        _cleanup_free_ char *path = temp_dir_path(home, record->temp_name);
        struct stat st;

        ck_assert_str_ne(record->temp_name, "");
        ck_assert_int_eq(stat(path, &st), 0);
        return (uint64_t) st.st_blocks * 512;
}

/* Ends the worker and removes its temporary file. */
static void clean(void)
{
        _cleanup_free_ char *path = temp_dir_path(home, worker.records[0].temp_name);

        driver_stop(&worker);
        ck_assert_int_eq(unlink(path), 0);
}

START_TEST(a_file_that_would_leave_too_little_is_not_begun)
{
        static const struct {
                const char *path;
                uint64_t reserve;
                bool begun;
        } cases[] = {
                { "/plain", 3 * PART, false }, /* of 5 MiB it would leave two */
                { "/plain", PART, true },
                { "/unframed", 6 * PART, false }, /* nobody knows, but that is too little now */
                { "/unframed", PART, true },
                { "/plain", UINT64_MAX, false },
        };

        mount_home(5);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                begin(cases[i].path, cases[i].reserve);
                driver_wait(&worker);
                ck_assert_int_eq(worker.finished, cases[i].begun);
                if (!cases[i].begun) {
                        ck_assert_uint_eq(worker.code, (uint32_t) ERROR_CODE_DISK_FULL);
                        ck_assert(worker.transient);
                        ck_assert_str_eq(worker.context, "local-file");
                        ck_assert_ptr_nonnull(strstr(worker.description, "DiskReserve="));
                        ck_assert_uint_eq(worker.records[0].offset_bytes, 0);
                        ck_assert_uint_eq(bytes_held(&worker.records[0]), 0);
                }
                clean();
        }
}
END_TEST

START_TEST(what_does_not_fit_at_all_is_a_full_disk)
{
        mount_home(2);
        begin("/plain", PART / 2);
        driver_wait(&worker);
        ck_assert(worker.failed && worker.transient);
        ck_assert_uint_eq(worker.code, (uint32_t) ERROR_CODE_DISK_FULL);
        ck_assert_ptr_nonnull(strstr(worker.description, "the disk is full"));
}
END_TEST

/* The size is the server's word alone, and the job may wait for days. */
START_TEST(an_interrupted_file_gives_back_what_did_not_come)
{
        FileRecord record;

        mount_home(8);
        begin("/stall", 0);
        driver_wait_checkpoint(&worker, 0, PART);
        ck_assert_uint_eq(bytes_held(&worker.records[0]), SIZE);
        ck_assert_int_ge(file_record_copy(&record, &worker.records[0]), 0);
        driver_stop(&worker);
        ck_assert_uint_eq(bytes_held(&record), PART);

        driver_start(&worker);
        driver_download(&worker, &record, 1, NULL);
        driver_wait(&worker);
        ck_assert(worker.finished);
        ck_assert_uint_eq(bytes_held(&record), SIZE);
        file_record_done(&record);
}
END_TEST

/* Else a file that has room already would wait for it for ever. */
START_TEST(what_a_file_holds_already_is_its_own)
{
        FileRecord record;

        mount_home(4);
        begin("/stall", PART);
        driver_wait_checkpoint(&worker, 0, PART);
        ck_assert_int_ge(file_record_copy(&record, &worker.records[0]), 0);
        driver_kill(&worker);
        ck_assert_uint_eq(bytes_held(&record), SIZE);

        driver_start(&worker);
        worker.disk_reserve_bytes = PART;
        driver_download(&worker, &record, 1, NULL);
        driver_wait(&worker);
        ck_assert_msg(worker.finished, "%s", worker.description);
        file_record_done(&record);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("room");
        TCase *tcase = tcase_create("room");
        SRunner *runner;
        int failed;

        bad_server_setup();
        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_set_timeout(tcase, 60);
        tcase_add_test(tcase, a_file_that_would_leave_too_little_is_not_begun);
        tcase_add_test(tcase, what_does_not_fit_at_all_is_a_full_disk);
        tcase_add_test(tcase, an_interrupted_file_gives_back_what_did_not_come);
        tcase_add_test(tcase, what_a_file_holds_already_is_its_own);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
