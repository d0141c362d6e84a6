/*
 * The secrets among the settings of a job, which the vault seals as it does credentials: the custom
 * headers and the password for the key of the client certificate. Job.sealed remembers which are
 * set, so that a job whose secret was lost fails instead of running without it.
 */
#pragma once

#include "base/secret.h"

#include "manager/job.h"
#include "manager/store.h"
#include "manager/vault.h"

/*
 * Part of the store's open transaction; the caller saves the job. secret NULL or empty removes it.
 * 1: set or removed, 0: there was none to remove. -ENOKEY: the kernel keyring refuses; -ENOBUFS:
 * the owner's share of the vault is used up.
 */
int sealed_set(Store *store, Vault *vault, Job *job, VaultKind kind, const Secret *secret);

/* *ret is NULL if none is set. -ENOKEY: it is set, but lost or cannot be opened. */
int sealed_open(Store *store, Vault *vault, const Job *job, VaultKind kind, Secret **ret);
