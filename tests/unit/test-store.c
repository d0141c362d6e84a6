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

#include "manager/store.h"
#include "model/file-record.h"
#include "tests/lib/temp-dir.h"

static char *dir, *path; /* owned by the fixture, as are the next */
static Owners owners;
static Store *store;
static Job *loaded[64];
static unsigned n_loaded;

static void setup(void)
{
        dir = temp_dir_new();
        path = temp_dir_path(dir, "jobs.db");
        owners = (Owners){ 0 };
        ck_assert_int_eq(store_open(path, &store), 0);
}

static void release_owners(void)
{
        Owner *owner, *after;

        HASH_ITER (hh, owners.by_uid, owner, after)
                owners_release(&owners, owner);
}

static void forget_loaded(void)
{
        while (n_loaded > 0)
                job_free(loaded[--n_loaded]);
        release_owners();
}

static void teardown(void)
{
        store = store_free(store);
        forget_loaded();
        ck_assert_ptr_null(owners.by_uid);
        free(path);
        dir = temp_dir_remove(dir);
}

static void reopen(void)
{
        store = store_free(store);
        ck_assert_int_eq(store_open(path, &store), 0);
}

static int take_loaded(void *userdata, Job *job)
{
        ck_assert_uint_lt(n_loaded, ARRAY_SIZE(loaded));
        loaded[n_loaded++] = job;
        return 0;
}

static void load_all(void)
{
        forget_loaded();
        ck_assert_int_eq(store_load(store, &owners, take_loaded, NULL), 0);
}

static Job *new_job(uint8_t id, uint32_t uid, const char *user)
{
        Owner *owner;
        Job *job;

        ck_assert_int_eq(owners_acquire(&owners, uid, user, &owner), 0);
        ck_assert_int_eq(job_new((sd_id128_t){ .bytes = { id } }, owner, &job), 0);
        return job;
}

static Job *put_new_job(uint8_t id)
{
        Job *job = new_job(id, 1000, "alice");

        ck_assert_int_eq(store_put_job(store, job), 0);
        ck_assert_int_gt(job->serial, 0);
        return job;
}

static void put_file(Job *job, const char *local_name)
{
        int index = job_add_file(job, "http://host/file", local_name);

        ck_assert_int_ge(index, 0);
        ck_assert_int_eq(store_put_file(store, job, (uint32_t) index), 0);
}

static void commit(void)
{
        ck_assert_int_eq(store_commit(store), 0);
        ck_assert(!store_is_dirty(store));
}

/* A sealed row as the vault would make it; the store does not look inside. */
static const char sealed[] = "<sealed:Zx81-in-no-other-page>";

static VaultRow sealed_row(size_t size)
{
        VaultRow row = { .key_id.bytes = { 7 }, .persistent = true, .sealed_size = size };

        row.sealed = malloc(size);
        ck_assert_ptr_nonnull(row.sealed);
        for (size_t i = 0; i < size; i++)
                row.sealed[i] = (uint8_t) sealed[i % (sizeof(sealed) - 1)];
        return row;
}

static uint64_t put_slot(Job *job, AuthTarget target, AuthScheme scheme, size_t size)
{
        VaultRow row = sealed_row(size);
        uint64_t replaced = 4711;

        ck_assert_int_eq(
                store_put_slot(store, job, target, scheme, false, "alice", &row, &replaced),
                0);
        vault_row_done(&row);
        return replaced;
}

static uint64_t slot_bytes(Job *job)
{
        uint64_t bytes = 4711;

        ck_assert_int_eq(store_slot_bytes(store, job, &bytes), 0);
        return bytes;
}

/* The file itself -------------------------------------------------------------------------- */

