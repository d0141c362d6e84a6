/*
 * The files that the jobs fetch: files whose bytes follow from their number, from a server that
 * takes its time while the power is on and none after a cut.
 *
 *   /open/NUMBER/SIZE    for everybody
 *   /closed/NUMBER/SIZE  asks for CONTENT_USER with CONTENT_PASSWORD (Basic)
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tests/lib/http-server.h"

#define CONTENT_USER     "reader"
#define CONTENT_PASSWORD "Plover-xyzzy-marker-0917"
#define CONTENT_FILES    512

/* Before the server starts: what its processes share with the test. */
void content_setup(void);

/* The handler. */
void content_serve(HttpRequest *request);

/* Whether answers come at full speed. */
void content_set_fast(bool fast);

/* Tells how far the server's latest answer has got in each file. */
void content_positions(uint64_t positions[static CONTENT_FILES]);

/* "/open/NUMBER/SIZE" or "/closed/…", a new string. */
char *content_path(bool closed, unsigned number, uint64_t size_bytes);

/* How many of the first bytes of the file at path are those of that number, up to the limit. */
uint64_t content_match(const char *path, unsigned number, uint64_t limit_bytes);
