/*
 * A disk that loses its power: an image of two ext4, one where the users' homes are and one for the
 * service, and copies of that image as it was at one moment each. Two, because a sync of one file
 * system carries all that went before it in that one: nothing of the one may lean on the other's.
 *
 * Why a copy is what a power cut leaves. The image lies on an XFS that shares blocks between
 * files; FICLONE takes the image's lock that every write to it takes, waits for those
 * under way, and shares all its blocks in one step: each write is in the copy or is not, and none
 * is that was begun after one that is missing was answered. The loop device writes with O_DIRECT,
 * past the page cache, so a write that ext4 saw end is in the image, and what ext4 still holds in
 * its own cache is not: just that is what the power takes. Mounting the copy replays the journal.
 *
 * What it does not show: a drive with a volatile cache that forgets writes it has answered and
 * that nobody flushed. ext4 here never gets an answer that is not kept.
 *
 * All mounts are in a namespace of the calling process, and loop devices are told to detach with
 * their last user, so that nothing is left however that process and its children end.
 */
#pragma once

#include <stdint.h>

#include "tests/lib/users.h"

/* Homes at USERS_HOME_DIR, and DISK_SERVICE_DIR. */
enum { DISK_HOMES, DISK_SERVICE, DISK_PARTS };

#define DISK_SERVICE_DIR USERS_HOME_DIR "/service"

typedef struct Disk {
        char *pool;   /* owned: where the XFS is mounted */
        char *image;  /* owned: of the disk that is in use */
        int image_fd; /* owned */
        unsigned loops[DISK_PARTS];
} Disk;

/* Needs users_setup() before; makes its files in dir. Failures fail the running test. */
void disk_make(Disk *disk, const char *dir);

/* Mounts an image, on the first free loop devices from that number on. */
void disk_insert(Disk *disk, const char *image, unsigned first_loop);

/* Unmounts it; whoever used it has to be gone. */
void disk_eject(Disk *disk);

/* A file beside the image for the copy of a cut: its path is a new string. */
char *disk_prepare_cut(const Disk *disk, unsigned number, int *ret_fd);

/* Cuts: fd becomes a copy of the image in use. 0 or a negative errno. */
int disk_cut(const Disk *disk, int fd);
