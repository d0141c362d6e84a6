/*
 * One question to dosvc-proxy: which proxies lead to an origin? Starts the program as the job's
 * owner through the spawner, as workers start, hands it the question, and checks its answer;
 * dbus/proxy-wire.h. What it says is believed no more than what a worker says.
 *
 * The variables of the session go to that program alone, in the question.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/macro.h"

#include "manager/spawner.h"

typedef struct ProxyFinder ProxyFinder;

typedef struct ProxyQuestion {
        uint32_t uid;
        const char *user;
        bool autodetect; /* WPAD; else the session's settings */
        const char *origin;
} ProxyQuestion;

/*
 * Once, from the loop; the finder may be freed from within. proxies: borrowed, normal forms
 * of url_parse_proxy() or PROXY_DIRECT, at least one; NULL: reason is a sentence that says why.
 */
typedef void (*proxy_finder_done_t)(void *userdata, char **proxies, const char *reason);

/* Everything is copied. -E2BIG: the session's variables are too long; errnos of spawner_start(). */
int proxy_finder_new(sd_event *event,
                     Spawner *spawner,
                     const ProxyQuestion *question,
                     proxy_finder_done_t done,
                     void *userdata,
                     ProxyFinder **ret);
ProxyFinder *proxy_finder_free(ProxyFinder *finder); /* kills */
DEFINE_CLEANUP(ProxyFinder *, proxy_finder_free);

/* Whether this process was started in a session that may have settings for proxies. */
bool proxy_finder_has_session(void);
