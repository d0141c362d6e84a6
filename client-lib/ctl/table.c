#include "ctl/table.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "ctl/format.h"

#define LAST_WIDTH_MIN 8

typedef struct Row {
        char *cells[TABLE_COLUMNS_MAX];
} Row;

struct Table {
        size_t n_columns;
        const char *headers[TABLE_COLUMNS_MAX];
        bool right[TABLE_COLUMNS_MAX];
        const char *(*color[TABLE_COLUMNS_MAX])(const char *cell);
        Row *rows;
        size_t n_rows;
};

Table *table_new(const char *const *headers)
{
        Table *table = calloc(1, sizeof(*table));

        if (!table)
                return NULL;
        for (; headers[table->n_columns]; table->n_columns++) {
                const char *header = headers[table->n_columns];

                table->right[table->n_columns] = header[0] == '>';
                table->headers[table->n_columns] = header + (header[0] == '>');
        }
        return table;
}

static void row_done(Row *row)
{
        for (size_t i = 0; i < TABLE_COLUMNS_MAX; i++)
                free(row->cells[i]);
}

Table *table_free(Table *table)
{
        if (!table)
                return NULL;
        for (size_t i = 0; i < table->n_rows; i++)
                row_done(&table->rows[i]);
        free(table->rows);
        free(table);
        return NULL;
}

bool table_add(Table *table, const char *const *cells)
{
        Row row = { 0 }, *rows = table->rows;

        /* Grows in powers of two. */
        if ((table->n_rows & (table->n_rows - 1)) == 0)
                rows = reallocarray(rows, table->n_rows ? table->n_rows * 2 : 1, sizeof(*rows));
        if (!rows)
                return false;
        table->rows = rows;
        for (size_t i = 0; i < table->n_columns; i++) {
                row.cells[i] = strdup(cells[i]);
                if (!row.cells[i]) {
                        row_done(&row);
                        return false;
                }
        }
        rows[table->n_rows++] = row;
        return true;
}

void table_set_color(Table *table, size_t column, const char *(*color)(const char *cell))
{
        table->color[column] = color;
}

static size_t table_width(const Table *table, size_t column, bool legend)
{
        size_t width = legend ? strlen(table->headers[column]) : 0;

        for (size_t i = 0; i < table->n_rows; i++) {
                size_t cell = format_width(table->rows[i].cells[column]);

                if (cell > width)
                        width = cell;
        }
        return width;
}

/* Columns of the terminal; no limit elsewhere. */
static size_t table_room(FILE *out)
{
        struct winsize size;

        if (!isatty(fileno(out)) || ioctl(fileno(out), TIOCGWINSZ, &size) < 0 || size.ws_col < 20)
                return SIZE_MAX;
        return size.ws_col;
}

/* How much of the last cell fits behind the other columns; a little of it always does. */
static int table_cut(const Table *table, FILE *out, const size_t *widths, const char *cell)
{
        size_t room = table_room(out), used = 0;

        for (size_t i = 0; i + 1 < table->n_columns; i++)
                used += widths[i] + 1;
        if (room == SIZE_MAX || room < used + LAST_WIDTH_MIN)
                return (int) (room == SIZE_MAX ? strlen(cell) : format_cut(cell, LAST_WIDTH_MIN));
        return (int) format_cut(cell, room - used);
}

static void table_print_row(const Table *table,
                            FILE *out,
                            const size_t *widths,
                            const char *const *cells,
                            bool body)
{
        for (size_t i = 0; i < table->n_columns; i++) {
                size_t width = format_width(cells[i]);
                int gap = (int) (widths[i] > width ? widths[i] - width : 0);
                const char *color = body && table->color[i] ? table->color[i](cells[i]) : "";

                if (table->right[i])
                        fprintf(out, "%*s", gap, "");
                fprintf(out,
                        "%s%.*s%s",
                        color,
                        i + 1 < table->n_columns ? (int) strlen(cells[i])
                                                 : table_cut(table, out, widths, cells[i]),
                        cells[i],
                        *color ? "\033[0m" : "");
                if (i + 1 < table->n_columns)
                        fprintf(out, "%*s ", table->right[i] ? 0 : gap, "");
        }
        fputc('\n', out);
}

void table_print(const Table *table, FILE *out, bool legend)
{
        size_t widths[TABLE_COLUMNS_MAX];

        for (size_t i = 0; i < table->n_columns; i++)
                widths[i] = table_width(table, i, legend);
        if (legend)
                table_print_row(table, out, widths, table->headers, false);
        for (size_t i = 0; i < table->n_rows; i++)
                table_print_row(table,
                                out,
                                widths,
                                (const char *const *) table->rows[i].cells,
                                true);
}
