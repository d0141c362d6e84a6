#include "worker/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <time.h>

#include "base/fd.h"
#include "base/str.h"

#include "worker/file-access.h"

/* No other user reads a file before it is whole and published. */
#define TEMP_MODE 0600

/* ".", ".", eight hex digits, ".dosvc" */
#define TEMP_DECORATION 16

/*
 * The names of the temporary files of one tag, used one after the other. There are more of them
 * than a worker makes before the first one is recorded, so that the name in a record never comes
 * to mean another file.
 */
#define GENERATIONS 8U

/* Random names of 32 bits do not collide with other files this often. */
#define CREATE_ATTEMPTS 8

/* How long a lock of another process is waited for, and how often it is tried meanwhile. */
#define LOCK_WAIT_MSEC  2000
#define LOCK_PAUSE_MSEC 20

/* Write-back starts whenever this many bytes have gathered, so that a sync finds little left. */
#define WRITE_BACK_BYTES (8ULL * 1024 * 1024)

struct Sink {
        int dir_fd; /* borrowed */
        int fd;
        char *final_name; /* owned */
        uint32_t tag;
        uint32_t generation; /* of the latest name */
        char *temp_name;     /* owned; NULL: nothing is open */
        uint64_t inode;
        uint64_t position;
        uint64_t reserved;     /* space is reserved up to here */
        uint64_t written_back; /* write-back has started up to here */
        uint64_t synced;
        int broken; /* the errno that the disk failed with, or 0 */
};

