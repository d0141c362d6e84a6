#include "tests/lib/test-ca.h"

#include <err.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"

#define DAY_SEC (24L * 60 * 60)

static FILE *open_pem(const char *dir, const char *name, const char *suffix, const char *mode)
{
        _cleanup_free_ char *path = NULL;
        FILE *file;

        if (asprintf(&path, "%s/%s.%s", dir, name, suffix) < 0)
                err(EXIT_FAILURE, "%s", name);
        file = fopen(path, mode);
        if (!file)
                err(EXIT_FAILURE, "%s", path);
        return file;
}

static void must(bool good, const char *what)
{
        if (!good)
                errx(EXIT_FAILURE, "certificates: %s", what);
}

static X509 *read_certificate(const char *dir, const char *name)
{
        FILE *file = open_pem(dir, name, "crt", "re");
        X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);

        must(certificate, name);
        (void) fclose(file);
        return certificate;
}

static EVP_PKEY *read_key(const char *dir, const char *name)
{
        FILE *file = open_pem(dir, name, "key", "re");
        EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);

        must(key, name);
        (void) fclose(file);
        return key;
}

static void add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
        X509V3_CTX context;
        X509_EXTENSION *extension;

        X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
        extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
        must(extension && X509_add_ext(certificate, extension, -1) == 1, value);
        X509_EXTENSION_free(extension);
}

static void
write_pair(const char *dir, const TestCaRequest *request, X509 *certificate, EVP_PKEY *key)
{
        FILE *crt = open_pem(dir, request->name, "crt", "we"),
             *pem = open_pem(dir, request->name, "key", "we");
        const void *password = request->password;
        size_t length = request->password ? strlen(request->password) : 0;

        must(PEM_write_X509(crt, certificate) == 1, request->name);
        must(PEM_write_PrivateKey(pem,
                                  key,
                                  password ? EVP_aes_256_cbc() : NULL,
                                  password,
                                  (int) length,
                                  NULL,
                                  NULL) == 1,
             request->name);
        (void) fclose(crt);
        (void) fclose(pem);
}

void test_ca_certificate(const char *dir, const TestCaRequest *request)
{
        EVP_PKEY *key = EVP_EC_gen("P-256");
        EVP_PKEY *issuer_key = request->issuer ? read_key(dir, request->issuer) : key;
        X509 *certificate = X509_new();
        X509 *issuer = request->issuer ? read_certificate(dir, request->issuer) : certificate;
        X509_NAME *name = X509_get_subject_name(certificate);
        long to_day = request->to_day ? request->to_day : 2, from_day = request->from_day;

        must(key && certificate, "no memory");
        (void) X509_set_version(certificate, X509_VERSION_3);
        (void) ASN1_INTEGER_set(X509_get_serialNumber(certificate),
                                request->serial ? request->serial : 1);
        (void) X509_NAME_add_entry_by_txt(name,
                                          "CN",
                                          MBSTRING_UTF8,
                                          (const unsigned char *) request->name,
                                          -1,
                                          -1,
                                          0);
        (void) X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
        (void) X509_gmtime_adj(X509_getm_notBefore(certificate),
                               from_day ? from_day * DAY_SEC : -60);
        (void) X509_gmtime_adj(X509_getm_notAfter(certificate), to_day * DAY_SEC);
        (void) X509_set_pubkey(certificate, key);
        add_extension(certificate,
                      issuer,
                      NID_basic_constraints,
                      request->usage ? "critical,CA:FALSE" : "critical,CA:TRUE");
        add_extension(certificate, issuer, NID_subject_key_identifier, "hash");
        if (request->host)
                add_extension(certificate, issuer, NID_subject_alt_name, request->host);
        if (request->usage)
                add_extension(certificate, issuer, NID_ext_key_usage, request->usage);
        must(X509_sign(certificate, issuer_key, EVP_sha256()) > 0, request->name);
        write_pair(dir, request, certificate, key);

        if (request->issuer) {
                X509_free(issuer);
                EVP_PKEY_free(issuer_key);
        }
        X509_free(certificate);
        EVP_PKEY_free(key);
}

void test_ca_revocations(const char *dir, const char *issuer_name, long serial)
{
        X509 *issuer = read_certificate(dir, issuer_name);
        EVP_PKEY *key = read_key(dir, issuer_name);
        X509_CRL *list = X509_CRL_new();
        ASN1_TIME *from = X509_gmtime_adj(NULL, -60), *to = X509_gmtime_adj(NULL, 2 * DAY_SEC);
        FILE *file = open_pem(dir, issuer_name, "crl", "we");

        must(list && from && to, "no memory");
        (void) X509_CRL_set_version(list, X509_CRL_VERSION_2);
        (void) X509_CRL_set_issuer_name(list, X509_get_subject_name(issuer));
        (void) X509_CRL_set1_lastUpdate(list, from);
        (void) X509_CRL_set1_nextUpdate(list, to);
        if (serial) {
                X509_REVOKED *revoked = X509_REVOKED_new();
                ASN1_INTEGER *number = ASN1_INTEGER_new();

                must(revoked && number && ASN1_INTEGER_set(number, serial) == 1, "serial");
                (void) X509_REVOKED_set_serialNumber(revoked, number);
                (void) X509_REVOKED_set_revocationDate(revoked, from);
                must(X509_CRL_add0_revoked(list, revoked) == 1, "revocation");
                ASN1_INTEGER_free(number);
        }
        must(X509_CRL_sign(list, key, EVP_sha256()) > 0 && PEM_write_X509_CRL(file, list) == 1,
             "revocation list");
        (void) fclose(file);
        ASN1_TIME_free(from);
        ASN1_TIME_free(to);
        X509_CRL_free(list);
        EVP_PKEY_free(key);
        X509_free(issuer);
}
