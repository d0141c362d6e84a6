#include "tests/lib/store-fixture.h"

#include <sqlite3.h>
#include <stdlib.h>

#include "base/macro.h"

#include "tests/lib/temp-dir.h"

char *store_dir, *store_path;
Owners store_owners;
Store *store;
Job *store_loaded[STORE_FIXTURE_LOADED_MAX];
unsigned n_store_loaded;

void store_fixture_setup(void)
{
        store_dir = temp_dir_new();
        store_path = temp_dir_path(store_dir, "jobs.db");
        store_owners = (Owners){ 0 };
        ck_assert_int_eq(store_open(store_path, &store), 0);
}

void store_fixture_release_owners(void)
{
        Owner *owner, *after;

        HASH_ITER (hh, store_owners.by_uid, owner, after)
                owners_release(&store_owners, owner);
}

static void forget_loaded(void)
{
        while (n_store_loaded > 0)
                job_free(store_loaded[--n_store_loaded]);
        store_fixture_release_owners();
}

void store_fixture_teardown(void)
{
        store = store_free(store);
        forget_loaded();
        ck_assert_ptr_null(store_owners.by_uid);
        free(store_path);
        store_dir = temp_dir_remove(store_dir);
}

void store_fixture_reopen(void)
{
        store = store_free(store);
        ck_assert_int_eq(store_open(store_path, &store), 0);
}

int store_fixture_take(void *userdata, Job *job)
{
        ck_assert_uint_lt(n_store_loaded, ARRAY_SIZE(store_loaded));
        store_loaded[n_store_loaded++] = job;
        return 0;
}

void store_fixture_load(void)
{
        forget_loaded();
        ck_assert_int_eq(store_load(store, &store_owners, store_fixture_take, NULL), 0);
}

Job *store_fixture_new_job(uint8_t id, uint32_t uid, const char *user)
{
        Owner *owner;
        Job *job;

        ck_assert_int_eq(owners_acquire(&store_owners, uid, user, &owner), 0);
        ck_assert_int_eq(job_new((sd_id128_t){ .bytes = { id } }, owner, &job), 0);
        return job;
}

Job *store_fixture_put_job(uint8_t id)
{
        Job *job = store_fixture_new_job(id, 1000, "alice");

        ck_assert_int_eq(store_put_job(store, job), 0);
        ck_assert_int_gt(job->serial, 0);
        return job;
}

void store_fixture_put_file(Job *job, const char *local_name)
{
        int index = job_add_file(job, "http://host/file", local_name);

        ck_assert_int_ge(index, 0);
        ck_assert_int_eq(store_put_file(store, job, (uint32_t) index), 0);
}

void store_fixture_commit(void)
{
        ck_assert_int_eq(store_commit(store), 0);
        ck_assert(!store_is_dirty(store));
}

static const char sealed[] = STORE_FIXTURE_SEALED;

VaultRow store_fixture_sealed_row(size_t size)
{
        VaultRow row = { .key_id.bytes = { 7 }, .persistent = true, .sealed_size = size };

        row.sealed = malloc(size);
        ck_assert_ptr_nonnull(row.sealed);
        for (size_t i = 0; i < size; i++)
                row.sealed[i] = (uint8_t) sealed[i % (sizeof(sealed) - 1)];
        return row;
}

uint64_t store_fixture_put_slot(Job *job, AuthTarget target, AuthScheme scheme, size_t size)
{
        VaultRow row = store_fixture_sealed_row(size);
        uint64_t replaced = 4711;

        ck_assert_int_eq(
                store_put_slot(store, job, target, scheme, false, "alice", &row, &replaced),
                0);
        vault_row_done(&row);
        return replaced;
}

uint64_t store_fixture_slot_bytes(Job *job)
{
        uint64_t bytes = 4711;

        ck_assert_int_eq(store_slot_bytes(store, job, &bytes), 0);
        return bytes;
}

void store_fixture_execute(const char *sql)
{
        sqlite3 *db = NULL;

        ck_assert_int_eq(sqlite3_open(store_path, &db), SQLITE_OK);
        ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
        ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}
