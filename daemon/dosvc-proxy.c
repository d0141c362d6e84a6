/*
 * dosvc-proxy: finds the proxies for one origin through libproxy, in the session's settings
 * (variables, GNOME, KDE) or by WPAD, and runs the PAC file that these name. A process of its
 * own for one question, as the job's owner: libproxy blocks, loads plugins, fetches and runs
 * other people's scripts. Started by dosvc-spawn, ended by dosvcd after a deadline; speaks
 * dbus/proxy-wire.h on descriptor 3.
 *
 * Its sandbox is a worker's (worker/sandbox.h) without the list of system calls, which no
 * plugin would agree to: no right that a user has not, nothing written anywhere, and nothing
 * executed, unless the desktop's settings are read, whose plugin runs a program.
 */
#include <errno.h>
#include <fcntl.h>
#include <proxy.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dbus/proxy-wire.h"

#include "base/log.h"
#include "base/str.h"

#include "confine/rights.h"
#include "confine/sandbox.h"

/* What libproxy notes of one question. */
#define NOTES_MAX 65536

#define RETURNED "Pacrunner returned: "

typedef struct Packet {
        char bytes[PROXY_PACKET_MAX];
        size_t size;
} Packet;

/* The string after s, which is in the packet or NULL; NULL: there is none. */
static const char *packet_next(const Packet *packet, const char *s)
{
        s = s ? s + strlen(s) + 1 : packet->bytes;
        return s < packet->bytes + packet->size ? s : NULL;
}

static bool packet_append(Packet *packet, const char *s)
{
        size_t size = strlen(s) + 1;

        if (size > sizeof(packet->bytes) - packet->size)
                return false;
        memcpy(packet->bytes + packet->size, s, size);
        packet->size += size;
        return true;
}

/* The environment ------------------------------------------------------------------------- */

/* A variable of the session; libproxy wants a URL where others take host:port too. */
static int set_variable(const char *variable)
{
        _cleanup_free_ char *name = strdup(variable), *url = NULL;
        char *value = name ? strchr(name, '=') : NULL;
        size_t length = value ? (size_t) (value - name) : 0;

        if (!value)
                return -EBADMSG;
        *value++ = '\0';
        if (length > 6 && strcasecmp(name + length - 6, "_proxy") == 0 &&
            strcasecmp(name, "no_proxy") != 0 && !strstr(value, "://")) {
                if (str_format(&url, "http://%s", value) < 0)
                        return -ENOMEM;
                value = url;
        }
        return setenv(name, value, 1) < 0 ? -errno : 0;
}

static const char *variable(const char *lower, const char *upper)
{
        const char *value = getenv(lower);

        return value ? value : getenv(upper);
}

/* libproxy knows no all_proxy; it stands for those that are not set. */
static bool apply_all_proxy(void)
{
        const char *all = variable("all_proxy", "ALL_PROXY");

        if (!all)
                return true;
        return (variable("https_proxy", "HTTPS_PROXY") || setenv("https_proxy", all, 1) == 0) &&
               (variable("http_proxy", "HTTP_PROXY") || setenv("http_proxy", all, 1) == 0);
}

/* It looks for GNOME's settings in sessions with few names, and not in Ubuntu's. */
static bool apply_desktop(bool *ret_is_desktop)
{
        const char *desktop = getenv("XDG_CURRENT_DESKTOP");

        if (desktop && strstr(desktop, "GNOME") && setenv("GNOME_DESKTOP_SESSION_ID", "1", 1) < 0)
                return false;
        *ret_is_desktop = desktop || getenv("DESKTOP_SESSION") ||
                          getenv("GNOME_DESKTOP_SESSION_ID") || getenv("KDE_FULL_SESSION");
        return true;
}

/* Our own: no code is made at run time, which the unit's MemoryDenyWriteExecute= forbids. */
static bool set_environment(const Packet *question, const char *variables, bool *ret_is_desktop)
{
        if (clearenv() != 0 || setenv("PATH", "/usr/bin:/bin", 1) < 0 ||
            setenv("LANG", "C.UTF-8", 1) < 0 || setenv("JSC_useJIT", "0", 1) < 0 ||
            setenv("_PX_DEBUG", "1", 1) < 0)
                return false;
        if (str_equal(question->bytes, PROXY_AUTODETECT))
                return setenv("http_proxy", "wpad://", 1) == 0;
        for (const char *s = variables; s; s = packet_next(question, s))
                if (set_variable(s) < 0)
                        return false;
        return apply_all_proxy() && apply_desktop(ret_is_desktop);
}

/* The search ------------------------------------------------------------------------------ */

/*
 * What libproxy 0.4 noted on stderr. It answers "direct" when a PAC file is not there or broken,
 * and only its notes tell that from a file that says so; a later version notes nothing, and is
 * believed. NULL: nothing went wrong.
 */
