#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/uid.h"

#include "manager/credentials.h"
#include "manager/manager-core.h"

int manager_find_job(const Manager *manager, const Caller *caller, sd_id128_t id, Job **ret)
{
        Job *job = NULL;
        int r;

        HASH_FIND(hh, manager->jobs, &id, sizeof(id), job);
        if (!job || job->gone)
                return -ENOENT;
        r = policy_check(caller, VERB_LOOK, job);
        if (r < 0)
                return r;
        *ret = job;
        return 0;
}

int manager_each_job(const Manager *manager,
                     const Caller *caller,
                     bool all_users,
                     int (*each)(void *userdata, Job *job),
                     void *userdata)
{
        Owner *owner;
        int r = policy_check(caller, all_users ? VERB_LIST_ALL : VERB_LIST, NULL);

        if (r < 0)
                return r;
        if (all_users) {
                Job *job, *after;

                HASH_ITER (hh, manager->jobs, job, after)
                        if (!job->gone && (r = each(userdata, job)) != 0)
                                return r;
                return 0;
        }
        owner = owners_find(manager->parts.owners, caller->uid);
        if (!owner)
                return 0;
        LIST_FOREACH (link, &owner->jobs) {
                Job *job = CONTAINER_OF(link, Job, owner_link);

                if (!job->gone && (r = each(userdata, job)) != 0)
                        return r;
        }
        return 0;
}

void manager_each_running(const Manager *manager,
                          void (*each)(void *userdata, Job *job),
                          void *userdata)
{
        LIST_FOREACH_SAFE (link, after, &manager->running)
                each(userdata, CONTAINER_OF(link, Job, running_link));
}

static int may_own(const Manager *manager, const Caller *caller)
{
        if (!caller->user_name || uid_is_refused(caller->uid))
                return -EPERM;
        if (manager->parts.only_uid >= 0 && manager->parts.only_uid != (int64_t) caller->uid)
                return -EPERM;
        return 0;
}

int manager_create_job(Manager *manager, const Caller *caller, const char *display_name, Job **ret)
{
        const Config *config = manager->parts.config;
        Owner *owner;
        Job *job;
        sd_id128_t id;
        int r;

        r = policy_check(caller, VERB_CREATE_JOB, NULL);
        if (r >= 0)
                r = may_own(manager, caller);
        if (r >= 0 && HASH_COUNT(manager->jobs) >= config->max_jobs)
                r = -EUSERS;
        if (r < 0)
                return r;
        owner = owners_find(manager->parts.owners, caller->uid);
        if (owner && owner->n_jobs >= config->max_jobs_per_user && !policy_is_exempt(caller))
                return -EUSERS;

        r = sd_id128_randomize(&id);
        if (r >= 0)
                r = owners_acquire(manager->parts.owners, caller->uid, caller->user_name, &owner);
        if (r < 0)
                return r == -ESTALE ? -EPERM : r;
        r = job_new(id, owner, &job);
        if (r < 0) {
                owners_release(manager->parts.owners, owner);
                return r;
        }
        job->manager = manager;
        HASH_ADD(hh, manager->jobs, id, sizeof(job->id), job);
        if (!HASH_WAS_ADDED(job)) {
                job_free(job);
                owners_release(manager->parts.owners, owner);
                return -ENOMEM;
        }
        job->created_usec = manager_now(manager);
        r = job_settings_copy(&job->settings, &config->job_defaults);
        if (r >= 0)
                r = setting_set(&job->settings,
                                SETTING_DISPLAY_NAME,
                                &(SettingValue){ .text = display_name });
        if (r >= 0)
                r = manager_change(manager, job, 0, JOB_CHANGE_NEW);
        if (r < 0) {
                /* Not in the store yet, or taken back with the turn: gone either way. */
                if (list_is_empty(&job->dirty_link))
                        manager_drop_job(manager, job);
                return r;
        }
        *ret = job;
        return 0;
}

int manager_begin(const Caller *caller, Verb verb, Job *job)
{
        int r = job->stale ? manager_reread(job->manager, job) : 0;

        if (r >= 0)
                r = policy_check(caller, verb, job);
        if (r >= 0 && job_is_final(job))
                r = -EBADFD;
        return r;
}

void manager_discard_job(Manager *manager, Job *job)
{
        manager_remove_job(manager, job);
}

/* ---- credentials ----------------------------------------------------------------------------- */

