/*
 * Real servers on ports of 127.0.0.1: nginx (Basic, Bearer, TLS with HTTP/2), Apache (Digest
 * MD5, Negotiate), lighttpd (Digest SHA-256 and MD5), squid (proxies, and as a server what a
 * reverse proxy asks for). One user may enter everywhere: SERVERS_USER with SERVERS_PASSWORD;
 * realm.h and domain.h name others for Negotiate and NTLM. All serve the same files:
 *
 *   empty 0 bytes, small 64 KiB, medium 5 MiB, and what servers_add_file() makes
 *
 * Needs users_setup() before: the certificate authority is trusted by laying a file over
 * /etc/ssl/certs in the private mount namespace, so that the product needs no test hook.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "tests/lib/users.h"

#define SERVERS_USER     "reader"
#define SERVERS_PASSWORD "Plover-xyzzy-4711-marker"
#define SERVERS_TOKEN    "eyJhbGciOiJub25lIn0.Bearer-4711-marker" /* of Bearer */
#define SERVERS_AREA     "readers"                                /* what servers call a realm */

/* PEM files that only alice can read: hers, and those of somebody of an unknown authority. */
#define SERVERS_CLIENT_CERTIFICATE   USERS_ALICE_HOME "/client.crt"
#define SERVERS_CLIENT_KEY           USERS_ALICE_HOME "/client.key"
#define SERVERS_CLIENT_LOCKED_KEY    USERS_ALICE_HOME "/client-locked.key"
#define SERVERS_IMPOSTOR_CERTIFICATE USERS_ALICE_HOME "/impostor.crt"
#define SERVERS_IMPOSTOR_KEY         USERS_ALICE_HOME "/impostor.key"
#define SERVERS_KEY_PASSWORD         "Key-4711-marker"

#define SERVERS_SMALL_BYTES  (64U * 1024U)
#define SERVERS_MEDIUM_BYTES (5U * 1024U * 1024U)

/* The servers that servers_start() starts; SERVERS_NGINX is needed by all others. */
enum {
        SERVERS_NGINX = 1,
        SERVERS_APACHE = 2,
        SERVERS_LIGHTTPD = 4,
        SERVERS_SQUID = 8,
        SERVERS_CERTIFICATES = 16, /* certificates of clients, and bad ones of servers */
        SERVERS_REALM = 32,        /* a KDC; Apache and squid with Negotiate */
        SERVERS_DOMAIN = 64,       /* winbindd; squid with NTLM */
        SERVERS_ALL = 127,
};

/* An area of files: one answer to the question who may read it. */
typedef enum Site {
        SITE_OPEN,
        SITE_BASIC,
        SITE_SLOW,       /* Basic, servers_slow_mib() a second and connection */
        SITE_AWAY,       /* 302 to SITE_OTHER_BASIC: another origin */
        SITE_HERE,       /* 302 to SITE_BASIC: the same origin */
        SITE_LOOP,       /* 302 to itself */
        SITE_GONE,       /* 404 */
        SITE_FORBIDDEN,  /* 403 */
        SITE_BROKEN,     /* 500 */
        SITE_OTHER_OPEN, /* another origin of nginx */
        SITE_OTHER_BASIC,
        SITE_TLS_OPEN, /* https, HTTP/2 */
        SITE_TLS_BASIC,
        SITE_TLS_DOWN,      /* 302 to SITE_OPEN: https to http */
        SITE_UNTRUSTED,     /* https with a certificate of nobody's */
        SITE_DIGEST_MD5,    /* Apache */
        SITE_DIGEST_SHA256, /* lighttpd */
        SITE_DIGEST_EITHER, /* lighttpd, SHA-256 and MD5 offered */
        SITE_BEARER,        /* SERVERS_TOKEN */
        SITE_BEARER_BASIC,  /* offers both */
        SITE_TLS_BEARER,

        /* SERVERS_CERTIFICATES: a certificate that is */
        SITE_EXPIRED,
        SITE_WRONG_NAME, /* for another host */
        SITE_UNKNOWN,    /* of an unknown authority */
        SITE_WRONG_USE,  /* for clients only */
        SITE_REVOKED,    /* in servers_revocations(), fine otherwise */
        SITE_CLIENT,     /* asks for the client's: 400 without one */

        /* SERVERS_REALM, Apache; what binds the connection offers NTLM too, and can do none */
        SITE_NEGOTIATE,       /* each request */
        SITE_NEGOTIATE_BOUND, /* the connection, for good */
        SITE_NEGOTIATE_BASIC, /* offers both; Basic is the password of the realm */
        SITE_NEGOTIATE_BOUND_BASIC,
        SITE_TLS_NEGOTIATE, /* HTTP/2 */
        SITE_TLS_NEGOTIATE_BOUND,
        SITE_TLS_NEGOTIATE_BASIC,

        /* SERVERS_DOMAIN, squid as a reverse proxy; below TLS HTTP/1.1 */
        SITE_NTLM,
        SITE_TLS_NTLM,
        SITE_H2_NTLM, /* HTTP/2 is offered, and refused by 401; over HTTP/1.1 it is SITE_TLS_NTLM */

        /* SERVERS_REALM and SERVERS_DOMAIN */
        SITE_MANY, /* offers Negotiate, NTLM, Digest and Basic */
        SITES_MAX,
} Site;

