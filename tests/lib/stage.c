#include "tests/lib/stage.h"

#include <err.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *stage_dir(void)
{
        const char *dir = getenv("DOSVC_STAGE");

        if (!dir || dir[0] != '/')
                errx(EXIT_FAILURE, "DOSVC_STAGE is not set: run this test with tests/run");
        return dir;
}

static const char *find_program(const char *directory, const char *name)
{
        static char path[4096];

        (void) snprintf(path, sizeof(path), "%s/usr/%s/%s", stage_dir(), directory, name);
        if (access(path, X_OK) < 0)
                err(EXIT_FAILURE, "%s", path);
        return path;
}

const char *stage_daemon(const char *name)
{
        return find_program("libexec/dosvc", name);
}

const char *stage_command(const char *name)
{
        return find_program("bin", name);
}

const char *stage_library_path(void)
{
        static char variable[4200];
        char pattern[4096];
        glob_t found;

        (void) snprintf(pattern, sizeof(pattern), "%s/usr/lib/*/libdosvc.so.0", stage_dir());
        if (glob(pattern, 0, NULL, &found) != 0)
                errx(EXIT_FAILURE, "%s is not there", pattern);
        (void) snprintf(variable, sizeof(variable), "LD_LIBRARY_PATH=%s", found.gl_pathv[0]);
        *strrchr(variable, '/') = '\0';
        globfree(&found);
        return variable;
}
