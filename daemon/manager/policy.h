/*
 * The rights of callers: one table of verbs and the access that each needs. Each verb of the
 * manager begins with policy_check(), and no right is decided anywhere else. Pure.
 */
#pragma once

#include <stdint.h>

#include "manager/job.h"

/* The sender of a message, according to the bus driver and the user database. */
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
        VERB_READ_CREDENTIAL_SLOTS,
        VERB_SET_REMOTE_NAME,
        VERB_SET_HEADERS,
        VERB_READ_HEADERS,
        VERB_SET_CERTIFICATE,
        VERB_REMOVE_CERTIFICATE,
        VERB_RELOAD,
        VERB_RELOAD_OWN, /* Reload of a user instance by its user */
        VERBS_MAX,
} Verb;

/*
 * job is NULL for verbs that concern no job. -EACCES: not allowed; -ENOENT: not allowed, and the
 * caller, who is neither owner nor root, must not learn that the job exists.
 */
int policy_check(const Caller *caller, Verb verb, const Job *job);

/* Root is exempt from the limits per user (spec section 3.8). */
int policy_is_exempt(const Caller *caller);
