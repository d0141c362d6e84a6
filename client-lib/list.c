/*
 * Rows of ListJobs and ListFilesFiltered, read once and looked at by position.
 *
 * A list comes in pages. Jobs may go away from one page to the next, and those behind them move up;
 * so a page of jobs begins some rows before the end of what is known, and its first row tells from
 * where on it takes the place of that. Files do not go away.
 */
#include <string.h>

#include "internal.h"

typedef struct JobRow {
        char id[DOSVC_ID_SIZE];
        uint32_t owner;
        char *display_name;
        char *type;
        char *state;
        uint64_t bytes_transferred;
        uint64_t bytes_total;
} JobRow;

typedef struct FileRow {
        char *remote_name;
        char *local_name;
        uint64_t bytes_transferred;
        uint64_t bytes_total;
        int completed;
} FileRow;

/* Rows of a page; the service sends fewer where they would make a large message. */
#define PAGE_ROWS UINT64_C(100000)

/* How many known rows a page of jobs begins with, as long as fewer have gone meanwhile. */
#define OVERLAP_ROWS 64U

struct dosvc_job_list {
        JobRow *rows;
        size_t n_rows;
};

struct dosvc_file_list {
        FileRow *rows;
        size_t n_rows;
};

/* Makes room for one more row, zeroed; grows in powers of two. */
static void *list_add(void *rows, size_t n_rows, size_t row_size)
{
        if ((n_rows & (n_rows - 1)) == 0) {
                rows = reallocarray(rows, n_rows ? n_rows * 2 : 1, row_size);
                if (!rows)
                        return NULL;
        }
        memset((char *) rows + n_rows * row_size, 0, row_size);
        return rows;
}

static int job_row_read(sd_bus_message *m, JobRow *row)
{
        const char *path, *name, *type, *state;
        int r;

        r = sd_bus_message_read(m,
                                "(oussstt)",
                                &path,
                                &row->owner,
                                &name,
                                &type,
                                &state,
                                &row->bytes_transferred,
                                &row->bytes_total);
        if (r <= 0)
                return r;
        row->display_name = strdup(name);
        row->type = strdup(type);
        row->state = strdup(state);
        if (!row->display_name || !row->type || !row->state)
                return -ENOMEM;
        return job_id_from_path(path, row->id) ? 1 : -EBADMSG;
}

static void job_row_done(JobRow *row)
{
        free(row->display_name);
        free(row->type);
        free(row->state);
}

static void job_list_truncate(dosvc_job_list *list, size_t n_rows)
{
        while (list->n_rows > n_rows)
                job_row_done(&list->rows[--list->n_rows]);
}

/* Appends the rows that are left in the message. */
static int job_list_read(sd_bus_message *m, dosvc_job_list *list)
{
        int r;

        do {
                JobRow *rows = list_add(list->rows, list->n_rows, sizeof(*rows));

                if (!rows)
                        return -ENOMEM;
                list->rows = rows;
                r = job_row_read(m, &rows[list->n_rows]);
                if (r != 0) /* 0 is the end: its row is not counted */
                        list->n_rows++;
        } while (r > 0);
        return r;
}

/* Position of that job among the rows from first on; n_rows if it is not there. */
static size_t job_list_find(const dosvc_job_list *list, size_t first, const char *id)
{
        size_t i = first;

        while (i < list->n_rows && strcmp(list->rows[i].id, id) != 0)
                i++;
        return i;
}

/*
 * Takes in the page that begins at row offset: 1, 0 if it has nothing new. -ESTALE: its first row
 * is not known, so that rows before it are missing.
 */