static void execute(const char *sql)
{
        sqlite3 *db = NULL;

        ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
        ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
        ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

static int try_open(void)
{
        Store *other = NULL;
        int r = store_open(path, &other);

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
        ck_assert_int_eq(unlink(path), 0);
        ck_assert_int_eq(store_open(path, &store), 0);
        job_free(put_new_job(1));
        commit();
        ck_assert_int_eq(stat(path, &st), 0);
        ck_assert_uint_eq(st.st_mode & 07777, 0600);
        wal = temp_dir_path(dir, "jobs.db-wal");
        ck_assert_int_eq(stat(wal, &st), 0);
        ck_assert_uint_eq(st.st_mode & 07777, 0600);
        free(wal);
        (void) umask(before);
}
END_TEST

START_TEST(a_link_in_its_place_is_refused)
{
        _cleanup_free_ char *target = temp_dir_path(dir, "elsewhere");
        struct stat st;

        store = store_free(store);
        ck_assert_int_eq(unlink(path), 0);
        ck_assert_int_eq(symlink(target, path), 0);
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
        _cleanup_free_ char *nowhere = temp_dir_path(dir, "missing/jobs.db");

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
                int r = store_open(path, &mine);

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
        job_free(put_new_job(1));
        commit();
}
END_TEST

START_TEST(a_newer_schema_is_left_as_it_is)
{
        _cleanup_free_ char *before = NULL, *after = NULL, *newer = NULL;
        size_t size_before, size_after;

        job_free(put_new_job(1));
        commit();
        store = store_free(store);
        ck_assert_int_eq(str_format(&newer, "PRAGMA user_version=%d", STORE_SCHEMA_VERSION + 1), 0);
        execute(newer);
        before = temp_dir_read(path, &size_before);
        ck_assert_int_eq(try_open(), -EPROTONOSUPPORT);
        after = temp_dir_read(path, &size_after);
        ck_assert_uint_eq(size_before, size_after);
        ck_assert_mem_eq(before, after, size_before);

        /* Also when it does not keep its log as we do. */
        free(before);
        free(after);
        execute("PRAGMA journal_mode=DELETE");
        before = temp_dir_read(path, &size_before);
        ck_assert_int_eq(try_open(), -EPROTONOSUPPORT);
        after = temp_dir_read(path, &size_after);
        ck_assert_uint_eq(size_before, size_after);
        ck_assert_mem_eq(before, after, size_before);
}
END_TEST

START_TEST(a_negative_version_is_nobodys)
{
        store = store_free(store);
        execute("PRAGMA user_version=-1");
        ck_assert_int_eq(try_open(), -EPROTONOSUPPORT);
}
END_TEST

START_TEST(something_else_is_not_a_database)
{
        _cleanup_free_ char *text = malloc(8192), *after = NULL;

        store = store_free(store);
        memset(text, 'x', 8191);
        text[8191] = '\0';
        temp_dir_write(path, text);
        ck_assert_int_eq(try_open(), -EUCLEAN);
        after = temp_dir_read(path, NULL);
        ck_assert_str_eq(after, text);
}
END_TEST

START_TEST(a_damaged_page_is_told_when_it_is_read)
{
        static const char junk[4096] = { 'j', 'u', 'n', 'k' };
        struct stat st;
        int fd, r;

        for (uint8_t i = 1; i <= 60; i++) {
                Job *job = put_new_job(i);

                ck_assert_int_eq(str_set(&job->description, "A description of some length."), 0);
                ck_assert_int_eq(store_put_job(store, job), 0);
                job_free(job);
        }
        commit();
        store = store_free(store);
        fd = open(path, O_RDWR | O_CLOEXEC);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(fstat(fd, &st), 0);
        for (off_t at = 4096; at < st.st_size; at += 4096) /* all but the first */
                ck_assert_int_eq(pwrite(fd, junk, sizeof(junk), at), sizeof(junk));
        (void) close(fd);

        r = store_open(path, &store);
        if (r == 0) {
                r = store_load(store, &owners, take_loaded, NULL);
                store = store_free(store);
        }
        ck_assert_int_eq(r, -EUCLEAN);
}
END_TEST

START_TEST(values_that_nobody_writes_are_damage)
{
        static const char *const columns[] = { "state=99",      "state=-1",         "priority=4",
                                               "proxy_usage=4", "error_context=99", "id=x'00'" };

        for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
                _cleanup_free_ char *sql = NULL;
                Job *job = put_new_job(1);

                put_file(job, "/dir/file");
                job_free(job);
                commit();
                store = store_free(store);
                ck_assert_int_eq(str_format(&sql, "UPDATE jobs SET %s", columns[i]), 0);
                execute(sql);
                ck_assert_int_eq(store_open(path, &store), 0);
                ck_assert_msg(store_load(store, &owners, take_loaded, NULL) == -EUCLEAN,
                              "%s",
                              columns[i]);
                ck_assert_uint_eq(n_loaded, 0);
                release_owners();
                store = store_free(store);
                execute("DELETE FROM jobs; DELETE FROM files");
                ck_assert_int_eq(store_open(path, &store), 0);
        }
}
END_TEST

