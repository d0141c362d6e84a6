/*
 * The way that a transfer takes to its URL: the proxies of worker/proxies.h one after the other,
 * until one of them can be reached. Embedded; zeroed is "not decided".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

typedef struct Proxies Proxies;

typedef struct Route {
        char **ways; /* owned: proxies and "" */
        size_t at;   /* of these, the one that is tried */
} Route;

/* For a URL, unless there is a route already. Errnos of proxies_decide(). */
int route_find(Route *route, const Proxies *proxies, const char *url);

/* The proxy, "" = directly; borrowed until route_forget(). */
const char *route_proxy(const Route *route);

/* A request is over. True if nobody was reached and there is another way to try. */
bool route_next(Route *route, Proxies *proxies, bool unreached);

/* The URL is another one, or the transfer is over. */
void route_forget(Route *route);
