/*
 * What servers wrote of the requests to a port, each line "METHOD|URI|STATUS|AUTHORIZATION|USER",
 * put into the words that tests compare. It reads, and forgets up to a place; servers write.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "tests/lib/server-fixture.h"

/* Forgets the requests so far, at all ports. */
void request_log_forget(void);

/*
 * The requests since then, one a line: "METHOD URI STATUS SCHEME", and " USER" if asked for,
 * the user as the server verified it, "-" with a refusal. Waits up to 5 s for that many lines
 * and a moment longer for unexpected ones. A new string.
 */
char *request_log_read(Port port, size_t expected, bool with_user);
