/*
 * Files of a job: the methods about them of org.dosvc1.Job, and the objects
 * /org/dosvc1/job/ID/file/N in the order of dbus/org.dosvc1.File.xml.
 */
#pragma once

#include <systemd/sd-bus.h>

#include "manager/bus-edge.h"

/* Handlers for the vtable of a job; userdata is the Job. */
int file_bus_add_file(sd_bus_message *m, void *userdata, sd_bus_error *error);
int file_bus_add_files(sd_bus_message *m, void *userdata, sd_bus_error *error);
int file_bus_replace_remote_prefix(sd_bus_message *m, void *userdata, sd_bus_error *error);
int file_bus_list_files(sd_bus_message *m, void *userdata, sd_bus_error *error);
int file_bus_list_files_filtered(sd_bus_message *m, void *userdata, sd_bus_error *error);

/* Appends a{sv}: all properties of a file. */
int file_properties_append_all(const JobFile *file, sd_bus_message *m);
/* At least as many bytes as they take in a message, with what is around them. */
size_t file_properties_size(const JobFile *file);

/* Errors of sd-bus. */
int file_bus_register(BusEdge *edge);
