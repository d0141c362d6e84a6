#include "tests/lib/realm.h"

#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/process.h"
#include "tests/lib/server-fixture.h"
#include "tests/lib/servers.h"
#include "tests/lib/temp-dir.h"
#include "tests/lib/users.h"

#define CONFIG      "/etc/krb5.conf"
#define CLOSED_PORT 1U /* tcpmux */
#define HOUR_SEC    3600U
#define EXPIRY_MSEC 5000
#define LATER_MSEC  1200 /* klist counts whole seconds, and calls the last one over */

/* With TCP first a KDC that hangs is one that takes the connection. */
static const char client_format[] = "[libdefaults]\n"
                                    " default_realm = " REALM_NAME "\n"
                                    " dns_lookup_realm = false\n"
                                    " dns_lookup_kdc = false\n"
                                    " dns_canonicalize_hostname = false\n"
                                    " rdns = false\n"
                                    " qualify_shortname = \"\"\n"
                                    " default_rcache_name = none:\n"
                                    " default_ccache_name = %s\n"
                                    " kdc_timesync = %d\n"
                                    "[realms]\n"
                                    " " REALM_NAME " = {\n  kdc = 127.0.0.1:%u\n }\n"
                                    " " REALM_SILENT " = {\n  kdc = 127.0.0.1:%u\n }\n"
                                    " " REALM_NOWHERE " = {\n }\n"
                                    "[domain_realm]\n"
                                    " 127.0.0.1 = " REALM_NAME "\n"
                                    " localhost = " REALM_NAME "\n"
                                    " .localhost = " REALM_NAME "\n"
                                    " " REALM_HOST_SILENT " = " REALM_SILENT "\n"
                                    " " REALM_HOST_NOWHERE " = " REALM_NOWHERE "\n";

/* What a KDC at that port reads; all have the same principals. */
#define KDC_CONFIG(port)                                                                           \
        "[kdcdefaults]\n"                                                                          \
        " kdc_listen = 127.0.0.1:@" port "@\n"                                                     \
        " kdc_tcp_listen = 127.0.0.1:@" port "@\n"                                                 \
        "[realms]\n"                                                                               \
        " " REALM_NAME " = {\n"                                                                    \
        "  database_name = @DIR@/kdc-database\n"                                                   \
        "  key_stash_file = @DIR@/kdc-stash\n"                                                     \
        " }\n"                                                                                     \
        "[logging]\n"                                                                              \
        " kdc = FILE:@DIR@/" port ".log\n"

static const char script_template[] =
        "addprinc -pw " SERVERS_PASSWORD " " SERVERS_USER "\n"
        "addprinc -pw " REALM_ALICE_PASSWORD " alice\n"
        "addprinc -pw " REALM_BOB_PASSWORD " bob\n"
        "addprinc -randkey HTTP/127.0.0.1\n"
        "addprinc -randkey HTTP/localhost\n"
        "addprinc -randkey HTTP/" REALM_HOST_KNOWN "\n"
        "addprinc -randkey krbtgt/" REALM_SILENT "\n"
        "ktadd -k @DIR@/http.keytab HTTP/127.0.0.1 HTTP/localhost HTTP/" REALM_HOST_KNOWN "\n";

void realm_configure(RealmKdc kdc, const char *default_cache)
{
        const unsigned ports[] = {
                [REALM_KDC_ANSWERS] = server_port(PORT_KDC),
                [REALM_KDC_REFUSES] = CLOSED_PORT,
                [REALM_KDC_HANGS] = server_port(PORT_SILENT),
                [REALM_KDC_AHEAD] = server_port(PORT_KDC_AHEAD),
        };
        _cleanup_free_ char *path = server_path("krb5.conf"), *text = NULL;

        if (asprintf(&text,
                     client_format,
                     default_cache ? default_cache : "FILE:/tmp/krb5cc_%{uid}",
                     kdc != REALM_KDC_AHEAD,
                     ports[kdc],
                     server_port(PORT_SILENT)) < 0)
                err(EXIT_FAILURE, "%s", path);
        temp_dir_write(path, text); /* in place: it is bound over CONFIG */
}

/* Both sockets stay open for the life of the test, and nobody reads them. */
static void open_silent_port(void)
{
        struct sockaddr_in address = { .sin_family = AF_INET };
        int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons((uint16_t) server_port(PORT_SILENT));
        if (tcp < 0 || udp < 0 || bind(tcp, (struct sockaddr *) &address, sizeof(address)) < 0 ||
            bind(udp, (struct sockaddr *) &address, sizeof(address)) < 0 || listen(tcp, 64) < 0)
                err(EXIT_FAILURE, "silent port");
}

