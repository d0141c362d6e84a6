/*
 * Real servers on ports of 127.0.0.1: nginx (Basic, TLS with HTTP/2), Apache (Digest MD5),
 * lighttpd (Digest SHA-256 and MD5), squid (Basic and Digest proxy). One user may enter
 * everywhere: SERVERS_USER with SERVERS_PASSWORD. All serve the same files:
 *
 *   empty 0 bytes, small 64 KiB, medium 5 MiB, and what servers_add_file() makes
 *
 * Needs users_setup() before: the certificate authority is trusted by laying a file over
 * /etc/ssl/certs in the private mount namespace, so that the product needs no test hook.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SERVERS_USER     "reader"
#define SERVERS_PASSWORD "Plover-xyzzy-4711-marker"

#define SERVERS_SMALL_BYTES  (64U * 1024U)
#define SERVERS_MEDIUM_BYTES (5U * 1024U * 1024U)

/* What servers_start() starts; SERVERS_NGINX is needed by all others. */
enum {
        SERVERS_NGINX = 1,
        SERVERS_APACHE = 2,
        SERVERS_LIGHTTPD = 4,
        SERVERS_SQUID = 8,
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
        SITES_MAX,
} Site;

typedef enum ServersProxy {
        SERVERS_PROXY_BASIC,
        SERVERS_PROXY_DIGEST,
        SERVERS_PROXY_BOTH, /* offers both */
        SERVERS_PROXIES_MAX,
} ServersProxy;

/* To be called in main(); ends the program with a sentence when a server does not start. */
void servers_start(unsigned which);
void servers_stop(void);

/* Rate of SITE_SLOW in MiB a second: $DOSVC_SLOW_MIB, or 8. */
unsigned servers_slow_mib(void);

/* Makes a further file. */
void servers_add_file(const char *name, uint64_t size_bytes);

/* URL of a file; a new string. */
char *servers_url(Site site, const char *name);

/* Path of the file that the servers have; a new string. */
char *servers_file(const char *name);

/* "http://127.0.0.1:port" of a proxy; a new string. */
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
