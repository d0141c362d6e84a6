/*
 * Which job gets the next worker of a pool: the highest priority first, then one job of each
 * owner in turn, then the job that came first. Knows queue entries, owners and counts; no clock,
 * no disk, no worker. Retry times are the manager's timers: a job comes here when it may run now.
 *
 * There is one Scheduler for each pool of workers, so that publishing a file never waits until
 * some download has ended:
 *
 *   SCHEDULER_DOWNLOADS  workers that fetch files, for as long as the network takes
 *   SCHEDULER_ENDINGS    workers that publish files or remove temporary ones, a moment each
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/macro.h"

#include "manager/owner.h"
#include "model/enums.h"

typedef struct Scheduler {
        SchedulerPool pool;
        List turns[PRIORITIES_MAX]; /* OwnerShare.turn[priority] */
        uint32_t max_active;
        uint32_t max_active_per_owner;
        uint32_t n_active;
        uint32_t n_queued;
} Scheduler;

/* Embedded in a job; it waits for one worker at a time. */
typedef struct SchedulerEntry {
        List link;            /* OwnerShare.queues[priority] */
        Scheduler *scheduler; /* borrowed; the one that it is queued at, NULL: none */
        Owner *owner;
        Priority priority;
} SchedulerEntry;

void scheduler_init(Scheduler *scheduler,
                    SchedulerPool pool,
                    uint32_t max_active,
                    uint32_t max_active_per_owner);

void scheduler_entry_init(SchedulerEntry *entry);
bool scheduler_is_queued(const SchedulerEntry *entry);

/* Queues behind the owner's other jobs of that priority; an entry that waits already moves. */
void scheduler_add(Scheduler *scheduler, SchedulerEntry *entry, Owner *owner, Priority priority);
/* Takes the entry out of the queue that it is in, if it is in one. */
void scheduler_remove(SchedulerEntry *entry);

/*
 * Takes the next entry out of the queue and counts it as active, or NULL when nothing waits or
 * everything that waits is at a limit. Whoever got it calls scheduler_finished() at its end.
 */
SchedulerEntry *scheduler_next(Scheduler *scheduler);
void scheduler_finished(Scheduler *scheduler, Owner *owner);
