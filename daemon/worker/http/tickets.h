/*
 * The Kerberos tickets of a job's one identity, gathered in a credential cache (ccache) in the
 * memory of this process, which libcurl's Negotiate then uses. Explicit credentials are exchanged
 * for a ticket of the KDC. Implicit ones are copied from the cache that the owner's own programs
 * use, read as the owner. Nothing is written back.
 *
 * The ticket for the service is fetched here as well. So libcurl finds it and never has to wait for
 * a KDC, and a failure has a reason: libcurl would only send no header, without saying why.
 *
 * MIT Kerberos only has blocking calls and waits up to half a minute for a silent KDC, so this is
 * the one module with a thread; there is one at a time. The loop goes on meanwhile and gives up
 * before the library does. RFC 4120, RFC 4559, krb5.conf(5), ccache_def(7).
 */
#pragma once

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "base/macro.h"
#include "base/secret.h"

typedef struct Tickets Tickets;
typedef struct TicketRequest TicketRequest;

/* Everything is copied. */
typedef struct TicketSpec {
        const char *host;      /* of the server or proxy; the service is HTTP@host */
        bool implicit;         /* use the tickets that the owner has already */
        const char *user_name; /* user, user@REALM or REALM\user; unused when implicit */
        const Secret *secret;  /* the password; unused when implicit */
} TicketSpec;

/*
 * Called once, from the loop, after which the TicketRequest is gone. 0: a request may use
 * Negotiate. -EACCES: the KDC refused the identity. Other errnos: it could not be tried (no ticket,
 * no KDC, another clock …), and nothing was refused. text: a sentence about the reason, valid
 * during the call.
 */
typedef void (*ticket_done_t)(void *userdata, int result, const char *text);

/* ccache_name: the cache with the owner's tickets; "": the one that krb5.conf names. -ENOMEM. */
int tickets_new(sd_event *event, const char *ccache_name, Tickets **ret);
/* After all ticket requests. A thread that has not returned keeps what it uses. */
Tickets *tickets_free(Tickets *tickets);
DEFINE_CLEANUP(Tickets *, tickets_free);

/* Requests are served one after the other, in their order. -ENOMEM; errnos of eventfd(2). */
int tickets_get(Tickets *tickets,
                const TicketSpec *spec,
                ticket_done_t done,
                void *userdata,
                TicketRequest **ret);
/* Drops a request; its callback is not called any more. */
TicketRequest *ticket_request_free(TicketRequest *request);
