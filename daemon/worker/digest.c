#include "worker/digest.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

struct Digest {
        EVP_MD_CTX *context;
        const EVP_MD *algorithm;
        unsigned char expected[EVP_MAX_MD_SIZE];
        size_t size;
};

static const struct {
        const char *prefix;
        const EVP_MD *(*algorithm)(void);
} algorithms[] = {
        { "sha256:", EVP_sha256 },
        { "sha512:", EVP_sha512 },
        { "sha1:", EVP_sha1 },
        { "md5:", EVP_md5 },
};

static int digit(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int parse_hex(const char *hex, unsigned char *bytes, size_t size)
{
        if (strlen(hex) != 2 * size)
                return -EINVAL;
        for (size_t i = 0; i < size; i++) {
                int high = digit(hex[2 * i]), low = digit(hex[2 * i + 1]);

                if (high < 0 || low < 0)
                        return -EINVAL;
                bytes[i] = (unsigned char) (high << 4 | low);
        }
        return 0;
}

int digest_new(const char *checksum, Digest **ret)
{
        _cleanup_(digest_freep) Digest *digest = calloc(1, sizeof(*digest));
        int r = -EINVAL;

        if (!digest)
                return -ENOMEM;
        for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++)
                if (str_starts_with(checksum, algorithms[i].prefix)) {
                        digest->algorithm = algorithms[i].algorithm();
                        digest->size = (size_t) EVP_MD_get_size(digest->algorithm);
                        r = parse_hex(checksum + strlen(algorithms[i].prefix),
                                      digest->expected,
                                      digest->size);
                }
        if (r < 0)
                return r;
        digest->context = EVP_MD_CTX_new();
        if (!digest->context)
                return -ENOMEM;
        /* A system may be configured to compute no MD5. */
        if (digest_restart(digest) < 0)
                return -EOPNOTSUPP;
        *ret = STEAL_PTR(digest);
        return 0;
}

Digest *digest_free(Digest *digest)
{
        if (!digest)
                return NULL;
        EVP_MD_CTX_free(digest->context);
        free(digest);
        return NULL;
}

int digest_restart(Digest *digest)
{
        return EVP_DigestInit_ex(digest->context, digest->algorithm, NULL) == 1 ? 0 : -ENOMEM;
}

int digest_update(Digest *digest, const void *data, size_t size_bytes)
{
        return EVP_DigestUpdate(digest->context, data, size_bytes) == 1 ? 0 : -ENOMEM;
}

int digest_finish(Digest *digest)
{
        unsigned char found[EVP_MAX_MD_SIZE];

        if (EVP_DigestFinal_ex(digest->context, found, NULL) != 1)
                return -ENOMEM;
        return memcmp(found, digest->expected, digest->size) == 0;
}
