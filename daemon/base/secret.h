/*
 * Bytes that must not leak: locked memory between guard pages (sodium_malloc), erased when
 * freed, no string functions. Whoever holds a Secret frees it as soon as it is used.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/macro.h"

typedef struct Secret Secret;

/* Zeroed bytes; size 0 is legal (an empty password is a password). -ENOMEM. */
int secret_new(size_t size_bytes, Secret **ret);
/* Copies; the caller still has to erase its own copy. -ENOMEM. */
int secret_new_copy(const void *data, size_t size_bytes, Secret **ret);
Secret *secret_free(Secret *secret);
DEFINE_CLEANUP(Secret *, secret_free);

/* There is always a NUL behind the last byte, so that libraries that want a string get one. */
const char *secret_data(const Secret *secret);
char *secret_data_writable(Secret *secret);
size_t secret_size(const Secret *secret);
/* Shortens; the bytes behind are erased. */
void secret_truncate(Secret *secret, size_t size_bytes);

bool secret_equal(const Secret *a, const Secret *b); /* constant time in the content */

/* Erases memory that is not in a Secret (a D-Bus string, a stack buffer). */
void secret_erase(void *data, size_t size_bytes);

/* All of a seekable descriptor from offset 0. -EMSGSIZE: over max_bytes; errnos of pread(2). */
int secret_read_fd(int fd, size_t max_bytes, Secret **ret);
