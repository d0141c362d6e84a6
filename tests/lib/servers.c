/*
 * Each server has a configuration made from a template here, a log of its own form
 * "METHOD|URI|STATUS|AUTHORIZATION" and runs in the foreground as a child.
 */
#include "tests/lib/servers.h"

#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macro.h"

#include "tests/lib/file-hash.h"
#include "tests/lib/process.h"
#include "tests/lib/temp-dir.h"

#define REALM       "readers"
#define WAIT_MSEC   5000
#define SETTLE_MSEC 150
#define START_MSEC  20000
#define TRUST_DIR   "/etc/ssl/certs"

typedef enum Port {
        PORT_HTTP,
        PORT_OTHER,
        PORT_TLS,
        PORT_UNTRUSTED,
        PORT_APACHE,
        PORT_LIGHTTPD,
        PORT_PROXY_BASIC,
        PORT_PROXY_DIGEST,
        PORT_PROXY_BOTH,
        PORTS_MAX,
} Port;

/* The log of a port, and how much of it is forgotten. */
typedef struct PortState {
        size_t forgotten; /* bytes of the log */
        unsigned number;
        pid_t pid; /* 0: served by the process of another port */
} PortState;

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
};

/* Each area is a link to the one directory of files. */
static const char *const areas[] = { "open", "basic", "slow", "digest", "sha256", "either" };

static const Port proxies[SERVERS_PROXIES_MAX] = {
        [SERVERS_PROXY_BASIC] = PORT_PROXY_BASIC,
        [SERVERS_PROXY_DIGEST] = PORT_PROXY_DIGEST,
        [SERVERS_PROXY_BOTH] = PORT_PROXY_BOTH,
};

static char *dir; /* owned: all that the servers have */
static PortState ports[PORTS_MAX];

static char *in_dir(const char *format, ...) _printf_(1, 2);

static char *in_dir(const char *format, ...)
{
        _cleanup_free_ char *name = NULL;
        va_list args;

        va_start(args, format);
        if (vasprintf(&name, format, args) < 0)
                err(EXIT_FAILURE, "%s", format);
        va_end(args);
        return temp_dir_path(dir, name);
}

static char *log_path(Port port)
{
        return in_dir("logs/access-%d.log", port);
}

static const char *const port_names[PORTS_MAX] = {
        [PORT_HTTP] = "HTTP",
        [PORT_OTHER] = "OTHER",
        [PORT_TLS] = "TLS",
        [PORT_UNTRUSTED] = "UNTRUSTED",
        [PORT_APACHE] = "APACHE",
        [PORT_LIGHTTPD] = "LIGHTTPD",
        [PORT_PROXY_BASIC] = "PROXY-BASIC",
        [PORT_PROXY_DIGEST] = "PROXY-DIGEST",
        [PORT_PROXY_BOTH] = "PROXY-BOTH",
};

unsigned servers_slow_mib(void)
{
        const char *value = getenv("DOSVC_SLOW_MIB");

        return value ? (unsigned) strtoul(value, NULL, 10) : 8;
}

/*
 * Writes @DIR@ as the directory, @SLOW@ as that rate, @NAME@ as the number of that port and
 * @NAME.LOG@ as its log.
 */
static void write_name(FILE *out, const char *name, size_t length)
{
        if (length == 4 && memcmp(name, "SLOW", 4) == 0) {
                (void) fprintf(out, "%u", servers_slow_mib());
                return;
        }
        if (length == 3 && memcmp(name, "DIR", 3) == 0) {
                (void) fputs(dir, out);
                return;
        }
        for (Port port = 0; port < PORTS_MAX; port++) {
                _cleanup_free_ char *log = log_path(port);
                size_t own = strlen(port_names[port]);

                if (length < own || memcmp(name, port_names[port], own) != 0)
                        continue;
                if (length == own)
                        (void) fprintf(out, "%u", ports[port].number);
                else if (length == own + 4 && memcmp(name + own, ".LOG", 4) == 0)
                        (void) fputs(log, out);
                else
                        continue;
                return;
        }
        errx(EXIT_FAILURE, "no value for @%.*s@", (int) length, name);
}

static void write_template(FILE *out, const char *text)
{
        for (const char *end; (end = strchr(text, '@')); text = end + 1) {
                const char *name = end + 1;

                (void) fwrite(text, 1, (size_t) (end - text), out);
                end = strchr(name, '@');
                if (!end)
                        errx(EXIT_FAILURE, "a template ends in a name");
                write_name(out, name, (size_t) (end - name));
        }
        (void) fputs(text, out);
}