/* Jobs and files ------------------------------------------------------------------------------ */

static void fill_job(Job *job)
{
        ck_assert_int_eq(str_set(&job->display_name, "A name; DROP TABLE jobs"), 0);
        ck_assert_int_eq(str_set(&job->description, "\xe2\x82\xac"), 0);
        job->priority = PRIORITY_LOW;
        job->proxy_usage = PROXY_USAGE_OVERRIDE;
        ck_assert_int_eq(strings_append(&job->settings.proxies, "http://one:80"), 0);
        ck_assert_int_eq(strings_append(&job->settings.proxies, "http://two:80"), 0);
        ck_assert_int_eq(strings_append(&job->settings.proxy_bypass, "localhost"), 0);
        job->state = JOB_TRANSIENT_ERROR;
        ck_assert_int_eq(
                job_set_error(job, 0x80190191, ERROR_CONTEXT_REMOTE_FILE, "Why.", "http://h/", 1),
                0);
        job->error_count = 3;
        job->attempts.failures = UINT32_MAX;
        job->credentials_lost = true;
        job->created_usec = 1;
        job->modified_usec = 2;
        job->transferred_usec = 3;
        job->attempts.next_usec = UINT64_MAX;
}

static void check_same_job(const Job *a, const Job *b)
{
        ck_assert(sd_id128_equal(a->id, b->id));
        ck_assert_int_eq(a->serial, b->serial);
        ck_assert_uint_eq(a->owner->uid, b->owner->uid);
        ck_assert_str_eq(a->owner->name, b->owner->name);
        ck_assert_str_eq(a->display_name, b->display_name);
        ck_assert_str_eq(a->description, b->description);
        ck_assert_uint_eq(a->priority, b->priority);
        ck_assert_uint_eq(a->proxy_usage, b->proxy_usage);
        ck_assert_uint_eq(strings_count(a->settings.proxies), strings_count(b->settings.proxies));
        for (size_t i = 0; i < strings_count(a->settings.proxies); i++)
                ck_assert_str_eq(a->settings.proxies[i], b->settings.proxies[i]);
        ck_assert_uint_eq(strings_count(a->settings.proxy_bypass),
                          strings_count(b->settings.proxy_bypass));
        for (size_t i = 0; i < strings_count(a->settings.proxy_bypass); i++)
                ck_assert_str_eq(a->settings.proxy_bypass[i], b->settings.proxy_bypass[i]);
        ck_assert_uint_eq(a->state, b->state);
        ck_assert_uint_eq(a->error.code, b->error.code);
        ck_assert_uint_eq(a->error.context, b->error.context);
        ck_assert_str_eq(a->error.description, b->error.description);
        ck_assert_str_eq(a->error.url, b->error.url);
        ck_assert_int_eq(a->error.file, b->error.file);
        ck_assert_uint_eq(a->error_count, b->error_count);
        ck_assert_uint_eq(a->attempts.failures, b->attempts.failures);
        ck_assert(a->credentials_lost == b->credentials_lost);
        ck_assert_uint_eq(a->created_usec, b->created_usec);
        ck_assert_uint_eq(a->modified_usec, b->modified_usec);
        ck_assert_uint_eq(a->transferred_usec, b->transferred_usec);
        ck_assert_uint_eq(a->attempts.next_usec, b->attempts.next_usec);
}

START_TEST(a_job_comes_back_as_it_was)
{
        Job *job = new_job(1, 1000, "alice");

        fill_job(job);
        ck_assert_int_eq(store_put_job(store, job), 0);
        ck_assert(store_is_dirty(store));
        commit();
        reopen();
        load_all();
        ck_assert_uint_eq(n_loaded, 1);
        check_same_job(loaded[0], job);

        /* And again, with other values in the same row. */
        job->state = JOB_SUSPENDED;
        job_clear_error(job);
        job->settings.proxies = strings_free(job->settings.proxies);
        ck_assert_int_eq(store_put_job(store, job), 0);
        commit();
        load_all();
        ck_assert_uint_eq(n_loaded, 1);
        check_same_job(loaded[0], job);
        job_free(job);
}
END_TEST

