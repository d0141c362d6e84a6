/*
 * dosvcctl as a user runs it: shell commands in which "dosvcctl" is the one under test, by its path
 * $program, and $job the job of client_start(), with what they print.
 */
#pragma once

#include <stdint.h>

#include "tests/lib/servers.h"

extern char *output; /* of the last command: stdout and stderr */

/* Exit status of a command that a user, or alice, runs. */
int run_as(uint32_t uid, const char *command);
int run(const char *command);

/* A command with the URL of a server's file between its two parts. */
int run_with_url(Site site, const char *name, const char *before, const char *after);

#define assert_run(command, expected)                                                              \
        do {                                                                                       \
                int assert_status_ = run(command);                                                 \
                ck_assert_msg(assert_status_ == (expected),                                        \
                              "'%s' gave %d: %s",                                                  \
                              command,                                                             \
                              assert_status_,                                                      \
                              output);                                                             \
        } while (0)

#define assert_said(text)                                                                          \
        ck_assert_msg(strstr(output, text) != NULL, "'%s' is not in: %s", text, output)
