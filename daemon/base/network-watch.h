/*
 * Reports when something of the network came up: a link, an address or a route of the network
 * namespace of this process, as the kernel announces it over rtnetlink(7). It is a hint only: it
 * does not say which servers can be reached now, and what goes down is not reported.
 *
 * Changes often come in storms. After the first one the socket is not read for a second, so that
 * things can settle, and after a report it is not read for some more seconds; so a storm costs
 * one read a second, and the kernel drops what does not fit into the socket's buffer.
 *
 * The caller polls network_watch_fd() for network_watch_timeout_msec() and then calls
 * network_watch_check(). All times are milliseconds of a clock that never goes back.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The time between the first change and the report, and between a report and the next change. */
#define NETWORK_WATCH_QUIET_MSEC 1000
#define NETWORK_WATCH_PAUSE_MSEC 4000

typedef struct NetworkWatch {
        int fd;         /* owned; -EBADF: not open, and nothing is reported */
        uint64_t until; /* the socket is not read before; 0: at any time */
        bool pending;   /* something came up and was not reported yet */
} NetworkWatch;

/* Errnos of socket(2) and bind(2), where this process may not use netlink. */
int network_watch_open(NetworkWatch *watch);
/* Does nothing if the watch is not open. */
void network_watch_close(NetworkWatch *watch);

/* To be polled for POLLIN; negative, which poll(2) skips, while the socket is not read. */
int network_watch_fd(const NetworkWatch *watch, uint64_t now);
/* A timeout for poll(2): -1 stands for none. */
int network_watch_timeout_msec(const NetworkWatch *watch, uint64_t now);
/* To be called after each poll. True: something came up, and things have settled since. */
bool network_watch_check(NetworkWatch *watch, uint64_t now);

/* Whether one of these netlink messages announces that something came up. */
bool network_watch_is_up(const void *messages, size_t size);
