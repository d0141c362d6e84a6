/*
 * Columns of text, as wide as their widest cell, for people; the last column is as long as it
 * likes, but on a terminal it is cut so that a row is one line.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#define TABLE_COLUMNS_MAX 8

typedef struct Table Table;

/* headers: one a column, ended by NULL; a leading '>' aligns its column to the right. */
Table *table_new(const char *const *headers);
Table *table_free(Table *table);

/* One cell a column; they are copied. False without memory. */
bool table_add(Table *table, const char *const *cells);

/* Colours the cells of a column by their content; color() gives "" or an escape sequence. */
void table_set_color(Table *table, size_t column, const char *(*color)(const char *cell));

void table_print(const Table *table, FILE *out, bool legend);
