/*
 * The Kerberos tickets of a job's one identity: gathered in a ccache of this process's memory,
 * which is what libcurl's Negotiate then uses. Explicit credentials are turned into a ticket of
 * the KDC, implicit ones are copied from where the owner's own programs keep theirs, read as the
 * owner. Nothing is written back.
 *
 * A ticket for the service is fetched here too, so that libcurl finds it and never has to wait
 * for a KDC; and so that what is wrong has a name, of which libcurl knows nothing: it sends
 * no header at all.
 *
 * MIT Kerberos waits up to half a minute for a silent KDC and has no other way to call it: this
 * is the one place with a thread, one at a time. The loop goes on meanwhile and gives up
 * before the library does. rfc4120, rfc4559, krb5.conf(5), ccache_def(7).
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
        const char *host;      /* of the server or proxy: service HTTP@host */
        bool implicit;         /* what the owner has already */
        const char *user_name; /* user, user@REALM or REALM\user; unused when implicit */
        const Secret *secret;  /* the password; unused when implicit */
} TicketSpec;

/*
 * Once, from the loop; the errand is over. 0: a request may use Negotiate. -EACCES: the KDC
 * refused the identity. Other errnos: it could not be tried (no ticket, no KDC, another clock …),
 * nothing was refused. text: a sentence about the reason, valid during the call.
 */
typedef void (*ticket_done_t)(void *userdata, int result, const char *text);

/* ccache_name: where the owner's tickets are, "" = as krb5.conf says. -ENOMEM. */
int tickets_new(sd_event *event, const char *ccache_name, Tickets **ret);
/* Errands go first; a thread that did not come back keeps what it uses. */
Tickets *tickets_free(Tickets *tickets);
DEFINE_CLEANUP(Tickets *, tickets_free);

/* Errands are run one after the other, in their order. -ENOMEM; errnos of pthread_create(3). */
int tickets_get(Tickets *tickets,
                const TicketSpec *wish,
                ticket_done_t done,
                void *userdata,
                TicketRequest **ret);
/* Nobody is to be told any more. NULL is nothing to do. */
TicketRequest *ticket_request_free(TicketRequest *errand);
