/*
 * What a test's HTTP server does for each path: behaves, asks for passwords, redirects, and
 * every way of not keeping to the protocol that a download has to survive. The table at the
 * end of the .c names the paths.
 */
#pragma once

#include "tests/lib/http-server.h"

#define BAD_SERVER_SIZE     (3U * 1024 * 1024)
#define BAD_SERVER_PART     (1024U * 1024) /* what the answers that break off send */
#define BAD_SERVER_ETAG     "\"version-a\""
#define BAD_SERVER_ETAG_B   "\"version-b\""
#define BAD_SERVER_MODIFIED "Thu, 29 Feb 2024 10:00:00 GMT"

/* Who may enter; as a proxy, "proxy-" BAD_SERVER_USER. */
#define BAD_SERVER_USER     "reader"
#define BAD_SERVER_PASSWORD "Plover-xyzzy-marker-1848"

/* Two versions of the file; bad_server_setup() fills them before a server starts. */
extern unsigned char bad_server_a[BAD_SERVER_SIZE], bad_server_b[BAD_SERVER_SIZE];

void bad_server_setup(void);

/* The handler. Counter 0 counts the answers that break off, counter 1 redirects. */
void bad_server_serve(HttpRequest *request);

/* The paths that do something, one by one; NULL behind the last. */
const char *bad_server_path(size_t i);
