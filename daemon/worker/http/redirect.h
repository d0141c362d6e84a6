/*
 * What a redirect is, and what becomes of a file's record when one is reported (RedirectPolicy).
 * Follows none: that is the transfer's.
 */
#pragma once

#include <stdbool.h>

#include "model/spec.h"
#include "worker/failure.h"
#include "worker/http/head.h"

/* RFC 9110 section 15.4: a status that sends elsewhere, and a place. */
bool redirect_is_one(const Head *head);

/*
 * The place becomes the file's remote name, the owner's stays known. A URL that AddFile would not
 * take is left alone. 1 if the record changed, 0 if not; -ENOMEM.
 */
int redirect_report(FileRecord *record, const char *url);

/* Why the redirect from url is not followed; text is the end of a sentence. */
void redirect_refuse(Failure *failure, const char *url, const char *text);
/* It had that status, and the job allows none. */
void redirect_disallow(Failure *failure, unsigned status, const char *url);

bool redirect_is_downgrade(const char *from, const char *to); /* https to http */
