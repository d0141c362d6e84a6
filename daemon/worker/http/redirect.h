/* Redirects: where they lead, and whether the job lets them be followed (RedirectPolicy). */
#pragma once

#include <stdbool.h>

#include "model/failure.h"
#include "model/job-settings.h"
#include "worker/http/head.h"

/* The answer has a status that redirects (RFC 9110 section 15.4), and says where to. */
bool redirect_is_one(const Head *head);

/*
 * The URL that the redirect in an answer from url leads to. -EINVAL, -EPROTONOSUPPORT: there is
 * none that could be followed, and failure says so; -ENOMEM.
 */
int redirect_resolve(const Head *head, const char *url, char **ret_url, Failure *failure);

/*
 * Whether the redirect from one URL to another is followed; n_redirects: how many there were for
 * this file, this one included. -EPERM: it is not, and failure says why.
 */
int redirect_check(const Head *head,
                   const char *from,
                   const char *to,
                   RedirectPolicy policy,
                   unsigned n_redirects,
                   Failure *failure);

/* From https to http. */
bool redirect_is_downgrade(const char *from, const char *to);
