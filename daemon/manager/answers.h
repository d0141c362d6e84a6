/*
 * The answers to the two questions that the worker of a download may ask: which credential fits a
 * challenge, and through which proxies an origin is reached. worker/questions asks them, by the
 * same names; worker-link carries them.
 *
 * Each run has its own Answers, which remembers which credentials the worker was given, because a
 * worker that asks again has seen the last one refused.
 */
#pragma once

#include <stdint.h>

#include "base/macro.h"

#include "manager/credentials.h"
#include "manager/job.h"
#include "manager/manager-parts.h"

typedef struct Answers Answers;

/*
 * For a worker that fetches the present files of the job, as its present owner. Parts and job are
 * borrowed, and so is the owner. -ENOMEM.
 */
int answers_new(const ManagerParts *parts, Job *job, ProxySource proxy_source, Answers **ret);
Answers *answers_free(Answers *answers);
DEFINE_CLEANUP(Answers *, answers_free);

/*
 * The worker goes by other settings for its proxies now. A credential that it was given for the old
 * proxy may be given again for the new one, and a search under way ends.
 */
void answers_change_proxies(Answers *answers, ProxySource proxy_source);

/* No credential is given any more, and a search is dropped without an answer. */
void answers_stop(Answers *answers);

/*
 * Chooses a credential for the schemes that were offered (bits 1 << AuthScheme) into *ret, which
 * the caller frees. -ENOENT: none fits; other errors: it cannot be read now.
 */
int answers_authenticate(Answers *answers,
                         uint32_t file,
                         AuthTarget target,
                         unsigned offered,
                         Credential *ret);

/* proxies: borrowed, at least one; NULL: none were found, and reason is a sentence that says why.
 */
typedef void (*answers_proxies_t)(void *userdata, char **proxies, const char *reason);

/*
 * Searches for the proxies of an origin; answered() is called once, perhaps from within. -EPERM:
 * the worker has its list of proxies; -EBUSY: a search is under way.
 */
int answers_find_proxies(Answers *answers,
                         const char *origin,
                         answers_proxies_t answered,
                         void *userdata);
