/*
 * The protocols that files can come by, and the one place that chooses between them by the scheme
 * of a URL. Owns what the files of one download share in each protocol: connections, logins,
 * proxies, certificates.
 */
#pragma once

#include "model/file-record.h"
#include "worker/source.h"

typedef struct Sources Sources;

/*
 * Reads the files that the settings name. -EBADMSG: one of them cannot be used, and failure says
 * which one and why; -ENOMEM and other errnos.
 */
int sources_new(const SourceContext *context, Failure *failure, Sources **ret);
/* Closes all connections. Each source of its own must have been freed. */
Sources *sources_free(Sources *sources);
DEFINE_CLEANUP(Sources *, sources_free);

/*
 * The settings that the sources were made with have changed in these places, for the requests that
 * come next.
 */
void sources_change(Sources *sources, SettingSet changed);

/*
 * Opens a source for a file without asking anything of the server yet. The record is borrowed; it
 * is read again at each source_fetch(). -EPROTONOSUPPORT; -ENOMEM.
 */
int sources_open(Sources *sources,
                 const FileRecord *record,
                 const SourceEvents *events,
                 void *userdata,
                 Source **ret);

/* Time of the remote file, as its protocol wrote it into last_modified. -EINVAL: there is none. */
int sources_modified(const FileRecord *record, int64_t *ret_sec);
