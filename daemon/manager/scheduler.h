/*
 * Which job runs next: priority first, then turn by turn among owners, then first come.
 * Knows queue entries, owners and counts; no clock, no disk, no worker. Retry times are the
 * manager's timers: a job comes here when it may run now.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/macro.h"

#include "manager/owner.h"
#include "model/spec.h"

/* Embedded in a job; not queued when link is a ring of one. */
typedef struct SchedulerEntry {
        List link; /* Owner.queues[priority] */
        Owner *owner;
        Priority priority;
} SchedulerEntry;

typedef struct Scheduler {
        List turns[PRIORITIES_MAX]; /* Owner.turn[priority] */
        uint32_t max_active;
        uint32_t max_active_per_owner;
        uint32_t n_active;
        uint32_t n_queued;
} Scheduler;

void scheduler_init(Scheduler *scheduler, uint32_t max_active, uint32_t max_active_per_owner);

void scheduler_entry_init(SchedulerEntry *entry);
bool scheduler_is_queued(const SchedulerEntry *entry);

/* Queues behind the owner's other jobs of that priority; an entry that waits already moves. */
void scheduler_add(Scheduler *scheduler, SchedulerEntry *entry, Owner *owner, Priority priority);
void scheduler_remove(Scheduler *scheduler, SchedulerEntry *entry);

/*
 * Takes the next entry out of the queue and counts it as active, or NULL when nothing waits or
 * everything that waits is at a limit. Whoever got it calls scheduler_finished() at its end.
 */
SchedulerEntry *scheduler_next(Scheduler *scheduler);
void scheduler_finished(Scheduler *scheduler, Owner *owner);
