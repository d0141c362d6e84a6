/*
 * Certificates as a test wants them, defects included: made with libcrypto, written as PEM files
 * NAME.crt and NAME.key into a directory. Ends the program with a sentence when it cannot.
 */
#pragma once

#include <stdbool.h>

typedef struct TestCaRequest {
        const char *name;      /* of the files, and the common name */
        const char *issuer;    /* name of another one made before; NULL: signed by itself */
        const char *host;      /* "DNS:…" or "IP:…"; NULL: none */
        const char *usage;     /* "serverAuth", "clientAuth"; NULL: an authority */
        const char *password;  /* of the key; NULL: none */
        long from_day, to_day; /* from today; 0 and 0: valid now */
        long serial;
} TestCaRequest;

void test_ca_certificate(const char *dir, const TestCaRequest *request);

/* Writes a revocation list of that authority as ISSUER.crl; serial 0: an empty one. */
void test_ca_revocations(const char *dir, const char *issuer, long serial);
