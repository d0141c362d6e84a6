#include "manager/store-core.h"

#include "manager/store-schema.h"

int store_errno(Store *store, int code)
{
        return store_schema_errno(store->db, code);
}

int store_get_statement(Store *store, int which, sqlite3_stmt **ret)
{
        if (!store->statements[which]) {
                int code = sqlite3_prepare_v3(store->db,
                                              store_statement_texts[which],
                                              -1,
                                              SQLITE_PREPARE_PERSISTENT,
                                              &store->statements[which],
                                              NULL);

                if (code != SQLITE_OK)
                        return store_errno(store, code);
        }
        *ret = store->statements[which];
        return 0;
}

void store_statement_donep(sqlite3_stmt **statement)
{
        if (*statement) {
                (void) sqlite3_reset(*statement);
                (void) sqlite3_clear_bindings(*statement);
        }
}

int store_run(Store *store, int which)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r = store_get_statement(store, which, &statement);

        return r < 0 ? r : store_errno(store, sqlite3_step(statement));
}

void store_spoil(Store *store, int error)
{
        if (store->failure == 0)
                store->failure = error;
}

/* Opens the transaction with the first change; remembers the first failure of it. */
static int begin(Store *store)
{
        int r;

        if (store->failure < 0)
                return store->failure;
        if (store->dirty)
                return 0;
        r = store_run(store, STORE_BEGIN);
        if (r >= 0)
                store->dirty = true;
        else
                store_spoil(store, r);
        return r;
}

int store_prepare_change(Store *store, int which, sqlite3_stmt **ret)
{
        int r = begin(store);

        if (r >= 0)
                r = store_get_statement(store, which, ret);
        if (r < 0)
                store_spoil(store, r);
        return r;
}

int store_run_change(Store *store, sqlite3_stmt *statement)
{
        int r = store_errno(store, sqlite3_step(statement));

        if (r < 0)
                store_spoil(store, r);
        return r;
}
