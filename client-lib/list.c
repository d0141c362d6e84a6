/*
 * Rows of ListJobs and ListFiles, read once and looked at by position.
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

/* After the last row the reader gives 0, and its row is not counted. */
static int job_list_read(sd_bus_message *m, dosvc_job_list *list)
{
        int r;

        r = sd_bus_message_enter_container(m, 'a', "(oussstt)");
        if (r < 0)
                return r;
        do {
                JobRow *rows = list_add(list->rows, list->n_rows, sizeof(*rows));

                if (!rows)
                        return -ENOMEM;
                list->rows = rows;
                r = job_row_read(m, &rows[list->n_rows]);
                if (r != 0)
                        list->n_rows++;
        } while (r > 0);
        return r;
}

EXPORT dosvc_job_list *dosvc_job_list_free(dosvc_job_list *list)
{
        if (!list)
                return NULL;
        for (size_t i = 0; i < list->n_rows; i++) {
                free(list->rows[i].display_name);
                free(list->rows[i].type);
                free(list->rows[i].state);
        }
        free(list->rows);
        free(list);
        return NULL;
}

static int list_append_filter(sd_bus_message *m, unsigned int flags, const char *state)
{
        int r;

        r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0 && flags & DOSVC_ALL_USERS)
                r = sd_bus_message_append(m, "{sv}", "all-users", "b", true);
        if (r >= 0 && state)
                r = sd_bus_message_append(m, "{sv}", "state", "s", state);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

EXPORT int dosvc_list_jobs(dosvc_connection *connection,
                           unsigned int flags,
                           const char *state,
                           dosvc_job_list **ret)
{
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;
        dosvc_job_list *list;
        int r;

        if (flags & ~DOSVC_ALL_USERS)
                return error_remember_text(connection, -EINVAL, NULL);
        r = call_new(connection, DOSVC_MANAGER_PATH, DOSVC_MANAGER_INTERFACE, "ListJobs", &m);
        if (r < 0)
                return r;
        r = list_append_filter(m, flags, state);
        if (r < 0)
                return error_remember_text(connection, r, NULL);
        r = call_send(connection, m, &reply);
        if (r < 0)
                return r;
        list = calloc(1, sizeof(*list));
        r = list ? job_list_read(reply, list) : -ENOMEM;
        if (r < 0) {
                dosvc_job_list_free(list);
                return error_remember_text(connection, r, NULL);
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

static int file_list_read(sd_bus_message *m, dosvc_file_list *list)
{
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
        return r;
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

EXPORT int
dosvc_job_list_files(dosvc_connection *connection, const char *job, dosvc_file_list **ret)
{
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;
        dosvc_file_list *list;
        int r;

        r = call_new_job(connection, job, "ListFiles", &m);
        if (r >= 0)
                r = call_send(connection, m, &reply);
        if (r < 0)
                return r;
        list = calloc(1, sizeof(*list));
        r = list ? file_list_read(reply, list) : -ENOMEM;
        if (r < 0) {
                dosvc_file_list_free(list);
                return error_remember_text(connection, r, NULL);
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
