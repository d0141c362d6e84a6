#include "ctl/url-list.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ctl/local-name.h"

#define NUMBER_MAX 10000

void url_list_done(UrlList *list)
{
        for (size_t i = 0; i < list->n; i++) {
                free(list->urls[i]);
                free(list->local_names[i]);
        }
        free(list->urls);
        free(list->local_names);
        *list = (UrlList){ 0 };
}

/* Makes room for one more; what was there is kept if there is no memory. */
static bool url_list_grow(UrlList *list)
{
        char **urls = reallocarray(list->urls, list->n + 1, sizeof(*urls)), **local_names;

        if (!urls)
                return false;
        list->urls = urls;
        local_names = reallocarray(list->local_names, list->n + 1, sizeof(*local_names));
        if (!local_names)
                return false;
        list->local_names = local_names;
        return true;
}

static ExitStatus url_list_fail(int r, const char *url, const char *destination)
{
        if (r == -ENOMEM)
                return ctl_out_of_memory();
        if (r == -EINVAL) {
                ctl_error("%s does not end with a file name; say which: -o FILE", url);
                return EXIT_USAGE;
        }
        if (r == -ENOENT)
                ctl_error("There is no directory for %s; make it first.", destination);
        else
                ctl_error("The directory of %s cannot be used: %s.", destination, strerror(-r));
        return EXIT_FAILED;
}

/* A directory of -d that is not there must not be taken for a file. */
static char *url_list_directory(const Ctl *ctl)
{
        char *path;

        return asprintf(&path, "%s/", ctl->directory ? ctl->directory : ".") < 0 ? NULL : path;
}

ExitStatus url_list_add(const Ctl *ctl, UrlList *list, const char *url, const char *destination)
{
        char *remote = NULL, *local = NULL, *path;
        int r;

        if (strchr("/.~", *url)) { /* of those who think of cp(1); no host begins so */
                ctl_error(
                        "'%s' is not a URL. A file is named with 'get URL -o FILE' or 'add JOB URL "
                        "FILE'.",
                        url);
                return EXIT_USAGE;
        }
        if (!destination)
                destination = ctl->output_file;
        path = destination ? strdup(destination) : url_list_directory(ctl);
        if (asprintf(&remote, "%s%s", strstr(url, "://") ? "" : "http://", url) < 0)
                remote = NULL;
        r = !path || !remote || !url_list_grow(list) ? -ENOMEM
                                                     : local_name_resolve(path, remote, &local);
        if (r < 0) {
                ExitStatus status = url_list_fail(r, url, path ? path : "");

                free(path);
                free(remote);
                return status;
        }
        free(path);
        list->urls[list->n] = remote;
        list->local_names[list->n++] = local;
        return EXIT_DONE;
}

static ExitStatus url_list_read_lines(const Ctl *ctl, UrlList *list, FILE *in)
{
        ExitStatus status = EXIT_DONE;
        char *line = NULL;
        size_t room = 0;

        while (status == EXIT_DONE && getline(&line, &room, in) >= 0) {
                char *url = line + strspn(line, " \t"), *file;

                url[strcspn(url, "\r\n")] = '\0';
                if (*url == '\0' || *url == '#')
                        continue;
                file = url + strcspn(url, " \t");
                if (*file) {
                        *file++ = '\0';
                        file += strspn(file, " \t");
                }
                status = url_list_add(ctl, list, url, *file ? file : NULL);
        }
        free(line);
        return status;
}

ExitStatus url_list_read(const Ctl *ctl, UrlList *list, const char *path)
{
        size_t before = list->n;
        ExitStatus status;
        FILE *in;

        if (strcmp(path, "-") == 0) {
                status = url_list_read_lines(ctl, list, stdin);
        } else {
                in = fopen(path, "re");
                if (!in) {
                        ctl_error("Cannot read %s: %s.", path, strerror(errno));
                        return EXIT_FAILED;
                }
                status = url_list_read_lines(ctl, list, in);
                (void) fclose(in);
        }
        if (status == EXIT_DONE && list->n == before) {
                ctl_error("%s names no file.", strcmp(path, "-") == 0 ? "The list" : path);
                return EXIT_USAGE;
        }
        return status;
}

/* Local names in order, to find one that is there twice. */
static int url_list_compare(const void *a, const void *b)
{
        return strcmp(**(char *const *const *) a, **(char *const *const *) b);
}

static bool url_list_is_there(const char *path)
{
        struct stat st;

        return lstat(path, &st) == 0;
}

static bool url_list_has(const UrlList *list, const char *local_name)
{
        for (size_t i = 0; i < list->n; i++)
                if (strcmp(list->local_names[i], local_name) == 0)
                        return true;
        return false;
}

static ExitStatus url_list_rename(const Ctl *ctl, UrlList *list, char **local_name)
{
        for (unsigned number = 1; number < NUMBER_MAX; number++) {
                char *name, *clean;

                if (asprintf(&name, "%s.%u", *local_name, number) < 0)
                        return ctl_out_of_memory();
                if (url_list_has(list, name) || url_list_is_there(name)) {
                        free(name);
                        continue;
                }
                clean = ctl_clean(ctl, name);
                ctl_note(ctl, "The name is taken; this one is used: %s", clean);
                free(clean);
                free(*local_name);
                *local_name = name;
                return EXIT_DONE;
        }
        ctl_error("There are too many files with the name %s.", *local_name);
        return EXIT_FAILED;
}

ExitStatus url_list_number(const Ctl *ctl, UrlList *list, bool existing)
{
        char ***sorted = calloc(list->n ? list->n : 1, sizeof(*sorted));
        bool *taken = calloc(list->n ? list->n : 1, sizeof(*taken));
        ExitStatus status = EXIT_DONE;

        if (!sorted || !taken) {
                free(sorted);
                free(taken);
                return ctl_out_of_memory();
        }
        for (size_t i = 0; i < list->n; i++) {
                sorted[i] = &list->local_names[i];
                taken[i] = existing && url_list_is_there(list->local_names[i]);
        }
        qsort(sorted, list->n, sizeof(*sorted), url_list_compare);
        /* The first of several equal names in the list keeps its own. */
        for (size_t first = 0, i = 1; i < list->n; i++) {
                if (strcmp(*sorted[i], *sorted[first]) != 0) {
                        first = i;
                        continue;
                }
                if (sorted[i] < sorted[first]) {
                        char **other = sorted[i];

                        sorted[i] = sorted[first];
                        sorted[first] = other;
                }
                taken[sorted[i] - list->local_names] = true;
        }
        for (size_t i = 0; status == EXIT_DONE && i < list->n; i++)
                if (taken[i])
                        status = url_list_rename(ctl, list, &list->local_names[i]);
        free(sorted);
        free(taken);
        return status;
}
