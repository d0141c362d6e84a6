/*
 * Which proxies a URL is fetched through, in which order: a decision from the job's settings
 * (spec section 4.4) and the URL alone, made anew for every hop of a redirect. libcurl is told
 * one proxy, or none, and its own rules are not asked. Knows no network.
 *
 * Where the settings say that proxies are searched for (dbus/worker-wire.h), the answer for an
 * origin is asked for once and kept; of many origins the oldest is forgotten first. A proxy that
 * could not be reached comes last from then on, for all files of the job.
 */
#pragma once

#include <stdbool.h>

#include "base/macro.h"

#include "model/job-settings.h"

typedef struct Proxies Proxies;

/* PROXY_SOURCE_LIST: entries are normal forms of spec_parse_proxy(); else they are not used.
 * -ENOMEM. */
int proxies_new(ProxySource source, char *const *entries, char *const *bypass, Proxies **ret);
Proxies *proxies_free(Proxies *proxies);
DEFINE_CLEANUP(Proxies *, proxies_free);

/*
 * *ret_ways: what to try, one after the other, at least one: "scheme://host:port" of a proxy, or
 * "" = directly. -EAGAIN: proxies_found() has to come first; -EINVAL: no http or https URL;
 * -ENOMEM.
 */
int proxies_decide(const Proxies *proxies, const char *url, char ***ret_ways);

/* The answer for the origin of url: proxies, or "direct://". -EINVAL: not such a list; -ENOMEM. */
int proxies_found(Proxies *proxies, const char *url, char *const *answer);

/* It could be reached or not; "" is ignored. Forgotten for lack of memory. */
void proxies_tell(Proxies *proxies, const char *way, bool reached);