START_TEST(files_come_back_as_they_were)
{
        Job *job = put_new_job(1);
        FileRecord record;

        put_file(job, "/dir/first");
        put_file(job, "/dir/second");
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
        commit();
        reopen();
        load_all();
        ck_assert_uint_eq(n_loaded, 1);
        ck_assert_uint_eq(loaded[0]->n_files, 2);
        ck_assert_uint_eq(loaded[0]->n_finished, 1);
        ck_assert_uint_eq(loaded[0]->n_unknown, 1);
        ck_assert_uint_eq(loaded[0]->bytes_transferred, 100000000000);
        for (uint32_t i = 0; i < 2; i++) {
                const FileRecord *a = &job->files[i].record, *b = &loaded[0]->files[i].record;

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
                jobs[i] = put_new_job((uint8_t) (200 - i * 7));
        for (uint32_t file = 0; file < 12; file++) /* one file a job in turn */
                for (uint32_t i = 0; i < ARRAY_SIZE(jobs); i++)
                        if (i % 3 != 0) {
                                char name[32];

                                (void) snprintf(name, sizeof(name), "/dir/%u-%u", i, file);
                                put_file(jobs[i], name);
                        }
        ck_assert_int_eq(store_put_job(store, jobs[0]), 0); /* changed late, created first */
        commit();
        reopen();
        load_all();
        ck_assert_uint_eq(n_loaded, ARRAY_SIZE(jobs));
        for (uint32_t i = 0; i < n_loaded; i++) {
                ck_assert(sd_id128_equal(loaded[i]->id, jobs[i]->id));
                ck_assert_uint_eq(loaded[i]->n_files, i % 3 != 0 ? 12 : 0);
                for (uint32_t file = 0; file < loaded[i]->n_files; file++) {
                        char name[32];

                        (void) snprintf(name, sizeof(name), "/dir/%u-%u", i, file);
                        ck_assert_str_eq(loaded[i]->files[file].record.local_name, name);
                }
                job_free(jobs[i]);
        }
}
END_TEST

START_TEST(one_job_is_read_back_by_its_id)
{
        Job *first = put_new_job(1), *second = put_new_job(2), *found = NULL;

        put_file(first, "/dir/first");
        put_file(second, "/dir/second");
        commit();
        ck_assert_int_eq(store_load_job(store, &owners, second->id, &found), 0);
        check_same_job(found, second);
        ck_assert_uint_eq(found->n_files, 1);
        ck_assert_str_eq(found->files[0].record.local_name, "/dir/second");
        job_free(found);
        found = NULL;
        ck_assert_int_eq(store_load_job(store, &owners, (sd_id128_t){ .bytes = { 9 } }, &found),
                         -ENOENT);
        ck_assert_ptr_null(found);
        job_free(first);
        job_free(second);
}
END_TEST

static int refuse_second(void *userdata, Job *job)
{
        take_loaded(userdata, job);
        return n_loaded == 2 ? -ECANCELED : 0;
}

START_TEST(loading_ends_with_the_first_refusal)
{
        for (uint8_t i = 1; i <= 3; i++)
                job_free(put_new_job(i));
        commit();
        ck_assert_int_eq(store_load(store, &owners, refuse_second, NULL), -ECANCELED);
        ck_assert_uint_eq(n_loaded, 2);
}
END_TEST

START_TEST(a_serial_is_never_given_twice)
{
        Job *first = put_new_job(1), *second;
        int64_t serial = first->serial;

        commit();
        ck_assert_int_eq(store_delete_job(store, first), 0);
        commit();
        second = put_new_job(2);
        ck_assert_int_gt(second->serial, serial);
        commit();
        job_free(first);
        job_free(second);
}
END_TEST

START_TEST(deleting_a_job_takes_files_and_credentials_along)
{
        Job *gone = put_new_job(1), *stays = put_new_job(2);

        put_file(gone, "/dir/gone");
        put_file(stays, "/dir/stays");
        (void) put_slot(gone, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, 50);
        (void) put_slot(stays, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, 50);
        commit();
        ck_assert_int_eq(store_delete_job(store, gone), 0);
        commit();
        ck_assert_uint_eq(slot_bytes(gone), 0);
        ck_assert_uint_eq(slot_bytes(stays), 50);
        load_all();
        ck_assert_uint_eq(n_loaded, 1);
        ck_assert_uint_eq(loaded[0]->n_files, 1);
        /* The row of a file without its job would be refused. */
        ck_assert_int_lt(store_put_file(store, gone, 0), 0);
        ck_assert_int_lt(store_commit(store), 0);
        job_free(gone);
        job_free(stays);
}
END_TEST

/* Transactions -------------------------------------------------------------------------------- */

START_TEST(nothing_is_there_before_the_commit)
{
        Job *job = put_new_job(1);

        ck_assert(store_is_dirty(store));
        reopen(); /* as after a crash */
        load_all();
        ck_assert_uint_eq(n_loaded, 0);
        job_free(job);
}
END_TEST

START_TEST(a_rollback_drops_all_changes_since_the_commit)
{
        Job *first = put_new_job(1), *second;

        commit();
        first->state = JOB_ERROR;
        ck_assert_int_eq(store_put_job(store, first), 0);
        second = put_new_job(2);
        (void) put_slot(first, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, 50);
        store_rollback(store);
        ck_assert(!store_is_dirty(store));
        ck_assert_uint_eq(slot_bytes(first), 0);
        load_all();
        ck_assert_uint_eq(n_loaded, 1);
        ck_assert_uint_eq(loaded[0]->state, JOB_SUSPENDED);
        store_rollback(store); /* of nothing */
        job_free(first);
        job_free(second);
}
END_TEST

START_TEST(an_empty_commit_is_one)
{
        ck_assert(!store_is_dirty(store));
        commit();
}
END_TEST

START_TEST(a_failed_transaction_cannot_be_committed)
{
        Job *first = put_new_job(1), *second = new_job(2, 1000, "alice");

        store_fail(store, -ENOSPC);
        store_fail(store, -EIO); /* the first counts */
        ck_assert_int_eq(store_put_job(store, second), -ENOSPC);
        ck_assert_int_eq(store_commit(store), -ENOSPC);
        ck_assert(!store_is_dirty(store));
        load_all();
        ck_assert_uint_eq(n_loaded, 0);

        /* The next one knows nothing of it. */
        second->serial = 0;
        ck_assert_int_eq(store_put_job(store, second), 0);
        commit();
        load_all();
        ck_assert_uint_eq(n_loaded, 1);
        job_free(first);
        job_free(second);
}
END_TEST

START_TEST(a_change_that_fails_spoils_its_transaction)
{
        Job *first = put_new_job(1), *twin = new_job(1, 1000, "alice");

        ck_assert_int_lt(store_put_job(store, twin), 0); /* the id is there already */
        ck_assert_int_lt(store_commit(store), 0);
        load_all();
        ck_assert_uint_eq(n_loaded, 0);
        job_free(first);
        job_free(twin);
}
END_TEST

static void mount_small(const char *options)
{
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
            mount("store", dir, "tmpfs", MS_NOSUID | MS_NODEV, options) < 0)
                ck_abort_msg("a full file system needs root: %s", strerror(errno));
}

