/*
 * The end of a job on disk, as its owner: Publish gives finished files their final names and
 * removes the temporary files of the others; Clean removes all temporary files. Both also remove
 * temporary files that a killed worker made and that were never recorded. Both may be repeated, and
 * go on with the other files if some fail.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-id128.h>

#include "base/macro.h"

#include "model/failure.h"
#include "model/file-record.h"

/* One entry for each file that could not be published or removed. */
typedef struct PublishFailures {
        Failure *entries; /* owned */
        size_t n_entries;
} PublishFailures;

void publish_failures_done(PublishFailures *failures);

/* Confine the process, then work. Errnos of Landlock; -ENOMEM. */
int publish_files(sd_id128_t job,
                  const FileRecord *records,
                  size_t n_records,
                  PublishFailures *ret);
int publish_clean(sd_id128_t job,
                  const FileRecord *records,
                  size_t n_records,
                  PublishFailures *ret);
