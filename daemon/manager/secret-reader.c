/*
 * The client shares the open file description with us, so we must change neither O_NONBLOCK nor the
 * offset, and poll(2) before a blocking read does not help: the client may hold another reading end
 * and empty the FIFO in between. splice(2) takes SPLICE_F_NONBLOCK for one call only; it moves the
 * bytes into a pipe of our own, from which they are read. (Opening the FIFO again through /proc
 * would need the rights of its owner.) A memfd is read with pread(2) from its start. Logs nothing;
 * the secret is in locked memory from its first byte on.
 */
#include "manager/secret-reader.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#include "base/fd.h"

/* The capacity of a pipe, which is enough to read nearly all passwords at once. */
#define FIRST_SIZE 4096U

struct SecretReader {
        sd_event_source *source;  /* owned: of fd, or deferred for a memfd */
        sd_event_source *timeout; /* owned: FIFO */
        int fd;                   /* owned: duplicate of the client's */
        int pipe[2];              /* owned: FIFO, ours, non-blocking */
        Secret *secret;           /* owned: the bytes so far; its size is the room for them */
        size_t done_bytes, max_bytes;
        secret_reader_done_t done;
        void *userdata;
};

static void finish(SecretReader *reader, int result)
{
        Secret *secret = NULL;

        reader->source = sd_event_source_disable_unref(reader->source);
        reader->timeout = sd_event_source_disable_unref(reader->timeout);
        if (result == 0) {
                secret = STEAL_PTR(reader->secret);
                secret_truncate(secret, reader->done_bytes);
        }
        reader->done(reader->userdata, result, secret);
}

/* Makes room for another byte; one byte above the maximum shows that the secret is too long. */
static int make_room(SecretReader *reader)
{
        _cleanup_(secret_freep) Secret *larger = NULL;
        size_t size = secret_size(reader->secret);
        int r;

        if (reader->done_bytes < size)
                return 0;
        if (size > reader->max_bytes)
                return -EMSGSIZE;

        size = size > reader->max_bytes / 2 ? reader->max_bytes + 1 : size * 2;
        r = secret_new(size, &larger);
        if (r < 0)
                return r;
        memcpy(secret_data_writable(larger), secret_data(reader->secret), reader->done_bytes);
        (void) secret_free(reader->secret);
        reader->secret = STEAL_PTR(larger);
        return 0;
}

/* 1: bytes have come; 0: end of file; -EAGAIN: there are none now. */
static int read_some(SecretReader *reader)
{
        size_t moved, room;
        ssize_t n;
        int r;

        r = make_room(reader);
        if (r < 0)
                return r;
        room = secret_size(reader->secret) - reader->done_bytes;
        n = splice(reader->fd, NULL, reader->pipe[1], NULL, room, SPLICE_F_NONBLOCK);
        if (n < 0)
                return errno == EINTR ? -EAGAIN : -errno;
        if (n == 0)
                return 0;

        r = fd_read_all(reader->pipe[0],
                        secret_data_writable(reader->secret) + reader->done_bytes,
                        (size_t) n,
                        &moved);
        if (r < 0)
                return r;
        reader->done_bytes += moved;
        return reader->done_bytes > reader->max_bytes ? -EMSGSIZE : 1;
}

/* Reads once in an iteration, because a writer that never stops must not block the loop. */
static int on_readable(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        SecretReader *reader = userdata;
        int r = read_some(reader);

        if (r <= 0 && r != -EAGAIN)
                finish(reader, r);
        return 0;
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *userdata)
{
        finish(userdata, -ETIMEDOUT);
        return 0;
}

static int on_memory_file(sd_event_source *source, void *userdata)
{
        SecretReader *reader = userdata;
        int r;

        reader->secret = secret_free(reader->secret);
        r = secret_read_fd(reader->fd, reader->max_bytes, &reader->secret);
        if (r == 0)
                reader->done_bytes = secret_size(reader->secret);
        finish(reader, r);
        return 0;
}

static int watch_fifo(SecretReader *reader, sd_event *event, uint64_t timeout_usec)
{
        int r;

        if (pipe2(reader->pipe, O_CLOEXEC | O_NONBLOCK) < 0)
                return -errno;
        r = secret_new(reader->max_bytes < FIRST_SIZE ? reader->max_bytes + 1 : FIRST_SIZE,
                       &reader->secret);
        if (r < 0)
                return r;
        r = sd_event_add_io(event, &reader->source, reader->fd, EPOLLIN, on_readable, reader);
        if (r < 0)
                return r;
        r = sd_event_add_time_relative(event,
                                       &reader->timeout,
                                       CLOCK_MONOTONIC,
                                       timeout_usec,
                                       0,
                                       on_timeout,
                                       reader);
        return r < 0 ? r : 0;
}

/* The seals keep anybody from changing its bytes or its size while it is read. */
static bool is_sealed_memory(int fd)
{
        const int needed = F_SEAL_WRITE;
        int seals = fcntl(fd, F_GET_SEALS);

        return seals >= 0 && (seals & needed) == needed;
}

static int watch(SecretReader *reader, sd_event *event, uint64_t timeout_usec)
{
        int flags = fcntl(reader->fd, F_GETFL);
        struct stat st;
        int r;

        if (flags < 0 || fstat(reader->fd, &st) < 0)
                return -errno;
        if ((flags & O_PATH) || (flags & O_ACCMODE) == O_WRONLY)
                return -EBADF;
        if (S_ISFIFO(st.st_mode))
                return watch_fifo(reader, event, timeout_usec);
        if (!S_ISREG(st.st_mode) || !is_sealed_memory(reader->fd))
                return -EINVAL;

        r = sd_event_add_defer(event, &reader->source, on_memory_file, reader);
        return r < 0 ? r : 0;
}

int secret_reader_new(sd_event *event,
                      int fd,
                      size_t max_bytes,
                      uint64_t timeout_usec,
                      secret_reader_done_t done,
                      void *userdata,
                      SecretReader **ret)
{
        _cleanup_(secret_reader_freep) SecretReader *reader = NULL;
        int r;

        reader = calloc(1, sizeof(*reader));
        if (!reader)
                return -ENOMEM;
        reader->pipe[0] = reader->pipe[1] = -EBADF;
        reader->max_bytes = max_bytes;
        reader->done = done;
        reader->userdata = userdata;

        reader->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        if (reader->fd < 0)
                return -errno;
        r = watch(reader, event, timeout_usec);
        if (r < 0)
                return r;

        *ret = STEAL_PTR(reader);
        return 0;
}

SecretReader *secret_reader_free(SecretReader *reader)
{
        if (!reader)
                return NULL;

        (void) sd_event_source_disable_unref(reader->source);
        (void) sd_event_source_disable_unref(reader->timeout);
        (void) macro_close(reader->pipe[0]);
        (void) macro_close(reader->pipe[1]);
        (void) macro_close(reader->fd);
        (void) secret_free(reader->secret);
        free(reader);
        return NULL;
}
