#include "tests/lib/install-root.h"

#include <err.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *install_root_dir(void)
{
        const char *dir = getenv("DOSVC_INSTALL_ROOT");

        if (!dir || dir[0] != '/')
                errx(EXIT_FAILURE, "DOSVC_INSTALL_ROOT is not set: run this test with tests/run");
        return dir;
}

static const char *find_program(const char *directory, const char *name)
{
        static char path[4096];

        (void) snprintf(path, sizeof(path), "%s/usr/%s/%s", install_root_dir(), directory, name);
        if (access(path, X_OK) < 0)
                err(EXIT_FAILURE, "%s", path);
        return path;
}

const char *install_root_daemon(const char *name)
{
        return find_program("libexec/dosvc", name);
}

const char *install_root_command(const char *name)
{
        return find_program("bin", name);
}

const char *install_root_library_path(void)
{
        static char variable[4200];
        char pattern[4096];
        glob_t found;

        (void) snprintf(pattern, sizeof(pattern), "%s/usr/lib/*/libdosvc.so.0", install_root_dir());
        if (glob(pattern, 0, NULL, &found) != 0)
                errx(EXIT_FAILURE, "%s is not there", pattern);
        (void) snprintf(variable, sizeof(variable), "LD_LIBRARY_PATH=%s", found.gl_pathv[0]);
        *strrchr(variable, '/') = '\0';
        globfree(&found);
        return variable;
}
