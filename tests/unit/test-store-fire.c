/*
 * The database of other times and under misfortune: older and newer schemas.
 */
#include <check.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/macro.h"

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

/* What a program of another version, or another program, does to a database. */
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
                ck_assert_str_eq(job->display_name, "name");
                ck_assert_str_eq(job->error.description, "refused");
                ck_assert_int_eq(job->state, JOB_TRANSIENT_ERROR);
                ck_assert_uint_eq(job->attempts, 3);
                ck_assert_uint_eq(job->next_attempt_usec, 13);
                ck_assert_uint_eq(job->spans_sec[JOB_SPAN_MIN_RETRY_DELAY], 0);
                ck_assert_uint_eq(job->spans_sec[JOB_SPAN_NO_PROGRESS], RETRY_NO_PROGRESS_SEC);
                ck_assert_uint_eq(job->spans_sec[JOB_SPAN_MAX_DOWNLOAD], RETRY_MAX_DOWNLOAD_SEC);
                ck_assert_uint_eq(job->stalled.spent_usec, 0);
                ck_assert_uint_eq(job->active.spent_usec, 0);
                ck_assert_uint_eq(job->workers_lost, 0);
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
        for (unsigned i = 0; i < JOB_SPANS_MAX; i++)
                job->spans_sec[i] = 1000 + i;
        job->attempts = 21;
        job->workers_lost = 22;
        job->stalled.spent_usec = 23;
        job->active.spent_usec = UINT64_MAX - 1;
        ck_assert_int_eq(store_open(path, &store), 0);
        ck_assert_int_eq(store_put_job(store, job), 0);
        ck_assert_int_eq(store_put_file(store, job, 0), 0);
        ck_assert_int_eq(store_commit(store), 0);
        store_free(store);
        loaded_done(&loaded);

        ck_assert_int_eq(load(&loaded), 0);
        ck_assert_uint_eq(loaded.n, 1);
        job = loaded.jobs[0];
        for (unsigned i = 0; i < JOB_SPANS_MAX; i++)
                ck_assert_uint_eq(job->spans_sec[i], 1000 + i);
        ck_assert_uint_eq(job->attempts, 21);
        ck_assert_uint_eq(job->workers_lost, 22);
        ck_assert_uint_eq(job->stalled.spent_usec, 23);
        ck_assert_uint_eq(job->active.spent_usec, UINT64_MAX - 1);
        ck_assert_str_eq(job->files[0].record.checksum, "sha1:00");
        ck_assert_uint_eq(job->files[0].record.n_ranges, 2);
        ck_assert_mem_eq(job->files[0].record.ranges, ranges, sizeof(ranges));
        loaded_done(&loaded);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("store-fire");
        TCase *schemas = tcase_create("schemas");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(schemas, setup, teardown);
        tcase_add_loop_test(schemas, an_older_database_is_brought_up_to_date, 1, 3);
        tcase_add_test(schemas, what_is_put_is_loaded);
        suite_add_tcase(suite, schemas);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
