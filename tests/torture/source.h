/*
 * The files that there are to fetch: sixteen files on one HTTP server, from nothing to some hundred
 * kilobytes, at once or at a trickle, each with its own idea of validators and ranges. All but
 * those with a checksum change their version whenever they are told to, in mid answer too.
 */
#pragma once

#include <stdint.h>

#include "tests/lib/http-server.h"

#define SOURCES HTTP_SERVER_COUNTERS /* each has a counter: its version */

/* The handler. */
void source_serve(HttpRequest *request);

/* A new string. */
char *source_url(const HttpServer *server, unsigned source);

/* In hex of a source that never changes, else NULL; valid until the next call. */
const char *source_sha256(unsigned source);

/* The version that is served now, and the next one from now on. */
uint32_t source_version(const HttpServer *server, unsigned source);
void source_change(const HttpServer *server, unsigned source);

/* Tells which of these versions the file is, byte for byte; -1: none of them. */
int64_t source_recognize(unsigned source, const char *path, uint32_t first, uint32_t last);
