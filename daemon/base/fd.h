/*
 * Descriptors: whole writes, whole reads, durable directories, memory files, their limit.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Writes everything, over EINTR and short writes. Negative errno of write(2). */
int fd_write_all(int fd, const void *data, size_t size_bytes);

/* Reads until size_bytes have come or the file ends. Negative errno of read(2). */
int fd_read_all(int fd, void *data, size_t size_bytes, size_t *ret_size);

/*
 * The error of a file system that knows no such thing as fsync(2) of what was given, as some
 * network and FUSE file systems of a directory: nothing is wrong then, and nothing more can be
 * done.
 */
bool fd_is_unsupported(int error);

/*
 * fsync(2) of a directory, which may be open with O_PATH. Negative errno. 0 also where that is
 * not supported.
 */
int fd_sync_dir(int dir_fd);

/* Closes all descriptors from first on, O_CLOEXEC or not. Negative errno of close_range(2). */
int fd_close_from(int first);

/*
 * Lets this process have that many descriptors, or as many as the hard limit allows if that is
 * less: the usual 1024 is there for programs that use select(2). Errnos of setrlimit(2).
 */
int fd_set_limit(uint64_t limit);

/* A memory file holding the data, sealed against any change, position 0. Negative errno. */
int fd_new_sealed(const char *name, const void *data, size_t size_bytes);
