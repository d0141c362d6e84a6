/*
 * The checksum that a file must have, "sha256:HEX" (or sha512, sha1, md5), computed while its bytes
 * are written. The only file that knows libcrypto.
 */
#pragma once

#include <stddef.h>

#include "base/macro.h"

typedef struct Digest Digest;

/* -EINVAL: no such checksum; -EOPNOTSUPP: this system does not compute it; -ENOMEM. */
int digest_new(const char *checksum, Digest **ret);
Digest *digest_free(Digest *digest);
DEFINE_CLEANUP(Digest *, digest_free);

/* Begins again without any bytes. -ENOMEM. */
int digest_restart(Digest *digest);

int digest_update(Digest *digest, const void *data, size_t size_bytes);

/*
 * After all bytes. Returns 1 if they have the checksum, 0 if they do not. digest_restart() has to
 * follow before other bytes. -ENOMEM.
 */
int digest_finish(Digest *digest);
