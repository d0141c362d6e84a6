#include "worker/destinations.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <uthash.h>

#include "base/fd.h"

#include "worker/sandbox.h"

struct Destination {
        UT_hash_handle by_path;
        int fd;
        bool changed;
        char path[];
};

struct Destinations {
        Destination *by_path;
};

int destinations_new(Destinations **ret)
{
        *ret = calloc(1, sizeof(**ret));
        return *ret ? 0 : -ENOMEM;
}

Destinations *destinations_free(Destinations *destinations)
{
        Destination *destination, *next;

        if (!destinations)
                return NULL;
        HASH_ITER (by_path, destinations->by_path, destination, next) {
                HASH_DELETE(by_path, destinations->by_path, destination);
                (void) macro_close(destination->fd);
                free(destination);
        }
        free(destinations);
        return NULL;
}

const char *destination_entry(const char *local_name)
{
        const char *slash = strrchr(local_name, '/');

        return slash ? slash + 1 : local_name;
}

int destinations_add(Destinations *destinations, const char *local_name, Destination **ret)
{
        size_t size = (size_t) (destination_entry(local_name) - local_name);
        _cleanup_free_ Destination *made = NULL;
        Destination *found;

        if (local_name[0] != '/' || local_name[size] == '\0')
                return -EINVAL;
        HASH_FIND(by_path, destinations->by_path, local_name, size, found);
        if (found) {
                *ret = found;
                return 0;
        }
        made = calloc(1, sizeof(*made) + size + 1);
        if (!made)
                return -ENOMEM;
        memcpy(made->path, local_name, size);
        made->fd = open(made->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (made->fd < 0)
                return -errno;
        HASH_ADD(by_path, destinations->by_path, path[0], (unsigned) size, made);
        *ret = STEAL_PTR(made);
        return 0;
}

int destinations_confine(Destinations *destinations)
{
        size_t n = HASH_CNT(by_path, destinations->by_path), i = 0;
        _cleanup_free_ int *fds = calloc(n ? n : 1, sizeof(*fds));
        Destination *destination, *next;

        if (!fds)
                return -ENOMEM;
        HASH_ITER (by_path, destinations->by_path, destination, next) {
                fds[i++] = destination->fd;
        }
        return sandbox_confine(fds, n);
}

int destinations_sync(Destinations *destinations)
{
        Destination *destination, *next;

        HASH_ITER (by_path, destinations->by_path, destination, next) {
                int r;

                if (!destination->changed)
                        continue;
                r = fd_sync_dir(destination->fd);
                /* A directory that may be written and not read cannot be synced by its owner. */
                if (r < 0 && r != -EACCES)
                        return r;
                destination->changed = false;
        }
        return 0;
}

int destination_fd(const Destination *destination)
{
        return destination->fd;
}

void destination_changed(Destination *destination)
{
        destination->changed = true;
}
