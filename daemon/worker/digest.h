/*
 * The checksum that a file must have: "sha256:HEX", also sha512, sha1 and md5, computed as
 * the bytes go by. The only file that knows libcrypto.
 */
#pragma once

#include <stddef.h>

#include "base/macro.h"

typedef struct Digest Digest;

/* -EINVAL: not such a checksum; -EOPNOTSUPP: this system does not compute it; -ENOMEM. */
int digest_new(const char *checksum, Digest **ret);
Digest *digest_free(Digest *digest);
DEFINE_CLEANUP(Digest *, digest_free);

/* Forgets the bytes so far. -ENOMEM. */
int digest_restart(Digest *digest);

int digest_update(Digest *digest, const void *data, size_t size_bytes);

/* All bytes have gone by: 1 they have the checksum, 0 they do not. Then digest_restart(). */
int digest_finish(Digest *digest);
