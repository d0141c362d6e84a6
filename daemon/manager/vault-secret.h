/*
 * Fetches the key of the vault from the Secret Service through dosvc-secret
 * (dbus/secret-wire.h), which has a process of its own and a deadline because libsecret brings
 * GLib and may block.
 */
#pragma once

#include <systemd/sd-event.h>

#include "base/macro.h"
#include "base/secret.h"

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
                     vault_secret_done_t done,
                     void *userdata,
                     VaultSecret **ret);
VaultSecret *vault_secret_free(VaultSecret *fetch); /* kills the helper */
DEFINE_CLEANUP(VaultSecret *, vault_secret_free);
