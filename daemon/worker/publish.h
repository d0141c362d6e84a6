/*
 * The end of a job on disk, as its owner: Publish gives finished files their final names and
 * removes the temporary files of the others; Clean removes all temporary files. Both also remove
 * temporary files that a killed worker made and that were never recorded. Both may be repeated, and
 * go on with the other files if some fail.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-id128.h>

#include "base/macro.h"

#include "model/failure.h"
#include "model/file-record.h"

typedef struct PublishOrder {
        sd_id128_t job;
        mode_t umask; /* of the owner; Publish only */
        const FileRecord *records;
        size_t n_records;
} PublishOrder;

/*
 * Confine the process, then work. *ret gets one entry for each file that could not be published or
 * removed. Errnos of Landlock; -ENOMEM.
 */
int publish_files(const PublishOrder *order, FailureList *ret);
int publish_clean(const PublishOrder *order, FailureList *ret);