START_TEST(a_full_file_system_takes_back_only_what_does_not_fit)
{
        _cleanup_free_ char *description = malloc(1024);
        Job *job, *big;
        int r = 0;

        store = store_free(store);
        mount_small("size=384k");
        ck_assert_int_eq(store_open(path, &store), 0);
        memset(description, 'd', 1023);
        description[1023] = '\0';
        job = put_new_job(1);
        commit();

        /* Until nothing more fits, be it found by the change or by the commit. */
        big = put_new_job(2);
        commit();
        ck_assert_int_eq(str_set(&big->description, description), 0);
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
        load_all();
        ck_assert_uint_eq(n_loaded, 2);
        ck_assert_uint_gt(loaded[1]->n_files, 16);
        ck_assert_uint_eq(loaded[1]->n_files % 16, 0);
        ck_assert_uint_lt(loaded[1]->n_files, big->n_files);
        job_free(job);
        job_free(big);

        /* Nothing was damaged by it. */
        reopen();
        load_all();
        ck_assert_uint_eq(n_loaded, 2);
        store = store_free(store);
        ck_assert_int_eq(umount2(dir, MNT_DETACH), 0);
}
END_TEST

/* Slots --------------------------------------------------------------------------------------- */

START_TEST(a_slot_comes_back_as_it_was)
{
        Job *job = put_new_job(1);
        VaultRow row = sealed_row(100);
        StoreSlot slot;
        uint64_t replaced;

        ck_assert_int_eq(store_put_slot(store,
                                        job,
                                        AUTH_TARGET_PROXY,
                                        AUTH_SCHEME_DIGEST,
                                        false,
                                        "alice",
                                        &row,
                                        &replaced),
                         0);
        ck_assert_uint_eq(replaced, 0);
        ck_assert_int_eq(store_put_slot(store,
                                        job,
                                        AUTH_TARGET_PROXY,
                                        AUTH_SCHEME_NEGOTIATE,
                                        true,
                                        NULL,
                                        &row,
                                        &replaced),
                         0);
        commit();
        reopen();
        ck_assert_int_eq(store_get_slot(store, job, AUTH_TARGET_PROXY, AUTH_SCHEME_DIGEST, &slot),
                         0);
        ck_assert_uint_eq(slot.target, AUTH_TARGET_PROXY);
        ck_assert_uint_eq(slot.scheme, AUTH_SCHEME_DIGEST);
        ck_assert(!slot.implicit);
        ck_assert_str_eq(slot.user_name, "alice");
        ck_assert(sd_id128_equal(slot.row.key_id, row.key_id));
        ck_assert(slot.row.persistent);
        ck_assert_uint_eq(slot.row.sealed_size, row.sealed_size);
        ck_assert_mem_eq(slot.row.sealed, row.sealed, row.sealed_size);
        store_slot_done(&slot);

        ck_assert_int_eq(
                store_get_slot(store, job, AUTH_TARGET_PROXY, AUTH_SCHEME_NEGOTIATE, &slot),
                0);
        ck_assert(slot.implicit);
        ck_assert_ptr_null(slot.user_name);
        store_slot_done(&slot);
        vault_row_done(&row);
        job_free(job);
}
END_TEST

