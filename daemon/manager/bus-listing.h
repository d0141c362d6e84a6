/*
 * Answers that are long lists. Such an answer is built a slice in each iteration of the loop, so
 * that no other caller waits for it, and ends before it is larger than the bus can carry: a bus
 * that is sent more ends the service's connection, and with it everybody's.
 *
 * A list consists of the rows of some jobs. The jobs are chosen when the call comes; a row is
 * what it is about when it is appended, and jobs that are gone by then are left out.
 */
#pragma once

#include <stdbool.h>
#include <systemd/sd-bus.h>

#include "manager/bus-edge.h"

typedef struct ListingKind {
        const char *row_type; /* "(ossttb)" */
        /* Completes "The list has more than 24 MiB; ": what to do instead. */
        const char *advice;
        /* Rows of a job; 0 for the whole list leaves it out. */
        uint32_t (*count)(const Job *job);
        /* At least as many bytes as the row takes in the message. */
        size_t (*size)(const Job *job, uint32_t row);
        int (*append)(const Job *job, uint32_t row, sd_bus_message *reply);
} ListingKind;

/* Keys "offset" and "limit" of a filter. */
typedef struct ListingPage {
        uint64_t offset; /* rows to leave out at the beginning */
        uint64_t limit;  /* rows at most; UINT64_MAX: all, or the error that they are too many */
} ListingPage;

#define LISTING_WHOLE ((ListingPage){ .offset = 0, .limit = UINT64_MAX })

/* Reads one of the two keys: 1; 0: the key is another. -EINVAL with error set; of sd-bus. */
int listing_read_page(ListingPage *page, const char *key, sd_bus_message *m, sd_bus_error *error);

/* Chooses a job: true if its rows belong to the list. */
typedef bool (*listing_choose_t)(void *userdata, const Job *job);

/*
 * Answers the call with the rows of the jobs that the caller may see, all_users or the caller's
 * own, in the order of their making. choose may be NULL. Returns 1 for the handler to return, or
 * an error that is set: -EACCES, -ENOBUFS (too many lists are being put together).
 */
int listing_answer_jobs(BusEdge *edge,
                        sd_bus_message *call,
                        const ListingKind *kind,
                        const ListingPage *page,
                        bool all_users,
                        listing_choose_t choose,
                        void *userdata,
                        sd_bus_error *error);

/* The same with the rows of one job, which the caller has been found to see. */
int listing_answer_job(BusEdge *edge,
                       sd_bus_message *call,
                       const ListingKind *kind,
                       const ListingPage *page,
                       const Job *job,
                       sd_bus_error *error);

/* Gives up the lists for a connection that is gone; NULL: all of them. */
void listing_drop(BusEdge *edge, const char *sender);
