#include "tests/lib/lighttpd.h"

#include <stdlib.h>

#include "tests/lib/process.h"
#include "tests/lib/server-fixture.h"
#include "tests/lib/servers.h"

static const char template[] =
        "server.modules = ( \"mod_auth\", \"mod_authn_file\", \"mod_accesslog\" )\n"
        "server.document-root = \"@DIR@\"\nserver.port = @LIGHTTPD@\n"
        "server.bind = \"127.0.0.1\"\n"
        "server.username = \"www-data\"\nserver.groupname = \"www-data\"\n"
        "accesslog.filename = \"@LIGHTTPD.LOG@\"\n"
        "accesslog.format = \"%m|%U|%s|%{Authorization}i|%u\"\n"
        "auth.backend = \"plain\"\nauth.backend.plain.userfile = \"@DIR@/plain.users\"\n"
        "auth.require = (\n"
        "\"/sha256/\" => ( \"method\" => \"digest\", \"realm\" => \"" SERVERS_AREA "\",\n"
        "  \"algorithm\" => \"SHA-256\", \"require\" => \"valid-user\" ),\n"
        "\"/either/\" => ( \"method\" => \"digest\", \"realm\" => \"" SERVERS_AREA "\",\n"
        "  \"algorithm\" => \"SHA-256|MD5\", \"require\" => \"valid-user\" ) )\n";

void lighttpd_start(void)
{
        _cleanup_free_ char *config = server_config("lighttpd.conf", SERVER_PIECES(template));

        server_start(PORT_LIGHTTPD, PROCESS_ARGV("lighttpd", "-D", "-f", config));
}
