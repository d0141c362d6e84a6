#include "manager/wait-bus.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#include "manager/bus-error.h"
#include "model/enums.h"
#include "model/limits.h"

/* A time that is never up, since it is longer than the machine runs. */
#define TIMEOUT_MAX_USEC (UINT64_MAX / 2)

typedef struct WaitCall {
        List link; /* BusEdge.wait_calls */
        BusEdge *edge;
        sd_bus_message *call; /* owned */
        sd_id128_t job;
        Caller caller;
        sd_event_source *timer; /* NULL: no limit */
} WaitCall;

static void drop(WaitCall *waiting)
{
        list_remove(&waiting->link);
        sd_event_source_disable_unref(waiting->timer);
        sd_bus_message_unref(waiting->call);
        free(waiting);
}

/* The job may have another owner by now, and is none of the caller's business then. */
static void answer(WaitCall *waiting, const Job *job)
{
        if (policy_check(&waiting->caller, VERB_LOOK, job) < 0)
                (void) sd_bus_reply_method_errorf(waiting->call,
                                                  SD_BUS_ERROR_UNKNOWN_OBJECT,
                                                  "There is no such job");
        else
                (void) sd_bus_reply_method_return(waiting->call,
                                                  "s",
                                                  job_state_to_string(job->state));
        drop(waiting);
}

/*
 * Whether there is nothing to wait for. A suspended job is no such one, since somebody may resume
 * it; and a job that completes itself goes on until it is gone.
 */
static bool is_at_rest(const Job *job)
{
        return job->state == JOB_ERROR || job_is_final(job) ||
               (job->state == JOB_TRANSFERRED && !job->publishing &&
                (!job->settings.auto_complete || job->error.code != 0));
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
        static const Caller root = { 0 };
        WaitCall *waiting = userdata;
        Job *job;

        if (manager_find_job(waiting->edge->manager, &root, waiting->job, &job) < 0)
                drop(waiting); /* not even its making was saved */
        else
                answer(waiting, job);
        return 0;
}

/* Whether one call more may wait for that user. */
static bool has_room(const BusEdge *edge, uint32_t uid)
{
        uint32_t n = 0, n_of_user = 0;

        LIST_FOREACH (link, &edge->wait_calls) {
                n++;
                n_of_user += CONTAINER_OF(link, WaitCall, link)->caller.uid == uid;
        }
        return n < LIMIT_WAITS && n_of_user < LIMIT_WAITS_PER_USER;
}

static int
add(BusEdge *edge, sd_bus_message *m, Job *job, const Caller *caller, uint64_t timeout_usec)
{
        WaitCall *waiting = calloc(1, sizeof(*waiting));
        int r = 0;

        if (!waiting)
                return -ENOMEM;
        *waiting = (WaitCall){ .edge = edge, .job = job->id, .caller = { .uid = caller->uid } };
        waiting->call = sd_bus_message_ref(m);
        list_append(&edge->wait_calls, &waiting->link);
        if (timeout_usec > 0 && timeout_usec < TIMEOUT_MAX_USEC)
                r = sd_event_add_time_relative(edge->event,
                                               &waiting->timer,
                                               CLOCK_BOOTTIME,
                                               timeout_usec,
                                               0,
                                               on_timer,
                                               waiting);
        if (r < 0)
                drop(waiting);
        return r < 0 ? r : 0;
}

int wait_bus_wait(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        BusEdge *edge = bus_edge_of(m);
        Job *job = userdata;
        const Caller *caller;
        uint64_t timeout_usec;
        int r = sd_bus_message_read(m, "t", &timeout_usec);

        if (r >= 0)
                r = bus_edge_find_caller(edge, m, &caller, error);
        if (r < 0)
                return r;
        if (is_at_rest(job))
                return sd_bus_reply_method_return(m, "s", job_state_to_string(job->state));
        if (!has_room(edge, caller->uid))
                return bus_error_set(error,
                                     -ENOBUFS,
                                     "Too many calls wait for jobs (at most %d for a user, %d for "
                                     "all); subscribe to the jobs instead",
                                     LIMIT_WAITS_PER_USER,
                                     LIMIT_WAITS);
        r = add(edge, m, job, caller, timeout_usec);
        return r < 0 ? r : 1;
}

void wait_bus_note(BusEdge *edge, const Job *job)
{
        if (list_is_empty(&edge->wait_calls) || !is_at_rest(job))
                return;
        LIST_FOREACH_SAFE (link, after, &edge->wait_calls) {
                WaitCall *waiting = CONTAINER_OF(link, WaitCall, link);

                if (sd_id128_equal(waiting->job, job->id))
                        answer(waiting, job);
        }
}

void wait_bus_drop(BusEdge *edge, const char *sender)
{
        LIST_FOREACH_SAFE (link, after, &edge->wait_calls) {
                WaitCall *waiting = CONTAINER_OF(link, WaitCall, link);

                if (!sender)
                        (void) sd_bus_reply_method_errorf(waiting->call,
                                                          SD_BUS_ERROR_NO_REPLY,
                                                          "The service is stopping");
                if (!sender || strcmp(sd_bus_message_get_sender(waiting->call), sender) == 0)
                        drop(waiting);
        }
}
