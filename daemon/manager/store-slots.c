#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#include "manager/store-core.h"
#include "manager/store.h"

/* The key of a slot within its job. A kind that has no target or scheme leaves them zero. */
typedef struct SlotKey {
        VaultKind kind;
        AuthTarget target;
        AuthScheme scheme;
} SlotKey;

static void bind_slot(sqlite3_stmt *s, const Job *job, SlotKey key)
{
        store_bind_i64(s, SLOT_COLUMN_job, job->serial);
        store_bind_u64(s, SLOT_COLUMN_kind, key.kind);
        store_bind_u64(s, SLOT_COLUMN_target, key.target);
        store_bind_u64(s, SLOT_COLUMN_scheme, key.scheme);
}

static int get_slot(Store *store, const Job *job, SlotKey key, StoreSlot *ret);

static int delete_slot(Store *store, const Job *job, SlotKey key, uint64_t *ret_removed)
{
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        StoreSlot slot;
        int r;

        *ret_removed = 0;
        r = store_prepare_change(store, STORE_DELETE_SLOT, &s);
        if (r >= 0)
                r = get_slot(store, job, key, &slot);
        if (r == -ENOENT)
                return 0;
        if (r < 0) {
                store_fail(store, r);
                return r;
        }
        *ret_removed = slot.row.sealed_size;
        store_slot_done(&slot);
        bind_slot(s, job, key);
        r = store_run_change(store, s);
        return r < 0 ? r : 1;
}

static int put_slot(Store *store,
                    const Job *job,
                    SlotKey key,
                    bool implicit,
                    const char *user_name,
                    const VaultRow *row,
                    uint64_t *ret_replaced)
{
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = store_prepare_change(store, STORE_PUT_SLOT, &s);
        if (r >= 0)
                r = delete_slot(store, job, key, ret_replaced);
        if (r < 0)
                return r;
        bind_slot(s, job, key);
        store_bind_u64(s, SLOT_COLUMN_implicit, implicit);
        if (user_name)
                store_bind_text(s, SLOT_COLUMN_user_name, user_name);
        store_bind_bytes(s, SLOT_COLUMN_key_id, &row->key_id, sizeof(row->key_id));
        store_bind_u64(s, SLOT_COLUMN_persistent, row->persistent);
        store_bind_bytes(s, SLOT_COLUMN_sealed, row->sealed, row->sealed_size);
        return store_run_change(store, s);
}

int store_put_slot(Store *store,
                   const Job *job,
                   AuthTarget target,
                   AuthScheme scheme,
                   bool implicit,
                   const char *user_name,
                   const VaultRow *row,
                   uint64_t *ret_replaced)
{
        SlotKey key = { VAULT_CREDENTIAL, target, scheme };

        return put_slot(store, job, key, implicit, user_name, row, ret_replaced);
}

int store_delete_slot(Store *store,
                      const Job *job,
                      AuthTarget target,
                      AuthScheme scheme,
                      uint64_t *ret_removed)
{
        return delete_slot(store, job, (SlotKey){ VAULT_CREDENTIAL, target, scheme }, ret_removed);
}

int store_put_sealed(Store *store,
                     const Job *job,
                     VaultKind kind,
                     const VaultRow *row,
                     uint64_t *ret_replaced)
{
        return put_slot(store, job, (SlotKey){ .kind = kind }, false, NULL, row, ret_replaced);
}

int store_delete_sealed(Store *store, const Job *job, VaultKind kind, uint64_t *ret_removed)
{
        return delete_slot(store, job, (SlotKey){ .kind = kind }, ret_removed);
}

int store_delete_slots(Store *store, const Job *job)
{
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = store_prepare_change(store, STORE_DELETE_SLOTS, &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, STORE_PARAMETER_only, job->serial);
        return store_run_change(store, s);
}

void store_slot_done(StoreSlot *slot)
{
        free(slot->user_name);
        slot->user_name = NULL;
        vault_row_done(&slot->row);
}

int store_slot_schemes(Store *store,
                       const Job *job,
                       AuthTarget target,
                       unsigned *ret_schemes,
                       unsigned *ret_implicit)
{
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        unsigned schemes = 0, implicit = 0;
        int code, r;

        r = store_get_statement(store, STORE_SLOT_SCHEMES, &s);
        if (r < 0)
                return r;
        bind_slot(s, job, (SlotKey){ VAULT_CREDENTIAL, target, 0 });
        while ((code = sqlite3_step(s)) == SQLITE_ROW) {
                uint64_t scheme = store_column_u64(s, SLOT_COLUMN_scheme);

                if (scheme >= AUTH_SCHEMES_MAX)
                        continue;
                schemes |= 1U << scheme;
                if (store_column_u64(s, SLOT_COLUMN_implicit) != 0)
                        implicit |= 1U << scheme;
        }
        r = store_errno(store, code);
        if (r < 0)
                return r;
        *ret_schemes = schemes;
        *ret_implicit = implicit;
        return 0;
}

