#include "manager/subscribers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"

#include "model/limits.h"

typedef struct Subscriber {
        Subscribers *subscribers; /* borrowed */
        char *name;               /* key: unique name; owned */
        uint32_t uid;
        SubscribeOptions options;
        uint64_t reported_usec; /* boottime of the last tick */
        bool armed;
        sd_event_source *timer;
        UT_hash_handle hh;
} Subscriber;

struct Subscribers {
        sd_event *event;
        Subscriber *by_name;
        subscribers_tick_t tick;
        void *userdata;
};

static Subscriber *find(const Subscribers *subscribers, const char *name)
{
        Subscriber *subscriber = NULL;

        HASH_FIND_STR(subscribers->by_name, name, subscriber);
        return subscriber;
}

static Subscriber *subscriber_free(Subscriber *subscriber)
{
        if (!subscriber)
                return NULL;
        sd_event_source_disable_unref(subscriber->timer);
        free(subscriber->name);
        free(subscriber);
        return NULL;
}
DEFINE_CLEANUP(Subscriber *, subscriber_free);

static void forget(Subscriber *subscriber)
{
        HASH_DEL(subscriber->subscribers->by_name, subscriber);
        subscriber_free(subscriber);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
        Subscriber *subscriber = userdata;
        Subscribers *all = subscriber->subscribers;
        uint64_t since = subscriber->reported_usec;

        subscriber->armed = false;
        if (subscriber->options.progress_interval_msec == 0) /* since it was armed */
                return 0;
        subscriber->reported_usec = clock_boottime(&clock_system);
        all->tick(all->userdata, subscriber->name, since);
        return 0;
}

static uint32_t count_of(const Subscribers *subscribers, uint32_t uid)
{
        Subscriber *subscriber, *after;
        uint32_t n = 0;

        HASH_ITER (hh, subscribers->by_name, subscriber, after)
                n += subscriber->uid == uid;
        return n;
}

static int
add_new(Subscribers *subscribers, const char *name, const Caller *caller, Subscriber **ret)
{
        _cleanup_(subscriber_freep) Subscriber *subscriber = calloc(1, sizeof(*subscriber));
        int r;

        if (!subscriber)
                return -ENOMEM;
        subscriber->subscribers = subscribers;
        subscriber->uid = caller->uid;
        subscriber->name = strdup(name);
        if (!subscriber->name)
                return -ENOMEM;
        r = sd_event_add_time(subscribers->event,
                              &subscriber->timer,
                              CLOCK_BOOTTIME,
                              0,
                              0,
                              on_timer,
                              subscriber);
        if (r < 0)
                return r;
        (void) sd_event_source_set_enabled(subscriber->timer, SD_EVENT_OFF);
        HASH_ADD_KEYPTR(hh,
                        subscribers->by_name,
                        subscriber->name,
                        strlen(subscriber->name),
                        subscriber);
        if (!HASH_WAS_ADDED(subscriber))
                return -ENOMEM;
        *ret = STEAL_PTR(subscriber);
        return 0;
}

int subscribers_add(Subscribers *subscribers,
                    const char *name,
                    const Caller *caller,
                    const SubscribeOptions *options)
{
        Subscriber *subscriber = find(subscribers, name);
        int r = 0;

        if (!subscriber) {
                if (count_of(subscribers, caller->uid) >= LIMIT_SUBSCRIBERS_PER_USER)
                        return -ENOBUFS;
                r = add_new(subscribers, name, caller, &subscriber);
        }
        if (r < 0)
                return r;
        subscriber->options = *options;
        return 0;
}

void subscribers_remove(Subscribers *subscribers, const char *name)
{
        Subscriber *subscriber = find(subscribers, name);

        if (subscriber)
                forget(subscriber);
}

bool subscribers_is_empty(const Subscribers *subscribers)
{
        return !subscribers->by_name;
}

static bool hears_of(const Subscriber *subscriber, const Job *job, uint32_t owner_uid)
{
        const SubscribeOptions *options = &subscriber->options;

        if (options->one_job && !sd_id128_equal(options->job, job->id))
                return false;
        if (options->all_users || (options->one_job && subscriber->uid == 0))
                return true; /* only root gets this far with all-users */
        return owner_uid == subscriber->uid;
}

static bool hears(const Subscriber *subscriber, const Job *job)
{
        return hears_of(subscriber, job, job->owner->uid);
}

bool subscribers_hears(const Subscribers *subscribers, const char *name, const Job *job)
{
        const Subscriber *subscriber = find(subscribers, name);

        return subscriber && hears(subscriber, job);
}

void subscribers_each(const Subscribers *subscribers,
                      const Job *job,
                      bool progress_only,
                      void (*each)(void *userdata, const char *destination),
                      void *userdata)
{
        Subscriber *subscriber, *after;

        HASH_ITER (hh, subscribers->by_name, subscriber, after)
                if (hears(subscriber, job) &&
                    (!progress_only || subscriber->options.progress_interval_msec > 0))
                        each(userdata, subscriber->name);
}

void subscribers_each_between(const Subscribers *subscribers,
                              const Job *job,
                              uint32_t owner_uid,
                              uint32_t other_uid,
                              void (*each)(void *userdata, const char *destination),
                              void *userdata)
{
        Subscriber *subscriber, *after;

        HASH_ITER (hh, subscribers->by_name, subscriber, after)
                if (hears_of(subscriber, job, owner_uid) && !hears_of(subscriber, job, other_uid))
                        each(userdata, subscriber->name);
}

void subscribers_note_progress(Subscribers *subscribers, const Job *job)
{
        uint64_t now = clock_boottime(&clock_system);
        Subscriber *subscriber, *after;

        HASH_ITER (hh, subscribers->by_name, subscriber, after) {
                uint64_t interval = subscriber->options.progress_interval_msec * USEC_PER_MSEC;
                uint64_t due = subscriber->reported_usec + interval;

                if (subscriber->armed || interval == 0 || !hears(subscriber, job))
                        continue;
                subscriber->armed = true;
                (void) sd_event_source_set_time(subscriber->timer, due > now ? due : now);
                (void) sd_event_source_set_enabled(subscriber->timer, SD_EVENT_ONESHOT);
        }
}

int subscribers_new(sd_event *event, subscribers_tick_t tick, void *userdata, Subscribers **ret)
{
        Subscribers *subscribers = calloc(1, sizeof(*subscribers));

        if (!subscribers)
                return -ENOMEM;
        *subscribers = (Subscribers){ .event = event, .tick = tick, .userdata = userdata };
        *ret = subscribers;
        return 0;
}

Subscribers *subscribers_free(Subscribers *subscribers)
{
        Subscriber *subscriber, *after;

        if (!subscribers)
                return NULL;
        HASH_ITER (hh, subscribers->by_name, subscriber, after)
                forget(subscriber);
        free(subscribers);
        return NULL;
}
