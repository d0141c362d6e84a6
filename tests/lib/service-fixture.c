#include "tests/lib/service-fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/macro.h"

#include "tests/lib/servers.h"
#include "tests/lib/temp-dir.h"
#include "tests/lib/users.h"

#define TEST_SEC 60

ServiceFixture fixture;

static char *root_dir; /* owned: outlives the forked tests, so that a failed one leaves nothing */

/*
 * Of LeakSanitizer, if it is linked. A test is a process of its own that ends when it has seen
 * enough; the daemons that it starts are watched all the same.
 */
extern void __lsan_disable(void) __attribute__((__weak__));

int fixture_play(Suite *suite, unsigned servers)
{
        SRunner *runner;
        int failed;

        if (__lsan_disable)
                __lsan_disable();
        users_setup();
        if (servers)
                servers_start(servers);
        root_dir = temp_dir_new(); /* in the /tmp that the servers leave */
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        if (servers)
                servers_stop();
        root_dir = temp_dir_remove(root_dir);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

TCase *fixture_case(Suite *suite, const char *name, void (*start)(void))
{
        TCase *tcase = tcase_create(name);

        tcase_add_checked_fixture(tcase, start, fixture_stop);
        tcase_set_timeout(tcase, TEST_SEC);
        suite_add_tcase(suite, tcase);
        return tcase;
}

/* Each test is a process of its own: its number makes the directory its own. */
static void start(DaemonKind kind, bool with_key, BusProgram program)
{
        char name[32];
        _cleanup_free_ char *daemon_dir = NULL;

        (void) snprintf(name, sizeof(name), "%d", (int) getpid());
        fixture.dir = temp_dir_path(root_dir, name);
        temp_dir_make(fixture.dir, 0755, 0);
        daemon_dir = temp_dir_path(fixture.dir, "daemon");

        bus_start_program(&fixture.bus,
                          program,
                          kind == DAEMON_SYSTEM ? BUS_SYSTEM : BUS_SESSION,
                          fixture.dir);
        daemon_init(&fixture.daemon, kind, &fixture.bus, daemon_dir, "", with_key);
        daemon_start(&fixture.daemon);
        fixture.root = bus_open(&fixture.bus, 0);
        fixture.alice = bus_open(&fixture.bus, USERS_ALICE_UID);
        fixture.bob = bus_open(&fixture.bus, USERS_BOB_UID);
}

void fixture_start(void)
{
        start(DAEMON_SYSTEM, false, BUS_DBUS_DAEMON);
}

void fixture_start_on_broker(void)
{
        start(DAEMON_SYSTEM, false, BUS_DBUS_BROKER);
}

void fixture_start_with_key(void)
{
        start(DAEMON_SYSTEM, true, BUS_DBUS_DAEMON);
}

void fixture_start_user(void)
{
        start(DAEMON_USER, false, BUS_DBUS_DAEMON);
}

void fixture_stop(void)
{
        fixture.bob = sd_bus_flush_close_unref(fixture.bob);
        fixture.alice = sd_bus_flush_close_unref(fixture.alice);
        fixture.root = sd_bus_flush_close_unref(fixture.root);
        daemon_done(&fixture.daemon);
        bus_stop(&fixture.bus);
        fixture.dir = temp_dir_remove(fixture.dir);
}

void fixture_restart(void)
{
        daemon_stop(&fixture.daemon);
        daemon_start(&fixture.daemon);
}

void fixture_crash(void)
{
        daemon_kill(&fixture.daemon);
        daemon_start(&fixture.daemon);
}

char *fixture_alice_file(const char *name)
{
        return temp_dir_path(USERS_ALICE_HOME, name);
}

char *fixture_bob_file(const char *name)
{
        return temp_dir_path(USERS_BOB_HOME, name);
}
