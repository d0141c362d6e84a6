/*
 * A row's sealed bytes are nonce and ciphertext with tag. Associated data, version 1, all
 * numbers little-endian:
 *
 *   version 1 · job 16 · owner 4 · target 1 · scheme 1 · implicit 1 · length 4 · user name
 *
 * and version 2, for kinds other than credentials:
 *
 *   version 1 · job 16 · owner 4 · kind 1
 *
 * The id of a key is a keyed hash of a constant, so it distinguishes keys without revealing
 * anything about them. The bytes of the key are in a Secret while one function runs, and in
 * the kernel otherwise.
 */
#include "manager/vault.h"

#include <endian.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>

#include "dbus/secret-wire.h"

#include "base/log.h"
#include "base/str.h"

#include "manager/vault-keyring.h"
#include "manager/vault-secret.h"

#define CREDENTIAL_NAME "vault.key"

#define LABEL_VERSION 1
#define LABEL_FIXED   (1 + 16 + 4 + 1 + 1 + 1 + 4)

#define OTHER_LABEL_VERSION 2
#define OTHER_LABEL_FIXED   (1 + 16 + 4 + 1)

#define NONCE_BYTES crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_BYTES   crypto_aead_xchacha20poly1305_ietf_ABYTES

struct Vault {
        VaultSource source;
        vault_ready_t ready;
        void *userdata;
        sd_event_source *defer; /* owned: calls ready() if there is nothing to wait for */
        VaultSecret *fetch;     /* owned: while dosvc-secret runs */
        int32_t key;            /* number of the kernel's key, 0: none */
        sd_id128_t key_id;
        bool persistent;
        int result; /* for ready() */
};

/* The key --------------------------------------------------------------------------------- */

static int key_identify(const Secret *key, sd_id128_t *ret)
{
        static const char constant[] = "dosvcd vault key id, version 1";
        uint8_t hash[crypto_generichash_BYTES];
        sd_id128_t id;

        if (crypto_generichash(hash,
                               sizeof(hash),
                               (const uint8_t *) constant,
                               sizeof(constant) - 1,
                               (const uint8_t *) secret_data(key),
                               secret_size(key)) < 0)
                return -EINVAL;
        memcpy(&id, hash, sizeof(id));
        *ret = id;
        return 0;
}

static int adopt_key(Vault *vault, const Secret *key, bool persistent)
{
        sd_id128_t id;
        int32_t serial;
        int r;

        r = key_identify(key, &id);
        if (r < 0)
                return r;
        r = vault_keyring_put(key, &serial);
        if (r < 0)
                return r;
        vault->key = serial;
        vault->key_id = id;
        vault->persistent = persistent;
        return 0;
}

static int adopt_random_key(Vault *vault)
{
        _cleanup_(secret_freep) Secret *key = NULL;
        int r;

        r = secret_new(VAULT_KEY_BYTES, &key);
        if (r < 0)
                return r;
        randombytes_buf(secret_data_writable(key), VAULT_KEY_BYTES);
        return adopt_key(vault, key, false);
}

/* -ENOENT: the unit has no such credential. */
static int read_system_credential(Secret **ret)
{
        _cleanup_(secret_freep) Secret *key = NULL;
        _cleanup_free_ char *path = NULL;
        _cleanup_close_ int fd = -EBADF;
        const char *dir = getenv("CREDENTIALS_DIRECTORY"); /* NOLINT(concurrency-mt-unsafe) */
        int r;

        if (str_is_empty(dir))
                return -ENOENT;
        r = str_format(&path, "%s/" CREDENTIAL_NAME, dir);
        if (r < 0)
                return r;
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (fd < 0)
                return -errno;
        r = secret_read_fd(fd, VAULT_KEY_BYTES, &key);
        if (r < 0)
                return r;
        if (secret_size(key) != VAULT_KEY_BYTES)
                return -EINVAL;
        *ret = STEAL_PTR(key);
        return 0;
}

