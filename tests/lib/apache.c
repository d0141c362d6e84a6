#include "tests/lib/apache.h"

#include <stdlib.h>

#include "tests/lib/process.h"
#include "tests/lib/server-fixture.h"
#include "tests/lib/servers.h"

#define MODULES      "/usr/lib/apache2/modules/mod_"
#define MODULE(name) "LoadModule " name "_module " MODULES name ".so\n"

/* clang-format off */
static const char base[] =
        "ServerRoot @DIR@\nServerName localhost\nListen 127.0.0.1:@APACHE@\n"
        "PidFile @DIR@/apache.pid\nUser www-data\nGroup www-data\nMutex pthread\n"
        "ErrorLog @DIR@/apache-error.log\nDocumentRoot @DIR@\n"
        MODULE("mpm_event") MODULE("authn_core") MODULE("authn_file") MODULE("authz_core")
        MODULE("authz_user") MODULE("auth_digest")
        "LogFormat \"%m|%U|%>s|%{Authorization}i|%u\" facts\nCustomLog @APACHE.LOG@ facts\n"
        "<Location /digest/>\nAuthType Digest\nAuthName " SERVERS_AREA "\n"
        "AuthDigestProvider file\nAuthUserFile @DIR@/digest.users\nRequire valid-user\n"
        "</Location>\n";

/* A <Location> inherits nothing of this module from another. Basic is verified by the realm. */
#define NEGOTIATE_AREA(path, more) \
        "<Location /" path "/>\nAuthType GSSAPI\nAuthName " SERVERS_AREA "\n" \
        "GssapiCredStore keytab:@DIR@/http.keytab\nGssapiAllowedMech krb5\n" \
        "Require valid-user\n" more "</Location>\n"
#define BOUND      "GssapiConnectionBound On\n"
#define WITH_BASIC "GssapiBasicAuth On\nGssapiBasicAuthMech krb5\n"

static const char negotiate[] =
        MODULE("auth_gssapi") MODULE("ssl") MODULE("http2")
        NEGOTIATE_AREA("nego", "")
        NEGOTIATE_AREA("nego-conn", BOUND)
        NEGOTIATE_AREA("nego-basic", WITH_BASIC)
        NEGOTIATE_AREA("nego-conn-basic", BOUND WITH_BASIC)
        "Listen 127.0.0.1:@APACHE-TLS@\n"
        "<VirtualHost 127.0.0.1:@APACHE-TLS@>\nProtocols h2 http/1.1\nSSLEngine on\n"
        "SSLCertificateFile @DIR@/server.crt\nSSLCertificateKeyFile @DIR@/server.key\n"
        "CustomLog @APACHE-TLS.LOG@ facts\n</VirtualHost>\n";
/* clang-format on */

void apache_start(unsigned which)
{
        _cleanup_free_ char *config =
                server_config("apache.conf",
                              SERVER_PIECES(base, which & SERVERS_REALM ? negotiate : ""));

        server_start(PORT_APACHE, PROCESS_ARGV("apache2", "-f", config, "-D", "FOREGROUND"));
}
