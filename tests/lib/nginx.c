/*
 * NTLM belongs to a connection, which nginx cannot do and squid cannot do over HTTP/2. A client
 * that offers h2 is led, by what its first TLS message offers, to a port that speaks h2 and
 * refuses with NTLM; one that offers HTTP/1.1 alone comes to squid.
 */
#include "tests/lib/nginx.h"

#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/certificates.h"
#include "tests/lib/process.h"
#include "tests/lib/server-fixture.h"
#include "tests/lib/servers.h"

/* clang-format off */
#define LOG(port)    "access_log @" port ".LOG@ facts;\n"
#define LISTEN(port) "listen 127.0.0.1:@" port "@;\n" LOG(port)
#define CERTIFICATE(name) \
        "ssl_certificate @DIR@/" name ".crt;\nssl_certificate_key @DIR@/" name ".key;\n"
#define LISTEN_TLS(port, name) \
        "listen 127.0.0.1:@" port "@ ssl http2;\n" LOG(port) CERTIFICATE(name)
#define ASK_BASIC  "auth_basic_user_file @DIR@/basic.users;\nauth_basic "
#define ASK_BEARER "add_header WWW-Authenticate $ask_bearer always;\n"

#define AREAS \
        "root @DIR@;\n" \
        "location /open/ { }\n" \
        "location /basic/ { " ASK_BASIC SERVERS_AREA "; }\n"
#define BEARER_AREA "location /bearer/ { " ASK_BEARER "if ($bearer = '') { return 401; } }\n"

static const char stream_module[] =
        "load_module /usr/lib/nginx/modules/ngx_stream_module.so;\n";

static const char head[] =
        "daemon off;\nuser www-data;\nworker_processes 1;\npid @DIR@/nginx.pid;\n"
        "error_log @DIR@/nginx-error.log;\nevents { worker_connections 512; }\n";

static const char http[] =
        "http {\n"
        "client_body_temp_path @DIR@/nginx-body;\nproxy_temp_path @DIR@/nginx-proxy;\n"
        "fastcgi_temp_path @DIR@/nginx-fastcgi;\nuwsgi_temp_path @DIR@/nginx-uwsgi;\n"
        "scgi_temp_path @DIR@/nginx-scgi;\ndefault_type application/octet-stream;\n"
        "map $ssl_client_verify $word_of_none { default '-'; SUCCESS Certificate; }\n"
        "map $ssl_client_s_dn $client { default ''; '~CN=(?<name>[^,]+)' $name; }\n"
        "map $http_authorization $scheme_word { default other; '' $word_of_none;\n"
        "  '~^(?<word>[A-Za-z]+)' $word; }\n"
        "map $http_authorization $bearer { default '';\n"
        "  '~^Bearer " SERVERS_TOKEN "$' " SERVERS_USER "; }\n"
        "map $bearer $basic_without_bearer { default off; '' " SERVERS_AREA "; }\n"
        "map $status $ask_bearer { default ''; 401 'Bearer realm=\"" SERVERS_AREA "\"'; }\n"
        "map $remote_user $user { default $remote_user; '' $bearer$client; }\n"
        "log_format facts '$request_method|$uri|$status|$scheme_word|$user';\n";

static const char plain[] =
        "server {\n" LISTEN("HTTP") AREAS BEARER_AREA
        "location /bearer-basic/ { " ASK_BEARER ASK_BASIC "$basic_without_bearer; }\n"
        "location /away/ { rewrite ^/away/(.*)$ http://127.0.0.1:@OTHER@/basic/$1 redirect; }\n"
        "location /here/ { rewrite ^/here/(.*)$ http://127.0.0.1:@HTTP@/basic/$1 redirect; }\n"
        "location /loop/ { return 302 $uri; }\n"
        "location /gone/ { return 404; }\n"
        "location /forbidden/ { return 403; }\n"
        "location /broken/ { return 500; }\n"
        "location /slow/ { " ASK_BASIC SERVERS_AREA "; ";

static const char others[] =
        "}\n}\n"
        "server {\n" LISTEN("OTHER") AREAS "}\n"
        "server {\n" LISTEN_TLS("TLS", "server") AREAS BEARER_AREA
        "location /down/ { rewrite ^/down/(.*)$ http://127.0.0.1:@HTTP@/open/$1 redirect; }\n"
        "}\n"
        "server {\nlisten 127.0.0.1:@UNTRUSTED@ ssl;\n" LOG("UNTRUSTED")
        CERTIFICATE("nobody") AREAS "}\n";

static const char certificates[] =
        "server {\n" LISTEN_TLS("EXPIRED", "expired") AREAS "}\n"
        "server {\n" LISTEN_TLS("WRONG-NAME", "elsewhere") AREAS "}\n"
        "server {\n" LISTEN_TLS("UNKNOWN", "stranger") AREAS "}\n"
        "server {\n" LISTEN_TLS("WRONG-USE", "client-use") AREAS "}\n"
        "server {\n" LISTEN_TLS("REVOKED", "revoked") AREAS "}\n"
        "server {\n" LISTEN_TLS("CLIENT", "server") AREAS
        "ssl_client_certificate @DIR@/authority.crt;\nssl_verify_client on;\n}\n";

static const char ntlm_over_h2[] =
        "server {\n" LISTEN_TLS("NTLM-H2", "server")
        "add_header WWW-Authenticate NTLM always;\nlocation / { return 401; }\n}\n";

static const char ntlm_front[] =
        "stream {\n"
        "map $ssl_preread_alpn_protocols $ntlm { default 127.0.0.1:@REVERSE-NTLM-TLS@;\n"
        "  '~\\bh2\\b' 127.0.0.1:@NTLM-H2@; }\n"
        "server { listen 127.0.0.1:@NTLM-FRONT@; ssl_preread on; proxy_pass $ntlm; }\n"
        "}\n";
/* clang-format on */

void nginx_start(unsigned which)
{
        _cleanup_free_ char *rate = NULL, *config = NULL;
        bool has_domain = which & SERVERS_DOMAIN, has_all = which & SERVERS_CERTIFICATES;

        certificates_start();
        if (has_all)
                certificates_start_all();
        if (asprintf(&rate, "limit_rate %um; ", servers_slow_mib()) < 0)
                err(EXIT_FAILURE, "nginx");
        config = server_config("nginx.conf",
                               SERVER_PIECES(has_domain ? stream_module : "",
                                             head,
                                             http,
                                             plain,
                                             rate,
                                             others,
                                             has_all ? certificates : "",
                                             has_domain ? ntlm_over_h2 : "",
                                             "}\n",
                                             has_domain ? ntlm_front : ""));
        server_start(PORT_HTTP, PROCESS_ARGV("nginx", "-c", config));
}
