/*
 * A stand-in for dosvc-worker, to see what dosvc-spawn makes of a process: a test program that
 * is run under that name writes what it finds itself to be to its link, one "name=value" a
 * line, and exits with STAND_IN_EXIT when the link is closed or brings a byte.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/macro.h"

#define STAND_IN_EXIT          7
#define STAND_IN_PATIENCE_SEC  10
#define STAND_IN_PATIENCE_MSEC (STAND_IN_PATIENCE_SEC * 1000)

/* It looks for this key in its session keyring; fact "vault-key". */
#define STAND_IN_KEY "dosvcd:vault"

/* First in main(): does not return in a worker. */
void stand_in_main(int argc, char **argv, char **environment);

/*
 * A new directory with dosvc-spawn, which the Makefile puts two directories above the test
 * program, and the test program as dosvc-worker and dosvc-proxy, 0711. Freed by temp_dir_remove().
 */
char *stand_in_stage(void);

/* Reads of that socket fail after STAND_IN_PATIENCE_SEC. */
void stand_in_patience(int fd);

/* A link: ours has patience, theirs is handed to a worker. */
void stand_in_link(int *ret_ours, int *ret_theirs);

/* All that the worker says; valid until the next call. */
const char *stand_in_read(int link);

/* The value of one fact; valid for three more calls. Fails the test if it is not there. */
const char *stand_in_fact(const char *facts, const char *name);
pid_t stand_in_pid(const char *facts);

#define assert_fact(facts, name, value) ck_assert_str_eq(stand_in_fact((facts), (name)), (value))

/* Waits until nothing is at the other end of a link; facts not read yet are skipped. */
bool stand_in_is_gone(int link);
