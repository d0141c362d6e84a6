#include "tests/lib/certificates.h"

#include <err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macro.h"

#include "tests/lib/server-fixture.h"
#include "tests/lib/servers.h"
#include "tests/lib/temp-dir.h"
#include "tests/lib/users.h"

#define TRUST_DIR   "/etc/ssl/certs"
#define HOUR_SEC    3600L
#define DAY_SEC     (24 * HOUR_SEC)
#define LOCAL_NAMES "IP:127.0.0.1,DNS:localhost,DNS:*.localhost"

DEFINE_CLEANUP(X509 *, X509_free);
DEFINE_CLEANUP(X509_CRL *, X509_CRL_free);
DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free);

typedef struct Certificate {
        const char *name, *issuer; /* issuer NULL: itself */
        const char *basic, *key_use, *use, *hosts;
        long from_sec, until_sec; /* of now */
        long serial;
} Certificate;

#define AUTHORITY "critical,CA:TRUE", "critical,keyCertSign,cRLSign", NULL, NULL
#define MEMBER    "critical,CA:FALSE", "critical,digitalSignature"
#define NOW       -HOUR_SEC, DAY_SEC

static const Certificate basics[] = {
        { "authority", NULL, AUTHORITY, NOW, 1 },
        { "server", "authority", MEMBER, "serverAuth", LOCAL_NAMES, NOW, 2 },
        { "nobody", NULL, MEMBER, "serverAuth", LOCAL_NAMES, NOW, 3 },
};

static const Certificate others[] = {
        { "unknown", NULL, AUTHORITY, NOW, 4 },
        { "stranger", "unknown", MEMBER, "serverAuth", LOCAL_NAMES, NOW, 5 },
        { "expired", "authority", MEMBER, "serverAuth", LOCAL_NAMES, -2 * DAY_SEC, -DAY_SEC, 6 },
        { "elsewhere", "authority", MEMBER, "serverAuth", "DNS:elsewhere.test", NOW, 7 },
        { "client-use", "authority", MEMBER, "clientAuth", LOCAL_NAMES, NOW, 8 },
        { "revoked", "authority", MEMBER, "serverAuth", LOCAL_NAMES, NOW, 9 },
        { "alice", "authority", MEMBER, "clientAuth", NULL, NOW, 10 },
        { "impostor", "unknown", MEMBER, "clientAuth", NULL, NOW, 11 },
};

static const struct {
        const char *name, *path, *password;
} keys_of_alice[] = {
        { "alice", SERVERS_CLIENT_KEY, NULL },
        { "alice", SERVERS_CLIENT_LOCKED_KEY, SERVERS_KEY_PASSWORD },
        { "impostor", SERVERS_IMPOSTOR_KEY, NULL },
};

static void require(bool holds, const char *what)
{
        if (!holds)
                errx(EXIT_FAILURE, "certificates: cannot %s", what);
}

static FILE *open_file(const char *path, const char *mode)
{
        FILE *file = fopen(path, mode);

        if (!file)
                err(EXIT_FAILURE, "%s", path);
        return file;
}

static EVP_PKEY *read_key(const char *name)
{
        _cleanup_free_ char *path = server_path("%s.key", name);
        FILE *in = open_file(path, "re");
        EVP_PKEY *key = PEM_read_PrivateKey(in, NULL, NULL, NULL);

        (void) fclose(in);
        require(key, "read a key");
        return key;
}

static void write_key(const char *path, const EVP_PKEY *key, const char *password)
{
        FILE *out = open_file(path, "we");

        require(PEM_write_PKCS8PrivateKey(out,
                                          key,
                                          password ? EVP_aes_256_cbc() : NULL,
                                          password,
                                          password ? (int) strlen(password) : 0,
                                          NULL,
                                          NULL) == 1 &&
                        fclose(out) == 0,
                "write a key");
}

static X509 *read_certificate(const char *name)
{
        _cleanup_free_ char *path = server_path("%s.crt", name);
        FILE *in = open_file(path, "re");
        X509 *certificate = PEM_read_X509(in, NULL, NULL, NULL);

        (void) fclose(in);
        require(certificate, "read a certificate");
        return certificate;
}

static void add_extension(X509 *certificate, int nid, const char *value)
{
        X509V3_CTX context;
        X509_EXTENSION *extension;

        if (!value)
                return;
        X509V3_set_ctx_nodb(&context);
        X509V3_set_ctx(&context, NULL, certificate, NULL, NULL, 0);
        extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
        require(extension && X509_add_ext(certificate, extension, -1) == 1, "add an extension");
        X509_EXTENSION_free(extension);
}

static void name_certificate(X509 *certificate, const char *name)
{
        require(X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate),
                                           "CN",
                                           MBSTRING_ASC,
                                           (const unsigned char *) name,
                                           -1,
                                           -1,
                                           0) == 1,
                "name it");
}

