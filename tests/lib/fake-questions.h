/*
 * Replaces worker/questions, without a bus: the test sees which questions are under way and gives
 * the answers. Linked only by the tests that tests/sources.mk names, in place of the real one.
 */
#pragma once

#include "worker/questions.h"

/* The question under way, "authenticate server 3" or "find-proxies URL"; "" if there is none. */
const char *fake_questions_asked(void);

/* Answer it, from within. The secret stays the caller's if it is not stolen from credential. */
void fake_questions_give_credential(int result, Credential *credential);
void fake_questions_give_proxies(int result, char *const *proxies, const char *reason);
