/*
 * Replaces worker/sources by a protocol of the test's own: the test sees what is asked for and
 * makes the events. Linked only by the tests that tests/sources.mk names.
 */
#pragma once

#include "worker/sources.h"

/* How often and for which position something was asked for, and whether it was halted since. */
unsigned fake_source_fetches(void);
uint64_t fake_source_position(void);
bool fake_source_is_halted(void);

/* The events, as the transfer gets them. */
int fake_source_relocated(const char *url);
int fake_source_begin(const SourceAnswer *answer);
int fake_source_body(const char *text);
void fake_source_done(Failure *failure);
