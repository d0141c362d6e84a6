#include "manager/sealed.h"

#include <errno.h>

#include "model/limits.h"

static VaultLabel label_of(const Job *job, VaultKind kind)
{
        return (VaultLabel){ .kind = kind, .job = job->id, .owner_uid = job->owner->uid };
}

static void count(Job *job, uint64_t more, uint64_t less)
{
        job->owner->vault_bytes += more - less;
        job->vault_bytes += more - less;
}

static int remove_it(Store *store, Job *job, VaultKind kind)
{
        bool was_set = job->sealed & 1U << kind;
        uint64_t removed;
        int r = store_delete_sealed(store, job, kind, &removed);

        if (r < 0)
                return r;
        count(job, 0, removed);
        job->sealed &= ~(1U << kind);
        return was_set;
}

/* Size of the sealed bytes of that kind; 0: none. */
static uint64_t bytes_of(Store *store, const Job *job, VaultKind kind)
{
        StoreSlot slot;
        uint64_t bytes;

        if (store_get_sealed(store, job, kind, &slot) < 0)
                return 0;
        bytes = slot.row.sealed_size;
        store_slot_done(&slot);
        return bytes;
}

int sealed_set(Store *store, Vault *vault, Job *job, VaultKind kind, const Secret *secret)
{
        VaultLabel label = label_of(job, kind);
        VaultRow row = { 0 };
        uint64_t replaced = 0;
        int r;

        if (!secret || secret_size(secret) == 0)
                return remove_it(store, job, kind);
        r = vault_seal(vault, &label, secret, &row);
        if (r < 0)
                return r;
        if (job->owner->vault_bytes + row.sealed_size >
            LIMIT_VAULT_BYTES_PER_OWNER + bytes_of(store, job, kind))
                r = -ENOBUFS;
        if (r >= 0)
                r = store_put_sealed(store, job, kind, &row, &replaced);
        if (r >= 0) {
                count(job, row.sealed_size, replaced);
                job->sealed |= 1U << kind;
        }
        vault_row_done(&row);
        return r < 0 ? r : 1;
}

int sealed_open(Store *store, Vault *vault, const Job *job, VaultKind kind, Secret **ret)
{
        VaultLabel label = label_of(job, kind);
        StoreSlot slot;
        int r;

        if (!(job->sealed & 1U << kind)) {
                *ret = NULL;
                return 0;
        }
        r = store_get_sealed(store, job, kind, &slot);
        if (r < 0)
                return r == -ENOENT ? -ENOKEY : r;
        r = vault_open(vault, &label, &slot.row, ret);
        store_slot_done(&slot);
        return r == -EBADMSG ? -ENOKEY : r;
}
