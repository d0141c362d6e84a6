/*
 * A user who has jobs: identity, list of jobs, and the counters that quotas are checked against.
 * The first job of a uid creates its owner; owners_release() frees it when the last job is gone.
 */
#pragma once

#include <stdint.h>

#include "base/hash.h"
#include "base/macro.h"

/* The pools of workers that a Scheduler hands out; see scheduler.h. */
typedef enum SchedulerPool {
        SCHEDULER_DOWNLOADS,
        SCHEDULER_ENDINGS,
        SCHEDULER_POOLS_MAX,
} SchedulerPool;

/* An owner in the queue of one pool; the scheduler keeps it. */
typedef struct OwnerShare {
        uint32_t n_active; /* workers of the pool that run for this owner */
        List queues[4];    /* SchedulerEntry.link, one for each priority */
        List rotation[4];  /* Scheduler.rotations; in it while the queue is not empty */
} OwnerShare;

typedef struct Owner {
        uint32_t uid; /* key */
        char *name;   /* from the user database, when the first job was created */
        List jobs;    /* Job.owner_link */
        uint32_t n_jobs;
        uint64_t vault_bytes; /* size of the sealed credentials of all jobs */
        OwnerShare shares[SCHEDULER_POOLS_MAX];
        UT_hash_handle hh;
} Owner;

typedef struct Owners {
        Owner *by_uid;
} Owners;

/* Finds or creates the owner. -ESTALE: the uid is known under another name; -ENOMEM. */
int owners_acquire(Owners *owners, uint32_t uid, const char *name, Owner **ret);
Owner *owners_find(const Owners *owners, uint32_t uid);
/* Frees the owner if it has neither jobs nor workers of any pool. */
void owners_release(Owners *owners, Owner *owner);
