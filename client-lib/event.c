/*
 * Subscription, dispatching and waiting.
 *
 * Signals of the service are unicast to this connection, so no match rule brings them here,
 * and anybody on the bus could send one that looks alike: only those whose sender is the
 * connection that answered Subscribe are believed.
 */
#include <limits.h>
#include <string.h>
#include <time.h>

#include "internal.h"

#define USEC_PER_SEC 1000000ULL

/* How often a service that went away is looked for, besides when its name has an owner again. */
#define RETURN_USEC (5 * USEC_PER_SEC)

EXPORT int dosvc_event_type(const dosvc_event *event)
{
        return event->type;
}

EXPORT const char *dosvc_event_job(const dosvc_event *event)
{
        return event->job;
}

EXPORT const char *dosvc_event_state(const dosvc_event *event)
{
        return event->state ? event->state : "";
}

EXPORT const char *dosvc_event_previous_state(const dosvc_event *event)
{
        return event->previous ? event->previous : "";
}

EXPORT uint64_t dosvc_event_bytes_transferred(const dosvc_event *event)
{
        return event->bytes_transferred;
}

EXPORT uint64_t dosvc_event_bytes_total(const dosvc_event *event)
{
        return event->bytes_total;
}

EXPORT uint64_t dosvc_event_rate(const dosvc_event *event)
{
        return event->rate;
}

/* ---------------------------------------------------------------- reporting events */

static void watch_set_state(Watch *watch, const char *state)
{
        size_t length = strnlen(state, sizeof(watch->state) - 1);

        memcpy(watch->state, state, length);
        watch->state[length] = '\0';
}

static void event_report(dosvc_connection *c, const dosvc_event *event)
{
        bool has_state = event->type == DOSVC_EVENT_STATE || event->type == DOSVC_EVENT_REMOVED;

        if (has_state && c->watch.job[0] && strcmp(event->job, c->watch.job) == 0)
                watch_set_state(&c->watch, event->state);
        if (!event->job[0])
                c->watch.service_changed = true;
        if (c->subscription.active && c->subscription.callback)
                c->subscription.callback(c->subscription.userdata, event);
}

static void event_report_service(dosvc_connection *c, int type)
{
        event_report(c, &(dosvc_event){ .type = type });
}

/* 1 if the message is an event, 0 if it is something else, negative if it is damaged. */
static int event_read(sd_bus_message *m, dosvc_event *event)
{
        const char *id;

        if (sd_bus_message_is_signal(m, DOSVC_MANAGER_INTERFACE, "JobNew")) {
                event->type = DOSVC_EVENT_NEW;
                return sd_bus_message_read(m, "so", &id, NULL);
        }
        if (sd_bus_message_is_signal(m, DOSVC_MANAGER_INTERFACE, "JobRemoved")) {
                event->type = DOSVC_EVENT_REMOVED;
                return sd_bus_message_read(m, "sos", &id, NULL, &event->state);
        }
        if (sd_bus_message_is_signal(m, DOSVC_JOB_INTERFACE, "StateChanged")) {
                event->type = DOSVC_EVENT_STATE;
                return sd_bus_message_read(m, "ss", &event->state, &event->previous);
        }
        if (sd_bus_message_is_signal(m, DOSVC_JOB_INTERFACE, "Progress")) {
                event->type = DOSVC_EVENT_PROGRESS;
                return sd_bus_message_read(m,
                                           "ttt",
                                           &event->bytes_transferred,
                                           &event->bytes_total,
                                           &event->rate);
        }
        if (sd_bus_message_is_signal(m, "org.freedesktop.DBus.Properties", "PropertiesChanged")) {
                event->type = DOSVC_EVENT_CHANGED;
                return 1;
        }
        return 0;
}

/* The job is in the arguments of the manager's signals, in the path of the others. */
static bool event_find_job(sd_bus_message *m, dosvc_event *event)
{
        const char *path = sd_bus_message_get_path(m);

        if (event->type == DOSVC_EVENT_NEW || event->type == DOSVC_EVENT_REMOVED) {
                if (sd_bus_message_rewind(m, true) < 0 ||
                    sd_bus_message_read(m, "so", NULL, &path) < 0)
                        return false;
        }
        return job_id_from_path(path, event->job);
}

