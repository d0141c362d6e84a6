/*
 * Downloads to a disk as memory sticks and network shares are (tests/lib/odd-disk.h): inode numbers
 * that do not last, one mode for all files, directories that cannot be synced; and temporary files
 * that are gone, there and on an ordinary disk. Through the real service, as root.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dbus/dosvc-wire.h"

#include "base/macro.h"

#include "tests/lib/bad-server.h"
#include "tests/lib/client.h"
#include "tests/lib/odd-disk.h"
#include "tests/lib/process.h"
#include "tests/lib/service-fixture.h"
#include "tests/lib/temp-dir.h"
#include "tests/lib/users.h"

#define WAIT_MSEC 20000

static HttpServer server;
static OddDisk disk;
static char *backing;  /* what is on the disk, seen from below */
static char *mounted;  /* the same, as everybody sees it */
static char *job;      /* its file 0 is "file" */
static bool available; /* this kernel has FUSE */

static void run_in(const char *directory, const char *command)
{
        _cleanup_free_ char *line = NULL;

        ck_assert_int_gt(asprintf(&line, "cd %s && %s", directory, command), 0);
        ck_assert_int_eq(process_run(&(ProcessSpec){ .argv = PROCESS_ARGV("sh", "-c", line) }), 0);
}

static void start_on(bool odd)
{
        mounted = temp_dir_path(USERS_ALICE_HOME, "stick");
        temp_dir_make(mounted, 0755, USERS_ALICE_UID);
        backing = odd ? temp_dir_new() : strdup(mounted);
        ck_assert_ptr_nonnull(backing);
        available = !odd || odd_disk_mount(&disk, mounted, backing, USERS_ALICE_UID);
        fixture_start();
        http_server_start(&server, bad_server_serve, fixture.dir);
}

static void start_on_odd(void)
{
        start_on(true);
}

static void start_on_ordinary(void)
{
        start_on(false);
}

static void stop(void)
{
        http_server_stop(&server);
        fixture_stop();
        odd_disk_unmount(&disk);
        run_in(mounted, "rm -rf .* * 2>/dev/null; true");
        (void) rmdir(mounted);
        free(mounted);
        free(backing);
        free(job);
}

static void make_job(const char *path, const char *name)
{
        _cleanup_free_ char *url = http_server_url(&server, path);
        _cleanup_free_ char *local = temp_dir_path(mounted, name);

        if (job)
                client_add_file(fixture.alice, job, url, local);
        else
                job = client_create_for(fixture.alice, url, local);
}

/* Names in the directory of the disk, one a line, temporary ones too. */
static char *names(void)
{
        _cleanup_free_ char *out = temp_dir_path(fixture.dir, "names"), *command = NULL;

        ck_assert_int_gt(asprintf(&command, "ls -A > %s", out), 0);
        run_in(backing, command);
        return temp_dir_read(out, NULL);
}

static void assert_names(const char *expected)
{
        ck_assert_msg(PROCESS_WAIT_UNTIL(WAIT_MSEC, ({
                                                 _cleanup_free_ char *found = names();
                                                 strcmp(found, expected) == 0;
                                         })),
                      "%s",
                      names());
}

static void assert_file(const char *name)
{
        _cleanup_free_ char *path = temp_dir_path(mounted, name);
        size_t size;
        _cleanup_free_ char *bytes = temp_dir_read(path, &size);

        ck_assert_uint_eq(size, BAD_SERVER_SIZE);
        ck_assert_mem_eq(bytes, bad_server_a, BAD_SERVER_SIZE);
}

static void transfer(void)
{
        client_call(fixture.alice, job, "Resume");
        client_wait_state(fixture.alice, job, "transferred", WAIT_MSEC);
}

static uint64_t restarts(void)
{
        _cleanup_free_ char *file = NULL;

        ck_assert_int_gt(asprintf(&file, "%s/file/0", job), 0);
        return client_number(fixture.alice, file, DOSVC_FILE_INTERFACE, "Restarts", 'u');
}

static void assert_gone(void)
{
        ck_assert_ptr_nonnull(client_try_call(fixture.alice, job, "Complete"));
        ck_assert_str_eq(client_state(fixture.alice, job), "error");
        ck_assert_str_eq(client_error(fixture.alice, job).name, "temporary-file-gone");
        ck_assert_ptr_nonnull(strstr(client_error(fixture.alice, job).description, "stick/file"));
}

/* ---- numbers that do not last ---------------------------------------------------------------- */

