/*
 * Failure ⇄ sd_bus_message, as dbus/worker-wire.h spells it; the only place that reads or writes
 * this signature. A worker's failure is shown to the owner of the job, so reading checks that the
 * worker speaks only of its own files and within the limits of model/limits.h.
 */
#pragma once

#include <stddef.h>
#include <systemd/sd-bus.h>

#include "model/failure.h"
#include "model/file-record.h"

/* The members of Failed. */
int wire_append_failure(sd_bus_message *m, const Failure *failure);
/* The array that Publish and Clean answer with. */
int wire_append_failures(sd_bus_message *m, const FailureList *list);

/*
 * The same back. files: those of the worker, sorted by their indexes. The failure may be about none
 * of them, but an entry of the array has its file, and there are not more entries than files. Free
 * with failure_done() and failure_list_done(). -EBADMSG, -ENOMEM.
 */
int wire_read_failure(sd_bus_message *m, const FileRecord *files, size_t n_files, Failure *ret);
int wire_read_failures(sd_bus_message *m,
                       const FileRecord *files,
                       size_t n_files,
                       FailureList *ret);
