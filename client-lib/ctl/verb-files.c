/*
 * files: the files of a job. The list of the service has no checksums, ranges and restarts; these
 * are read as properties of each file.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/format.h"
#include "ctl/property.h"
#include "ctl/table.h"

typedef struct Files {
        dosvc_file_list *list;
        size_t n;
        dosvc_values **infos; /* of each; NULL where the file has gone meanwhile */
} Files;

/* Columns that the table has only if at least one file has a value for them. */
static const struct {
        const char *property;
        const char *header;
        const char *nothing;
} extra_columns[] = {
        { "Restarts", ">RESTARTS", "0" },
        { "Ranges", "RANGES", "" },
        { "Checksum", "CHECKSUM", "" },
};

#define N_EXTRA (sizeof(extra_columns) / sizeof(extra_columns[0]))

static void files_done(Files *files)
{
        for (size_t i = 0; i < files->n; i++)
                dosvc_values_free(files->infos[i]);
        free(files->infos);
        dosvc_file_list_free(files->list);
}

static ExitStatus files_read_infos(Ctl *ctl, const char *id, Files *files)
{
        files->infos = calloc(dosvc_file_list_size(files->list) + 1, sizeof(void *));
        if (!files->infos)
                return ctl_out_of_memory();
        for (; files->n < dosvc_file_list_size(files->list); files->n++) {
                int r = dosvc_file_get_info(ctl->connection,
                                            id,
                                            (uint32_t) files->n,
                                            &files->infos[files->n]);

                if (r < 0 && r != -ENOENT)
                        return ctl_fail(ctl, r, "Cannot look at file %zu", files->n);
        }
        return EXIT_DONE;
}

static json_t *files_json_row(const dosvc_file_list *list, size_t i)
{
        return json_pack("{siss ss so so sb}",
                         "schema",
                         1,
                         "remote_name",
                         dosvc_file_list_remote_name(list, i),
                         "local_name",
                         dosvc_file_list_local_name(list, i),
                         "bytes_transferred",
                         ctl_json_size(dosvc_file_list_bytes_transferred(list, i)),
                         "bytes_total",
                         ctl_json_size(dosvc_file_list_bytes_total(list, i)),
                         "completed",
                         dosvc_file_list_completed(list, i));
}

static json_t *files_json(const Files *files)
{
        json_t *array = json_array();

        for (size_t i = 0; i < files->n; i++) {
                json_t *object = files_json_row(files->list, i);

                if (files->infos[i]) {
                        json_t *properties = ctl_json_properties(files->infos[i]);

                        (void) json_object_update(object, properties);
                        json_decref(properties);
                }
                (void) json_array_append_new(array, object);
        }
        return array;
}

/* The cell of an extra column; owned. */
static char *files_extra(const Ctl *ctl, const Files *files, size_t i, size_t column)
{
        const char *property = extra_columns[column].property;
        char *text, *clean;

        if (!files->infos[i])
                return ctl_clean(ctl, "");
        text = property_text(files->infos[i], property);
        if (!text)
                exit((int) ctl_out_of_memory());
        clean = ctl_clean(ctl, text);
        free(text);
        return clean;
}

static bool files_have(const Ctl *ctl, const Files *files, size_t column)
{
        bool have = false;

        for (size_t i = 0; !have && i < files->n; i++) {
                char *text = files_extra(ctl, files, i, column);

                have = *text && strcmp(text, extra_columns[column].nothing) != 0;
                free(text);
        }
        return have;
}

static bool files_add_row(const Ctl *ctl,
                          Table *table,
                          const Files *files,
                          size_t i,
                          const bool shown[static N_EXTRA])
{
        uint64_t total = dosvc_file_list_bytes_total(files->list, i);
        uint64_t transferred = dosvc_file_list_bytes_transferred(files->list, i);
        char *remote = ctl_clean(ctl, dosvc_file_list_remote_name(files->list, i));
        char *local = ctl_clean(ctl, dosvc_file_list_local_name(files->list, i));
        char percent[FORMAT_SIZE], size[FORMAT_SIZE], *extra[N_EXTRA] = { NULL };
        const char *cells[TABLE_COLUMNS_MAX] = {
                dosvc_file_list_completed(files->list, i)
                        ? "whole"
                        : format_percent(percent, transferred, total),
                format_size(size, total),
                local,
                remote,
        };
        size_t n = 4;
        bool added;

        for (size_t j = 0; j < N_EXTRA; j++)
                if (shown[j])
                        cells[n++] = extra[j] = files_extra(ctl, files, i, j);
        added = table_add(table, cells);
        for (size_t j = 0; j < N_EXTRA; j++)
                free(extra[j]);
        free(remote);
        free(local);
        return added;
}

static ExitStatus files_print_table(const Ctl *ctl, const Files *files)
{
        const char *headers[TABLE_COLUMNS_MAX + 1] = { ">DONE", ">SIZE", "FILE", "URL" };
        bool shown[N_EXTRA], added;
        size_t n = 4;
        Table *table;

        for (size_t j = 0; j < N_EXTRA; j++) {
                shown[j] = files_have(ctl, files, j);
                if (shown[j])
                        headers[n++] = extra_columns[j].header;
        }
        table = table_new(headers);
        added = table;
        for (size_t i = 0; added && i < files->n; i++)
                added = files_add_row(ctl, table, files, i, shown);
        if (!added) {
                table_free(table);
                return ctl_out_of_memory();
        }
        table_print(table, stdout, !ctl->no_legend);
        table_free(table);
        return EXIT_DONE;
}

ExitStatus verb_files(Ctl *ctl, int argc, char **argv)
{
        char id[DOSVC_ID_SIZE];
        ExitStatus status = ctl_find_job(ctl, argv[0], id);
        Files files = { 0 };
        int r;

        if (status != EXIT_DONE)
                return status;
        r = dosvc_job_list_files(ctl->connection, id, &files.list);
        if (r < 0)
                return ctl_fail(ctl, r, "Cannot list the files of %s", argv[0]);
        status = files_read_infos(ctl, id, &files);
        if (status == EXIT_DONE && ctl->json)
                ctl_print_json(ctl, files_json(&files));
        else if (status == EXIT_DONE)
                status = files_print_table(ctl, &files);
        files_done(&files);
        return status;
}
