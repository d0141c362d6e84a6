#include "manager/bus-listing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"

#include "manager/bus-error.h"
#include "model/limits.h"

/* An iteration of the loop spends this long on a list before others have their turn. */
#define SLICE_USEC (4 * USEC_PER_MSEC)

/* The clock is looked at once for so many rows. */
#define SLICE_ROWS 16

/*
 * While that many messages wait because the bus does not take them, no list is worked on: otherwise
 * a caller who asks for lists and reads none would fill our memory with them.
 */
#define CONGESTED_MESSAGES 8
#define CONGESTED_USEC     (10 * USEC_PER_MSEC)

typedef struct Listing {
        List link; /* BusEdge.listings */
        const ListingKind *kind;
        Caller caller; /* without the name: it may be gone before the list is complete */
        sd_bus_message *call;
        sd_bus_message *reply;
        sd_id128_t *jobs; /* owned */
        size_t n_jobs, n_allocated;
        size_t job;    /* index of the job whose rows come next */
        uint32_t row;  /* of that job */
        uint64_t left; /* rows that may still come */
        bool paged;
        size_t size_bytes; /* of the rows in reply */

        /* Only while the jobs are chosen. */
        listing_choose_t choose;
        void *userdata;
        uint64_t skipped; /* rows still to leave out */
} Listing;

static Listing *listing_free(Listing *listing)
{
        if (!listing)
                return NULL;
        list_remove(&listing->link);
        sd_bus_message_unref(listing->call);
        sd_bus_message_unref(listing->reply);
        free(listing->jobs);
        free(listing);
        return NULL;
}
DEFINE_CLEANUP(Listing *, listing_free);

int listing_read_page(ListingPage *page, const char *key, sd_bus_message *m, sd_bus_error *error)
{
        bool is_limit = strcmp(key, "limit") == 0;
        int r;

        if (!is_limit && strcmp(key, "offset") != 0)
                return 0;
        r = sd_bus_message_read(m, "v", "t", is_limit ? &page->limit : &page->offset);
        if (r < 0)
                return r;
        if (page->limit == 0)
                return bus_error_set(error, -EINVAL, "A page of 0 rows: 'limit' is 1 or more");
        return 1;
}

/* ---- which jobs ------------------------------------------------------------------------------ */

static int add_job(Listing *listing, const Job *job)
{
        if (listing->n_jobs == listing->n_allocated) {
                size_t more = listing->n_allocated ? listing->n_allocated * 2 : 16;
                sd_id128_t *grown = reallocarray(listing->jobs, more, sizeof(*grown));

                if (!grown)
                        return -ENOMEM;
                listing->jobs = grown;
                listing->n_allocated = more;
        }
        listing->jobs[listing->n_jobs++] = job->id;
        return 0;
}

/* Takes the job in, or leaves it out because the page begins behind its rows. */
static int choose_job(void *userdata, Job *job)
{
        Listing *listing = userdata;
        uint32_t n_rows = listing->kind->count(job);

        if (listing->choose && !listing->choose(listing->userdata, job))
                return 0;
        if (listing->n_jobs == 0) {
                if (listing->skipped >= n_rows) {
                        listing->skipped -= n_rows;
                        return 0;
                }
                listing->row = (uint32_t) listing->skipped;
        }
        if (listing->n_jobs >= listing->left) /* each has a row at least */
                return 1;
        return add_job(listing, job);
}

/* ---- the rows -------------------------------------------------------------------------------- */

/* 1: the row is in the reply; 0: the page is full. */
static int append_row(Listing *listing, const Job *job)
{
        size_t size_bytes = listing->kind->size(job, listing->row);
        int r;

        if (listing->paged && listing->size_bytes > 0 &&
            listing->size_bytes + size_bytes > LIMIT_PAGE_BYTES)
                return 0;
        if (listing->size_bytes + size_bytes > LIMIT_REPLY_BYTES)
                return -ENOBUFS;
        r = listing->kind->append(job, listing->row, listing->reply);
        if (r < 0)
                return r;
        listing->size_bytes += size_bytes;
        listing->row++;
        listing->left--;
        return 1;
}