static void make_database(void)
{
        _cleanup_free_ char *script = server_config("kdc-script", SERVER_PIECES(script_template));
        _cleanup_free_ char *keytab = server_path("http.keytab");

        server_run("/dev/null",
                   PROCESS_ARGV("kdb5_util", "create", "-s", "-P", "master", "-r", REALM_NAME));
        server_run(script, PROCESS_ARGV("kadmin.local", "-r", REALM_NAME));
        /* Servers read it as users of their own. */
        if (chmod(keytab, 0644) < 0)
                err(EXIT_FAILURE, "%s", keytab);
}

void realm_start(void)
{
        _cleanup_free_ char *profile = server_config("kdc.conf", SERVER_PIECES(KDC_CONFIG("KDC")));
        _cleanup_free_ char *ahead =
                server_config("kdc-ahead.conf", SERVER_PIECES(KDC_CONFIG("KDC-AHEAD")));
        _cleanup_free_ char *config = server_path("krb5.conf");

        realm_configure(REALM_KDC_ANSWERS, NULL);
        if (mount(config, CONFIG, NULL, MS_BIND, NULL) < 0)
                err(EXIT_FAILURE, "binding " CONFIG);
        if (setenv("KRB5_KDC_PROFILE", profile, 1) < 0)
                err(EXIT_FAILURE, "KRB5_KDC_PROFILE");
        open_silent_port();
        make_database();
        server_start(PORT_KDC, PROCESS_ARGV("krb5kdc", "-n", "-r", REALM_NAME));
        if (setenv("KRB5_KDC_PROFILE", ahead, 1) < 0)
                err(EXIT_FAILURE, "KRB5_KDC_PROFILE");
        server_start(PORT_KDC_AHEAD,
                     PROCESS_ARGV("env",
                                  "LD_PRELOAD=/usr/$LIB/faketime/libfaketime.so.1",
                                  "FAKETIME=+2h",
                                  "krb5kdc",
                                  "-n",
                                  "-r",
                                  REALM_NAME));
}

/* Name of a cache; a new string. */
static char *cache_name(uint32_t uid, const char *cache)
{
        char *name = cache ? strdup(cache) : NULL;

        if (!name && (cache || asprintf(&name, "FILE:/tmp/krb5cc_%u", uid) < 0))
                err(EXIT_FAILURE, "credential cache");
        return name;
}

int realm_ticket(const RealmTicket *ticket)
{
        _cleanup_free_ char *cache = cache_name(ticket->uid, ticket->cache), *life = NULL;
        _cleanup_free_ char *input = server_path("password-%d", (int) getpid());
        _cleanup_free_ char *output = server_path("kinit-%d.log", (int) getpid());
        int status;

        if (asprintf(&life, "%us", ticket->life_sec ? ticket->life_sec : HOUR_SEC) < 0)
                err(EXIT_FAILURE, "life");
        temp_dir_write(input, ticket->password);
        temp_dir_write(output, "");
        status = process_run(&(ProcessSpec){
                .argv = PROCESS_ARGV("sh",
                                     "-c",
                                     "exec kinit -c \"$1\" -l \"$2\" \"$3\" <\"$4\"",
                                     "sh",
                                     cache,
                                     life,
                                     ticket->principal,
                                     input),
                .uid = ticket->uid,
                .output = output,
        });
        (void) unlink(input);
        return status;
}

static bool is_current(uint32_t uid, const char *cache)
{
        return process_run(&(ProcessSpec){
                       .argv = PROCESS_ARGV("klist", "-s", "-c", cache),
                       .uid = uid,
               }) == 0;
}

int realm_expired_ticket(const RealmTicket *ticket)
{
        _cleanup_free_ char *cache = cache_name(ticket->uid, ticket->cache);
        RealmTicket brief = *ticket;
        int status;

        brief.life_sec = 1;
        status = realm_ticket(&brief);
        if (status == 0 && !PROCESS_WAIT_UNTIL(EXPIRY_MSEC, !is_current(ticket->uid, cache)))
                errx(EXIT_FAILURE, "the ticket in %s does not expire", cache);
        process_nap_msec(LATER_MSEC);
        return status;
}

void realm_forget(uint32_t uid, const char *cache)
{
        _cleanup_free_ char *name = cache_name(uid, cache);

        (void) process_run(&(ProcessSpec){
                .argv = PROCESS_ARGV("kdestroy", "-q", "-c", name),
                .output = "/dev/null", /* it complains of a cache that is not there */
                .uid = uid,
        });
}
