/*
 * The HTTP conversation about one file: a Source (worker/source.h) that repeats a request until an
 * answer belongs to the file, or it is clear that none will.
 *
 *   request ─► 2xx of the right version: bytes ─────────────────► done | failed
 *     ▲  ▲──── 3xx: the next hop, as far as RedirectPolicy lets it be followed
 *     │  ▲──── the proxy cannot be reached: the next one of the list
 *     │─────── 401, 407: asks for one credential, then once more with it
 *     │─────── an answer that proves nothing: the next validator (worker/http/resume.h)
 *     └─────── an answer that does not continue the bytes on disk: from 0, without Range
 *
 * No credential goes along before a challenge, or to another origin than that of the name that the
 * owner gave the file, or to another file. Headers and certificate of the owner go to that origin
 * only, and nothing of all this after a redirect from https to http.
 */
#pragma once

#include "model/file-record.h"
#include "worker/source.h"

typedef struct Session Session;

/* As sources_open(). */
int fetch_new(Session *session,
              const FileRecord *record,
              const SourceEvents *events,
              void *userdata,
              Source **ret);
