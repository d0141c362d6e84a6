#include "manager/job-paths.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/dosvc-wire.h"

#include "base/str.h"

#include "manager/bus-error.h"
#include "model/limits.h"

const char *job_path(const Job *job, char buffer[static JOB_PATH_MAX])
{
        char id[SD_ID128_STRING_MAX];

        (void) snprintf(buffer,
                        JOB_PATH_MAX,
                        DOSVC_JOB_PREFIX "/%s",
                        sd_id128_to_string(job->id, id));
        return buffer;
}

const char *job_path_of_file(const Job *job, uint32_t index, char buffer[static JOB_PATH_MAX])
{
        char id[SD_ID128_STRING_MAX];

        (void) snprintf(buffer,
                        JOB_PATH_MAX,
                        DOSVC_JOB_PREFIX "/%s/file/%u",
                        sd_id128_to_string(job->id, id),
                        index);
        return buffer;
}

/* The id behind the prefix and what follows it. Only the one spelling of an id is a path. */
static int split_path(const char *path, sd_id128_t *ret_id, const char **ret_rest)
{
        char text[33], canonical[SD_ID128_STRING_MAX];

        if (!str_starts_with(path, DOSVC_JOB_PREFIX "/"))
                return -EINVAL;
        path += strlen(DOSVC_JOB_PREFIX "/");
        if (strnlen(path, 32) < 32)
                return -EINVAL;
        memcpy(text, path, 32);
        text[32] = '\0';
        if (sd_id128_from_string(text, ret_id) < 0 ||
            strcmp(sd_id128_to_string(*ret_id, canonical), text) != 0)
                return -EINVAL;
        *ret_rest = path + 32;
        return 0;
}

int job_path_parse(const char *path, sd_id128_t *ret_job)
{
        const char *rest;
        int r = split_path(path, ret_job, &rest);

        return r >= 0 && *rest != '\0' ? -EINVAL : r;
}

static int find_visible(BusEdge *edge, const char *path, Job **ret_job, const char **ret_rest)
{
        const Caller *caller;
        sd_id128_t id;
        int r;

        r = split_path(path, &id, ret_rest);
        if (r >= 0)
                r = callers_find(edge->callers, sd_bus_get_current_message(edge->bus), &caller);
        if (r >= 0)
                r = manager_find_job(edge->manager, caller, id, ret_job);
        return r;
}

int job_path_find_job(sd_bus *bus,
                      const char *path,
                      const char *interface,
                      void *userdata,
                      void **ret_found,
                      sd_bus_error *error)
{
        const char *rest;
        Job *job;

        if (find_visible(userdata, path, &job, &rest) < 0 || *rest != '\0')
                return 0;
        *ret_found = job;
        return 1;
}

static int find_file(BusEdge *edge, const char *path, Job **ret_job, uint32_t *ret_index)
{
        char canonical[JOB_PATH_MAX];
        const char *rest;
        uint64_t index;
        Job *job;

        if (find_visible(edge, path, &job, &rest) < 0 || !str_starts_with(rest, "/file/") ||
            str_parse_u64(rest + strlen("/file/"), UINT32_MAX, &index) < 0 || index >= job->n_files)
                return -ENOENT;
        if (strcmp(job_path_of_file(job, (uint32_t) index, canonical), path) != 0)
                return -ENOENT;
        *ret_job = job;
        *ret_index = (uint32_t) index;
        return 0;
}

int job_path_find_file_of(BusEdge *edge, sd_bus_message *m, Job **ret_job, uint32_t *ret_index)
{
        return find_file(edge, sd_bus_message_get_path(m), ret_job, ret_index);
}

int job_path_find_file(sd_bus *bus,
                       const char *path,
                       const char *interface,
                       void *userdata,
                       void **ret_found,
                       sd_bus_error *error)
{
        uint32_t index;
        Job *job;

        if (find_file(userdata, path, &job, &index) < 0)
                return 0;
        *ret_found = &job->files[index];
        return 1;
}

typedef struct Enumeration {
        char **paths; /* owned: n strings and room for the NULL behind them */
        size_t n, allocated;
        bool files;
} Enumeration;

static int add_path(Enumeration *enumeration, const char *path)
{
        if (enumeration->n == LIMIT_INTROSPECTED_NODES)
                return -ENOBUFS;
        if (enumeration->n + 1 >= enumeration->allocated) {
                size_t more = enumeration->allocated ? enumeration->allocated * 2 : 16;
                char **grown = reallocarray(enumeration->paths, more, sizeof(*grown));

                if (!grown)
                        return -ENOMEM;
                enumeration->paths = grown;
                enumeration->allocated = more;
        }
        enumeration->paths[enumeration->n + 1] = NULL;
        enumeration->paths[enumeration->n] = strdup(path);
        return enumeration->paths[enumeration->n++] ? 0 : -ENOMEM;
}

static int add_paths(void *userdata, Job *job)
{
        Enumeration *enumeration = userdata;
        char path[JOB_PATH_MAX];
        int r = add_path(enumeration, job_path(job, path));

        for (uint32_t i = 0; r >= 0 && enumeration->files && i < job->n_files; i++)
                r = add_path(enumeration, job_path_of_file(job, i, path));
        return r;
}

/* For introspection, which wants the next level only: the jobs, or the files of one. */
int job_path_enumerate(sd_bus *bus,
                       const char *prefix,
                       void *userdata,
                       char ***ret_paths,
                       sd_bus_error *error)
{
        BusEdge *edge = userdata;
        sd_bus_message *m = sd_bus_get_current_message(bus);
        Enumeration enumeration = { 0 };
        const Caller *caller;
        const char *rest;
        Job *job;
        int r;

        r = callers_find(edge->callers, m, &caller);
        if (r < 0)
                return r;
        if (find_visible(edge, prefix, &job, &rest) >= 0) {
                enumeration.files = true;
                r = add_paths(&enumeration, job);
        } else {
                r = manager_each_job(edge->manager,
                                     caller,
                                     caller->uid == 0,
                                     add_paths,
                                     &enumeration);
        }
        if (r < 0) {
                strings_free(enumeration.paths);
                return r == -ENOBUFS ? bus_error_set(error,
                                                     r,
                                                     "There are more than %d objects here: use "
                                                     "ListJobs or ListFilesFiltered",
                                                     LIMIT_INTROSPECTED_NODES)
                                     : r;
        }
        *ret_paths = enumeration.paths;
        return 1;
}
