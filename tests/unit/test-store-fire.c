/*
 * The database of other times and under misfortune: older and newer schemas, damaged, cut off,
 * mixed with another. $DOSVC_SEED repeats a run of the random ones.
 */
#include <check.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/macro.h"
#include "base/str.h"

#include "manager/store-schema.h"
#include "manager/store.h"
#include "tests/lib/temp-dir.h"

static char *dir, *path;

static void setup(void)
{
        dir = temp_dir_new();
        path = temp_dir_path(dir, "jobs.db");
}

static void teardown(void)
{
        dir = temp_dir_remove(dir);
        free(path);
}

/* Does to a database what a program of another version, or another program, may do. */
static void execute(const char *database, const char *sql)
{
        sqlite3 *db = NULL;
        char *message = NULL;

        ck_assert_int_eq(sqlite3_open(database, &db), SQLITE_OK);
        ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, &message) == SQLITE_OK, "%s", message);
        ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

static int ask_number(const char *database, const char *sql)
{
        sqlite3_stmt *statement = NULL;
        sqlite3 *db = NULL;
        int number;

        ck_assert_int_eq(sqlite3_open(database, &db), SQLITE_OK);
        ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
        ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
        number = sqlite3_column_int(statement, 0);
        ck_assert_int_eq(sqlite3_finalize(statement), SQLITE_OK);
        ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
        return number;
}

typedef struct Loaded {
        Owners owners;
        Job *jobs[64];
        size_t n;
} Loaded;

static int take_job(void *userdata, Job *job)
{
        Loaded *loaded = userdata;

        ck_assert_uint_lt(loaded->n, ARRAY_SIZE(loaded->jobs));
        loaded->jobs[loaded->n++] = job;
        return 0;
}

static void loaded_done(Loaded *loaded)
{
        for (size_t i = 0; i < loaded->n; i++) {
                Owner *owner = loaded->jobs[i]->owner;

                job_free(loaded->jobs[i]);
                owners_release(&loaded->owners, owner);
        }
        loaded->n = 0;
}

static int load(Loaded *loaded)
{
        _cleanup_(store_freep) Store *store = NULL;
        int r = store_open(path, &store);

        return r < 0 ? r : store_load(store, &loaded->owners, take_job, loaded);
}

/* Schemas ------------------------------------------------------------------------------------ */

/* As versions 1 and 2 made and filled it. */
#define SCHEMA_1                                                                                   \
        "CREATE TABLE jobs (serial INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE,"    \
        " owner INTEGER NOT NULL, owner_name TEXT NOT NULL, display_name TEXT NOT NULL,"           \
        " description TEXT NOT NULL, priority INTEGER NOT NULL, proxy_usage INTEGER NOT NULL,"     \
        " proxies TEXT NOT NULL, proxy_bypass TEXT NOT NULL, state INTEGER NOT NULL,"              \
        " error_code INTEGER NOT NULL, error_context INTEGER NOT NULL,"                            \
        " error_description TEXT NOT NULL, error_url TEXT NOT NULL, error_file INTEGER NOT NULL,"  \
        " error_count INTEGER NOT NULL, attempts INTEGER NOT NULL,"                                \
        " credentials_lost INTEGER NOT NULL, created INTEGER NOT NULL, modified INTEGER NOT NULL," \
        " transferred INTEGER NOT NULL, next_attempt INTEGER NOT NULL) STRICT;"                    \
        "CREATE TABLE files (job INTEGER NOT NULL REFERENCES jobs (serial) ON DELETE CASCADE,"     \
        " idx INTEGER NOT NULL, remote_name TEXT NOT NULL, local_name TEXT NOT NULL,"              \
        " temp_name TEXT NOT NULL, device INTEGER NOT NULL, inode INTEGER NOT NULL,"               \
        " offset INTEGER NOT NULL, total INTEGER NOT NULL, etag TEXT NOT NULL,"                    \
        " last_modified TEXT NOT NULL, effective_url TEXT NOT NULL, finished INTEGER NOT NULL,"    \
        " headers TEXT NOT NULL, PRIMARY KEY (job, idx)) STRICT, WITHOUT ROWID;"                   \
        "CREATE TABLE slots (job INTEGER NOT NULL REFERENCES jobs (serial) ON DELETE CASCADE,"     \
        " target INTEGER NOT NULL, scheme INTEGER NOT NULL, implicit INTEGER NOT NULL,"            \
        " user_name TEXT, key_id BLOB NOT NULL, persistent INTEGER NOT NULL, sealed BLOB NOT "     \
        "NULL,"                                                                                    \
        " PRIMARY KEY (job, target, scheme)) STRICT;"
