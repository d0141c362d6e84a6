/*
 * The database: jobs with their settings and files, and sealed credentials, in SQLite with WAL and
 * synchronous=FULL.
 *
 * Changes gather in one open transaction; store_commit() makes them durable together and
 * store_rollback() drops them together: the manager tells nobody before the commit. The one
 * writer is this process. Silent: every failure is returned.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-id128.h>

#include "base/macro.h"

#include "manager/job.h"
#include "manager/vault.h"

typedef struct Store Store;

/*
 * path: the database, made with mode 0600 when missing; ":memory:" for tests. -EUCLEAN: not a
 * database, or a damaged one; -EPROTONOSUPPORT: written by a newer version (left as it is);
 * -EBUSY: another process has it; -ENOMEM, errors of open(2), -EIO. Looks for damage for two
 * seconds at most; what a row says is checked when it is loaded, against the row's own sum.
 */
int store_open(const char *path, Store **ret);
/*
 * Gives a damaged database another name, with what belongs to it, so that a new one can be made:
 * path.damaged-<seconds since the epoch>; *ret is that name. Errors of rename(2), -ENOMEM.
 */
int store_move_aside(const char *path, uint64_t now_usec, char **ret);
Store *store_free(Store *store);
DEFINE_CLEANUP(Store *, store_free);

/*
 * All of these are part of the open transaction; -ENOSPC, -EIO, -ENOMEM. One that fails lets
 * store_commit() fail too: what the caller has in memory is not on disk.
 */
/* A new job gets its serial, and its settings are put with it. */
int store_put_job(Store *store, Job *job);
/* A setting of a job that was put before; one that has its default needs no row. */
int store_put_setting(Store *store, const Job *job, SettingId id);
int store_put_file(Store *store, const Job *job, uint32_t index);
int store_delete_job(Store *store, const Job *job); /* with all that belongs to it */

/*
 * A row of the vault. user_name NULL for none. Replaces what the slot held; *ret_replaced is the
 * size of that, 0 if it was empty.
 */
int store_put_slot(Store *store,
                   const Job *job,
                   AuthTarget target,
                   AuthScheme scheme,
                   bool implicit,
                   const char *user_name,
                   const VaultRow *row,
                   uint64_t *ret_replaced);
/* *ret_removed: size of what was removed; 1 if it was removed, 0 if there was nothing. */
int store_delete_slot(Store *store,
                      const Job *job,
                      AuthTarget target,
                      AuthScheme scheme,
                      uint64_t *ret_removed);
int store_delete_slots(Store *store, const Job *job);

typedef struct StoreSlot {
        AuthTarget target;
        AuthScheme scheme;
        bool implicit;
        char *user_name; /* owned, may be NULL */
        VaultRow row;    /* owned */
} StoreSlot;

void store_slot_done(StoreSlot *slot);

/* Bit 1 << AuthScheme for each slot of the target that is set, and for each that is implicit. */
int store_slot_schemes(Store *store,
                       const Job *job,
                       AuthTarget target,
                       unsigned *ret_schemes,
                       unsigned *ret_implicit);
/* Bytes of all sealed credentials of the job. */
int store_slot_bytes(Store *store, const Job *job, uint64_t *ret_bytes);
/* -ENOENT: the slot is empty. */
int store_get_slot(Store *store,
                   const Job *job,
                   AuthTarget target,
                   AuthScheme scheme,
                   StoreSlot *ret);

/* The same for what a job has one of: its headers, the password of its key. */
int store_put_sealed(Store *store,
                     const Job *job,
                     VaultKind kind,
                     const VaultRow *row,
                     uint64_t *ret_replaced);
int store_delete_sealed(Store *store, const Job *job, VaultKind kind, uint64_t *ret_removed);
int store_get_sealed(Store *store, const Job *job, VaultKind kind, StoreSlot *ret);

/* True while changes wait for store_commit(). */
bool store_is_dirty(const Store *store);
/* The open transaction must not be committed: error is what store_commit() will answer. */
void store_fail(Store *store, int error);
int store_commit(Store *store);
void store_rollback(Store *store);
/* Empties the write-ahead log into the database: after a credential was removed. */
int store_checkpoint(Store *store);

/*
 * Calls back once a job, in the order of creation, complete with its files; the receiver owns it.
 * owners gets what the rows name. A negative return of job() ends the loading with it.
 */
typedef int (*store_job_t)(void *userdata, Job *job);

int store_load(Store *store, Owners *owners, store_job_t job, void *userdata);
/* One job as it was last committed. -ENOENT. */
int store_load_job(Store *store, Owners *owners, sd_id128_t id, Job **ret);

/*
 * Calls back for each sealed credential, for the start of the service; row has no bytes, only their
 * number. It is removed when the callback returns 1.
 */
typedef int (*store_slot_t)(void *userdata, sd_id128_t job, const VaultRow *row);

int store_each_slot(Store *store, store_slot_t slot, void *userdata);
