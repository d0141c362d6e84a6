/*
 * The vault's key in the kernel: a `user` key in an anonymous session keyring of this process.
 * Only a process that possesses that keyring may see, search or read it, and nobody may change
 * its permissions again. The kernel destroys it with the last process of the session
 * (keyrings(7)).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"

#define VAULT_KEYRING_DESCRIPTION "dosvcd:vault"

/* Leaves the inherited session keyring. Errnos of keyctl(2): -ENOSYS without keys. */
int vault_keyring_join(void);

/* Puts the key there; the copy in the kernel is the only one that stays. Errnos of add_key(2). */
int vault_keyring_put(const Secret *key, int32_t *ret_serial);

/* -ENOKEY: it is not there, or not of that size any more; -ENOMEM. */
int vault_keyring_get(int32_t serial, size_t size_bytes, Secret **ret);

/* Takes the key out, after which the kernel destroys it. */
void vault_keyring_remove(int32_t serial);
