/*
 * dosvcctl with services of other versions: one that lacks properties, and has others that came
 * after this dosvcctl, stands in for dosvcd on the bus.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/macro.h"

#include "tests/lib/client-fixture.h"
#include "tests/lib/dosvcctl-fixture.h"
#include "tests/lib/process.h"
#include "tests/lib/service-fixture.h"
#include "tests/lib/users.h"

static pid_t service;

/* The one job of the service; it forgets it when it ends. */
typedef struct Job {
        uint32_t connections;
        uint64_t rate;
        int automatic;
        char *colour;
} Job;

static int get_hosts(sd_bus *bus,
                     const char *path,
                     const char *interface,
                     const char *property,
                     sd_bus_message *reply,
                     void *userdata,
                     sd_bus_error *error)
{
        return sd_bus_message_append(reply, "a(su)", 2, "first", 1, "second", 2);
}

/* Without Priority, MinimumRetryDelay, ProxySettings and most others. */
static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_WRITABLE_PROPERTY("MaximumConnections",
                                 "u",
                                 NULL,
                                 NULL,
                                 offsetof(Job, connections),
                                 SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_WRITABLE_PROPERTY("MaximumRate",
                                 "t",
                                 NULL,
                                 NULL,
                                 offsetof(Job, rate),
                                 SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_WRITABLE_PROPERTY("AutoComplete",
                                 "b",
                                 NULL,
                                 NULL,
                                 offsetof(Job, automatic),
                                 SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_WRITABLE_PROPERTY("FavouriteColour",
                                 "s",
                                 NULL,
                                 NULL,
                                 offsetof(Job, colour),
                                 SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_PROPERTY("Hosts", "a(su)", get_hosts, 0, 0),
        SD_BUS_VTABLE_END,
};

/* Runs until it is killed; the exit status is that of a failure. */
static void serve(void)
{
        Job job = { .connections = 1, .rate = 5 };
        char path[128];
        sd_bus *bus;
        int r;

        (void) snprintf(path, sizeof(path), "%s/%s", DOSVC_JOB_PREFIX, job_id);
        job.colour = strdup("red");
        bus = bus_open(&fixture.bus, USERS_DOSVC_UID);
        r = sd_bus_add_object_vtable(bus, NULL, path, DOSVC_JOB_INTERFACE, vtable, &job);
        if (r >= 0)
                r = sd_bus_request_name(bus, DOSVC_BUS_NAME, 0);
        while (r >= 0) {
                r = sd_bus_process(bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(bus, UINT64_MAX);
        }
        (void) fprintf(stderr, "The service of another version: %s\n", strerror(-r));
        _exit(1);
}

static void start(void)
{
        client_start();
        daemon_stop(&fixture.daemon);
        service = fork();
        ck_assert_int_ge(service, 0);
        if (service == 0)
                serve();
        ck_assert(PROCESS_WAIT_UNTIL(10000,
                                     sd_bus_get_name_creds(fixture.root, DOSVC_BUS_NAME, 0, NULL) >=
                                             0));
}

static void stop(void)
{
        process_kill(&service);
        client_stop();
}

START_TEST(properties_that_came_later_are_shown)
{
        assert_run("dosvcctl show $job", 0);
        ck_assert_str_eq(output,
                         "MaximumConnections=1\nMaximumRate=5\nAutoComplete=no\n"
                         "FavouriteColour=red\nHosts=first:1 second:2\n");
        assert_run("dosvcctl --json=short show $job", 0);
        ck_assert_str_eq(output,
                         "{\"schema\":1,\"maximum_connections\":1,\"maximum_rate\":5,"
                         "\"auto_complete\":false,\"favourite_colour\":\"red\","
                         "\"hosts\":[[\"first\",1],[\"second\",2]]}\n");
        assert_run("dosvcctl show -p favourite-colour --value $job", 0);
        ck_assert_str_eq(output, "red\n");
}
END_TEST

START_TEST(properties_that_came_later_are_set)
{
        assert_run("dosvcctl set $job maximum-connections=4 maximum-rate=2M auto-complete=yes "
                   "FavouriteColour='light blue'",
                   0);
        assert_run("dosvcctl set $job", 0);
        ck_assert_str_eq(output,
                         "maximum-connections=4\nmaximum-rate=2097152\nauto-complete=yes\n"
                         "favourite-colour=light blue\n");
        assert_run("dosvcctl set $job maximum-connections=4294967296", 2);
        assert_said("maximum-connections");
        assert_run("dosvcctl set $job maximum-connections=4K", 2);
        assert_run("dosvcctl set $job maximum-rate=2min", 2);
        assert_said("is not a size");
        assert_run("dosvcctl set $job auto-complete=maybe", 2);
        assert_said("yes or no");
}
END_TEST

START_TEST(properties_that_the_service_lacks_are_no_keys)
{
        assert_run("dosvcctl set $job retry-delay=5min", 2);
        assert_said("Keys are: maximum-connections, maximum-rate, auto-complete, "
                    "favourite-colour.");
        assert_run("dosvcctl set $job priority=high", 2);
        assert_run("dosvcctl set $job proxy=none", 2);
        assert_run("dosvcctl set $job hosts=x", 2);
        assert_run("dosvcctl show -p Priority $job", 2);
        assert_run("dosvcctl status $job && dosvcctl explain $job", 0);
        assert_run("dosvcctl suspend $job", 1);
        assert_said("another version");
}
END_TEST

static Suite *make_suite(void)
{
        Suite *suite = suite_create("dosvcctl-versions");
        TCase *tcase = tcase_create("versions");

        tcase_add_checked_fixture(tcase, start, stop);
        tcase_set_timeout(tcase, 60);
        tcase_add_test(tcase, properties_that_came_later_are_shown);
        tcase_add_test(tcase, properties_that_came_later_are_set);
        tcase_add_test(tcase, properties_that_the_service_lacks_are_no_keys);
        suite_add_tcase(suite, tcase);
        return suite;
}

int main(void)
{
        return fixture_play(make_suite(), 0);
}
