#include "tests/power-cut/disk.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macro.h"

#include "tests/lib/process.h"
#include "tests/lib/temp-dir.h"
#include "tests/lib/users.h"

/* Sparse: room is taken by what is written. */
#define POOL_BYTES (16LL * 1024 * 1024 * 1024)
#define PART_BYTES (768ULL * 1024 * 1024)

#define LOOPS_MAX   256U
#define DETACH_MSEC 10000

static void make_file(const char *path, off_t size)
{
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

        ck_assert_msg(fd >= 0 && ftruncate(fd, size) == 0, "%s: %s", path, strerror(errno));
}

static int open_loop(unsigned number)
{
        char path[32];
        int fd;

        (void) snprintf(path, sizeof(path), "/dev/loop%u", number);
        fd = open(path, O_RDWR | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

static void add_loop(unsigned number)
{
        _cleanup_close_ int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);

        /* There already is as good. */
        (void) ioctl(control, LOOP_CTL_ADD, number);
}

static const char *const targets[DISK_PARTS] = { USERS_HOME_DIR, DISK_SERVICE_DIR };

/*
 * Returns a descriptor of the device, which holds it until a mount does. part: of a disk, which is
 * written directly; negative: the whole file.
 */
static int attach(const char *path, unsigned first_loop, int part, unsigned *ret_number)
{
        bool direct = part >= 0;
        _cleanup_close_ int fd = open(path, O_RDWR | O_CLOEXEC);
        struct loop_config config = {
                .fd = (unsigned) fd,
                .info.lo_flags = LO_FLAGS_AUTOCLEAR | (direct ? LO_FLAGS_DIRECT_IO : 0U),
                .info.lo_offset = direct ? (unsigned) part * PART_BYTES : 0,
                .info.lo_sizelimit = direct ? PART_BYTES : 0,
        };

        ck_assert_msg(fd >= 0, "%s: %s", path, strerror(errno));
        for (unsigned number = first_loop; number < LOOPS_MAX; number++) {
                _cleanup_close_ int loop = -EBADF;
                struct loop_info64 info;

                add_loop(number);
                loop = open_loop(number);
                if (loop < 0 || ioctl(loop, LOOP_CONFIGURE, &config) < 0)
                        continue;
                ck_assert_int_eq(ioctl(loop, LOOP_GET_STATUS64, &info), 0);
                ck_assert_msg(!direct || (info.lo_flags & LO_FLAGS_DIRECT_IO),
                              "/dev/loop%u does no direct I/O on %s",
                              number,
                              path);
                *ret_number = number;
                return steal_fd(&loop);
        }
        ck_abort_msg("no free loop device for %s: %s", path, strerror(errno));
}

static unsigned
mount_image(const char *path, unsigned first_loop, int part, const char *type, const char *target)
{
        unsigned number = 0;
        int loop = attach(path, first_loop, part, &number);
        char device[32];

        (void) snprintf(device, sizeof(device), "/dev/loop%u", number);
        ck_assert_msg(mount(device, target, type, MS_NOSUID | MS_NODEV, NULL) == 0,
                      "%s of %s on %s: %s",
                      type,
                      path,
                      target,
                      strerror(errno));
        (void) close(loop);
        return number;
}

static void make_part(const char *image, unsigned part)
{
        char options[128], size[32];

        (void) snprintf(options,
                        sizeof(options),
                        "lazy_itable_init=0,lazy_journal_init=0,offset=%llu",
                        part * PART_BYTES);
        (void) snprintf(size, sizeof(size), "%lluk", PART_BYTES / 1024);
        ck_assert_int_eq(
                process_run(&(ProcessSpec){
                        .argv = PROCESS_ARGV("mkfs.ext4", "-qF", "-E", options, image, size),
                }),
                0);
}

void disk_make(Disk *disk, const char *dir)
{
        _cleanup_free_ char *pool_image = temp_dir_path(dir, "pool.xfs");

        *disk = (Disk){ .image_fd = -EBADF };
        ck_assert_msg(unshare(CLONE_NEWNS) == 0, "mount namespace: %s", strerror(errno));
        disk->pool = temp_dir_path(dir, "pool");
        temp_dir_make(disk->pool, 0700, 0);
        make_file(pool_image, POOL_BYTES);
        ck_assert_int_eq(
                process_run(&(ProcessSpec){
                        .argv = PROCESS_ARGV("mkfs.xfs", "-q", "-m", "reflink=1", pool_image),
                }),
                0);
        (void) mount_image(pool_image, 0, -1, "xfs", disk->pool);

        disk->image = temp_dir_path(disk->pool, "disk");
        make_file(disk->image, (off_t) (DISK_PARTS * PART_BYTES));
        for (unsigned part = 0; part < DISK_PARTS; part++)
                make_part(disk->image, part);
        disk->image_fd = open(disk->image, O_RDONLY | O_CLOEXEC);
        ck_assert_int_ge(disk->image_fd, 0);
}

void disk_insert(Disk *disk, const char *image, unsigned first_loop)
{
        for (int part = 0; part < DISK_PARTS; part++) {
                if (part == DISK_SERVICE)
                        temp_dir_make(DISK_SERVICE_DIR, 0755, 0);
                disk->loops[part] = mount_image(image, first_loop, part, "ext4", targets[part]);
        }
}

static bool is_attached(unsigned number)
{
        _cleanup_close_ int loop = open_loop(number);
        struct loop_info64 info;

        return loop >= 0 && ioctl(loop, LOOP_GET_STATUS64, &info) == 0;
}

void disk_eject(Disk *disk)
{
        for (int part = DISK_PARTS - 1; part >= 0; part--) {
                ck_assert_msg(PROCESS_WAIT_UNTIL(DETACH_MSEC, umount(targets[part]) == 0),
                              "%s: %s",
                              targets[part],
                              strerror(errno));
                ck_assert_msg(PROCESS_WAIT_UNTIL(DETACH_MSEC, !is_attached(disk->loops[part])),
                              "/dev/loop%u stays in use",
                              disk->loops[part]);
        }
}

char *disk_prepare_cut(const Disk *disk, unsigned number, int *ret_fd)
{
        char name[32], *path;

        (void) snprintf(name, sizeof(name), "cut-%u", number);
        path = temp_dir_path(disk->pool, name);
        *ret_fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        ck_assert_msg(*ret_fd >= 0, "%s: %s", path, strerror(errno));
        return path;
}

int disk_cut(const Disk *disk, int fd)
{
        return ioctl(fd, FICLONE, disk->image_fd) < 0 ? -errno : 0;
}