static int event_on_message(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        const char *sender = sd_bus_message_get_sender(m);
        dosvc_connection *c = userdata;
        dosvc_event event = { 0 };

        if (!c->service || !sender || strcmp(sender, c->service) != 0)
                return 0;
        if (event_read(m, &event) > 0 && event_find_job(m, &event))
                event_report(c, &event);
        return 0;
}

/* ------------------------------------------------------------------ subscription */

static int subscription_append(sd_bus_message *m, const Subscription *s)
{
        int r;

        r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0 && s->flags & DOSVC_ALL_USERS)
                r = sd_bus_message_append(m, "{sv}", "all-users", "b", true);
        if (r >= 0 && s->job_path[0])
                r = sd_bus_message_append(m, "{sv}", "job", "o", s->job_path);
        if (r >= 0)
                r = sd_bus_message_append(m,
                                          "{sv}",
                                          "progress-interval",
                                          "t",
                                          s->progress_interval_msec);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int subscription_new_call(dosvc_connection *c, const Subscription *s, sd_bus_message **ret)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        int r;

        r = call_new(c, DOSVC_MANAGER_PATH, DOSVC_MANAGER_INTERFACE, "Subscribe", &m);
        if (r < 0)
                return r;
        r = subscription_append(m, s);
        /* A stopped service must not be started again by those who wait for it. */
        if (r >= 0 && s->active)
                r = sd_bus_message_set_auto_start(m, false);
        if (r < 0)
                return error_remember_text(c, r, NULL);
        *ret = STEAL_PTR(m);
        return 0;
}

/* The connection that answered is taken for the service from now on. */
static int subscription_accept(dosvc_connection *c, sd_bus_message *reply)
{
        const char *sender = sd_bus_message_get_sender(reply);
        char *service = sender ? strdup(sender) : NULL;

        if (!service)
                return -ENOMEM;
        free(c->service);
        c->service = service;
        return 0;
}

static int subscription_on_renewed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        dosvc_connection *c = userdata;

        c->resubscribe = sd_bus_slot_unref(c->resubscribe);
        if (!sd_bus_message_is_method_error(m, NULL) && subscription_accept(c, m) >= 0)
                event_report_service(c, DOSVC_EVENT_SERVICE_BACK);
        return 0;
}

static int subscription_on_owner(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        _cleanup_message_ sd_bus_message *call = NULL;
        dosvc_connection *c = userdata;
        const char *name, *owner;

        if (sd_bus_message_read(m, "sss", &name, NULL, &owner) < 0)
                return 0;
        if (!c->subscription.active || (c->service && strcmp(owner, c->service) == 0))
                return 0;
        if (c->service) {
                free(c->service);
                c->service = NULL;
                event_report_service(c, DOSVC_EVENT_SERVICE_GONE);
        }
        c->resubscribe = sd_bus_slot_unref(c->resubscribe);
        if (owner[0] && subscription_new_call(c, &c->subscription, &call) >= 0)
                (void) sd_bus_call_async(c->bus,
                                         &c->resubscribe,
                                         call,
                                         subscription_on_renewed,
                                         c,
                                         c->timeout_usec);
        return 0;
}

static int subscription_listen(dosvc_connection *c)
{
        int r;

        if (c->owner_match)
                return 0;
        c->filter = sd_bus_slot_unref(c->filter);
        r = sd_bus_add_filter(c->bus, &c->filter, event_on_message, c);
        if (r < 0)
                return error_remember_text(c, r, NULL);
        r = sd_bus_add_match(c->bus,
                             &c->owner_match,
                             "type='signal',sender='org.freedesktop.DBus',"
                             "path='/org/freedesktop/DBus',interface='org.freedesktop.DBus',"
                             "member='NameOwnerChanged',arg0='" DOSVC_BUS_NAME "'",
                             subscription_on_owner,
                             c);
        return r < 0 ? error_remember_text(c, r, NULL) : 0;
}

static int subscription_start(dosvc_connection *c, const Subscription *wanted)
{
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;
        int r;

        r = subscription_listen(c);
        if (r >= 0)
                r = subscription_new_call(c, wanted, &m);
        if (r >= 0)
                r = call_send(c, m, &reply);
        if (r < 0)
                return r;
        r = subscription_accept(c, reply);
        if (r < 0)
                return error_remember_text(c, r, NULL);
        c->resubscribe = sd_bus_slot_unref(c->resubscribe);
        c->subscription = *wanted;
        c->subscription.active = true;
        return 0;
}

