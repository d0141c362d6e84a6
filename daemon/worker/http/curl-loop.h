/*
 * libcurl's multi interface on sd-event: sockets, one timer, and completions that are told
 * from a defer source, so that whoever hears of one may free what it belongs to. Knows
 * handles, not files. One loop a process: connections, and with them identities, are never
 * shared between jobs.
 */
#pragma once

#include <curl/curl.h>
#include <systemd/sd-event.h>

#include "base/macro.h"

typedef struct CurlLoop CurlLoop;

/* Called once for each added handle; the handle is no longer in the loop then. */
typedef void (*curl_loop_done_t)(void *userdata, CURLcode result);

/*
 * The first call of libcurl in the process: everything that it allocates is erased when it
 * is freed (CURLOPT_PASSWORD, Authorization headers, request buffers). -ENOMEM.
 */
int curl_loop_setup(void);

/* At most max_host_connections to one host; other requests for it wait. -ENOMEM. */
int curl_loop_new(sd_event *event, long max_host_connections, CurlLoop **ret);
/* All handles must have been removed or have completed. Closes all connections. */
CurlLoop *curl_loop_free(CurlLoop *loop);
DEFINE_CLEANUP(CurlLoop *, curl_loop_free);

/* Starts the transfer of a handle, which stays the caller's; uses its CURLOPT_PRIVATE. */
int curl_loop_add(CurlLoop *loop, CURL *easy, curl_loop_done_t done, void *userdata);

/* Ends it without a word. Never from a callback of that handle. */
void curl_loop_remove(CurlLoop *loop, CURL *easy);