#define ROWS_1                                                                                     \
        "INSERT INTO jobs VALUES (7, x'000102030405060708090a0b0c0d0e0f', 1000, 'alice', 'name',"  \
        " 'why', 1, 0, '', '', 5, 0x8020002D, 6, 'refused', 'http://h/f', 0, 4, 3, 0, 11, 12, 0,"  \
        " 13);"                                                                                    \
        "INSERT INTO files VALUES (7, 0, 'http://h/f', '/home/f', '.f.part', 1, 2, 300, 400,"      \
        " '\"e\"', 'date', 'http://h/f', 0, 'ETag: \"e\"');"                                       \
        "PRAGMA user_version=1;"
#define TO_SCHEMA_2                                                                                \
        "ALTER TABLE files ADD COLUMN checksum TEXT NOT NULL DEFAULT '';"                          \
        "ALTER TABLE files ADD COLUMN ranges BLOB NOT NULL DEFAULT x'';"                           \
        "ALTER TABLE files ADD COLUMN restarts INTEGER NOT NULL DEFAULT 0;"                        \
        "ALTER TABLE files ADD COLUMN restart_reason TEXT NOT NULL DEFAULT '';"                    \
        "UPDATE files SET checksum='md5:x', restarts=6, restart_reason='changed',"                 \
        " ranges=x'0a000000000000001400000000000000';"                                             \
        "PRAGMA user_version=2;"

START_TEST(an_older_database_is_brought_up_to_date)
{
        Loaded loaded = { 0 };
        const FileRecord *file;
        Job *job;

        execute(path, "PRAGMA journal_mode=WAL;" SCHEMA_1 ROWS_1);
        if (_i == 2)
                execute(path, TO_SCHEMA_2);
        for (int round = 0; round < 2; round++) { /* written by us the second time */
                ck_assert_int_eq(load(&loaded), 0);
                ck_assert_uint_eq(loaded.n, 1);
                job = loaded.jobs[0];
                ck_assert_str_eq(job->settings.display_name, "name");
                ck_assert_str_eq(job->error.description, "refused");
                ck_assert_int_eq(job->state, JOB_TRANSIENT_ERROR);
                ck_assert_uint_eq(job->attempts.failures, 3);
                ck_assert_uint_eq(job->attempts.next_usec, 13);
                ck_assert_uint_eq(job->settings.minimum_retry_delay_sec, 0);
                ck_assert_uint_eq(job->settings.no_progress_timeout_sec, 1209600);
                ck_assert_uint_eq(job->settings.maximum_download_time_sec, 7776000);
                ck_assert_uint_eq(job->attempts.stalled.spent_usec, 0);
                ck_assert_uint_eq(job->attempts.active.spent_usec, 0);
                ck_assert_uint_eq(job->attempts.workers_lost, 0);
                ck_assert(job->unreported); /* nobody knows */
                ck_assert_uint_eq(job->n_files, 1);
                file = &job->files[0].record;
                ck_assert_str_eq(file->temp_name, ".f.part");
                ck_assert_uint_eq(file->offset_bytes, 300);
                ck_assert_str_eq(file->etag, "\"e\"");
                ck_assert_str_eq(file->checksum, _i == 2 ? "md5:x" : "");
                ck_assert_uint_eq(file->restarts, _i == 2 ? 6 : 0);
                ck_assert_uint_eq(file->n_ranges, _i == 2 ? 1 : 0);
                loaded_done(&loaded);
        }
        ck_assert_int_eq(ask_number(path, "PRAGMA user_version"), STORE_SCHEMA_VERSION);
}
END_TEST

