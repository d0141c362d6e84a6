/*
 * wait and monitor: until something happens, and what happens.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl/ctl.h"
#include "ctl/format.h"
#include "ctl/screen.h"

/* The status that the state of a job which rests gives; tells what is wrong with it. */
static ExitStatus watch_judge(Ctl *ctl, const char *id, const char *state)
{
        dosvc_job_info *info;
        ExitStatus status;
        int r;

        if (strcmp(state, "transferred") == 0 || strcmp(state, "acknowledged") == 0)
                return EXIT_DONE;
        if (strcmp(state, "error") != 0) {
                ctl_error("The job %s %s.", id, advice_meaning_of_state(state));
                return strcmp(state, "suspended") == 0 ? EXIT_INVALID_STATE : EXIT_FAILED;
        }
        r = dosvc_job_get_info(ctl->connection, id, &info);
        if (r < 0)
                return ctl_fail(ctl, r, "Cannot look at %s", id);
        status = ctl_explain_error(ctl, info);
        dosvc_job_info_free(info);
        return status;
}

static uint64_t watch_now(void)
{
        struct timespec now;

        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}

static ExitStatus watch_job(Ctl *ctl, const char *argument, Screen *screen, uint64_t until)
{
        static const char *const states[] = { "suspended",
                                              "error",
                                              "transferred",
                                              "cancelled",
                                              NULL };
        char id[DOSVC_ID_SIZE];
        ExitStatus status = ctl_find_job(ctl, argument, id);
        uint64_t left = DOSVC_FOREVER, now = watch_now();
        const char *state;
        int r;

        if (status != EXIT_DONE)
                return status;
        ctl_leave_running(id);
        if (until != DOSVC_FOREVER)
                left = until > now ? until - now : 0;
        r = ctl->progress ? screen_follow(screen, id, NULL) : 0;
        if (r < 0)
                return ctl_fail(ctl, r, "Cannot follow %s", argument);
        r = dosvc_job_wait(ctl->connection, id, states, left, &state);
        screen_end(screen);
        if (r == -ETIMEDOUT) {
                ctl_error("The job %s is not done yet.", id);
                return EXIT_TIMED_OUT;
        }
        if (r < 0)
                return ctl_fail(ctl, r, "Cannot wait for %s", argument);
        status = watch_judge(ctl, id, state);
        if (ctl->json)
                ctl_print_json(ctl,
                               json_pack("{si ss ss si}",
                                         "schema",
                                         1,
                                         "id",
                                         id,
                                         "state",
                                         state,
                                         "exit_code",
                                         (int) status));
        return status;
}

ExitStatus verb_wait(Ctl *ctl, int argc, char **argv)
{
        ExitStatus first = EXIT_DONE;
        uint64_t until = DOSVC_FOREVER;

        if (ctl->timeout_usec != DOSVC_FOREVER)
                until = watch_now() + ctl->timeout_usec;
        for (int i = 0; i < argc; i++) {
                ExitStatus status;
                Screen screen;

                screen_init(&screen, ctl);
                status = watch_job(ctl, argv[i], &screen, until);
                screen_done(&screen);
                if (first == EXIT_DONE)
                        first = status;
        }
        return first;
}

ExitStatus verb_attach(Ctl *ctl, int argc, char **argv)
{
        ctl->progress = true;
        return verb_wait(ctl, argc, argv);
}

/* ----------------------------------------------------------------------- monitor */

static const char *monitor_name(const dosvc_event *event)
{
        static const char *const names[] = {
                [DOSVC_EVENT_NEW] = "new",
                [DOSVC_EVENT_REMOVED] = "removed",
                [DOSVC_EVENT_STATE] = "state",
                [DOSVC_EVENT_PROGRESS] = "progress",
                [DOSVC_EVENT_CHANGED] = "changed",
                [DOSVC_EVENT_SERVICE_GONE] = "service-gone",
                [DOSVC_EVENT_SERVICE_BACK] = "service-back",
        };
        int type = dosvc_event_type(event);

        if (type < 1 || (size_t) type >= sizeof(names) / sizeof(names[0]))
                return NULL;
        return names[type];
}

