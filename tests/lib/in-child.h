/*
 * Checks of what a process does to itself and cannot undo. They run in a forked child, which
 * cannot use Check's assertions and reports the line of a failed one by its exit status.
 */
#pragma once

#include <unistd.h>

/* Fails the test with the line of the MUST() that did not hold. */
void in_child(void (*check)(void));

/* Only in a check of in_child(). The exit status is the line modulo 255, enough to find it. */
#define MUST(condition)                                                                            \
        do {                                                                                       \
                if (!(condition))                                                                  \
                        _exit(__LINE__ % 255 + 1);                                                 \
        } while (0)
