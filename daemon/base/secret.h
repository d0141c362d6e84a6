/*
 * Bytes that must not leak. They are in locked memory between guard pages (sodium_malloc) and are
 * erased when freed. Its owner frees a Secret as soon as it is used, and copies no part of it into
 * a string.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/macro.h"

typedef struct Secret Secret;

/* Zeroed bytes. The size may be 0, since a password may be empty. -ENOMEM. */
int secret_new(size_t size_bytes, Secret **ret);
/* A copy; the caller still has to erase the original. -ENOMEM. */
int secret_new_copy(const void *data, size_t size_bytes, Secret **ret);
Secret *secret_free(Secret *secret);
DEFINE_CLEANUP(Secret *, secret_free);

/* A NUL follows the last byte, for libraries that need a string. */
const char *secret_data(const Secret *secret);
char *secret_data_writable(Secret *secret);
size_t secret_size(const Secret *secret);
/* Shortens the secret and erases the bytes that are cut off. */
void secret_truncate(Secret *secret, size_t size_bytes);

bool secret_equal(const Secret *a, const Secret *b); /* constant time in the content */

/* Erases memory outside a Secret, such as a D-Bus string or a buffer on the stack. */
void secret_erase(void *data, size_t size_bytes);

/* The whole content of a seekable file. -EMSGSIZE: over max_bytes; errnos of pread(2). */
int secret_read_fd(int fd, size_t max_bytes, Secret **ret);
