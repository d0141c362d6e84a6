/*
 * Needs root for a file system that is full (a small tmpfs in a mount namespace of its own).
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

#include "manager/store-schema.h"
#include "manager/store.h"
#include "model/file-record.h"
#include "tests/lib/store-fixture.h"
#include "tests/lib/temp-dir.h"

/* The file itself -------------------------------------------------------------------------- */

static int try_open(void)
{
        Store *other = NULL;
        int r = store_open(store_path, &other);

        ck_assert((other != NULL) == (r == 0));
        store_free(other);
        return r;
}

START_TEST(only_the_service_may_read_it)
{
        mode_t before = umask(0);
        struct stat st;
        char *wal;

        store = store_free(store);
        ck_assert_int_eq(unlink(store_path), 0);
        ck_assert_int_eq(store_open(store_path, &store), 0);
        job_free(store_fixture_put_job(1));
        store_fixture_commit();
        ck_assert_int_eq(stat(store_path, &st), 0);
        ck_assert_uint_eq(st.st_mode & 07777, 0600);
        wal = temp_dir_path(store_dir, "jobs.db-wal");
        ck_assert_int_eq(stat(wal, &st), 0);
        ck_assert_uint_eq(st.st_mode & 07777, 0600);
        free(wal);
        (void) umask(before);
}
END_TEST

START_TEST(a_link_in_its_place_is_refused)
{
        _cleanup_free_ char *target = temp_dir_path(store_dir, "elsewhere");
        struct stat st;

        store = store_free(store);
        ck_assert_int_eq(unlink(store_path), 0);
        ck_assert_int_eq(symlink(target, store_path), 0);
        ck_assert_int_lt(try_open(), 0);
        ck_assert_int_lt(stat(target, &st), 0); /* not made through the link */

        temp_dir_write(target, "");
        ck_assert_int_lt(try_open(), 0);
        ck_assert_int_eq(stat(target, &st), 0);
        ck_assert_int_eq(st.st_size, 0);
}
END_TEST

START_TEST(a_missing_directory_is_an_error_of_open)
{
        Store *other = NULL;
        _cleanup_free_ char *nowhere = temp_dir_path(store_dir, "missing/jobs.db");

        ck_assert_int_eq(store_open(nowhere, &other), -ENOENT);
        ck_assert_ptr_null(other);
}
END_TEST

START_TEST(a_second_opener_is_kept_out)
{
        int ready[2], done[2], status;
        char byte = 'x';
        pid_t child;

        store = store_free(store);
        ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
        ck_assert_int_eq(pipe2(done, O_CLOEXEC), 0);
        child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
                Store *mine = NULL;
                int r = store_open(store_path, &mine);

                (void) close(done[1]);
                if (r < 0 || fd_write_all(ready[1], &byte, 1) < 0)
                        _exit(1);
                _exit(read(done[0], &byte, 1) == 0 ? 0 : 1);
        }
        (void) close(done[0]);
        ck_assert_int_eq(read(ready[0], &byte, 1), 1);
        ck_assert_int_eq(try_open(), -EBUSY);
        ck_assert_int_eq(try_open(), -EBUSY);
        (void) close(done[1]);
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_int_eq(status, 0);
        ck_assert_int_eq(try_open(), 0); /* the other one is gone */
        (void) close(ready[0]);
        (void) close(ready[1]);
}
END_TEST

START_TEST(a_second_opener_in_the_same_process_too)
{
        ck_assert_int_eq(try_open(), -EBUSY);
        job_free(store_fixture_put_job(1));
        store_fixture_commit();
}
END_TEST

START_TEST(a_newer_schema_is_left_as_it_is)
{
        _cleanup_free_ char *before = NULL, *after = NULL, *newer = NULL;
        size_t size_before, size_after;

        job_free(store_fixture_put_job(1));
        store_fixture_commit();
        store = store_free(store);
        ck_assert_int_eq(str_format(&newer, "PRAGMA user_version=%d", STORE_SCHEMA_VERSION + 1), 0);
        store_fixture_execute(newer);
        before = temp_dir_read(store_path, &size_before);
        ck_assert_int_eq(try_open(), -EPROTONOSUPPORT);
        after = temp_dir_read(store_path, &size_after);
        ck_assert_uint_eq(size_before, size_after);
        ck_assert_mem_eq(before, after, size_before);

        /* Also when it does not keep its log as we do. */
        free(before);
        free(after);
        store_fixture_execute("PRAGMA journal_mode=DELETE");
        before = temp_dir_read(store_path, &size_before);
        ck_assert_int_eq(try_open(), -EPROTONOSUPPORT);
        after = temp_dir_read(store_path, &size_after);
        ck_assert_uint_eq(size_before, size_after);
        ck_assert_mem_eq(before, after, size_before);
}
END_TEST