static int job_list_take_page(sd_bus_message *m, dosvc_job_list *list, size_t offset)
{
        char last[DOSVC_ID_SIZE] = "";
        JobRow first = { .id = "" };
        size_t known;
        int r;

        if (list->n_rows > 0)
                memcpy(last, list->rows[list->n_rows - 1].id, sizeof(last));
        r = sd_bus_message_enter_container(m, 'a', "(oussstt)");
        if (r >= 0)
                r = job_row_read(m, &first);
        known = job_list_find(list, offset, first.id);
        job_row_done(&first);
        if (r < 0)
                return r;
        if (known == list->n_rows && offset > 0)
                return -ESTALE;
        job_list_truncate(list, known == list->n_rows ? 0 : known);
        r = sd_bus_message_rewind(m, 1);
        if (r >= 0)
                r = sd_bus_message_enter_container(m, 'a', "(oussstt)");
        if (r >= 0)
                r = job_list_read(m, list);
        if (r < 0 || list->n_rows == 0)
                return r;
        return strcmp(list->rows[list->n_rows - 1].id, last) != 0;
}

EXPORT dosvc_job_list *dosvc_job_list_free(dosvc_job_list *list)
{
        if (!list)
                return NULL;
        job_list_truncate(list, 0);
        free(list->rows);
        free(list);
        return NULL;
}

static int list_append_page(sd_bus_message *m, size_t offset)
{
        return sd_bus_message_append(m,
                                     "{sv}{sv}",
                                     "offset",
                                     "t",
                                     (uint64_t) offset,
                                     "limit",
                                     "t",
                                     PAGE_ROWS);
}

static int
job_list_append_filter(sd_bus_message *m, unsigned int flags, const char *state, size_t offset)
{
        int r;

        r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0 && flags & DOSVC_ALL_USERS)
                r = sd_bus_message_append(m, "{sv}", "all-users", "b", true);
        if (r >= 0 && state)
                r = sd_bus_message_append(m, "{sv}", "state", "s", state);
        if (r >= 0)
                r = list_append_page(m, offset);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

/* As job_list_take_page(); errors are remembered, all but -ESTALE. */
static int job_list_fetch(dosvc_connection *c,
                          unsigned int flags,
                          const char *state,
                          dosvc_job_list *list,
                          size_t offset)
{
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;
        int r;

        r = call_new(c, DOSVC_MANAGER_PATH, DOSVC_MANAGER_INTERFACE, "ListJobs", &m);
        if (r < 0)
                return r;
        r = job_list_append_filter(m, flags, state, offset);
        if (r < 0)
                return error_remember_text(c, r, NULL);
        r = call_send(c, m, &reply);
        if (r < 0)
                return r;
        r = job_list_take_page(reply, list, offset);
        return r < 0 && r != -ESTALE ? error_remember_text(c, r, NULL) : r;
}

/* Reads the next page, from further back each time it does not join the known rows. */
static int
job_list_extend(dosvc_connection *c, unsigned int flags, const char *state, dosvc_job_list *list)
{
        size_t overlap = OVERLAP_ROWS, offset;
        int r;

        do {
                offset = list->n_rows > overlap ? list->n_rows - overlap : 0;
                r = job_list_fetch(c, flags, state, list, offset);
                overlap *= 2;
        } while (r == -ESTALE);
        return r;
}

EXPORT int dosvc_list_jobs(dosvc_connection *connection,
                           unsigned int flags,
                           const char *state,
                           dosvc_job_list **ret)
{
        dosvc_job_list *list;
        int r;

        if (flags & ~DOSVC_ALL_USERS)
                return error_remember_text(connection, -EINVAL, NULL);
        list = calloc(1, sizeof(*list));
        if (!list)
                return error_remember_text(connection, -ENOMEM, NULL);
        do
                r = job_list_extend(connection, flags, state, list);
        while (r > 0);
        if (r < 0) {
                dosvc_job_list_free(list);
                return r;
        }
        *ret = list;
        return 0;
}

EXPORT size_t dosvc_job_list_size(const dosvc_job_list *list)
{
        return list->n_rows;
}

EXPORT const char *dosvc_job_list_id(const dosvc_job_list *list, size_t i)
{
        return list->rows[i].id;
}

EXPORT uint32_t dosvc_job_list_owner(const dosvc_job_list *list, size_t i)
{
        return list->rows[i].owner;
}

EXPORT const char *dosvc_job_list_display_name(const dosvc_job_list *list, size_t i)
{
        return list->rows[i].display_name;
}