/* The final name is free, or belongs to something that rename(2) may replace. */
static int check_final(int dir_fd, const char *final_name)
{
        struct stat st;

        if (fstatat(dir_fd, final_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? 0 : -errno;
        if (S_ISDIR(st.st_mode))
                return -EISDIR;
        return S_ISREG(st.st_mode) || S_ISLNK(st.st_mode) ? 0 : -EEXIST;
}

/* FNV-1a, 32 bits. */
static uint32_t hash(uint32_t value, const void *data, size_t size)
{
        const unsigned char *at = data;

        for (size_t i = 0; i < size; i++)
                value = (value ^ at[i]) * 16777619U;
        return value;
}

uint32_t sink_tag(sd_id128_t job, uint32_t index)
{
        uint32_t value = hash(2166136261U, &job, sizeof(job));

        return hash(value, &index, sizeof(index)) & ~(GENERATIONS - 1);
}

int sink_new(int dir_fd, const char *final_name, uint32_t tag, Sink **ret)
{
        _cleanup_(sink_freep) Sink *sink = NULL;
        int r = check_final(dir_fd, final_name);

        if (r < 0)
                return r;
        if (faccessat(dir_fd, ".", W_OK | X_OK, AT_EACCESS) < 0)
                return -errno;
        sink = calloc(1, sizeof(*sink));
        if (!sink)
                return -ENOMEM;
        sink->dir_fd = dir_fd;
        sink->fd = -EBADF;
        sink->tag = tag;
        sink->generation = GENERATIONS - 1;
        sink->final_name = strdup(final_name);
        if (!sink->final_name)
                return -ENOMEM;
        *ret = STEAL_PTR(sink);
        return 0;
}

int sink_new_beside(const Sink *before, Sink **ret)
{
        int r = sink_new(before->dir_fd, before->final_name, before->tag, ret);

        if (r >= 0)
                (*ret)->generation = before->generation;
        return r;
}

/* The size is only what a server said, so bytes that did not come reserve no space for long. */
static void release_reserved(const Sink *sink)
{
        /* If this fails, the next attempt truncates the file. */
        if (sink->reserved > sink->position && ftruncate(sink->fd, (off_t) sink->position) < 0)
                return;
}

static void close_temp(Sink *sink)
{
        release_reserved(sink);
        sink->fd = macro_close(sink->fd);
        free(sink->temp_name);
        sink->temp_name = NULL;
        sink->inode = 0;
        sink->position = sink->reserved = sink->written_back = sink->synced = 0;
        sink->broken = 0;
}

Sink *sink_free(Sink *sink)
{
        if (!sink)
                return NULL;
        close_temp(sink);
        free(sink->final_name);
        free(sink);
        return NULL;
}

/* Not in linux/magic.h. */
#define JFS_SUPER_MAGIC   0x3153464a
#define NTFS3_SUPER_MAGIC 0x7366746e
#define ZFS_SUPER_MAGIC   0x2fc12fc1
#define BCACHEFS_STATFS   0xca451a4e
#define GFS2_SUPER_MAGIC  0x01161970

/*
 * File systems that keep the inode number of a file on the disk or at the server, or that do not
 * outlive a remount. Of any other one it is not known how long its numbers last.
 */
static const unsigned long lasting[] = {
        EXT4_SUPER_MAGIC,     XFS_SUPER_MAGIC,      BTRFS_SUPER_MAGIC, F2FS_SUPER_MAGIC,
        TMPFS_MAGIC,          RAMFS_MAGIC,          NFS_SUPER_MAGIC,   OVERLAYFS_SUPER_MAGIC,
        ECRYPTFS_SUPER_MAGIC, REISERFS_SUPER_MAGIC, NILFS_SUPER_MAGIC, OCFS2_SUPER_MAGIC,
        CEPH_SUPER_MAGIC,     JFS_SUPER_MAGIC,      NTFS3_SUPER_MAGIC, ZFS_SUPER_MAGIC,
        BCACHEFS_STATFS,      GFS2_SUPER_MAGIC,
};

static bool has_lasting_numbers(int dir_fd)
{
        struct statfs fs;

        if (fstatfs(dir_fd, &fs) < 0)
                return true;
        for (size_t i = 0; i < ARRAY_SIZE(lasting); i++)
                if (((unsigned long) fs.f_type & UINT32_MAX) == lasting[i])
                        return true;
        return false;
}

/*
 * A regular file of ours with one name only that has the recorded inode, if that says anything.
 * The device is not compared: a disk may get another number at each boot, and the name is in the
 * directory that we opened.
 */
static bool is_recorded(int dir_fd, const struct stat *st, const SinkFile *file)
{
        return S_ISREG(st->st_mode) && st->st_uid == geteuid() && st->st_nlink <= 1 &&
               (st->st_ino == file->inode || !has_lasting_numbers(dir_fd));
}

/*
 * An earlier worker of the job that is being killed keeps its lock while it waits for the disk, so
 * a lock is waited for. Some file systems have no locks; there the recorded inode has to be
 * protection enough.
 */
static int lock_temp(int fd)
{
        static const struct timespec pause = { .tv_nsec = LOCK_PAUSE_MSEC * 1000000L };

        for (unsigned waited = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; waited += LOCK_PAUSE_MSEC) {
                if (errno == EOPNOTSUPP || errno == ENOLCK || errno == ENOSYS)
                        return 0;
                if (errno != EWOULDBLOCK || waited >= LOCK_WAIT_MSEC)
                        return -errno;
                (void) nanosleep(&pause, NULL);
        }
        return 0;
}

/* O_NONBLOCK, since the user may have put a FIFO there. */
static int open_recorded(int dir_fd, const SinkFile *file, int flags, struct stat *ret_st)
{
        _cleanup_close_ int fd = -EBADF;

        fd = openat(dir_fd,
                    file->temp_name,
                    flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (fd < 0 && (errno == ENOENT || errno == ELOOP || errno == EISDIR || errno == ENXIO))
                return -ESTALE;
        /* NFS says ESTALE of the directory, and there it may pass. */
        if (fd < 0 || fstat(fd, ret_st) < 0)
                return errno == ESTALE ? -EIO : -errno;
        return is_recorded(dir_fd, ret_st, file) ? steal_fd(&fd) : -ESTALE;
}

/* The generation in a recorded name. A name of another form may have any. */
static uint32_t generation_of(const char *temp_name)
{
        static const char digits[] = "0123456789abcdef";
        const char *end = strrchr(temp_name, '.'), *digit = NULL;

        if (end && end > temp_name && end[-1] != '\0')
                digit = strchr(digits, end[-1]);
        return digit ? (uint32_t) (digit - digits) % GENERATIONS : GENERATIONS - 1;
}

int sink_continue(Sink *sink, const SinkFile *file, uint64_t offset_bytes)
{
        _cleanup_free_ char *name = NULL;
        _cleanup_close_ int fd = -EBADF;
        struct stat st = { 0 };
        int r;

        close_temp(sink);
        sink->generation = generation_of(file->temp_name);
        fd = open_recorded(sink->dir_fd, file, O_RDWR, &st);
        if (fd < 0)
                return fd;
        if (st.st_size < 0 || (uint64_t) st.st_size < offset_bytes)
                return -ESTALE;
        r = lock_temp(fd);
        if (r < 0)
                return r;
        if (ftruncate(fd, (off_t) offset_bytes) < 0)
                return -errno;
        name = strdup(file->temp_name);
        if (!name)
                return -ENOMEM;

        sink->temp_name = STEAL_PTR(name);
        sink->fd = steal_fd(&fd);
        sink->inode = st.st_ino;
        sink->position = sink->written_back = sink->synced = offset_bytes;
        return 0;
}

/* Bytes of the name that fit beside the decoration, without cutting a character of UTF-8. */
static int stem_length(const char *name)
{
        size_t size = strlen(name);

        if (size > NAME_MAX - TEMP_DECORATION) {
                size = NAME_MAX - TEMP_DECORATION;
                while (size > 0 && ((unsigned char) name[size] & 0xc0) == 0x80)
                        size--;
        }
        return (int) size;
}

/* Creates a locked file of that name. -EEXIST: the name is taken. */
static int make_temp(int dir_fd, const char *name, struct stat *ret_st)
{
        _cleanup_close_ int fd = -EBADF;
        int r;

        fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, TEMP_MODE);
        if (fd < 0)
                return -errno;
        r = lock_temp(fd);
        if (r >= 0 && fstat(fd, ret_st) < 0)
                r = -errno;
        if (r < 0) {
                (void) unlinkat(dir_fd, name, 0);
                return r;
        }
        return steal_fd(&fd);
}

static int make_name(const char *final_name, uint32_t number, char **ret)
{
        return str_format(ret, ".%.*s.%08x.dosvc", stem_length(final_name), final_name, number);
}

/* The name of the next generation; if that is taken, one that cannot be foreseen. */
static int new_name(Sink *sink, unsigned attempt, char **ret)
{
        uint32_t number;

        if (attempt == 0) {
                sink->generation = (sink->generation + 1) % GENERATIONS;
                number = sink->tag | sink->generation;
        } else if (getrandom(&number, sizeof(number), 0) != sizeof(number))
                return -EIO;
        return make_name(sink->final_name, number, ret);
}

/* Removes a file with a name of ours, if it was not published. -EWOULDBLOCK. */
static int remove_unrecorded(int dir_fd, const char *name)
{
        _cleanup_close_ int fd = -EBADF;
        struct stat st;
        int r;

        if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? 0 : -errno;
        if (!S_ISREG(st.st_mode) || st.st_uid != geteuid())
                return 0;
        /*
         * An empty one of another mode may have shown sink_publish_open() which mode to set; and
         * where numbers do not last, there is mostly one mode for all files.
         */
        if ((st.st_mode & 07777) != TEMP_MODE && st.st_size > 0 && has_lasting_numbers(dir_fd))
                return 0;
        fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT || errno == EACCES ? 0 : -errno;
        r = lock_temp(fd);
        if (r < 0)
                return r;
        if (unlinkat(dir_fd, name, 0) < 0 && errno != ENOENT)
                return -errno;
        return 0;
}

int sink_create(Sink *sink)
{
        int r = -EEXIST;

        if (sink->temp_name) {
                SinkFile before = sink_file(sink);

                (void) sink_clean(sink->dir_fd, &before);
        }
        close_temp(sink);
        for (unsigned attempt = 0; r == -EEXIST && attempt < CREATE_ATTEMPTS; attempt++) {
                _cleanup_free_ char *name = NULL;
                struct stat st = { 0 };

                r = new_name(sink, attempt, &name);
                if (r >= 0 && attempt == 0)
                        r = remove_unrecorded(sink->dir_fd, name);
                if (r < 0)
                        return r;
                r = make_temp(sink->dir_fd, name, &st);
                if (r < 0)
                        continue;
                sink->fd = r;
                sink->temp_name = STEAL_PTR(name);
                sink->inode = st.st_ino;
                return 0;
        }
        return r;
}

SinkFile sink_file(const Sink *sink)
{
        return (SinkFile){
                .temp_name = sink->temp_name ? sink->temp_name : "",
                .inode = sink->inode,
                .size_bytes = sink->synced,
        };
}

/* The disk has space for a file of size_bytes, and free_bytes besides. -ENOSPC, -ENOSR. */
static int check_space(const Sink *sink, uint64_t size_bytes, uint64_t free_bytes)
{
        struct statvfs room;
        struct stat st;
        uint64_t available, has, needs;

        if (fstatvfs(sink->fd, &room) < 0 || fstat(sink->fd, &st) < 0)
                return -errno;
        if (room.f_blocks == 0)
                return 0; /* this file system does not say how much space it has */
        available = (uint64_t) room.f_bavail * room.f_frsize;
        /* Space that the file has already, written or reserved, perhaps by another attempt. */
        has = (uint64_t) st.st_blocks * 512;
        needs = size_bytes > has ? size_bytes - has : 0;
        if (available < needs)
                return -ENOSPC;
        return available - needs < free_bytes ? -ENOSR : 0;
}

int sink_check_room(const Sink *sink, uint64_t free_bytes)
{
        return sink->reserved > sink->position ? 0 : check_space(sink, 0, free_bytes);
}

int sink_reserve(Sink *sink, uint64_t size_bytes, uint64_t free_bytes)
{
        uint64_t from = sink->position;
        int r;

        if (size_bytes <= from)
                return 0;
        if (size_bytes > INT64_MAX)
                return -EFBIG;
        /* A file system may claim all that it has before it finds that this is not enough. */
        r = check_space(sink, size_bytes, free_bytes);
        if (r < 0)
                return r;
        if (fallocate(sink->fd, FALLOC_FL_KEEP_SIZE, (off_t) from, (off_t) (size_bytes - from)) ==
            0) {
                sink->reserved = size_bytes;
                return 0;
        }
        if (errno == EOPNOTSUPP || errno == ENOSYS || errno == EINTR)
                return 0;
        r = -errno;
        /* Some file systems keep the part that they had space for, which others may need now. */
        return ftruncate(sink->fd, (off_t) from) < 0 ? -errno : r;
}

int sink_write(Sink *sink, const void *data, size_t size_bytes)
{
        const char *at = data;

        while (size_bytes > 0) {
                ssize_t n = pwrite(sink->fd, at, size_bytes, (off_t) sink->position);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0) {
                        int r = n < 0 ? -errno : -EIO;

                        if (r == -EIO)
                                sink->broken = r;
                        return r;
                }
                at += n;
                size_bytes -= (size_t) n;
                sink->position += (uint64_t) n;
        }
        if (sink->position - sink->written_back >= WRITE_BACK_BYTES)
                sink_start_sync(sink);
        return 0;
}

int sink_read(Sink *sink, uint64_t from, void *data, size_t size_bytes)
{
        char *at = data;

        while (size_bytes > 0) {
                ssize_t n = pread(sink->fd, at, size_bytes, (off_t) from);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : -EIO;
                at += n;
                from += (uint64_t) n;
                size_bytes -= (size_t) n;
        }
        return 0;
}

uint64_t sink_position(const Sink *sink)
{
        return sink->position;
}

uint64_t sink_synced(const Sink *sink)
{
        return sink->synced;
}

void sink_start_sync(Sink *sink)
{
        if (sink->position == sink->written_back)
                return;
        /* This is only a hint: sink_sync() makes sure, and reports errors. */
        (void) sync_file_range(sink->fd,
                               (off_t) sink->written_back,
                               (off_t) (sink->position - sink->written_back),
                               SYNC_FILE_RANGE_WRITE);
        sink->written_back = sink->position;
}

int sink_sync(Sink *sink)
{
        if (sink->broken)
                return sink->broken;
        if (!sink->temp_name || (sink->synced == sink->position && sink->position > 0))
                return 0;
        if (fdatasync(sink->fd) < 0 && !fd_is_unsupported(errno)) {
                /* The kernel forgets pages that it could not write: a retry would wrongly succeed.
                 */
                sink->broken = -errno;
                return sink->broken;
        }
        sink->synced = sink->written_back = sink->position;
        return 0;
}

/*
 * The final name belongs to the recorded file: an earlier attempt got as far as the rename. Where
 * numbers do not last, the temporary name must be free and the size right.
 */
static bool is_published(int dir_fd, const SinkFile *file, const char *final_name)
{
        struct stat st, temp;

        return fstatat(dir_fd, final_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
               is_recorded(dir_fd, &st, file) && (uint64_t) st.st_size == file->size_bytes &&
               (st.st_ino == file->inode ||
                fstatat(dir_fd, file->temp_name, &temp, AT_SYMLINK_NOFOLLOW) < 0);
}

int sink_publish_open(int dir_fd, const SinkFile *file, const SinkFinal *final, int *ret_fd)
{
        struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_nsec = UTIME_OMIT } };
        uint32_t next = (generation_of(file->temp_name) + 1) % GENERATIONS;
        _cleanup_free_ char *probe_name = NULL;
        _cleanup_close_ int fd = -EBADF;
        struct stat st = { 0 };
        int r;

        fd = open_recorded(dir_fd, file, O_RDONLY, &st);
        if (fd < 0)
                return fd == -ESTALE && is_published(dir_fd, file, final->name) ? 1 : fd;
        if ((uint64_t) st.st_size != file->size_bytes)
                return -ESTALE;
        r = check_final(dir_fd, final->name);
        if (r >= 0)
                r = make_name(final->name, final->tag | next, &probe_name);
        if (r >= 0)
                r = file_access_set(fd, dir_fd, final->name, probe_name, final->umask);
        if (r < 0)
                return r;
        if (final->mtime_sec >= 0) {
                times[1] = (struct timespec){ .tv_sec = final->mtime_sec };
                if (futimens(fd, times) < 0)
                        return -errno;
        }
        *ret_fd = steal_fd(&fd);
        return 0;
}