START_TEST(a_negative_version_is_nobodys)
{
        store = store_free(store);
        store_fixture_execute("PRAGMA user_version=-1");
        ck_assert_int_eq(try_open(), -EPROTONOSUPPORT);
}
END_TEST

START_TEST(something_else_is_not_a_database)
{
        _cleanup_free_ char *text = malloc(8192), *after = NULL;

        store = store_free(store);
        memset(text, 'x', 8191);
        text[8191] = '\0';
        temp_dir_write(store_path, text);
        ck_assert_int_eq(try_open(), -EUCLEAN);
        after = temp_dir_read(store_path, NULL);
        ck_assert_str_eq(after, text);
}
END_TEST

START_TEST(a_damaged_page_is_told_when_it_is_read)
{
        static const char junk[4096] = { 'j', 'u', 'n', 'k' };
        struct stat st;
        int fd, r;

        for (uint8_t i = 1; i <= 60; i++) {
                Job *job = store_fixture_put_job(i);

                ck_assert_int_eq(
                        str_set(&job->settings.description, "A description of some length."),
                        0);
                ck_assert_int_eq(store_put_setting(store, job, SETTING_DESCRIPTION), 0);
                job_free(job);
        }
        store_fixture_commit();
        store = store_free(store);
        fd = open(store_path, O_RDWR | O_CLOEXEC);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(fstat(fd, &st), 0);
        for (off_t at = 4096; at < st.st_size; at += 4096) /* all but the first */
                ck_assert_int_eq(pwrite(fd, junk, sizeof(junk), at), sizeof(junk));
        (void) close(fd);

        r = store_open(store_path, &store);
        if (r == 0) {
                r = store_load(store, &store_owners, store_fixture_take, NULL);
                store = store_free(store);
        }
        ck_assert_int_eq(r, -EUCLEAN);
}
END_TEST

START_TEST(values_that_nobody_writes_are_damage)
{
        /* A row whose sum is 0 is not protected by it. */
        static const char *const changes[] = {
                "UPDATE jobs SET sum=0, state=99",
                "UPDATE jobs SET sum=0, state=-1",
                "UPDATE jobs SET sum=0, error_context=99",
                "UPDATE jobs SET sum=0, id=x'00'",
                "UPDATE settings SET sum=0, value='urgent'",
                "UPDATE settings SET sum=0, name='ProxyUsage'",
                "UPDATE settings SET sum=0, name='SecurityFlags'",
                "UPDATE settings SET sum=0, name='MinimumRetryDelay'",
                "UPDATE settings SET value='high'",
        };

        for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
                Job *job = store_fixture_new_job(1, 1000, "alice");

                job->settings.priority = PRIORITY_LOW;
                ck_assert_int_eq(store_put_job(store, job), 0);

                store_fixture_put_file(job, "/dir/file");
                job_free(job);
                store_fixture_commit();
                store = store_free(store);
                store_fixture_execute(changes[i]);
                ck_assert_int_eq(store_open(store_path, &store), 0);
                ck_assert_msg(store_load(store, &store_owners, store_fixture_take, NULL) ==
                                      -EUCLEAN,
                              "%s",
                              changes[i]);
                ck_assert_uint_eq(n_store_loaded, 0);
                store_fixture_release_owners();
                store = store_free(store);
                store_fixture_execute("DELETE FROM jobs; DELETE FROM files; DELETE FROM settings");
                ck_assert_int_eq(store_open(store_path, &store), 0);
        }
}
END_TEST

/* Jobs and files ------------------------------------------------------------------------------ */