START_TEST(what_is_put_is_loaded)
{
        static const FileRange ranges[] = { { 5, 6 }, { 0, 1 } };
        Loaded loaded = { 0 };
        Store *store = NULL;
        Job *job;

        execute(path, SCHEMA_1 ROWS_1);
        ck_assert_int_eq(load(&loaded), 0);
        job = loaded.jobs[0];
        ck_assert_int_eq(job_want(job, 0, "sha1:00", ranges, ARRAY_SIZE(ranges)), 0);
        job->settings.minimum_retry_delay_sec = 1000;
        job->settings.no_progress_timeout_sec = 1001;
        job->settings.maximum_download_time_sec = 1002;
        job->attempts.failures = 21;
        job->attempts.workers_lost = 22;
        job->unreported = false;
        job->attempts.stalled.spent_usec = 23;
        job->attempts.active.spent_usec = UINT64_MAX - 1;
        ck_assert_int_eq(store_open(path, &store), 0);
        ck_assert_int_eq(store_put_job(store, job), 0);
        ck_assert_int_eq(store_put_setting(store, job, SETTING_MINIMUM_RETRY_DELAY), 0);
        ck_assert_int_eq(store_put_setting(store, job, SETTING_NO_PROGRESS_TIMEOUT), 0);
        ck_assert_int_eq(store_put_setting(store, job, SETTING_MAXIMUM_DOWNLOAD_TIME), 0);
        ck_assert_int_eq(store_put_file(store, job, 0), 0);
        ck_assert_int_eq(store_commit(store), 0);
        store_free(store);
        loaded_done(&loaded);

        ck_assert_int_eq(load(&loaded), 0);
        ck_assert_uint_eq(loaded.n, 1);
        job = loaded.jobs[0];
        ck_assert_uint_eq(job->settings.minimum_retry_delay_sec, 1000);
        ck_assert_uint_eq(job->settings.no_progress_timeout_sec, 1001);
        ck_assert_uint_eq(job->settings.maximum_download_time_sec, 1002);
        ck_assert_uint_eq(job->attempts.failures, 21);
        ck_assert_uint_eq(job->attempts.workers_lost, 22);
        ck_assert(!job->unreported);
        ck_assert_uint_eq(job->attempts.stalled.spent_usec, 23);
        ck_assert_uint_eq(job->attempts.active.spent_usec, UINT64_MAX - 1);
        ck_assert_str_eq(job->files[0].record.checksum, "sha1:00");
        ck_assert_uint_eq(job->files[0].record.n_ranges, 2);
        ck_assert_int_eq(memcmp(job->files[0].record.ranges, ranges, sizeof(ranges)), 0);
        loaded_done(&loaded);
}
END_TEST

START_TEST(a_newer_database_is_left_as_it_is)
{
        Store *store = NULL;
        char *before, *after;
        size_t size, size_after;

        execute(path, SCHEMA_1 ROWS_1 "PRAGMA user_version=1000;");
        before = temp_dir_read(path, &size);
        ck_assert_int_eq(store_open(path, &store), -EPROTONOSUPPORT);
        ck_assert_ptr_null(store);
        after = temp_dir_read(path, &size_after);
        ck_assert_uint_eq(size, size_after);
        ck_assert_mem_eq(before, after, size);
        free(before);
        free(after);
}
END_TEST

/* Damage ------------------------------------------------------------------------------------- */

#define JOBS "50"

/* Many jobs of one file each, as this program puts them. */
static void fill(const char *database)
{
        Loaded loaded = { 0 };
        Store *store = NULL;

        execute(database,
                SCHEMA_1 ROWS_1
                "WITH RECURSIVE n(i) AS (VALUES (8) UNION ALL SELECT i+1 FROM n WHERE i<6+" JOBS ")"
                " INSERT INTO jobs SELECT i, randomblob(16), 1000, 'alice', 'job ' || i, '', 1, 0,"
                " '', '', 3, 0, 0, '', '', -1, 0, 0, 0, i, i, 0, 0 FROM n;"
                "INSERT INTO files SELECT serial, 0, 'http://host/' || serial, '/dir/' || serial,"
                " '', 1, serial, serial * 1000, serial * 2000, '\"etag\"', '', '', 0, '' FROM jobs"
                " WHERE serial > 7;");
        ck_assert_int_eq(store_open(database, &store), 0);
        ck_assert_int_eq(store_load(store, &loaded.owners, take_job, &loaded), 0);
        for (size_t i = 0; i < loaded.n; i++) {
                ck_assert_int_eq(store_put_job(store, loaded.jobs[i]), 0);
                ck_assert_int_eq(store_put_file(store, loaded.jobs[i], 0), 0);
        }
        ck_assert_int_eq(store_commit(store), 0);
        loaded_done(&loaded);
        store_free(store);
}

static void write_bytes(const char *to, const char *data, size_t size)
{
        FILE *file = fopen(to, "we");

        ck_assert_ptr_nonnull(file);
        ck_assert_uint_eq(fwrite(data, 1, size, file), size);
        ck_assert_int_eq(fclose(file), 0);
}

static void forget_log(void)
{
        _cleanup_free_ char *log = temp_dir_path(dir, "jobs.db-wal");

        (void) unlink(log);
}

