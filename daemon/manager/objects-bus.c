#include "manager/objects-bus.h"

#include <string.h>

#include "dbus/dosvc-wire.h"

#include "base/log.h"

#include "manager/bus-listing.h"
#include "manager/file-bus.h"
#include "manager/job-paths.h"
#include "manager/job-properties.h"
#include "model/limits.h"

#define OBJECT_MANAGER "org.freedesktop.DBus.ObjectManager"

/* The first row is the job itself, each of the others a file. */
static uint32_t count_objects(const Job *job)
{
        return 1 + job->n_files;
}

static size_t object_size(const Job *job, uint32_t row)
{
        return row == 0 ? job_properties_size(job) : file_properties_size(&job->files[row - 1]);
}

static const char *path_of(const Job *job, uint32_t row, char path[static JOB_PATH_MAX])
{
        return row == 0 ? job_path(job, path) : job_path_of_file(job, row - 1, path);
}

static const char *interface_of(uint32_t row)
{
        return row == 0 ? DOSVC_JOB_INTERFACE : DOSVC_FILE_INTERFACE;
}

/* The one interface of ours that the object has, a{sa{sv}}. */
static int append_interface(const Job *job, uint32_t row, sd_bus_message *m)
{
        int r = sd_bus_message_open_container(m, 'a', "{sa{sv}}");

        if (r >= 0)
                r = sd_bus_message_open_container(m, 'e', "sa{sv}");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", interface_of(row));
        if (r >= 0)
                r = row == 0 ? job_properties_append_all(job, m)
                             : file_properties_append_all(&job->files[row - 1], m);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_object(const Job *job, uint32_t row, sd_bus_message *reply)
{
        char path[JOB_PATH_MAX];
        int r;

        r = sd_bus_message_open_container(reply, 'e', "oa{sa{sv}}");
        if (r >= 0)
                r = sd_bus_message_append(reply, "o", path_of(job, row, path));
        if (r >= 0)
                r = append_interface(job, row, reply);
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
            (interface && strcmp(interface, OBJECT_MANAGER) != 0))
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

/* ---- signals --------------------------------------------------------------------------------- */

typedef struct Announcement {
        BusEdge *edge;
        const Job *job;
        uint32_t first, end; /* rows */
        bool added;
} Announcement;

static int send_row(const Announcement *announcement, const char *destination, uint32_t row)
{
        sd_bus_message *m = NULL;
        char path[JOB_PATH_MAX];
        int r;

        r = sd_bus_message_new_signal(announcement->edge->bus,
                                      &m,
                                      DOSVC_MANAGER_PATH,
                                      OBJECT_MANAGER,
                                      announcement->added ? "InterfacesAdded"
                                                          : "InterfacesRemoved");
        if (r >= 0)
                r = sd_bus_message_set_destination(m, destination);
        if (r >= 0)
                r = sd_bus_message_append(m, "o", path_of(announcement->job, row, path));
        if (r >= 0)
                r = announcement->added ? append_interface(announcement->job, row, m)
                                        : sd_bus_message_append(m, "as", 1, interface_of(row));
        if (r >= 0)
                r = sd_bus_send(NULL, m, NULL);
        sd_bus_message_unref(m);
        return r;
}

static void send_rows(void *userdata, const char *destination)
{
        const Announcement *announcement = userdata;
        int r = 0;

        for (uint32_t row = announcement->first; r >= 0 && row < announcement->end; row++)
                r = send_row(announcement, destination, row);
        if (r < 0)
                log_errno(LOG_DEBUG, r, "A signal cannot be sent");
}

/* The job with its files, or without them if there are too many. */
static Announcement announce_all(BusEdge *edge, const Job *job, bool added)
{
        bool few = job->n_files <= LIMIT_ANNOUNCED_FILES;

        return (Announcement){ edge, job, 0, few ? count_objects(job) : 1, added };
}

void objects_bus_announce_new(BusEdge *edge, const Job *job)
{
        Announcement announcement = announce_all(edge, job, true);

        subscribers_each(edge->subscribers, job, false, send_rows, &announcement);
}

void objects_bus_announce_removed(BusEdge *edge, const Job *job)
{
        Announcement announcement = announce_all(edge, job, false);

        subscribers_each(edge->subscribers, job, false, send_rows, &announcement);
}

/* For the owner before the job is gone, and for the present one it is new. */
static void announce_owners(BusEdge *edge, const Job *job)
{
        Announcement removed = announce_all(edge, job, false),
                     added = announce_all(edge, job, true);
        uint32_t before = job->announced.owner_uid, now = job->owner->uid;

        subscribers_each_between(edge->subscribers, job, before, now, send_rows, &removed);
        subscribers_each_between(edge->subscribers, job, now, before, send_rows, &added);
}

void objects_bus_announce_changed(BusEdge *edge, const Job *job, JobChanges changes)
{
        uint32_t known = job->announced.n_files;
        Announcement announcement = { edge, job, 1 + known, count_objects(job), true };

        if (changes & JOB_CHANGE_OWNER)
                announce_owners(edge, job);
        if (changes & JOB_CHANGE_FILES && job->n_files > known &&
            job->n_files - known <= LIMIT_ANNOUNCED_FILES)
                subscribers_each(edge->subscribers, job, false, send_rows, &announcement);
}

/* ---- the object ------------------------------------------------------------------------------ */

int objects_bus_register(BusEdge *edge)
{
        int r = sd_bus_add_object(edge->bus, NULL, DOSVC_MANAGER_PATH, on_message, edge);

        /* So that introspection names the interface. */
        return r < 0 ? r : sd_bus_add_object_manager(edge->bus, NULL, DOSVC_MANAGER_PATH);
}