static const char *judge(const char *notes, char *const *found)
{
        const char *returned = strstr(notes, RETURNED);

        if (!strstr(notes, "\n\twpad:") && !strstr(notes, "\n\tpac+"))
                return NULL;
        returned = returned ? returned + strlen(RETURNED) : "";
        if (found && returned[0] != '\0' && returned[0] != '\n') {
                if (found[0] && (!str_starts_with(found[0], PROXY_DIRECT) || found[1] ||
                                 strcasestr(returned, "direct")))
                        return NULL;
                return "The proxy configuration file (PAC) does not name a proxy.";
        }
        if (strstr(notes, "Unable to download PAC"))
                return "The proxy configuration file (PAC) cannot be fetched.";
        if (strstr(notes, "required pacrunner"))
                return "A plugin of libproxy that runs proxy configuration files (PAC) is not "
                       "installed.";
        if (strstr(notes, "\n\twpad:") && !strstr(notes, "PAC found!"))
                return "The network offers no proxy configuration (WPAD).";
        return "The proxy configuration file (PAC) is broken.";
}

/* Calls libproxy with stderr in a file of memory; *ret_notes is what it wrote there. */
static char **ask_libproxy(const char *url, char ret_notes[static NOTES_MAX])
{
        _cleanup_close_ int notes = memfd_create("notes", MFD_CLOEXEC),
                            log = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
        pxProxyFactory *factory;
        char **found = NULL;
        ssize_t n;

        if (notes < 0 || log < 0 || dup2(notes, STDERR_FILENO) < 0)
                return NULL;
        /* Never freed: that unloads the plugin for PAC files under the feet of its threads. */
        factory = px_proxy_factory_new();
        if (factory)
                found = px_proxy_factory_get_proxies(factory, url);
        (void) dup2(log, STDERR_FILENO);
        n = pread(notes, ret_notes, NOTES_MAX - 1, 0);
        ret_notes[n > 0 ? n : 0] = '\0';
        return found;
}

/* Proxies that are spoken to with HTTP, without user names: credentials are the job's. */
static const char *append_proxies(Packet *answer, char *const *found)
{
        size_t before = answer->size;

        for (; *found; found++) {
                _cleanup_free_ char *proxy = NULL;
                const char *authority = strstr(*found, "://"), *at;

                authority = authority ? authority + 3 : *found;
                at = strrchr(authority, '@');
                if (str_format(&proxy,
                               "%.*s%s",
                               authority == *found ? 7 : (int) (authority - *found),
                               authority == *found ? "http://" : *found,
                               at ? at + 1 : authority) < 0)
                        return strerrordesc_np(ENOMEM);
                if ((str_starts_with(proxy, "http://") || str_starts_with(proxy, "https://") ||
                     str_equal(proxy, PROXY_DIRECT)) &&
                    !packet_append(answer, proxy))
                        return "The list of proxies is too long.";
        }
        return answer->size > before ? NULL : "Only proxies of other kinds than HTTP are named.";
}

/* Fills the answer; returns why there is none. */
static const char *search(const char *url, Packet *answer)
{
        static char direct[] = PROXY_DIRECT, notes[NOTES_MAX];
        const char *exceptions = variable("no_proxy", "NO_PROXY"), *reason;
        char **found = NULL;

        /* Every other program takes this for "none", libproxy does not. */
        if (exceptions && str_equal(exceptions, "*"))
                return append_proxies(answer, (char *[]){ direct, NULL });
        found = ask_libproxy(url, notes);
        reason = judge(notes, found);
        if (!reason && !found)
                reason = "The proxy settings cannot be read.";
        if (!reason)
                reason = append_proxies(answer, found);
        px_proxy_factory_free_proxies(found);
        return reason;
}

static int receive(Packet *packet)
{
        ssize_t n = recv(PROXY_LINK_FD, packet->bytes, sizeof(packet->bytes), 0);

        if (n <= 0 || packet->bytes[n - 1] != '\0')
                return n < 0 ? -errno : -EBADMSG;
        packet->size = (size_t) n;
        return 0;
}

static int serve(void)
{
        static Packet question, answer;
        bool is_desktop = false;
        const char *url, *reason;
        int r = receive(&question);

        url = r < 0 ? NULL : packet_next(&question, question.bytes);
        if (!url)
                return r < 0 ? r : -EBADMSG;
        if (!set_environment(&question, packet_next(&question, url), &is_desktop))
                return -ENOMEM;
        if (!is_desktop) {
                r = sandbox_confine(NULL, 0);
                if (r < 0)
                        return r;
        }
        (void) packet_append(&answer, "");
        reason = search(url, &answer);
        if (reason) {
                answer.size = 0;
                (void) packet_append(&answer, reason);
        }
        return send(PROXY_LINK_FD, answer.bytes, answer.size, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int main(void)
{
        const char *reason = NULL;
        int r = rights_check_self(PROXY_LINK_FD, &reason);

        log_open("dosvc-proxy");
        (void) prctl(PR_SET_NAME, "dosvc-proxy");
        if (r < 0) {
                log_err("The search for proxies was started wrongly and ends: %s", reason);
                return EXIT_FAILURE;
        }
        r = serve();
        if (r < 0)
                log_errno(LOG_ERR, r, "The search for proxies ends early");
        /* Without the destructors of plugins whose threads are still there. */
        _exit(r < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}
