/*
 * Replaces worker/http/tickets, without a thread or a KDC: the test sees what was requested and
 * gives the result. Linked only by the tests that tests/sources.mk names, in place of the real one.
 */
#pragma once

#include "worker/http/tickets.h"

/* The request that is under way: "host user password" or "host implicit"; "" if there is none. */
const char *fake_tickets_requested(void);

/* Ends it with that result, which is reported from within. */
void fake_tickets_finish(int result, const char *text);
