/*
 * What a test's HTTP server does for each path: behaves, asks for passwords, redirects, and
 * every way of not keeping to the protocol that a download has to survive. The table at the
 * end of the .c names the paths.
 */
#pragma once

#include "tests/lib/http-server.h"

#define TRICKS_SIZE     (3U * 1024 * 1024)
#define TRICKS_PART     (1024U * 1024) /* what the answers that break off send */
#define TRICKS_ETAG     "\"version-a\""
#define TRICKS_ETAG_B   "\"version-b\""
#define TRICKS_MODIFIED "Thu, 29 Feb 2024 10:00:00 GMT"

/* Who may enter; as a proxy, "proxy-" TRICKS_USER. */
#define TRICKS_USER     "reader"
#define TRICKS_PASSWORD "Plover-xyzzy-marker-1848"

/* Two versions of the file; tricks_setup() fills them before a server starts. */
extern unsigned char tricks_a[TRICKS_SIZE], tricks_b[TRICKS_SIZE];

void tricks_setup(void);

/* The handler. Counter 0 counts the answers that break off, counter 1 redirects. */
void tricks_serve(HttpRequest *request);

/* The paths that do something, one by one; NULL behind the last. */
const char *tricks_path(size_t i);
