#include "worker/parts.h"

#include <errno.h>

#include "model/file-ranges.h"

#define UNKNOWN DOSVC_SIZE_UNKNOWN

static const FileRange whole_file = { .offset_bytes = 0, .length_bytes = UNKNOWN };

static const FileRange *ranges_of(const FileRecord *record, size_t *ret_n)
{
        *ret_n = record->n_ranges > 0 ? record->n_ranges : 1;
        return record->n_ranges > 0 ? record->ranges : &whole_file;
}

static uint64_t length_of(const FileRange *range, uint64_t size)
{
        if (range->length_bytes != UNKNOWN || size == UNKNOWN)
                return range->length_bytes;
        return size > range->offset_bytes ? size - range->offset_bytes : 0;
}

int parts_next(const FileRecord *record, uint64_t size, uint64_t position, Part *ret)
{
        size_t n;
        const FileRange *ranges = ranges_of(record, &n);

        for (size_t i = 0; i < n; i++) {
                uint64_t length = length_of(&ranges[i], size);

                if (length != UNKNOWN && position >= length) {
                        position -= length;
                        continue;
                }
                *ret = (Part){
                        .from = ranges[i].offset_bytes + position,
                        .length_bytes = length == UNKNOWN ? UNKNOWN : length - position,
                        .to_end = ranges[i].length_bytes == UNKNOWN,
                };
                return 1;
        }
        return 0;
}

/* The range begins before the end of the file and ends there at the latest. */
static bool is_inside(const FileRange *range, uint64_t size)
{
        if (range->offset_bytes >= size)
                return false;
        return range->length_bytes == UNKNOWN || range->length_bytes <= size - range->offset_bytes;
}

int parts_total(const FileRecord *record, uint64_t size, uint64_t *ret)
{
        uint64_t total = 0;

        if (record->n_ranges == 0) {
                *ret = size;
                return 0;
        }
        for (uint32_t i = 0; i < record->n_ranges; i++) {
                uint64_t length = length_of(&record->ranges[i], size);

                if (size != UNKNOWN && !is_inside(&record->ranges[i], size))
                        return -ERANGE;
                if (length == UNKNOWN) {
                        *ret = UNKNOWN;
                        return 0;
                }
                if (__builtin_add_overflow(total, length, &total) || total > INT64_MAX)
                        return -ERANGE;
        }
        *ret = total;
        return 0;
}

bool parts_ascend(const FileRecord *record)
{
        for (uint32_t i = 1; i < record->n_ranges; i++) {
                const FileRange *before = &record->ranges[i - 1];
                uint64_t end;

                if (__builtin_add_overflow(before->offset_bytes, before->length_bytes, &end) ||
                    record->ranges[i].offset_bytes < end)
                        return false;
        }
        return true;
}