/* All jobs with all that they had, or none. */
static bool is_whole(const Loaded *loaded, const Loaded *expected)
{
        if (loaded->n != expected->n)
                return false;
        for (size_t i = 0; i < loaded->n; i++) {
                const Job *a = loaded->jobs[i], *b = expected->jobs[i];
                const FileRecord *file_a, *file_b;

                if (a->n_files != 1 || b->n_files != 1)
                        return false;
                file_a = &a->files[0].record;
                file_b = &b->files[0].record;
                if (!sd_id128_equal(a->id, b->id) || a->state != b->state ||
                    a->created_usec != b->created_usec ||
                    !str_equal(a->settings.display_name, b->settings.display_name) ||
                    file_a->offset_bytes != file_b->offset_bytes ||
                    file_a->total_bytes != file_b->total_bytes || file_a->inode != file_b->inode ||
                    file_a->finished != file_b->finished ||
                    strcmp(file_a->remote_name, file_b->remote_name) != 0 ||
                    strcmp(file_a->local_name, file_b->local_name) != 0 ||
                    strcmp(file_a->etag, file_b->etag) != 0)
                        return false;
        }
        return true;
}

static unsigned seed(void)
{
        const char *text = getenv("DOSVC_SEED");
        unsigned value = text ? (unsigned) strtoul(text, NULL, 10) : arc4random();

        (void) fprintf(stderr, "DOSVC_SEED=%u\n", value);
        return value;
}

#define ROUNDS 1500

START_TEST(a_flipped_bit_changes_no_job)
{
        Loaded expected = { 0 }, loaded = { 0 };
        unsigned state = seed(), n_damaged = 0;
        char *data;
        size_t size;

        fill(path);
        ck_assert_int_eq(load(&expected), 0);
        data = temp_dir_read(path, &size);
        for (unsigned i = 0; i < ROUNDS; i++) {
                size_t at = (size_t) rand_r(&state) % size;
                char bit = (char) (1 << rand_r(&state) % 8);
                int r;

                data[at] = (char) (data[at] ^ bit);
                forget_log();
                write_bytes(path, data, size);
                data[at] = (char) (data[at] ^ bit);
                r = load(&loaded);
                n_damaged += r == -EUCLEAN;
                ck_assert_msg(r == -EUCLEAN || r == -EPROTONOSUPPORT ||
                                      (r == 0 && is_whole(&loaded, &expected)),
                              "bit %d of byte %zu: %d, %zu jobs",
                              bit,
                              at,
                              r,
                              loaded.n);
                loaded_done(&loaded);
        }
        ck_assert_uint_gt(n_damaged, ROUNDS / 10);
        loaded_done(&expected);
        free(data);
}
END_TEST

/* Bytes that are not there read as zeros: cutting off nothing else damages nothing. */
static bool is_zero(const char *data, size_t size)
{
        while (size > 0 && data[size - 1] == 0)
                size--;
        return size == 0;
}

/* No file, an empty one and (for SQLite) one of a byte are a new database. */
START_TEST(a_database_that_was_cut_off_is_damaged)
{
        Loaded loaded = { 0 };
        char *data;
        size_t size;
        int r;

        fill(path);
        data = temp_dir_read(path, &size);
        for (size_t n = 2; n < size; n += n < 600 ? 37 : 997) {
                forget_log();
                write_bytes(path, data, n);
                r = load(&loaded);
                ck_assert_msg(r == -EUCLEAN || (r == 0 && is_zero(data + n, size - n)),
                              "%zu of %zu bytes: %d",
                              n,
                              size,
                              r);
                loaded_done(&loaded);
        }
        free(data);
}
END_TEST

START_TEST(what_is_no_database_is_damaged)
{
        Store *store = NULL;

        write_bytes(path, "Plain text, and enough of it to be no header of SQLite's at all.\n", 64);
        ck_assert_int_eq(store_open(path, &store), -EUCLEAN);
}
END_TEST

/* A file row whose job is missing, and tables of somebody else's. */
START_TEST(tables_that_do_not_fit_are_damaged)
{
        static const char *const damages[] = {
                "DELETE FROM jobs WHERE serial=20;",
                "DELETE FROM jobs WHERE serial=56;",
                "UPDATE files SET offset=offset+1 WHERE job=20;",
                "UPDATE files SET idx=5 WHERE job=20;",
                "UPDATE files SET job=-job WHERE job=20;",
                "UPDATE settings SET job=-job WHERE job=20;",
                "UPDATE jobs SET state=6 WHERE serial=20;",
                "DROP TABLE files;",
                "PRAGMA user_version=2;",
                "PRAGMA user_version=0;",
        };
        Loaded loaded = { 0 };

        fill(path);
        execute(path, damages[_i]);
        ck_assert_int_eq(load(&loaded), -EUCLEAN);
        loaded_done(&loaded);
        ck_assert_ptr_null(loaded.owners.by_uid);
}
END_TEST

