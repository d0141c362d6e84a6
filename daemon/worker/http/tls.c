/*
 * A watch is used by its request and by the callbacks of connections. These may outlive the request
 * in libcurl's cache, so the users of a watch are counted.
 */
#include "worker/http/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "model/enums.h"
#include "model/error-code.h"
#include "model/limits.h"

struct Tls {
        unsigned flags;             /* bits 1 << SecurityFlag */
        Secret *authorities;        /* PEM; NULL: the system's */
        Secret *certificate;        /* PEM; NULL: none */
        Secret *key;                /* PEM; NULL: in certificate */
        const Secret *key_password; /* borrowed; NULL: none */
};

struct TlsWatch {
        unsigned n_users;
        unsigned flags;
        bool shows;    /* there is a certificate to show */
        bool asked;    /* the server asked for a certificate, and there is none */
        bool at_proxy; /* the handshake that was begun last is one with a proxy */
        int alert;     /* the last one that the peer sent (RFC 8446 section 6); -1: none */
        long error;    /* X509_V_ERR_… that was not tolerated */
};

/* Files ---------------------------------------------------------------------------------- */

static int
refuse_file(Failure *failure, const char *what, const char *path, uint32_t code, const char *reason)
{
        failure_set(failure,
                    code,
                    false,
                    ERROR_CONTEXT_LOCAL_FILE,
                    NULL,
                    "The file %s, %s, cannot be used: %s.",
                    path,
                    what,
                    reason);
        return -EBADMSG;
}

/* Only regular files are read: opening a FIFO could block, and a device has no end. */
static int read_pem(const char *path, const char *what, Secret **ret, Failure *failure)
{
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        struct stat st;
        int r = fd < 0 ? -errno : 0;

        if (r >= 0 && fstat(fd, &st) < 0)
                r = -errno;
        if (r >= 0 && !S_ISREG(st.st_mode))
                return refuse_file(failure,
                                   what,
                                   path,
                                   (uint32_t) ERROR_CODE_NOT_A_FILE,
                                   "it is no regular file");
        if (r >= 0)
                r = secret_read_fd(fd, LIMIT_PEM_BYTES, ret);
        if (r == -ENOMEM)
                return r;
        if (r == -EMSGSIZE)
                return refuse_file(failure,
                                   what,
                                   path,
                                   (uint32_t) ERROR_CODE_CERTIFICATE_FILE,
                                   "it has more than 4 MiB");
        if (r == -ENOENT)
                return refuse_file(failure,
                                   what,
                                   path,
                                   (uint32_t) ERROR_CODE_PATH_NOT_FOUND,
                                   "there is no such file");
        if (r < 0)
                return refuse_file(failure,
                                   what,
                                   path,
                                   failure_local_code(r),
                                   failure_local_reason(r));
        return 0;
}

static BIO *open_pem(const Secret *pem)
{
        return BIO_new_mem_buf(secret_data(pem), (int) secret_size(pem));
}

/* The file may hold other things besides, such as revocation lists. */
static bool has_certificate(const Secret *pem)
{
        BIO *bio = open_pem(pem);
        STACK_OF(X509_INFO) *infos = bio ? PEM_X509_INFO_read_bio(bio, NULL, NULL, NULL) : NULL;
        bool found = false;

        for (int i = 0; i < sk_X509_INFO_num(infos); i++)
                found = found || sk_X509_INFO_value(infos, i)->x509;
        sk_X509_INFO_pop_free(infos, X509_INFO_free);
        BIO_free(bio);
        ERR_clear_error();
        return found;
}

static int read_authorities(Tls *tls, const char *path, Failure *failure)
{
        static const char what[] = "the job's certificate authorities";
        int r = read_pem(path, what, &tls->authorities, failure);

        if (r < 0 || has_certificate(tls->authorities))
                return r;
        return refuse_file(failure,
                           what,
                           path,
                           (uint32_t) ERROR_CODE_CERTIFICATE_FILE,
                           "it holds no certificate in PEM form");
}

typedef struct KeyQuestion {
        const Secret *password; /* NULL: none */
        bool asked;
} KeyQuestion;

/* pem_password_cb */
static int on_password(char *buffer, int size, int writing, void *userdata)
{
        KeyQuestion *question = userdata;

        question->asked = true;
        if (!question->password || secret_size(question->password) > (size_t) size)
                return -1;
        memcpy(buffer, secret_data(question->password), secret_size(question->password));
        return (int) secret_size(question->password);
}