static void fill_job(Job *job)
{
        ck_assert_int_eq(str_set(&job->settings.display_name, "A name; DROP TABLE jobs"), 0);
        ck_assert_int_eq(str_set(&job->settings.description, "\xe2\x82\xac"), 0);
        job->settings.priority = PRIORITY_LOW;
        job->settings.proxy_usage = PROXY_USAGE_OVERRIDE;
        ck_assert_int_eq(strings_append(&job->settings.proxies, "http://one:80"), 0);
        ck_assert_int_eq(strings_append(&job->settings.proxies, "http://two:80"), 0);
        ck_assert_int_eq(strings_append(&job->settings.proxy_bypass, "localhost"), 0);
        job->state = JOB_TRANSIENT_ERROR;
        failure_set(&job->error, 0x80190191, true, ERROR_CONTEXT_REMOTE_FILE, "http://h/", "Why.");
        job->error.file = 1;
        job->error_count = 3;
        job->attempts.failures = UINT32_MAX;
        job->credentials_lost = true;
        job->answered = true;
        job->created_usec = 1;
        job->modified_usec = 2;
        job->transferred_usec = 3;
        job->attempts.next_usec = UINT64_MAX;
}

static void check_same_settings(const JobSettings *a, const JobSettings *b)
{
        for (unsigned id = 0; id < SETTINGS_MAX; id++) {
                _cleanup_free_ char *text_a = NULL, *text_b = NULL;

                if (!setting_is_stored((SettingId) id))
                        continue;
                ck_assert_int_eq(setting_format(a, (SettingId) id, &text_a), 0);
                ck_assert_int_eq(setting_format(b, (SettingId) id, &text_b), 0);
                ck_assert_str_eq(text_a, text_b);
        }
}

static void check_same_job(const Job *a, const Job *b)
{
        ck_assert(sd_id128_equal(a->id, b->id));
        ck_assert_int_eq(a->serial, b->serial);
        ck_assert_uint_eq(a->owner->uid, b->owner->uid);
        ck_assert_str_eq(a->owner->name, b->owner->name);
        check_same_settings(&a->settings, &b->settings);
        ck_assert_uint_eq(a->state, b->state);
        ck_assert_uint_eq(a->error.code, b->error.code);
        ck_assert_uint_eq(a->error.context, b->error.context);
        ck_assert_str_eq(failure_text(&a->error), failure_text(&b->error));
        ck_assert_str_eq(a->error.url ? a->error.url : "", b->error.url ? b->error.url : "");
        ck_assert_uint_eq(a->error.file, b->error.file);
        ck_assert_uint_eq(a->error_count, b->error_count);
        ck_assert_uint_eq(a->attempts.failures, b->attempts.failures);
        ck_assert(a->credentials_lost == b->credentials_lost);
        ck_assert(a->answered == b->answered);
        ck_assert_uint_eq(a->created_usec, b->created_usec);
        ck_assert_uint_eq(a->modified_usec, b->modified_usec);
        ck_assert_uint_eq(a->transferred_usec, b->transferred_usec);
        ck_assert_uint_eq(a->attempts.next_usec, b->attempts.next_usec);
}

START_TEST(a_job_comes_back_as_it_was)
{
        Job *job = store_fixture_new_job(1, 1000, "alice");

        fill_job(job);
        ck_assert_int_eq(store_put_job(store, job), 0);
        ck_assert(store_is_dirty(store));
        store_fixture_commit();
        store_fixture_reopen();
        store_fixture_load();
        ck_assert_uint_eq(n_store_loaded, 1);
        check_same_job(store_loaded[0], job);

        /* And again, with other values in the same row. */
        job->state = JOB_SUSPENDED;
        job_clear_error(job);
        setting_reset(&job->settings, SETTING_PROXIES);
        ck_assert_int_eq(store_put_job(store, job), 0);
        ck_assert_int_eq(store_put_setting(store, job, SETTING_PROXIES), 0);
        store_fixture_commit();
        store_fixture_load();
        ck_assert_uint_eq(n_store_loaded, 1);
        check_same_job(store_loaded[0], job);
        job_free(job);
}
END_TEST

