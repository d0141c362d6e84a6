#include "manager/store-row.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/str.h"

void store_bind_i64(sqlite3_stmt *statement, int column, int64_t value)
{
        (void) sqlite3_bind_int64(statement, STORE_PARAMETER(column), value);
}

void store_bind_u64(sqlite3_stmt *statement, int column, uint64_t value)
{
        store_bind_i64(statement, column, (int64_t) value);
}

void store_bind_text(sqlite3_stmt *statement, int column, const char *s)
{
        (void) sqlite3_bind_text(statement, STORE_PARAMETER(column), s, -1, SQLITE_STATIC);
}

/* A NULL pointer would be NULL for SQLite, which is no empty value. */
void store_bind_bytes(sqlite3_stmt *statement, int column, const void *data, size_t size_bytes)
{
        (void) sqlite3_bind_blob64(statement,
                                   STORE_PARAMETER(column),
                                   data ? data : "",
                                   size_bytes,
                                   SQLITE_STATIC);
}

uint64_t store_column_u64(sqlite3_stmt *statement, int column)
{
        return (uint64_t) sqlite3_column_int64(statement, column);
}

int store_column_text(sqlite3_stmt *statement, int column, const char **ret)
{
        const unsigned char *text = sqlite3_column_text(statement, column);

        if (!text && sqlite3_column_type(statement, column) != SQLITE_NULL)
                return -ENOMEM;
        *ret = text ? (const char *) text : "";
        return 0;
}

int store_column_id(sqlite3_stmt *statement, int column, sd_id128_t *ret)
{
        const void *blob = sqlite3_column_blob(statement, column);

        if (!blob || sqlite3_column_bytes(statement, column) != (int) sizeof(*ret))
                return -EUCLEAN;
        memcpy(ret, blob, sizeof(*ret));
        return 0;
}

static void bind_index(sqlite3_stmt *statement, int column, uint32_t index)
{
        store_bind_i64(statement, column, index == UINT32_MAX ? -1 : (int64_t) index);
}

static void bind_owned_text(sqlite3_stmt *statement, int column, const char *s)
{
        store_bind_text(statement, column, s ? s : "");
}

void store_row_bind(sqlite3_stmt *statement,
                    const StoreColumn *columns,
                    size_t n_columns,
                    int first,
                    const void *object)
{
        for (size_t i = 0; i < n_columns; i++) {
                const void *member = (const char *) object + columns[i].offset;
                int at = first + (int) i;

                switch (columns[i].type) {
                case STORE_TYPE_U64:
                        store_bind_u64(statement, at, *(const uint64_t *) member);
                        break;
                case STORE_TYPE_U32:
                        store_bind_u64(statement, at, *(const uint32_t *) member);
                        break;
                case STORE_TYPE_BOOL:
                        store_bind_u64(statement, at, *(const bool *) member);
                        break;
                case STORE_TYPE_INDEX:
                        bind_index(statement, at, *(const uint32_t *) member);
                        break;
                case STORE_TYPE_ENUM:
                        store_bind_u64(statement, at, *(const unsigned *) member);
                        break;
                case STORE_TYPE_TEXT:
                        bind_owned_text(statement, at, *(char *const *) member);
                        break;
                case STORE_TYPE_HAND:
                default:
                        break;
                }
        }
}

static int read_text(sqlite3_stmt *statement, int column, char **member)
{
        const char *text;
        int r = store_column_text(statement, column, &text);

        return r < 0 ? r : str_set(member, text);
}

static int read_member(sqlite3_stmt *statement, const StoreColumn *column, int at, void *member)
{
        uint64_t number;

        if (column->type == STORE_TYPE_TEXT)
                return read_text(statement, at, member);
        if (column->type == STORE_TYPE_HAND)
                return 0;
        number = store_column_u64(statement, at);
        if (column->type == STORE_TYPE_ENUM && number >= column->limit)
                return -EUCLEAN;
        if (column->type == STORE_TYPE_U64)
                *(uint64_t *) member = number;
        else if (column->type == STORE_TYPE_U32 || column->type == STORE_TYPE_INDEX)
                *(uint32_t *) member = (uint32_t) number;
        else if (column->type == STORE_TYPE_ENUM)
                *(unsigned *) member = (unsigned) number;
        else
                *(bool *) member = number != 0;
        return 0;
}

int store_row_read(sqlite3_stmt *statement,
                   const StoreColumn *columns,
                   size_t n_columns,
                   int first,
                   void *object)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < n_columns; i++)
                r = read_member(statement,
                                &columns[i],
                                first + (int) i,
                                (char *) object + columns[i].offset);
        return r;
}
