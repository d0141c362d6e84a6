/*
 * Fetches the key of the vault from the Secret Service. libsecret needs GLib and may block, so it
 * runs in a process of its own, dosvc-secret, with a deadline.
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

/* The start of the service waits at most this long for the key. */
#define VAULT_SECRET_DEADLINE_USEC (5 * 1000 * 1000ULL)

typedef struct VaultSecret VaultSecret;

/*
 * Called once from the loop. The receiver owns key, which is NULL unless result is 0. -ENOENT: the
 * Secret Service is absent; -EKEYREVOKED: it is locked; -ETIMEDOUT; -EIO: any other failure. The
 * VaultSecret may be freed within.
 */
typedef void (*vault_secret_done_t)(void *userdata, int result, Secret *key);

/* helper_dir_fd: the directory of dosvc-secret (borrowed). -ENOMEM and errnos of helper_new(). */
int vault_secret_new(sd_event *event,
                     int helper_dir_fd,
                     size_t key_bytes,
                     vault_secret_done_t done,
                     void *userdata,
                     VaultSecret **ret);
VaultSecret *vault_secret_free(VaultSecret *fetch); /* kills the helper */
DEFINE_CLEANUP(VaultSecret *, vault_secret_free);