/* Writes the template to a file and returns its path. */
static char *make_config(const char *name, const char *text)
{
        char *path = in_dir("%s", name);
        FILE *out = fopen(path, "we");

        if (!out)
                err(EXIT_FAILURE, "%s", path);
        write_template(out, text);
        if (fclose(out) != 0)
                err(EXIT_FAILURE, "%s", path);
        return path;
}

static unsigned free_port(void)
{
        _cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct sockaddr_in address = { .sin_family = AF_INET };
        socklen_t length = sizeof(address);

        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (fd < 0 || bind(fd, (struct sockaddr *) &address, length) < 0 ||
            getsockname(fd, (struct sockaddr *) &address, &length) < 0)
                err(EXIT_FAILURE, "free port");
        return ntohs(address.sin_port);
}

static bool is_listening(unsigned port)
{
        _cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t) port) };

        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return fd >= 0 && connect(fd, (struct sockaddr *) &address, sizeof(address)) == 0;
}

static void start(Port port, const char *const *argv)
{
        _cleanup_free_ char *output = in_dir("output-%d.log", port);

        ports[port].pid = process_start(&(ProcessSpec){ .argv = argv, .output = output });
        if (!PROCESS_WAIT_UNTIL(START_MSEC,
                                is_listening(ports[port].number) ||
                                        !process_is_alive(ports[port].pid)) ||
            !is_listening(ports[port].number))
                errx(EXIT_FAILURE, "%s does not start: %s", argv[0], temp_dir_read(output, NULL));
}

/* One user, in the forms that the servers read. */
static void make_password_files(void)
{
        static const char secret[] = SERVERS_USER ":" REALM ":" SERVERS_PASSWORD;
        _cleanup_free_ char *basic = in_dir("basic.users"), *plain = in_dir("plain.users");
        _cleanup_free_ char *digest = in_dir("digest.users"), *hash = in_dir("hash");
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
        if (asprintf(&line, SERVERS_USER ":" REALM ":%s\n", hex) < 0)
                err(EXIT_FAILURE, "%s", digest);
        temp_dir_write(digest, line);
}

static void make_certificate(const char *name, const char *issuer)
{
        _cleanup_free_ char *key = in_dir("%s.key", name), *crt = in_dir("%s.crt", name);
        _cleanup_free_ char *issuer_key = in_dir("%s.key", issuer ? issuer : name);
        _cleanup_free_ char *issuer_crt = in_dir("%s.crt", issuer ? issuer : name);
        _cleanup_free_ char *subject = NULL, *output = in_dir("openssl.log");
        const char *self[] = { "openssl",
                               "req",
                               "-x509",
                               "-newkey",
                               "ec",
                               "-pkeyopt",
                               "ec_paramgen_curve:P-256",
                               "-nodes",
                               "-days",
                               "2",
                               "-keyout",
                               key,
                               "-out",
                               crt,
                               "-subj",
                               NULL,
                               "-addext",
                               "subjectAltName=IP:127.0.0.1,DNS:localhost",
                               issuer ? "-CA" : NULL,
                               issuer_crt,
                               "-CAkey",
                               issuer_key,
                               "-addext",
                               "basicConstraints=critical,CA:FALSE",
                               NULL };

        if (asprintf(&subject, "/CN=%s", name) < 0)
                err(EXIT_FAILURE, "%s", name);
        self[15] = subject;
        if (process_run(&(ProcessSpec){ .argv = self, .output = output }) != 0)
                errx(EXIT_FAILURE, "openssl req failed: %s", temp_dir_read(output, NULL));
}

