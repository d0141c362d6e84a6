#include "tests/lib/scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/macro.h"

#include "tests/lib/servers.h"
#include "tests/lib/temp-dir.h"
#include "tests/lib/users.h"

#define TEST_SEC 60

Scene scene;

static char *theatre; /* owned: outlives the forked tests, so that a failed one leaves nothing */

/*
 * Of LeakSanitizer, if it is linked. A test is a process of its own that ends when it has seen
 * enough; the daemons that it starts are watched all the same.
 */
extern void __lsan_disable(void) __attribute__((__weak__));

int scene_play(Suite *suite, unsigned servers)
{
        SRunner *runner;
        int failed;

        if (__lsan_disable)
                __lsan_disable();
        users_setup();
        if (servers)
                servers_start(servers);
        theatre = temp_dir_new(); /* in the /tmp that the servers leave */
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        if (servers)
                servers_stop();
        theatre = temp_dir_remove(theatre);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

TCase *scene_case(Suite *suite, const char *name, void (*start)(void))
{
        TCase *tcase = tcase_create(name);

        tcase_add_checked_fixture(tcase, start, scene_stop);
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
        scene.dir = temp_dir_path(theatre, name);
        temp_dir_make(scene.dir, 0755, 0);
        daemon_dir = temp_dir_path(scene.dir, "daemon");

        bus_start_program(&scene.bus,
                          program,
                          kind == DAEMON_SYSTEM ? BUS_SYSTEM : BUS_SESSION,
                          scene.dir);
        daemon_init(&scene.daemon, kind, &scene.bus, daemon_dir, "", with_key);
        daemon_start(&scene.daemon);
        scene.root = bus_open(&scene.bus, 0);
        scene.alice = bus_open(&scene.bus, USERS_ALICE_UID);
        scene.bob = bus_open(&scene.bus, USERS_BOB_UID);
}

void scene_start(void)
{
        start(DAEMON_SYSTEM, false, BUS_DBUS_DAEMON);
}

void scene_start_on_broker(void)
{
        start(DAEMON_SYSTEM, false, BUS_DBUS_BROKER);
}

void scene_start_with_key(void)
{
        start(DAEMON_SYSTEM, true, BUS_DBUS_DAEMON);
}

void scene_start_user(void)
{
        start(DAEMON_USER, false, BUS_DBUS_DAEMON);
}

void scene_stop(void)
{
        scene.bob = sd_bus_flush_close_unref(scene.bob);
        scene.alice = sd_bus_flush_close_unref(scene.alice);
        scene.root = sd_bus_flush_close_unref(scene.root);
        daemon_done(&scene.daemon);
        bus_stop(&scene.bus);
        scene.dir = temp_dir_remove(scene.dir);
}

void scene_restart(void)
{
        daemon_stop(&scene.daemon);
        daemon_start(&scene.daemon);
}

void scene_crash(void)
{
        daemon_kill(&scene.daemon);
        daemon_start(&scene.daemon);
}

char *scene_alice_file(const char *name)
{
        return temp_dir_path(USERS_ALICE_HOME, name);
}

char *scene_bob_file(const char *name)
{
        return temp_dir_path(USERS_BOB_HOME, name);
}
