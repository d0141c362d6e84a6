#include "base/fd.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/macro.h"

int fd_write_all(int fd, const void *data, size_t size_bytes)
{
        const char *next = data;

        while (size_bytes > 0) {
                ssize_t n = write(fd, next, size_bytes);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                next += n;
                size_bytes -= (size_t) n;
        }
        return 0;
}

int fd_read_all(int fd, void *data, size_t size_bytes, size_t *ret_size)
{
        char *next = data;
        size_t left = size_bytes;

        while (left > 0) {
                ssize_t n = read(fd, next, left);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                next += n;
                left -= (size_t) n;
        }
        *ret_size = size_bytes - left;
        return 0;
}

bool fd_is_unsupported(int error)
{
        return error == EINVAL || error == EOPNOTSUPP || error == ENOSYS;
}

int fd_sync_dir(int dir_fd)
{
        /* An O_PATH descriptor cannot be synced, but its "." can be opened. */
        _cleanup_close_ int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        return fsync(fd) < 0 && !fd_is_unsupported(errno) ? -errno : 0;
}

int fd_close_from(int first)
{
        return close_range((unsigned) first, ~0U, 0) < 0 ? -errno : 0;
}

int fd_set_limit(uint64_t limit)
{
        struct rlimit files;

        if (getrlimit(RLIMIT_NOFILE, &files) < 0)
                return -errno;
        files.rlim_cur = files.rlim_max < limit ? files.rlim_max : limit;
        return setrlimit(RLIMIT_NOFILE, &files) < 0 ? -errno : 0;
}

int fd_new_sealed(const char *name, const void *data, size_t size_bytes)
{
        _cleanup_close_ int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
        int r;

        if (fd < 0)
                return -errno;

        r = fd_write_all(fd, data, size_bytes);
        if (r < 0)
                return r;
        if (lseek(fd, 0, SEEK_SET) < 0)
                return -errno;
        if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
                return -errno;
        return steal_fd(&fd);
}
