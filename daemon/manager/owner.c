#include "manager/owner.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

Owner *owners_find(const Owners *owners, uint32_t uid)
{
        Owner *owner = NULL;

        HASH_FIND(hh, owners->by_uid, &uid, sizeof(uid), owner);
        return owner;
}

static void share_init(OwnerShare *share)
{
        for (size_t i = 0; i < ARRAY_SIZE(share->queues); i++) {
                list_init(&share->queues[i]);
                list_init(&share->rotation[i]);
        }
}

static bool has_workers(const Owner *owner)
{
        for (size_t pool = 0; pool < SCHEDULER_POOLS_MAX; pool++)
                if (owner->shares[pool].n_active > 0)
                        return true;
        return false;
}

int owners_acquire(Owners *owners, uint32_t uid, const char *name, Owner **ret)
{
        Owner *owner = owners_find(owners, uid);

        if (owner) {
                if (!str_equal(owner->name, name))
                        return -ESTALE;
                *ret = owner;
                return 0;
        }

        owner = calloc(1, sizeof(*owner));
        if (!owner)
                return -ENOMEM;
        owner->uid = uid;
        owner->name = strdup(name);
        if (!owner->name) {
                free(owner);
                return -ENOMEM;
        }
        list_init(&owner->jobs);
        for (size_t pool = 0; pool < SCHEDULER_POOLS_MAX; pool++)
                share_init(&owner->shares[pool]);
        HASH_ADD(hh, owners->by_uid, uid, sizeof(owner->uid), owner);
        if (!HASH_WAS_ADDED(owner)) {
                free(owner->name);
                free(owner);
                return -ENOMEM;
        }
        *ret = owner;
        return 0;
}

void owners_release(Owners *owners, Owner *owner)
{
        if (owner->n_jobs > 0 || has_workers(owner))
                return;
        for (size_t pool = 0; pool < SCHEDULER_POOLS_MAX; pool++)
                for (size_t i = 0; i < ARRAY_SIZE(owner->shares[pool].rotation); i++)
                        list_remove(&owner->shares[pool].rotation[i]);
        HASH_DEL(owners->by_uid, owner);
        free(owner->name);
        free(owner);
}
