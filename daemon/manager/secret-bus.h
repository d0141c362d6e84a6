/*
 * A call with a secret, in the message or in a descriptor: reads and checks the secret without
 * blocking, and then, in one iteration of the loop, looks up the caller and makes the change. The
 * other arguments belong to the kind of call (credentials-bus.c, certificate-bus.c).
 */
#pragma once

#include "base/macro.h"
#include "base/secret.h"

#include "manager/bus-edge.h"

typedef struct SecretCall SecretCall;

typedef struct SecretCallKind {
        Verb verb;
        const char *name; /* the secret's name in errors, such as "password" */
        /* Checks the arguments after all of them are read. 0, or an error that is set. */
        int (*check)(const SecretCall *call, sd_bus_error *error);
        /* Checks the secret; returns as secret_rules_check_password(). */
        int (*check_secret)(const SecretCall *call, const char **ret_reason);
        /* Makes the change. Errors of the manager. */
        int (*apply)(SecretCall *call, const Caller *caller, Job *job);
        void (*free_request)(void *request); /* accepts NULL and half-filled ones */
} SecretCallKind;

struct SecretCall {
        const SecretCallKind *kind;
        void *request; /* owned: the other arguments, as the kind has them */
        BusEdge *edge;
        Secret *secret; /* owned; NULL: absent, or not read yet */
        int fd;         /* borrowed from the message; -EBADF: none */

        /* For secret-bus.c only. */
        List link;            /* BusEdge.secret_calls, while it waits */
        sd_bus_message *call; /* owned reference, sensitive */
        sd_id128_t job;
        uint32_t uid;
        struct SecretReader *reader;
};

/*
 * Begins a call that concerns the job: marks the message as sensitive and asks the policy. request
 * is taken over in any case, and is NULL if there was no memory for it. -ENOMEM, or an error that
 * is set.
 */
int secret_call_new(BusEdge *edge,
                    Job *job,
                    sd_bus_message *m,
                    const SecretCallKind *kind,
                    void *request,
                    sd_bus_error *error,
                    SecretCall **ret);
SecretCall *secret_call_free(SecretCall *call);
DEFINE_CLEANUP(SecretCall *, secret_call_free);

/* Reads the secret from one of its two keys, each at most once. 1: read; 0: it is another key. */
int secret_call_read(SecretCall *call,
                     const char *key,
                     const char *text_key,
                     const char *fd_key,
                     sd_bus_message *m,
                     sd_bus_error *error);

/* After the message is read: takes the call over and answers it, now or later. 1, or an error. */
int secret_call_run(SecretCall *call, sd_bus_error *error);

/* Drops the calls that wait, because the bus is gone. */
void secret_bus_drop(BusEdge *edge);
