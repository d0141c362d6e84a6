/*
 * The end of a job on disk, as its owner: Publish gives finished files their final names and
 * removes the temporary files of the others; Clean removes them all. Both remove those too that
 * a killed worker made and nobody recorded, may be repeated, do what can be done, and tell the
 * rest.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-id128.h>

#include "base/macro.h"

#include "model/spec.h"

typedef struct PublishFailure {
        uint32_t file;
        uint32_t code; /* model/error-code.h */
        char *text;    /* owned: a sentence */
} PublishFailure;

typedef struct PublishFailures {
        PublishFailure *entries; /* owned */
        size_t n_entries;
} PublishFailures;

void publish_failures_done(PublishFailures *failures);

/* Confines the process, then works; ret tells each file that failed. -ENOMEM, errnos of Landlock.
 */
int publish_files(sd_id128_t job,
                  const FileRecord *records,
                  size_t n_records,
                  PublishFailures *ret);
int publish_clean(sd_id128_t job,
                  const FileRecord *records,
                  size_t n_records,
                  PublishFailures *ret);
