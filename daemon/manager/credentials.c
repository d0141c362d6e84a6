#include "manager/credentials.h"

#include <errno.h>
#include <stdlib.h>

#include "base/str.h"

#include "model/limits.h"

/* Schemes from the strongest to the weakest. */
static const AuthScheme strength[] = {
        AUTH_SCHEME_NEGOTIATE, AUTH_SCHEME_BEARER,   AUTH_SCHEME_DIGEST,
        AUTH_SCHEME_NTLM,      AUTH_SCHEME_PASSPORT, AUTH_SCHEME_BASIC,
};

static VaultLabel
label_of(const Job *job, AuthTarget target, AuthScheme scheme, bool implicit, const char *user_name)
{
        return (VaultLabel){
                .job = job->id,
                .owner_uid = job->owner->uid,
                .target = target,
                .scheme = scheme,
                .implicit = implicit,
                .user_name = user_name,
        };
}

/* Size of the sealed bytes in the slot; 0: it is empty. */
static uint64_t slot_bytes(Store *store, const Job *job, AuthTarget target, AuthScheme scheme)
{
        StoreSlot slot;
        uint64_t bytes;

        if (store_get_slot(store, job, target, scheme, &slot) < 0)
                return 0;
        bytes = slot.row.sealed_size;
        store_slot_done(&slot);
        return bytes;
}

int credentials_set(Store *store,
                    Vault *vault,
                    Job *job,
                    AuthTarget target,
                    AuthScheme scheme,
                    const char *user_name,
                    const Secret *secret)
{
        VaultLabel label = label_of(job, target, scheme, !secret, user_name);
        VaultRow row = { 0 };
        uint64_t replaced = 0;
        int r;

        r = vault_seal(vault, &label, secret, &row);
        if (r < 0)
                return r;
        if (job->owner->vault_bytes + row.sealed_size >
            LIMIT_VAULT_BYTES_PER_OWNER + slot_bytes(store, job, target, scheme))
                r = -ENOBUFS;
        if (r >= 0)
                r = store_put_slot(store, job, target, scheme, !secret, user_name, &row, &replaced);
        if (r >= 0) {
                job->owner->vault_bytes += row.sealed_size - replaced;
                job->vault_bytes += row.sealed_size - replaced;
        }
        vault_row_done(&row);
        return r;
}

int credentials_remove(Store *store, Job *job, AuthTarget target, AuthScheme scheme)
{
        uint64_t removed;
        int r = store_delete_slot(store, job, target, scheme, &removed);

        if (r > 0) {
                job->owner->vault_bytes -= removed;
                job->vault_bytes -= removed;
        }
        return r;
}

int credentials_remove_all(Store *store, Job *job)
{
        int r = job->vault_bytes > 0 ? store_delete_slots(store, job) : 0;

        if (r >= 0) {
                job->owner->vault_bytes -= job->vault_bytes;
                job->vault_bytes = 0;
        }
        return r;
}

void credential_done(Credential *credential)
{
        free(credential->user_name);
        secret_free(credential->secret);
        *credential = (Credential){ 0 };
}

static int open_slot(Store *store,
                     Vault *vault,
                     const Job *job,
                     AuthTarget target,
                     AuthScheme scheme,
                     Credential *ret)
{
        StoreSlot slot;
        VaultLabel label;
        Secret *secret = NULL;
        int r;

        r = store_get_slot(store, job, target, scheme, &slot);
        if (r < 0)
                return r;
        label = label_of(job, target, scheme, slot.implicit, slot.user_name);
        r = vault_open(vault, &label, &slot.row, &secret);
        if (r >= 0) {
                *ret = (Credential){
                        .scheme = scheme,
                        .implicit = slot.implicit,
                        .user_name = slot.user_name,
                        .secret = secret,
                };
                slot.user_name = NULL;
        }
        store_slot_done(&slot);
        return r;
}

/*
 * Spec section 1.6: implicit credentials for the proxy serve the server as well, as long as the
 * owner has set no explicit ones for the server.
 */
static int find_inherited(Store *store, const Job *job, unsigned *ret_schemes)
{
        unsigned server = 0, proxy = 0, implicit = 0;
        int r = store_slot_schemes(store, job, AUTH_TARGET_SERVER, &server, &implicit);

        *ret_schemes = 0;
        if (r < 0 || server != implicit)
                return r;
        r = store_slot_schemes(store, job, AUTH_TARGET_PROXY, &proxy, &implicit);
        if (r >= 0)
                *ret_schemes = implicit & ~server;
        return r;
}

int credentials_choose(Store *store,
                       Vault *vault,
                       const Job *job,
                       AuthTarget target,
                       unsigned offered,
                       Credential *ret)
{
        unsigned set = 0, implicit, inherited = 0;
        int r = store_slot_schemes(store, job, target, &set, &implicit);

        if (r >= 0 && target == AUTH_TARGET_SERVER)
                r = find_inherited(store, job, &inherited);
        if (r < 0)
                return r;
        for (size_t i = 0; i < ARRAY_SIZE(strength); i++) {
                unsigned bit = 1U << strength[i];

                if (offered & set & bit)
                        return open_slot(store, vault, job, target, strength[i], ret);
                if (offered & inherited & bit)
                        return open_slot(store, vault, job, AUTH_TARGET_PROXY, strength[i], ret);
        }
        return -ENOENT;
}
