/*
 * Values of one row of the store: what is bound to a statement and what is read from it, by the
 * lists of store-columns.h. For store*.c only.
 */
#pragma once

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-id128.h>

#include "manager/store-columns.h"

typedef enum StoreType {
        STORE_TYPE_HAND,
        STORE_TYPE_U32,
        STORE_TYPE_U64,
        STORE_TYPE_BOOL,
        STORE_TYPE_INDEX, /* a uint32_t; UINT32_MAX, which means none, is kept as -1 */
        STORE_TYPE_ENUM,  /* an unsigned below limit */
        STORE_TYPE_TEXT,  /* an owned string; NULL is kept as "", which comes back as "" */
} StoreType;

typedef struct StoreColumn {
        StoreType type;
        size_t offset;
        uint64_t limit;
} StoreColumn;

#define STORE_COLUMN_HAND         .type = STORE_TYPE_HAND
#define STORE_COLUMN_U32          .type = STORE_TYPE_U32
#define STORE_COLUMN_U64          .type = STORE_TYPE_U64
#define STORE_COLUMN_BOOL         .type = STORE_TYPE_BOOL
#define STORE_COLUMN_INDEX        .type = STORE_TYPE_INDEX
#define STORE_COLUMN_ENUM(values) .type = STORE_TYPE_ENUM, .limit = (values)
#define STORE_COLUMN_TEXT         .type = STORE_TYPE_TEXT

/* Members of an object whose columns begin with the one numbered first; not those by hand. */
void store_row_bind(sqlite3_stmt *statement,
                    const StoreColumn *columns,
                    size_t n_columns,
                    int first,
                    const void *object);
/* -EUCLEAN: a value that no version of this program writes; -ENOMEM. */
int store_row_read(sqlite3_stmt *statement,
                   const StoreColumn *columns,
                   size_t n_columns,
                   int first,
                   void *object);

/* One value of the parameter of a column; texts and bytes are borrowed until the statement runs. */
void store_bind_u64(sqlite3_stmt *statement, int column, uint64_t value);
void store_bind_i64(sqlite3_stmt *statement, int column, int64_t value);
void store_bind_text(sqlite3_stmt *statement, int column, const char *s);
void store_bind_bytes(sqlite3_stmt *statement, int column, const void *data, size_t size_bytes);

uint64_t store_column_u64(sqlite3_stmt *statement, int column);
/* Lives until the next step; "" for NULL. -ENOMEM. */
int store_column_text(sqlite3_stmt *statement, int column, const char **ret);
/* -EUCLEAN: of another size. */
int store_column_id(sqlite3_stmt *statement, int column, sd_id128_t *ret);
