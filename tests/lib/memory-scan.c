#include "tests/lib/memory-scan.h"

#include <err.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macro.h"

#include "tests/lib/temp-dir.h"

#define STEP_BYTES ((size_t) 1024 * 1024)

#define MAX_NEEDLE 256

static char where[512];

static bool is_in(const char *data, size_t size, const char *needle)
{
        char wide[2 * MAX_NEEDLE] = { 0 };
        size_t length = strlen(needle);

        if (length > MAX_NEEDLE)
                errx(EXIT_FAILURE, "'%s' is too long to be searched for", needle);
        for (size_t i = 0; i < length; i++)
                wide[2 * i] = needle[i];
        return memmem(data, size, needle, length) != NULL ||
               memmem(data, size, wide, 2 * length) != NULL;
}

/* Steps overlap by the needle, so that one that lies across two steps is found. */
static bool scan_range(int mem, uint64_t from, uint64_t to, const char *needle, char *buffer)
{
        size_t length = 2 * strlen(needle);

        for (uint64_t at = from; at < to; at += STEP_BYTES - length) {
                size_t want = to - at < STEP_BYTES ? (size_t) (to - at) : STEP_BYTES;
                ssize_t got = pread(mem, buffer, want, (off_t) at);

                if (got > 0 && is_in(buffer, (size_t) got, needle))
                        return true;
        }
        return false;
}

bool memory_scan_process(pid_t pid, const char *needle, const char **ret_where)
{
        _cleanup_free_ char *buffer = malloc(STEP_BYTES);
        _cleanup_close_ int mem = -EBADF;
        char path[64], line[512];
        bool found = false;
        size_t mappings = 0;
        FILE *maps;

        (void) snprintf(path, sizeof(path), "/proc/%d/mem", (int) pid);
        mem = open(path, O_RDONLY | O_CLOEXEC);
        (void) snprintf(path, sizeof(path), "/proc/%d/maps", (int) pid);
        maps = fopen(path, "re");
        if (mem < 0 || !maps || !buffer)
                err(EXIT_FAILURE, "memory of process %d", (int) pid);

        while (!found && fgets(line, sizeof(line), maps)) {
                uint64_t from, to;
                char rights[8];

                if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s", &from, &to, rights) != 3 ||
                    rights[0] != 'r' || strstr(line, "[vvar]") || strstr(line, "[vsyscall]"))
                        continue;
                mappings++;
                found = scan_range(mem, from, to, needle, buffer);
        }
        (void) fclose(maps);
        if (mappings == 0)
                errx(EXIT_FAILURE, "process %d shows no memory", (int) pid);
        if (found && ret_where) {
                (void) snprintf(where, sizeof(where), "%s", line);
                *ret_where = where;
        }
        return found;
}

bool memory_scan_proc_file(pid_t pid, const char *name, const char *needle)
{
        _cleanup_free_ char *text = NULL;
        char path[64];
        size_t size;

        (void) snprintf(path, sizeof(path), "/proc/%d/%s", (int) pid, name);
        text = temp_dir_read(path, &size);
        return is_in(text, size, needle);
}

static const char *wanted; /* nftw() has no userdata */

static int scan_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
        _cleanup_free_ char *text = NULL;
        size_t size;

        if (type != FTW_F || !S_ISREG(st->st_mode))
                return 0;
        text = temp_dir_read(path, &size);
        if (!is_in(text, size, wanted))
                return 0;
        (void) snprintf(where, sizeof(where), "%s", path);
        return 1;
}

bool memory_scan_files(const char *path, const char *needle, const char **ret_where)
{
        int r;

        wanted = needle;
        r = nftw(path, scan_file, 16, FTW_PHYS);
        if (r < 0)
                err(EXIT_FAILURE, "%s", path);
        if (r > 0 && ret_where)
                *ret_where = where;
        return r > 0;
}
