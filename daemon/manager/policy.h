/*
 * Who may do what: one table, verb × access. Each verb of the manager begins with
 * policy_check(); there is no other place where a right is decided. Pure.
 */
#pragma once

#include <stdint.h>

#include "manager/job.h"

/* Whoever sent a message, as the bus driver and the user database named it. */
typedef struct Caller {
        uint32_t uid;
        const char *user_name; /* NULL: no entry in the user database */
} Caller;

typedef enum Verb {
        VERB_CREATE_JOB,
        VERB_LIST,
        VERB_LIST_ALL,
        VERB_SUBSCRIBE,
        VERB_SUBSCRIBE_ALL,
        VERB_LOOK, /* GetJob, properties, ListFiles, introspection */
        VERB_ADD_FILE,
        VERB_SET_PROPERTY,
        VERB_RESUME,
        VERB_SUSPEND,
        VERB_CANCEL,
        VERB_COMPLETE,
        VERB_TAKE_OWNERSHIP,
        VERB_SET_CREDENTIALS,
        VERB_REMOVE_CREDENTIALS,
        VERB_SET_REMOTE_NAME,
        VERB_SET_HEADERS,
        VERB_READ_HEADERS,
        VERB_SET_CERTIFICATE,
        VERB_REMOVE_CERTIFICATE,
        VERBS_MAX,
} Verb;

/*
 * job is NULL for verbs on no job. 0; -EACCES: not allowed; -ENOENT: a caller who is neither the
 * owner nor root learns nothing, not even that the job exists.
 */
int policy_check(const Caller *caller, Verb verb, const Job *job);

/* Roots are exempt from the limits per user (spec section 3.8). */
int policy_is_exempt(const Caller *caller);
