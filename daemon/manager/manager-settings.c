#include <stdlib.h>

#include "base/str.h"

#include "manager/manager-core.h"
#include "manager/manager.h"
#include "manager/sealed.h"

/* A worker keeps the settings that it was started with, so a changed job gets another one. */
static int finish_change(Manager *manager, Job *job, unsigned changes)
{
        int r = changes_save(&manager->changes, job, 0, changes);

        return r < 0 ? r : runs_replace_worker(&manager->runs, job);
}

/* "" is none. */
static int set_optional(char **owned, const char *s)
{
        if (!str_is_empty(s))
                return str_set(owned, s);
        free(*owned);
        *owned = NULL;
        return 0;
}

int manager_set_proxy(Manager *manager,
                      const Caller *caller,
                      Job *job,
                      ProxyUsage usage,
                      char *const *proxies,
                      char *const *bypass)
{
        _cleanup_(strings_freep) char **new_proxies = NULL, **new_bypass = NULL;
        int r = manager_begin(manager, caller, VERB_SET_PROPERTY, job);

        if (r >= 0)
                r = strings_copy(proxies, &new_proxies);
        if (r >= 0)
                r = strings_copy(bypass, &new_bypass);
        if (r < 0)
                return r;
        strings_free(job->settings.proxies);
        strings_free(job->settings.proxy_bypass);
        job->settings.proxies = STEAL_PTR(new_proxies);
        job->settings.proxy_bypass = STEAL_PTR(new_bypass);
        job->proxy_usage = usage;
        return changes_save(&manager->changes, job, 0, JOB_CHANGE_PROXY);
}

int manager_set_redirect_policy(Manager *manager,
                                const Caller *caller,
                                Job *job,
                                RedirectPolicy policy)
{
        int r = manager_begin(manager, caller, VERB_SET_PROPERTY, job);

        if (r < 0)
                return r;
        job->settings.redirect_policy = policy;
        return finish_change(manager, job, JOB_CHANGE_REDIRECT);
}

int manager_set_security_flags(Manager *manager, const Caller *caller, Job *job, unsigned flags)
{
        int r = manager_begin(manager, caller, VERB_SET_PROPERTY, job);

        if (r < 0)
                return r;
        job->settings.security_flags = flags;
        return finish_change(manager, job, JOB_CHANGE_SECURITY);
}

int manager_set_ca_certificate(Manager *manager, const Caller *caller, Job *job, const char *path)
{
        int r = manager_begin(manager, caller, VERB_SET_PROPERTY, job);

        if (r >= 0)
                r = set_optional(&job->settings.ca_certificate, path);
        return r < 0 ? r : finish_change(manager, job, JOB_CHANGE_AUTHORITIES);
}

int manager_set_ticket_cache(Manager *manager, const Caller *caller, Job *job, const char *name)
{
        int r = manager_begin(manager, caller, VERB_SET_PROPERTY, job);

        if (r >= 0)
                r = set_optional(&job->settings.ticket_cache, name);
        return r < 0 ? r : finish_change(manager, job, JOB_CHANGE_TICKET_CACHE);
}

static int seal(Manager *manager, Job *job, VaultKind kind, const Secret *secret)
{
        int r;

        changes_arm(&manager->changes); /* a commit also ends a transaction that has failed */
        r = sealed_set(manager->parts.store, manager->parts.vault, job, kind, secret);
        if (r > 0)
                changes_erase_log(&manager->changes); /* it may have replaced another one */
        return r;
}

int manager_set_headers(Manager *manager, const Caller *caller, Job *job, const Secret *lines)
{
        int r = manager_begin(manager, caller, VERB_SET_HEADERS, job);

        if (r >= 0)
                r = seal(manager, job, VAULT_HEADERS, lines);
        return r < 0 ? r : finish_change(manager, job, JOB_CHANGE_HEADERS);
}

int manager_get_headers(Manager *manager, const Caller *caller, const Job *job, Secret **ret)
{
        int r = policy_check(caller, VERB_READ_HEADERS, job);

        return r < 0 ? r
                     : sealed_open(manager->parts.store,
                                   manager->parts.vault,
                                   job,
                                   VAULT_HEADERS,
                                   ret);
}

int manager_set_client_certificate(Manager *manager,
                                   const Caller *caller,
                                   Job *job,
                                   const char *certificate,
                                   const char *key,
                                   const Secret *password)
{
        _cleanup_free_ char *new_certificate = NULL, *new_key = NULL;
        int r = manager_begin(manager, caller, VERB_SET_CERTIFICATE, job);

        if (r >= 0)
                r = str_set(&new_certificate, certificate);
        if (r >= 0)
                r = set_optional(&new_key, key);
        if (r >= 0)
                r = seal(manager, job, VAULT_KEY_PASSWORD, password);
        if (r < 0)
                return r;
        free(job->settings.client_certificate);
        free(job->settings.client_key);
        job->settings.client_certificate = STEAL_PTR(new_certificate);
        job->settings.client_key = STEAL_PTR(new_key);
        return finish_change(manager, job, 0);
}

int manager_remove_client_certificate(Manager *manager, const Caller *caller, Job *job)
{
        int r = manager_begin(manager, caller, VERB_REMOVE_CERTIFICATE, job);

        if (r < 0 || !job->settings.client_certificate)
                return r < 0 ? r : 0;
        r = seal(manager, job, VAULT_KEY_PASSWORD, NULL);
        if (r >= 0)
                r = set_optional(&job->settings.client_certificate, NULL);
        if (r >= 0)
                r = set_optional(&job->settings.client_key, NULL);
        if (r >= 0)
                r = finish_change(manager, job, 0);
        return r < 0 ? r : 1;
}