START_TEST(files_come_back_as_they_were)
{
        Job *job = store_fixture_put_job(1);
        FileRecord record;

        store_fixture_put_file(job, "/dir/first");
        store_fixture_put_file(job, "/dir/second");
        ck_assert_int_eq(file_record_init(&record, 1, "https://host/\xc3\xa4", "/dir/second"), 0);
        ck_assert_int_eq(str_set(&record.temp_name, ".second.part"), 0);
        ck_assert_int_eq(str_set(&record.etag, "W/\"x\""), 0);
        ck_assert_int_eq(str_set(&record.last_modified, "Thu, 29 Feb 2024 10:00:00 GMT"), 0);
        ck_assert_int_eq(str_set(&record.effective_url, "https://cdn/\xc3\xa4"), 0);
        ck_assert_int_eq(str_set(&record.headers, "HTTP/1.1 200 OK\n"), 0);
        record.inode = UINT64_MAX;
        record.offset_bytes = record.total_bytes = 100000000000;
        record.finished = true;
        job_set_file(job, 1, &record);
        ck_assert_int_eq(store_put_file(store, job, 1), 0);
        store_fixture_commit();
        store_fixture_reopen();
        store_fixture_load();
        ck_assert_uint_eq(n_store_loaded, 1);
        ck_assert_uint_eq(store_loaded[0]->n_files, 2);
        ck_assert_uint_eq(store_loaded[0]->n_finished, 1);
        ck_assert_uint_eq(store_loaded[0]->n_unknown, 1);
        ck_assert_uint_eq(store_loaded[0]->bytes_transferred, 100000000000);
        for (uint32_t i = 0; i < 2; i++) {
                const FileRecord *a = &job->files[i].record, *b = &store_loaded[0]->files[i].record;

                ck_assert_uint_eq(b->index, i);
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
        job_free(job);
}
END_TEST

START_TEST(jobs_come_in_the_order_of_creation_with_their_files_in_order)
{
        Job *jobs[20];

        for (size_t i = 0; i < ARRAY_SIZE(jobs); i++)
                jobs[i] = store_fixture_put_job((uint8_t) (200 - i * 7));
        for (uint32_t file = 0; file < 12; file++) /* one file a job in turn */
                for (uint32_t i = 0; i < ARRAY_SIZE(jobs); i++)
                        if (i % 3 != 0) {
                                char name[32];

                                (void) snprintf(name, sizeof(name), "/dir/%u-%u", i, file);
                                store_fixture_put_file(jobs[i], name);
                        }
        ck_assert_int_eq(store_put_job(store, jobs[0]), 0); /* changed late, created first */
        store_fixture_commit();
        store_fixture_reopen();
        store_fixture_load();
        ck_assert_uint_eq(n_store_loaded, ARRAY_SIZE(jobs));
        for (uint32_t i = 0; i < n_store_loaded; i++) {
                ck_assert(sd_id128_equal(store_loaded[i]->id, jobs[i]->id));
                ck_assert_uint_eq(store_loaded[i]->n_files, i % 3 != 0 ? 12 : 0);
                for (uint32_t file = 0; file < store_loaded[i]->n_files; file++) {
                        char name[32];

                        (void) snprintf(name, sizeof(name), "/dir/%u-%u", i, file);
                        ck_assert_str_eq(store_loaded[i]->files[file].record.local_name, name);
                }
                job_free(jobs[i]);
        }
}
END_TEST

START_TEST(one_job_is_read_back_by_its_id)
{
        Job *first = store_fixture_put_job(1), *second = store_fixture_put_job(2), *found = NULL;

        store_fixture_put_file(first, "/dir/first");
        store_fixture_put_file(second, "/dir/second");
        store_fixture_commit();
        ck_assert_int_eq(store_load_job(store, &store_owners, second->id, &found), 0);
        check_same_job(found, second);
        ck_assert_uint_eq(found->n_files, 1);
        ck_assert_str_eq(found->files[0].record.local_name, "/dir/second");
        job_free(found);
        found = NULL;
        ck_assert_int_eq(
                store_load_job(store, &store_owners, (sd_id128_t){ .bytes = { 9 } }, &found),
                -ENOENT);
        ck_assert_ptr_null(found);
        job_free(first);
        job_free(second);
}
END_TEST

static int refuse_second(void *userdata, Job *job)
{
        store_fixture_take(userdata, job);
        return n_store_loaded == 2 ? -ECANCELED : 0;
}

START_TEST(loading_ends_with_the_first_refusal)
{
        for (uint8_t i = 1; i <= 3; i++)
                job_free(store_fixture_put_job(i));
        store_fixture_commit();
        ck_assert_int_eq(store_load(store, &store_owners, refuse_second, NULL), -ECANCELED);
        ck_assert_uint_eq(n_store_loaded, 2);
}
END_TEST

START_TEST(a_serial_is_never_given_twice)
{
        Job *first = store_fixture_put_job(1), *second;
        int64_t serial = first->serial;

        store_fixture_commit();
        ck_assert_int_eq(store_delete_job(store, first), 0);
        store_fixture_commit();
        second = store_fixture_put_job(2);
        ck_assert_int_gt(second->serial, serial);
        store_fixture_commit();
        job_free(first);
        job_free(second);
}
END_TEST

START_TEST(deleting_a_job_takes_files_and_credentials_along)
{
        Job *gone = store_fixture_put_job(1), *stays = store_fixture_put_job(2);

        store_fixture_put_file(gone, "/dir/gone");
        store_fixture_put_file(stays, "/dir/stays");
        (void) store_fixture_put_slot(gone, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, 50);
        (void) store_fixture_put_slot(stays, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, 50);
        store_fixture_commit();
        ck_assert_int_eq(store_delete_job(store, gone), 0);
        store_fixture_commit();
        ck_assert_uint_eq(store_fixture_slot_bytes(gone), 0);
        ck_assert_uint_eq(store_fixture_slot_bytes(stays), 50);
        store_fixture_load();
        ck_assert_uint_eq(n_store_loaded, 1);
        ck_assert_uint_eq(store_loaded[0]->n_files, 1);
        /* The row of a file without its job would be refused. */
        ck_assert_int_lt(store_put_file(store, gone, 0), 0);
        ck_assert_int_lt(store_commit(store), 0);
        job_free(gone);
        job_free(stays);
}
END_TEST

/* Settings ------------------------------------------------------------------------------------ */

static unsigned count_rows(const char *where)
{
        _cleanup_free_ char *sql = NULL;
        sqlite3 *db = NULL;
        sqlite3_stmt *statement = NULL;
        int n;

        store = store_free(store);
        ck_assert_int_eq(str_format(&sql, "SELECT count(*) FROM settings WHERE %s", where), 0);
        ck_assert_int_eq(sqlite3_open(store_path, &db), SQLITE_OK);
        ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
        ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
        n = sqlite3_column_int(statement, 0);
        (void) sqlite3_finalize(statement);
        ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
        ck_assert_int_eq(store_open(store_path, &store), 0);
        return (unsigned) n;
}

START_TEST(a_setting_that_has_its_default_needs_no_row)
{
        Job *job = store_fixture_put_job(1);

        store_fixture_commit();
        ck_assert_uint_eq(count_rows("true"), 0);
        ck_assert_int_eq(setting_set(&job->settings,
                                     SETTING_CA_CERTIFICATE,
                                     &(SettingValue){ .text = "/ca.pem" }),
                         0);
        ck_assert_int_eq(store_put_setting(store, job, SETTING_CA_CERTIFICATE), 0);
        store_fixture_commit();
        ck_assert_uint_eq(count_rows("name='CACertificate' AND value='/ca.pem'"), 1);
        setting_reset(&job->settings, SETTING_CA_CERTIFICATE);
        ck_assert_int_eq(store_put_setting(store, job, SETTING_CA_CERTIFICATE), 0);
        store_fixture_commit();
        ck_assert_uint_eq(count_rows("true"), 0);
        job_free(job);
}
END_TEST

START_TEST(a_setting_of_a_newer_version_is_kept)
{
        Job *job = store_fixture_put_job(1);

        store_fixture_commit();
        store = store_free(store);
        store_fixture_execute("INSERT INTO settings VALUES (1, 'FromTheFuture', 'value', 0)");
        ck_assert_int_eq(store_open(store_path, &store), 0);
        store_fixture_load();
        ck_assert_uint_eq(n_store_loaded, 1);
        store_loaded[0]->settings.priority = PRIORITY_LOW;
        ck_assert_int_eq(store_put_job(store, store_loaded[0]), 0);
        ck_assert_int_eq(store_put_setting(store, store_loaded[0], SETTING_PRIORITY), 0);
        store_fixture_commit();
        ck_assert_uint_eq(count_rows("name='FromTheFuture' AND value='value'"), 1);
        ck_assert_int_eq(store_delete_job(store, job), 0);
        store_fixture_commit();
        ck_assert_uint_eq(count_rows("true"), 0);
        job_free(job);
}
END_TEST

START_TEST(one_job_is_read_back_with_its_own_settings)
{
        Job *one = store_fixture_new_job(1, 1000, "alice"),
            *two = store_fixture_new_job(2, 1000, "alice"), *back = NULL;

        ck_assert_int_eq(str_set(&one->settings.display_name, "one"), 0);
        ck_assert_int_eq(str_set(&two->settings.description, "two"), 0);
        ck_assert_int_eq(store_put_job(store, one), 0);
        ck_assert_int_eq(store_put_job(store, two), 0);
        store_fixture_commit();
        ck_assert_int_eq(store_load_job(store, &store_owners, two->id, &back), 0);
        ck_assert_ptr_null(back->settings.display_name);
        ck_assert_str_eq(back->settings.description, "two");
        job_free(back);
        job_free(one);
        job_free(two);
}
END_TEST

/* Transactions -------------------------------------------------------------------------------- */

START_TEST(nothing_is_there_before_the_commit)
{
        Job *job = store_fixture_put_job(1);

        ck_assert(store_is_dirty(store));
        store_fixture_reopen(); /* as after a crash */
        store_fixture_load();
        ck_assert_uint_eq(n_store_loaded, 0);
        job_free(job);
}
END_TEST

START_TEST(a_rollback_drops_all_changes_since_the_commit)
{
        Job *first = store_fixture_put_job(1), *second;

        store_fixture_commit();
        first->state = JOB_ERROR;
        ck_assert_int_eq(store_put_job(store, first), 0);
        second = store_fixture_put_job(2);
        (void) store_fixture_put_slot(first, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, 50);
        store_rollback(store);
        ck_assert(!store_is_dirty(store));
        ck_assert_uint_eq(store_fixture_slot_bytes(first), 0);
        store_fixture_load();
        ck_assert_uint_eq(n_store_loaded, 1);
        ck_assert_uint_eq(store_loaded[0]->state, JOB_SUSPENDED);
        store_rollback(store); /* of nothing */
        job_free(first);
        job_free(second);
}
END_TEST

START_TEST(an_empty_commit_is_one)
{
        ck_assert(!store_is_dirty(store));
        store_fixture_commit();
}
END_TEST

START_TEST(a_failed_transaction_cannot_be_committed)
{
        Job *first = store_fixture_put_job(1), *second = store_fixture_new_job(2, 1000, "alice");

        store_fail(store, -ENOSPC);
        store_fail(store, -EIO); /* the first counts */
        ck_assert_int_eq(store_put_job(store, second), -ENOSPC);
        ck_assert_int_eq(store_commit(store), -ENOSPC);
        ck_assert(!store_is_dirty(store));
        store_fixture_load();
        ck_assert_uint_eq(n_store_loaded, 0);

        /* The next one knows nothing of it. */
        second->serial = 0;
        ck_assert_int_eq(store_put_job(store, second), 0);
        store_fixture_commit();
        store_fixture_load();
        ck_assert_uint_eq(n_store_loaded, 1);
        job_free(first);
        job_free(second);
}
END_TEST

START_TEST(a_change_that_fails_spoils_its_transaction)
{
        Job *first = store_fixture_put_job(1), *twin = store_fixture_new_job(1, 1000, "alice");

        ck_assert_int_lt(store_put_job(store, twin), 0); /* the id is there already */
        ck_assert_int_lt(store_commit(store), 0);
        store_fixture_load();
        ck_assert_uint_eq(n_store_loaded, 0);
        job_free(first);
        job_free(twin);
}
END_TEST

static void mount_small(const char *options)
{
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
            mount("store", store_dir, "tmpfs", MS_NOSUID | MS_NODEV, options) < 0)
                ck_abort_msg("a full file system needs root: %s", strerror(errno));
}

