/*
 * Reads a secret from a descriptor of a client (password-fd, token-fd): a FIFO until its end, or a
 * memfd that is sealed against writing and shrinking. Never blocks the loop.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/macro.h"
#include "base/secret.h"

typedef struct SecretReader SecretReader;

/*
 * Called once from the loop, never from secret_reader_new(). The receiver owns secret, which
 * is NULL unless result is 0. -EMSGSIZE: more than max_bytes; -ETIMEDOUT: the writer did not
 * close in time; other errnos of read(2). May free the reader.
 */
typedef void (*secret_reader_done_t)(void *userdata, int result, Secret *secret);

/*
 * fd is borrowed (a duplicate is kept). -EBADF: not open for reading; -EINVAL: neither FIFO nor
 * memfd with F_SEAL_WRITE; -ENOMEM; -EMFILE.
 */
int secret_reader_new(sd_event *event,
                      int fd,
                      size_t max_bytes,
                      uint64_t timeout_usec,
                      secret_reader_done_t done,
                      void *userdata,
                      SecretReader **ret);
SecretReader *secret_reader_free(SecretReader *reader); /* cancels */
DEFINE_CLEANUP(SecretReader *, secret_reader_free);
