/*
 * One file from its URL to its temporary file: attempts, redirects, challenges, resuming.
 * Owns the sink, the requests and the credentials of that file; ends with one verdict.
 *
 *   open the place ─► request ─► 2xx: bytes to the sink ─────────────► whole | failed
 *                       ▲  ▲──── 3xx: own hop, as far as RedirectPolicy lets it
 *                       │  ▲──── no such proxy: the next one of the list
 *                       │─────── 401, 407: asks for one credential, once more with it
 *                       │─────── nothing proved: the next rung of the ladder
 *                       │─────── one of several parts: for the next
 *                       └─────── an answer that does not continue: from 0, without Range
 *
 * Where the record has a checksum, bytes of an earlier worker are read again first, a slice a
 * turn, and a file without it is thrown away.
 *
 * No credential goes along before a challenge, to another origin than that of the name that the
 * owner gave the file, or to another file; headers and certificate of the owner go to that origin
 * only, and nothing of all this after a way from https to http. Silent; tells facts by callback,
 * from the loop only.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>
#include <systemd/sd-id128.h>

#include "base/macro.h"

#include "model/job-settings.h"
#include "model/spec.h"
#include "worker/failure.h"

typedef struct CurlLoop CurlLoop;
typedef struct Destination Destination;
typedef struct LoginsAnswer LoginsAnswer;
typedef struct Proxies Proxies;
typedef struct Rungs Rungs;
typedef struct Tickets Tickets;
typedef struct Tls Tls;
typedef struct Transfer Transfer;

typedef struct TransferFacts {
        /*
         * A temporary file was made or what it will hold changed: the record, which holds
         * offset 0 or what was on disk, is worth keeping. From within the transfer.
         */
        void (*begun)(void *userdata, Transfer *transfer);
        /* A challenge: transfer_answer() must follow, not from within. */
        void (*challenged)(void *userdata, Transfer *transfer, AuthTarget target, unsigned offered);
        /* Proxies have to be searched for: transfer_find_proxies() must follow. */
        void (*searching)(void *userdata, Transfer *transfer, const char *url);
        /*
         * The last fact: failure is NULL if all bytes are written (not yet synced), else the
         * receiver's to move. The transfer may be freed.
         */
        void (*ended)(void *userdata, Transfer *transfer, Failure *failure);
} TransferFacts;

/* Where a transfer works; everything is borrowed and outlives it. */
typedef struct TransferPlace {
        sd_event *event;
        sd_id128_t job;
        CurlLoop *loop;
        Destination *destination;
        Rungs *rungs;
        Tickets *tickets;
        Proxies *proxies;
        Tls *tls;
        const JobSettings *settings;
} TransferPlace;

/*
 * Begins; record is borrowed and kept up to date, all but its offset, which only
 * transfer_sync() moves. What goes wrong early is told by ended() as well. -ENOMEM.
 */
int transfer_new(const TransferPlace *place,
                 FileRecord *record,
                 const TransferFacts *facts,
                 void *userdata,
                 Transfer **ret);
/* Ends it where it stands; the temporary file and what was synced stay. */
Transfer *transfer_free(Transfer *transfer);
DEFINE_CLEANUP(Transfer *, transfer_free);

/* The answer to challenged(): as logins_answer(). */
void transfer_answer(Transfer *transfer, const LoginsAnswer *answer);

/*
 * After searching(), for the URL that was told or another one: looks again, and goes on where
 * there is an answer. reason: the search has failed, a sentence; NULL: it has not. From the loop.
 */
void transfer_find_proxies(Transfer *transfer, const char *reason);

/* Drops request and credentials; what is written stays and can be synced. */
void transfer_halt(Transfer *transfer);

/* Begins to write back, without waiting. */
void transfer_start_sync(Transfer *transfer);

/*
 * Waits until the bytes written are on disk and moves record->offset_bytes there. Returns 1
 * if the record changed, 0 if not. Errnos of sink_sync(): what the kernel could not write
 * it forgets, so that nothing of the file is trusted; the record begins again.
 */
int transfer_sync(Transfer *transfer);

/* As sink_check_room() while bytes come: what is left free besides this file. */
int transfer_check_room(const Transfer *transfer);

FileRecord *transfer_record(Transfer *transfer);
/* Bytes received of the file so far, what an earlier attempt left on disk included. */
uint64_t transfer_received(const Transfer *transfer);
bool transfer_is_asking(const Transfer *transfer);
bool transfer_is_searching(const Transfer *transfer);
