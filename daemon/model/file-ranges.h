/*
 * The parts of a remote file that are wanted, where not the whole file is.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "dbus/dosvc-wire.h"

/* A length of DOSVC_SIZE_UNKNOWN means: to the end of the file. */
typedef struct FileRange {
        uint64_t offset_bytes;
        uint64_t length_bytes;
} FileRange;

/*
 * There must be at least one range (-EINVAL) and at most LIMIT_RANGES_PER_FILE (-ETOOMANYREFS).
 * Each needs a length, and an end that 64 bits can count (-ERANGE); no two may have a byte in
 * common
 * (-EOVERFLOW). Their order does not matter. -ENOMEM. *ret_reason says what was expected, as in
 * model/url.h.
 */
int file_ranges_check(const FileRange *ranges, size_t n_ranges, const char **ret_reason);
