/*
 * Stands in for worker/tickets: no thread, no KDC. The test sees what was wished and says what
 * came of it. Linked only by the tests that tests/sources.mk names, in place of the real one.
 */
#pragma once

#include "worker/http/tickets.h"

/* The last wish: "host user password" or "host implicit"; "" if none is under way. */
const char *fake_tickets_wish(void);

/* What comes of it, told from within. */
void fake_tickets_finish(int result, const char *text);
