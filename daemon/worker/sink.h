/*
 * The temporary file that the bytes of one file are written to. It lies beside the final name, in a
 * directory that is open already. Every step is done as the owner and relative to that directory;
 * no symlink is followed, and only the file that was created here is written or removed. Knows
 * nothing of where the bytes come from.
 *
 * Errors are negative errnos of the system calls. These have a fixed meaning:
 *   -EISDIR       the final name is a directory
 *   -EEXIST       the final name exists and is neither a regular file nor a symlink
 *   -EWOULDBLOCK  another process holds the temporary file, and goes on holding it for 2 s
 *   -ESTALE       the temporary file is gone, not the one recorded, or shorter than recorded
 *   -ENOSR        the file would fit, but less than the disk reserve would remain
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-id128.h>

#include "base/macro.h"

typedef struct Sink Sink;

/*
 * A temporary file as its record names it. It is known by its name, owner and inode number. Where
 * these numbers do not last (FAT, FUSE and most network file systems give others after a remount),
 * its name, owner, size and lock have to do.
 */
typedef struct SinkFile {
        const char *temp_name;
        uint64_t inode;
        uint64_t size_bytes; /* that are recorded: a finished file has no others */
} SinkFile;

/*
 * A number for one file of a job, from which the names of its temporary files follow: so one that
 * was made and never recorded is found again. The low bits are 0 and tell generations apart.
 */
uint32_t sink_tag(sd_id128_t job, uint32_t index);

/*
 * Checks the final name and the right to write to the directory, without changing anything.
 * dir_fd (O_PATH) is borrowed and outlives the sink. -EISDIR, -EEXIST, -EACCES, -EROFS.
 */
int sink_new(int dir_fd, const char *final_name, uint32_t tag, Sink **ret);
/*
 * A sink for the same final name whose temporary files have other names than that of the sink
 * before, which goes on keeping its own. -ENOMEM.
 */
int sink_new_beside(const Sink *before, Sink **ret);
/* Releases the lock, and space that was reserved but not written; the temporary file stays. */
Sink *sink_free(Sink *sink);
DEFINE_CLEANUP(Sink *, sink_free);

/*
 * Continues a temporary file: truncates it to offset_bytes and writes from there. -ESTALE: it does
 * not exist, is another file, has another hard link, or is shorter; -EWOULDBLOCK.
 */
int sink_continue(Sink *sink, const SinkFile *file, uint64_t offset_bytes);

/*
 * Starts an empty temporary file under another name than the one before, even if that one could
 * not be continued. Removes the one before, and what a killed process left under the new name.
 * -EWOULDBLOCK.
 */
int sink_create(Sink *sink);

/* The file that sink_continue() or sink_create() opened; its name is valid until the next one. */
SinkFile sink_file(const Sink *sink);

/*
 * Reserves space for a file of that size, if the file system can do so; all of it or none.
 * free_bytes must be left for others (0: does not matter). -ENOSPC, -ENOSR, -EDQUOT, -EFBIG.
 */
int sink_reserve(Sink *sink, uint64_t size_bytes, uint64_t free_bytes);
/* For a file without reserved space: checks that free_bytes are left. -ENOSR. */
int sink_check_room(const Sink *sink, uint64_t free_bytes);

/* After -EIO nothing in the file is trusted, and sink_sync() fails from then on. */
int sink_write(Sink *sink, const void *data, size_t size_bytes);

/* Reads bytes that were written before. -EIO: some of them are missing. */
int sink_read(Sink *sink, uint64_t from, void *data, size_t size_bytes);

/* Bytes written so far, from the start of the file. */
uint64_t sink_position(const Sink *sink);
/* Bytes that the last sink_sync() has put on disk. */
uint64_t sink_synced(const Sink *sink);

/* Starts to write back to the disk, without waiting. */
void sink_start_sync(Sink *sink);
/* Waits until all written bytes are on disk. After a failure it always fails (fsync(2)). */
int sink_sync(Sink *sink);

/* The file as it is to be when it is published. */
typedef struct SinkFinal {
        const char *name;
        uint32_t tag;
        mode_t umask;      /* the owner's */
        int64_t mtime_sec; /* negative: the time is left as it is */
} SinkFinal;

/*
 * Publishing a finished file, in steps so that many files share one sync of the disk.
 * sink_publish_open() proves that the file is the one recorded, lets those have access to it that
 * worker/file-access.h says, and sets the time; it returns 1 if the final name is that file
 * already. The caller fsyncs *ret_fd. sink_publish_rename() gives the file its final name. The
 * caller syncs the directory. -ESTALE, -EISDIR, -EEXIST.
 */
int sink_publish_open(int dir_fd, const SinkFile *file, const SinkFinal *final, int *ret_fd);
int sink_publish_rename(int dir_fd, const SinkFile *file, const char *final_name);

/* Removes the temporary file if it is still the one recorded; any other file is left alone. */
int sink_clean(int dir_fd, const SinkFile *file);

/*
 * Removes temporary files that were made for that tag and never recorded: under the names of its
 * generations, if they are empty or still have their first mode. The file with the recorded name,
 * kept, stays. -EWOULDBLOCK.
 */
int sink_sweep(int dir_fd, const char *final_name, uint32_t tag, const char *kept);