static int set_credentials(Manager *manager,
                           Job *job,
                           AuthTarget target,
                           AuthScheme scheme,
                           const char *user_name,
                           const Secret *secret)
{
        int r;

        manager_arm_commit(manager); /* also ends a transaction in which this fails */
        r = credentials_set(manager->parts.store,
                            manager->parts.vault,
                            job,
                            target,
                            scheme,
                            user_name,
                            secret);
        if (r < 0)
                return r;
        manager->credential_removed = true; /* the one that was replaced, if any */
        job->credentials_lost = false;
        return manager_change(manager, job, 0, 0);
}

int manager_set_credentials(Manager *manager,
                            const Caller *caller,
                            Job *job,
                            AuthTarget target,
                            AuthScheme scheme,
                            const char *user_name,
                            const Secret *secret)
{
        int r = manager_begin(caller, VERB_SET_CREDENTIALS, job);

        return r < 0 ? r : set_credentials(manager, job, target, scheme, user_name, secret);
}

int manager_remove_credentials(Manager *manager,
                               const Caller *caller,
                               Job *job,
                               AuthTarget target,
                               AuthScheme scheme)
{
        int removed, r = manager_begin(caller, VERB_REMOVE_CREDENTIALS, job);

        if (r < 0)
                return r;
        manager_arm_commit(manager); /* also ends a transaction that removed nothing */
        removed = credentials_remove(manager->parts.store, job, target, scheme);
        if (removed <= 0)
                return removed;
        manager->credential_removed = true;
        r = manager_change(manager, job, 0, 0);
        return r < 0 ? r : 1;
}

/* Keeps the login of a URL unless the job has such credentials, also those of an earlier URL. */
static int keep_login(Manager *manager, Job *job, const ManagerLogin *login)
{
        unsigned schemes, implicit;
        int r;

        if (!login->user_name)
                return 0;
        r = store_slot_schemes(manager->parts.store, job, AUTH_TARGET_SERVER, &schemes, &implicit);
        if (r < 0 || schemes & 1U << AUTH_SCHEME_BASIC)
                return r;
        return set_credentials(manager,
                               job,
                               AUTH_TARGET_SERVER,
                               AUTH_SCHEME_BASIC,
                               login->user_name,
                               login->password);
}

/* ---- files ----------------------------------------------------------------------------------- */

static int add_file(Manager *manager, Job *job, const ManagerFile *file)
{
        int index = job_add_file(job, file->remote_name, file->local_name), r = index;

        if (r >= 0)
                r = job_want(job,
                             (uint32_t) index,
                             file->checksum ? file->checksum : "",
                             file->ranges,
                             file->n_ranges);
        return r < 0 ? r : store_put_file(manager->parts.store, job, (uint32_t) index);
}

int manager_add_files(Manager *manager,
                      const Caller *caller,
                      Job *job,
                      const ManagerFile *files,
                      size_t n_files,
                      uint32_t *ret_first)
{
        uint32_t first = job->n_files;
        int r = manager_begin(caller, VERB_ADD_FILE, job);

        if (r >= 0 && job->publishing)
                r = -EBADFD;
        if (r >= 0 && n_files > manager->parts.config->max_files_per_job - job->n_files)
                r = -EMFILE;
        /* The credentials come first: where the vault refuses them, nothing is changed. */
        for (size_t i = 0; r >= 0 && i < n_files; i++)
                r = keep_login(manager, job, &files[i].login);
        if (r < 0)
                return r;

        for (size_t i = 0; r >= 0 && i < n_files; i++)
                r = add_file(manager, job, &files[i]);
        if (r >= 0)
                r = manager_change(manager, job, 0, JOB_CHANGE_FILES);
        if (r < 0) {
                job_truncate_files(job, first);
                manager_mark_dirty(manager, job, 0, 0);
                manager_fail_turn(manager, r);
                return r;
        }
        *ret_first = first;
        return 0;
}

int manager_requeue(Manager *manager, Job *job)
{
        int r = manager_move(manager, job, JOB_EVENT_SUSPEND);

        return r < 0 ? r : manager_move(manager, job, JOB_EVENT_RESUME);
}

/* 1: the file is not finished, so that a worker may be asking at the old place. */
static int rename_file(Manager *manager, Job *job, const ManagerRename *rename)
{
        int r = job_set_remote_name(job, rename->index, rename->remote_name);

        if (r >= 0)
                r = store_put_file(manager->parts.store, job, rename->index);
        return r < 0 ? r : !job->files[rename->index].record.finished;
}

