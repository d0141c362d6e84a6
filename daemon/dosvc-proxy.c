/*
 * dosvc-proxy: finds the proxies for one origin through libproxy, in the settings of a session
 * (variables, GNOME, KDE) or by WPAD, and runs the PAC file that these name. Each question has a
 * process of its own, which runs as the job's owner, because libproxy blocks, loads plugins, and
 * fetches and runs scripts of strangers. dosvc-spawn starts it, and dosvcd ends it after a
 * deadline; it speaks dbus/proxy-wire.h on descriptor 3.
 *
 * Its sandbox is the second stage of a worker's (confine/sandbox.h), under which nothing can be
 * written or executed. The first stage is left out: plugins make system calls of their own. Where
 * the settings of a desktop are read both are left out, as that plugin runs a program.
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

/* The debug messages of libproxy about one question. */
#define MESSAGES_MAX 65536

#define RETURNED "Pacrunner returned: "

typedef struct Packet {
        char bytes[PROXY_PACKET_MAX];
        size_t size;
} Packet;

/* The string after s, or the first one if s is NULL. NULL: there is none. */
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

/* libproxy needs a URL in the variables of proxies, where other programs take host:port, too. */
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

/* all_proxy, which libproxy does not know, stands for those variables that are not set. */
static bool apply_all_proxy(void)
{
        const char *all = variable("all_proxy", "ALL_PROXY");

        if (!all)
                return true;
        return (variable("https_proxy", "HTTPS_PROXY") || setenv("https_proxy", all, 1) == 0) &&
               (variable("http_proxy", "HTTP_PROXY") || setenv("http_proxy", all, 1) == 0);
}

/* libproxy knows a session of GNOME by a few names only, and Ubuntu's is not among them. */
static bool apply_desktop(bool *ret_is_desktop)
{
        const char *desktop = getenv("XDG_CURRENT_DESKTOP");

        if (desktop && strstr(desktop, "GNOME") && setenv("GNOME_DESKTOP_SESSION_ID", "1", 1) < 0)
                return false;
        *ret_is_desktop = desktop || getenv("DESKTOP_SESSION") ||
                          getenv("GNOME_DESKTOP_SESSION_ID") || getenv("KDE_FULL_SESSION");
        return true;
}

/* JSC_useJIT: no code is made at run time, which MemoryDenyWriteExecute= of the unit forbids. */
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
 * Finds out from the debug messages of libproxy 0.4 whether its answer is one. It answers "direct"
 * where a PAC file is missing or broken, and only its messages tell that from a file that says
 * "direct". A later version writes no messages, and its answer counts. NULL: nothing went wrong.
 */
static const char *find_failure(const char *messages, char *const *found)
{
        const char *returned = strstr(messages, RETURNED);

        if (!strstr(messages, "\n\twpad:") && !strstr(messages, "\n\tpac+"))
                return NULL;
        returned = returned ? returned + strlen(RETURNED) : "";
        if (found && returned[0] != '\0' && returned[0] != '\n') {
                if (found[0] && (!str_starts_with(found[0], PROXY_DIRECT) || found[1] ||
                                 strcasestr(returned, "direct")))
                        return NULL;
                return "The proxy configuration file (PAC) does not name a proxy.";
        }
        if (strstr(messages, "Unable to download PAC"))
                return "The proxy configuration file (PAC) cannot be fetched.";
        if (strstr(messages, "required pacrunner"))
                return "A plugin of libproxy that runs proxy configuration files (PAC) is not "
                       "installed.";
        if (strstr(messages, "\n\twpad:") && !strstr(messages, "PAC found!"))
                return "The network offers no proxy configuration (WPAD).";
        return "The proxy configuration file (PAC) is broken.";
}

/* Calls libproxy with stderr redirected to a memory file, whose text is *ret_messages. */
static char **ask_libproxy(const char *url, char ret_messages[static MESSAGES_MAX])
{
        _cleanup_close_ int messages = memfd_create("messages", MFD_CLOEXEC),
                            log = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
        pxProxyFactory *factory;
        char **found = NULL;
        ssize_t n;

        if (messages < 0 || log < 0 || dup2(messages, STDERR_FILENO) < 0)
                return NULL;
        /* Never freed: that would unload the plugin for PAC files while its threads still run. */
        factory = px_proxy_factory_new();
        if (factory)
                found = px_proxy_factory_get_proxies(factory, url);
        (void) dup2(log, STDERR_FILENO);
        n = pread(messages, ret_messages, MESSAGES_MAX - 1, 0);
        ret_messages[n > 0 ? n : 0] = '\0';
        return found;
}

/* HTTP proxies only, and without user names, since the job has credentials of its own. */
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

/* Fills the answer, or returns a sentence that says why there is none. */
static const char *search(const char *url, Packet *answer)
{
        static char direct[] = PROXY_DIRECT, messages[MESSAGES_MAX];
        const char *exceptions = variable("no_proxy", "NO_PROXY"), *reason;
        char **found = NULL;

        /* Other programs understand this as "no proxy for any host", but libproxy does not. */
        if (exceptions && str_equal(exceptions, "*"))
                return append_proxies(answer, (char *[]){ direct, NULL });
        found = ask_libproxy(url, messages);
        reason = find_failure(messages, found);
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
                log_err("The search for proxies was not started as it should be, and ends: %s",
                        reason);
                return EXIT_FAILURE;
        }
        r = serve();
        if (r < 0)
                log_errno(LOG_ERR, r, "The search for proxies fails");
        /* Skips the destructors of plugins whose threads may still run. */
        _exit(r < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}
