#include "tests/lib/bus-fixture.h"

#include <err.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/macro.h"

#include "tests/lib/install-root.h"
#include "tests/lib/process.h"
#include "tests/lib/temp-dir.h"

#define JOURNAL_DIR    "/run/systemd/journal"
#define JOURNAL_SOCKET JOURNAL_DIR "/socket"
#define JOURNAL_MARK   JOURNAL_DIR "/of-a-test"

#define HEAD                                                                                       \
        "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN\"\n"     \
        " \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n"                      \
        "<busconfig><type>%s</type><listen>unix:path=%s/bus</listen><auth>EXTERNAL</auth>\n"

/* /usr/share/dbus-1/system.conf in short. */
#define SYSTEM_POLICY                                                                              \
        "<policy context=\"default\">\n"                                                           \
        "<allow user=\"*\"/><deny own=\"*\"/>\n"                                                   \
        "<deny send_type=\"method_call\"/><allow send_type=\"signal\"/>\n"                         \
        "<allow send_requested_reply=\"true\" send_type=\"method_return\"/>\n"                     \
        "<allow send_requested_reply=\"true\" send_type=\"error\"/>\n"                             \
        "<allow receive_type=\"method_call\"/><allow receive_type=\"method_return\"/>\n"           \
        "<allow receive_type=\"error\"/><allow receive_type=\"signal\"/>\n"                        \
        "<allow send_destination=\"org.freedesktop.DBus\""                                         \
        " send_interface=\"org.freedesktop.DBus\"/>\n"                                             \
        "<allow send_destination=\"org.freedesktop.DBus\""                                         \
        " send_interface=\"org.freedesktop.DBus.Introspectable\"/>\n"                              \
        "<allow send_destination=\"org.freedesktop.DBus\""                                         \
        " send_interface=\"org.freedesktop.DBus.Properties\"/>\n"                                  \
        "</policy>\n"                                                                              \
        "<policy user=\"root\">"                                                                   \
        "<allow send_destination=\"org.freedesktop.DBus\""                                         \
        " send_interface=\"org.freedesktop.DBus.Monitoring\"/></policy>\n"                         \
        "<includedir>%s/usr/share/dbus-1/system.d</includedir>\n"

#define SESSION_POLICY                                                                             \
        "<policy context=\"default\"><allow user=\"*\"/><allow own=\"*\"/>\n"                      \
        "<allow send_destination=\"*\" eavesdrop=\"true\"/><allow eavesdrop=\"true\"/>"            \
        "</policy>\n"

static void write_config(const char *path, BusKind kind, const char *dir)
{
        FILE *out = fopen(path, "we");

        if (!out)
                err(EXIT_FAILURE, "%s", path);
        (void) fprintf(out, HEAD, kind == BUS_SYSTEM ? "system" : "session", dir);
        if (kind == BUS_SYSTEM)
                (void) fprintf(out, SYSTEM_POLICY, install_root_dir());
        else
                (void) fputs(SESSION_POLICY, out);
        (void) fputs("</busconfig>\n", out);
        if (fclose(out) != 0)
                err(EXIT_FAILURE, "%s", path);
}

/* The socket is there a moment before anybody may connect. */
static bool is_listening(const char *path)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        (void) snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
        return connect(fd, (const struct sockaddr *) &address, sizeof(address)) == 0;
}

/* dbus-broker-launch gives up without a journal; what it says there is for nobody. */
static int open_journal(void)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET };
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        if (mkdir("/run/systemd", 0755) < 0 && errno != EEXIST)
                err(EXIT_FAILURE, "/run/systemd");
        /* Never the machine's own: the mark says that this one is the test's. */
        if (access(JOURNAL_MARK, F_OK) < 0 &&
            (mount("journal", "/run/systemd", "tmpfs", 0, "mode=0755") < 0 ||
             mkdir(JOURNAL_DIR, 0755) < 0 || mkdir(JOURNAL_MARK, 0755) < 0))
                err(EXIT_FAILURE, "%s", JOURNAL_DIR);
        (void) unlink(JOURNAL_SOCKET);
        if (bind(fd, (const struct sockaddr *) &address, sizeof(address)) < 0)
                err(EXIT_FAILURE, "%s", JOURNAL_SOCKET);
        return fd;
}

