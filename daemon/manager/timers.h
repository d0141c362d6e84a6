/*
 * One timer for each job that waits for a moment, and a safety timer behind all of them: a timer
 * that could not be made for lack of memory is made some seconds later, so that no job waits
 * forever. Knows entries and times, not jobs.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/clock.h"
#include "base/macro.h"

/* How long to wait before something is repeated that failed for lack of memory or disk space. */
#define TIMERS_RETRY_USEC (10 * USEC_PER_SEC)

typedef struct TimersEntry TimersEntry;

typedef struct Timers {
        sd_event *event; /* borrowed */
        void (*expired)(void *userdata, TimersEntry *entry);
        void *userdata;
        sd_event_source *safety;
        List unarmed; /* TimersEntry.link: timers that could not be made yet */
} Timers;

/* Embedded in a job. */
struct TimersEntry {
        Timers *timers; /* borrowed; NULL: not waiting */
        sd_event_source *source;
        uint64_t due_usec; /* boottime as the event loop has it */
        List link;         /* Timers.unarmed */
};

/* expired is called in the loop; the entry does not wait any more then. -ENOMEM. */
int timers_init(Timers *timers,
                sd_event *event,
                void (*expired)(void *userdata, TimersEntry *entry),
                void *userdata);
void timers_done(Timers *timers);

void timers_entry_init(TimersEntry *entry);
/* Waits for this long, instead of what the entry waited for before. */
void timers_start(Timers *timers, TimersEntry *entry, uint64_t delay_usec);
/* Does not wait any more; also frees what an entry holds. */
void timers_cancel(TimersEntry *entry);
bool timers_is_waiting(const TimersEntry *entry);
