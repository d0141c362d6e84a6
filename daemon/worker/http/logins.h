/*
 * The two logins of one file, at its server and at the proxy: from a challenge to a credential
 * that a request can carry, or to the reason why there is none.
 *
 *             challenge                answer             prepared
 *     none ────────────► asks the ─────────────► becomes ──────────► held ──► accepted
 *       ▲                manager        ▲        usable                │          │
 *       │                  ▲  │ none    └─ the next scheme ─┐          │ again    │ again
 *       │                  └──┼── could not be tried here ──┘          ▼          ▼
 *       └ another peer        └─────────────► refused ◄─────────── refused    the same
 *                                                                            once more
 *
 * One scheme is tried at a time. After a rejection no other scheme is tried; the next weaker one
 * is only tried if the stronger one could not be tried at all, for example because there is no
 * ticket. A login that was accepted before is repeated, because a nonce or a session may have
 * expired (spec section 9, "re-authenticates silently").
 */
#pragma once

#include <stdbool.h>

#include "base/macro.h"

#include "model/enums.h"
#include "worker/http/request.h"

typedef struct Logins Logins;
typedef struct Questions Questions;
typedef struct Tickets Tickets;

/* Exactly one of these follows each challenge, perhaps from within. */
typedef struct LoginsEvents {
        /* The request may be repeated with what logins_get() returns now. */
        void (*ready)(void *userdata);
        /*
         * There is no credential that the peer takes; offered: its schemes. text: NULL, or a
         * sentence that says more than the status does.
         */
        void (*refused)(void *userdata, AuthTarget target, unsigned offered, const char *text);
        void (*failed)(void *userdata, int error);
} LoginsEvents;

/* file: its index in the job, for the manager. questions and tickets are borrowed. -ENOMEM. */
int logins_new(uint32_t file,
               Questions *questions,
               Tickets *tickets,
               const LoginsEvents *events,
               void *userdata,
               Logins **ret);
Logins *logins_free(Logins *logins);
DEFINE_CLEANUP(Logins *, logins_free);

/*
 * The peer answered 401 or 407 and offers these schemes. peer: URL of the server or proxy that
 * asked; a credential that was meant for another one is forgotten.
 */
void logins_challenge(Logins *logins, AuthTarget target, unsigned offered, const char *peer);

/* The server or proxy let a request pass. */
void logins_accepted(Logins *logins, AuthTarget target);

/* The login to show to that peer; NULL: none. */
const Login *logins_get(const Logins *logins, AuthTarget target, const char *peer);

/* Erases the credential for that target, because the next peer there is another one. */
void logins_forget_peer(Logins *logins, AuthTarget target);

/* Erases all credentials and stops asking for any. */
void logins_forget(Logins *logins);
