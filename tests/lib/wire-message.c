#include "tests/lib/wire-message.h"

#include <check.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dbus/worker-wire.h"

sd_bus_message *message;
static sd_bus *bus;

void message_setup(void)
{
        int pair[2];

        /* sd-bus makes messages only for a connection; nobody reads from this one. */
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        ck_assert_int_ge(sd_bus_new(&bus), 0);
        ck_assert_int_ge(sd_bus_set_fd(bus, pair[0], pair[0]), 0);
        ck_assert_int_ge(sd_bus_negotiate_fds(bus, true), 0);
        ck_assert_int_ge(sd_bus_start(bus), 0);
        (void) close(pair[1]);
        ck_assert_int_ge(sd_bus_message_new_method_call(bus,
                                                        &message,
                                                        NULL,
                                                        WORKER_PATH,
                                                        WORKER_INTERFACE,
                                                        "Test"),
                         0);
}

void message_teardown(void)
{
        message = sd_bus_message_unref(message);
        bus = sd_bus_close_unref(bus);
}

void message_seal(void)
{
        ck_assert_int_ge(sd_bus_message_seal(message, 1, 0), 0);
        ck_assert_int_ge(sd_bus_message_rewind(message, 1), 0);
}
