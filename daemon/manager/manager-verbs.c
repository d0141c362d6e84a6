#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/uid.h"

#include "manager/credentials.h"
#include "manager/job-log.h"
#include "manager/manager-core.h"
#include "manager/manager.h"

int manager_find_job(const Manager *manager, const Caller *caller, sd_id128_t id, Job **ret)
{
        Job *job = job_table_find(&manager->table, id);
        int r;

        if (!job || announcer_has_removed(job))
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

                JOB_TABLE_FOREACH (job, after, &manager->table)
                        if (!announcer_has_removed(job) && (r = each(userdata, job)) != 0)
                                return r;
                return 0;
        }
        owner = owners_find(manager->parts.owners, caller->uid);
        if (!owner)
                return 0;
        LIST_FOREACH (link, &owner->jobs) {
                Job *job = CONTAINER_OF(link, Job, owner_link);

                if (!announcer_has_removed(job) && (r = each(userdata, job)) != 0)
                        return r;
        }
        return 0;
}

void manager_each_running(const Manager *manager,
                          void (*each)(void *userdata, Job *job),
                          void *userdata)
{
        runs_each(&manager->runs, each, userdata);
}

static int may_own(const Manager *manager, const Caller *caller)
{
        if (!caller->user_name || uid_is_refused(caller->uid))
                return -EPERM;
        if (manager->parts.only_uid >= 0 && manager->parts.only_uid != (int64_t) caller->uid)
                return -EPERM;
        return 0;
}

static int check_quotas(const Manager *manager, const Caller *caller)
{
        const Config *config = manager->parts.config;
        const Owner *owner = owners_find(manager->parts.owners, caller->uid);

        if (job_table_count(&manager->table) >= config->max_jobs)
                return -EUSERS;
        if (owner && owner->n_jobs >= config->max_jobs_per_user && !policy_is_exempt(caller))
                return -EUSERS;
        return 0;
}

/* Adds an empty job to the table, together with its owner if it is the first one. */
static int add_job(Manager *manager, const Caller *caller, Job **ret)
{
        Owners *owners = manager->parts.owners;
        Owner *owner;
        sd_id128_t id;
        Job *job;
        int r;

        r = sd_id128_randomize(&id);
        if (r >= 0)
                r = owners_acquire(owners, caller->uid, caller->user_name, &owner);
        if (r < 0)
                return r == -ESTALE ? -EPERM : r;
        r = job_new(id, owner, &job);
        if (r < 0) {
                owners_release(owners, owner);
                return r;
        }
        r = job_table_add(&manager->table, job);
        if (r >= 0)
                *ret = job;
        return r;
}

int manager_create_job(Manager *manager, const Caller *caller, const char *display_name, Job **ret)
{
        Job *job = NULL;
        int r;

        r = policy_check(caller, VERB_CREATE_JOB, NULL);
        if (r >= 0)
                r = may_own(manager, caller);
        if (r >= 0)
                r = check_quotas(manager, caller);
        if (r >= 0)
                r = add_job(manager, caller, &job);
        if (r < 0)
                return r;

        job->created_usec = manager_now(manager);
        r = job_settings_copy(&job->settings, &manager->parts.config->job_defaults);
        if (r >= 0)
                r = setting_set(&job->settings,
                                SETTING_DISPLAY_NAME,
                                &(SettingValue){ .text = display_name });
        if (r >= 0)
                r = changes_save(&manager->changes, job, 0, JOB_CHANGE_NEW);
        job_log_called(job, caller->uid);
        if (r >= 0)
                *ret = job;
        else if (!changes_is_pending(job)) /* else the failing batch frees it */
                effects_drop_job(&manager->effects, job);
        return r;
}

int manager_begin(Manager *manager, const Caller *caller, Verb verb, Job *job)
{
        int r = job->stale ? effects_reread(&manager->effects, job) : 0;

        if (r >= 0)
                r = policy_check(caller, verb, job);
        if (r >= 0 && job_is_final(job))
                r = -EBADFD;
        return r;
}

/* For verbs that must not change a job whose files are being published. */
static int begin_unpublished(Manager *manager, const Caller *caller, Verb verb, Job *job)
{
        int r = manager_begin(manager, caller, verb, job);

        return r >= 0 && job->publishing ? -EBADFD : r;
}

void manager_discard_job(Manager *manager, Job *job)
{
        effects_remove_job(&manager->effects, job);
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

        changes_arm(&manager->changes); /* a commit also ends a transaction that has failed */
        r = credentials_set(manager->parts.store,
                            manager->parts.vault,
                            job,
                            target,
                            scheme,
                            user_name,
                            secret);
        if (r < 0)
                return r;
        changes_erase_log(&manager->changes); /* it may have replaced another one */
        job->credentials_lost = false;
        return changes_save(&manager->changes, job, 0, JOB_CHANGE_CREDENTIALS);
}

