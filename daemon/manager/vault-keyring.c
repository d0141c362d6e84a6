#include "manager/vault-keyring.h"

#include <keyutils.h>

#define KEY_PERMISSIONS (KEY_POS_VIEW | KEY_POS_READ | KEY_POS_SEARCH)

/* Permissions of the keyring; other processes of the same user cannot see it or its keys. */
#define KEYRING_PERMISSIONS                                                                        \
        (KEY_POS_VIEW | KEY_POS_READ | KEY_POS_WRITE | KEY_POS_SEARCH | KEY_POS_LINK)

int vault_keyring_join(void)
{
        if (keyctl_join_session_keyring(NULL) < 0 ||
            keyctl_setperm(KEY_SPEC_SESSION_KEYRING, KEYRING_PERMISSIONS) < 0)
                return -errno;
        return 0;
}

int vault_keyring_put(const Secret *key, int32_t *ret_serial)
{
        key_serial_t serial = add_key("user",
                                      VAULT_KEYRING_DESCRIPTION,
                                      secret_data(key),
                                      secret_size(key),
                                      KEY_SPEC_SESSION_KEYRING);

        if (serial < 0)
                return -errno;
        if (keyctl_setperm(serial, KEY_PERMISSIONS) < 0) {
                int r = -errno;

                vault_keyring_remove(serial);
                return r;
        }
        *ret_serial = serial;
        return 0;
}

int vault_keyring_get(int32_t serial, size_t size_bytes, Secret **ret)
{
        _cleanup_(secret_freep) Secret *key = NULL;
        int r;

        r = secret_new(size_bytes, &key);
        if (r < 0)
                return r;
        if (keyctl_read(serial, secret_data_writable(key), size_bytes) != (long) size_bytes)
                return -ENOKEY;
        *ret = STEAL_PTR(key);
        return 0;
}

void vault_keyring_remove(int32_t serial)
{
        (void) keyctl_unlink(serial, KEY_SPEC_SESSION_KEYRING);
}