START_TEST(an_empty_slot_is_not_there)
{
        Job *job = put_new_job(1), *other = put_new_job(2);
        StoreSlot slot;

        (void) put_slot(job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, 10);
        ck_assert_int_eq(store_get_slot(store, job, AUTH_TARGET_SERVER, AUTH_SCHEME_DIGEST, &slot),
                         -ENOENT);
        ck_assert_int_eq(store_get_slot(store, job, AUTH_TARGET_PROXY, AUTH_SCHEME_BASIC, &slot),
                         -ENOENT);
        ck_assert_int_eq(store_get_slot(store, other, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, &slot),
                         -ENOENT);
        job_free(job);
        job_free(other);
}
END_TEST

static unsigned slot_schemes(const Job *job, AuthTarget target)
{
        unsigned schemes = 0, implicit = 4711;

        ck_assert_int_eq(store_slot_schemes(store, job, target, &schemes, &implicit), 0);
        ck_assert_uint_eq(implicit, 0);
        return schemes;
}

START_TEST(a_slot_holds_one_credential)
{
        Job *job = put_new_job(1);
        StoreSlot slot;
        uint64_t removed = 4711;

        ck_assert_uint_eq(put_slot(job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, 10), 0);
        ck_assert_uint_eq(put_slot(job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, 20), 10);
        ck_assert_uint_eq(put_slot(job, AUTH_TARGET_SERVER, AUTH_SCHEME_DIGEST, 30), 0);
        ck_assert_uint_eq(put_slot(job, AUTH_TARGET_PROXY, AUTH_SCHEME_BASIC, 40), 0);
        ck_assert_uint_eq(slot_bytes(job), 90);
        ck_assert_int_eq(store_get_slot(store, job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, &slot),
                         0);
        ck_assert_uint_eq(slot.row.sealed_size, 20);
        store_slot_done(&slot);

        ck_assert_uint_eq(slot_schemes(job, AUTH_TARGET_SERVER),
                          1 << AUTH_SCHEME_BASIC | 1 << AUTH_SCHEME_DIGEST);
        ck_assert_uint_eq(slot_schemes(job, AUTH_TARGET_PROXY), 1 << AUTH_SCHEME_BASIC);

        ck_assert_int_eq(
                store_delete_slot(store, job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, &removed),
                1);
        ck_assert_uint_eq(removed, 20);
        ck_assert_int_eq(
                store_delete_slot(store, job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, &removed),
                0);
        ck_assert_uint_eq(removed, 0);
        ck_assert_uint_eq(slot_bytes(job), 70);
        ck_assert_int_eq(store_delete_slots(store, job), 0);
        ck_assert_uint_eq(slot_bytes(job), 0);
        ck_assert_uint_eq(slot_schemes(job, AUTH_TARGET_SERVER), 0);
        job_free(job);
}
END_TEST

