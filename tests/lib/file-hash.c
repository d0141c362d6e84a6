#include "tests/lib/file-hash.h"

#include <check.h>
#include <err.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/macro.h"

#define BLOCK_BYTES ((size_t) 1024 * 1024)

/* xorshift64*: fast, and no two blocks alike. */
static uint64_t next_word(uint64_t *state)
{
        *state ^= *state >> 12;
        *state ^= *state << 25;
        *state ^= *state >> 27;
        return *state * 0x2545F4914F6CDD1DULL;
}

void file_hash_make(const char *path, uint64_t size_bytes, uint64_t seed)
{
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        _cleanup_free_ uint64_t *block = malloc(BLOCK_BYTES);
        uint64_t state = seed * 2 + 1;

        if (fd < 0 || !block)
                err(EXIT_FAILURE, "%s", path);
        while (size_bytes > 0) {
                size_t part = size_bytes < BLOCK_BYTES ? (size_t) size_bytes : BLOCK_BYTES;

                for (size_t i = 0; i < BLOCK_BYTES / sizeof(*block); i++)
                        block[i] = next_word(&state);
                if (fd_write_all(fd, block, part) < 0)
                        errx(EXIT_FAILURE, "cannot write %s", path);
                size_bytes -= part;
        }
        if (fchmod(fd, 0644) < 0)
                err(EXIT_FAILURE, "%s", path);
}

const char *file_hash(const char *path, char buffer[static FILE_HASH_SIZE])
{
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
        _cleanup_free_ unsigned char *block = malloc(BLOCK_BYTES);
        unsigned char digest[EVP_MAX_MD_SIZE];
        unsigned digest_size = 0;
        EVP_MD_CTX *context = EVP_MD_CTX_new();
        size_t got = BLOCK_BYTES;

        if (!block || !context || EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1)
                errx(EXIT_FAILURE, "SHA-256 is not there");
        while (fd >= 0 && got == BLOCK_BYTES)
                if (fd_read_all(fd, block, BLOCK_BYTES, &got) < 0 ||
                    EVP_DigestUpdate(context, block, got) != 1)
                        errx(EXIT_FAILURE, "cannot read %s", path);
        (void) EVP_DigestFinal_ex(context, digest, &digest_size);
        EVP_MD_CTX_free(context);

        buffer[0] = 0;
        for (unsigned i = 0; fd >= 0 && i < digest_size; i++)
                (void) snprintf(buffer + 2 * i, 3, "%02x", digest[i]);
        return buffer;
}

void file_hash_assert_same(const char *path, const char *expected)
{
        char a[FILE_HASH_SIZE], b[FILE_HASH_SIZE];

        ck_assert_msg(*file_hash(path, a), "%s is not there", path);
        ck_assert_msg(*file_hash(expected, b), "%s is not there", expected);
        ck_assert_msg(strcmp(a, b) == 0, "%s is not the file that the server has", path);
}
