#include "manager/answers.h"

#include <errno.h>
#include <stdlib.h>

#include "base/str.h"

#include "manager/job-log.h"
#include "manager/proxy-finder.h"

/* Schemes of the credentials that the worker was given for one file, bits 1 << AuthScheme. */
typedef struct Given {
        uint8_t schemes[AUTH_TARGETS_MAX];
} Given;

_Static_assert(AUTH_SCHEMES_MAX <= 8, "schemes of one target fit into a byte");

struct Answers {
        const ManagerParts *parts; /* borrowed */
        Job *job;                  /* borrowed */
        const Owner *owner;        /* borrowed: as whom the worker runs */
        Given *given;              /* owned: one for each file */
        uint32_t n_files;
        ProxySource proxy_source;
        bool stopped;
        ProxyFinder *finder; /* owned; NULL: no search is under way */
        answers_proxies_t answered;
        void *userdata; /* of answered() */
};

int answers_new(const ManagerParts *parts, Job *job, ProxySource proxy_source, Answers **ret)
{
        _cleanup_(answers_freep) Answers *answers = calloc(1, sizeof(*answers));

        if (!answers)
                return -ENOMEM;
        answers->given = calloc(job->n_files ? job->n_files : 1, sizeof(*answers->given));
        if (!answers->given)
                return -ENOMEM;
        answers->n_files = job->n_files;
        answers->parts = parts;
        answers->job = job;
        answers->owner = job->owner;
        answers->proxy_source = proxy_source;
        *ret = STEAL_PTR(answers);
        return 0;
}

Answers *answers_free(Answers *answers)
{
        if (!answers)
                return NULL;
        proxy_finder_free(answers->finder);
        free(answers->given);
        free(answers);
        return NULL;
}

void answers_stop(Answers *answers)
{
        answers->stopped = true;
        answers->finder = proxy_finder_free(answers->finder);
}

/* ---- credentials ----------------------------------------------------------------------------- */

static int
choose_credential(const Answers *answers, AuthTarget target, unsigned offered, Credential *ret)
{
        int r = credentials_choose(answers->parts->store,
                                   answers->parts->vault,
                                   answers->job,
                                   target,
                                   offered,
                                   ret);

        /* Other failures pass by themselves, so the owner is not told that a credential is lost. */
        if (r != -ENOKEY && r != -EBADMSG)
                return r;
        answers->job->credentials_lost = true;
        job_log_write(LOG_WARNING,
                      answers->job,
                      -r,
                      LOG_ID_CREDENTIALS_LOST,
                      "A credential cannot be opened");
        return -ENOENT;
}

int answers_authenticate(Answers *answers,
                         uint32_t file,
                         AuthTarget target,
                         unsigned offered,
                         Credential *ret)
{
        uint8_t *given;
        int r;

        /* The process runs as the old owner, who must not get a credential of the new one. */
        if (answers->stopped || file >= answers->n_files || answers->owner != answers->job->owner)
                return -ENOENT;
        /*
         * If the server still offers the scheme that the worker was given, it has refused the
         * credential, and no weaker scheme is tried. If the scheme is not among those offered any
         * more, the worker could not use it, and the next one may be tried.
         */
        given = &answers->given[file].schemes[target];
        if (*given & offered)
                return -ENOENT;
        r = choose_credential(answers, target, offered, ret);
        if (r >= 0)
                *given = (uint8_t) (*given | 1U << ret->scheme);
        return r;
}

/* ---- proxies --------------------------------------------------------------------------------- */

/* proxy_finder_done_t */
static void on_found(void *userdata, char **proxies, const char *reason)
{
        Answers *answers = userdata;

        answers->finder = proxy_finder_free(answers->finder);
        answers->answered(answers->userdata, proxies, reason);
}

void answers_change_proxies(Answers *answers, ProxySource proxy_source)
{
        answers->proxy_source = proxy_source;
        for (uint32_t i = 0; i < answers->n_files; i++)
                answers->given[i].schemes[AUTH_TARGET_PROXY] = 0;
        if (answers->finder)
                on_found(answers, NULL, "The proxy settings have changed meanwhile.");
}

static int start_search(Answers *answers, const char *origin)
{
        const ProxyQuestion question = {
                .uid = answers->owner->uid,
                .user = answers->owner->name,
                .autodetect = answers->proxy_source == PROXY_SOURCE_AUTODETECT,
                .origin = origin,
        };

        return proxy_finder_new(answers->parts->event,
                                answers->parts->spawner,
                                &question,
                                on_found,
                                answers,
                                &answers->finder);
}

int answers_find_proxies(Answers *answers,
                         const char *origin,
                         answers_proxies_t answered,
                         void *userdata)
{
        _cleanup_free_ char *reason = NULL;
        int r;

        if (answers->proxy_source == PROXY_SOURCE_LIST)
                return -EPERM;
        if (answers->finder)
                return -EBUSY;
        answers->answered = answered;
        answers->userdata = userdata;
        r = answers->stopped ? -ECANCELED : start_search(answers, origin);
        if (r >= 0)
                return 0;
        (void) str_format(&reason, "The search could not be started: %s.", strerrordesc_np(-r));
        answered(userdata, NULL, reason ? reason : "");
        return 0;
}
