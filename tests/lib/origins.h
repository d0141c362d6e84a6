/*
 * Two plain HTTP servers, which are two origins, and a job of alice that may fetch from them: for
 * tests that look at requests. Both servers have the same resources: /file is there, /away leads to
 * the other server, /basic wants a password, and /slow answers only a request with the token.
 * CONNECT makes either of them a proxy.
 */
#pragma once

#include <stddef.h>

#include "tests/lib/client.h"
#include "tests/lib/http-server.h"
#include "tests/lib/service-fixture.h"

#define ORIGINS_WAIT_MSEC 20000
#define ORIGINS_TOKEN     "X-Token: marker-4711"
#define ORIGINS_CONTENT   "content of the file\n"

/* Counter of a server: the port that it redirects to. */
enum { ORIGINS_TARGET_PORT };

extern char *job, *local; /* the job, and the file that it fetches */
extern HttpServer own, other;

/* Behind the start of the service; the servers are stopped after the test. */
void origins_start(void);
void origins_stop(void);

/* Adds a file of the server that is the job's own. */
void origins_add(const char *path);
/* Fetches it, and it is whole. */
void origins_fetch(void);
/* Resumes the job, which goes to that error and leaves no file. */
void origins_expect_error(const char *name);

const char *origins_remote_name(void);

/* Properties of the job, set by alice. */
void set_text(const char *property, const char *value);
#define SET_LIST(property, ...)                                                                    \
        client_set_list(fixture.alice, job, property, CLIENT_LIST(__VA_ARGS__))

size_t count_in(const char *text, const char *what);
