/*
 * The inside of the store, for store*.c only: the connection, its statements, and the one open
 * transaction, which a change that fails spoils as a whole.
 */
#pragma once

#include <stdbool.h>

#include "base/macro.h"

#include "manager/store-row.h"
#include "manager/store-statements.h"

typedef struct Store {
        sqlite3 *db;
        sqlite3_stmt *statements[STORE_STATEMENTS_MAX];
        int failure; /* first error of the open transaction, which cannot be committed then */
        bool dirty;
} Store;

/* 0 or negative errno for a result of SQLite's. */
int store_errno(Store *store, int code);

/* A statement that changes nothing; errors of store_errno(). */
int store_get_statement(Store *store, int which, sqlite3_stmt **ret);
/* A statement of a change: opens the transaction, and spoils it if the statement cannot be had. */
int store_prepare_change(Store *store, int which, sqlite3_stmt **ret);
/* Runs it, and spoils the transaction if that fails. */
int store_run_change(Store *store, sqlite3_stmt *statement);
/* The open transaction must not be committed: the first error is what its commit will return. */
void store_spoil(Store *store, int error);
/* Runs a statement without parameters that changes no row. Errors of store_errno(). */
int store_run(Store *store, int which);

/* Resets a statement at the end of its scope, so that it keeps no lock and no copy of a value. */
void store_statement_donep(sqlite3_stmt **statement);
#define _cleanup_statement_ _cleanup_(store_statement_donep)