int manager_set_remote_names(Manager *manager,
                             const Caller *caller,
                             Job *job,
                             const ManagerRename *renames,
                             size_t n_renames)
{
        bool unfinished = false;
        int r = manager_begin(caller, VERB_SET_REMOTE_NAME, job);

        if (r >= 0 && job->publishing)
                r = -EBADFD;
        for (size_t i = 0; r >= 0 && i < n_renames; i++)
                r = keep_login(manager, job, &renames[i].login);
        if (r < 0)
                return r;

        for (size_t i = 0; r >= 0 && i < n_renames; i++) {
                r = rename_file(manager, job, &renames[i]);
                unfinished |= r > 0;
        }
        if (r >= 0)
                r = manager_change(manager, job, 0, 0);
        if (r >= 0 && unfinished && job_is_active(job))
                r = manager_requeue(manager, job);
        if (r < 0) { /* the end of the turn puts the job back */
                manager_mark_dirty(manager, job, 0, 0);
                manager_fail_turn(manager, r);
        }
        return r;
}

/* ---- starting and stopping ------------------------------------------------------------------- */

int manager_resume(Manager *manager, const Caller *caller, Job *job)
{
        int r = manager_begin(caller, VERB_RESUME, job);

        if (r >= 0 && job->publishing)
                r = -EBADFD;
        if (r < 0)
                return r;
        if (job->state != JOB_QUEUED && !job_is_active(job)) {
                manager_forget_failures(manager, job);
                stopwatch_restart(&job->active, manager_ticks(manager));
                job->next_attempt_usec = 0;
        }
        return manager_move(manager, job, JOB_EVENT_RESUME);
}

int manager_suspend(Manager *manager, const Caller *caller, Job *job)
{
        int r = manager_begin(caller, VERB_SUSPEND, job);

        if (r >= 0 && job->publishing)
                r = -EBADFD;
        return r < 0 ? r : manager_move(manager, job, JOB_EVENT_SUSPEND);
}

int manager_complete(Manager *manager,
                     const Caller *caller,
                     Job *job,
                     manager_done_t done,
                     void *userdata)
{
        int r = manager_begin(caller, VERB_COMPLETE, job);

        if (r >= 0)
                r = manager_add_waiter(manager, job, done, userdata);
        if (r < 0 || job->publishing)
                return r;
        job->publishing = true;
        r = manager_move(manager, job, JOB_EVENT_COMPLETE);
        if (r < 0) {
                job->publishing = false;
                manager_drop_last_waiter(manager);
        }
        return r;
}

int manager_cancel(Manager *manager,
                   const Caller *caller,
                   Job *job,
                   manager_done_t done,
                   void *userdata)
{
        int r = manager_begin(caller, VERB_CANCEL, job);

        if (r >= 0 && job->publishing)
                r = -EBADFD;
        if (r >= 0)
                r = manager_add_waiter(manager, job, done, userdata);
        if (r < 0)
                return r;
        r = manager_move(manager, job, JOB_EVENT_CANCEL);
        if (r < 0)
                manager_drop_last_waiter(manager);
        return r;
}

int manager_take_ownership(Manager *manager, const Caller *caller, Job *job)
{
        Owner *before = job->owner, *owner;
        int r = manager_begin(caller, VERB_TAKE_OWNERSHIP, job);

        if (r >= 0 && job->publishing)
                r = -EBADFD;
        if (r >= 0)
                r = may_own(manager, caller);
        if (r >= 0)
                r = owners_acquire(manager->parts.owners, caller->uid, caller->user_name, &owner);
        if (r < 0)
                return r;

        if (job->vault_bytes > 0)
                manager->credential_removed = true;
        r = credentials_remove_all(manager->parts.store, job);
        if (r < 0) {
                manager_arm_commit(manager); /* which fails, and begins anew */
                owners_release(manager->parts.owners, owner);
                return r;
        }
        scheduler_remove(&job->queue);
        job_set_owner(job, owner);
        owners_release(manager->parts.owners, before);
        job->credentials_lost = false;
        manager_forget_owners_settings(manager, job);
        job->changes |= JOB_CHANGE_OWNER;
        r = manager_move(manager, job, JOB_EVENT_TAKE);
        if (r >= 0)
                log_job(LOG_NOTICE, job, 0, LOG_ID_OWNERSHIP_TAKEN, "Ownership is taken");
        return r;
}
