#include <errno.h>
#include <stdlib.h>

#include "base/str.h"

#include "manager/manager-core.h"
#include "manager/proxy-finder.h"
#include "manager/sealed.h"
#include "model/error-code.h"

static JobChanges change_of(SettingId id)
{
        return setting_infos[id].flags & SETTING_IS_HIDDEN ? 0 : JOB_CHANGE_SETTING(id);
}

/* Saves the job and does for it whatever the flags of the changed settings ask for. */
static int finish_change(Manager *manager, Job *job, unsigned flags, JobChanges changes)
{
        unsigned effects = 0;
        int r;

        if (flags & SETTING_MOVES_JOB && scheduler_is_queued(&job->queue))
                effects |= JOB_PLAN;
        if (flags & SETTING_MOVES_TIMERS && job->state == JOB_TRANSIENT_ERROR)
                effects |= JOB_RETRY;
        if (flags & SETTING_MOVES_TIMERS && job_is_active(job) && job->run)
                manager_wait_for_end(manager, job);
        r = manager_change(manager, job, effects, changes);
        if (r >= 0 && flags & SETTING_RENEWS_WORKER && job_is_active(job))
                r = manager_requeue(manager, job);
        return r;
}

/* A failure spoils the whole turn, whose end puts the job back to what the disk says. */
static int set_all(Manager *manager, Job *job, const ManagerSetting *settings, size_t n_settings)
{
        unsigned flags = 0;
        JobChanges changes = 0;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < n_settings; i++) {
                SettingId id = settings[i].id;

                r = setting_set(&job->settings, id, &settings[i].value);
                if (r >= 0)
                        r = store_put_setting(manager->parts.store, job, id);
                flags |= setting_infos[id].flags;
                changes |= change_of(id);
        }
        if (r >= 0)
                r = finish_change(manager, job, flags, changes);
        if (r < 0) {
                manager_mark_dirty(manager, job, 0, 0);
                manager_fail_turn(manager, r);
        }
        return r;
}

int manager_set_settings(Manager *manager,
                         const Caller *caller,
                         Job *job,
                         const ManagerSetting *settings,
                         size_t n_settings)
{
        int r = manager_begin(caller, VERB_SET_PROPERTY, job);

        return r < 0 ? r : set_all(manager, job, settings, n_settings);
}

/* ---- settings with secrets ------------------------------------------------------------------- */

static int seal(Manager *manager, Job *job, VaultKind kind, const Secret *secret)
{
        int r;

        manager_arm_commit(manager); /* also ends a transaction in which this fails */
        r = sealed_set(manager->parts.store, manager->parts.vault, job, kind, secret);
        if (r > 0)
                manager->credential_removed = true; /* the one that was replaced, if any */
        return r;
}

int manager_set_headers(Manager *manager, const Caller *caller, Job *job, const Secret *lines)
{
        int r = manager_begin(caller, VERB_SET_HEADERS, job);

        if (r >= 0)
                r = seal(manager, job, VAULT_HEADERS, lines);
        return r < 0 ? r
                     : finish_change(manager,
                                     job,
                                     setting_infos[SETTING_CUSTOM_HEADERS].flags,
                                     change_of(SETTING_CUSTOM_HEADERS));
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

/* certificate NULL: none. */
static int set_certificate(Manager *manager,
                           Job *job,
                           const char *certificate,
                           const char *key,
                           const Secret *password)
{
        const ManagerSetting settings[] = {
                { SETTING_CLIENT_CERTIFICATE, { .text = certificate } },
                { SETTING_CLIENT_KEY, { .text = key } },
        };
        int r = seal(manager, job, VAULT_KEY_PASSWORD, password);

        return r < 0 ? r : set_all(manager, job, settings, ARRAY_SIZE(settings));
}

int manager_set_client_certificate(Manager *manager,
                                   const Caller *caller,
                                   Job *job,
                                   const char *certificate,
                                   const char *key,
                                   const Secret *password)
{
        int r = manager_begin(caller, VERB_SET_CERTIFICATE, job);

        return r < 0 ? r : set_certificate(manager, job, certificate, key, password);
}

int manager_remove_client_certificate(Manager *manager, const Caller *caller, Job *job)
{
        int r = manager_begin(caller, VERB_REMOVE_CERTIFICATE, job);

        if (r < 0 || !job->settings.client_certificate)
                return r < 0 ? r : 0;
        r = set_certificate(manager, job, NULL, NULL, NULL);
        return r < 0 ? r : 1;
}

/* ---- what becomes of them -------------------------------------------------------------------- */

/* The store remembers a failure here, so that the change of the job that follows fails with it. */
void manager_forget_owners_settings(Manager *manager, Job *job)
{
        for (unsigned id = 0; id < SETTINGS_MAX; id++) {
                if (!(setting_infos[id].flags & SETTING_OF_OWNER))
                        continue;
                job->changes |= change_of((SettingId) id);
                if (setting_is_default(&job->settings, (SettingId) id))
                        continue;
                setting_reset(&job->settings, (SettingId) id);
                (void) store_put_setting(manager->parts.store, job, (SettingId) id);
        }
        job->sealed = 0; /* the secrets go with the credentials */
}

/* Where the worker finds its proxies. The lists in the view are borrowed. */
static void choose_proxies(const Manager *manager, const Job *job, JobSettings *view)
{
        const Config *config = manager->parts.config;
        /* A configured proxy takes precedence over the user's session. */
        bool ask = strings_count(config->proxies) == 0 && manager->parts.only_uid >= 0 &&
                   proxy_finder_has_session();

        if (job->settings.proxy_usage == PROXY_USAGE_OVERRIDE)
                return;
        view->proxies = view->proxy_bypass = NULL;
        if (job->settings.proxy_usage == PROXY_USAGE_AUTODETECT) {
                view->proxy_source = PROXY_SOURCE_AUTODETECT;
        } else if (job->settings.proxy_usage == PROXY_USAGE_PRECONFIG && ask) {
                view->proxy_source = PROXY_SOURCE_SESSION;
        } else if (job->settings.proxy_usage == PROXY_USAGE_PRECONFIG) {
                view->proxies = config->proxies;
                view->proxy_bypass = config->proxy_bypass;
        }
}

int manager_collect_settings(Manager *manager,
                             const Job *job,
                             JobSettings *ret,
                             const char **ret_lost)
{
        Store *store = manager->parts.store;
        Vault *vault = manager->parts.vault;
        JobSettings view = job->settings, settings = { 0 };
        int r;

        choose_proxies(manager, job, &view);
        view.disk_reserve_bytes = manager->parts.config->disk_reserve_bytes;
        r = job_settings_copy(&settings, &view);
        *ret_lost = "The custom headers of the job were lost; set them again.";
        if (r >= 0)
                r = sealed_open(store, vault, job, VAULT_HEADERS, &settings.headers);
        if (r >= 0) {
                *ret_lost = "The password for the key of the client certificate was lost; set the "
                            "certificate again.";
                r = sealed_open(store, vault, job, VAULT_KEY_PASSWORD, &settings.key_password);
        }
        if (r < 0) {
                job_settings_done(&settings);
                return r;
        }
        *ret = settings;
        return 0;
}