static unsigned n_visited;

/* Removes those of job 1. */
static int visit_slot(void *userdata, sd_id128_t job, const VaultRow *row)
{
        ck_assert_ptr_null(row->sealed);
        ck_assert_uint_eq(row->sealed_size, 10U * job.bytes[0]);
        ck_assert(row->persistent);
        ck_assert_uint_eq(row->key_id.bytes[0], 7);
        n_visited++;
        return job.bytes[0] == 1;
}

START_TEST(each_slot_is_visited_and_may_be_removed)
{
        Job *first = put_new_job(1), *second = put_new_job(2);

        for (unsigned scheme = 0; scheme < AUTH_SCHEMES_MAX; scheme++) {
                (void) put_slot(first, AUTH_TARGET_SERVER, scheme, 10);
                (void) put_slot(second, AUTH_TARGET_PROXY, scheme, 20);
        }
        commit();
        n_visited = 0;
        ck_assert_int_eq(store_each_slot(store, visit_slot, NULL), 0);
        ck_assert_uint_eq(n_visited, 2 * AUTH_SCHEMES_MAX);
        ck_assert(store_is_dirty(store));
        commit();
        ck_assert_uint_eq(slot_bytes(first), 0);
        ck_assert_uint_eq(slot_bytes(second), 20 * AUTH_SCHEMES_MAX);
        job_free(first);
        job_free(second);
}
END_TEST

static int fail_visit(void *userdata, sd_id128_t job, const VaultRow *row)
{
        return -ECANCELED;
}

START_TEST(a_visit_that_fails_ends_the_round)
{
        Job *job = put_new_job(1);

        (void) put_slot(job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, 10);
        commit();
        ck_assert_int_eq(store_each_slot(store, fail_visit, NULL), -ECANCELED);
        ck_assert_uint_eq(slot_bytes(job), 10);
        job_free(job);
}
END_TEST

static unsigned count_sealed(const char *name)
{
        _cleanup_free_ char *file = temp_dir_path(dir, name), *data = NULL;
        size_t size = 0;
        unsigned n = 0;

        data = temp_dir_read(file, &size);
        for (char *at = data; size > 0; n++) {
                at = memmem(at, size - (size_t) (at - data), sealed, sizeof(sealed) - 1);
                if (!at)
                        break;
                at += sizeof(sealed) - 1;
        }
        return n;
}

/* Sizes: within a page, and one that needs pages of its own. */
START_TEST(nothing_is_left_of_a_removed_credential)
{
        static const size_t sizes[] = { 60, 150000 };
        Job *job = put_new_job(1), *other = put_new_job(2);
        uint64_t removed;

        for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
                (void) put_slot(job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, sizes[i]);
                (void) put_slot(job, AUTH_TARGET_SERVER, AUTH_SCHEME_DIGEST, sizes[i]);
                (void) put_slot(other, AUTH_TARGET_PROXY, AUTH_SCHEME_DIGEST, sizes[i]);
                commit();
                ck_assert_uint_gt(count_sealed("jobs.db-wal"), 0);
                ck_assert_int_eq(store_checkpoint(store), 0);
                ck_assert_uint_gt(count_sealed("jobs.db"), 0);
                ck_assert_uint_eq(count_sealed("jobs.db-wal"), 0);

                ck_assert_int_eq(store_delete_slot(store,
                                                   job,
                                                   AUTH_TARGET_SERVER,
                                                   AUTH_SCHEME_BASIC,
                                                   &removed),
                                 1);
                ck_assert_int_eq(store_delete_slots(store, job), 0);
                ck_assert_int_eq(store_delete_job(store, other), 0);
                commit();
                ck_assert_int_eq(store_checkpoint(store), 0);
                ck_assert_uint_eq(count_sealed("jobs.db"), 0);
                ck_assert_uint_eq(count_sealed("jobs.db-wal"), 0);
                job_free(other);
                other = put_new_job(2);
                commit();
        }
        job_free(job);
        job_free(other);
}
END_TEST

