/*
 * FileRecord and string lists ⇄ sd_bus_message, as dbus/worker-wire.h spells them; the only place
 * that reads or writes these signatures. Reading treats the peer as hostile: -EBADMSG for anything
 * that breaks a limit of model/limits.h or does not parse. Entries of a{sv} are written here too.
 */
#pragma once

#include <stddef.h>
#include <systemd/sd-bus.h>

#include "model/file-record.h"

/* Begins and ends an entry of a{sv}; between the two the value of that signature is appended. */
int wire_open_entry(sd_bus_message *m, const char *name, const char *signature);
int wire_close_entry(sd_bus_message *m);

int wire_append_file(sd_bus_message *m, const FileRecord *record);
int wire_append_files(sd_bus_message *m, const FileRecord *records, size_t n_records);

/* An owned array of at most limit; free with file_records_free(). -EBADMSG, -ENOMEM. */
int wire_read_files(sd_bus_message *m,
                    size_t limit,
                    FileRecord **ret_records,
                    size_t *ret_n_records);

FileRecord *file_records_free(FileRecord *records, size_t n_records);

/* Owned NULL-terminated array; free with strings_free() of base/str.h. -EBADMSG, -ENOMEM. */
int wire_read_strings(sd_bus_message *m, size_t limit, char ***ret_strings);
