/*
 * One question to dosvc-proxy: which proxies lead to an origin? The program is started through the
 * spawner as the owner of the job, as workers are. It gets the question as dbus/proxy-wire.h has
 * it, and its answer is checked as a worker's messages are, because its user controls it.
 *
 * No other program gets the variables of the session, which are part of the question.
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
        bool autodetect; /* by WPAD instead of the settings of the session */
        const char *origin;
} ProxyQuestion;

/*
 * Called once from the loop; the finder may be freed within. proxies: borrowed, at least one, each
 * a normal form of url_parse_proxy() or PROXY_DIRECT. NULL: it failed, and reason is a sentence.
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

/* True if this process was started in a session that may have settings for proxies. */
bool proxy_finder_has_session(void);
