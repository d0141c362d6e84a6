/*
 * A private dbus-daemon or dbus-broker and connections to it as any user. A connection's peer
 * credentials are those of the moment of connect(2), so one test process can be several users at
 * once.
 *
 *   BUS_SYSTEM   policy of Debian's system bus plus what `make install` staged (system.d):
 *                what the shipped policy forbids is forbidden here
 *   BUS_SESSION  everybody may everything
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-bus.h>

typedef enum BusKind {
        BUS_SYSTEM,
        BUS_SESSION,
} BusKind;

typedef enum BusProgram {
        BUS_DBUS_DAEMON,
        BUS_DBUS_BROKER, /* only after users_setup(): it wants a journal in /run */
} BusProgram;

typedef struct Bus {
        char *address; /* owned */
        pid_t pid;
        int journal_fd; /* owned; -EBADF: none */
} Bus;

/* Starts it in that directory, run as that uid (0 = root) for the install root of
 * $DOSVC_INSTALL_ROOT. */
void bus_start(Bus *bus, BusKind kind, const char *dir, uint32_t uid);
/* The same with that program, as root. */
void bus_start_program(Bus *bus, BusProgram program, BusKind kind, const char *dir);
void bus_stop(Bus *bus);

/* A connection as that user; closed with sd_bus_flush_close_unref(). */
sd_bus *bus_open(const Bus *bus, uint32_t uid);
