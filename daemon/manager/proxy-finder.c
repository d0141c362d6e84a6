#include "manager/proxy-finder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "dbus/proxy-wire.h"
#include "dbus/spawn-wire.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"

#include "model/url.h"

/* Long enough for a name that does not resolve and a server that does not answer. */
#define DEADLINE_USEC (60 * USEC_PER_SEC)

#define MAX_PROXIES 64
#define MAX_REASON  512

struct ProxyFinder {
        Spawner *spawner; /* borrowed */
        proxy_finder_done_t done;
        void *userdata;
        uint64_t program; /* id at the spawner; 0: the program has ended */
        int fd;           /* owned */
        sd_event_source *io, *deadline;
};

/* Variables that show that a session has settings, or that libproxy's plugins need to read them. */
static const char *const setting_names[] = {
        "http_proxy",       "HTTP_PROXY",          "https_proxy",     "HTTPS_PROXY",
        "all_proxy",        "ALL_PROXY",           "DESKTOP_SESSION", "GNOME_DESKTOP_SESSION_ID",
        "KDE_FULL_SESSION", "XDG_CURRENT_DESKTOP",
};
static const char *const other_names[] = {
        "no_proxy",
        "NO_PROXY",
        "DBUS_SESSION_BUS_ADDRESS",
        "HOME",
        "KDEHOME",
        "KDE_SESSION_VERSION",
        "XDG_CONFIG_DIRS",
        "XDG_CONFIG_HOME",
        "XDG_DATA_DIRS",
        "XDG_RUNTIME_DIR",
};

bool proxy_finder_has_session(void)
{
        for (size_t i = 0; i < ARRAY_SIZE(setting_names); i++)
                if (!str_is_empty(getenv(setting_names[i])))
                        return true;
        return false;
}

/* ---- the answer ------------------------------------------------------------------------------ */

static void report(ProxyFinder *finder, char **proxies, const char *reason)
{
        finder->io = sd_event_source_disable_unref(finder->io);
        finder->deadline = sd_event_source_disable_unref(finder->deadline);
        finder->done(finder->userdata, proxies, reason);
}

static int read_proxy(const char *s, char ***proxies)
{
        _cleanup_free_ char *proxy = NULL;
        const char *reason;
        int r;

        if (str_equal(s, PROXY_DIRECT))
                return strings_append(proxies, s);
        if (!str_starts_with(s, "http://") && !str_starts_with(s, "https://"))
                return -EINVAL;
        r = url_parse_proxy(s, &proxy, &reason);
        return r < 0 ? r : strings_append(proxies, proxy);
}

/* Reads the strings of an answer; the last one ends with the packet. */
static int read_answer(const char *bytes, size_t size, const char **ret_reason, char ***proxies)
{
        const char *end = bytes + size;
        int r = 0;

        if (size == 0 || end[-1] != '\0' || strlen(bytes) > MAX_REASON ||
            str_has_control(bytes, strlen(bytes)))
                return -EBADMSG;
        *ret_reason = bytes;
        for (const char *s = bytes + strlen(bytes) + 1; r >= 0 && s < end; s += strlen(s) + 1)
                r = strings_count(*proxies) < MAX_PROXIES ? read_proxy(s, proxies) : -E2BIG;
        if (r >= 0 && (bytes[0] == '\0') != (**proxies != NULL))
                r = -EBADMSG;
        return r;
}

/* Reports the answer; false if none has come yet. */
static bool receive(ProxyFinder *finder)
{
        static char bytes[PROXY_PACKET_MAX];
        _cleanup_(strings_freep) char **proxies = NULL;
        ssize_t n = recv(finder->fd, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_TRUNC);
        const char *reason = "";
        int r = n < 0 || (size_t) n > sizeof(bytes) ? -EBADMSG : strings_copy(NULL, &proxies);

        if (n <= 0)
                return false;
        if (r >= 0)
                r = read_answer(bytes, (size_t) n, &reason, &proxies);
        if (r < 0)
                report(finder, NULL, "The proxies that were found cannot be used.");
        else if (*proxies)
                report(finder, proxies, NULL);
        else
                report(finder, NULL, reason);
        return true;
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        ProxyFinder *finder = userdata;

        /* A hang-up without an answer is reported by the end of the process. */
        if (!receive(finder))
                (void) sd_event_source_set_enabled(source, SD_EVENT_OFF);
        return 0;
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata)
{
        report(userdata, NULL, "The search took too long.");
        return 0;
}

