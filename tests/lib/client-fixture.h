/*
 * A service with three people who are connected by libdosvc, and a job of one of them.
 * client_start() and client_stop() are the checked fixture of a TCase; a call that must succeed
 * fails the test otherwise.
 */
#pragma once

#include <check.h>
#include <dosvc.h>
#include <stddef.h>
#include <stdint.h>

#include "dbus/dosvc-wire.h"

#include "tests/lib/servers.h"

#define SECOND 1000000ULL
#define WAIT   (30 * SECOND)

#define NO_JOB "0123456789abcdef0123456789abcdef"

#define ERROR(name)      DOSVC_ERROR_PREFIX name
#define DBUS_ERROR(name) "org.freedesktop.DBus.Error." name

extern dosvc_connection *alice, *bob, *root;
extern char job_id[DOSVC_ID_SIZE]; /* a job of alice's, "client" */
extern char *local_file;           /* where its file goes */

void client_start(void);
void client_stop(void);

/* A TCase of the suite with that fixture; 60 s a test. */
TCase *client_case(Suite *suite, const char *name);

/* One more connection to the service, as that user; the caller closes it. */
dosvc_connection *connect_as(uint32_t uid);

/* Adds that file of a server to the job, to be stored as local_file. */
void add_file(Site site, const char *name);

/* The caller frees it. */
dosvc_job_info *info_of(dosvc_connection *c, const char *job);

size_t count_jobs(dosvc_connection *c, unsigned int flags, const char *state);

/* Credentials of the job; password NULL: without one. Returns what the call did. */
int set_password(const char *target, const char *scheme, const char *user, const char *password);

/* r is that errno, and the connection has that name of the error and a sentence. */
void assert_error(dosvc_connection *c, int r, int expected, const char *name);
