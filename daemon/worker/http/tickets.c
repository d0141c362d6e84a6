#include "worker/http/tickets.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "base/clock.h"
#include "base/str.h"

#include "worker/http/kerberos.h"

/* One cache is enough for a process, since a worker has one identity. */
#define CACHE "MEMORY:dosvc"

/* Shorter than libkrb5 waits for silent KDCs, longer than a slow one needs. */
#define DEADLINE_USEC (20 * USEC_PER_SEC)

/* Input and result of the thread, shared with the loop: the last one to release it frees it. */
typedef struct Work {
        char *owners_cache, *host, *user_name;
        Secret *secret; /* NULL: implicit */
        bool filled;    /* the cache holds tickets of this identity already */
        int done_fd;    /* eventfd: the thread is done */
        int result;
        char *text;
        atomic_bool released; /* by one of the two */
} Work;

struct TicketRequest {
        List link; /* Tickets.waiting; in no list if it is the current one */
        Tickets *tickets;
        Work *work; /* owned until a thread gets it */
        ticket_done_t done;
        void *userdata;
};

struct Tickets {
        sd_event *event;
        char *owners_cache;
        List waiting;            /* TicketRequest.link */
        TicketRequest *current;  /* the one that the thread works for; NULL: it was dropped */
        Work *running;           /* NULL: there is no thread */
        sd_event_source *next;   /* defer: begins the first request that waits */
        sd_event_source *done;   /* io: the thread is done */
        sd_event_source *timeup; /* timer */
        /* The identity whose tickets are in the cache. */
        bool filled;
        bool implicit;
        char *user_name;
        bool stuck; /* a thread did not return in time */
};

static void work_free(Work *work)
{
        if (!work)
                return;
        secret_free(work->secret);
        free(work->owners_cache);
        free(work->host);
        free(work->user_name);
        free(work->text);
        (void) macro_close(work->done_fd);
        free(work);
}
DEFINE_CLEANUP(Work *, work_free);

/* Thread and loop call it once each, when they do not need the work any more. */
static void work_release(Work *work)
{
        if (atomic_exchange(&work->released, true))
                work_free(work);
}

static int work_new(const Tickets *tickets, const TicketSpec *spec, Work **ret)
{
        _cleanup_(work_freep) Work *work = calloc(1, sizeof(*work));
        int r;

        if (!work)
                return -ENOMEM;
        work->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (work->done_fd < 0)
                return -errno;
        r = str_set(&work->owners_cache, tickets->owners_cache);
        if (r >= 0)
                r = str_set(&work->host, spec->host);
        if (r >= 0)
                r = str_set(&work->user_name, spec->implicit ? "" : spec->user_name);
        if (r >= 0 && !spec->implicit)
                r = secret_new_copy(secret_data(spec->secret),
                                    secret_size(spec->secret),
                                    &work->secret);
        if (r < 0)
                return r;
        *ret = STEAL_PTR(work);
        return 0;
}

/* The body of the thread. */
static void *run(void *userdata)
{
        Work *work = userdata;
        KerberosSpec spec = {
                .cache = CACHE,
                .filled = work->filled,
                .implicit = !work->secret,
                .owners_cache = work->owners_cache,
                .user_name = work->user_name,
                .secret = work->secret,
                .host = work->host,
        };

        work->result = kerberos_get(&spec, &work->text);
        (void) eventfd_write(work->done_fd, 1);
        work_release(work);
        return NULL;
}

static void begin_next(Tickets *tickets)
{
        if (!list_is_empty(&tickets->waiting) && !tickets->running)
                (void) sd_event_source_set_enabled(tickets->next, SD_EVENT_ONESHOT);
}

/* Reports the current request. The callback may drop other requests, or make new ones. */
static void finish(Tickets *tickets, int result, const char *text)
{
        TicketRequest *request = tickets->current;
        ticket_done_t done;
        void *userdata;

        begin_next(tickets);
        if (!request)
                return;
        done = request->done;
        userdata = request->userdata;
        ticket_request_free(request);
        done(userdata, result, text ? text : "Negotiate was not possible: out of memory.");
}

/* Detaches the loop from the thread; the work is still to be released. */
static Work *leave_thread(Tickets *tickets)
{
        tickets->done = sd_event_source_disable_unref(tickets->done);
        (void) sd_event_source_set_enabled(tickets->timeup, SD_EVENT_OFF);
        return STEAL_PTR(tickets->running);
}

static int on_done(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        Tickets *tickets = userdata;
        Work *work = leave_thread(tickets);
        _cleanup_free_ char *text = STEAL_PTR(work->text);
        int result = work->result;

        work_release(work);
        tickets->filled |= result == 0;
        finish(tickets, result, text);
        return 0;
}

