#include "worker/destinations.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/fd.h"

#include "confine/sandbox.h"

struct Destination {
        int fd;
        bool changed;
        char *path; /* owned, including its last slash */
};

struct Destinations {
        Destination **sorted; /* by path */
        size_t n;
        int broken; /* the errno of a sync that failed, or 0 */
};

int destinations_new(Destinations **ret)
{
        *ret = calloc(1, sizeof(**ret));
        return *ret ? 0 : -ENOMEM;
}

static Destination *destination_free(Destination *destination)
{
        if (!destination)
                return NULL;
        (void) macro_close(destination->fd);
        free(destination->path);
        free(destination);
        return NULL;
}
DEFINE_CLEANUP(Destination *, destination_free);

Destinations *destinations_free(Destinations *destinations)
{
        if (!destinations)
                return NULL;
        for (size_t i = 0; i < destinations->n; i++)
                destination_free(destinations->sorted[i]);
        free(destinations->sorted);
        free(destinations);
        return NULL;
}

const char *destination_entry(const char *local_name)
{
        const char *slash = strrchr(local_name, '/');

        return slash ? slash + 1 : local_name;
}

/* Index of the path, or where it has to be inserted. */
static size_t find(const Destinations *destinations, const char *path, bool *ret_found)
{
        size_t from = 0, to = destinations->n;

        *ret_found = false;
        while (from < to && !*ret_found) {
                size_t middle = from + (to - from) / 2;
                int order = strcmp(path, destinations->sorted[middle]->path);

                if (order > 0)
                        from = middle + 1;
                else
                        to = middle;
                *ret_found = order == 0;
        }
        return to;
}

int destinations_add(Destinations *destinations, const char *local_name, Destination **ret)
{
        _cleanup_(destination_freep) Destination *destination = calloc(1, sizeof(*destination));
        size_t size = (size_t) (destination_entry(local_name) - local_name), at;
        Destination **grown;
        bool found;

        if (!destination)
                return -ENOMEM;
        destination->fd = -EBADF;
        if (local_name[0] != '/' || local_name[size] == '\0')
                return -EINVAL;
        destination->path = strndup(local_name, size);
        if (!destination->path)
                return -ENOMEM;
        at = find(destinations, destination->path, &found);
        if (found) {
                *ret = destinations->sorted[at];
                return 0;
        }
        grown = reallocarray(destinations->sorted, destinations->n + 1, sizeof(Destination *));
        if (!grown)
                return -ENOMEM;
        destinations->sorted = grown;
        destination->fd = open(destination->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (destination->fd < 0)
                return -errno;
        memmove(&grown[at + 1], &grown[at], (destinations->n - at) * sizeof(Destination *));
        *ret = destination;
        grown[at] = STEAL_PTR(destination);
        destinations->n++;
        return 0;
}

int destinations_confine(Destinations *destinations)
{
        _cleanup_free_ int *fds = calloc(destinations->n + 1, sizeof(*fds));

        if (!fds)
                return -ENOMEM;
        for (size_t i = 0; i < destinations->n; i++)
                fds[i] = destinations->sorted[i]->fd;
        return sandbox_confine(fds, destinations->n);
}

int destinations_sync(Destinations *destinations)
{
        for (size_t i = 0; !destinations->broken && i < destinations->n; i++) {
                Destination *destination = destinations->sorted[i];
                int r;

                if (!destination->changed)
                        continue;
                r = fd_sync_dir(destination->fd);
                /* A user who may write to a directory but not read it cannot sync it. */
                if (r < 0 && r != -EACCES)
                        destinations->broken = r;
                destination->changed = false;
        }
        return destinations->broken;
}

int destination_fd(const Destination *destination)
{
        return destination->fd;
}

void destination_changed(Destination *destination)
{
        destination->changed = true;
}
