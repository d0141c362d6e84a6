/*
 * What the store says to SQLite, and the order of the columns that store.c binds and reads. Knows
 * no database; the tables are those of the newest version in store-schema.c.
 */
#pragma once

typedef enum StoreStatement {
        STORE_BEGIN,
        STORE_COMMIT,
        STORE_ROLLBACK,
        STORE_PUT_JOB,
        STORE_PUT_FILE,
        STORE_DELETE_JOB,
        STORE_PUT_SLOT,
        STORE_GET_SLOT,
        STORE_DELETE_SLOT,
        STORE_DELETE_SLOTS,
        STORE_SLOT_SCHEMES,
        STORE_SLOT_BYTES,
        STORE_EACH_SLOT,
        STORE_LOAD_JOBS,
        STORE_LOAD_FILES,
        STORE_STATEMENTS_MAX,
} StoreStatement;

extern const char *const store_statement_texts[STORE_STATEMENTS_MAX];

/* The last column of a loaded row: what it says is what was put. */
enum { STORE_JOB_IS_WHOLE = 37, STORE_FILE_IS_WHOLE = 18 };
