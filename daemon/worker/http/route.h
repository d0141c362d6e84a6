/*
 * The way of one fetch to its URL: the proxies that Proxies decides on, tried one after the other
 * until one of them can be reached. Waits for the search if proxies have to be found first.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "worker/http/proxies.h"

typedef struct Route {
        Proxies *proxies; /* borrowed */
        ProxiesWaiter waiter;
        char **choices;      /* owned: proxies, "" = directly; NULL: not decided */
        size_t at;           /* index of the one that is tried */
        unsigned generation; /* of the settings at the latest decision */
} Route;

/* found: as ProxiesWaiter has it. */
void route_init(Route *route,
                Proxies *proxies,
                void (*found)(void *userdata, const char *reason),
                void *userdata);

/* The settings have changed since the latest decision, so that the next request needs another. */
bool route_is_outdated(const Route *route);

/*
 * Decides on the way to url unless that was done and is not outdated. 1: it is known; 0: proxies
 * are searched for, and found() follows; errnos of proxies_decide() and proxies_search().
 */
int route_find(Route *route, const char *url);

/* The proxy, "" = directly; borrowed until route_forget(). */
const char *route_proxy(const Route *route);

/*
 * A request is over. Returns true if it could reach neither proxy nor server and another proxy is
 * left to be tried, or another decision to be made.
 */
bool route_next(Route *route, bool unreached);

/* The next URL is another one, or there is none. */
void route_forget(Route *route);