START_TEST(a_full_file_system_takes_back_only_what_does_not_fit)
{
        _cleanup_free_ char *description = malloc(1024);
        Job *job, *big;
        int r = 0;

        store = store_free(store);
        mount_small("size=384k");
        ck_assert_int_eq(store_open(store_path, &store), 0);
        memset(description, 'd', 1023);
        description[1023] = '\0';
        job = store_fixture_put_job(1);
        store_fixture_commit();

        /* Until nothing more fits, be it found by the change or by the commit. */
        big = store_fixture_put_job(2);
        store_fixture_commit();
        ck_assert_int_eq(str_set(&big->settings.description, description), 0);
        for (uint32_t i = 0; r == 0 && i < 2000; i++) {
                int index = job_add_file(big, description, description);

                ck_assert_int_eq(index, (int) i);
                r = store_put_file(store, big, i);
                if (r == 0 && i % 16 == 15)
                        r = store_commit(store);
        }
        ck_assert_int_eq(r, -ENOSPC);
        r = store_commit(store);
        ck_assert(r == -ENOSPC || r == 0);
        ck_assert(!store_is_dirty(store));

        /* Reading goes on, and deletion makes room again. */
        store_fixture_load();
        ck_assert_uint_eq(n_store_loaded, 2);
        ck_assert_uint_gt(store_loaded[1]->n_files, 16);
        ck_assert_uint_eq(store_loaded[1]->n_files % 16, 0);
        ck_assert_uint_lt(store_loaded[1]->n_files, big->n_files);
        job_free(job);
        job_free(big);

        /* Nothing was damaged by it. */
        store_fixture_reopen();
        store_fixture_load();
        ck_assert_uint_eq(n_store_loaded, 2);
        store = store_free(store);
        ck_assert_int_eq(umount2(store_dir, MNT_DETACH), 0);
}
END_TEST