int sink_publish_rename(int dir_fd, const SinkFile *file, const char *final_name)
{
        int r = check_final(dir_fd, final_name);

        if (r < 0)
                return r;
        if (renameat(dir_fd, file->temp_name, dir_fd, final_name) < 0)
                return -errno;
        return is_published(dir_fd, file, final_name) ? 0 : -ESTALE;
}

int sink_clean(int dir_fd, const SinkFile *file)
{
        struct stat st;

        if (fstatat(dir_fd, file->temp_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? 0 : -errno;
        /* Another hard link, made by the user, does not keep us from removing our name. */
        st.st_nlink = 1;
        if (!is_recorded(dir_fd, &st, file))
                return 0;
        if (unlinkat(dir_fd, file->temp_name, 0) < 0 && errno != ENOENT)
                return -errno;
        return 0;
}

int sink_sweep(int dir_fd, const char *final_name, uint32_t tag, const char *kept)
{
        int result = 0;

        for (uint32_t generation = 0; generation < GENERATIONS; generation++) {
                _cleanup_free_ char *name = NULL;
                int r = make_name(final_name, tag | generation, &name);

                if (r >= 0 && strcmp(name, kept) != 0)
                        r = remove_unrecorded(dir_fd, name);
                if (r < 0 && result == 0)
                        result = r;
        }
        return result;
}
