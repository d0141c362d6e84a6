#include "tests/lib/odd-disk.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fuse.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/macro.h"

#define MAX_NODES 512
#define MAX_WRITE (128U * 1024)

/* The mode of all files: nobody can change it. */
#define FILE_MODE 0755

/* Shared with the server. */
struct OddDiskState {
        uint64_t mounts;
        int sync_error;
        bool forgets_unlinked;
};

/* A file has had an inode number since its name was first looked up. */
typedef struct Node {
        char name[NAME_MAX + 1]; /* "": it has none any more */
        int fd;                  /* O_PATH, of one that has none and may be open */
} Node;

static struct {
        const struct OddDiskState *state;
        int fuse, dir;
        uid_t uid;
        Node nodes[MAX_NODES];
        size_t n_nodes;
} server;

static void reply(const struct fuse_in_header *in, int error, const void *data, size_t size)
{
        struct fuse_out_header out = {
                .len = (uint32_t) (sizeof(out) + (error ? 0 : size)),
                .error = -error,
                .unique = in->unique,
        };
        struct iovec parts[2] = {
                { .iov_base = &out, .iov_len = sizeof(out) },
                { .iov_base = (void *) (uintptr_t) data, .iov_len = error ? 0 : size },
        };

        /* The caller of an interrupted request has gone. */
        if (writev(server.fuse, parts, 2) < 0 && errno != ENOENT)
                _exit(EXIT_FAILURE);
}

static uint64_t find_node(const char *name)
{
        for (size_t i = 0; i < server.n_nodes; i++)
                if (strcmp(server.nodes[i].name, name) == 0)
                        return i + 2;
        return 0;
}

static uint64_t take_node(const char *name)
{
        uint64_t found = find_node(name);

        if (found)
                return found;
        if (server.n_nodes == MAX_NODES)
                _exit(EXIT_FAILURE);
        (void) snprintf(server.nodes[server.n_nodes].name, NAME_MAX + 1, "%s", name);
        return ++server.n_nodes + 1;
}

static const char *name_of(uint64_t node)
{
        return node >= 2 && node < server.n_nodes + 2 ? server.nodes[node - 2].name : ".";
}

/* The file loses its name, but those who have it open may go on asking about it. */
static void drop_name(uint64_t node, int fd)
{
        if (!node) {
                (void) close(fd);
                return;
        }
        server.nodes[node - 2].name[0] = '\0';
        server.nodes[node - 2].fd = fd;
}

static int fill_attr(uint64_t node, struct fuse_attr *attr)
{
        const char *name = name_of(node);
        struct stat st;
        int r;

        if (!*name && server.state->forgets_unlinked)
                return ENOENT;
        r = *name ? fstatat(server.dir, name, &st, AT_SYMLINK_NOFOLLOW)
                  : fstat(server.nodes[node - 2].fd, &st);

        if (r < 0)
                return errno;
        *attr = (struct fuse_attr){
                .ino = node + server.state->mounts * 100000,
                .size = (uint64_t) st.st_size,
                .blocks = (uint64_t) st.st_blocks,
                .mtime = (uint64_t) st.st_mtim.tv_sec & ~1ULL,
                .ctime = (uint64_t) st.st_ctim.tv_sec,
                .mode = S_ISDIR(st.st_mode) ? S_IFDIR | 0755 : S_IFREG | FILE_MODE,
                .nlink = 1,
                .uid = server.uid,
                .gid = server.uid,
                .blksize = 4096,
        };
        return 0;
}