static int on_timeup(sd_event_source *source, uint64_t usec, void *userdata)
{
        Tickets *tickets = userdata;

        tickets->stuck = true;
        work_release(leave_thread(tickets));
        finish(tickets, -ETIMEDOUT, "Negotiate was not possible: the KDC does not answer.");
        return 0;
}

static int start_thread(Tickets *tickets, Work *work)
{
        pthread_attr_t attributes;
        pthread_t thread;
        int r = sd_event_add_io(tickets->event,
                                &tickets->done,
                                work->done_fd,
                                EPOLLIN,
                                on_done,
                                tickets);

        if (r >= 0)
                r = sd_event_source_set_time_relative(tickets->timeup, DEADLINE_USEC);
        if (r >= 0)
                r = sd_event_source_set_enabled(tickets->timeup, SD_EVENT_ONESHOT);
        if (r >= 0)
                r = -pthread_attr_init(&attributes);
        if (r < 0)
                return r;
        r = -pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        if (r == 0)
                r = -pthread_create(&thread, &attributes, run, work);
        (void) pthread_attr_destroy(&attributes);
        return r;
}

/* The cache holds one identity, and GSSAPI takes the one that it finds there. */
static bool is_of_another(const Tickets *tickets, const Work *work)
{
        return tickets->filled && (tickets->implicit != !work->secret ||
                                   !str_equal(tickets->user_name, work->user_name));
}

static int on_next(sd_event_source *source, void *userdata)
{
        Tickets *tickets = userdata;
        Work *work;
        int r;

        tickets->current = CONTAINER_OF(tickets->waiting.next, TicketRequest, link);
        list_remove(&tickets->current->link);
        work = tickets->current->work;
        if (tickets->stuck) {
                finish(tickets, -ETIMEDOUT, "Negotiate was not possible: the KDC does not answer.");
                return 0;
        }
        if (is_of_another(tickets, work)) {
                finish(tickets,
                       -EBUSY,
                       "Negotiate was not possible: one job can use it with one identity only.");
                return 0;
        }
        work->filled = tickets->filled;
        tickets->implicit = !work->secret;
        r = str_set(&tickets->user_name, work->user_name);
        if (r >= 0)
                r = kerberos_use(CACHE);
        tickets->running = work;
        if (r >= 0)
                r = start_thread(tickets, work);
        if (r < 0) {
                (void) leave_thread(tickets);
                finish(tickets, r, "Negotiate was not possible: no thread could be started.");
                return 0;
        }
        tickets->current->work = NULL;
        return 0;
}

int tickets_new(sd_event *event, const char *ccache_name, Tickets **ret)
{
        _cleanup_(tickets_freep) Tickets *tickets = calloc(1, sizeof(*tickets));
        int r;

        if (!tickets)
                return -ENOMEM;
        list_init(&tickets->waiting);
        tickets->event = sd_event_ref(event);
        r = str_set(&tickets->owners_cache, ccache_name);
        if (r >= 0)
                r = sd_event_add_defer(event, &tickets->next, on_next, tickets);
        if (r >= 0)
                r = sd_event_source_set_enabled(tickets->next, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_add_time_relative(event,
                                               &tickets->timeup,
                                               CLOCK_MONOTONIC,
                                               0,
                                               0,
                                               on_timeup,
                                               tickets);
        if (r >= 0)
                r = sd_event_source_set_enabled(tickets->timeup, SD_EVENT_OFF);
        if (r < 0)
                return r;
        *ret = STEAL_PTR(tickets);
        return 0;
}

Tickets *tickets_free(Tickets *tickets)
{
        if (!tickets)
                return NULL;
        if (tickets->running)
                work_release(leave_thread(tickets));
        else if (tickets->filled)
                kerberos_forget(CACHE);
        sd_event_source_disable_unref(tickets->next);
        sd_event_source_disable_unref(tickets->timeup);
        sd_event_unref(tickets->event);
        free(tickets->owners_cache);
        free(tickets->user_name);
        free(tickets);
        return NULL;
}

int tickets_get(Tickets *tickets,
                const TicketSpec *spec,
                ticket_done_t done,
                void *userdata,
                TicketRequest **ret)
{
        TicketRequest *request = calloc(1, sizeof(*request));
        int r;

        if (!request)
                return -ENOMEM;
        r = work_new(tickets, spec, &request->work);
        if (r < 0) {
                free(request);
                return r;
        }
        request->tickets = tickets;
        request->done = done;
        request->userdata = userdata;
        list_append(&tickets->waiting, &request->link);
        begin_next(tickets);
        *ret = request;
        return 0;
}

TicketRequest *ticket_request_free(TicketRequest *request)
{
        if (!request)
                return NULL;
        list_remove(&request->link);
        if (request->tickets->current == request)
                request->tickets->current = NULL;
        work_free(request->work);
        free(request);
        return NULL;
}
