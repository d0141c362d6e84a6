/*
 * The tables of the database in all versions, the way from each version to the latest, and the
 * check whether a file is such a database at all. For store*.c only.
 */
#pragma once

typedef struct sqlite3 sqlite3;

#define STORE_SCHEMA_VERSION 9

/* 0 or negative errno for a result of SQLite's; db may be NULL. */
int store_schema_errno(sqlite3 *db, int code);

/*
 * Makes an open database ours: refuses a newer one before anything is written, looks for damage,
 * sets how it is written, migrates, and defines row_sum(values…), the sum over a row. Errors of
 * store_open().
 */
int store_schema_prepare(sqlite3 *db);
