/*
 * Which server has which site, and what all of them share: the files and the passwords. How a
 * server is set up is in the module of its name.
 */
#include "tests/lib/servers.h"

#include <err.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/apache.h"
#include "tests/lib/domain.h"
#include "tests/lib/file-hash.h"
#include "tests/lib/lighttpd.h"
#include "tests/lib/nginx.h"
#include "tests/lib/process.h"
#include "tests/lib/realm.h"
#include "tests/lib/request-log.h"
#include "tests/lib/server-fixture.h"
#include "tests/lib/squid.h"
#include "tests/lib/temp-dir.h"

static const struct {
        Port port;
        const char *scheme, *path;
} sites[SITES_MAX] = {
        [SITE_OPEN] = { PORT_HTTP, "http", "open" },
        [SITE_BASIC] = { PORT_HTTP, "http", "basic" },
        [SITE_SLOW] = { PORT_HTTP, "http", "slow" },
        [SITE_AWAY] = { PORT_HTTP, "http", "away" },
        [SITE_HERE] = { PORT_HTTP, "http", "here" },
        [SITE_LOOP] = { PORT_HTTP, "http", "loop" },
        [SITE_GONE] = { PORT_HTTP, "http", "gone" },
        [SITE_FORBIDDEN] = { PORT_HTTP, "http", "forbidden" },
        [SITE_BROKEN] = { PORT_HTTP, "http", "broken" },
        [SITE_OTHER_OPEN] = { PORT_OTHER, "http", "open" },
        [SITE_OTHER_BASIC] = { PORT_OTHER, "http", "basic" },
        [SITE_TLS_OPEN] = { PORT_TLS, "https", "open" },
        [SITE_TLS_BASIC] = { PORT_TLS, "https", "basic" },
        [SITE_TLS_DOWN] = { PORT_TLS, "https", "down" },
        [SITE_UNTRUSTED] = { PORT_UNTRUSTED, "https", "open" },
        [SITE_DIGEST_MD5] = { PORT_APACHE, "http", "digest" },
        [SITE_DIGEST_SHA256] = { PORT_LIGHTTPD, "http", "sha256" },
        [SITE_DIGEST_EITHER] = { PORT_LIGHTTPD, "http", "either" },
        [SITE_BEARER] = { PORT_HTTP, "http", "bearer" },
        [SITE_BEARER_BASIC] = { PORT_HTTP, "http", "bearer-basic" },
        [SITE_TLS_BEARER] = { PORT_TLS, "https", "bearer" },
        [SITE_EXPIRED] = { PORT_EXPIRED, "https", "open" },
        [SITE_WRONG_NAME] = { PORT_WRONG_NAME, "https", "open" },
        [SITE_UNKNOWN] = { PORT_UNKNOWN, "https", "open" },
        [SITE_WRONG_USE] = { PORT_WRONG_USE, "https", "open" },
        [SITE_REVOKED] = { PORT_REVOKED, "https", "open" },
        [SITE_CLIENT] = { PORT_CLIENT, "https", "open" },
        [SITE_NEGOTIATE] = { PORT_APACHE, "http", "nego" },
        [SITE_NEGOTIATE_BOUND] = { PORT_APACHE, "http", "nego-conn" },
        [SITE_NEGOTIATE_BASIC] = { PORT_APACHE, "http", "nego-basic" },
        [SITE_NEGOTIATE_BOUND_BASIC] = { PORT_APACHE, "http", "nego-conn-basic" },
        [SITE_TLS_NEGOTIATE] = { PORT_APACHE_TLS, "https", "nego" },
        [SITE_TLS_NEGOTIATE_BOUND] = { PORT_APACHE_TLS, "https", "nego-conn" },
        [SITE_TLS_NEGOTIATE_BASIC] = { PORT_APACHE_TLS, "https", "nego-basic" },
        [SITE_NTLM] = { PORT_REVERSE_NTLM, "http", "open" },
        [SITE_TLS_NTLM] = { PORT_REVERSE_NTLM_TLS, "https", "open" },
        [SITE_H2_NTLM] = { PORT_NTLM_FRONT, "https", "open" },
        [SITE_MANY] = { PORT_REVERSE_ALL, "http", "open" },
};

