/*
 * The jobs, and everything that may be done with them. Each verb asks policy first, then
 * moves the job, and gathers the change; once a turn of the loop the changes are committed
 * together, and only then are effects carried out: tell, answer, start or stop workers. A
 * commit that fails puts memory back to what the disk says and fails every caller of the turn.
 *
 * Knows no D-Bus: the bus edge registers an observer and passes callbacks.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>
#include <systemd/sd-id128.h>

#include "base/clock.h"
#include "base/macro.h"
#include "base/secret.h"

#include "manager/config.h"
#include "manager/job.h"
#include "manager/policy.h"
#include "manager/spawner.h"
#include "manager/store.h"
#include "manager/vault.h"

typedef struct Manager Manager;

/* Told after the commit. The job is valid during the call. */
typedef struct ManagerObserver {
        void (*job_new)(void *userdata, Job *job);
        void (*job_changed)(void *userdata, Job *job, JobChanges changes, JobState previous);
        void (*job_progress)(void *userdata, Job *job);
        void (*job_removed)(void *userdata, Job *job); /* its state says how it ended */
        void *userdata;
} ManagerObserver;

/* Everything is borrowed and outlives the manager. */
typedef struct ManagerParts {
        sd_event *event;
        const Clock *clock;
        const Config *config;
        Store *store;
        Vault *vault;
        Spawner *spawner;
        Owners *owners;
        int state_dir_fd; /* holds the file "work" while jobs want to run; -EBADF: none */
        int64_t only_uid; /* user instance: no other owner; -1: system instance */
} ManagerParts;

int manager_new(const ManagerParts *parts, Manager **ret);
/* Stops no worker gently: call manager_stop() first. */
Manager *manager_free(Manager *manager);
DEFINE_CLEANUP(Manager *, manager_free);

void manager_set_observer(Manager *manager, const ManagerObserver *observer);

/* Takes in the store and plans what a crash or a stop left over. Errors of store_load(). */
int manager_load(Manager *manager);

/*
 * Asks all workers to sync and stop; done is called when the last is gone and the progress
 * is committed, at most five seconds later.
 */
void manager_stop(Manager *manager, void (*done)(void *userdata), void *userdata);

/*
 * Something of the network came up: jobs that wait because no server could be reached are tried
 * soon, each somewhere within a second. They fail as before if it did not help.
 */
void manager_network_came_up(Manager *manager);

/* Nothing runs, waits or would be forgotten: the service may exit. */
bool manager_is_idle(const Manager *manager);

const Config *manager_config(const Manager *manager);
const Vault *manager_vault(const Manager *manager);
uint64_t manager_now(const Manager *manager); /* realtime */

/* result 0, or the negative errno of the failed commit. */
typedef void (*manager_saved_t)(void *userdata, int result);

/*
 * The change is made, but its answer cannot be: all that was changed in this turn is taken back,
 * and every caller of the turn hears this negative errno.
 */
void manager_fail_turn(Manager *manager, int error);
/* Commits at once what was changed so far. Negative errno: it was taken back. */
int manager_commit(Manager *manager);
/*
 * Calls back when what was changed so far is durable; at once if nothing is pending.
 * -ENOMEM: the turn has failed, manager_fail_turn().
 */
int manager_when_saved(Manager *manager, manager_saved_t saved, void *userdata);

/*
 * Looking. -ENOENT: no such job, or one that the caller may not know of.
 */
int manager_find_job(const Manager *manager, const Caller *caller, sd_id128_t id, Job **ret);
/*
 * Each verb that changes a job begins with this: policy, then -EBADFD for a job that is gone, or
 * errors of the store for one whose last change could not be taken back yet.
 */
int manager_begin(const Caller *caller, Verb verb, Job *job);
/* Each job that the caller may see, in no order, until the callback returns non-zero. */
int manager_each_job(const Manager *manager,
                     const Caller *caller,
                     bool all_users,
                     int (*each)(void *userdata, Job *job),
                     void *userdata);
/* Each job with a worker. */
void manager_each_running(const Manager *manager,
                          void (*each)(void *userdata, Job *job),
                          void *userdata);

/*
 * Changing. All: -EACCES, -ENOENT (policy), -EBADFD (state), -ENOMEM, -ENOSPC, -EIO (store).
 * A verb that returned 0 is in memory; answer the caller through manager_when_saved().
 */

