/*
 * The connection of the service to its bus is lost and made anew: jobs and workers go on, the name
 * comes back, and only those who had asked something meanwhile hear of it.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dbus/dosvc-wire.h"

#include "base/macro.h"

#include "tests/lib/client.h"
#include "tests/lib/http-server.h"
#include "tests/lib/process.h"
#include "tests/lib/service-fixture.h"
#include "tests/lib/temp-dir.h"
#include "tests/lib/users.h"

#define BACK_MSEC 15000

#define SLOW_BYTES (6U << 20)

static HttpServer server;
static unsigned char content[SLOW_BYTES];
static char *job, *file; /* alice's; a download that takes about three seconds */

static void serve(HttpRequest *request)
{
        request->piece_bytes = 64U << 10;
        request->piece_msec = 30;
        http_serve(request,
                   &(HttpContent){ .data = content,
                                   .size_bytes = sizeof(content),
                                   .etag = "\"slow\"" });
}

static void start_download(void)
{
        _cleanup_free_ char *url = NULL;

        http_fill(content, sizeof(content), 3);
        http_server_start(&server, serve, fixture.dir);
        url = http_server_url(&server, "/slow");
        file = fixture_alice_file("slow");
        job = client_create_for(fixture.alice, url, file);
        client_call(fixture.alice, job, "Resume");
        client_wait_state(fixture.alice, job, "transferring", 15000);
}

static void start(void)
{
        fixture_start();
        start_download();
}

static void start_on_broker(void)
{
        fixture_start_on_broker();
        start_download();
}

static void finish(void)
{
        http_server_stop(&server);
        fixture_stop();
}

static void open_connections(void)
{
        fixture.daemon.watcher = bus_open(&fixture.bus, 0);
        fixture.root = bus_open(&fixture.bus, 0);
        fixture.alice = bus_open(&fixture.bus, USERS_ALICE_UID);
        fixture.bob = bus_open(&fixture.bus, USERS_BOB_UID);
}

static void close_connections(void)
{
        fixture.daemon.watcher = sd_bus_close_unref(fixture.daemon.watcher);
        fixture.root = sd_bus_close_unref(fixture.root);
        fixture.alice = sd_bus_close_unref(fixture.alice);
        fixture.bob = sd_bus_close_unref(fixture.bob);
}

static bool is_served(void)
{
        return client_try(fixture.alice,
                          DOSVC_MANAGER_PATH,
                          "org.freedesktop.DBus.Peer",
                          "Ping",
                          "") == NULL;
}

/* The same process, the same worker, the bytes that were there, and no second request. */
static void check_that_the_job_went_on(pid_t daemon, pid_t worker)
{
        _cleanup_free_ char *got = NULL;
        size_t size;

        ck_assert(PROCESS_WAIT_UNTIL(BACK_MSEC, is_served()));
        ck_assert_int_eq(fixture.daemon.pid, daemon);
        ck_assert(process_is_alive(daemon));
        if (worker)
                ck_assert_int_eq(daemon_find(&fixture.daemon, "dosvc-worker", 0), worker);
        client_wait_state(fixture.alice, job, "transferred", 30000);
        ck_assert_uint_eq(client_number(fixture.alice, job, DOSVC_JOB_INTERFACE, "ErrorCount", 'u'),
                          0);
        ck_assert_int_eq(client_complete(fixture.alice, job), 0);
        got = temp_dir_read(file, &size);
        ck_assert_uint_eq(size, sizeof(content));
        ck_assert_mem_eq(got, content, size);
        ck_assert_uint_eq(http_server_count(&server), 1);
}

static void restart_bus(BusProgram program)
{
        pid_t daemon = fixture.daemon.pid;
        pid_t worker = daemon_find(&fixture.daemon, "dosvc-worker", 5000);

        close_connections();
        bus_stop(&fixture.bus);
        process_nap_msec(500); /* time for some attempts that fail */
        bus_start_program(&fixture.bus, program, BUS_SYSTEM, fixture.dir);
        open_connections();
        check_that_the_job_went_on(daemon, worker);
}

START_TEST(a_bus_that_is_restarted_has_its_service_again)
{
        restart_bus(BUS_DBUS_DAEMON);
}
END_TEST

START_TEST(a_broker_that_is_restarted_has_its_service_again)
{
        restart_bus(BUS_DBUS_BROKER);
}
END_TEST

/* The descriptor of a process, copied, whose peer is the bus; -1: that one is something else. */
static int copy_if_bus(int pidfd, int number)
{
        struct sockaddr_un peer = { 0 };
        socklen_t size = sizeof(peer);
        int fd = (int) syscall(SYS_pidfd_getfd, pidfd, number, 0);

        if (fd >= 0 && getpeername(fd, (struct sockaddr *) &peer, &size) == 0 &&
            strstr(fixture.bus.address, peer.sun_path) && peer.sun_path[0] == '/')
                return fd;
        if (fd >= 0)
                (void) close(fd);
        return -1;
}

static void cut_connection(void)
{
        _cleanup_close_ int pidfd = (int) syscall(SYS_pidfd_open, fixture.daemon.pid, 0), fd = -1;

        for (int number = 3; fd < 0 && number < 256; number++)
                fd = copy_if_bus(pidfd, number);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(shutdown(fd, SHUT_RDWR), 0);
}

START_TEST(a_connection_that_is_cut_is_made_anew)
{
        pid_t daemon = fixture.daemon.pid;
        pid_t worker = daemon_find(&fixture.daemon, "dosvc-worker", 5000);

        cut_connection();
        check_that_the_job_went_on(daemon, worker);
}
END_TEST