/* Each area is a link to the one directory of files. */
static const char *const areas[] = { "open",   "basic",     "slow",       "digest",
                                     "sha256", "either",    "bearer",     "bearer-basic",
                                     "nego",   "nego-conn", "nego-basic", "nego-conn-basic" };

static const struct {
        Port port;
        const char *scheme;
} proxies[SERVERS_PROXIES_MAX] = {
        [SERVERS_PROXY_BASIC] = { PORT_PROXY_BASIC, "http" },
        [SERVERS_PROXY_DIGEST] = { PORT_PROXY_DIGEST, "http" },
        [SERVERS_PROXY_BOTH] = { PORT_PROXY_BOTH, "http" },
        [SERVERS_PROXY_TLS_BASIC] = { PORT_PROXY_BASIC_TLS, "https" },
        [SERVERS_PROXY_TLS_DIGEST] = { PORT_PROXY_DIGEST_TLS, "https" },
        [SERVERS_PROXY_NEGOTIATE] = { PORT_PROXY_NEGOTIATE, "http" },
        [SERVERS_PROXY_NTLM] = { PORT_PROXY_NTLM, "http" },
        [SERVERS_PROXY_MANY] = { PORT_PROXY_ALL, "http" },
};

static const struct {
        unsigned which;
        const char *file, *package;
} programs[] = {
        { SERVERS_NGINX, "/usr/sbin/nginx", "nginx-light" },
        { SERVERS_APACHE, "/usr/sbin/apache2", "apache2-bin" },
        { SERVERS_LIGHTTPD, "/usr/sbin/lighttpd", "lighttpd" },
        { SERVERS_SQUID, "/usr/sbin/squid", "squid" },
        { SERVERS_REALM, "/usr/sbin/krb5kdc", "krb5-kdc" },
        { SERVERS_REALM, "/usr/sbin/kadmin.local", "krb5-admin-server" },
        { SERVERS_REALM, "/usr/bin/kinit", "krb5-user" },
        { SERVERS_REALM, "/usr/sbin/squid", "squid" },
        { SERVERS_REALM,
          "/usr/lib/apache2/modules/mod_auth_gssapi.so",
          "libapache2-mod-auth-gssapi" },
        { SERVERS_DOMAIN, "/usr/sbin/winbindd", "winbind" },
        { SERVERS_DOMAIN, "/usr/bin/pdbedit", "samba" },
        { SERVERS_DOMAIN, "/usr/sbin/squid", "squid" },
        { SERVERS_DOMAIN, "/usr/lib/nginx/modules/ngx_stream_module.so", "libnginx-mod-stream" },
};

unsigned servers_slow_mib(void)
{
        const char *value = getenv("DOSVC_SLOW_MIB");

        return value ? (unsigned) strtoul(value, NULL, 10) : 8;
}

/* One user, in the forms that the servers read. */
static void make_password_files(void)
{
        static const char secret[] = SERVERS_USER ":" SERVERS_AREA ":" SERVERS_PASSWORD;
        _cleanup_free_ char *basic = server_path("basic.users"),
                            *plain = server_path("plain.users");
        _cleanup_free_ char *digest = server_path("digest.users"), *hash = server_path("hash");
        _cleanup_free_ char *crypted = NULL, *line = NULL;
        unsigned char md5[EVP_MAX_MD_SIZE];
        char hex[2 * EVP_MAX_MD_SIZE + 1] = "";
        unsigned size = 0;

        if (process_run(&(ProcessSpec){
                    .argv = PROCESS_ARGV("openssl", "passwd", "-apr1", SERVERS_PASSWORD),
                    .output = hash,
            }) != 0 ||
            EVP_Digest(secret, strlen(secret), md5, &size, EVP_md5(), NULL) != 1)
                errx(EXIT_FAILURE, "openssl cannot hash");

        crypted = temp_dir_read(hash, NULL);
        if (asprintf(&line, SERVERS_USER ":%s", crypted) < 0)
                err(EXIT_FAILURE, "%s", basic);
        temp_dir_write(basic, line);

        temp_dir_write(plain, SERVERS_USER ":" SERVERS_PASSWORD "\n");

        for (unsigned i = 0; i < size; i++)
                (void) snprintf(&hex[(size_t) 2 * i], 3, "%02x", md5[i]);
        free(line);
        if (asprintf(&line, SERVERS_USER ":" SERVERS_AREA ":%s\n", hex) < 0)
                err(EXIT_FAILURE, "%s", digest);
        temp_dir_write(digest, line);
}