/* Returns NULL if certificate and key belong together, else what is wrong with the key. */
static const char *check_key(const Tls *tls)
{
        KeyQuestion question = { .password = tls->key_password };
        BIO *certificate_bio = open_pem(tls->certificate);
        BIO *key_bio = open_pem(tls->key ? tls->key : tls->certificate);
        X509 *certificate = NULL;
        EVP_PKEY *key = NULL;
        const char *wrong = NULL;

        if (certificate_bio && key_bio) {
                certificate = PEM_read_bio_X509(certificate_bio, NULL, NULL, NULL);
                key = PEM_read_bio_PrivateKey(key_bio, NULL, on_password, &question);
        }
        if (!key)
                wrong = !question.asked     ? "it holds no private key in PEM form"
                        : question.password ? "the password for its private key is wrong"
                                            : "its private key needs a password";
        else if (!certificate || X509_check_private_key(certificate, key) != 1)
                wrong = "its private key is not that of the certificate";
        X509_free(certificate);
        EVP_PKEY_free(key);
        BIO_free(certificate_bio);
        BIO_free(key_bio);
        ERR_clear_error();
        return wrong;
}

static int read_certificate(Tls *tls, const JobSettings *settings, Failure *failure)
{
        static const char what[] = "the job's client certificate";
        static const char key_what[] = "the key of the job's client certificate";
        const char *path = settings->client_certificate, *wrong;
        int r = read_pem(path, what, &tls->certificate, failure);

        if (r < 0)
                return r;
        if (!has_certificate(tls->certificate))
                return refuse_file(failure,
                                   what,
                                   path,
                                   (uint32_t) ERROR_CODE_CERTIFICATE_FILE,
                                   "it holds no certificate in PEM form");
        if (settings->client_key)
                r = read_pem(settings->client_key, key_what, &tls->key, failure);
        if (r < 0)
                return r;
        tls->key_password = settings->key_password;
        wrong = check_key(tls);
        return wrong ? refuse_file(failure,
                                   settings->client_key ? key_what : what,
                                   settings->client_key ? settings->client_key : path,
                                   (uint32_t) ERROR_CODE_CLIENT_KEY,
                                   wrong)
                     : 0;
}

int tls_new(const JobSettings *settings, Tls **ret, Failure *failure)
{
        _cleanup_(tls_freep) Tls *tls = calloc(1, sizeof(*tls));
        int r = 0;

        if (!tls)
                return -ENOMEM;
        tls->flags = settings->security_flags;
        if (settings->ca_certificate)
                r = read_authorities(tls, settings->ca_certificate, failure);
        if (r >= 0 && settings->client_certificate)
                r = read_certificate(tls, settings, failure);
        if (r < 0)
                return r;
        *ret = STEAL_PTR(tls);
        return 0;
}

Tls *tls_free(Tls *tls)
{
        if (!tls)
                return NULL;
        secret_free(tls->authorities);
        secret_free(tls->certificate);
        secret_free(tls->key);
        free(tls);
        return NULL;
}

/* Handshakes ----------------------------------------------------------------------------- */

/* Defects of a certificate, with the flag that tolerates each and the code that names it. */
static const struct {
        int error;
        unsigned flag; /* 0: it is never tolerated */
        int code;
} defects[] = {
#define BIT(name) (1U << SECURITY_FLAG_##name)
        { X509_V_ERR_CERT_NOT_YET_VALID,
          BIT(IGNORE_CERT_DATE_INVALID),
          ERROR_CODE_CERTIFICATE_DATE },
        { X509_V_ERR_CERT_HAS_EXPIRED, BIT(IGNORE_CERT_DATE_INVALID), ERROR_CODE_CERTIFICATE_DATE },
        { X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT,
          BIT(IGNORE_UNKNOWN_CA),
          ERROR_CODE_UNKNOWN_AUTHORITY },
        { X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
          BIT(IGNORE_UNKNOWN_CA),
          ERROR_CODE_UNKNOWN_AUTHORITY },
        { X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE,
          BIT(IGNORE_UNKNOWN_CA),
          ERROR_CODE_UNKNOWN_AUTHORITY },
        { X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
          BIT(IGNORE_UNKNOWN_CA),
          ERROR_CODE_UNKNOWN_AUTHORITY },
        { X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
          BIT(IGNORE_UNKNOWN_CA),
          ERROR_CODE_UNKNOWN_AUTHORITY },
        { X509_V_ERR_CERT_UNTRUSTED, BIT(IGNORE_UNKNOWN_CA), ERROR_CODE_UNKNOWN_AUTHORITY },
        { X509_V_ERR_INVALID_PURPOSE, BIT(IGNORE_CERT_WRONG_USAGE), ERROR_CODE_CERTIFICATE_USAGE },
        { X509_V_ERR_CERT_REVOKED, 0, ERROR_CODE_CERTIFICATE_REVOKED },
        { X509_V_ERR_UNABLE_TO_GET_CRL, 0, ERROR_CODE_REVOCATION_UNKNOWN },
        { X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER, 0, ERROR_CODE_REVOCATION_UNKNOWN },
        { X509_V_ERR_CRL_SIGNATURE_FAILURE, 0, ERROR_CODE_REVOCATION_UNKNOWN },
        { X509_V_ERR_CRL_NOT_YET_VALID, 0, ERROR_CODE_REVOCATION_UNKNOWN },
        { X509_V_ERR_CRL_HAS_EXPIRED, 0, ERROR_CODE_REVOCATION_UNKNOWN },
        { X509_V_ERR_KEYUSAGE_NO_CRL_SIGN, 0, ERROR_CODE_REVOCATION_UNKNOWN },
        { X509_V_ERR_DIFFERENT_CRL_SCOPE, 0, ERROR_CODE_REVOCATION_UNKNOWN },
#undef BIT
};

