/*
 * Decides which job gets the next worker of a pool: the highest priority comes first, within it one
 * job of each owner in rotation, and among the jobs of one owner the one that was queued first.
 * Knows queue entries, owners and counts, but no clock, disk or worker. A job that waits for the
 * time of its next attempt is not queued here.
 *
 * There is one Scheduler for each pool of workers, so that publishing a file never waits until a
 * download has ended:
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
        List rotations[PRIORITIES_MAX]; /* OwnerShare.rotation[priority] */
        uint32_t max_active;
        uint32_t max_active_per_owner;
        uint32_t n_active;
        uint32_t n_queued;
} Scheduler;

/* Embedded in a job. */
typedef struct SchedulerEntry {
        List link;            /* OwnerShare.queues[priority] */
        Scheduler *scheduler; /* borrowed; NULL: not queued */
        Owner *owner;
        Priority priority;
} SchedulerEntry;

void scheduler_init(Scheduler *scheduler,
                    SchedulerPool pool,
                    uint32_t max_active,
                    uint32_t max_active_per_owner);

/* Lower limits end nothing that is active, but nothing becomes active until they are kept. */
void scheduler_set_limits(Scheduler *scheduler, uint32_t max_active, uint32_t max_active_per_owner);

void scheduler_entry_init(SchedulerEntry *entry);
bool scheduler_is_queued(const SchedulerEntry *entry);

/* Queues behind the owner's other jobs of that priority; leaves the queue that it was in. */
void scheduler_add(Scheduler *scheduler, SchedulerEntry *entry, Owner *owner, Priority priority);
/* Takes the entry out of its queue; no effect on one that is not queued. */
void scheduler_remove(SchedulerEntry *entry);

/*
 * Takes the next entry out of its queue and counts it as active; scheduler_finished() ends that.
 * NULL: nothing is queued, or no queued entry may have a worker within the limits.
 */
SchedulerEntry *scheduler_next(Scheduler *scheduler);
void scheduler_finished(Scheduler *scheduler, Owner *owner);