static int fill_entry(const char *name, struct fuse_entry_out *entry)
{
        struct stat st;

        *entry = (struct fuse_entry_out){ 0 };
        if (fstatat(server.dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return errno;
        entry->nodeid = take_node(name);
        return fill_attr(entry->nodeid, &entry->attr);
}

static void do_init(const struct fuse_in_header *in, const void *data)
{
        const struct fuse_init_in *wanted = data;
        const struct fuse_init_out out = {
                .major = FUSE_KERNEL_VERSION,
                .minor = FUSE_KERNEL_MINOR_VERSION,
                .max_readahead = wanted->max_readahead,
                .max_write = MAX_WRITE,
                .flags = FUSE_BIG_WRITES & wanted->flags,
        };

        reply(in, 0, &out, sizeof(out));
}

static void do_lookup(const struct fuse_in_header *in, const void *data)
{
        struct fuse_entry_out out;
        int error = fill_entry(data, &out);

        reply(in, error, &out, sizeof(out));
}

static void do_getattr(const struct fuse_in_header *in, const void *data)
{
        struct fuse_attr_out out = { 0 };
        int error = fill_attr(in->nodeid, &out.attr);

        reply(in, error, &out, sizeof(out));
}

static void do_setattr(const struct fuse_in_header *in, const void *data)
{
        const struct fuse_setattr_in *wanted = data;
        const char *name = name_of(in->nodeid);
        struct fuse_attr_out out = { 0 };
        int error = 0;

        if (wanted->valid & FATTR_SIZE) {
                _cleanup_close_ int fd = openat(server.dir, name, O_WRONLY | O_CLOEXEC);

                if (fd < 0 || ftruncate(fd, (off_t) wanted->size) < 0)
                        error = errno;
        }
        if (!error && wanted->valid & FATTR_MTIME) {
                struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
                                             { .tv_sec = (time_t) wanted->mtime } };

                if (utimensat(server.dir, name, times, 0) < 0)
                        error = errno;
        }
        if (!error)
                error = fill_attr(in->nodeid, &out.attr);
        reply(in, error, &out, sizeof(out));
}

static void do_open(const struct fuse_in_header *in, const void *data)
{
        const struct fuse_open_in *wanted = data;
        struct fuse_open_out out = { 0 };
        int fd = openat(server.dir,
                        name_of(in->nodeid),
                        ((int) wanted->flags & (O_ACCMODE | O_DIRECTORY)) | O_CLOEXEC);

        out.fh = (uint64_t) fd;
        reply(in, fd < 0 ? errno : 0, &out, sizeof(out));
}

static void do_create(const struct fuse_in_header *in, const void *data)
{
        const struct fuse_create_in *wanted = data;
        const char *name = (const char *) (wanted + 1);
        struct {
                struct fuse_entry_out entry;
                struct fuse_open_out open;
        } out = { 0 };
        int fd = openat(server.dir,
                        name,
                        ((int) wanted->flags & (O_ACCMODE | O_EXCL)) | O_CREAT | O_CLOEXEC,
                        0600);
        int error = fd < 0 ? errno : fill_entry(name, &out.entry);

        out.open.fh = (uint64_t) fd;
        reply(in, error, &out, sizeof(out));
}

static void do_read(const struct fuse_in_header *in, const void *data)
{
        const struct fuse_read_in *wanted = data;
        static char bytes[MAX_WRITE];
        ssize_t n = pread((int) wanted->fh,
                          bytes,
                          wanted->size < sizeof(bytes) ? wanted->size : sizeof(bytes),
                          (off_t) wanted->offset);

        reply(in, n < 0 ? errno : 0, bytes, n < 0 ? 0 : (size_t) n);
}

static void do_write(const struct fuse_in_header *in, const void *data)
{
        const struct fuse_write_in *wanted = data;
        ssize_t n = pwrite((int) wanted->fh, wanted + 1, wanted->size, (off_t) wanted->offset);
        const struct fuse_write_out out = { .size = (uint32_t) n };

        reply(in, n < 0 ? errno : 0, &out, sizeof(out));
}

static void do_release(const struct fuse_in_header *in, const void *data)
{
        const struct fuse_release_in *wanted = data;

        (void) close((int) wanted->fh);
        reply(in, 0, NULL, 0);
}

static void do_fsyncdir(const struct fuse_in_header *in, const void *data)
{
        reply(in, server.state->sync_error, NULL, 0);
}

static void do_unlink(const struct fuse_in_header *in, const void *data)
{
        int fd = openat(server.dir, data, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        int error = unlinkat(server.dir, data, 0) < 0 ? errno : 0;

        if (!error)
                drop_name(find_node(data), fd);
        reply(in, error, NULL, 0);
}

static void rename_to(const struct fuse_in_header *in, const char *from)
{
        const char *to = from + strlen(from) + 1;
        int fd = openat(server.dir, to, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        int error = renameat(server.dir, from, server.dir, to) < 0 ? errno : 0;
        uint64_t node = find_node(from);

        if (!error && fd >= 0)
                drop_name(find_node(to), fd);
        if (!error && node)
                (void) snprintf(server.nodes[node - 2].name, NAME_MAX + 1, "%s", to);
        reply(in, error, NULL, 0);
}

static void do_rename(const struct fuse_in_header *in, const void *data)
{
        rename_to(in, (const char *) data + sizeof(struct fuse_rename_in));
}

static void do_rename2(const struct fuse_in_header *in, const void *data)
{
        rename_to(in, (const char *) data + sizeof(struct fuse_rename2_in));
}

static void do_statfs(const struct fuse_in_header *in, const void *data)
{
        struct fuse_statfs_out out = { 0 };
        struct statvfs st;
        int error = fstatvfs(server.dir, &st) < 0 ? errno : 0;

        out.st.blocks = st.f_blocks;
        out.st.bfree = st.f_bfree;
        out.st.bavail = st.f_bavail;
        out.st.bsize = (uint32_t) st.f_bsize;
        out.st.frsize = (uint32_t) st.f_frsize;
        out.st.namelen = NAME_MAX;
        reply(in, error, &out, sizeof(out));
}

static void do_nothing(const struct fuse_in_header *in, const void *data)
{
        reply(in, 0, NULL, 0);
}

static void do_not_answer(const struct fuse_in_header *in, const void *data)
{
}

/* The kernel does without the others, or tells that this file system does not know them. */
static void (*const requests[])(const struct fuse_in_header *in, const void *data) = {
        [FUSE_INIT] = do_init,
        [FUSE_LOOKUP] = do_lookup,
        [FUSE_GETATTR] = do_getattr,
        [FUSE_SETATTR] = do_setattr,
        [FUSE_OPEN] = do_open,
        [FUSE_OPENDIR] = do_open,
        [FUSE_CREATE] = do_create,
        [FUSE_READ] = do_read,
        [FUSE_WRITE] = do_write,
        [FUSE_RELEASE] = do_release,
        [FUSE_RELEASEDIR] = do_release,
        [FUSE_FSYNC] = do_nothing,
        [FUSE_FSYNCDIR] = do_fsyncdir,
        [FUSE_UNLINK] = do_unlink,
        [FUSE_RENAME] = do_rename,
        [FUSE_RENAME2] = do_rename2,
        [FUSE_STATFS] = do_statfs,
        [FUSE_FLUSH] = do_nothing,
        [FUSE_FORGET] = do_not_answer,
        [FUSE_BATCH_FORGET] = do_not_answer,
        [FUSE_INTERRUPT] = do_not_answer,
};

static _noreturn_ void serve(void)
{
        static char buffer[MAX_WRITE + 65536];
        const struct fuse_in_header *in = (const void *) buffer;

        for (;;) {
                ssize_t n = read(server.fuse, buffer, sizeof(buffer));

                if (n < 0 && errno == ENODEV)
                        _exit(EXIT_SUCCESS); /* unmounted */
                if (n < (ssize_t) sizeof(*in))
                        continue;
                if (in->opcode < ARRAY_SIZE(requests) && requests[in->opcode])
                        requests[in->opcode](in, in + 1);
                else
                        reply(in, ENOSYS, NULL, 0);
        }
}

/* A directory cannot be listed: no test needs that, and READDIR is answered with ENOSYS. */
bool odd_disk_mount(OddDisk *disk, const char *path, const char *backing, uid_t uid)
{
        char options[128];
        pid_t parent = getpid();
        int fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);

        if (fuse < 0) {
                (void) printf("skipped: /dev/fuse: %s\n", strerrordesc_np(errno));
                return false;
        }
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                err(EXIT_FAILURE, "a namespace of mounts");
        (void) snprintf(options,
                        sizeof(options),
                        "fd=%d,rootmode=40755,user_id=0,group_id=0,allow_other,default_permissions",
                        fuse);
        server.dir = open(backing, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (server.dir < 0 || mount("odd", path, "fuse", MS_NOSUID | MS_NODEV, options) < 0)
                err(EXIT_FAILURE, "%s", path);
        disk->state = mmap(NULL,
                           sizeof(*disk->state),
                           PROT_READ | PROT_WRITE,
                           MAP_SHARED | MAP_ANONYMOUS,
                           -1,
                           0);
        disk->path = strdup(path);
        if (disk->state == MAP_FAILED || !disk->path)
                err(EXIT_FAILURE, "%s", path);
        server.state = disk->state;
        server.fuse = fuse;
        server.uid = uid;
        disk->pid = fork();
        if (disk->pid < 0)
                err(EXIT_FAILURE, "fork");
        if (disk->pid == 0) {
                if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
                        _exit(EXIT_FAILURE);
                serve();
        }
        (void) close(fuse);
        (void) close(server.dir);
        return true;
}

void odd_disk_unmount(OddDisk *disk)
{
        if (disk->pid <= 0)
                return;
        (void) umount2(disk->path, MNT_DETACH);
        (void) kill(disk->pid, SIGKILL);
        (void) waitpid(disk->pid, NULL, 0);
        (void) munmap(disk->state, sizeof(*disk->state));
        free(disk->path);
        *disk = (OddDisk){ 0 };
}

void odd_disk_renumber(OddDisk *disk)
{
        (void) __atomic_fetch_add(&disk->state->mounts, 1, __ATOMIC_SEQ_CST);
}

void odd_disk_forget_unlinked(OddDisk *disk)
{
        disk->state->forgets_unlinked = true;
}

void odd_disk_fail_sync(OddDisk *disk, int error)
{
        disk->state->sync_error = error;
}