static const struct {
        int code;
        const char *text;
} texts[] = {
        { ERROR_CODE_CERTIFICATE_DATE, "The server's certificate has expired or is not yet valid" },
        { ERROR_CODE_CERTIFICATE_NAME, "The server's certificate is for another name" },
        { ERROR_CODE_UNKNOWN_AUTHORITY,
          "The authority that signed the server's certificate is not trusted" },
        { ERROR_CODE_CERTIFICATE_USAGE, "The server's certificate is not one for servers" },
        { ERROR_CODE_CERTIFICATE_REVOKED, "The server's certificate has been revoked" },
        { ERROR_CODE_REVOCATION_UNKNOWN,
          "No valid revocation list says whether the server's certificate has been revoked" },
        { ERROR_CODE_TRUST_FAILURE, "The server's certificate is not trusted" },
};

/* Index of the watch in a context, made at the first use. Only the loop's thread gets here. */
static int watch_index = -1;

TlsWatch *tls_watch_free(TlsWatch *watch)
{
        if (watch && --watch->n_users == 0)
                free(watch);
        return NULL;
}

/* CRYPTO_EX_free */
static void
on_context_freed(void *parent, void *watch, CRYPTO_EX_DATA *data, int index, long a, void *b)
{
        tls_watch_free(watch);
}

static TlsWatch *watch_of(const SSL *ssl)
{
        return SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), watch_index);
}

/* SSL_verify_cb: tolerates the defects that the flags name. */
static int on_verify(int good, X509_STORE_CTX *store)
{
        const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
        TlsWatch *watch = watch_of(ssl);
        int error = X509_STORE_CTX_get_error(store);

        if (good)
                return 1;
        for (size_t i = 0; i < ARRAY_SIZE(defects); i++)
                if (defects[i].error == error && defects[i].flag & watch->flags) {
                        X509_STORE_CTX_set_error(store, X509_V_OK);
                        return 1;
                }
        watch->error = error;
        return 0;
}

static void on_info(const SSL *ssl, int where, int what)
{
        if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT && what >> 8 == SSL3_AL_FATAL)
                watch_of(ssl)->alert = what & 0xff;
}

/* Only set if libcurl was given no certificate. */
static int on_certificate_request(SSL *ssl, X509 **certificate, EVP_PKEY **key)
{
        watch_of(ssl)->asked = true;
        return 0;
}

/*
 * A trusted certificate that is not a root has no revocation list of its own, so, as libcurl does,
 * a whole chain up to a root is asked for.
 */
static void check_revocation(SSL_CTX *context)
{
        X509_STORE *store = SSL_CTX_get_cert_store(context);

        (void) X509_VERIFY_PARAM_clear_flags(X509_STORE_get0_param(store),
                                             X509_V_FLAG_PARTIAL_CHAIN);
        (void) X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
}

/*
 * libcurl calls on_context() for the proxy's handshake as well, and does not say which one it is.
 * mark_proxy() sets a highest version for proxies, which only serves to tell them apart here: for
 * servers libcurl sets none.
 */
static bool is_for_proxy(SSL_CTX *context)
{
        return SSL_CTX_get_max_proto_version(context) == TLS1_3_VERSION;
}

static CURLcode mark_proxy(CURL *easy)
{
        return curl_easy_setopt(easy, CURLOPT_PROXY_SSLVERSION, (long) CURL_SSLVERSION_MAX_TLSv1_3);
}

/* CURLOPT_SSL_CTX_FUNCTION */
static CURLcode on_context(CURL *easy, void *pointer, void *userdata)
{
        SSL_CTX *context = pointer;
        TlsWatch *watch = userdata;

        watch->at_proxy = is_for_proxy(context);
        watch->error = X509_V_OK;
        watch->alert = -1;
        if (SSL_CTX_set_ex_data(context, watch_index, watch) != 1)
                return CURLE_OUT_OF_MEMORY;
        watch->n_users++;
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, on_verify);
        SSL_CTX_set_info_callback(context, on_info);
        if (!watch->shows && !watch->at_proxy)
                SSL_CTX_set_client_cert_cb(context, on_certificate_request);
        if (watch->flags & 1U << SECURITY_FLAG_ENABLE_CRL_CHECK)
                check_revocation(context);
        return CURLE_OK;
}