/* -EUSERS: quota; -EPERM: the caller's uid owns no jobs here. */
int manager_create_job(Manager *manager, const Caller *caller, const char *display_name, Job **ret);
/* Takes back a job that was created in this turn and not announced yet. */
void manager_discard_job(Manager *manager, Job *job);

/*
 * The user info of a URL. It becomes the job's (server, basic) credentials if the job has none.
 * Both members are NULL if the URL had none.
 */
typedef struct ManagerLogin {
        const char *user_name;
        const Secret *password;
} ManagerLogin;

typedef struct ManagerFile {
        const char *remote_name; /* without user info */
        ManagerLogin login;
        const char *local_name;
        const char *checksum; /* normal form of checksum_parse(); NULL: none */
        const FileRange *ranges;
        uint32_t n_ranges; /* 0: the whole file */
} ManagerFile;

/*
 * Adds files and keeps the first login among them, all or nothing. -EMFILE: too many files; errors
 * of manager_set_credentials(). *ret_first is the index of the first.
 */
int manager_add_files(Manager *manager,
                      const Caller *caller,
                      Job *job,
                      const ManagerFile *files,
                      size_t n_files,
                      uint32_t *ret_first);

/*
 * Gives files other places to be fetched from and keeps the first login among them, all or nothing.
 * A job that is under way goes back into the queue, so that a new worker asks there.
 */
typedef struct ManagerRename {
        uint32_t index;
        const char *remote_name; /* without user info */
        ManagerLogin login;
} ManagerRename;

int manager_set_remote_names(Manager *manager,
                             const Caller *caller,
                             Job *job,
                             const ManagerRename *renames,
                             size_t n_renames);

/* Resume -ENODATA: no files. */
int manager_resume(Manager *manager, const Caller *caller, Job *job);
int manager_suspend(Manager *manager, const Caller *caller, Job *job);
/* The caller becomes the owner; -EPERM as manager_create_job(). */
int manager_take_ownership(Manager *manager, const Caller *caller, Job *job);

/*
 * Told once, after the worker's part: result 0; -ECANCELED: the service stops; negative errno and
 * a sentence: it failed.
 */
typedef void (*manager_done_t)(void *userdata, int result, bool partial, const char *text);

int manager_complete(Manager *manager,
                     const Caller *caller,
                     Job *job,
                     manager_done_t done,
                     void *userdata);
int manager_cancel(Manager *manager,
                   const Caller *caller,
                   Job *job,
                   manager_done_t done,
                   void *userdata);

/* A setting and its new value, which setting_check() has accepted. */
typedef struct ManagerSetting {
        SettingId id; /* no SECRET */
        SettingValue value;
} ManagerSetting;

/* Sets all or none. The flags of a setting say what that does to an active or waiting job. */
int manager_set_settings(Manager *manager,
                         const Caller *caller,
                         Job *job,
                         const ManagerSetting *settings,
                         size_t n_settings);

/*
 * Replaces the header lines, which end in "\n" each; empty or NULL: none. -ENOKEY, -ENOBUFS as for
 * credentials.
 */
int manager_set_headers(Manager *manager, const Caller *caller, Job *job, const Secret *lines);
/* *ret is NULL if there are none. -ENOKEY: they are lost. */
int manager_get_headers(Manager *manager, const Caller *caller, const Job *job, Secret **ret);

/* key and password may be NULL. Errors of manager_set_headers(). */
int manager_set_client_certificate(Manager *manager,
                                   const Caller *caller,
                                   Job *job,
                                   const char *certificate,
                                   const char *key,
                                   const Secret *password);
/* 1: removed, 0: there was none. */
int manager_remove_client_certificate(Manager *manager, const Caller *caller, Job *job);

/*
 * secret NULL: implicit. -ENOKEY: the kernel keyring refuses; -ENOBUFS: the owner's share of
 * the vault is used up.
 */
int manager_set_credentials(Manager *manager,
                            const Caller *caller,
                            Job *job,
                            AuthTarget target,
                            AuthScheme scheme,
                            const char *user_name,
                            const Secret *secret);
/* 1: removed, 0: there were none. */
int manager_remove_credentials(Manager *manager,
                               const Caller *caller,
                               Job *job,
                               AuthTarget target,
                               AuthScheme scheme);
