/*
 * Knows who hears of which jobs. Every signal of the service is unicast to the connections that
 * asked for it and may see the job: another user's URLs, paths and progress are nobody's business.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "base/macro.h"

#include "manager/job.h"
#include "manager/policy.h"

typedef struct Subscribers Subscribers;

typedef struct SubscribeOptions {
        bool all_users;
        bool one_job;
        sd_id128_t job;
        uint64_t progress_interval_msec; /* 0: no Progress */
} SubscribeOptions;

#define SUBSCRIBE_INTERVAL_DEFAULT_MSEC 500
#define SUBSCRIBE_INTERVAL_MIN_MSEC     100
#define SUBSCRIBE_INTERVAL_MAX_MSEC     3600000

/*
 * Called at a subscriber's interval: sends him what moved since. since_usec is boottime; the
 * destination is the subscriber's name.
 */
typedef void (*subscribers_tick_t)(void *userdata, const char *destination, uint64_t since_usec);

int subscribers_new(sd_event *event, subscribers_tick_t tick, void *userdata, Subscribers **ret);
Subscribers *subscribers_free(Subscribers *subscribers);
DEFINE_CLEANUP(Subscribers *, subscribers_free);

/* Replaces what the connection asked for before. -ENOMEM; -ENOBUFS: too many of one user. */
int subscribers_add(Subscribers *subscribers,
                    const char *name,
                    const Caller *caller,
                    const SubscribeOptions *options);
void subscribers_remove(Subscribers *subscribers, const char *name);
bool subscribers_is_empty(const Subscribers *subscribers);

/* Whether that connection hears of the job. */
bool subscribers_hears(const Subscribers *subscribers, const char *name, const Job *job);

/* Each connection that hears of the job; progress_only: that wants Progress of it. */
void subscribers_each(const Subscribers *subscribers,
                      const Job *job,
                      bool progress_only,
                      void (*each)(void *userdata, const char *destination),
                      void *userdata);

/* Each connection that hears of the job when one user owns it, and not when the other does. */
void subscribers_each_between(const Subscribers *subscribers,
                              const Job *job,
                              uint32_t owner_uid,
                              uint32_t other_uid,
                              void (*each)(void *userdata, const char *destination),
                              void *userdata);

/* Something of the job moved: those who want its progress get their tick in time. */
void subscribers_note_progress(Subscribers *subscribers, const Job *job);
