#include "tests/lib/domain.h"

#include <err.h>
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/process.h"
#include "tests/lib/server-fixture.h"
#include "tests/lib/servers.h"
#include "tests/lib/temp-dir.h"
#include "tests/lib/users.h"

#define START_MSEC     10000
#define PIPE           DOMAIN_DIR "/winbindd/pipe"
#define PRIVILEGED_DIR DOMAIN_DIR "/state/winbindd_privileged"

static const char config[] = "[global]\n"
                             "workgroup = " DOMAIN_NAME "\n"
                             "netbios name = DOSVCTEST\n"
                             "security = user\n"
                             "domain logons = yes\n"
                             "domain master = yes\n"
                             "disable netbios = yes\n"
                             "interfaces = 127.0.0.1\n"
                             "bind interfaces only = yes\n"
                             "passdb backend = tdbsam:" DOMAIN_DIR "/passdb.tdb\n"
                             "private dir = " DOMAIN_DIR "/private\n"
                             "lock directory = " DOMAIN_DIR "/lock\n"
                             "state directory = " DOMAIN_DIR "/state\n"
                             "cache directory = " DOMAIN_DIR "/cache\n"
                             "pid directory = " DOMAIN_DIR "\n"
                             "ncalrpc dir = " DOMAIN_DIR "/ncalrpc\n"
                             "log file = " DOMAIN_DIR "/log\n"
                             "idmap config * : backend = tdb\n"
                             "idmap config * : range = 20000-29999\n";

static const char *const dirs[] = { "private", "lock", "state", "cache", "ncalrpc" };

static const struct {
        const char *name, *password;
        uint32_t uid;
} accounts[] = {
        { SERVERS_USER, SERVERS_PASSWORD, USERS_READER_UID },
        { DOMAIN_ACCENT_USER, DOMAIN_ACCENT_PASSWORD, USERS_ELISE_UID },
};

static void make_dirs(void)
{
        if (mkdir(DOMAIN_DIR, 0755) < 0 && errno != EEXIST)
                err(EXIT_FAILURE, DOMAIN_DIR);
        if (mount("domain", DOMAIN_DIR, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") < 0)
                err(EXIT_FAILURE, "tmpfs on " DOMAIN_DIR);
        for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
                _cleanup_free_ char *path = temp_dir_path(DOMAIN_DIR, dirs[i]);

                temp_dir_make(path, 0755, 0);
        }
}

/* Samba's accounts stand on Unix accounts. */
static void make_accounts(void)
{
        for (size_t i = 0; i < ARRAY_SIZE(accounts); i++) {
                _cleanup_free_ char *input = server_path("account"), *twice = NULL;

                if (asprintf(&twice, "%s\n%s\n", accounts[i].password, accounts[i].password) < 0)
                        err(EXIT_FAILURE, "%s", accounts[i].name);
                temp_dir_write(input, twice);
                users_set_uid(accounts[i].name, accounts[i].uid);
                server_run(input,
                           PROCESS_ARGV("pdbedit",
                                        "--configfile=" DOMAIN_CONFIG,
                                        "--create",
                                        "--password-from-stdin",
                                        accounts[i].name));
                (void) unlink(input);
        }
}

/* ntlm_auth asks with a challenge of its own, which not everybody may; squid is user "proxy". */
static void let_squid_ask(void)
{
        const struct group *group = getgrnam("proxy");

        if (!group || chown(PRIVILEGED_DIR, 0, group->gr_gid) < 0)
                err(EXIT_FAILURE, PRIVILEGED_DIR);
}

void domain_start(void)
{
        make_dirs();
        temp_dir_write(DOMAIN_CONFIG, config);
        make_accounts();
        server_launch(PORT_DOMAIN,
                      PROCESS_ARGV("winbindd",
                                   "--foreground",
                                   "--no-process-group",
                                   "--configfile=" DOMAIN_CONFIG));
        if (!PROCESS_WAIT_UNTIL(START_MSEC,
                                access(PIPE, F_OK) == 0 &&
                                        access(PRIVILEGED_DIR "/pipe", F_OK) == 0))
                errx(EXIT_FAILURE, "winbindd does not start");
        let_squid_ask();
}
