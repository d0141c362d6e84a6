/*
 * The statements that the store gives to SQLite, made from the lists of store-columns.h. The tables
 * are those of the newest version in store-schema.c.
 */
#pragma once

typedef enum StoreStatement {
        STORE_BEGIN,
        STORE_COMMIT,
        STORE_ROLLBACK,
        STORE_PUT_JOB,
        STORE_PUT_SETTING,
        STORE_PUT_FILE,
        STORE_DELETE_JOB,
        STORE_DELETE_SETTING,
        STORE_PUT_SLOT,
        STORE_GET_SLOT,
        STORE_DELETE_SLOT,
        STORE_DELETE_SLOTS,
        STORE_SLOT_SCHEMES,
        STORE_SLOT_BYTES,
        STORE_EACH_SLOT,
        STORE_LOAD_JOBS,
        STORE_LOAD_SETTINGS,
        STORE_LOAD_FILES,
        STORE_STATEMENTS_MAX,
} StoreStatement;

extern const char *const store_statement_texts[STORE_STATEMENTS_MAX];
