#include "worker/http/route.h"

#include <errno.h>

#include "base/str.h"

void route_init(Route *route,
                Proxies *proxies,
                void (*found)(void *userdata, const char *reason),
                void *userdata)
{
        *route = (Route){ .proxies = proxies };
        proxies_waiter_init(&route->waiter, found, userdata);
}

int route_find(Route *route, const char *url)
{
        int r = route->choices ? 0 : proxies_decide(route->proxies, url, &route->choices);

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
