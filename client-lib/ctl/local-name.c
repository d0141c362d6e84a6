#include "ctl/local-name.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ctl/format.h"

static int hex_digit(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        c = (char) (c | 0x20);
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes %XX in place, but for a slash and control characters. */
static void decode(char *name)
{
        char *to = name;

        for (const char *from = name; *from; from++) {
                int high = *from == '%' ? hex_digit(from[1]) : -1;
                int low = high >= 0 ? hex_digit(from[2]) : -1;
                int byte = high * 16 + low;

                if (low >= 0 && byte >= 0x20 && byte != 0x7f && byte != '/') {
                        *to++ = (char) byte;
                        from += 2;
                } else {
                        *to++ = *from;
                }
        }
        *to = '\0';
}

static bool is_file_name(const char *name)
{
        return *name && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/*
 * The name decoded, or as it is if the decoded one is no text that can be shown and typed, or no
 * name of a file; takes over name. NULL without memory.
 */
static char *decode_name(char *name)
{
        char *decoded = strdup(name), *clean = NULL;
        bool is_fine;

        if (decoded) {
                decode(decoded);
                clean = format_clean(decoded, true);
        }
        if (!clean) {
                free(decoded);
                free(name);
                return NULL;
        }
        is_fine = strcmp(clean, decoded) == 0 && is_file_name(decoded);
        free(clean);
        free(is_fine ? name : decoded);
        return is_fine ? decoded : name;
}

int local_name_from_url(const char *url, char **ret)
{
        const char *authority = strstr(url, "://");
        const char *path = authority ? strchr(authority + 3, '/') : NULL;
        const char *last;
        size_t length;
        char *name;

        if (!path)
                return -EINVAL;
        length = strcspn(path, "?#");
        last = path + length;
        while (last[-1] != '/')
                last--;
        length = (size_t) (path + length - last);
        name = strndup(last, length);
        if (!name)
                return -ENOMEM;
        if (!is_file_name(name)) {
                free(name);
                return -EINVAL;
        }
        *ret = decode_name(name);
        return *ret ? 0 : -ENOMEM;
}

static bool local_name_is_directory(const char *path)
{
        struct stat st;

        return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* directory is "" for the working directory. */
static int local_name_join(const char *directory, const char *name, char **ret)
{
        char *real = realpath(*directory ? directory : ".", NULL);
        int r;

        if (!real)
                return -errno;
        r = asprintf(ret, "%s/%s", strcmp(real, "/") == 0 ? "" : real, name);
        free(real);
        return r < 0 ? -ENOMEM : 0;
}

int local_name_resolve(const char *path, const char *url, char **ret)
{
        size_t length = strlen(path);
        const char *slash;
        char *text;
        int r;

        if (length == 0)
                return -EINVAL;
        if (path[length - 1] == '/' || local_name_is_directory(path)) {
                r = local_name_from_url(url, &text);
                if (r < 0)
                        return r;
                r = local_name_join(path, text, ret);
                free(text);
                return r;
        }
        slash = strrchr(path, '/');
        text = slash ? strndup(path, (size_t) (slash - path) + 1) : strdup("");
        if (!text)
                return -ENOMEM;
        r = local_name_join(text, slash ? slash + 1 : path, ret);
        free(text);
        return r;
}
