/*
 * The place on disk where the bytes of one file go: a temporary file beside the final name,
 * in a directory that is open already. Every step is done as the owner and relative to that
 * directory; no symlink is followed, no file that is not the one created here is written or
 * removed. Knows nothing of where the bytes come from.
 *
 * Errors are negative errnos of the system calls; the meaning of these is fixed:
 *   -EISDIR       the final name is a directory
 *   -EEXIST       it is there and neither a regular file nor a symlink
 *   -EWOULDBLOCK  another process holds the temporary file
 *   -ESTALE       the temporary file is not the one recorded, or no longer whole
 *   -ENOSR        there is room, but less than what shall be left free would remain
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-id128.h>

#include "base/macro.h"

typedef struct Sink Sink;

/* A file as the record of its download names it. */
typedef struct SinkFile {
        const char *temp_name;
        uint64_t inode;
} SinkFile;

/*
 * Marks the temporary files of one file of a job. Their names follow from it, so that one that
 * was made and never recorded is found again; the low bits are left to tell generations apart.
 */
uint32_t sink_tag(sd_id128_t job, uint32_t index);

/*
 * Looks at the final name and whether the directory may be written; touches nothing.
 * dir_fd (O_PATH) is borrowed and outlives the sink. -EISDIR, -EEXIST, -EACCES, -EROFS.
 */
int sink_new(int dir_fd, const char *final_name, uint32_t tag, Sink **ret);
/* Gives up the lock, and room that was claimed but not written; the temporary file stays. */
Sink *sink_free(Sink *sink);
DEFINE_CLEANUP(Sink *, sink_free);

/*
 * Continues a temporary file: cuts it to offset_bytes and writes there. -ESTALE: it is not
 * there, not that one, linked elsewhere too, or shorter; -EWOULDBLOCK.
 */
int sink_continue(Sink *sink, const SinkFile *file, uint64_t offset_bytes);

/*
 * Starts an empty temporary file under another name than the one before, also when that could
 * not be continued; removes the one it had, and what a killed process left under the new name.
 */
int sink_create(Sink *sink);

/* What sink_continue() or sink_create() opened; the name lives as long as that. */
SinkFile sink_file(const Sink *sink);

/*
 * Claims room for a file of that size where the file system can, all or none, so that free_bytes
 * are left (0: does not matter). -ENOSPC, -ENOSR, -EDQUOT, -EFBIG.
 */
int sink_reserve(Sink *sink, uint64_t size_bytes, uint64_t free_bytes);
/* For a file that has no room of its own: whether free_bytes are left. -ENOSR. */
int sink_check_room(const Sink *sink, uint64_t free_bytes);

/* After -EIO nothing in the file is trusted: sink_sync() fails from then on. */
int sink_write(Sink *sink, const void *data, size_t size_bytes);

/* Reads bytes written before, all of them. -EIO: they are not there. */
int sink_read(Sink *sink, uint64_t from, void *data, size_t size_bytes);

/* Bytes written so far, from the start of the file. */
uint64_t sink_position(const Sink *sink);
/* Bytes that the last sink_sync() found written: they are on disk. */
uint64_t sink_synced(const Sink *sink);

/* Begins to write back, without waiting. */
void sink_start_sync(Sink *sink);
/* Waits until what was written is on disk. After a failure it fails for ever (fsync(2)). */
int sink_sync(Sink *sink);

/*
 * Publishing a finished file, in steps so that many share one wait of the disk:
 * sink_publish_open() proves that the file is the one recorded and sets mode and time;
 * the caller fsyncs *ret_fd; sink_publish_rename() gives it the final name; the caller syncs
 * the directory. mtime_sec negative: left as it is. open returns 1 if the final name is that
 * file already. -ESTALE, -EISDIR, -EEXIST.
 */
int sink_publish_open(int dir_fd,
                      const SinkFile *file,
                      const char *final_name,
                      int64_t mtime_sec,
                      int *ret_fd);
int sink_publish_rename(int dir_fd, const SinkFile *file, const char *final_name);

/* Removes the temporary file if it is still the one recorded; anything else is left alone. */
int sink_clean(int dir_fd, const SinkFile *file);

/*
 * Removes what was made for that tag and never recorded: files under the names of its
 * generations that are ours, as they were created and held by nobody. kept is the recorded
 * name, which stays.
 */
int sink_sweep(int dir_fd, const char *final_name, uint32_t tag, const char *kept);
