#include "manager/timers.h"

#include "base/log.h"

static int on_due(sd_event_source *source, uint64_t usec, void *userdata)
{
        TimersEntry *entry = userdata;
        Timers *timers = entry->timers;

        entry->timers = NULL;
        timers->expired(timers->userdata, entry);
        return 0;
}

/* Makes or sets the event source of an entry whose time is known. */
static int arm(Timers *timers, TimersEntry *entry)
{
        int r;

        if (!entry->source) {
                r = sd_event_add_time(timers->event,
                                      &entry->source,
                                      CLOCK_BOOTTIME,
                                      entry->due_usec,
                                      0,
                                      on_due,
                                      entry);
                if (r >= 0)
                        (void) sd_event_source_set_description(entry->source, "job-wait");
                return r;
        }
        r = sd_event_source_set_time(entry->source, entry->due_usec);
        return r < 0 ? r : sd_event_source_set_enabled(entry->source, SD_EVENT_ONESHOT);
}

static void arm_or_retry_later(Timers *timers, TimersEntry *entry)
{
        int r = arm(timers, entry);

        if (r >= 0)
                return;
        log_errno(LOG_ERR, r, "The timer of a job cannot be made yet");
        list_append(&timers->unarmed, &entry->link);
        (void) sd_event_source_set_time_relative(timers->safety, TIMERS_RETRY_USEC);
        (void) sd_event_source_set_enabled(timers->safety, SD_EVENT_ONESHOT);
}

static int on_safety(sd_event_source *source, uint64_t usec, void *userdata)
{
        Timers *timers = userdata;
        List again;

        list_init(&again);
        while (!list_is_empty(&timers->unarmed)) {
                List *link = timers->unarmed.next;

                list_remove(link);
                list_append(&again, link);
        }
        while (!list_is_empty(&again)) {
                TimersEntry *entry = CONTAINER_OF(again.next, TimersEntry, link);

                list_remove(&entry->link);
                arm_or_retry_later(timers, entry);
        }
        return 0;
}

int timers_init(Timers *timers,
                sd_event *event,
                void (*expired)(void *userdata, TimersEntry *entry),
                void *userdata)
{
        int r;

        *timers = (Timers){ .event = event, .expired = expired, .userdata = userdata };
        list_init(&timers->unarmed);
        r = sd_event_add_time(event, &timers->safety, CLOCK_BOOTTIME, 0, 0, on_safety, timers);
        return r < 0 ? r : sd_event_source_set_enabled(timers->safety, SD_EVENT_OFF);
}

void timers_done(Timers *timers)
{
        timers->safety = sd_event_source_disable_unref(timers->safety);
}

void timers_entry_init(TimersEntry *entry)
{
        *entry = (TimersEntry){ 0 };
        list_init(&entry->link);
}

void timers_start(Timers *timers, TimersEntry *entry, uint64_t delay_usec)
{
        uint64_t now = 0;

        (void) sd_event_now(timers->event, CLOCK_BOOTTIME, &now);
        list_remove(&entry->link);
        entry->timers = timers;
        entry->due_usec = delay_usec < UINT64_MAX - now ? now + delay_usec : UINT64_MAX;
        arm_or_retry_later(timers, entry);
}

void timers_cancel(TimersEntry *entry)
{
        list_remove(&entry->link);
        entry->source = sd_event_source_disable_unref(entry->source);
        entry->timers = NULL;
}

bool timers_is_waiting(const TimersEntry *entry)
{
        return entry->timers;
}