static void start(Bus *bus, const ProcessSpec *spec, const char *path)
{
        bus->pid = process_start(spec);
        if (!PROCESS_WAIT_UNTIL(10000, is_listening(path)))
                errx(EXIT_FAILURE,
                     "%s does not start: %s",
                     spec->argv[0],
                     temp_dir_read(spec->output, NULL));
}

static void start_broker(Bus *bus, const ProcessSpec *spec, const char *path, const char *option)
{
        _cleanup_free_ char *own_bus = NULL;
        ProcessSpec broker = *spec;

        /* The launcher is a client of the bus that it launches. */
        if (asprintf(&own_bus, "DBUS_SYSTEM_BUS_ADDRESS=unix:path=%s", path) < 0)
                err(EXIT_FAILURE, "bus");
        bus->journal_fd = open_journal();
        broker.argv = PROCESS_ARGV("systemd-socket-activate",
                                   "--listen",
                                   path,
                                   "env",
                                   own_bus,
                                   "dbus-broker-launch",
                                   "--scope",
                                   "system",
                                   option);
        start(bus, &broker, path);
        if (chmod(path, 0666) < 0)
                err(EXIT_FAILURE, "%s", path);
}

static void start_as(Bus *bus, BusProgram program, BusKind kind, const char *dir, uint32_t uid)
{
        _cleanup_free_ char *config = temp_dir_path(dir, "bus.conf");
        _cleanup_free_ char *log = temp_dir_path(dir, "bus.log");
        _cleanup_free_ char *path = temp_dir_path(dir, "bus");
        _cleanup_free_ char *option = NULL;
        const ProcessSpec spec = { .output = log, .uid = uid };
        ProcessSpec daemon = spec;

        *bus = (Bus){ .journal_fd = -EBADF };
        if (asprintf(&option, "--config-file=%s", config) < 0 ||
            asprintf(&bus->address, "unix:path=%s", path) < 0)
                err(EXIT_FAILURE, "bus");
        if (uid != 0 && chmod(dir, 0777) < 0)
                err(EXIT_FAILURE, "%s", dir);
        write_config(config, kind, dir);
        if (program == BUS_DBUS_BROKER) {
                start_broker(bus, &spec, path, option);
                return;
        }
        daemon.argv = PROCESS_ARGV("dbus-daemon", option, "--nofork", "--nopidfile");
        start(bus, &daemon, path);
}

void bus_start(Bus *bus, BusKind kind, const char *dir, uint32_t uid)
{
        start_as(bus, BUS_DBUS_DAEMON, kind, dir, uid);
}

void bus_start_program(Bus *bus, BusProgram program, BusKind kind, const char *dir)
{
        start_as(bus, program, kind, dir, 0);
}

void bus_stop(Bus *bus)
{
        process_stop(&bus->pid);
        bus->journal_fd = macro_close(bus->journal_fd);
        free(bus->address);
        bus->address = NULL;
}

sd_bus *bus_open(const Bus *bus, uint32_t uid)
{
        sd_bus *connection = NULL;
        const char *name;
        int r;

        if (seteuid(uid) < 0)
                err(EXIT_FAILURE, "becoming uid %u", uid);
        r = sd_bus_new(&connection);
        if (r >= 0)
                r = sd_bus_set_address(connection, bus->address);
        if (r >= 0)
                r = sd_bus_set_bus_client(connection, true);
        if (r >= 0)
                r = sd_bus_start(connection);
        if (r >= 0)
                r = sd_bus_get_unique_name(connection, &name);
        if (seteuid(0) < 0)
                err(EXIT_FAILURE, "becoming root again");
        if (r < 0)
                errx(EXIT_FAILURE, "connecting to the bus as uid %u: %s", uid, strerror(-r));
        return connection;
}
