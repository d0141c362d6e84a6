/*
 * All jobs, and everything that may be done with them. Each verb asks the policy, then makes a move
 * and adds it to the batch of changes. At the end of an iteration of the event loop the batch is
 * committed; only then are clients informed, callers answered and workers started or stopped. If
 * the commit fails, memory is put back to what is on disk and every caller of the batch gets the
 * error.
 *
 * The manager knows no D-Bus: the bus edge registers an observer and passes callbacks.
 *
 *   manager.c           the life of the service: made, loaded, stopped, freed
 *   manager-verbs.c     what callers may do with jobs
 *   manager-settings.c  the settings of a job, by which its worker goes
 *
 * They are built on modules that own one thing each: changes (the batch), waiters, job-table,
 * timers, announcer, runs (queues and workers), reports (what workers say), effects (what follows).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>
#include <systemd/sd-id128.h>

#include "base/macro.h"
#include "base/secret.h"

#include "manager/announcer.h"
#include "manager/job.h"
#include "manager/manager-parts.h"
#include "manager/policy.h"

typedef struct Manager Manager;

int manager_new(const ManagerParts *parts, Manager **ret);
/* Kills the workers; manager_stop() lets them end in order. */
Manager *manager_free(Manager *manager);
DEFINE_CLEANUP(Manager *, manager_free);

void manager_set_observer(Manager *manager, const ManagerObserver *observer);

/* Loads all jobs and plans those that have something left to do. Errors of store_load(). */
int manager_load(Manager *manager);

/*
 * Asks all workers to write their bytes to the disk and to end. done is called from the loop, at
 * most five seconds later, when the last one is gone and its progress is committed.
 */
void manager_stop(Manager *manager, void (*done)(void *userdata), void *userdata);

/*
 * The network has come up: jobs that wait because no server could be reached are tried within about
 * a second. If that does not help, they wait as before.
 */
void manager_network_came_up(Manager *manager);

void manager_take_config(Manager *manager); /* the borrowed configuration has changed */
/* Reads the configuration again. -EACCES, and errors of config_reload_t. */
int manager_reload(Manager *manager, const Caller *caller, char **ret_problem);

/* The service may exit: nothing runs or waits, and nothing would be lost. */
bool manager_is_idle(const Manager *manager);

const Config *manager_config(const Manager *manager);
const Vault *manager_vault(const Manager *manager);
uint64_t manager_now(const Manager *manager); /* realtime */

/* result 0, or the negative errno of the failed commit. */
typedef void (*manager_saved_t)(void *userdata, int result);

/*
 * A change was made whose answer cannot be sent: the whole batch is taken back, and all callers
 * who wait for it get this negative errno.
 */
void manager_fail_batch(Manager *manager, int error);
/* Commits the batch at once. Negative errno: it was taken back. */
int manager_commit(Manager *manager);
/*
 * Calls back when the batch is on disk, or has failed. -ENOMEM: the batch fails, as with
 * manager_fail_batch().
 */
int manager_when_saved(Manager *manager, manager_saved_t saved, void *userdata);

/* -ENOENT: no such job, or one of which the caller must not know. */
int manager_find_job(const Manager *manager, const Caller *caller, sd_id128_t id, Job **ret);
/*
 * The beginning of each verb that changes a job: asks the policy. -EBADFD: the job has ended;
 * errors of the store: its last change has failed and could not be taken back yet.
 */
int manager_begin(Manager *manager, const Caller *caller, Verb verb, Job *job);
/* Calls back for each job that the caller may see, in no order, until non-zero is returned. */
int manager_each_job(const Manager *manager,
                     const Caller *caller,
                     bool all_users,
                     int (*each)(void *userdata, Job *job),
                     void *userdata);
/* Calls back for each job that has a worker. */
void manager_each_running(const Manager *manager,
                          void (*each)(void *userdata, Job *job),
                          void *userdata);

/*
 * All verbs below return -EACCES or -ENOENT (policy), -EBADFD (state of the job), -ENOMEM, -ENOSPC
 * or -EIO (store). A verb that returned 0 has changed memory only; manager_when_saved() calls back
 * when the caller may be answered.
 */

/* -EUSERS: quota; -EPERM: the caller's uid owns no jobs here. */
int manager_create_job(Manager *manager, const Caller *caller, const char *display_name, Job **ret);
/* Takes back a job that was created in the present batch. */
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
 * Adds files and keeps the first login among them, all or nothing. *ret_first is the index of the
 * first. -EMFILE: too many files; -EEXIST: two files would have one local name; errors of
 * manager_set_credentials().
 */
int manager_add_files(Manager *manager,
                      const Caller *caller,
                      Job *job,
                      const ManagerFile *files,
                      size_t n_files,
                      uint32_t *ret_first);

/*
 * Finds two files with one local name: file is among those to be added, other is the index in the
 * job of one that is there, or that would be added before. 1: found, 0: there are none; -ENOMEM.
 */
typedef struct ManagerClash {
        size_t file;
        size_t other;
} ManagerClash;

int manager_find_clash(const Job *job, const ManagerFile *files, size_t n_files, ManagerClash *ret);

/*
 * Gives files other URLs to be fetched from and keeps the first login among them, all or nothing.
 * An active job goes back into the queue, so that a new worker fetches from there.
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

/* -ENODATA: the job has no files. */
int manager_resume(Manager *manager, const Caller *caller, Job *job);
int manager_suspend(Manager *manager, const Caller *caller, Job *job);
/* The caller becomes the owner. -EPERM: as manager_create_job(). */
int manager_take_ownership(Manager *manager, const Caller *caller, Job *job);

/*
 * Called once, after a worker has done its part. result: 0, -ECANCELED (the service stops), or the
 * negative errno of a failure that text describes in a sentence.
 */
typedef void (*manager_done_t)(void *userdata, int result, bool partial, const char *text);

int manager_complete(Manager *manager,
                     const Caller *caller,
                     Job *job,
                     manager_done_t done,
                     void *userdata);
/* The same, if every file is whole. Also -EBADFD: some are not; -ENODATA: there are none. */
int manager_complete_whole(Manager *manager,
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
 * secret NULL: an implicit credential. -ENOKEY: the kernel keyring refuses; -ENOBUFS: the owner's
 * share of the vault is used up.
 */
int manager_set_credentials(Manager *manager,
                            const Caller *caller,
                            Job *job,
                            AuthTarget target,
                            AuthScheme scheme,
                            const char *user_name,
                            const Secret *secret);
/* The slots that are set: for each target bits 1 << AuthScheme. */
int manager_get_credential_slots(const Manager *manager,
                                 const Caller *caller,
                                 const Job *job,
                                 unsigned ret_schemes[static AUTH_TARGETS_MAX]);
/* 1: removed, 0: there were none. */
int manager_remove_credentials(Manager *manager,
                               const Caller *caller,
                               Job *job,
                               AuthTarget target,
                               AuthScheme scheme);
