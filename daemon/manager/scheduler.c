#include "manager/scheduler.h"

void scheduler_init(Scheduler *scheduler, uint32_t max_active, uint32_t max_active_per_owner)
{
        *scheduler = (Scheduler){
                .max_active = max_active,
                .max_active_per_owner = max_active_per_owner,
        };
        for (size_t i = 0; i < PRIORITIES_MAX; i++)
                list_init(&scheduler->turns[i]);
}

void scheduler_entry_init(SchedulerEntry *entry)
{
        *entry = (SchedulerEntry){ 0 };
        list_init(&entry->link);
}

bool scheduler_is_queued(const SchedulerEntry *entry)
{
        return !list_is_empty(&entry->link);
}

void scheduler_add(Scheduler *scheduler, SchedulerEntry *entry, Owner *owner, Priority priority)
{
        scheduler_remove(scheduler, entry);
        entry->owner = owner;
        entry->priority = priority;
        if (list_is_empty(&owner->turn[priority]))
                list_append(&scheduler->turns[priority], &owner->turn[priority]);
        list_append(&owner->queues[priority], &entry->link);
        scheduler->n_queued++;
}

void scheduler_remove(Scheduler *scheduler, SchedulerEntry *entry)
{
        if (!scheduler_is_queued(entry))
                return;
        list_remove(&entry->link);
        if (list_is_empty(&entry->owner->queues[entry->priority]))
                list_remove(&entry->owner->turn[entry->priority]);
        scheduler->n_queued--;
}

SchedulerEntry *scheduler_next(Scheduler *scheduler)
{
        if (scheduler->n_active >= scheduler->max_active)
                return NULL;

        for (size_t priority = 0; priority < PRIORITIES_MAX; priority++)
                LIST_FOREACH (turn, &scheduler->turns[priority]) {
                        Owner *owner = CONTAINER_OF(turn, Owner, turn[priority]);
                        SchedulerEntry *entry;

                        if (owner->n_active >= scheduler->max_active_per_owner)
                                continue;

                        entry = CONTAINER_OF(owner->queues[priority].next, SchedulerEntry, link);
                        scheduler_remove(scheduler, entry);
                        if (!list_is_empty(turn)) { /* to the end of the line */
                                list_remove(turn);
                                list_append(&scheduler->turns[priority], turn);
                        }
                        scheduler->n_active++;
                        owner->n_active++;
                        return entry;
                }
        return NULL;
}

void scheduler_finished(Scheduler *scheduler, Owner *owner)
{
        scheduler->n_active--;
        owner->n_active--;
}