static void make_files(void)
{
        _cleanup_free_ char *files = server_path("files");

        temp_dir_make(files, 0755, 0);
        servers_add_file("empty", 0);
        servers_add_file("small", SERVERS_SMALL_BYTES);
        servers_add_file("medium", SERVERS_MEDIUM_BYTES);
        for (size_t i = 0; i < ARRAY_SIZE(areas); i++) {
                _cleanup_free_ char *area = server_path("%s", areas[i]);

                if (symlink("files", area) < 0)
                        err(EXIT_FAILURE, "%s", area);
        }
}

unsigned servers_available(unsigned which)
{
        unsigned available = which;

        for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
                if ((which & programs[i].which) && access(programs[i].file, F_OK) < 0) {
                        available &= ~programs[i].which;
                        (void) fprintf(stderr,
                                       "skipped: what needs %s of package %s\n",
                                       programs[i].file,
                                       programs[i].package);
                }
        return available;
}

void servers_start(unsigned which)
{
        if (which & SERVERS_REALM)
                users_take_tmp();
        server_open();
        make_files();
        make_password_files();
        nginx_start(which);
        if (which & SERVERS_REALM)
                realm_start();
        if (which & SERVERS_DOMAIN)
                domain_start();
        if (which & (SERVERS_APACHE | SERVERS_REALM))
                apache_start(which);
        if (which & SERVERS_LIGHTTPD)
                lighttpd_start();
        squid_start(which);
}

void servers_stop(void)
{
        server_close();
}

void servers_add_file(const char *name, uint64_t size_bytes)
{
        _cleanup_free_ char *path = servers_file(name);

        file_hash_make(path, size_bytes, (uint64_t) name[0] << 32 | size_bytes);
}

char *servers_file(const char *name)
{
        return server_path("files/%s", name);
}

char *servers_revocations(void)
{
        return server_path("authority.crl");
}

char *servers_url_at(Site site, const char *host, const char *name)
{
        char *url;

        if (asprintf(&url,
                     "%s://%s:%u/%s/%s",
                     sites[site].scheme,
                     host,
                     server_port(sites[site].port),
                     sites[site].path,
                     name) < 0)
                err(EXIT_FAILURE, "%s", name);
        return url;
}

char *servers_url(Site site, const char *name)
{
        return servers_url_at(site, "127.0.0.1", name);
}

char *servers_proxy(ServersProxy proxy)
{
        char *url;

        if (asprintf(&url,
                     "%s://127.0.0.1:%u",
                     proxies[proxy].scheme,
                     server_port(proxies[proxy].port)) < 0)
                err(EXIT_FAILURE, "proxy");
        return url;
}

void servers_forget_requests(void)
{
        request_log_forget();
}

/* What refuses HTTP/2 has a port of its own behind the one of the URL. */
static Port log_of(Site site)
{
        return site == SITE_H2_NTLM ? PORT_NTLM_H2 : sites[site].port;
}

char *servers_requests(Site site, size_t expected)
{
        return request_log_read(log_of(site), expected, false);
}

char *servers_proxy_requests(ServersProxy proxy, size_t expected)
{
        return request_log_read(proxies[proxy].port, expected, false);
}

char *servers_logons(Site site, size_t expected)
{
        return request_log_read(log_of(site), expected, true);
}

char *servers_proxy_logons(ServersProxy proxy, size_t expected)
{
        return request_log_read(proxies[proxy].port, expected, true);
}