/* One row, or the step to the next job. 0: that was all. */
static int append_next(const BusEdge *edge, Listing *listing)
{
        Job *job;

        if (listing->job == listing->n_jobs || listing->left == 0)
                return 0;
        if (manager_find_job(edge->manager, &listing->caller, listing->jobs[listing->job], &job) >=
                    0 &&
            listing->row < listing->kind->count(job))
                return append_row(listing, job);
        listing->job++;
        listing->row = 0;
        return 1;
}

/* 1: there is more to do; 0: the list is complete. */
static int append_slice(const BusEdge *edge, Listing *listing)
{
        uint64_t end = clock_boottime(&clock_system) + SLICE_USEC;
        int r = 1;

        for (unsigned n = 1; r > 0; n++) {
                r = append_next(edge, listing);
                if (r > 0 && n % SLICE_ROWS == 0 && clock_boottime(&clock_system) >= end)
                        break;
        }
        return r;
}

static void refuse(const Listing *listing, int error_number)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;

        if (error_number == -ENOBUFS)
                (void) bus_error_set(&error,
                                     error_number,
                                     "The list has more than %u MiB; %s",
                                     LIMIT_REPLY_BYTES >> 20,
                                     listing->kind->advice);
        else
                (void) bus_error_set_verb(&error, error_number, NULL);
        (void) sd_bus_reply_method_error(listing->call, &error);
        sd_bus_error_free(&error);
}

/* False: the list is not complete yet. */
static bool work_on(const BusEdge *edge, Listing *listing)
{
        int r = append_slice(edge, listing);

        if (r > 0)
                return false;
        if (r >= 0)
                r = sd_bus_message_close_container(listing->reply);
        if (r >= 0)
                r = sd_bus_send(NULL, listing->reply, NULL);
        if (r < 0)
                refuse(listing, r);
        return true;
}

static bool is_congested(const BusEdge *edge)
{
        uint64_t n = 0;

        return sd_bus_get_n_queued_write(edge->bus, &n) >= 0 && n >= CONGESTED_MESSAGES;
}

/* The next slice comes after that time. */
static int arm(BusEdge *edge, uint64_t delay_usec)
{
        int r = sd_event_source_set_time_relative(edge->listing_timer, delay_usec);

        return r < 0 ? r : sd_event_source_set_enabled(edge->listing_timer, SD_EVENT_ONESHOT);
}

/* The lists take turns, a slice for each. */
static int on_slice(sd_event_source *source, uint64_t usec, void *userdata)
{
        BusEdge *edge = userdata;
        Listing *listing = CONTAINER_OF(edge->listings.next, Listing, link);

        if (is_congested(edge))
                return arm(edge, CONGESTED_USEC);
        list_remove(&listing->link);
        if (work_on(edge, listing))
                listing_free(listing);
        else
                list_append(&edge->listings, &listing->link);
        return list_is_empty(&edge->listings) ? 0 : arm(edge, 0);
}

static int make_timer(BusEdge *edge)
{
        int r;

        if (edge->listing_timer)
                return 0;
        r = sd_event_add_time(edge->event,
                              &edge->listing_timer,
                              CLOCK_BOOTTIME,
                              0,
                              1, /* without it the kernel may wait for up to 250 ms */
                              on_slice,
                              edge);
        return r < 0 ? r : sd_event_source_set_enabled(edge->listing_timer, SD_EVENT_OFF);
}

/* Whether one list more may be put together for that user. */
static bool has_room(const BusEdge *edge, uint32_t uid)
{
        uint32_t n = 0, n_of_user = 0;

        LIST_FOREACH (link, &edge->listings) {
                n++;
                n_of_user += CONTAINER_OF(link, Listing, link)->caller.uid == uid;
        }
        return n < LIMIT_LISTINGS && n_of_user < LIMIT_LISTINGS_PER_USER;
}

