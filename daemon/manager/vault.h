/*
 * The vault: seals one secret into a row of the store and opens it again.
 *
 * The key that seals is kept in the kernel's session keyring of this process and is read into
 * locked memory for the duration of one operation. The backend decides where the key comes from
 * when the service starts, and whether it outlives the service:
 *
 *   keyring         $CREDENTIALS_DIRECTORY/vault.key, put there by systemd   persistent
 *   secret-service  an item of the default collection, by dosvc-secret       persistent
 *   (neither)       a random key, gone with this process                     volatile
 *
 * Sealing: XChaCha20-Poly1305, associated data = the whole VaultLabel, so that a row moved to
 * another job, owner, target or scheme does not open. Errors are returned and not logged,
 * except for a credential of systemd that cannot be a key.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>
#include <systemd/sd-id128.h>

#include "base/macro.h"
#include "base/secret.h"

#include "model/enums.h"

typedef struct Vault Vault;

typedef enum VaultSource {
        VAULT_SYSTEM, /* key from a credential of systemd, or volatile */
        VAULT_USER,   /* key from the Secret Service, or volatile */
} VaultSource;

/* The kinds of secrets. A credential has a target and a scheme; a job has one of each other kind.
 */
typedef enum VaultKind {
        VAULT_CREDENTIAL,
        VAULT_HEADERS,      /* CustomHeaders, lines that end in "\n" */
        VAULT_KEY_PASSWORD, /* of the client certificate's key */
        VAULT_KINDS_MAX,
} VaultKind;

/* A secret opens with its own label only. Strings are borrowed; unused members are zero. */
typedef struct VaultLabel {
        VaultKind kind;
        sd_id128_t job;
        uint32_t owner_uid;
        AuthTarget target;
        AuthScheme scheme;
        bool implicit;         /* no user name, no secret: the owner's own logon */
        const char *user_name; /* NULL for implicit and bearer; "" is the same */
} VaultLabel;

/* A sealed credential as the store keeps it. */
typedef struct VaultRow {
        sd_id128_t key_id; /* identifies the key that opens it, and reveals nothing about it */
        bool persistent;   /* the key comes from a backend that outlives the process */
        uint8_t *sealed;   /* owned: nonce and ciphertext */
        size_t sealed_size;
} VaultRow;

void vault_row_done(VaultRow *row);

/*
 * Called once from the loop when the key is in place; the bus name is requested after that. result:
 * 0, or a negative errno if not even a volatile key could be kept. The service goes on then, and
 * sealing returns -ENOKEY.
 */
typedef void (*vault_ready_t)(void *userdata, int result);

/*
 * Joins a fresh session keyring and begins to fetch the key. Never blocks; ready() is called within
 * the deadline of the helper (5 s), also if the kernel keeps no keys. helper_dir_fd: the directory
 * of dosvc-secret (borrowed, -EBADF for VAULT_SYSTEM). -ENOMEM.
 */
int vault_new(sd_event *event,
              VaultSource source,
              int helper_dir_fd,
              vault_ready_t ready,
              void *userdata,
              Vault **ret);
Vault *vault_free(Vault *vault);
DEFINE_CLEANUP(Vault *, vault_free);

const char *vault_store_name(const Vault *vault); /* "keyring" or "secret-service" */
bool vault_is_persistent(const Vault *vault);

/*
 * True if the row can never be opened again: its key was volatile, or the persistent backend is
 * there and holds another key. A backend that is locked or absent loses nothing, since it may be
 * there at the next start.
 */
bool vault_row_is_lost(const Vault *vault, const VaultRow *row);

/* secret is borrowed, NULL when implicit. -ENOKEY: the kernel keyring refuses; -ENOMEM. */
int vault_seal(Vault *vault, const VaultLabel *label, const Secret *secret, VaultRow *ret);

/*
 * *ret is an empty Secret for an implicit row. -ENOKEY: its key is not here; -EBADMSG: it is
 * damaged, or was sealed with another label.
 */
int vault_open(Vault *vault, const VaultLabel *label, const VaultRow *row, Secret **ret);