typedef enum ServersProxy {
        SERVERS_PROXY_BASIC,
        SERVERS_PROXY_DIGEST,
        SERVERS_PROXY_BOTH,       /* offers both */
        SERVERS_PROXY_TLS_BASIC,  /* an https proxy */
        SERVERS_PROXY_TLS_DIGEST, /* also */
        SERVERS_PROXY_NEGOTIATE,  /* SERVERS_REALM */
        SERVERS_PROXY_NTLM,       /* SERVERS_DOMAIN */
        SERVERS_PROXY_MANY,       /* both: offers Negotiate, NTLM, Digest and Basic */
        SERVERS_PROXIES_MAX,
} ServersProxy;

/*
 * Those of them whose programs are installed; for each other a line "skipped: ..." on stderr.
 * What a test does about the missing ones is its own: a TCase that it does not add.
 */
unsigned servers_available(unsigned which);

/* To be called in main(); ends the program with a sentence when a server does not start. */
void servers_start(unsigned which);
void servers_stop(void);

/* Rate of SITE_SLOW in MiB a second: $DOSVC_SLOW_MIB, or 8. */
unsigned servers_slow_mib(void);

/* Makes a further file. */
void servers_add_file(const char *name, uint64_t size_bytes);

/* URL of a file; a new string. */
char *servers_url(Site site, const char *name);

/* The same at another name of 127.0.0.1, as those of realm.h. */
char *servers_url_at(Site site, const char *host, const char *name);

/* Path of the list of what the authority revoked, PEM; a new string. */
char *servers_revocations(void);

/* Path of the file that the servers have; a new string. */
char *servers_file(const char *name);

/* "http://127.0.0.1:port" of a proxy, or "https:"; a new string. */
char *servers_proxy(ServersProxy proxy);

/* Forgets the requests so far: at the start of each test. */
void servers_forget_requests(void);

/*
 * The requests since then at the server of that site (all its sites), one a line, as
 * "METHOD /path STATUS SCHEME", SCHEME the first word of Authorization or "-". Waits up to 5 s
 * for that many lines and a moment longer for unexpected ones. A new string.
 */
char *servers_requests(Site site, size_t expected);

/* The same for a proxy: "METHOD URL-or-host:port STATUS SCHEME" of Proxy-Authorization. */
char *servers_proxy_requests(ServersProxy proxy, size_t expected);

/*
 * Both with a further word: the user as the server verified it, "-" if nobody or refused. A
 * client certificate is scheme "Certificate" and the common name, Negotiate "reader@EXAMPLE.TEST".
 */
char *servers_logons(Site site, size_t expected);
char *servers_proxy_logons(ServersProxy proxy, size_t expected);
