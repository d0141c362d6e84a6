#include "tests/lib/dosvcctl-fixture.h"

#include <stdio.h>
#include <string.h>

#include "base/macro.h"

#include "tests/lib/client-fixture.h"
#include "tests/lib/install-root.h"
#include "tests/lib/process.h"
#include "tests/lib/service-fixture.h"
#include "tests/lib/temp-dir.h"
#include "tests/lib/users.h"

char *output;

/* Runs a shell command as that user, "dosvcctl" in it being the one under test. */
int run_as(uint32_t uid, const char *command)
{
        _cleanup_free_ char *file = temp_dir_path(fixture.dir, "output"), *script = NULL;
        _cleanup_free_ char *address = NULL;
        int status;

        (void) unlink(file);
        ck_assert_int_gt(
                asprintf(&script,
                         "program='%s'; dosvcctl() { \"$program\" \"$@\"; }; job=%s; cd ~; %s",
                         install_root_command("dosvcctl"),
                         job_id,
                         command),
                0);
        ck_assert_int_gt(asprintf(&address, "DBUS_SYSTEM_BUS_ADDRESS=%s", fixture.bus.address), 0);
        status = process_run(&(ProcessSpec){
                .argv = PROCESS_ARGV("sh", "-c", script),
                .environment = PROCESS_ARGV(address, install_root_library_path(), "LC_ALL=C.UTF-8"),
                .output = file,
                .uid = uid,
        });
        free(output);
        output = temp_dir_read(file, NULL);
        return status;
}

int run(const char *command)
{
        return run_as(USERS_ALICE_UID, command);
}

int run_with_url(Site site, const char *name, const char *before, const char *after)
{
        _cleanup_free_ char *url = servers_url(site, name), *command = NULL;

        ck_assert_int_gt(asprintf(&command, "%s %s %s", before, url, after), 0);
        return run(command);
}