START_TEST(a_file_goes_on_after_its_disk_was_mounted_anew)
{
        if (!available)
                return;
        make_job("/stall", "file");
        client_call(fixture.alice, job, "Resume");
        client_wait_bytes(fixture.alice, job, BAD_SERVER_PART, WAIT_MSEC);
        client_call(fixture.alice, job, "Suspend");
        ck_assert(PROCESS_WAIT_UNTIL(WAIT_MSEC,
                                     daemon_find(&fixture.daemon, "dosvc-worker", 0) == 0));
        http_server_forget(&server);
        odd_disk_renumber(&disk);
        transfer();
        ck_assert_uint_eq(restarts(), 0);
        ck_assert_ptr_nonnull(strstr(http_server_log(&server), "Range: bytes=1048576-\n"));
        odd_disk_renumber(&disk);
        ck_assert_int_eq(client_complete(fixture.alice, job), 0);
        assert_file("file");
        assert_names("file\n");
}
END_TEST

START_TEST(a_whole_file_is_published_after_its_disk_was_mounted_anew)
{
        if (!available)
                return;
        make_job("/plain", "file");
        transfer();
        odd_disk_renumber(&disk);
        if (_i)
                fixture_restart();
        ck_assert_int_eq(client_complete(fixture.alice, job), 0);
        assert_file("file");
        assert_names("file\n");
}
END_TEST

START_TEST(cancel_after_a_remount_leaves_nothing)
{
        if (!available)
                return;
        make_job(_i ? "/plain" : "/stall", "file");
        client_call(fixture.alice, job, "Resume");
        if (_i)
                client_wait_state(fixture.alice, job, "transferred", WAIT_MSEC);
        else
                client_wait_bytes(fixture.alice, job, BAD_SERVER_PART, WAIT_MSEC);
        client_call(fixture.alice, job, "Suspend");
        odd_disk_renumber(&disk);
        client_call(fixture.alice, job, "Cancel");
        assert_names("");
}
END_TEST

/* The worker dies before its temporary file is on record; the next one knows it by its name. */
START_TEST(what_was_never_recorded_is_removed_as_well)
{
        _cleanup_free_ char *left = NULL, *command = NULL, *copy = NULL;
        char *digit;

        if (!available)
                return;
        make_job("/plain", "file");
        transfer();
        left = names();
        copy = strdup(left);
        ck_assert_ptr_nonnull(copy);
        /* The name of the next generation: ".file.XXXXXXXX.dosvc" */
        digit = strrchr(copy, '.') - 1;
        ++*digit;
        ck_assert_int_gt(asprintf(&command, "touch %s", copy), 0);
        run_in(backing, command);
        odd_disk_renumber(&disk);
        client_call(fixture.alice, job, "Cancel");
        assert_names("");
}
END_TEST

START_TEST(a_file_that_became_shorter_is_not_published)
{
        if (!available)
                return;
        make_job("/plain", "file");
        transfer();
        run_in(backing, "truncate -s 1000000 .file.*");
        odd_disk_renumber(&disk);
        assert_gone();
        transfer();
        ck_assert_uint_eq(restarts(), 1);
        ck_assert_int_eq(client_complete(fixture.alice, job), 0);
        assert_file("file");
        assert_names("file\n");
}
END_TEST

START_TEST(a_disk_that_forgets_what_has_no_name_takes_files)
{
        if (!available)
                return;
        odd_disk_forget_unlinked(&disk);
        make_job("/plain", "file");
        transfer();
        ck_assert_int_eq(client_complete(fixture.alice, job), 0);
        assert_file("file");
        assert_names("file\n");
}
END_TEST

/* ---- directories that cannot be synced --------------------------------------------------------
 */

START_TEST(a_directory_that_knows_no_sync_takes_files)
{
        static const int errors[] = { EINVAL, EOPNOTSUPP, ENOSYS };

        if (!available)
                return;
        odd_disk_fail_sync(&disk, errors[_i]);
        make_job("/plain", "file");
        transfer();
        ck_assert_int_eq(client_complete(fixture.alice, job), 0);
        assert_file("file");
        assert_names("file\n");
}
END_TEST

START_TEST(a_directory_that_the_disk_fails_finishes_nothing)
{
        if (!available)
                return;
        odd_disk_fail_sync(&disk, EIO);
        make_job("/plain", "file");
        client_call(fixture.alice, job, "Resume");
        client_wait_state(fixture.alice, job, "transient-error", WAIT_MSEC);
        client_call(fixture.alice, job, "Cancel");
        assert_names("");
}
END_TEST

