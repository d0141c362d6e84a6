/*
 * Of which version of a remote file the bytes on disk are, as its record says it.
 */
#pragma once

#include "model/spec.h"
#include "worker/http/head.h"

/* Of none: there are no bytes. -ENOMEM. */
int version_forget(FileRecord *record);

/* Of that answer's, from url. -ENOMEM. */
int version_take(FileRecord *record, const Head *head, const char *url);
