#include "ctl/local-name.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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
        if (length == 0 || strncmp(last, ".", length) == 0 || strncmp(last, "..", length) == 0)
                return -EINVAL;
        name = strndup(last, length);
        if (!name)
                return -ENOMEM;
        *ret = name;
        return 0;
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
