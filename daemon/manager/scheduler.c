#include "manager/scheduler.h"

void scheduler_init(Scheduler *scheduler,
                    SchedulerPool pool,
                    uint32_t max_active,
                    uint32_t max_active_per_owner)
{
        *scheduler = (Scheduler){
                .pool = pool,
                .max_active = max_active,
                .max_active_per_owner = max_active_per_owner,
        };
        for (size_t i = 0; i < PRIORITIES_MAX; i++)
                list_init(&scheduler->rotations[i]);
}

void scheduler_set_limits(Scheduler *scheduler, uint32_t max_active, uint32_t max_active_per_owner)
{
        scheduler->max_active = max_active;
        scheduler->max_active_per_owner = max_active_per_owner;
}

static OwnerShare *share_of(const Scheduler *scheduler, Owner *owner)
{
        return &owner->shares[scheduler->pool];
}

void scheduler_entry_init(SchedulerEntry *entry)
{
        *entry = (SchedulerEntry){ 0 };
        list_init(&entry->link);
}

bool scheduler_is_queued(const SchedulerEntry *entry)
{
        return entry->scheduler;
}

void scheduler_add(Scheduler *scheduler, SchedulerEntry *entry, Owner *owner, Priority priority)
{
        OwnerShare *share = share_of(scheduler, owner);

        scheduler_remove(entry);
        entry->scheduler = scheduler;
        entry->owner = owner;
        entry->priority = priority;
        if (list_is_empty(&share->rotation[priority]))
                list_append(&scheduler->rotations[priority], &share->rotation[priority]);
        list_append(&share->queues[priority], &entry->link);
        scheduler->n_queued++;
}

void scheduler_remove(SchedulerEntry *entry)
{
        Scheduler *scheduler = entry->scheduler;
        OwnerShare *share;

        if (!scheduler)
                return;
        share = share_of(scheduler, entry->owner);
        entry->scheduler = NULL;
        list_remove(&entry->link);
        if (list_is_empty(&share->queues[entry->priority]))
                list_remove(&share->rotation[entry->priority]);
        scheduler->n_queued--;
}

/* The first entry of that priority whose owner may have one more worker. */
static SchedulerEntry *next_of(const Scheduler *scheduler, size_t priority)
{
        LIST_FOREACH (link, &scheduler->rotations[priority]) {
                OwnerShare *share = CONTAINER_OF(link, OwnerShare, rotation[priority]);

                if (share->n_active < scheduler->max_active_per_owner)
                        return CONTAINER_OF(share->queues[priority].next, SchedulerEntry, link);
        }
        return NULL;
}

SchedulerEntry *scheduler_next(Scheduler *scheduler)
{
        SchedulerEntry *entry = NULL;
        OwnerShare *share;
        List *link;

        if (scheduler->n_active >= scheduler->max_active)
                return NULL;
        for (size_t priority = 0; !entry && priority < PRIORITIES_MAX; priority++)
                entry = next_of(scheduler, priority);
        if (!entry)
                return NULL;

        scheduler_remove(entry);
        share = share_of(scheduler, entry->owner);
        link = &share->rotation[entry->priority];
        if (!list_is_empty(link)) { /* an owner with more jobs goes behind all other owners */
                list_remove(link);
                list_append(&scheduler->rotations[entry->priority], link);
        }
        scheduler->n_active++;
        share->n_active++;
        return entry;
}

void scheduler_finished(Scheduler *scheduler, Owner *owner)
{
        scheduler->n_active--;
        share_of(scheduler, owner)->n_active--;
}