EXPORT const char *dosvc_job_list_type(const dosvc_job_list *list, size_t i)
{
        return list->rows[i].type;
}

EXPORT const char *dosvc_job_list_state(const dosvc_job_list *list, size_t i)
{
        return list->rows[i].state;
}

EXPORT uint64_t dosvc_job_list_bytes_transferred(const dosvc_job_list *list, size_t i)
{
        return list->rows[i].bytes_transferred;
}

EXPORT uint64_t dosvc_job_list_bytes_total(const dosvc_job_list *list, size_t i)
{
        return list->rows[i].bytes_total;
}

static int file_row_read(sd_bus_message *m, FileRow *row)
{
        const char *path, *remote, *local;
        int r;

        r = sd_bus_message_read(m,
                                "(ossttb)",
                                &path,
                                &remote,
                                &local,
                                &row->bytes_transferred,
                                &row->bytes_total,
                                &row->completed);
        if (r <= 0)
                return r;
        row->remote_name = strdup(remote);
        row->local_name = strdup(local);
        return row->remote_name && row->local_name ? 1 : -ENOMEM;
}

/* Appends the rows of a page: 1, 0 if there are none. */
static int file_list_read(sd_bus_message *m, dosvc_file_list *list)
{
        size_t n_before = list->n_rows;
        int r;

        r = sd_bus_message_enter_container(m, 'a', "(ossttb)");
        if (r < 0)
                return r;
        do {
                FileRow *rows = list_add(list->rows, list->n_rows, sizeof(*rows));

                if (!rows)
                        return -ENOMEM;
                list->rows = rows;
                r = file_row_read(m, &rows[list->n_rows]);
                if (r != 0)
                        list->n_rows++;
        } while (r > 0);
        return r < 0 ? r : list->n_rows > n_before;
}

EXPORT dosvc_file_list *dosvc_file_list_free(dosvc_file_list *list)
{
        if (!list)
                return NULL;
        for (size_t i = 0; i < list->n_rows; i++) {
                free(list->rows[i].remote_name);
                free(list->rows[i].local_name);
        }
        free(list->rows);
        free(list);
        return NULL;
}

/* As file_list_read(); errors are remembered. */
static int file_list_fetch(dosvc_connection *c, const char *job, dosvc_file_list *list)
{
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;
        int r;

        r = call_new_job(c, job, "ListFilesFiltered", &m);
        if (r < 0)
                return r;
        r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0)
                r = list_append_page(m, list->n_rows);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r < 0)
                return error_remember_text(c, r, NULL);
        r = call_send(c, m, &reply);
        if (r < 0)
                return r;
        r = file_list_read(reply, list);
        return r < 0 ? error_remember_text(c, r, NULL) : r;
}

EXPORT int
dosvc_job_list_files(dosvc_connection *connection, const char *job, dosvc_file_list **ret)
{
        dosvc_file_list *list = calloc(1, sizeof(*list));
        int r;

        if (!list)
                return error_remember_text(connection, -ENOMEM, NULL);
        do
                r = file_list_fetch(connection, job, list);
        while (r > 0);
        if (r < 0) {
                dosvc_file_list_free(list);
                return r;
        }
        *ret = list;
        return 0;
}

EXPORT size_t dosvc_file_list_size(const dosvc_file_list *list)
{
        return list->n_rows;
}

EXPORT const char *dosvc_file_list_remote_name(const dosvc_file_list *list, size_t i)
{
        return list->rows[i].remote_name;
}

EXPORT const char *dosvc_file_list_local_name(const dosvc_file_list *list, size_t i)
{
        return list->rows[i].local_name;
}

EXPORT uint64_t dosvc_file_list_bytes_transferred(const dosvc_file_list *list, size_t i)
{
        return list->rows[i].bytes_transferred;
}

EXPORT uint64_t dosvc_file_list_bytes_total(const dosvc_file_list *list, size_t i)
{
        return list->rows[i].bytes_total;
}

EXPORT int dosvc_file_list_completed(const dosvc_file_list *list, size_t i)
{
        return list->rows[i].completed;
}