START_TEST(a_store_in_memory_keeps_what_it_is_told)
{
        store = store_free(store);
        ck_assert_int_eq(store_open(":memory:", &store), 0);
        job_free(store_fixture_put_job(1));
        store_fixture_commit();
        ck_assert_int_eq(store_checkpoint(store), 0);
        store_fixture_load();
        ck_assert_uint_eq(n_store_loaded, 1);
        ck_assert_int_lt(access(":memory:", F_OK), 0);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("store");
        TCase *file = tcase_create("file");
        TCase *jobs = tcase_create("jobs and files");
        TCase *settings = tcase_create("settings");
        TCase *transactions = tcase_create("transactions");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(file, store_fixture_setup, store_fixture_teardown);
        tcase_add_test(file, only_the_service_may_read_it);
        tcase_add_test(file, a_link_in_its_place_is_refused);
        tcase_add_test(file, a_missing_directory_is_an_error_of_open);
        tcase_add_test(file, a_second_opener_is_kept_out);
        tcase_add_test(file, a_second_opener_in_the_same_process_too);
        tcase_add_test(file, a_newer_schema_is_left_as_it_is);
        tcase_add_test(file, a_negative_version_is_nobodys);
        tcase_add_test(file, something_else_is_not_a_database);
        tcase_add_test(file, a_damaged_page_is_told_when_it_is_read);
        tcase_add_test(file, values_that_nobody_writes_are_damage);
        tcase_add_test(file, a_store_in_memory_keeps_what_it_is_told);
        suite_add_tcase(suite, file);
        tcase_add_checked_fixture(jobs, store_fixture_setup, store_fixture_teardown);
        tcase_add_test(jobs, a_job_comes_back_as_it_was);
        tcase_add_test(jobs, files_come_back_as_they_were);
        tcase_add_test(jobs, jobs_come_in_the_order_of_creation_with_their_files_in_order);
        tcase_add_test(jobs, one_job_is_read_back_by_its_id);
        tcase_add_test(jobs, loading_ends_with_the_first_refusal);
        tcase_add_test(jobs, a_serial_is_never_given_twice);
        tcase_add_test(jobs, deleting_a_job_takes_files_and_credentials_along);
        suite_add_tcase(suite, jobs);
        tcase_add_checked_fixture(settings, store_fixture_setup, store_fixture_teardown);
        tcase_add_test(settings, a_setting_that_has_its_default_needs_no_row);
        tcase_add_test(settings, a_setting_of_a_newer_version_is_kept);
        tcase_add_test(settings, one_job_is_read_back_with_its_own_settings);
        suite_add_tcase(suite, settings);
        tcase_add_checked_fixture(transactions, store_fixture_setup, store_fixture_teardown);
        tcase_add_test(transactions, nothing_is_there_before_the_commit);
        tcase_add_test(transactions, a_rollback_drops_all_changes_since_the_commit);
        tcase_add_test(transactions, an_empty_commit_is_one);
        tcase_add_test(transactions, a_failed_transaction_cannot_be_committed);
        tcase_add_test(transactions, a_change_that_fails_spoils_its_transaction);
        tcase_add_test(transactions, a_full_file_system_takes_back_only_what_does_not_fit);
        suite_add_tcase(suite, transactions);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
