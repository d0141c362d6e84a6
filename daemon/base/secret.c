/*
 * A Secret is a small record on the heap that points to locked pages, and only those have the
 * content. sodium_malloc() puts the bytes against a guard page and erases them when they are
 * freed. Where RLIMIT_MEMLOCK is used up it goes on without locking; the units forbid swap, too.
 */
#include "base/secret.h"

#include <sodium.h>
#include <string.h>
#include <sys/stat.h>

struct Secret {
        char *data; /* owned, size_bytes and a NUL */
        size_t size_bytes;
};

int secret_new(size_t size_bytes, Secret **ret)
{
        _cleanup_(secret_freep) Secret *secret = NULL;

        if (sodium_init() < 0 || size_bytes == SIZE_MAX)
                return -ENOMEM;

        secret = calloc(1, sizeof(*secret));
        if (!secret)
                return -ENOMEM;

        secret->data = sodium_malloc(size_bytes + 1);
        if (!secret->data)
                return -ENOMEM;

        sodium_memzero(secret->data, size_bytes + 1);
        secret->size_bytes = size_bytes;
        *ret = STEAL_PTR(secret);
        return 0;
}

int secret_new_copy(const void *data, size_t size_bytes, Secret **ret)
{
        int r = secret_new(size_bytes, ret);

        if (r == 0 && size_bytes > 0)
                memcpy((*ret)->data, data, size_bytes);
        return r;
}

Secret *secret_free(Secret *secret)
{
        if (!secret)
                return NULL;

        sodium_free(secret->data);
        free(secret);
        return NULL;
}

const char *secret_data(const Secret *secret)
{
        return secret->data;
}

char *secret_data_writable(Secret *secret)
{
        return secret->data;
}

size_t secret_size(const Secret *secret)
{
        return secret->size_bytes;
}

void secret_truncate(Secret *secret, size_t size_bytes)
{
        if (size_bytes >= secret->size_bytes)
                return;

        sodium_memzero(secret->data + size_bytes, secret->size_bytes - size_bytes);
        secret->size_bytes = size_bytes;
}

bool secret_equal(const Secret *a, const Secret *b)
{
        return a->size_bytes == b->size_bytes &&
               sodium_memcmp(a->data, b->data, a->size_bytes) == 0;
}

void secret_erase(void *data, size_t size_bytes)
{
        if (data)
                sodium_memzero(data, size_bytes);
}

int secret_read_fd(int fd, size_t max_bytes, Secret **ret)
{
        _cleanup_(secret_freep) Secret *secret = NULL;
        struct stat st;
        size_t done = 0;
        int r;

        if (fstat(fd, &st) < 0)
                return -errno;
        if (st.st_size < 0)
                return -EINVAL;
        if ((uintmax_t) st.st_size > max_bytes)
                return -EMSGSIZE;

        r = secret_new((size_t) st.st_size, &secret);
        if (r < 0)
                return r;

        while (done < secret->size_bytes) {
                ssize_t n = pread(fd, secret->data + done, secret->size_bytes - done, (off_t) done);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                done += (size_t) n;
        }
        secret_truncate(secret, done);

        *ret = STEAL_PTR(secret);
        return 0;
}
