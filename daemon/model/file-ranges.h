/*
 * The parts that are wanted of a file. The check returns 0 or a negative errno of dbus/dosvc-wire.h
 * and puts into *ret_reason, a static part of a sentence ("must be an absolute path"), what was
 * expected; the caller names the value that is wrong.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "dbus/dosvc-wire.h"

/* A part of a remote file; length DOSVC_SIZE_UNKNOWN: to its end. */
typedef struct FileRange {
        uint64_t offset_bytes;
        uint64_t length_bytes;
} FileRange;

/*
 * The parts wanted of a file (spec section 3.5): at least one (-EINVAL), at most
 * LIMIT_RANGES_PER_FILE (-ETOOMANYREFS); each with a length and an end that can be counted
 * (-ERANGE); no two with a byte in common (-EOVERFLOW). Their order is the caller's. -ENOMEM.
 */
int file_ranges_check(const FileRange *ranges, size_t n_ranges, const char **ret_reason);
