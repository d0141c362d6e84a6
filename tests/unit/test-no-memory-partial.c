/*
 * The unfinished file on disk, with each allocation failing in turn: whatever the record says is
 * there.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"

#include "model/failure.h"
#include "model/file-record.h"
#include "tests/lib/no-memory.h"
#include "tests/lib/temp-dir.h"
#include "worker/destinations.h"
#include "worker/partial.h"
#include "worker/sink.h"

static char *dir; /* owned by the fixture, as is the next */
static int dir_fd;

static void setup(void)
{
        dir = temp_dir_new();
        dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        ck_assert_int_ge(dir_fd, 0);
}

static void teardown(void)
{
        (void) close(dir_fd);
        dir = temp_dir_remove(dir);
}

static int begin_version(Partial *partial, const char *bytes, bool replaces, Failure *failure)
{
        int r = replaces ? partial_replace(partial, "Again.", failure)
                         : partial_start_over(partial, "Again.", failure);

        if (r >= 0)
                r = partial_write(partial, bytes, strlen(bytes), failure);
        return r < 0 ? r : partial_sync(partial);
}

/* Another version comes while the checksum of none is known; what is on record stays there. */
static int two_versions(void *userdata)
{
        _cleanup_(destinations_freep) Destinations *set = NULL;
        _cleanup_(partial_freep) Partial *partial = NULL;
        Failure failure = FAILURE_NONE;
        Destination *destination;
        FileRecord *record = userdata;
        int r = destinations_new(&set);

        if (r >= 0)
                r = destinations_add(set, record->local_name, &destination);
        if (r >= 0)
                r = partial_open(destination, SD_ID128_NULL, record, &failure, &partial);
        if (r >= 0)
                r = begin_version(partial, "bytes", false, &failure);
        if (r >= 0)
                r = begin_version(partial, "abc", true, &failure);
        failure_done(&failure);
        return r < 0 ? r : 0;
}

/* The record is right, whichever version it is of. */
static void check_version(void *userdata, int result)
{
        FileRecord *record = userdata;
        _cleanup_free_ char *path = temp_dir_path(dir, record->temp_name), *text = NULL;

        if (record->offset_bytes > 0) {
                text = temp_dir_read(path, NULL);
                ck_assert_uint_eq(record->offset_bytes, 5);
                ck_assert_str_eq(text, "bytes");
        }
        if (record->temp_name[0])
                ck_assert_int_eq(unlink(path), 0);
        /* A file that could not be recorded is found by its name, and there is no other one. */
        ck_assert_int_eq(sink_sweep(dir_fd, "file", sink_tag(SD_ID128_NULL, 0), ""), 0);
        ck_assert_int_eq(rmdir(dir), 0);
        ck_assert_int_eq(mkdir(dir, 0755), 0);
        (void) close(dir_fd);
        dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        record->temp_name[0] = record->restart_reason[0] = '\0';
        record->offset_bytes = record->inode = record->restarts = 0;
}

START_TEST(of_two_versions_one_is_on_record)
{
        _cleanup_free_ char *local = temp_dir_path(dir, "file");
        FileRecord record;

        ck_assert_int_eq(file_record_init(&record, 0, "http://host/", local), 0);
        ck_assert_int_eq(str_set(&record.checksum, "md5:00000000000000000000000000000000"), 0);
        no_memory_torture(&(NoMemoryScenario){ .name = "two_versions",
                                               .run = two_versions,
                                               .userdata = &record,
                                               .check = check_version });
        file_record_done(&record);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("no-memory-partial");
        TCase *tcase = tcase_create("versions");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, of_two_versions_one_is_on_record);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