int store_slot_bytes(Store *store, const Job *job, uint64_t *ret_bytes)
{
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int code, r;

        r = store_get_statement(store, STORE_SLOT_BYTES, &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, STORE_PARAMETER_only, job->serial);
        code = sqlite3_step(s);
        if (code == SQLITE_ROW)
                *ret_bytes = store_column_u64(s, 0);
        return store_errno(store, code);
}

static int read_user_name(sqlite3_stmt *s, char **ret)
{
        const char *text;
        int r;

        if (sqlite3_column_type(s, SLOT_COLUMN_user_name) == SQLITE_NULL)
                return 0;
        r = store_column_text(s, SLOT_COLUMN_user_name, &text);
        return r < 0 ? r : str_set(ret, text);
}

static int read_slot(sqlite3_stmt *s, StoreSlot *slot)
{
        size_t size = (size_t) sqlite3_column_bytes(s, SLOT_COLUMN_sealed);
        int r;

        slot->implicit = store_column_u64(s, SLOT_COLUMN_implicit) != 0;
        slot->row.persistent = store_column_u64(s, SLOT_COLUMN_persistent) != 0;
        r = store_column_id(s, SLOT_COLUMN_key_id, &slot->row.key_id);
        if (r >= 0)
                r = read_user_name(s, &slot->user_name);
        if (r < 0)
                return r;
        slot->row.sealed = malloc(size > 0 ? size : 1);
        if (!slot->row.sealed)
                return -ENOMEM;
        if (size > 0)
                memcpy(slot->row.sealed, sqlite3_column_blob(s, SLOT_COLUMN_sealed), size);
        slot->row.sealed_size = size;
        return 0;
}

static int get_slot(Store *store, const Job *job, SlotKey key, StoreSlot *ret)
{
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        StoreSlot slot = { .target = key.target, .scheme = key.scheme };
        int code, r;

        r = store_get_statement(store, STORE_GET_SLOT, &s);
        if (r < 0)
                return r;
        bind_slot(s, job, key);
        code = sqlite3_step(s);
        if (code == SQLITE_DONE)
                return -ENOENT;
        r = store_errno(store, code);
        if (r < 0)
                return r;

        r = read_slot(s, &slot);
        if (r < 0) {
                store_slot_done(&slot);
                return r;
        }
        *ret = slot;
        return 0;
}

int store_get_slot(Store *store,
                   const Job *job,
                   AuthTarget target,
                   AuthScheme scheme,
                   StoreSlot *ret)
{
        return get_slot(store, job, (SlotKey){ VAULT_CREDENTIAL, target, scheme }, ret);
}

int store_get_sealed(Store *store, const Job *job, VaultKind kind, StoreSlot *ret)
{
        return get_slot(store, job, (SlotKey){ .kind = kind }, ret);
}

/* The deletion has the keys of the slot for its parameters. */
static int delete_found(Store *store, sqlite3_stmt *found)
{
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r = store_prepare_change(store, STORE_DELETE_SLOT, &s);

        if (r < 0)
                return r;
        for (int key = SLOT_COLUMN_job; key <= SLOT_COLUMN_scheme; key++)
                store_bind_i64(s, key, sqlite3_column_int64(found, key));
        return store_run_change(store, s);
}

int store_each_slot(Store *store, store_slot_t slot, void *userdata)
{
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int code = SQLITE_DONE, r;

        r = store_get_statement(store, STORE_EACH_SLOT, &s);
        while (r >= 0 && (code = sqlite3_step(s)) == SQLITE_ROW) {
                VaultRow row = {
                        .persistent = store_column_u64(s, SLOT_COLUMN_persistent) != 0,
                        .sealed_size = (size_t) store_column_u64(s, SLOT_COLUMN_sealed),
                };
                sd_id128_t job;

                r = store_column_id(s, SLOT_COLUMN_key_id, &row.key_id);
                if (r >= 0)
                        r = store_column_id(s, SLOT_COLUMN_job_id, &job);
                if (r >= 0)
                        r = slot(userdata, job, &row);
                if (r > 0)
                        r = delete_found(store, s);
        }
        return r < 0 ? r : store_errno(store, code);
}
