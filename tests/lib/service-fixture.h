/*
 * What most integration tests stand on: a private bus, a dosvcd on it and three people with a
 * connection. fixture_start() and fixture_stop() are the checked fixture of a TCase, so each test
 * has a daemon and a database of its own; the servers are started once in main().
 */
#pragma once

#include <check.h>

#include "tests/lib/bus-fixture.h"
#include "tests/lib/daemon-fixture.h"

typedef struct ServiceFixture {
        char *dir; /* owned: removed at the end */
        Bus bus;
        Daemon daemon;
        sd_bus *root, *alice, *bob; /* owned */
} ServiceFixture;

extern ServiceFixture fixture;

/*
 * The whole of a main(): sets up the users and these servers (0 = none), runs the suite, ends
 * the servers and removes what was left. Returns the exit status.
 */
int fixture_play(Suite *suite, unsigned servers);

/* A TCase of the suite whose tests each have such a fixture; 60 s a test. */
TCase *fixture_case(Suite *suite, const char *name, void (*start)(void));

/* Fixtures: the system instance, the same with a key that outlives it, alice's own instance. */
void fixture_start(void);
void fixture_start_on_broker(void); /* on dbus-broker instead of dbus-daemon */
void fixture_start_with_key(void);
void fixture_start_user(void);
void fixture_stop(void);

/* SIGTERM or SIGKILL and start again; the connections stay. */
void fixture_restart(void);
void fixture_crash(void);

/* A file name in a directory of that person's (alice's: downloads); a new string. */
char *fixture_alice_file(const char *name);
char *fixture_bob_file(const char *name);
