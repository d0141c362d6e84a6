/*
 * Changes to the record of a file while it is fetched: which version the bytes on disk are of, how
 * often they were given up, and where redirects led. Only the Transfer of the file calls these.
 */
#pragma once

#include "model/file-record.h"
#include "worker/source.h"

/* There are no bytes of any version. -ENOMEM. */
int record_forget_version(FileRecord *record);

/* The bytes that come next are of the version that the answer describes. -ENOMEM. */
int record_set_version(FileRecord *record, const SourceAnswer *answer);

/* Bytes that had been fetched are given up; reason is a sentence. -ENOMEM. */
int record_add_restart(FileRecord *record, const char *reason);

/*
 * Makes url the file's remote name; the name that the owner gave is kept besides. A URL that
 * AddFile would refuse is ignored. Returns 1 if the record changed, 0 if not; -ENOMEM.
 */
int record_relocate(FileRecord *record, const char *url);