/* libcurl of Debian reads TRUST_DIR/ca-certificates.crt; the namespace is ours. */
static void trust_authority(void)
{
        _cleanup_free_ char *authority = in_dir("authority.crt");
        _cleanup_free_ char *text = temp_dir_read(authority, NULL);

        if (mkdir(TRUST_DIR, 0755) < 0 && access(TRUST_DIR, F_OK) < 0)
                err(EXIT_FAILURE, TRUST_DIR);
        if (mount("trust", TRUST_DIR, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") < 0)
                err(EXIT_FAILURE, "tmpfs on " TRUST_DIR);
        temp_dir_write(TRUST_DIR "/ca-certificates.crt", text);
}

static void make_files(void)
{
        _cleanup_free_ char *files = in_dir("files");

        temp_dir_make(files, 0755, 0);
        servers_add_file("empty", 0);
        servers_add_file("small", SERVERS_SMALL_BYTES);
        servers_add_file("medium", SERVERS_MEDIUM_BYTES);
        for (size_t i = 0; i < ARRAY_SIZE(areas); i++) {
                _cleanup_free_ char *area = in_dir("%s", areas[i]);

                if (symlink("files", area) < 0)
                        err(EXIT_FAILURE, "%s", area);
        }
}

#define NGINX_AREAS                                                                                \
        "root @DIR@;\n"                                                                            \
        "location /open/ { }\n"                                                                    \
        "location /basic/ { auth_basic " REALM "; auth_basic_user_file @DIR@/basic.users; }\n"

static const char nginx_template[] =
        "daemon off;\nuser www-data;\nworker_processes 1;\npid @DIR@/nginx.pid;\n"
        "error_log @DIR@/nginx-error.log;\nevents { worker_connections 512; }\n"
        "http {\n"
        "client_body_temp_path @DIR@/nginx-body;\nproxy_temp_path @DIR@/nginx-proxy;\n"
        "fastcgi_temp_path @DIR@/nginx-fastcgi;\nuwsgi_temp_path @DIR@/nginx-uwsgi;\n"
        "scgi_temp_path @DIR@/nginx-scgi;\ndefault_type application/octet-stream;\n"
        "map $http_authorization $kind { default other; '' '-'; '~^(?<word>[A-Za-z]+)' $word; }\n"
        "log_format facts '$request_method|$uri|$status|$kind';\n"
        "server {\n"
        "listen 127.0.0.1:@HTTP@;\naccess_log @HTTP.LOG@ facts;\n" NGINX_AREAS
        "location /slow/ { auth_basic " REALM "; auth_basic_user_file @DIR@/basic.users;\n"
        "  limit_rate @SLOW@m; }\n"
        "location /away/ { rewrite ^/away/(.*)$ http://127.0.0.1:@OTHER@/basic/$1 redirect; }\n"
        "location /here/ { rewrite ^/here/(.*)$ http://127.0.0.1:@HTTP@/basic/$1 redirect; }\n"
        "location /loop/ { return 302 $uri; }\n"
        "location /gone/ { return 404; }\n"
        "location /forbidden/ { return 403; }\n"
        "location /broken/ { return 500; }\n"
        "}\n"
        "server {\n"
        "listen 127.0.0.1:@OTHER@;\naccess_log @OTHER.LOG@ facts;\n" NGINX_AREAS "}\n"
        "server {\n"
        "listen 127.0.0.1:@TLS@ ssl http2;\naccess_log @TLS.LOG@ facts;\n"
        "ssl_certificate @DIR@/server.crt;\nssl_certificate_key @DIR@/server.key;\n" NGINX_AREAS
        "location /down/ { rewrite ^/down/(.*)$ http://127.0.0.1:@HTTP@/open/$1 redirect; }\n"
        "}\n"
        "server {\n"
        "listen 127.0.0.1:@UNTRUSTED@ ssl;\naccess_log @UNTRUSTED.LOG@ facts;\n"
        "ssl_certificate @DIR@/nobody.crt;\nssl_certificate_key @DIR@/nobody.key;\n" NGINX_AREAS
        "}\n"
        "}\n";

static void start_nginx(void)
{
        _cleanup_free_ char *config = make_config("nginx.conf", nginx_template);

        make_certificate("authority", NULL);
        make_certificate("server", "authority");
        make_certificate("nobody", NULL);
        trust_authority();
        start(PORT_HTTP, PROCESS_ARGV("nginx", "-c", config));
}

#define APACHE_MODULE(name) "LoadModule " name "_module /usr/lib/apache2/modules/mod_" name ".so\n"

static const char apache_template[] =
        "ServerRoot @DIR@\nServerName localhost\nListen 127.0.0.1:@APACHE@\n"
        "PidFile @DIR@/apache.pid\nUser www-data\nGroup www-data\nMutex pthread\n"
        "ErrorLog @DIR@/apache-error.log\n" APACHE_MODULE("mpm_event") APACHE_MODULE(
                "authn_core") APACHE_MODULE("authn_file") APACHE_MODULE("authz_core")
                APACHE_MODULE("authz_user") APACHE_MODULE(
                        "auth_digest") "DocumentRoot @DIR@\n"
                                       "LogFormat \"%m|%U|%>s|%{Authorization}i\" facts\nCustomLog "
                                       "@APACHE.LOG@ facts\n"
                                       "<Location /digest/>\nAuthType Digest\nAuthName " REALM
                                       "\nAuthDigestProvider file\n"
                                       "AuthUserFile @DIR@/digest.users\nRequire "
                                       "valid-user\n</Location>\n";

static void start_apache(void)
{
        _cleanup_free_ char *config = make_config("apache.conf", apache_template);

        start(PORT_APACHE, PROCESS_ARGV("apache2", "-f", config, "-D", "FOREGROUND"));
}

static const char lighttpd_template[] =
        "server.modules = ( \"mod_auth\", \"mod_authn_file\", \"mod_accesslog\" )\n"
        "server.document-root = \"@DIR@\"\nserver.port = @LIGHTTPD@\n"
        "server.bind = \"127.0.0.1\"\n"
        "server.username = \"www-data\"\nserver.groupname = \"www-data\"\n"
        "accesslog.filename = \"@LIGHTTPD.LOG@\"\n"
        "accesslog.format = \"%m|%U|%s|%{Authorization}i\"\n"
        "auth.backend = \"plain\"\nauth.backend.plain.userfile = \"@DIR@/plain.users\"\n"
        "auth.require = (\n"
        "\"/sha256/\" => ( \"method\" => \"digest\", \"realm\" => \"" REALM "\",\n"
        "  \"algorithm\" => \"SHA-256\", \"require\" => \"valid-user\" ),\n"
        "\"/either/\" => ( \"method\" => \"digest\", \"realm\" => \"" REALM "\",\n"
        "  \"algorithm\" => \"SHA-256|MD5\", \"require\" => \"valid-user\" ) )\n";

static void start_lighttpd(void)
{
        _cleanup_free_ char *config = make_config("lighttpd.conf", lighttpd_template);

        start(PORT_LIGHTTPD, PROCESS_ARGV("lighttpd", "-D", "-f", config));
}

#define SQUID_DIGEST                                                                               \
        "auth_param digest program /usr/lib/squid/digest_file_auth -c @DIR@/digest.users\n"        \
        "auth_param digest children 1\nauth_param digest realm " REALM "\n"
#define SQUID_BASIC                                                                                \
        "auth_param basic program /usr/lib/squid/basic_ncsa_auth @DIR@/basic.users\n"              \
        "auth_param basic children 1\nauth_param basic realm " REALM "\n"
#define SQUID(port, schemes)                                                                       \
        schemes "http_port 127.0.0.1:@" port "@\n"                                                 \
                "acl known proxy_auth REQUIRED\nhttp_access allow known\nhttp_access deny all\n"   \
                "cache deny all\ncache_mem 8 MB\nmemory_cache_shared off\nnetdb_filename none\n"   \
                "pid_filename none\npinger_enable off\nshutdown_lifetime 0 seconds\n"              \
                "visible_hostname localhost\ncoredump_dir @DIR@\n"                                 \
                "cache_log @" port ".LOG@.cache\nbuffered_logs off\n"                              \
                "logformat facts %rm|%ru|%>Hs|%{Proxy-Authorization}>h\n"                          \
                "access_log stdio:@" port ".LOG@ facts\n"

static const struct {
        Port port;
        const char *config, *text;
} squids[] = {
        { PORT_PROXY_BASIC, "squid-basic.conf", SQUID("PROXY-BASIC", SQUID_BASIC) },
        { PORT_PROXY_DIGEST, "squid-digest.conf", SQUID("PROXY-DIGEST", SQUID_DIGEST) },
        { PORT_PROXY_BOTH, "squid-both.conf", SQUID("PROXY-BOTH", SQUID_DIGEST SQUID_BASIC) },
};

static void start_squids(void)
{
        for (size_t i = 0; i < ARRAY_SIZE(squids); i++) {
                _cleanup_free_ char *config = make_config(squids[i].config, squids[i].text);

                _cleanup_free_ char *service = NULL;

                /* Names the shared memory, which is the machine's. */
                if (asprintf(&service, "test%u", ports[squids[i].port].number) < 0)
                        err(EXIT_FAILURE, "squid");
                start(squids[i].port, PROCESS_ARGV("squid", "-N", "-n", service, "-f", config));
        }
}

void servers_start(unsigned which)
{
        _cleanup_free_ char *logs = NULL;

        dir = temp_dir_new();
        logs = in_dir("logs"); /* servers open their logs as users of their own */
        temp_dir_make(logs, 0777, 0);
        for (Port port = 0; port < PORTS_MAX; port++)
                ports[port].number = free_port();
        make_files();
        make_password_files();
        start_nginx();
        if (which & SERVERS_APACHE)
                start_apache();
        if (which & SERVERS_LIGHTTPD)
                start_lighttpd();
        if (which & SERVERS_SQUID)
                start_squids();
}

void servers_stop(void)
{
        for (Port port = 0; port < PORTS_MAX; port++)
                process_stop(&ports[port].pid);
        dir = temp_dir_remove(dir);
}

void servers_add_file(const char *name, uint64_t size_bytes)
{
        _cleanup_free_ char *path = servers_file(name);

        file_hash_make(path, size_bytes, (uint64_t) name[0] << 32 | size_bytes);
}

char *servers_file(const char *name)
{
        return in_dir("files/%s", name);
}

char *servers_url(Site site, const char *name)
{
        char *url;

        if (asprintf(&url,
                     "%s://127.0.0.1:%u/%s/%s",
                     sites[site].scheme,
                     ports[sites[site].port].number,
                     sites[site].path,
                     name) < 0)
                err(EXIT_FAILURE, "%s", name);
        return url;
}

char *servers_proxy(ServersProxy proxy)
{
        char *url;

        if (asprintf(&url, "http://127.0.0.1:%u", ports[proxies[proxy]].number) < 0)
                err(EXIT_FAILURE, "proxy");
        return url;
}

/* lighttpd keeps lines for seconds, and writes them when it opens its log anew. */
static void flush_logs(void)
{
        pid_t lighttpd = ports[PORT_LIGHTTPD].pid;

        if (lighttpd > 0 && kill(lighttpd, SIGHUP) == 0)
                process_nap_msec(SETTLE_MSEC);
}

void servers_forget_requests(void)
{
        flush_logs();
        for (Port port = 0; port < PORTS_MAX; port++) {
                _cleanup_free_ char *path = log_path(port);
                struct stat st;

                ports[port].forgotten = stat(path, &st) < 0 ? 0 : (size_t) st.st_size;
        }
}

static size_t count_lines(const char *text)
{
        size_t n = 0;

        for (; (text = strchr(text, '\n')); text++)
                n++;
        return n;
}

static char *read_log(Port port)
{
        _cleanup_free_ char *path = log_path(port), *text = NULL;
        size_t size;

        text = temp_dir_read(path, &size);
        return strdup(size > ports[port].forgotten ? text + ports[port].forgotten : "");
}

/* One line of "METHOD|URI|STATUS|AUTHORIZATION"; squid writes blanks as %20. */
static void normalize_line(FILE *out, char *line)
{
        char *rest = NULL;
        const char *method = strtok_r(line, "|", &rest), *uri = strtok_r(NULL, "|", &rest);
        const char *status = strtok_r(NULL, "|", &rest), *scheme = strtok_r(NULL, " %", &rest);

        /* A connection that said nothing: the probe whether squid listens. */
        if (!scheme || strncmp(uri, "error:", 6) == 0)
                return;
        (void) fprintf(out, "%s %s %s %s\n", method, uri, status, scheme);
}

static char *normalize(char *log)
{
        char *text = NULL, *rest = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);

        if (!out)
                err(EXIT_FAILURE, "log");
        for (char *line = strtok_r(log, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
                normalize_line(out, line);
        (void) fclose(out);
        return text;
}

static char *port_requests(Port port, size_t expected)
{
        _cleanup_free_ char *log = NULL;
        uint64_t deadline = process_now_msec() + WAIT_MSEC;
        bool enough = false;

        while (!enough) {
                if (port == PORT_LIGHTTPD)
                        flush_logs();
                free(log);
                log = read_log(port);
                enough = count_lines(log) >= expected || process_now_msec() > deadline;
                process_nap_msec(enough ? SETTLE_MSEC : 20);
        }
        free(log);
        log = read_log(port);
        return normalize(log);
}

char *servers_requests(Site site, size_t expected)
{
        return port_requests(sites[site].port, expected);
}

char *servers_proxy_requests(ServersProxy proxy, size_t expected)
{
        return port_requests(proxies[proxy], expected);
}
