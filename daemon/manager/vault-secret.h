/*
 * The vault's key out of the Secret Service, through dosvc-secret: libsecret brings GLib and
 * may block, so it runs in a process of its own with a deadline.
 */
#pragma once

#include <systemd/sd-event.h>

#include "base/macro.h"
#include "base/secret.h"

/* Exit statuses of dosvc-secret. */
enum {
        VAULT_SECRET_OK,
        VAULT_SECRET_FAILED,
        VAULT_SECRET_ABSENT, /* no Secret Service, or it has no default collection */
        VAULT_SECRET_LOCKED,
};

/* How long the service start waits for it. */
#define VAULT_SECRET_DEADLINE_USEC (5 * 1000 * 1000ULL)

typedef struct VaultSecret VaultSecret;

/*
 * Called once from the loop; the receiver owns key, NULL unless result is 0. -ENOENT: absent;
 * -EKEYREVOKED: locked; -ETIMEDOUT; -EIO: anything else. May free the VaultSecret.
 */
typedef void (*vault_secret_done_t)(void *userdata, int result, Secret *key);

/* helper_dir_fd: where dosvc-secret is (borrowed). -ENOMEM and errnos of helper_new(). */
int vault_secret_new(sd_event *event,
                     int helper_dir_fd,
                     size_t key_bytes,
                     vault_secret_done_t done,
                     void *userdata,
                     VaultSecret **ret);
VaultSecret *vault_secret_free(VaultSecret *fetch); /* kills the helper */
DEFINE_CLEANUP(VaultSecret *, vault_secret_free);