static uint64_t monitor_time(void)
{
        struct timespec now;

        (void) clock_gettime(CLOCK_REALTIME, &now);
        return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}

static void monitor_print_json(const Ctl *ctl, const dosvc_event *event)
{
        const Ctl one_line = { .json = JSON_SHORT };
        json_t *object = json_pack("{si so ss}",
                                   "schema",
                                   1,
                                   "time",
                                   ctl_json_time(monitor_time()),
                                   "event",
                                   monitor_name(event));

        if (*dosvc_event_job(event))
                (void) json_object_set_new(object, "id", json_string(dosvc_event_job(event)));
        if (*dosvc_event_state(event))
                (void) json_object_set_new(object, "state", json_string(dosvc_event_state(event)));
        if (*dosvc_event_previous_state(event))
                (void) json_object_set_new(object,
                                           "previous",
                                           json_string(dosvc_event_previous_state(event)));
        if (dosvc_event_type(event) == DOSVC_EVENT_PROGRESS)
                (void) json_object_update_new(
                        object,
                        json_pack("{so so so}",
                                  "bytes_transferred",
                                  ctl_json_size(dosvc_event_bytes_transferred(event)),
                                  "bytes_total",
                                  ctl_json_size(dosvc_event_bytes_total(event)),
                                  "rate",
                                  ctl_json_size(dosvc_event_rate(event))));
        ctl_print_json(&one_line, object);
}

static void monitor_print(const dosvc_event *event)
{
        char now[FORMAT_SIZE], done[FORMAT_SIZE], total[FORMAT_SIZE], rate[FORMAT_SIZE];

        (void) printf("%s %s %s",
                      format_time(now, monitor_time()),
                      *dosvc_event_job(event) ? dosvc_event_job(event) : "-",
                      monitor_name(event));
        if (*dosvc_event_previous_state(event))
                (void) printf(" %s ->", dosvc_event_previous_state(event));
        if (*dosvc_event_state(event))
                (void) printf(" %s", dosvc_event_state(event));
        if (dosvc_event_type(event) == DOSVC_EVENT_PROGRESS)
                (void) printf(" %s of %s, %s",
                              format_size(done, dosvc_event_bytes_transferred(event)),
                              format_size(total, dosvc_event_bytes_total(event)),
                              format_rate(rate, dosvc_event_rate(event)));
        (void) putchar('\n');
        (void) fflush(stdout);
}

static void monitor_on_event(void *userdata, const dosvc_event *event)
{
        const Ctl *ctl = userdata;

        if (!monitor_name(event))
                return;
        if (ctl->json)
                monitor_print_json(ctl, event);
        else
                monitor_print(event);
}

static int monitor_loop(Ctl *ctl)
{
        for (;;) {
                struct pollfd pollfd = { .fd = dosvc_get_fd(ctl->connection) };
                int timeout_msec, r;

                r = dosvc_dispatch(ctl->connection);
                if (r < 0)
                        return r;
                if (r > 0)
                        continue;
                r = dosvc_get_timeout(ctl->connection, &timeout_msec);
                if (r < 0)
                        return r;
                pollfd.events = (short) dosvc_get_events(ctl->connection);
                if (poll(&pollfd, 1, timeout_msec) < 0 && errno != EINTR)
                        return -errno;
        }
}

ExitStatus verb_monitor(Ctl *ctl, int argc, char **argv)
{
        char id[DOSVC_ID_SIZE];
        ExitStatus status = argc > 0 ? ctl_find_job(ctl, argv[0], id) : ctl_connect(ctl);
        int r;

        if (status != EXIT_DONE)
                return status;
        r = dosvc_subscribe(ctl->connection,
                            ctl->all_users ? DOSVC_ALL_USERS : 0,
                            argc > 0 ? id : NULL,
                            500,
                            monitor_on_event,
                            ctl);
        if (r < 0)
                return ctl_fail(ctl, r, "Cannot subscribe");
        r = monitor_loop(ctl);
        return ctl_fail(ctl, r, "Cannot go on listening");
}