static void on_spawner_event(void *userdata, SpawnerEvent event, int value)
{
        ProxyFinder *finder = userdata;
        _cleanup_free_ char *reason = NULL;

        if (event == SPAWNER_STARTED)
                return;
        finder->program = 0;
        if (!finder->io) /* the answer is reported already */
                return;
        if (event == SPAWNER_REFUSED && value == -ENOENT)
                report(finder, NULL, "The program dosvc-proxy is not installed.");
        else if (event == SPAWNER_REFUSED)
                report(finder,
                       NULL,
                       str_format(&reason,
                                  "The search could not be started: %s.",
                                  strerrordesc_np(-value)) < 0
                               ? ""
                               : reason);
        else if (!receive(finder))
                report(finder, NULL, "The search ended without a result.");
}

/* ---- the question ---------------------------------------------------------------------------- */

typedef struct Packet {
        char bytes[PROXY_PACKET_MAX];
        size_t size;
} Packet;

static int append(Packet *packet, const char *name, const char *value)
{
        size_t left = sizeof(packet->bytes) - packet->size;
        int n = snprintf(packet->bytes + packet->size,
                         left,
                         "%s%s%s",
                         name,
                         value ? "=" : "",
                         value ? value : "");

        if (n < 0 || (size_t) n >= left)
                return -E2BIG;
        packet->size += (size_t) n + 1;
        return 0;
}

/* An empty variable counts as one that is not set. */
static int append_variables(Packet *packet, const char *const *names, size_t n_names)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < n_names; i++) {
                const char *value = getenv(names[i]);

                if (!str_is_empty(value))
                        r = append(packet, names[i], value);
        }
        return r;
}

static int send_question(int fd, const ProxyQuestion *question)
{
        static Packet packet;
        int r;

        packet.size = 0;
        r = append(&packet, question->autodetect ? PROXY_AUTODETECT : PROXY_SESSION, NULL);
        if (r >= 0)
                r = append(&packet, question->origin, NULL);
        if (r >= 0 && !question->autodetect)
                r = append_variables(&packet, setting_names, ARRAY_SIZE(setting_names));
        if (r >= 0 && !question->autodetect)
                r = append_variables(&packet, other_names, ARRAY_SIZE(other_names));
        if (r < 0)
                return r;
        return send(fd, packet.bytes, packet.size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int proxy_finder_new(sd_event *event,
                     Spawner *spawner,
                     const ProxyQuestion *question,
                     proxy_finder_done_t done,
                     void *userdata,
                     ProxyFinder **ret)
{
        _cleanup_(proxy_finder_freep) ProxyFinder *finder = calloc(1, sizeof(*finder));
        _cleanup_close_ int theirs = -EBADF;
        int pair[2], r;

        if (!finder)
                return -ENOMEM;
        *finder = (ProxyFinder){
                .spawner = spawner,
                .done = done,
                .userdata = userdata,
                .fd = -EBADF,
        };
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        finder->fd = pair[0];
        theirs = pair[1];
        r = send_question(finder->fd, question);
        if (r >= 0)
                r = sd_event_add_io(event, &finder->io, finder->fd, EPOLLIN, on_io, finder);
        if (r >= 0)
                r = sd_event_add_time_relative(event,
                                               &finder->deadline,
                                               CLOCK_BOOTTIME,
                                               DEADLINE_USEC,
                                               0,
                                               on_deadline,
                                               finder);
        if (r >= 0)
                r = spawner_start(spawner,
                                  SPAWN_PROGRAM_PROXY,
                                  question->uid,
                                  question->user,
                                  theirs,
                                  on_spawner_event,
                                  finder,
                                  &finder->program);
        if (r < 0)
                return r;
        *ret = STEAL_PTR(finder);
        return 0;
}

ProxyFinder *proxy_finder_free(ProxyFinder *finder)
{
        if (!finder)
                return NULL;
        if (finder->program)
                spawner_forget(finder->spawner, finder->program);
        sd_event_source_disable_unref(finder->io);
        sd_event_source_disable_unref(finder->deadline);
        (void) macro_close(finder->fd);
        free(finder);
        return NULL;
}
