/*
 * The two logins of one file, at its server and at the proxy: from a challenge to a credential
 * that a request can carry, or to the reason why there is none.
 *
 *             challenge                answer             prepared
 *     none ────────────► asks the ─────────────► becomes ──────────► held ──► accepted
 *       ▲                manager        ▲        usable                │          │
 *       │                  ▲  │ none    └─ the next scheme ─┐          │ again    │ again
 *       │                  └──┼── could not be tried here ──┘          ▼          ▼
 *       └ another file        └─────────────► refused ◄─────────── refused    the same
 *                                                                            once more
 *
 * One scheme at a time. After a rejection no other is tried; the next weaker one only if the
 * stronger could not be tried at all (no ticket). A login that was good before is repeated: a
 * nonce or a session was over (spec section 9, "re-authenticates silently").
 */
#pragma once

#include <stdbool.h>

#include "base/macro.h"
#include "base/secret.h"

#include "model/spec.h"
#include "worker/http/request.h"

typedef struct Logins Logins;
typedef struct Tickets Tickets;

typedef struct LoginsEvents {
        /* logins_answer() must follow, not from within. */
        void (*wanted)(void *userdata, AuthTarget target, unsigned offered);
        /* Ask again, with what logins_get() has now. */
        void (*ready)(void *userdata);
        /* There will be none. text: a sentence that says more than the status; NULL: none. */
        void (*refused)(void *userdata, AuthTarget target, const char *text);
        void (*failed)(void *userdata, int error);
} LoginsEvents;

/* An answer of the manager, or what came instead. */
typedef struct LoginsAnswer {
        int result; /* 0; -ENOENT: nothing fits; other errnos: no answer */
        AuthScheme scheme;
        bool implicit;
        const char *user_name; /* borrowed */
        Secret *secret;        /* taken over */
} LoginsAnswer;

/* tickets is borrowed. -ENOMEM. */
int logins_new(Tickets *tickets, const LoginsEvents *events, void *userdata, Logins **ret);
Logins *logins_free(Logins *logins);
DEFINE_CLEANUP(Logins *, logins_free);

/*
 * A 401 or 407 with these schemes. peer: URL of who asked; what another one was told is
 * forgotten. What becomes of it is told by an event, which may come from within.
 */
void logins_challenge(Logins *logins, AuthTarget target, unsigned offered, const char *peer);
/* Ignored when nothing was wanted. */
void logins_answer(Logins *logins, const LoginsAnswer *answer);
bool logins_is_asking(const Logins *logins);

/* That side let a request pass. */
void logins_accepted(Logins *logins, AuthTarget target);

/* What that peer asked for; NULL: none. */
const Login *logins_get(const Logins *logins, AuthTarget target, const char *peer);

/* Erases what is held and stops what is under way. */
void logins_forget(Logins *logins);