/* ---- calls ----------------------------------------------------------------------------------- */

static int begin(BusEdge *edge,
                 sd_bus_message *call,
                 const ListingKind *kind,
                 const ListingPage *page,
                 Listing **ret,
                 sd_bus_error *error)
{
        _cleanup_(listing_freep) Listing *listing = calloc(1, sizeof(*listing));
        const Caller *caller;
        int r;

        if (!listing)
                return -ENOMEM;
        list_init(&listing->link);
        listing->kind = kind;
        listing->call = sd_bus_message_ref(call);
        listing->left = page->limit;
        listing->paged = page->limit != UINT64_MAX;
        listing->skipped = page->offset;
        r = bus_edge_find_caller(edge, call, &caller, error);
        if (r < 0)
                return r;
        listing->caller.uid = caller->uid;
        if (!has_room(edge, caller->uid))
                return bus_error_set(error,
                                     -ENOBUFS,
                                     "Too many long lists are being put together (at most %d for a "
                                     "user, %d for all); wait for one of them, and read it",
                                     LIMIT_LISTINGS_PER_USER,
                                     LIMIT_LISTINGS);
        r = sd_bus_message_new_method_return(call, &listing->reply);
        if (r >= 0)
                r = sd_bus_message_open_container(listing->reply, 'a', kind->row_type);
        if (r < 0)
                return r;
        *ret = STEAL_PTR(listing);
        return 0;
}

/* The first slice at once, if the bus takes it: most lists are complete with it. */
static int start(BusEdge *edge, Listing *listing)
{
        int r;

        if (!is_congested(edge) && work_on(edge, listing)) {
                listing_free(listing);
                return 1;
        }
        r = make_timer(edge);
        if (r >= 0 && list_is_empty(&edge->listings))
                r = arm(edge, 0);
        if (r < 0) {
                listing_free(listing);
                return r;
        }
        list_append(&edge->listings, &listing->link);
        return 1;
}

int listing_answer_jobs(BusEdge *edge,
                        sd_bus_message *call,
                        const ListingKind *kind,
                        const ListingPage *page,
                        bool all_users,
                        listing_choose_t choose,
                        void *userdata,
                        sd_bus_error *error)
{
        Listing *listing = NULL;
        int r = begin(edge, call, kind, page, &listing, error);

        if (!listing)
                return r;
        listing->choose = choose;
        listing->userdata = userdata;
        r = manager_each_job(edge->manager, &listing->caller, all_users, choose_job, listing);
        if (r < 0) {
                listing_free(listing);
                return r == -EACCES
                               ? bus_error_set(error, r, "Only root sees the jobs of all users")
                               : r;
        }
        return start(edge, listing);
}

int listing_answer_job(BusEdge *edge,
                       sd_bus_message *call,
                       const ListingKind *kind,
                       const ListingPage *page,
                       const Job *job,
                       sd_bus_error *error)
{
        Listing *listing = NULL;
        int r = begin(edge, call, kind, page, &listing, error);

        if (!listing)
                return r;
        if (page->offset < kind->count(job)) {
                listing->row = (uint32_t) page->offset;
                r = add_job(listing, job);
                if (r < 0) {
                        listing_free(listing);
                        return r;
                }
        }
        return start(edge, listing);
}

void listing_drop(BusEdge *edge, const char *sender)
{
        LIST_FOREACH_SAFE (link, after, &edge->listings) {
                Listing *listing = CONTAINER_OF(link, Listing, link);

                if (!sender || str_equal(sd_bus_message_get_sender(listing->call), sender))
                        listing_free(listing);
        }
        if (list_is_empty(&edge->listings))
                edge->listing_timer = sd_event_source_disable_unref(edge->listing_timer);
}
