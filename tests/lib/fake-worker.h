/*
 * A fake dosvc-worker, to see what dosvc-spawn makes of a process: a test program that is run
 * under that name writes what it finds itself to be to its link, one "name=value" a line, and
 * exits with FAKE_WORKER_EXIT when the link is closed or brings a byte.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/macro.h"

#define FAKE_WORKER_EXIT          7
#define FAKE_WORKER_PATIENCE_SEC  10
#define FAKE_WORKER_PATIENCE_MSEC (FAKE_WORKER_PATIENCE_SEC * 1000)

/* It looks for this key in its session keyring; fact "vault-key". */
#define FAKE_WORKER_KEY "dosvcd:vault"

/* First in main(): does not return in a worker. */
void fake_worker_main(int argc, char **argv, char **environment);

/*
 * A new directory with dosvc-spawn, which the Makefile puts two directories above the test
 * program, and the test program as dosvc-worker and dosvc-proxy, 0711. Freed by temp_dir_remove().
 */
char *fake_worker_install(void);

/* Reads of that socket fail after FAKE_WORKER_PATIENCE_SEC. */
void fake_worker_patience(int fd);

/* A link: ours has patience, theirs is handed to a worker. */
void fake_worker_link(int *ret_ours, int *ret_theirs);

/* All that the worker says; valid until the next call. */
const char *fake_worker_read(int link);

/* The value of one fact; valid for three more calls. Fails the test if it is not there. */
const char *fake_worker_fact(const char *facts, const char *name);
pid_t fake_worker_pid(const char *facts);

#define assert_fact(facts, name, value) ck_assert_str_eq(fake_worker_fact((facts), (name)), (value))

/* Waits until nothing is at the other end of a link; facts not read yet are skipped. */
bool fake_worker_is_gone(int link);
