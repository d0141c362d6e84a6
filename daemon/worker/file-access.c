#include "worker/file-access.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/macro.h"

/* The mode that programs pass to open(2). */
#define NEW_MODE 0666

/* The bits of a mode that are kept. A set-user-ID bit would not survive that somebody writes to the
 * file. */
#define ALL_BITS   0777U
#define GROUP_BITS 0070U
#define OTHER_BITS 0007U

#define ACL_NAME "system.posix_acl_access"

/* Only a new file shows what a directory's default ACL and set-group-ID bit make of the mode. */
static int open_new(int dir_fd, const char *name, mode_t umask_of_owner)
{
        mode_t before = umask(umask_of_owner);
        int fd = openat(dir_fd, ".", O_WRONLY | O_TMPFILE | O_EXCL | O_CLOEXEC, NEW_MODE);

        if (fd < 0) {
                fd = openat(dir_fd,
                            name,
                            O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                            NEW_MODE);
                if (fd >= 0)
                        (void) unlinkat(dir_fd, name, 0);
        }
        (void) umask(before);
        return fd;
}

/* A regular file of the owner's, which he may read. O_NONBLOCK, since a FIFO may be there. */
static int open_own(int dir_fd, const char *name, struct stat *ret_st)
{
        _cleanup_close_ int fd = -EBADF;

        fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        return fd >= 0 && fstat(fd, ret_st) == 0 && S_ISREG(ret_st->st_mode) &&
                               ret_st->st_uid == geteuid()
                       ? steal_fd(&fd)
                       : -EBADF;
}

/* False: from has a list that fd could not be given. */
static bool copy_acl(int fd, int from)
{
        char acl[XATTR_SIZE_MAX];
        ssize_t size = fgetxattr(from, ACL_NAME, acl, sizeof(acl));

        if (size >= 0)
                return fsetxattr(fd, ACL_NAME, acl, (size_t) size, 0) == 0;
        if (errno == ENODATA)
                return fremovexattr(fd, ACL_NAME) == 0 || errno == ENODATA || errno == EOPNOTSUPP;
        return errno == EOPNOTSUPP;
}

/* from: a file whose ACL is copied; -EBADF: fd keeps its own. */
static int take_after(int fd, int from, const struct stat *model)
{
        mode_t mode = model->st_mode & ALL_BITS;
        struct stat st;
        bool alike;

        if (fstat(fd, &st) < 0)
                return -errno;
        /* The owner cannot give away to a group that he is not in. */
        alike = st.st_gid == model->st_gid || fchown(fd, (uid_t) -1, model->st_gid) == 0;
        if (from >= 0)
                alike &= copy_acl(fd, from);
        /* The group of the mode then may do no more than everybody. */
        if (!alike)
                mode = (mode & ~GROUP_BITS) | (mode & OTHER_BITS) << 3;
        if (fstat(fd, &st) < 0)
                return -errno;
        /* Some file systems have one mode for all files, and refuse another one. */
        return (st.st_mode & ALL_BITS) != mode && fchmod(fd, mode) < 0 && !fd_is_unsupported(errno)
                       ? -errno
                       : 0;
}

int file_access_set(int fd,
                    int dir_fd,
                    const char *final_name,
                    const char *probe_name,
                    mode_t umask_of_owner)
{
        _cleanup_close_ int new_fd = open_new(dir_fd, probe_name, umask_of_owner);
        _cleanup_close_ int replaced_fd = -EBADF;
        struct stat new, replaced;

        /* Some file systems know nothing of a file that has lost its name. */
        if (new_fd >= 0 && fstat(new_fd, &new) < 0)
                new_fd = macro_close(new_fd);
        if (new_fd < 0) { /* a full disk may have no room for it */
                if (fstat(fd, &new) < 0)
                        return -errno;
                new.st_mode = NEW_MODE & ~umask_of_owner;
        }
        if (fstatat(dir_fd, final_name, &replaced, AT_SYMLINK_NOFOLLOW) < 0 ||
            !S_ISREG(replaced.st_mode))
                return take_after(fd, new_fd, &new);
        replaced_fd = open_own(dir_fd, final_name, &replaced);
        if (replaced_fd >= 0)
                return take_after(fd, replaced_fd, &replaced);
        /* Another user must not decide who may write to the owner's file, but may have hidden it.
         */
        new.st_mode &= replaced.st_mode;
        return take_after(fd, new_fd, &new);
}