static int fetch_system_key(Vault *vault)
{
        _cleanup_(secret_freep) Secret *key = NULL;
        int r;

        r = read_system_credential(&key);
        if (r == 0)
                return adopt_key(vault, key, true);
        if (r != -ENOENT)
                log_errno(LOG_WARNING,
                          r,
                          "Cannot use the credential " CREDENTIAL_NAME
                          ", credentials will not outlive this service");
        return adopt_random_key(vault);
}

static int on_defer(sd_event_source *source, void *userdata)
{
        Vault *vault = userdata;

        vault->defer = sd_event_source_disable_unref(vault->defer);
        vault->ready(vault->userdata, vault->result);
        return 0;
}

static void on_user_key(void *userdata, int result, Secret *received)
{
        _cleanup_(secret_freep) Secret *key = received;
        Vault *vault = userdata;

        vault->fetch = vault_secret_free(vault->fetch);
        vault->result = result == 0 ? adopt_key(vault, key, true) : adopt_random_key(vault);
        vault->ready(vault->userdata, vault->result);
}

/* 1: the helper was started and will report. */
static int fetch_key(Vault *vault, sd_event *event, int helper_dir_fd)
{
        int r;

        r = vault_keyring_join();
        if (r < 0)
                return r;
        if (vault->source == VAULT_SYSTEM)
                return fetch_system_key(vault);

        r = vault_secret_new(event, helper_dir_fd, on_user_key, vault, &vault->fetch);
        return r < 0 ? adopt_random_key(vault) : 1;
}

int vault_new(sd_event *event,
              VaultSource source,
              int helper_dir_fd,
              vault_ready_t ready,
              void *userdata,
              Vault **ret)
{
        _cleanup_(vault_freep) Vault *vault = NULL;
        int r;

        if (sodium_init() < 0)
                return -ENOMEM;
        vault = calloc(1, sizeof(*vault));
        if (!vault)
                return -ENOMEM;
        vault->source = source;
        vault->ready = ready;
        vault->userdata = userdata;

        vault->result = fetch_key(vault, event, helper_dir_fd);
        if (vault->result <= 0) {
                r = sd_event_add_defer(event, &vault->defer, on_defer, vault);
                if (r < 0)
                        return r;
        }

        *ret = STEAL_PTR(vault);
        return 0;
}

Vault *vault_free(Vault *vault)
{
        if (!vault)
                return NULL;

        (void) vault_secret_free(vault->fetch);
        (void) sd_event_source_disable_unref(vault->defer);
        if (vault->key)
                vault_keyring_remove(vault->key);
        free(vault);
        return NULL;
}

const char *vault_store_name(const Vault *vault)
{
        return vault->source == VAULT_USER ? "secret-service" : "keyring";
}

bool vault_is_persistent(const Vault *vault)
{
        return vault->persistent;
}

bool vault_row_is_lost(const Vault *vault, const VaultRow *row)
{
        if (sd_id128_equal(row->key_id, vault->key_id))
                return false;
        return !row->persistent || vault->persistent;
}

/* Rows ------------------------------------------------------------------------------------ */

void vault_row_done(VaultRow *row)
{
        free(row->sealed);
        *row = (VaultRow){ 0 };
}

static int other_label_encode(const VaultLabel *label, uint8_t **ret, size_t *ret_size)
{
        uint32_t owner = htole32(label->owner_uid);
        uint8_t *bytes = calloc(1, OTHER_LABEL_FIXED), *next = bytes;

        if (!bytes)
                return -ENOMEM;
        *next++ = OTHER_LABEL_VERSION;
        next = mempcpy(next, &label->job, sizeof(label->job));
        next = mempcpy(next, &owner, sizeof(owner));
        *next = (uint8_t) label->kind;

        *ret = bytes;
        *ret_size = OTHER_LABEL_FIXED;
        return 0;
}

