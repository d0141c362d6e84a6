/*
 * A call that brings a secret, in the message or in a descriptor: reads it without blocking,
 * checks it, and then, in one turn of the loop, asks who calls and makes the change. What else
 * the call says is the business of its kind (credentials-bus.c, certificate-bus.c).
 */
#pragma once

#include "base/macro.h"
#include "base/secret.h"

#include "manager/bus-edge.h"

typedef struct SecretCall SecretCall;

typedef struct SecretCallKind {
        Verb verb;
        const char *name; /* of the secret in an error: "password" */
        /* All of the message is read: what must not be missing. 0 or an error that is set. */
        int (*check)(const SecretCall *call, sd_bus_error *error);
        /* The secret is there as well. As secret_rules_check_password(). */
        int (*check_secret)(const SecretCall *call, const char **ret_reason);
        /* The change itself, errors of the manager. */
        int (*apply)(SecretCall *call, const Caller *caller, Job *job);
        void (*free_wish)(void *wish); /* accepts NULL and half-filled ones */
} SecretCallKind;

struct SecretCall {
        const SecretCallKind *kind;
        void *wish; /* owned: what the kind read besides */
        BusEdge *edge;
        Secret *secret; /* owned; NULL: absent, or not read yet */
        int fd;         /* borrowed from the message; -EBADF: none */

        /* Its own. */
        List link;            /* BusEdge.secret_calls, while it waits */
        sd_bus_message *call; /* owned reference, sensitive */
        sd_id128_t job;
        uint32_t uid;
        struct SecretReader *reader;
};

/*
 * Begins a call of that job: marks the message, asks policy. wish is taken over, whatever comes
 * of it, and may be NULL for lack of memory. -ENOMEM, or an error that is set.
 */
int secret_call_new(BusEdge *edge,
                    Job *job,
                    sd_bus_message *m,
                    const SecretCallKind *kind,
                    void *wish,
                    sd_bus_error *error,
                    SecretCall **ret);
SecretCall *secret_call_free(SecretCall *call);
DEFINE_CLEANUP(SecretCall *, secret_call_free);

/* The secret under one of two keys, each at most once. 1: it was one of them, 0: another key. */
int secret_call_read(SecretCall *call,
                     const char *key,
                     const char *text_key,
                     const char *fd_key,
                     sd_bus_message *m,
                     sd_bus_error *error);

/* The message is read: takes the call over and answers it, now or later. 1, or an error. */
int secret_call_run(SecretCall *call, sd_bus_error *error);

/* Drops those that wait: the bus is gone. */
void secret_bus_drop(BusEdge *edge);
