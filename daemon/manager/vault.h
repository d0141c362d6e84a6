/*
 * The vault: seals one credential into a row of the store and opens it again.
 *
 * The key that seals lives in the kernel's session keyring of this process and is read into
 * locked memory for the moment of one operation. Where it comes from when the service
 * starts, and whether it outlives it, is the business of the backends:
 *
 *   keyring         $CREDENTIALS_DIRECTORY/vault.key, put there by systemd   persistent
 *   secret-service  an item of the default collection, by dosvc-secret       persistent
 *   (neither)       a random key, gone with this process                     volatile
 *
 * Sealing: XChaCha20-Poly1305, associated data = the whole VaultLabel, so that a row moved to
 * another job, owner, target or scheme does not open. Errors are returned, not logged, but
 * for a credential of systemd that is there and cannot be the key.
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
        VAULT_SYSTEM, /* credential of systemd, else volatile */
        VAULT_USER,   /* Secret Service, else volatile */
} VaultSource;

/* What is sealed. A credential has a target and a scheme; of the others a job has one each. */
typedef enum VaultKind {
        VAULT_CREDENTIAL,
        VAULT_HEADERS,      /* CustomHeaders, lines that end in "\n" */
        VAULT_KEY_PASSWORD, /* of the client certificate's key */
        VAULT_KINDS_MAX,
} VaultKind;

/* What a secret is bound to. Strings are borrowed; a kind without them leaves the rest zero. */
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
        sd_id128_t key_id; /* which key opens it; says nothing about the key */
        bool persistent;   /* the key was meant to outlive the process */
        uint8_t *sealed;   /* owned: nonce and ciphertext */
        size_t sealed_size;
} VaultRow;

void vault_row_done(VaultRow *row);

/*
 * Called once from the loop when the key is in place: the bus name is requested after it.
 * result: 0, or a negative errno when not even a volatile key could be kept (then sealing
 * answers -ENOKEY and the service goes on).
 */
typedef void (*vault_ready_t)(void *userdata, int result);

/*
 * Joins a fresh session keyring and begins to fetch the key; never blocks, ready is called
 * within the deadline of the helper (5 s). helper_dir_fd: where dosvc-secret is (borrowed,
 * -EBADF for VAULT_SYSTEM). -ENOMEM; a kernel that keeps no keys is told by ready.
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
 * True if no start of this service can ever open the row again: its key was volatile, or the
 * persistent store is here and holds another key. A store that is locked or absent loses
 * nothing.
 */
bool vault_row_is_lost(const Vault *vault, const VaultRow *row);

/* secret is borrowed, NULL when implicit. -ENOKEY: the kernel keyring refuses; -ENOMEM. */
int vault_seal(Vault *vault, const VaultLabel *label, const Secret *secret, VaultRow *ret);

/*
 * *ret is an empty Secret for an implicit row. -ENOKEY: sealed under a key that is not here;
 * -EBADMSG: damaged, or not the label it was sealed with.
 */
int vault_open(Vault *vault, const VaultLabel *label, const VaultRow *row, Secret **ret);
