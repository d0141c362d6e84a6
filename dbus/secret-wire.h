/*
 * The private contract between dosvcd (manager/vault-secret) and dosvc-secret, which gets the key
 * of a user instance's vault from the Secret Service: the exit status of dosvc-secret says how
 * that went, and with VAULT_SECRET_OK stdout, a pipe, has brought the VAULT_KEY_BYTES bytes of
 * the key and nothing else. The program gets no request. dosvcd kills it after a deadline.
 */
#pragma once

#define VAULT_KEY_BYTES 32

enum {
        VAULT_SECRET_OK,
        VAULT_SECRET_FAILED,
        VAULT_SECRET_ABSENT, /* no Secret Service, or it has no default collection */
        VAULT_SECRET_LOCKED,
};
