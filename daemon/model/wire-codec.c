#include "model/wire-codec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/worker-wire.h"

#include "base/str.h"

#include "model/limits.h"

int wire_open_entry(sd_bus_message *m, const char *name, const char *signature)
{
        int r = sd_bus_message_open_container(m, 'e', "sv");

        if (r >= 0)
                r = sd_bus_message_append(m, "s", name);
        return r < 0 ? r : sd_bus_message_open_container(m, 'v', signature);
}

int wire_close_entry(sd_bus_message *m)
{
        int r = sd_bus_message_close_container(m);

        return r < 0 ? r : sd_bus_message_close_container(m);
}

#define APPEND_TEXT(member, limit)                                                                 \
        if (r >= 0)                                                                                \
                r = sd_bus_message_append(m, "s", record->member);

int wire_append_file(sd_bus_message *m, const FileRecord *record)
{
        int r;

        r = sd_bus_message_open_container(m, 'r', WORKER_FILE_SIGNATURE);
        if (r >= 0)
                r = sd_bus_message_append(m, "u", record->index);
        FILE_RECORD_TEXTS(APPEND_TEXT)
        if (r >= 0)
                r = sd_bus_message_append(m,
                                          "tttbu",
                                          record->inode,
                                          record->offset_bytes,
                                          record->total_bytes,
                                          (int) record->finished,
                                          record->restarts);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(tt)");
        for (uint32_t i = 0; r >= 0 && i < record->n_ranges; i++)
                r = sd_bus_message_append(m,
                                          "(tt)",
                                          record->ranges[i].offset_bytes,
                                          record->ranges[i].length_bytes);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int wire_append_files(sd_bus_message *m, const FileRecord *records, size_t n_records)
{
        int r = sd_bus_message_open_container(m, 'a', "(" WORKER_FILE_SIGNATURE ")");

        for (size_t i = 0; r >= 0 && i < n_records; i++)
                r = wire_append_file(m, &records[i]);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : 0;
}

/* The numbers and the name must make sense together, whatever the peer claims. */
static int check_file(const FileRecord *record)
{
        const char *name = record->temp_name;

        /* A name in the directory of the target, never a path. */
        if (strchr(name, '/') || str_equal(name, ".") || str_equal(name, ".."))
                return -EBADMSG;
        if (record->total_bytes != DOSVC_SIZE_UNKNOWN && record->offset_bytes > record->total_bytes)
                return -EBADMSG;
        if (record->finished && (record->total_bytes == DOSVC_SIZE_UNKNOWN ||
                                 record->offset_bytes != record->total_bytes))
                return -EBADMSG;
        return 0;
}

static int read_text(sd_bus_message *m, size_t limit_bytes, char **ret)
{
        const char *s;

        if (sd_bus_message_read_basic(m, 's', &s) <= 0 || strlen(s) > limit_bytes)
                return -EBADMSG;
        *ret = strdup(s);
        return *ret ? 0 : -ENOMEM;
}

static int read_ranges(sd_bus_message *m, FileRecord *record)
{
        FileRange range;
        int r = sd_bus_message_enter_container(m, 'a', "(tt)");

        while (r >= 0 &&
               (r = sd_bus_message_read(m, "(tt)", &range.offset_bytes, &range.length_bytes)) > 0) {
                FileRange *grown;

                if (record->n_ranges == LIMIT_RANGES_PER_FILE)
                        return -EBADMSG;
                grown = reallocarray(record->ranges, record->n_ranges + 1, sizeof(*grown));
                if (!grown)
                        return -ENOMEM;
                record->ranges = grown;
                record->ranges[record->n_ranges++] = range;
        }
        return r < 0 || sd_bus_message_exit_container(m) < 0 ? -EBADMSG : 0;
}

#define READ_TEXT(member, limit)                                                                   \
        if (r >= 0)                                                                                \
                r = read_text(m, (limit), &record->member);

static int read_members(sd_bus_message *m, FileRecord *record)
{
        int finished, r = sd_bus_message_read(m, "u", &record->index) <= 0 ? -EBADMSG : 0;

        FILE_RECORD_TEXTS(READ_TEXT)
        if (r < 0)
                return r;
        if (sd_bus_message_read(m,
                                "tttbu",
                                &record->inode,
                                &record->offset_bytes,
                                &record->total_bytes,
                                &finished,
                                &record->restarts) <= 0)
                return -EBADMSG;
        record->finished = finished != 0;
        r = read_ranges(m, record);
        return r < 0 ? r : check_file(record);
}

/* 1: a record, 0: end of the array. */
static int read_file(sd_bus_message *m, FileRecord *ret)
{
        FileRecord record = { 0 };
        int r;

        r = sd_bus_message_enter_container(m, 'r', WORKER_FILE_SIGNATURE);
        if (r <= 0)
                return r < 0 ? -EBADMSG : 0;
        r = read_members(m, &record);
        if (r >= 0 && sd_bus_message_exit_container(m) < 0)
                r = -EBADMSG;
        if (r < 0) {
                file_record_done(&record);
                return r;
        }
        *ret = record;
        return 1;
}

FileRecord *file_records_free(FileRecord *records, size_t n_records)
{
        for (size_t i = 0; i < n_records; i++)
                file_record_done(&records[i]);
        free(records);
        return NULL;
}

int wire_read_files(sd_bus_message *m,
                    size_t limit,
                    FileRecord **ret_records,
                    size_t *ret_n_records)
{
        FileRecord *records = NULL;
        size_t n = 0, allocated = 0;
        int r;

        if (sd_bus_message_enter_container(m, 'a', "(" WORKER_FILE_SIGNATURE ")") <= 0)
                return -EBADMSG;

        for (;;) {
                if (n == allocated) {
                        FileRecord *grown;

                        allocated = allocated ? allocated * 2 : 4;
                        grown = reallocarray(records, allocated, sizeof(*records));
                        if (!grown) {
                                r = -ENOMEM;
                                break;
                        }
                        records = grown;
                }
                r = read_file(m, &records[n]);
                if (r <= 0)
                        break;
                if (++n > limit) {
                        r = -EBADMSG;
                        break;
                }
        }
        if (r >= 0 && sd_bus_message_exit_container(m) < 0)
                r = -EBADMSG;
        if (r < 0) {
                file_records_free(records, n);
                return r;
        }
        *ret_records = records;
        *ret_n_records = n;
        return 0;
}

int wire_read_strings(sd_bus_message *m, size_t limit, char ***ret_strings)
{
        _cleanup_(strings_freep) char **strings = calloc(1, sizeof(*strings));
        const char *s;
        size_t n = 0;
        int r;

        if (!strings)
                return -ENOMEM;
        if (sd_bus_message_enter_container(m, 'a', "s") <= 0)
                return -EBADMSG;
        while ((r = sd_bus_message_read_basic(m, 's', &s)) > 0) {
                if (++n > limit || strlen(s) > LIMIT_WORKER_TEXT)
                        return -EBADMSG;
                r = strings_append(&strings, s);
                if (r < 0)
                        return r;
        }
        if (r < 0 || sd_bus_message_exit_container(m) < 0)
                return -EBADMSG;
        *ret_strings = STEAL_PTR(strings);
        return 0;
}