START_TEST(connections_may_be_cut_again_and_again)
{
        pid_t daemon = fixture.daemon.pid;

        for (unsigned i = 0; i < 10; i++) {
                cut_connection();
                ck_assert(PROCESS_WAIT_UNTIL(BACK_MSEC, is_served()));
        }
        check_that_the_job_went_on(daemon, 0);
}
END_TEST

static int on_state(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        *(bool *) userdata = true;
        return 0;
}

START_TEST(who_subscribes_anew_hears_of_the_job_again)
{
        bool heard = false;

        cut_connection();
        ck_assert(PROCESS_WAIT_UNTIL(BACK_MSEC, is_served()));
        ck_assert_int_ge(sd_bus_match_signal(fixture.alice,
                                             NULL,
                                             NULL,
                                             job,
                                             DOSVC_JOB_INTERFACE,
                                             "StateChanged",
                                             on_state,
                                             &heard),
                         0);
        ck_assert_ptr_null(client_try(fixture.alice,
                                      DOSVC_MANAGER_PATH,
                                      DOSVC_MANAGER_INTERFACE,
                                      "Subscribe",
                                      "a{sv}",
                                      0));
        while (!heard) {
                while (sd_bus_process(fixture.alice, NULL) > 0)
                        ;
                ck_assert_int_ge(sd_bus_wait(fixture.alice, 10000000), 0);
        }
}
END_TEST

static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        *(bool *) userdata = true;
        return 0;
}

/* Its caller has to look for himself, but the files are in place. */
START_TEST(a_publication_goes_on_without_its_caller)
{
        bool answered = false;

        client_wait_state(fixture.alice, job, "transferred", 30000);
        ck_assert_int_ge(sd_bus_call_method_async(fixture.alice,
                                                  NULL,
                                                  DOSVC_BUS_NAME,
                                                  job,
                                                  DOSVC_JOB_INTERFACE,
                                                  "Complete",
                                                  on_answer,
                                                  &answered,
                                                  ""),
                         0);
        ck_assert_int_ge(sd_bus_flush(fixture.alice), 0);
        (void) is_served(); /* by now the call before it has been taken */
        cut_connection();
        ck_assert(PROCESS_WAIT_UNTIL(BACK_MSEC, is_served()));
        ck_assert(PROCESS_WAIT_UNTIL(BACK_MSEC, access(file, F_OK) == 0));
        ck_assert(PROCESS_WAIT_UNTIL(BACK_MSEC, client_try_call(fixture.alice, job, "Resume")));
}
END_TEST

/* Nobody can call it, and it has nothing to do. */
START_TEST(a_service_without_bus_and_work_ends)
{
        int status = -1;

        client_call(fixture.alice, job, "Cancel");
        daemon_stop(&fixture.daemon);
        temp_dir_write(fixture.daemon.config, "[Service]\nIdleExitSec=1\n");
        daemon_start(&fixture.daemon);
        process_nap_msec(2500);
        ck_assert(process_is_alive(fixture.daemon.pid)); /* nothing would start it again */

        close_connections();
        process_stop(&fixture.bus.pid);
        ck_assert(process_wait(fixture.daemon.pid, 15000, &status));
        ck_assert_int_eq(status, 0);
        fixture.daemon.pid = 0;
}
END_TEST

START_TEST(a_service_without_bus_finishes_its_work_first)
{
        int status = -1;

        client_call(fixture.alice, job, "Suspend");
        daemon_stop(&fixture.daemon);
        temp_dir_write(fixture.daemon.config, "[Service]\nIdleExitSec=1\n");
        daemon_start(&fixture.daemon);
        client_call(fixture.alice, job, "Resume");
        client_wait_state(fixture.alice, job, "transferring", 15000);

        close_connections();
        process_stop(&fixture.bus.pid);
        ck_assert(process_wait(fixture.daemon.pid, 30000, &status));
        ck_assert_int_eq(status, 0);
        fixture.daemon.pid = 0;

        bus_start_program(&fixture.bus, BUS_DBUS_DAEMON, BUS_SYSTEM, fixture.dir);
        open_connections();
        daemon_start(&fixture.daemon);
        ck_assert_str_eq(client_state(fixture.alice, job), "transferred");
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("presence");
        TCase *daemon = tcase_create("dbus-daemon"), *broker = tcase_create("dbus-broker");

        tcase_add_checked_fixture(daemon, start, finish);
        tcase_set_timeout(daemon, 60);
        tcase_add_test(daemon, a_bus_that_is_restarted_has_its_service_again);
        tcase_add_test(daemon, a_connection_that_is_cut_is_made_anew);
        tcase_add_test(daemon, connections_may_be_cut_again_and_again);
        tcase_add_test(daemon, who_subscribes_anew_hears_of_the_job_again);
        tcase_add_test(daemon, a_publication_goes_on_without_its_caller);
        tcase_add_test(daemon, a_service_without_bus_and_work_ends);
        tcase_add_test(daemon, a_service_without_bus_finishes_its_work_first);
        suite_add_tcase(suite, daemon);
        tcase_add_checked_fixture(broker, start_on_broker, finish);
        tcase_set_timeout(broker, 60);
        tcase_add_test(broker, a_broker_that_is_restarted_has_its_service_again);
        tcase_add_test(broker, a_connection_that_is_cut_is_made_anew);
        suite_add_tcase(suite, broker);
        return fixture_play(suite, 0);
}