START_TEST(nothing_is_left_of_a_replaced_credential)
{
        Job *job = put_new_job(1);
        VaultRow row = sealed_row(300);
        uint64_t replaced;

        (void) put_slot(job, AUTH_TARGET_SERVER, AUTH_SCHEME_BASIC, 300);
        commit();
        memset(row.sealed, 'y', row.sealed_size);
        ck_assert_int_eq(store_put_slot(store,
                                        job,
                                        AUTH_TARGET_SERVER,
                                        AUTH_SCHEME_BASIC,
                                        false,
                                        "alice",
                                        &row,
                                        &replaced),
                         0);
        ck_assert_uint_eq(replaced, 300);
        commit();
        ck_assert_int_eq(store_checkpoint(store), 0);
        ck_assert_uint_eq(count_sealed("jobs.db"), 0);
        ck_assert_uint_eq(count_sealed("jobs.db-wal"), 0);
        vault_row_done(&row);
        job_free(job);
}
END_TEST

START_TEST(a_store_in_memory_keeps_what_it_is_told)
{
        store = store_free(store);
        ck_assert_int_eq(store_open(":memory:", &store), 0);
        job_free(put_new_job(1));
        commit();
        ck_assert_int_eq(store_checkpoint(store), 0);
        load_all();
        ck_assert_uint_eq(n_loaded, 1);
        ck_assert_int_lt(access(":memory:", F_OK), 0);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("store");
        TCase *file = tcase_create("file");
        TCase *jobs = tcase_create("jobs and files");
        TCase *transactions = tcase_create("transactions");
        TCase *slots = tcase_create("slots");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(file, setup, teardown);
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
        tcase_add_checked_fixture(jobs, setup, teardown);
        tcase_add_test(jobs, a_job_comes_back_as_it_was);
        tcase_add_test(jobs, files_come_back_as_they_were);
        tcase_add_test(jobs, jobs_come_in_the_order_of_creation_with_their_files_in_order);
        tcase_add_test(jobs, one_job_is_read_back_by_its_id);
        tcase_add_test(jobs, loading_ends_with_the_first_refusal);
        tcase_add_test(jobs, a_serial_is_never_given_twice);
        tcase_add_test(jobs, deleting_a_job_takes_files_and_credentials_along);
        suite_add_tcase(suite, jobs);
        tcase_add_checked_fixture(transactions, setup, teardown);
        tcase_add_test(transactions, nothing_is_there_before_the_commit);
        tcase_add_test(transactions, a_rollback_drops_all_changes_since_the_commit);
        tcase_add_test(transactions, an_empty_commit_is_one);
        tcase_add_test(transactions, a_failed_transaction_cannot_be_committed);
        tcase_add_test(transactions, a_change_that_fails_spoils_its_transaction);
        tcase_add_test(transactions, a_full_file_system_takes_back_only_what_does_not_fit);
        suite_add_tcase(suite, transactions);
        tcase_add_checked_fixture(slots, setup, teardown);
        tcase_add_test(slots, a_slot_comes_back_as_it_was);
        tcase_add_test(slots, an_empty_slot_is_not_there);
        tcase_add_test(slots, a_slot_holds_one_credential);
        tcase_add_test(slots, each_slot_is_visited_and_may_be_removed);
        tcase_add_test(slots, a_visit_that_fails_ends_the_round);
        tcase_add_test(slots, nothing_is_left_of_a_removed_credential);
        tcase_add_test(slots, nothing_is_left_of_a_replaced_credential);
        suite_add_tcase(suite, slots);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