int manager_set_credentials(Manager *manager,
                            const Caller *caller,
                            Job *job,
                            AuthTarget target,
                            AuthScheme scheme,
                            const char *user_name,
                            const Secret *secret)
{
        int r = manager_begin(manager, caller, VERB_SET_CREDENTIALS, job);

        return r < 0 ? r : set_credentials(manager, job, target, scheme, user_name, secret);
}

int manager_remove_credentials(Manager *manager,
                               const Caller *caller,
                               Job *job,
                               AuthTarget target,
                               AuthScheme scheme)
{
        int removed, r = manager_begin(manager, caller, VERB_REMOVE_CREDENTIALS, job);

        if (r < 0)
                return r;
        changes_arm(&manager->changes); /* also ends a transaction that removed nothing */
        removed = credentials_remove(manager->parts.store, job, target, scheme);
        if (removed <= 0)
                return removed;
        changes_erase_log(&manager->changes);
        r = changes_save(&manager->changes, job, 0, JOB_CHANGE_CREDENTIALS);
        return r < 0 ? r : 1;
}

int manager_get_credential_slots(const Manager *manager,
                                 const Caller *caller,
                                 const Job *job,
                                 unsigned ret_schemes[static AUTH_TARGETS_MAX])
{
        unsigned implicit;
        int r = policy_check(caller, VERB_READ_CREDENTIAL_SLOTS, job);

        for (unsigned target = 0; r >= 0 && target < AUTH_TARGETS_MAX; target++)
                r = store_slot_schemes(manager->parts.store,
                                       job,
                                       (AuthTarget) target,
                                       &ret_schemes[target],
                                       &implicit);
        return r;
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

/* Files with one name keep their order: all of them are in one array. */
static int compare_files(const void *a, const void *b)
{
        const ManagerFile *one = *(const ManagerFile *const *) a;
        const ManagerFile *other = *(const ManagerFile *const *) b;
        int order = strcmp(one->local_name, other->local_name);

        return order != 0 ? order : (one > other) - (one < other);
}

/* The index of the file in the job that has the name. */
static size_t find_named(const Job *job, const char *local_name)
{
        size_t i = 0;

        while (i < job->n_files && !str_equal(job->files[i].record.local_name, local_name))
                i++;
        return i;
}

int manager_find_clash(const Job *job, const ManagerFile *files, size_t n_files, ManagerClash *ret)
{
        _cleanup_free_ const ManagerFile **sorted =
                calloc(n_files ? n_files : 1, sizeof(const ManagerFile *));

        if (!sorted)
                return -ENOMEM;
        for (size_t i = 0; i < n_files; i++) {
                if (job_has_local_name(job, files[i].local_name)) {
                        *ret = (ManagerClash){ i, find_named(job, files[i].local_name) };
                        return 1;
                }
                sorted[i] = &files[i];
        }
        qsort(sorted, n_files, sizeof(const ManagerFile *), compare_files);
        for (size_t i = 1; i < n_files; i++)
                if (str_equal(sorted[i - 1]->local_name, sorted[i]->local_name)) {
                        *ret = (ManagerClash){ (size_t) (sorted[i] - files),
                                               job->n_files + (size_t) (sorted[i - 1] - files) };
                        return 1;
                }
        return 0;
}

static int check_local_names(const Job *job, const ManagerFile *files, size_t n_files)
{
        ManagerClash clash;
        int r = manager_find_clash(job, files, n_files, &clash);

        return r > 0 ? -EEXIST : r;
}

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
        int r = begin_unpublished(manager, caller, VERB_ADD_FILE, job);

        /* A limit that was lowered may be below what the job has already. */
        if (r >= 0 && job->n_files + n_files > manager->parts.config->max_files_per_job)
                r = -EMFILE;
        if (r >= 0)
                r = check_local_names(job, files, n_files);
        /* The credentials come first: where the vault refuses them, nothing is changed. */
        for (size_t i = 0; r >= 0 && i < n_files; i++)
                r = keep_login(manager, job, &files[i].login);
        if (r < 0)
                return r;

        for (size_t i = 0; r >= 0 && i < n_files; i++)
                r = add_file(manager, job, &files[i]);
        if (r >= 0)
                r = changes_save(&manager->changes, job, 0, JOB_CHANGE_FILES);
        if (r < 0) {
                job_truncate_files(job, first);
                changes_mark(&manager->changes, job, 0, 0);
                changes_fail(&manager->changes, r);
                return r;
        }
        *ret_first = first;
        return 0;
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
        int r = begin_unpublished(manager, caller, VERB_SET_REMOTE_NAME, job);

        for (size_t i = 0; r >= 0 && i < n_renames; i++)
                r = keep_login(manager, job, &renames[i].login);
        if (r < 0)
                return r;

        for (size_t i = 0; r >= 0 && i < n_renames; i++) {
                r = rename_file(manager, job, &renames[i]);
                unfinished |= r > 0;
        }
        if (r >= 0)
                r = changes_save(&manager->changes, job, 0, 0);
        /* The worker would go on with the old names. */
        if (r >= 0 && unfinished)
                r = runs_replace_worker(&manager->runs, job);
        if (r < 0) { /* the failing batch puts the job back */
                changes_mark(&manager->changes, job, 0, 0);
                changes_fail(&manager->changes, r);
        }
        return r;
}

