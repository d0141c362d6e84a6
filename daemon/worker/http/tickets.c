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

/* Of this process, so of one job. */
#define CACHE "MEMORY:dosvc"

/* Below what libkrb5 waits for silent KDCs, above what a slow one needs. */
#define DEADLINE_USEC (20 * USEC_PER_SEC)

/* What the thread works on; it belongs to whoever of thread and loop lets go of it last. */
typedef struct Work {
        char *owners_cache, *host, *user_name;
        Secret *secret; /* NULL: implicit */
        bool filled;
        int done_fd; /* eventfd: the thread is through */
        int result;
        char *text;
        atomic_bool let_go;
} Work;

struct TicketRequest {
        List link; /* Tickets.waiting; none when it is the current one */
        Tickets *tickets;
        Work *work; /* owned until a thread has it */
        ticket_done_t done;
        void *userdata;
};

struct Tickets {
        sd_event *event;
        char *owners_cache;
        List waiting;            /* TicketRequest.link */
        TicketRequest *current;  /* the thread's; NULL: nobody is to be told */
        Work *running;           /* NULL: no thread */
        sd_event_source *next;   /* defer: begins the first that waits */
        sd_event_source *done;   /* io: the thread is through */
        sd_event_source *timeup; /* timer */
        /* Whose tickets are in the cache. */
        bool filled;
        bool implicit;
        char *user_name;
        bool stuck; /* a thread did not come back in time */
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

/* Thread and loop call it once each, when they need it no more. */
static void work_let_go(Work *work)
{
        if (atomic_exchange(&work->let_go, true))
                work_free(work);
}

static int work_new(const Tickets *tickets, const TicketSpec *wish, Work **ret)
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
                r = str_set(&work->host, wish->host);
        if (r >= 0)
                r = str_set(&work->user_name, wish->implicit ? "" : wish->user_name);
        if (r >= 0 && !wish->implicit)
                r = secret_new_copy(secret_data(wish->secret),
                                    secret_size(wish->secret),
                                    &work->secret);
        if (r < 0)
                return r;
        *ret = STEAL_PTR(work);
        return 0;
}

/* The thread. */
static void *run(void *userdata)
{
        Work *work = userdata;
        KerberosSpec wish = {
                .cache = CACHE,
                .filled = work->filled,
                .implicit = !work->secret,
                .owners_cache = work->owners_cache,
                .user_name = work->user_name,
                .secret = work->secret,
                .host = work->host,
        };

        work->result = kerberos_get(&wish, &work->text);
        (void) eventfd_write(work->done_fd, 1);
        work_let_go(work);
        return NULL;
}

static void begin_next(Tickets *tickets)
{
        if (!list_is_empty(&tickets->waiting) && !tickets->running)
                (void) sd_event_source_set_enabled(tickets->next, SD_EVENT_ONESHOT);
}

/* The current errand is over. What it calls may end others, or begin some. */
static void finish(Tickets *tickets, int result, const char *text)
{
        TicketRequest *errand = tickets->current;
        ticket_done_t done;
        void *userdata;

        begin_next(tickets);
        if (!errand)
                return;
        done = errand->done;
        userdata = errand->userdata;
        ticket_request_free(errand);
        done(userdata, result, text ? text : "Negotiate was not possible: out of memory.");
}

/* The loop has nothing more to do with the thread. */
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

        work_let_go(work);
        tickets->filled |= result == 0;
        finish(tickets, result, text);
        return 0;
}

static int on_timeup(sd_event_source *source, uint64_t usec, void *userdata)
{
        Tickets *tickets = userdata;

        tickets->stuck = true;
        work_let_go(leave_thread(tickets));
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

/* The cache has room for one identity, and GSSAPI asks for none. */
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
                finish(tickets, -ETIMEDOUT, "Negotiate was not possible: the KDC is silent.");
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
                finish(tickets, r, "Negotiate was not possible: there can be no thread for it.");
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
                work_let_go(leave_thread(tickets));
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
                const TicketSpec *wish,
                ticket_done_t done,
                void *userdata,
                TicketRequest **ret)
{
        TicketRequest *errand = calloc(1, sizeof(*errand));
        int r;

        if (!errand)
                return -ENOMEM;
        r = work_new(tickets, wish, &errand->work);
        if (r < 0) {
                free(errand);
                return r;
        }
        errand->tickets = tickets;
        errand->done = done;
        errand->userdata = userdata;
        list_append(&tickets->waiting, &errand->link);
        begin_next(tickets);
        *ret = errand;
        return 0;
}

TicketRequest *ticket_request_free(TicketRequest *errand)
{
        if (!errand)
                return NULL;
        list_remove(&errand->link);
        if (errand->tickets->current == errand)
                errand->tickets->current = NULL;
        work_free(errand->work);
        free(errand);
        return NULL;
}