/* The log of another database, and an older one of this: as if restored from a copy. */
START_TEST(a_foreign_log_mixes_nothing_in)
{
        _cleanup_free_ char *other = temp_dir_path(dir, "other.db");
        _cleanup_free_ char *log = temp_dir_path(dir, "jobs.db-wal");
        _cleanup_free_ char *other_log = temp_dir_path(dir, "other.db-wal");
        _cleanup_free_ char *old = NULL;
        Loaded expected = { 0 }, loaded = { 0 };
        size_t size, old_size;
        sqlite3 *db = NULL;
        char *data;
        int r;

        fill(path);
        ck_assert_int_eq(load(&expected), 0);
        fill(other);
        old = temp_dir_read(other, &old_size);
        /* Its log is there as long as it is open. */
        ck_assert_int_eq(sqlite3_open(other, &db), SQLITE_OK);
        ck_assert_int_eq(
                sqlite3_exec(db,
                             "PRAGMA wal_autocheckpoint=0;"
                             "UPDATE settings SET value='other', sum=0 WHERE name='DisplayName';"
                             "DELETE FROM files WHERE job % 2;",
                             NULL,
                             NULL,
                             NULL),
                SQLITE_OK);
        data = temp_dir_read(other_log, &size);
        ck_assert_uint_gt(size, 0);
        (void) sqlite3_close(db);

        if (_i == 0) { /* another's log */
                write_bytes(log, data, size);
        } else { /* a torn one of its own: only its first half was written */
                write_bytes(path, old, old_size);
                write_bytes(log, data, size / 2 + 100);
                loaded_done(&expected);
        }
        r = load(&loaded);
        ck_assert(r == 0 || r == -EUCLEAN);
        if (r == 0 && _i == 0) /* all of the one or all of the other, each consistent in itself */
                ck_assert(is_whole(&loaded, &expected) ||
                          str_equal(loaded.jobs[0]->settings.display_name, "other"));
        if (r == 0 && _i == 1) {
                ck_assert_uint_eq(loaded.n, 50);
                ck_assert_str_ne(loaded.jobs[0]->settings.display_name, "other");
        }
        loaded_done(&loaded);
        loaded_done(&expected);
        free(data);
}
END_TEST

START_TEST(a_damaged_database_is_moved_aside)
{
        _cleanup_free_ char *log = temp_dir_path(dir, "jobs.db-wal"), *aside = NULL;
        _cleanup_free_ char *expected = temp_dir_path(dir, "jobs.db.damaged-1234");
        _cleanup_free_ char *expected_log = temp_dir_path(dir, "jobs.db.damaged-1234-wal");
        _cleanup_free_ char *kept = NULL, *kept_log = NULL, *kept_still = NULL;
        char *again = NULL;

        temp_dir_write(path, "damaged");
        temp_dir_write(log, "log");
        ck_assert_int_eq(store_move_aside(path, 1234999999, &aside), 0);
        ck_assert_str_eq(aside, expected);
        kept = temp_dir_read(expected, NULL);
        ck_assert_str_eq(kept, "damaged");
        kept_log = temp_dir_read(expected_log, NULL);
        ck_assert_str_eq(kept_log, "log");
        ck_assert_int_lt(access(path, F_OK), 0);
        ck_assert_int_lt(access(log, F_OK), 0);
        ck_assert_int_eq(store_move_aside(path, 1234999999, &again), -ENOENT);
        temp_dir_write(path, "damaged again");
        ck_assert_int_eq(store_move_aside(path, 1234999999, &again), -EEXIST);
        kept_still = temp_dir_read(expected, NULL);
        ck_assert_str_eq(kept_still, "damaged");
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("store-fire");
        TCase *schemas = tcase_create("schemas"), *damage = tcase_create("damage");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(schemas, setup, teardown);
        tcase_add_loop_test(schemas, an_older_database_is_brought_up_to_date, 1, 3);
        tcase_add_test(schemas, what_is_put_is_loaded);
        tcase_add_test(schemas, a_newer_database_is_left_as_it_is);
        tcase_add_checked_fixture(damage, setup, teardown);
        tcase_set_timeout(damage, 60);
        tcase_add_test(damage, a_flipped_bit_changes_no_job);
        tcase_add_test(damage, a_database_that_was_cut_off_is_damaged);
        tcase_add_test(damage, what_is_no_database_is_damaged);
        tcase_add_loop_test(damage, tables_that_do_not_fit_are_damaged, 0, 10);
        tcase_add_loop_test(damage, a_foreign_log_mixes_nothing_in, 0, 2);
        tcase_add_test(damage, a_damaged_database_is_moved_aside);
        suite_add_tcase(suite, damage);
        suite_add_tcase(suite, schemas);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
