/*
 * The secrets of a job in the vault besides its credentials: its custom headers and the password
 * of its client certificate's key. Job.sealed remembers what was set, so that a job whose secret
 * is gone or cannot be opened does not run without it. Nothing here knows D-Bus.
 */
#pragma once

#include "base/secret.h"

#include "manager/job.h"
#include "manager/store.h"
#include "manager/vault.h"

/*
 * Part of the store's open transaction; the job is not put. secret NULL or empty: removes it. 1 if
 * there is or was one, 0 if nothing changed. -ENOKEY; -ENOBUFS: the owner's share is used up.
 */
int sealed_set(Store *store, Vault *vault, Job *job, VaultKind kind, const Secret *secret);

/* *ret is NULL if none was set. -ENOKEY: it was, and is lost or cannot be opened. */
int sealed_open(Store *store, Vault *vault, const Job *job, VaultKind kind, Secret **ret);
