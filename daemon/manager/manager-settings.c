#include <errno.h>
#include <stdlib.h>

#include "dbus/worker-wire.h"

#include "base/str.h"

#include "manager/manager-core.h"
#include "manager/proxy-finder.h"
#include "manager/sealed.h"
#include "model/error-code.h"

/* What a worker was told when it started holds until its end: another one has to ask anew. */
static int renew_worker(Manager *manager, Job *job)
{
        return job_is_active(job) ? manager_requeue(manager, job) : 0;
}

static int finish_change(Manager *manager, Job *job, unsigned changes)
{
        int r = manager_change(manager, job, 0, changes);

        return r < 0 ? r : renew_worker(manager, job);
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
        int r = manager_begin(caller, VERB_SET_PROPERTY, job);

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
        return manager_change(manager, job, 0, JOB_CHANGE_PROXY);
}

int manager_set_redirect_policy(Manager *manager,
                                const Caller *caller,
                                Job *job,
                                RedirectPolicy policy)
{
        int r = manager_begin(caller, VERB_SET_PROPERTY, job);

        if (r < 0)
                return r;
        job->settings.redirect_policy = policy;
        return finish_change(manager, job, JOB_CHANGE_REDIRECT);
}

int manager_set_security_flags(Manager *manager, const Caller *caller, Job *job, unsigned flags)
{
        int r = manager_begin(caller, VERB_SET_PROPERTY, job);

        if (r < 0)
                return r;
        job->settings.security_flags = flags;
        return finish_change(manager, job, JOB_CHANGE_SECURITY);
}

int manager_set_ca_certificate(Manager *manager, const Caller *caller, Job *job, const char *path)
{
        int r = manager_begin(caller, VERB_SET_PROPERTY, job);

        if (r >= 0)
                r = set_optional(&job->settings.ca_certificate, path);
        return r < 0 ? r : finish_change(manager, job, JOB_CHANGE_AUTHORITIES);
}

int manager_set_ticket_cache(Manager *manager, const Caller *caller, Job *job, const char *name)
{
        int r = manager_begin(caller, VERB_SET_PROPERTY, job);

        if (r >= 0)
                r = set_optional(&job->settings.ticket_cache, name);
        return r < 0 ? r : finish_change(manager, job, JOB_CHANGE_TICKET_CACHE);
}

static int seal(Manager *manager, Job *job, VaultKind kind, const Secret *secret)
{
        int r;

        manager_arm_commit(manager); /* also ends a transaction in which this fails */
        r = sealed_set(manager->parts.store, manager->parts.vault, job, kind, secret);
        if (r > 0)
                manager->credential_removed = true; /* what was replaced, if anything */
        return r;
}

int manager_set_headers(Manager *manager, const Caller *caller, Job *job, const Secret *lines)
{
        int r = manager_begin(caller, VERB_SET_HEADERS, job);

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
        int r = manager_begin(caller, VERB_SET_CERTIFICATE, job);

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
        int r = manager_begin(caller, VERB_REMOVE_CERTIFICATE, job);

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

void manager_forget_owners_settings(Job *job)
{
        (void) set_optional(&job->settings.client_certificate, NULL);
        (void) set_optional(&job->settings.client_key, NULL);
        (void) set_optional(&job->settings.ticket_cache, NULL);
        job->sealed = 0; /* the slots go with the credentials */
        job->changes |= JOB_CHANGE_TICKET_CACHE | JOB_CHANGE_HEADERS;
}

/* What the worker is told of proxies: a list, or what it shall ask about them. All is borrowed. */
static void choose_proxies(const Manager *manager, const Job *job, TransferSettings *view)
{
        static char session[] = WORKER_PROXIES_SESSION, autodetect[] = WORKER_PROXIES_AUTODETECT;
        static char *ask_session[] = { session, NULL }, *ask_autodetect[] = { autodetect, NULL };
        const Config *config = manager->parts.config;
        /* What is configured counts before what the user's session says. */
        bool ask = strings_count(config->proxies) == 0 && manager->parts.only_uid >= 0 &&
                   proxy_finder_has_session();

        if (job->proxy_usage == PROXY_USAGE_OVERRIDE)
                return;
        view->proxies = view->proxy_bypass = NULL;
        if (job->proxy_usage == PROXY_USAGE_AUTODETECT) {
                view->proxies = ask_autodetect;
        } else if (job->proxy_usage == PROXY_USAGE_PRECONFIG) {
                view->proxies = ask ? ask_session : config->proxies;
                view->proxy_bypass = ask ? NULL : config->proxy_bypass;
        }
}

int manager_collect_settings(Manager *manager,
                             const Job *job,
                             TransferSettings *ret,
                             const char **ret_lost)
{
        Store *store = manager->parts.store;
        Vault *vault = manager->parts.vault;
        TransferSettings view = job->settings, settings = { 0 };
        int r;

        choose_proxies(manager, job, &view);
        view.disk_reserve_bytes = manager->parts.config->disk_reserve_bytes;
        r = transfer_settings_copy(&settings, &view);
        *ret_lost = "The custom headers of the job were lost; set them again.";
        if (r >= 0)
                r = sealed_open(store, vault, job, VAULT_HEADERS, &settings.headers);
        if (r >= 0) {
                *ret_lost = "The password for the key of the client certificate was lost; set the "
                            "certificate again.";
                r = sealed_open(store, vault, job, VAULT_KEY_PASSWORD, &settings.key_password);
        }
        if (r < 0) {
                transfer_settings_done(&settings);
                return r;
        }
        *ret = settings;
        return 0;
}