EXPORT int dosvc_subscribe(dosvc_connection *connection,
                           unsigned int flags,
                           const char *job,
                           uint64_t progress_interval_msec,
                           dosvc_event_callback callback,
                           void *userdata)
{
        Subscription wanted = {
                .flags = flags,
                .progress_interval_msec = progress_interval_msec,
                .callback = callback,
                .userdata = userdata,
        };
        int r;

        if (!connection || flags & ~DOSVC_ALL_USERS)
                return error_remember_text(connection, -EINVAL, NULL);
        if (job) {
                r = job_path(connection, job, wanted.job_path);
                if (r < 0)
                        return r;
        }
        return subscription_start(connection, &wanted);
}

EXPORT int dosvc_unsubscribe(dosvc_connection *connection)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        int r;

        if (!connection)
                return -EINVAL;
        connection->subscription = (Subscription){ 0 };
        connection->resubscribe = sd_bus_slot_unref(connection->resubscribe);
        /* A service that is not there has no subscription either, and need not be started. */
        r = call_new(connection, DOSVC_MANAGER_PATH, DOSVC_MANAGER_INTERFACE, "Unsubscribe", &m);
        if (r >= 0)
                r = sd_bus_message_set_auto_start(m, false);
        if (r < 0)
                return r;
        r = call_send(connection, m, NULL);
        return r == -EHOSTUNREACH ? 0 : r;
}

/* ------------------------------------------------------------------- dispatching */

EXPORT int dosvc_get_fd(dosvc_connection *connection)
{
        return connection ? sd_bus_get_fd(connection->bus) : -EINVAL;
}

EXPORT int dosvc_get_events(dosvc_connection *connection)
{
        return connection ? sd_bus_get_events(connection->bus) : -EINVAL;
}

static uint64_t event_now(void)
{
        struct timespec now;

        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t) now.tv_sec * USEC_PER_SEC + (uint64_t) now.tv_nsec / 1000;
}

EXPORT int dosvc_get_timeout(dosvc_connection *connection, int *ret_timeout_msec)
{
        uint64_t until, now = event_now(), msec;
        int r;

        if (!connection)
                return -EINVAL;
        r = sd_bus_get_timeout(connection->bus, &until);
        if (r < 0)
                return error_remember_text(connection, r, NULL);
        if (until == UINT64_MAX) {
                *ret_timeout_msec = -1;
                return 0;
        }
        msec = until > now ? (until - now + 999) / 1000 : 0;
        *ret_timeout_msec = msec > INT_MAX ? INT_MAX : (int) msec;
        return 0;
}

EXPORT int dosvc_dispatch(dosvc_connection *connection)
{
        int r;

        if (!connection)
                return -EINVAL;
        if (connection->dispatching)
                return error_remember_text(connection, -EBUSY, NULL);
        connection->dispatching = true;
        r = sd_bus_process(connection->bus, NULL);
        connection->dispatching = false;
        if (r < 0)
                return error_remember_text(connection, r, NULL);
        return r > 0;
}

/* ----------------------------------------------------------------------- waiting */

static bool wait_is_listed(const char *state, const char *const *states)
{
        for (; *states; states++)
                if (strcmp(state, *states) == 0)
                        return true;
        return false;
}

static bool wait_is_over(const char *state, const char *const *states)
{
        static const char *const at_rest[] = { "suspended", "error", "transferred", NULL };

        return strcmp(state, "acknowledged") == 0 || strcmp(state, "cancelled") == 0 ||
               wait_is_listed(state, states ? states : at_rest);
}

static int wait_read_state(dosvc_connection *c, const char *job)
{
        _cleanup_free_ char *state = NULL;
        char path[JOB_PATH_SIZE];
        int r;

        r = job_path(c, job, path);
        if (r >= 0)
                r = properties_get_string(c, path, DOSVC_JOB_INTERFACE, "State", &state);
        if (r < 0)
                return r;
        watch_set_state(&c->watch, state);
        return 0;
}

/* The same from a service that is there, after the subscription was renewed. */
static int wait_read_state_again(dosvc_connection *c, const char *job)
{
        bool no_start = c->no_start;
        int r = 0;

        if (!c->service) {
                r = subscription_start(c, &c->subscription);
                if (r >= 0)
                        event_report_service(c, DOSVC_EVENT_SERVICE_BACK);
        }
        c->no_start = true;
        if (r >= 0)
                r = wait_read_state(c, job);
        c->no_start = no_start;
        return r;
}

