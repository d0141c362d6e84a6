#include "model/file-ranges.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"

#include "model/limits.h"

static int compare_offsets(const void *a, const void *b)
{
        const FileRange *left = a, *right = b;

        return (left->offset_bytes > right->offset_bytes) -
               (left->offset_bytes < right->offset_bytes);
}

static int check_range(const FileRange *range, const char **ret_reason)
{
        if (range->length_bytes == 0)
                *ret_reason = "must have a length";
        else if (range->offset_bytes == DOSVC_SIZE_UNKNOWN)
                *ret_reason = "must begin at a known offset";
        else if (range->length_bytes != DOSVC_SIZE_UNKNOWN &&
                 range->length_bytes > UINT64_MAX - 1 - range->offset_bytes)
                *ret_reason = "must not end beyond what can be counted";
        else
                return 0;
        return -ERANGE;
}

int file_ranges_check(const FileRange *ranges, size_t n_ranges, const char **ret_reason)
{
        _cleanup_free_ FileRange *sorted = NULL;

        if (n_ranges == 0) {
                *ret_reason = "must name at least one part of the file";
                return -EINVAL;
        }
        if (n_ranges > LIMIT_RANGES_PER_FILE) {
                *ret_reason = "must have at most 500 parts";
                return -ETOOMANYREFS;
        }
        for (size_t i = 0; i < n_ranges; i++) {
                int r = check_range(&ranges[i], ret_reason);

                if (r < 0)
                        return r;
        }

        sorted = calloc(n_ranges, sizeof(*sorted));
        if (!sorted)
                return -ENOMEM;
        memcpy(sorted, ranges, n_ranges * sizeof(*sorted));
        qsort(sorted, n_ranges, sizeof(*sorted), compare_offsets);
        for (size_t i = 1; i < n_ranges; i++) {
                const FileRange *before = &sorted[i - 1];

                /* "To the end" is more than any distance: nothing may follow it. */
                if (before->length_bytes > sorted[i].offset_bytes - before->offset_bytes) {
                        *ret_reason = "must not overlap";
                        return -EOVERFLOW;
                }
        }
        return 0;
}
