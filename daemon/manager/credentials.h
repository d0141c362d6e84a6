/*
 * The credentials of a job, one slot for each target and scheme (spec section 1.1). The vault seals
 * them, the store keeps them, and one is chosen here when a server or a proxy demands it. No client
 * can read them back.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/secret.h"

#include "manager/job.h"
#include "manager/store.h"
#include "manager/vault.h"

/*
 * Part of the store's open transaction. secret NULL: an implicit credential. -ENOKEY: the kernel
 * keyring refuses; -ENOBUFS: the owner's share (LIMIT_VAULT_BYTES_PER_OWNER) is used up; errors of
 * the store.
 */
int credentials_set(Store *store,
                    Vault *vault,
                    Job *job,
                    AuthTarget target,
                    AuthScheme scheme,
                    const char *user_name,
                    const Secret *secret);
/* 1: removed, 0: the slot was empty. */
int credentials_remove(Store *store, Job *job, AuthTarget target, AuthScheme scheme);
/* Removes all credentials of the job, for TakeOwnership. */
int credentials_remove_all(Store *store, Job *job);

typedef struct Credential {
        AuthScheme scheme;
        bool implicit;
        char *user_name; /* owned; NULL: none */
        Secret *secret;  /* owned; empty when implicit */
} Credential;

void credential_done(Credential *credential);

/*
 * Chooses the credential with the strongest scheme that is offered (bits 1 << AuthScheme) and set.
 * An implicit credential for the proxy also serves the server, unless an explicit one is set for
 * the server. -ENOENT: none fits; -ENOKEY, -EBADMSG: one fits but cannot be opened.
 */
int credentials_choose(Store *store,
                       Vault *vault,
                       const Job *job,
                       AuthTarget target,
                       unsigned offered,
                       Credential *ret);
