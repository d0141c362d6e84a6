#include "manager/objects-bus.h"

#include <string.h>

#include "dbus/dosvc-wire.h"

#include "manager/bus-listing.h"
#include "manager/file-bus.h"
#include "manager/job-paths.h"
#include "manager/job-properties.h"

/* The first row is the job itself, each of the others a file. */
static uint32_t count_objects(const Job *job)
{
        return 1 + job->n_files;
}

static size_t object_size(const Job *job, uint32_t row)
{
        return row == 0 ? job_properties_size(job) : file_properties_size(&job->files[row - 1]);
}

static int append_properties(const Job *job, uint32_t row, sd_bus_message *reply)
{
        int r;

        r = sd_bus_message_open_container(reply, 'e', "sa{sv}");
        if (r >= 0)
                r = sd_bus_message_append(reply,
                                          "s",
                                          row == 0 ? DOSVC_JOB_INTERFACE : DOSVC_FILE_INTERFACE);
        if (r >= 0)
                r = row == 0 ? job_properties_append_all(job, reply)
                             : file_properties_append_all(&job->files[row - 1], reply);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int append_object(const Job *job, uint32_t row, sd_bus_message *reply)
{
        char path[JOB_PATH_MAX];
        int r;

        r = sd_bus_message_open_container(reply, 'e', "oa{sa{sv}}");
        if (r >= 0)
                r = sd_bus_message_append(reply,
                                          "o",
                                          row == 0 ? job_path(job, path)
                                                   : job_path_of_file(job, row - 1, path));
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "{sa{sv}}");
        if (r >= 0)
                r = append_properties(job, row, reply);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static const ListingKind objects_listing = {
        .row_type = "{oa{sa{sv}}}",
        .advice = "call ListJobs and ListFilesFiltered with the filters 'offset' and 'limit'",
        .count = count_objects,
        .size = object_size,
        .append = append_object,
};

/* Sees each message for the object before sd-bus does; 0 leaves it to sd-bus. */
static int on_message(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        const char *interface = sd_bus_message_get_interface(m);
        BusEdge *edge = userdata;
        const Caller *caller;
        int r;

        if (sd_bus_message_is_method_call(m, interface, "GetManagedObjects") <= 0 ||
            (interface && strcmp(interface, "org.freedesktop.DBus.ObjectManager") != 0))
                return 0;
        if (!sd_bus_message_has_signature(m, ""))
                return sd_bus_error_set(error,
                                        SD_BUS_ERROR_INVALID_ARGS,
                                        "GetManagedObjects has no arguments");
        r = bus_edge_find_caller(edge, m, &caller, error);
        return r < 0 ? r
                     : listing_answer_jobs(edge,
                                           m,
                                           &objects_listing,
                                           &LISTING_WHOLE,
                                           caller->uid == 0,
                                           NULL,
                                           NULL,
                                           error);
}

int objects_bus_register(BusEdge *edge)
{
        int r = sd_bus_add_object(edge->bus, NULL, DOSVC_MANAGER_PATH, on_message, edge);

        /* So that introspection names the interface. */
        return r < 0 ? r : sd_bus_add_object_manager(edge->bus, NULL, DOSVC_MANAGER_PATH);
}
