#include "manager/signals-bus.h"

#include "dbus/dosvc-wire.h"

#include "base/log.h"

#include "manager/job-bus.h"
#include "manager/job-paths.h"
#include "manager/objects-bus.h"
#include "manager/wait-bus.h"
#include "model/enums.h"

typedef struct Announcement {
        BusEdge *edge;
        Job *job;
        const char *member;
        const char *result; /* NULL: JobNew */
} Announcement;

static void send_signal(void *userdata, const char *destination)
{
        const Announcement *announcement = userdata;
        char path[JOB_PATH_MAX], id[SD_ID128_STRING_MAX];
        sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_signal(announcement->edge->bus,
                                      &m,
                                      DOSVC_MANAGER_PATH,
                                      DOSVC_MANAGER_INTERFACE,
                                      announcement->member);
        if (r >= 0)
                r = sd_bus_message_set_destination(m, destination);
        if (r >= 0)
                r = sd_bus_message_append(m,
                                          "so",
                                          sd_id128_to_string(announcement->job->id, id),
                                          job_path(announcement->job, path));
        if (r >= 0 && announcement->result)
                r = sd_bus_message_append(m, "s", announcement->result);
        if (r >= 0)
                r = sd_bus_send(NULL, m, NULL);
        sd_bus_message_unref(m);
        if (r < 0)
                log_errno(LOG_DEBUG, r, "A signal cannot be sent");
}

static void on_job_new(void *userdata, Job *job)
{
        Announcement announcement = { userdata, job, "JobNew", NULL };

        objects_bus_announce_new(announcement.edge, job);
        subscribers_each(announcement.edge->subscribers, job, false, send_signal, &announcement);
}

static void on_job_changed(void *userdata, Job *job, JobChanges changes, JobState previous)
{
        objects_bus_announce_changed(userdata, job, changes);
        job_bus_announce_changed(userdata, job, changes, previous);
        wait_bus_note(userdata, job);
}

static void on_job_progress(void *userdata, Job *job)
{
        const BusEdge *edge = userdata;

        subscribers_note_progress(edge->subscribers, job);
}

static void on_job_removed(void *userdata, Job *job)
{
        Announcement announcement = { userdata,
                                      job,
                                      "JobRemoved",
                                      job_state_to_string(job->state) };

        subscribers_each(announcement.edge->subscribers, job, false, send_signal, &announcement);
        objects_bus_announce_removed(announcement.edge, job);
        wait_bus_note(userdata, job);
}

static void on_job_reverted(void *userdata, Job *job)
{
        wait_bus_note(userdata, job);
}

typedef struct Tick {
        BusEdge *edge;
        const char *destination;
        uint64_t since_usec;
} Tick;

static void tick_job(void *userdata, Job *job)
{
        const Tick *tick = userdata;

        if (job->moved_usec >= tick->since_usec &&
            subscribers_hears(tick->edge->subscribers, tick->destination, job))
                job_bus_announce_progress(tick->edge, job, tick->destination);
}

void signals_bus_tick(void *userdata, const char *destination, uint64_t since_usec)
{
        Tick tick = { userdata, destination, since_usec };

        manager_each_running(tick.edge->manager, tick_job, &tick);
}

void signals_bus_observe(BusEdge *edge)
{
        const ManagerObserver observer = {
                .job_new = on_job_new,
                .job_changed = on_job_changed,
                .job_progress = on_job_progress,
                .job_removed = on_job_removed,
                .job_reverted = on_job_reverted,
                .userdata = edge,
        };

        manager_set_observer(edge->manager, &observer);
}

void signals_bus_ignore(BusEdge *edge)
{
        if (edge->manager)
                manager_set_observer(edge->manager, &(ManagerObserver){ 0 });
        wait_bus_drop(edge, NULL);
}

void signals_bus_forget(BusEdge *edge, const char *sender)
{
        subscribers_remove(edge->subscribers, sender);
        wait_bus_drop(edge, sender);
}