static int label_encode(const VaultLabel *label, uint8_t **ret, size_t *ret_size)
{
        const char *user_name = label->user_name ? label->user_name : "";
        size_t length = strlen(user_name);
        uint32_t owner = htole32(label->owner_uid), stored_length = htole32((uint32_t) length);
        uint8_t *bytes, *next;

        if (label->kind != VAULT_CREDENTIAL)
                return other_label_encode(label, ret, ret_size);
        if (length > UINT32_MAX)
                return -EINVAL;
        bytes = next = calloc(1, LABEL_FIXED + length);
        if (!bytes)
                return -ENOMEM;

        *next++ = LABEL_VERSION;
        next = mempcpy(next, &label->job, sizeof(label->job));
        next = mempcpy(next, &owner, sizeof(owner));
        *next++ = (uint8_t) label->target;
        *next++ = (uint8_t) label->scheme;
        *next++ = label->implicit;
        next = mempcpy(next, &stored_length, sizeof(stored_length));
        (void) mempcpy(next, user_name, length);

        *ret = bytes;
        *ret_size = LABEL_FIXED + length;
        return 0;
}

static int take_key(const Vault *vault, Secret **ret)
{
        return vault->key ? vault_keyring_get(vault->key, VAULT_KEY_BYTES, ret) : -ENOKEY;
}

int vault_seal(Vault *vault, const VaultLabel *label, const Secret *secret, VaultRow *ret)
{
        _cleanup_(secret_freep) Secret *key = NULL;
        _cleanup_free_ uint8_t *bound = NULL, *sealed = NULL;
        size_t size = secret ? secret_size(secret) : 0, bound_size;
        int r;

        r = label_encode(label, &bound, &bound_size);
        if (r < 0)
                return r;
        sealed = malloc(NONCE_BYTES + size + TAG_BYTES);
        if (!sealed)
                return -ENOMEM;
        r = take_key(vault, &key);
        if (r < 0)
                return r;

        randombytes_buf(sealed, NONCE_BYTES);
        (void) crypto_aead_xchacha20poly1305_ietf_encrypt(
                sealed + NONCE_BYTES,
                NULL,
                secret ? (const uint8_t *) secret_data(secret) : NULL,
                size,
                bound,
                bound_size,
                NULL,
                sealed,
                (const uint8_t *) secret_data(key));

        *ret = (VaultRow){
                .key_id = vault->key_id,
                .persistent = vault->persistent,
                .sealed = STEAL_PTR(sealed),
                .sealed_size = NONCE_BYTES + size + TAG_BYTES,
        };
        return 0;
}

int vault_open(Vault *vault, const VaultLabel *label, const VaultRow *row, Secret **ret)
{
        _cleanup_(secret_freep) Secret *key = NULL, *secret = NULL;
        _cleanup_free_ uint8_t *bound = NULL;
        size_t bound_size;
        int r;

        if (!vault->key || !sd_id128_equal(row->key_id, vault->key_id))
                return -ENOKEY;
        if (row->sealed_size < NONCE_BYTES + TAG_BYTES)
                return -EBADMSG;

        r = label_encode(label, &bound, &bound_size);
        if (r < 0)
                return r;
        r = secret_new(row->sealed_size - NONCE_BYTES - TAG_BYTES, &secret);
        if (r < 0)
                return r;
        r = take_key(vault, &key);
        if (r < 0)
                return r;

        if (crypto_aead_xchacha20poly1305_ietf_decrypt((uint8_t *) secret_data_writable(secret),
                                                       NULL,
                                                       NULL,
                                                       row->sealed + NONCE_BYTES,
                                                       row->sealed_size - NONCE_BYTES,
                                                       bound,
                                                       bound_size,
                                                       row->sealed,
                                                       (const uint8_t *) secret_data(key)) < 0)
                return -EBADMSG;
        *ret = STEAL_PTR(secret);
        return 0;
}
