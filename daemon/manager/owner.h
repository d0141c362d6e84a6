/*
 * One user with jobs: identity, jobs, and the counters that quotas are checked against.
 * Made with the first job of a uid, freed by owners_release() when the last one is gone.
 */
#pragma once

#include <stdint.h>

#include "base/hash.h"
#include "base/macro.h"

typedef struct Owner {
        uint32_t uid; /* key */
        char *name;   /* as the user database named the uid when the first job came */
        List jobs;    /* Job.owner_link */
        uint32_t n_jobs;
        uint32_t n_active;    /* jobs with a downloading worker */
        uint64_t vault_bytes; /* sealed credentials of all jobs */
        List queues[4];       /* SchedulerEntry.link, one a priority */
        List turn[4];         /* Scheduler.turns: owners with something queued */
        UT_hash_handle hh;
} Owner;

typedef struct Owners {
        Owner *by_uid;
} Owners;

/* The owner, made when there is none; a known uid under another name is -ESTALE. -ENOMEM. */
int owners_acquire(Owners *owners, uint32_t uid, const char *name, Owner **ret);
Owner *owners_find(const Owners *owners, uint32_t uid);
/* Frees the owner if it has neither jobs nor workers. */
void owners_release(Owners *owners, Owner *owner);
