#include "worker/http/route.h"

#include <errno.h>

#include "base/str.h"

void route_init(Route *route,
                Proxies *proxies,
                void (*found)(void *userdata, const char *reason),
                void *userdata)
{
        *route = (Route){ .proxies = proxies, .generation = proxies_generation(proxies) };
        proxies_waiter_init(&route->waiter, found, userdata);
}

bool route_is_outdated(const Route *route)
{
        return route->generation != proxies_generation(route->proxies);
}

int route_find(Route *route, const char *url)
{
        int r = 0;

        if (route_is_outdated(route))
                route_forget(route);
        if (!route->choices) {
                r = proxies_decide(route->proxies, url, &route->choices);
                route->generation = proxies_generation(route->proxies);
        }
        if (r == -EAGAIN)
                return proxies_search(route->proxies, url, &route->waiter);
        return r < 0 ? r : 1;
}

const char *route_proxy(const Route *route)
{
        return route->choices[route->at];
}

bool route_next(Route *route, bool unreached)
{
        if (route_is_outdated(route))
                return unreached;
        proxies_report(route->proxies, route_proxy(route), !unreached);
        if (!unreached || !route->choices[route->at + 1])
                return false;
        route->at++;
        return true;
}

void route_forget(Route *route)
{
        proxies_stop_waiting(&route->waiter);
        route->choices = strings_free(route->choices);
        route->at = 0;
}
