/*
 * The proxies that the environment of the caller names, as curl(1) and wget(1) go by it:
 * http_proxy, https_proxy, all_proxy and no_proxy, in small letters or (all but http_proxy, which a
 * CGI program takes from its client) in capital ones.
 */
#pragma once

#include <stdbool.h>

#define PROXY_ENVIRONMENT_MAX 64

typedef struct ProxyEnvironment {
        char *proxies[3]; /* owned; "http=URL", "https=URL"; NULL ends it */
        char *bypass[PROXY_ENVIRONMENT_MAX +
                     1]; /* owned; hosts that are reached without; as above */
        char *user_name; /* owned; that a proxy's URL had, or NULL */
        char *password;  /* owned; the same */
} ProxyEnvironment;

/* *ret is freed with proxy_environment_done(). -EINVAL: no_proxy has too many hosts. -ENOMEM. */
int proxy_environment_read(ProxyEnvironment *ret);
/* Erases the password. */
void proxy_environment_done(ProxyEnvironment *environment);
