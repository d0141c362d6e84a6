/*
 * A file system as memory sticks and network shares are, for a test: it knows no modes and no
 * owners but one, its inode numbers last until it is mounted anew, and it may refuse to sync a
 * directory. It is a FUSE file system of one directory without subdirectories, whose server is a
 * process of the test, and speaks the kernel's protocol of linux/fuse.h.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct OddDisk {
        pid_t pid;
        char *path; /* owned: where it is mounted */
        struct OddDiskState *state;
} OddDisk;

/*
 * Mounts it over the directory, in a mount namespace of the calling process; what is written there
 * is kept in another directory, backing. All files are that user's. Ends the program with a
 * sentence when it cannot. False, with a sentence on stdout: this kernel has no FUSE.
 */
bool odd_disk_mount(OddDisk *disk, const char *path, const char *backing, uid_t uid);
void odd_disk_unmount(OddDisk *disk);

/* From now on all files have other inode numbers, as after a remount. */
void odd_disk_renumber(OddDisk *disk);

/* From now on nothing can be learnt of a file that has lost its name. */
void odd_disk_forget_unlinked(OddDisk *disk);

/* Sets what fsync(2) of the directory says, an errno; 0: nothing is wrong. */
void odd_disk_fail_sync(OddDisk *disk, int error);