/* Waits until something has come, the time is over, or a signal was handled. */
static int wait_for_input(dosvc_connection *c, uint64_t until)
{
        uint64_t now = event_now();
        int r;

        if (now >= until)
                return error_remember_text(c, -ETIMEDOUT, NULL);
        r = sd_bus_wait(c->bus, until == UINT64_MAX ? UINT64_MAX : until - now);
        return r < 0 ? error_remember_text(c, r, NULL) : 0;
}

/* Waits until the service's name has another owner, or it is time to look for the service again. */
static int wait_for_owner(dosvc_connection *c, uint64_t until)
{
        uint64_t again = event_now() + RETURN_USEC;
        int r;

        while (!c->watch.service_changed) {
                r = dosvc_dispatch(c);
                if (r == 0)
                        r = wait_for_input(c, again < until ? again : until);
                if (r == -ETIMEDOUT && again < until)
                        return 0;
                if (r < 0)
                        return r;
        }
        return 0;
}

/*
 * The service went away or came back; nobody has reported what happened in between, so the state is
 * asked for. A service that was stopped stays stopped: it is waited for, and not started.
 */
static int wait_for_service(dosvc_connection *c, const char *job, uint64_t until)
{
        int r;

        for (;;) {
                c->watch.service_changed = false;
                r = wait_read_state_again(c, job);
                if (r != -EHOSTUNREACH && r != -ETIMEDOUT)
                        return r;
                r = wait_for_owner(c, until);
                if (r < 0)
                        return r;
        }
}

static int
wait_loop(dosvc_connection *c, const char *job, const char *const *states, uint64_t until)
{
        int r;

        r = wait_read_state(c, job);
        while (r >= 0 && !wait_is_over(c->watch.state, states)) {
                r = dosvc_dispatch(c);
                if (r == 0)
                        r = wait_for_input(c, until);
                if (r >= 0 && c->watch.service_changed)
                        r = wait_for_service(c, job, until);
        }
        return r;
}

/* A failed job fails the wait with the job's own words. */
static int wait_fail(dosvc_connection *c, const char *job)
{
        dosvc_job_info *info;
        int r = dosvc_job_get_info(c, job, &info);

        if (r < 0)
                return r;
        r = error_remember_text(c, -EREMOTEIO, dosvc_job_info_error_description(info));
        dosvc_job_info_free(info);
        return r;
}

/* The result for the state that the wait has ended in. */
static int wait_judge(dosvc_connection *c, const char *job, const char *const *states)
{
        const char *state = c->watch.state;

        if (states && wait_is_listed(state, states))
                return 0;
        if (strcmp(state, "error") == 0)
                return wait_fail(c, job);
        if (strcmp(state, "cancelled") == 0)
                return error_remember_text(c, -ECANCELED, "The job was cancelled.");
        if (strcmp(state, "suspended") == 0)
                return error_remember_text(c, -EBADFD, "The job is suspended.");
        return 0;
}

EXPORT int dosvc_job_wait(dosvc_connection *connection,
                          const char *job,
                          const char *const *states,
                          uint64_t timeout_usec,
                          const char **ret_state)
{
        bool own = connection && !connection->subscription.active;
        uint64_t now = event_now();
        uint64_t until = timeout_usec > UINT64_MAX - now ? UINT64_MAX : now + timeout_usec;
        int r;

        if (!connection)
                return -EINVAL;
        if (connection->dispatching)
                return error_remember_text(connection, -EBUSY, NULL);
        if (own) {
                r = dosvc_subscribe(connection, 0, job, 0, NULL, NULL);
                if (r < 0)
                        return r;
        }
        connection->watch = (Watch){ 0 };
        if (job_id_is_valid(job))
                memcpy(connection->watch.job, job, DOSVC_ID_SIZE);
        r = wait_loop(connection, job, states, until);
        connection->watch.job[0] = '\0';
        if (r >= 0)
                r = wait_judge(connection, job, states);
        if (own) {
                HeldError held = error_hold(connection);

                (void) dosvc_unsubscribe(connection);
                error_put_back(connection, held);
        }
        if (r < 0)
                return r;
        if (ret_state)
                *ret_state = connection->watch.state;
        return 0;
}
