/*
 * The credential slots of a job, target × scheme (spec section 1.1): sealed by the vault, kept by
 * the store, chosen here when a server or proxy demands one. Nothing reads one back for a client.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/secret.h"

#include "manager/job.h"
#include "manager/store.h"
#include "manager/vault.h"

/*
 * Part of the store's open transaction. secret NULL: implicit. -ENOKEY; -ENOBUFS: the owner's share
 * (LIMIT_VAULT_BYTES_PER_OWNER) is used up; errors of the store.
 */
int credentials_set(Store *store,
                    Vault *vault,
                    Job *job,
                    AuthTarget target,
                    AuthScheme scheme,
                    const char *user_name,
                    const Secret *secret);
/* 1: removed, 0: there were none. */
int credentials_remove(Store *store, Job *job, AuthTarget target, AuthScheme scheme);
/* All of the job: TakeOwnership, and before the job goes. */
int credentials_remove_all(Store *store, Job *job);

typedef struct Credential {
        AuthScheme scheme;
        bool implicit;
        char *user_name; /* owned; NULL: none */
        Secret *secret;  /* owned; empty when implicit */
} Credential;

void credential_done(Credential *credential);

/*
 * The strongest that is offered (bit 1 << AuthScheme) and set; for the server also what is
 * implicit for the proxy, unless an explicit one for the server is there. -ENOENT: nothing fits;
 * -ENOKEY, -EBADMSG: it is there but cannot be opened.
 */
int credentials_choose(Store *store,
                       Vault *vault,
                       const Job *job,
                       AuthTarget target,
                       unsigned offered,
                       Credential *ret);