/* All but issuer and signature. */
static X509 *draft_certificate(const Certificate *request, EVP_PKEY *key)
{
        X509 *certificate = X509_new();

        require(certificate && X509_set_version(certificate, X509_VERSION_3) == 1 &&
                        ASN1_INTEGER_set(X509_get_serialNumber(certificate), request->serial) ==
                                1 &&
                        X509_gmtime_adj(X509_getm_notBefore(certificate), request->from_sec) &&
                        X509_gmtime_adj(X509_getm_notAfter(certificate), request->until_sec) &&
                        X509_set_pubkey(certificate, key) == 1,
                "draft it");
        name_certificate(certificate, request->name);
        add_extension(certificate, NID_basic_constraints, request->basic);
        add_extension(certificate, NID_key_usage, request->key_use);
        add_extension(certificate, NID_ext_key_usage, request->use);
        add_extension(certificate, NID_subject_alt_name, request->hosts);
        add_extension(certificate, NID_subject_key_identifier, "hash");
        return certificate;
}

static void make_certificate(const Certificate *request)
{
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = EVP_EC_gen("P-256");
        _cleanup_free_ char *key_path = server_path("%s.key", request->name);
        _cleanup_free_ char *path = server_path("%s.crt", request->name);
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *issuer_key = NULL;
        _cleanup_(X509_freep) X509 *certificate = NULL, *issuer = NULL;
        FILE *out;

        require(key, "make a key");
        write_key(key_path, key, NULL);
        certificate = draft_certificate(request, key);
        issuer_key = read_key(request->issuer ? request->issuer : request->name);
        issuer = request->issuer ? read_certificate(request->issuer) : NULL;
        require(X509_set_issuer_name(certificate,
                                     X509_get_subject_name(issuer ? issuer : certificate)) == 1 &&
                        X509_sign(certificate, issuer_key, EVP_sha256()) > 0,
                "sign it");
        out = open_file(path, "we");
        require(PEM_write_X509(out, certificate) == 1 && fclose(out) == 0, "write it");
}

/* libcurl of Debian reads TRUST_DIR/ca-certificates.crt; the namespace is ours. */
static void trust_authority(void)
{
        _cleanup_free_ char *authority = server_path("authority.crt");
        _cleanup_free_ char *text = temp_dir_read(authority, NULL);

        if (mkdir(TRUST_DIR, 0755) < 0 && access(TRUST_DIR, F_OK) < 0)
                err(EXIT_FAILURE, TRUST_DIR);
        if (mount("trust", TRUST_DIR, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") < 0)
                err(EXIT_FAILURE, "tmpfs on " TRUST_DIR);
        temp_dir_write(TRUST_DIR "/ca-certificates.crt", text);
}

void certificates_start(void)
{
        for (size_t i = 0; i < ARRAY_SIZE(basics); i++)
                make_certificate(&basics[i]);
        trust_authority();
}

static void add_revoked(X509_CRL *list, const char *name)
{
        _cleanup_(X509_freep) X509 *certificate = read_certificate(name);
        X509_REVOKED *entry = X509_REVOKED_new();
        ASN1_TIME *when = X509_gmtime_adj(NULL, -HOUR_SEC);

        require(entry && when && X509_REVOKED_set_revocationDate(entry, when) == 1 &&
                        X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(certificate)) ==
                                1 &&
                        X509_CRL_add0_revoked(list, entry) == 1,
                "revoke it");
        ASN1_TIME_free(when);
}

static void make_revocations(void)
{
        _cleanup_free_ char *path = server_path("authority.crl");
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = read_key("authority");
        _cleanup_(X509_freep) X509 *authority = read_certificate("authority");
        _cleanup_(X509_CRL_freep) X509_CRL *list = X509_CRL_new();
        ASN1_TIME *last = X509_gmtime_adj(NULL, -HOUR_SEC), *next = X509_gmtime_adj(NULL, DAY_SEC);
        FILE *out = open_file(path, "we");

        require(list && last && next && X509_CRL_set_version(list, X509_CRL_VERSION_2) == 1 &&
                        X509_CRL_set_issuer_name(list, X509_get_subject_name(authority)) == 1 &&
                        X509_CRL_set1_lastUpdate(list, last) == 1 &&
                        X509_CRL_set1_nextUpdate(list, next) == 1,
                "draft revocations");
        add_revoked(list, "revoked");
        require(X509_CRL_sort(list) == 1 && X509_CRL_sign(list, key, EVP_sha256()) > 0 &&
                        PEM_write_X509_CRL(out, list) == 1 && fclose(out) == 0,
                "write revocations");
        ASN1_TIME_free(last);
        ASN1_TIME_free(next);
}

static void give_to_alice(const char *path)
{
        if (chmod(path, 0400) < 0 || chown(path, USERS_ALICE_UID, USERS_ALICE_UID) < 0)
                err(EXIT_FAILURE, "%s", path);
}

static void copy_to_alice(const char *name, const char *path)
{
        _cleanup_free_ char *own = server_path("%s.crt", name), *text = temp_dir_read(own, NULL);

        temp_dir_write(path, text);
        give_to_alice(path);
}

void certificates_start_all(void)
{
        for (size_t i = 0; i < ARRAY_SIZE(others); i++)
                make_certificate(&others[i]);
        make_revocations();
        copy_to_alice("alice", SERVERS_CLIENT_CERTIFICATE);
        copy_to_alice("impostor", SERVERS_IMPOSTOR_CERTIFICATE);
        for (size_t i = 0; i < ARRAY_SIZE(keys_of_alice); i++) {
                _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = read_key(keys_of_alice[i].name);

                write_key(keys_of_alice[i].path, key, keys_of_alice[i].password);
                give_to_alice(keys_of_alice[i].path);
        }
}
