#include "tests/lib/temp-dir.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"

char *temp_dir_new(void)
{
        const char *parent = getenv("TMPDIR");
        char *dir = temp_dir_path(parent ? parent : "/tmp", "dosvc-test-XXXXXX");

        if (!mkdtemp(dir) || chmod(dir, 0755) < 0)
                err(EXIT_FAILURE, "temporary directory");
        return dir;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
        if (remove(path) < 0 && errno != ENOENT)
                warn("%s", path);
        return 0;
}

char *temp_dir_remove(char *dir)
{
        if (dir)
                (void) nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
        free(dir);
        return NULL;
}

char *temp_dir_path(const char *dir, const char *name)
{
        char *path;

        if (asprintf(&path, "%s/%s", dir, name) < 0)
                err(EXIT_FAILURE, "%s", name);
        return path;
}

void temp_dir_write(const char *path, const char *text)
{
        FILE *out = fopen(path, "we");

        if (!out || fputs(text, out) < 0 || fclose(out) != 0)
                err(EXIT_FAILURE, "%s", path);
}

void temp_dir_make(const char *path, unsigned mode, unsigned uid)
{
        if ((mkdir(path, 0700) < 0 && errno != EEXIST) || chown(path, uid, (gid_t) -1) < 0 ||
            chmod(path, mode) < 0)
                err(EXIT_FAILURE, "%s", path);
}

char *temp_dir_read(const char *path, size_t *ret_size)
{
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
        size_t size = 0, room = 65536;
        char *text = malloc(room), *grown;

        for (;;) {
                size_t got = 0;

                if (!text)
                        err(EXIT_FAILURE, "%s", path);
                if (fd >= 0 && fd_read_all(fd, text + size, room - size - 1, &got) < 0)
                        errx(EXIT_FAILURE, "cannot read %s", path);
                size += got;
                if (size < room - 1)
                        break;
                room *= 2;
                grown = realloc(text, room);
                if (!grown)
                        err(EXIT_FAILURE, "%s", path);
                text = grown;
        }
        text[size] = 0;
        if (ret_size)
                *ret_size = size;
        return text;
}
