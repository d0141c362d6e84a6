/*
 * Whether something of the network came up: a link, an address or a route of this process's
 * network namespace, as the kernel tells it over rtnetlink(7). Says no more than that: whether a
 * server can be reached now is for whoever tries. What goes down is not told.
 *
 * Debounced by not listening: after the first news the socket is left alone until things had a
 * second to settle, and for some seconds after news were told, so that a storm of changes costs a
 * look a second; what does not fit into the socket's buffer meanwhile is the kernel's to drop.
 *
 * The caller polls network_watch_fd() for network_watch_timeout_msec() and then takes a turn.
 * All times are msec of a clock that only goes forward.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Nothing may have come up for so long before it is told, and so long nothing is told again. */
#define NETWORK_WATCH_QUIET_MSEC 1000
#define NETWORK_WATCH_PAUSE_MSEC 4000

typedef struct NetworkWatch {
        int fd;         /* owned; -EBADF: not open, nothing is ever told */
        uint64_t until; /* not looked at before; 0: at any time */
        bool pending;   /* something came up and was not told yet */
} NetworkWatch;

/* Begins to listen. Errnos of socket(2) and bind(2): there is no netlink for this process. */
int network_watch_open(NetworkWatch *watch);
/* Harmless where nothing is open. */
void network_watch_close(NetworkWatch *watch);

/* To be polled for POLLIN; negative while nobody listens, which poll(2) skips. */
int network_watch_fd(const NetworkWatch *watch, uint64_t now);
/* As poll(2) takes it: -1 for ever. */
int network_watch_timeout_msec(const NetworkWatch *watch, uint64_t now);
/* After each poll, whatever it found. True: something came up, and things are quiet by now. */
bool network_watch_turn(NetworkWatch *watch, uint64_t now);

/* Whether one of these netlink messages says so. Believes no length further than size. */
bool network_watch_is_news(const void *messages, size_t size);
