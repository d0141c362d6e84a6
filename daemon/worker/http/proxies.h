/*
 * Decides which proxies a URL is fetched through, and in which order. The decision depends on the
 * job's settings (spec section 4.4) and the URL alone and is made anew for every hop of a redirect.
 * libcurl is given one proxy, or none, and does not apply rules of its own.
 *
 * The settings may say that proxies are searched for (dbus/worker-wire.h). Then the manager is
 * asked once for each origin, one question at a time, and its answers are kept; the oldest is
 * overwritten when there are too many. A proxy that could not be reached is tried last from then
 * on, for all files of the job.
 *
 * The settings may change. What was found and learned under the old ones is forgotten then, and
 * each route that was decided by them is outdated.
 */
#pragma once

#include <stdbool.h>

#include "base/macro.h"

#include "model/job-settings.h"

typedef struct Proxies Proxies;
typedef struct Questions Questions;

/* Both are borrowed. proxies_forget() has to follow a change of the settings. -ENOMEM. */
int proxies_new(const JobSettings *settings, Questions *questions, Proxies **ret);
/* After all who wait. */
Proxies *proxies_free(Proxies *proxies);
DEFINE_CLEANUP(Proxies *, proxies_free);

/*
 * The settings have changed. The answer of a search that is under way is not used, but those who
 * wait for it are called when it comes, and search again if they still need to.
 */
void proxies_forget(Proxies *proxies);
/* Counts the changes: a decision of another generation is outdated. */
unsigned proxies_generation(const Proxies *proxies);

/*
 * *ret_choices: what to try, one after the other, at least one: "scheme://host:port" of a proxy, or
 * "" = directly. -EAGAIN: proxies_search() has to find them first; -EINVAL: url is no http or https
 * URL; -ENOMEM.
 */
int proxies_decide(const Proxies *proxies, const char *url, char ***ret_choices);

/* Somebody who waits for a search; embedded. */
typedef struct ProxiesWaiter {
        List link; /* Proxies.waiters */
        /*
         * A search is over, perhaps that for another origin: proxies_decide() may know more now.
         * reason: NULL, or a sentence that says why nothing was found.
         */
        void (*found)(void *userdata, const char *reason);
        void *userdata;
} ProxiesWaiter;

void proxies_waiter_init(ProxiesWaiter *waiter,
                         void (*found)(void *userdata, const char *reason),
                         void *userdata);

/* Searches for the proxies of url as soon as no other search is under way. -ENOMEM. */
int proxies_search(Proxies *proxies, const char *url, ProxiesWaiter *waiter);
void proxies_stop_waiting(ProxiesWaiter *waiter);

/*
 * Keeps an answer for the origin of url: proxies, or "direct://". -EINVAL: there is something else
 * in it; -ENOMEM.
 */
int proxies_keep(Proxies *proxies, const char *url, char *const *answer);

/* A proxy could be reached, or not; "" is ignored. Without memory nothing is remembered. */
void proxies_report(Proxies *proxies, const char *proxy, bool reached);