static CURLcode set_blob(CURL *easy, CURLoption option, Secret *pem)
{
        struct curl_blob blob = {
                .data = secret_data_writable(pem),
                .len = secret_size(pem),
                .flags = CURL_BLOB_NOCOPY,
        };

        return curl_easy_setopt(easy, option, &blob);
}

static CURLcode show_certificate(Tls *tls, CURL *easy)
{
        CURLcode bad = set_blob(easy, CURLOPT_SSLCERT_BLOB, tls->certificate);

        bad |= set_blob(easy, CURLOPT_SSLKEY_BLOB, tls->key ? tls->key : tls->certificate);
        bad |= curl_easy_setopt(easy, CURLOPT_SSLCERTTYPE, "PEM");
        bad |= curl_easy_setopt(easy, CURLOPT_SSLKEYTYPE, "PEM");
        if (tls->key_password)
                bad |= curl_easy_setopt(easy, CURLOPT_KEYPASSWD, secret_data(tls->key_password));
        return bad;
}

int tls_set_up(Tls *tls, CURL *easy, bool owners_origin, TlsWatch **ret)
{
        _cleanup_(tls_watch_freep) TlsWatch *watch = calloc(1, sizeof(*watch));
        bool any_name = tls->flags & 1U << SECURITY_FLAG_IGNORE_CERT_CN_INVALID;
        CURLcode bad = CURLE_OK;

        if (!watch)
                return -ENOMEM;
        watch->n_users = 1;
        watch->flags = tls->flags;
        watch->shows = owners_origin && tls->certificate;
        watch->alert = -1;
        if (watch_index < 0)
                watch_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, on_context_freed);
        if (watch_index < 0)
                return -ENOMEM;
        bad |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
        bad |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, any_name ? 0L : 2L);
        bad |= mark_proxy(easy);
        bad |= curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_context);
        bad |= curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, watch);
        if (tls->authorities) {
                bad |= set_blob(easy, CURLOPT_CAINFO_BLOB, tls->authorities);
                bad |= curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
        }
        if (watch->shows)
                bad |= show_certificate(tls, easy);
        if (bad != CURLE_OK)
                return -ENOMEM;
        *ret = STEAL_PTR(watch);
        return 0;
}

bool tls_wants_certificate(const TlsWatch *watch)
{
        return watch->asked;
}

/* The alert is about the client's certificate, or its absence. */
static bool is_about_client(int alert)
{
        switch (alert) {
        case SSL3_AD_BAD_CERTIFICATE:
        case SSL3_AD_UNSUPPORTED_CERTIFICATE:
        case SSL3_AD_CERTIFICATE_REVOKED:
        case SSL3_AD_CERTIFICATE_EXPIRED:
        case SSL3_AD_CERTIFICATE_UNKNOWN:
        case TLS1_AD_UNKNOWN_CA:
        case TLS1_AD_ACCESS_DENIED:
        case TLS1_AD_DECRYPT_ERROR:
        case TLS13_AD_CERTIFICATE_REQUIRED:
                return true;
        default:
                return false;
        }
}

static int code_of(long error)
{
        if (error == X509_V_OK)
                return ERROR_CODE_CERTIFICATE_NAME; /* which libcurl checks, not OpenSSL */
        for (size_t i = 0; i < ARRAY_SIZE(defects); i++)
                if (defects[i].error == error)
                        return defects[i].code;
        return ERROR_CODE_TRUST_FAILURE;
}

uint32_t tls_explain(const TlsWatch *watch, CURLcode result, const char **ret_text)
{
        if (watch->at_proxy && result != CURLE_PEER_FAILED_VERIFICATION)
                return 0;
        if (watch->at_proxy) {
                *ret_text = "The proxy's certificate is not trusted";
                return (uint32_t) ERROR_CODE_TRUST_FAILURE;
        }
        /* Before TLS 1.3 the alert for a missing certificate was the general number 40. */
        if (watch->asked &&
            (is_about_client(watch->alert) || watch->alert == SSL3_AD_HANDSHAKE_FAILURE)) {
                *ret_text = "The server asks for a client certificate, and the job has none for it";
                return (uint32_t) ERROR_CODE_CERTIFICATE_NEEDED;
        }
        if (watch->shows && is_about_client(watch->alert)) {
                *ret_text = "The server does not accept the job's client certificate";
                return (uint32_t) ERROR_CODE_CERTIFICATE_NEEDED;
        }
        if (result != CURLE_PEER_FAILED_VERIFICATION)
                return 0;
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
                if (texts[i].code == code_of(watch->error)) {
                        *ret_text = texts[i].text;
                        return (uint32_t) texts[i].code;
                }
        return 0;
}
