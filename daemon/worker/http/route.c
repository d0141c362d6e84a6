#include "worker/http/route.h"

#include "base/str.h"

#include "worker/http/proxies.h"

int route_find(Route *route, const Proxies *proxies, const char *url)
{
        return route->ways ? 0 : proxies_decide(proxies, url, &route->ways);
}

const char *route_proxy(const Route *route)
{
        return route->ways[route->at];
}

bool route_next(Route *route, Proxies *proxies, bool unreached)
{
        proxies_tell(proxies, route_proxy(route), !unreached);
        if (!unreached || !route->ways[route->at + 1])
                return false;
        route->at++;
        return true;
}

void route_forget(Route *route)
{
        strings_free(route->ways);
        *route = (Route){ 0 };
}
