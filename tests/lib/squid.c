#include "tests/lib/squid.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/domain.h"
#include "tests/lib/process.h"
#include "tests/lib/server-fixture.h"
#include "tests/lib/servers.h"

#define HELPERS "/usr/lib/squid/"
#define DIGEST                                                                                     \
        "auth_param digest program " HELPERS "digest_file_auth -c @DIR@/digest.users\n"            \
        "auth_param digest children 1\nauth_param digest realm " SERVERS_AREA "\n"
#define BASIC                                                                                      \
        "auth_param basic program " HELPERS "basic_ncsa_auth @DIR@/basic.users\n"                  \
        "auth_param basic children 1\nauth_param basic realm " SERVERS_AREA "\n"
#define NEGOTIATE                                                                                  \
        "auth_param negotiate program " HELPERS "negotiate_kerberos_auth -k @DIR@/http.keytab "    \
        "-s HTTP/127.0.0.1\n"                                                                      \
        "auth_param negotiate children 2 startup=1 idle=1\n"
#define NTLM                                                                                       \
        "auth_param ntlm program /usr/bin/ntlm_auth --configfile=" DOMAIN_CONFIG                   \
        " --helper-protocol=squid-2.5-ntlmssp\n"                                                   \
        "auth_param ntlm children 4 startup=1 idle=1\n"

/* Ports of a process share its schemes; each has a log of its own. */
#define CERTIFICATE " tls-cert=@DIR@/server.crt tls-key=@DIR@/server.key"
#define LOG(port, format)                                                                          \
        "acl on-" port " localport @" port "@\n"                                                   \
        "access_log stdio:@" port ".LOG@ " format " on-" port "\n"
#define PROXY(port)     "http_port 127.0.0.1:@" port "@\n" LOG(port, "proxied")
#define PROXY_TLS(port) "https_port 127.0.0.1:@" port "@" CERTIFICATE "\n" LOG(port, "proxied")
#define ACCEL           " accel defaultsite=127.0.0.1"
#define REVERSE(port)                                                                              \
        "http_port 127.0.0.1:@" port "@" ACCEL "\nacl reverse localport @" port                    \
        "@\n" LOG(port, "served")
#define REVERSE_TLS(port)                                                                          \
        "https_port 127.0.0.1:@" port "@" ACCEL CERTIFICATE "\nacl reverse localport @" port       \
        "@\n" LOG(port, "served")
#define TO_NGINX                                                                                   \
        "cache_peer 127.0.0.1 parent @HTTP@ 0 no-query no-digest originserver name=nginx\n"        \
        "cache_peer_access nginx allow reverse\ncache_peer_access nginx deny all\n"                \
        "never_direct allow reverse\n"

static const char common[] =
        "cache deny all\ncache_mem 8 MB\nmemory_cache_shared off\nnetdb_filename none\n"
        "pid_filename none\npinger_enable off\nshutdown_lifetime 0 seconds\n"
        "visible_hostname localhost\nvia off\ncoredump_dir @DIR@\nbuffered_logs off\n"
        "logformat proxied %rm|%ru|%>Hs|%{Proxy-Authorization}>h|%un\n"
        "logformat served %rm|%rp|%>Hs|%{Authorization}>h|%un\n";

static const char rules[] = "acl known proxy_auth REQUIRED\n"
                            "http_access allow known\nhttp_access deny all\n";

static const struct {
        unsigned needs;
        Port port; /* the one to wait for */
        const char *name, *schemes, *ports;
} squids[] = {
        { SERVERS_SQUID,
          PORT_PROXY_BASIC,
          "squid-basic.conf",
          BASIC,
          PROXY("PROXY-BASIC") PROXY_TLS("PROXY-BASIC-TLS") },
        { SERVERS_SQUID,
          PORT_PROXY_DIGEST,
          "squid-digest.conf",
          DIGEST,
          PROXY("PROXY-DIGEST") PROXY_TLS("PROXY-DIGEST-TLS") },
        { SERVERS_SQUID, PORT_PROXY_BOTH, "squid-both.conf", DIGEST BASIC, PROXY("PROXY-BOTH") },
        { SERVERS_REALM,
          PORT_PROXY_NEGOTIATE,
          "squid-negotiate.conf",
          NEGOTIATE,
          PROXY("PROXY-NEGOTIATE") },
        { SERVERS_DOMAIN,
          PORT_PROXY_NTLM,
          "squid-ntlm.conf",
          NTLM,
          PROXY("PROXY-NTLM") REVERSE("REVERSE-NTLM") REVERSE_TLS("REVERSE-NTLM-TLS") TO_NGINX },
        { SERVERS_REALM | SERVERS_DOMAIN,
          PORT_PROXY_ALL,
          "squid-all.conf",
          NEGOTIATE NTLM DIGEST BASIC,
          PROXY("PROXY-ALL") REVERSE("REVERSE-ALL") TO_NGINX },
};

static void launch(size_t i)
{
        _cleanup_free_ char *service = NULL, *cache_log = NULL, *config = NULL;

        /* Names the shared memory, which is the machine's. */
        if (asprintf(&service, "test%u", server_port(squids[i].port)) < 0 ||
            asprintf(&cache_log, "cache_log @DIR@/logs/%s.log\n", squids[i].name) < 0)
                err(EXIT_FAILURE, "squid");
        config = server_config(
                squids[i].name,
                SERVER_PIECES(common, cache_log, squids[i].schemes, squids[i].ports, rules));
        server_launch(squids[i].port, PROCESS_ARGV("squid", "-N", "-n", service, "-f", config));
}

void squid_start(unsigned which)
{
        for (size_t i = 0; i < ARRAY_SIZE(squids); i++)
                if ((which & squids[i].needs) == squids[i].needs)
                        launch(i);
        for (size_t i = 0; i < ARRAY_SIZE(squids); i++)
                if ((which & squids[i].needs) == squids[i].needs)
                        server_await(squids[i].port);
}
