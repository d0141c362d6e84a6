#include <stdlib.h>

#include "base/str.h"

#include "manager/manager-core.h"
#include "manager/manager.h"
#include "manager/sealed.h"
#include "model/error-code.h"

/* Saves the job and does for it whatever the flags of the changed settings ask for. */
static int finish_change(Manager *manager, Job *job, unsigned flags, JobChanges changes)
{
        unsigned effects = 0;
        int r;

        if (flags & SETTING_MOVES_JOB && (runs_is_queued(job) || job->state == JOB_TRANSFERRED))
                effects |= JOB_PLAN;
        if (flags & SETTING_MOVES_TIMERS && job->state == JOB_TRANSIENT_ERROR)
                effects |= JOB_RETRY;
        if (flags & SETTING_MOVES_TIMERS && job_is_active(job) && runs_has_run(job))
                runs_limit_time(&manager->runs, job);
        if (flags & SETTING_CHANGES_LIVE)
                effects |= JOB_UPDATE;
        r = changes_save(&manager->changes, job, effects, changes);
        if (r >= 0 && flags & SETTING_RENEWS_WORKER)
                r = runs_replace_worker(&manager->runs, job);
        return r;
}

/* A failure spoils the whole batch, whose end puts the job back to what the disk says. */
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
                changes |= job_change_of_setting(id);
        }
        if (r >= 0)
                r = finish_change(manager, job, flags, changes);
        if (r < 0) {
                changes_mark(&manager->changes, job, 0, 0);
                changes_fail(&manager->changes, r);
        }
        return r;
}

int manager_set_settings(Manager *manager,
                         const Caller *caller,
                         Job *job,
                         const ManagerSetting *settings,
                         size_t n_settings)
{
        int r = manager_begin(manager, caller, VERB_SET_PROPERTY, job);

        return r < 0 ? r : set_all(manager, job, settings, n_settings);
}

/* ---- settings with secrets ------------------------------------------------------------------- */

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
        return r < 0 ? r
                     : finish_change(manager,
                                     job,
                                     setting_infos[SETTING_CUSTOM_HEADERS].flags,
                                     job_change_of_setting(SETTING_CUSTOM_HEADERS));
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
        int r = manager_begin(manager, caller, VERB_SET_CERTIFICATE, job);

        return r < 0 ? r : set_certificate(manager, job, certificate, key, password);
}

int manager_remove_client_certificate(Manager *manager, const Caller *caller, Job *job)
{
        int r = manager_begin(manager, caller, VERB_REMOVE_CERTIFICATE, job);

        if (r < 0 || !job->settings.client_certificate)
                return r < 0 ? r : 0;
        r = set_certificate(manager, job, NULL, NULL, NULL);
        return r < 0 ? r : 1;
}
