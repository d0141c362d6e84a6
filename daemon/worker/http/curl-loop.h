/*
 * libcurl's multi interface on sd-event: sockets, one timer, and completions. These are reported
 * from a defer source, so that the receiver may free what the handle belongs to. Knows handles,
 * not files.
 */
#pragma once

#include <curl/curl.h>
#include <systemd/sd-event.h>

#include "base/macro.h"

typedef struct CurlLoop CurlLoop;

/* Called once for each added handle, which is no longer in the loop then. */
typedef void (*curl_loop_done_t)(void *userdata, CURLcode result);

/* At most max_host_connections to one host; other requests for it wait. -ENOMEM. */
int curl_loop_new(sd_event *event, long max_host_connections, CurlLoop **ret);
/* All handles must have been removed or have completed. Closes all connections. */
CurlLoop *curl_loop_free(CurlLoop *loop);
DEFINE_CLEANUP(CurlLoop *, curl_loop_free);

/* Starts the transfer of a handle, which stays the caller's; uses its CURLOPT_PRIVATE. -ENOMEM. */
int curl_loop_add(CurlLoop *loop, CURL *easy, curl_loop_done_t done, void *userdata);

/* Ends the transfer without calling done. Never from a callback of that handle. */
void curl_loop_remove(CurlLoop *loop, CURL *easy);