/* ---- files that are gone --------------------------------------------------------------------- */

START_TEST(a_file_that_is_gone_is_fetched_again)
{
        if (!available)
                return;
        make_job("/plain", "file");
        transfer();
        run_in(backing, "rm .file.*");
        assert_gone();
        http_server_forget(&server);
        transfer();
        ck_assert_uint_eq(http_server_count(&server), 1);
        ck_assert_uint_eq(restarts(), 1);
        ck_assert_int_eq(client_complete(fixture.alice, job), 0);
        assert_file("file");
        assert_names("file\n");
}
END_TEST

START_TEST(a_job_is_completed_without_the_file_that_is_gone)
{
        if (!available)
                return;
        make_job("/plain", "file");
        make_job("/plain", "other");
        transfer();
        run_in(backing, "rm .file.*");
        assert_gone();
        /* The other one is at its place already, or comes there now. */
        ck_assert_int_eq(client_complete(fixture.alice, job), 1);
        assert_file("other");
        assert_names("other\n");
}
END_TEST

START_TEST(a_job_with_a_file_that_is_gone_can_be_cancelled)
{
        if (!available)
                return;
        make_job("/plain", "file");
        make_job("/plain", "other");
        transfer();
        run_in(backing, "rm .file.*");
        if (_i) /* nobody has noticed */
                client_call(fixture.alice, job, "Cancel");
        else {
                assert_gone();
                client_call(fixture.alice, job, "Cancel");
        }
        assert_names(_i ? "" : "other\n");
}
END_TEST

/* A disk that is not there for a while takes nothing along: its files are found again. */
START_TEST(a_file_that_comes_back_is_not_fetched_again)
{
        if (!available)
                return;
        make_job("/plain", "file");
        transfer();
        run_in(backing, "for f in .file.*; do mv $f ../aside; echo $f > ../name; done");
        assert_gone();
        run_in(backing, "mv ../aside $(cat ../name); rm ../name");
        http_server_forget(&server);
        transfer();
        ck_assert_uint_eq(http_server_count(&server), 0);
        ck_assert_uint_eq(restarts(), 0);
        ck_assert_int_eq(client_complete(fixture.alice, job), 0);
        assert_file("file");
}
END_TEST

static TCase *add_case(Suite *suite, const char *name, void (*start)(void))
{
        TCase *tcase = tcase_create(name);

        tcase_add_checked_fixture(tcase, start, stop);
        tcase_set_timeout(tcase, 60);
        suite_add_tcase(suite, tcase);
        return tcase;
}

static void add_gone(Suite *suite, const char *name, void (*start)(void))
{
        TCase *tcase = add_case(suite, name, start);

        tcase_add_test(tcase, a_file_that_is_gone_is_fetched_again);
        tcase_add_test(tcase, a_job_is_completed_without_the_file_that_is_gone);
        tcase_add_loop_test(tcase, a_job_with_a_file_that_is_gone_can_be_cancelled, 0, 2);
        tcase_add_test(tcase, a_file_that_comes_back_is_not_fetched_again);
}

static void add_numbers(Suite *suite)
{
        TCase *tcase = add_case(suite, "numbers", start_on_odd);

        tcase_add_test(tcase, a_file_goes_on_after_its_disk_was_mounted_anew);
        tcase_add_loop_test(tcase, a_whole_file_is_published_after_its_disk_was_mounted_anew, 0, 2);
        tcase_add_loop_test(tcase, cancel_after_a_remount_leaves_nothing, 0, 2);
        tcase_add_test(tcase, what_was_never_recorded_is_removed_as_well);
        tcase_add_test(tcase, a_file_that_became_shorter_is_not_published);
        tcase_add_test(tcase, a_disk_that_forgets_what_has_no_name_takes_files);
}

static void add_syncs(Suite *suite)
{
        TCase *tcase = add_case(suite, "syncs", start_on_odd);

        tcase_add_loop_test(tcase, a_directory_that_knows_no_sync_takes_files, 0, 3);
        tcase_add_test(tcase, a_directory_that_the_disk_fails_finishes_nothing);
}

int main(void)
{
        Suite *suite = suite_create("odd-disk");

        bad_server_setup();
        add_numbers(suite);
        add_syncs(suite);
        add_gone(suite, "gone from an odd disk", start_on_odd);
        add_gone(suite, "gone from an ordinary disk", start_on_ordinary);
        return fixture_play(suite, 0);
}