/* ---- starting and stopping ------------------------------------------------------------------- */

/* A move that the caller asked for, which the log will say. */
static int
move_for(Manager *manager, const Caller *caller, Job *job, JobEvent event, JobChanges changed)
{
        int r = changes_move(&manager->changes, job, event, changed);

        if (r >= 0)
                job_log_called(job, caller->uid);
        return r;
}

int manager_resume(Manager *manager, const Caller *caller, Job *job)
{
        int r = begin_unpublished(manager, caller, VERB_RESUME, job);

        if (r < 0)
                return r;
        if (job->state != JOB_QUEUED && !job_is_active(job))
                attempts_resume(&job->attempts, manager->parts.clock);
        return move_for(manager,
                        caller,
                        job,
                        JOB_EVENT_RESUME,
                        job_completes_itself(job) ? JOB_CHANGE_TIMES : 0);
}

int manager_suspend(Manager *manager, const Caller *caller, Job *job)
{
        int r = begin_unpublished(manager, caller, VERB_SUSPEND, job);

        return r < 0 ? r : move_for(manager, caller, job, JOB_EVENT_SUSPEND, 0);
}

int manager_complete(Manager *manager,
                     const Caller *caller,
                     Job *job,
                     manager_done_t done,
                     void *userdata)
{
        int r = manager_begin(manager, caller, VERB_COMPLETE, job);

        if (r >= 0)
                r = waiters_add(&manager->waiters, job, done, userdata);
        if (r < 0 || job->publishing)
                return r;
        job->publishing = true;
        r = move_for(manager, caller, job, JOB_EVENT_COMPLETE, 0);
        if (r < 0) {
                job->publishing = false;
                waiters_drop_last(&manager->waiters);
        }
        return r;
}

int manager_complete_whole(Manager *manager,
                           const Caller *caller,
                           Job *job,
                           manager_done_t done,
                           void *userdata)
{
        int r = policy_check(caller, VERB_COMPLETE, job);

        if (r >= 0 && job->n_files == 0)
                r = -ENODATA;
        if (r >= 0 && job->n_finished < job->n_files)
                r = -EBADFD;
        return r < 0 ? r : manager_complete(manager, caller, job, done, userdata);
}

int manager_cancel(Manager *manager,
                   const Caller *caller,
                   Job *job,
                   manager_done_t done,
                   void *userdata)
{
        int r = begin_unpublished(manager, caller, VERB_CANCEL, job);

        if (r >= 0)
                r = waiters_add(&manager->waiters, job, done, userdata);
        if (r < 0)
                return r;
        r = move_for(manager, caller, job, JOB_EVENT_CANCEL, 0);
        if (r < 0)
                waiters_drop_last(&manager->waiters);
        return r;
}

/* The store remembers a failure, so that the change of the job that follows fails with it. */
static void store_owners_settings(Store *store, const Job *job)
{
        for (SettingId id = 0; id < SETTINGS_MAX; id++)
                if (setting_infos[id].flags & SETTING_OF_OWNER && setting_is_stored(id))
                        (void) store_put_setting(store, job, id);
}

int manager_take_ownership(Manager *manager, const Caller *caller, Job *job)
{
        Owner *before = job->owner, *owner;
        const uint32_t before_uid = before->uid;
        JobChanges changes;
        int r = begin_unpublished(manager, caller, VERB_TAKE_OWNERSHIP, job);

        if (r >= 0)
                r = may_own(manager, caller);
        if (r >= 0)
                r = owners_acquire(manager->parts.owners, caller->uid, caller->user_name, &owner);
        if (r < 0)
                return r;

        if (job->vault_bytes > 0)
                changes_erase_log(&manager->changes);
        r = credentials_remove_all(manager->parts.store, job);
        if (r < 0) {
                changes_arm(&manager->changes); /* the commit fails and takes the batch back */
                owners_release(manager->parts.owners, owner);
                return r;
        }
        runs_dequeue(job);
        job_set_owner(job, owner);
        owners_release(manager->parts.owners, before);
        job->credentials_lost = false;
        changes = JOB_CHANGE_OWNER | JOB_CHANGE_CREDENTIALS | job_forget_owners_settings(job);
        store_owners_settings(manager->parts.store, job);
        r = changes_move(&manager->changes, job, JOB_EVENT_TAKE, changes);
        if (r >= 0)
                job_log_taken(job, caller->uid, before_uid);
        return r;
}
