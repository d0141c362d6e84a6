#include "model/checksum.h"

#include <errno.h>
#include <string.h>

#include "base/macro.h"
#include "base/str.h"

int checksum_parse(const char *algorithm, const char *digits, char **ret, const char **ret_reason)
{
        static const struct {
                const char *name, *reason;
                size_t n_digits;
        } algorithms[] = {
                { "sha256", "must have 64 hexadecimal digits", 64 },
                { "sha512", "must have 128 hexadecimal digits", 128 },
                { "sha1", "must have 40 hexadecimal digits", 40 },
                { "md5", "must have 32 hexadecimal digits", 32 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++) {
                char *text;

                if (strcmp(algorithms[i].name, algorithm) != 0)
                        continue;
                if (strlen(digits) != algorithms[i].n_digits ||
                    digits[strspn(digits, "0123456789abcdefABCDEF")] != '\0') {
                        *ret_reason = algorithms[i].reason;
                        return -EINVAL;
                }
                if (str_format(&text, "%s:%s", algorithm, digits) < 0)
                        return -ENOMEM;
                for (char *c = text; *c; c++)
                        if (*c >= 'A' && *c <= 'F')
                                *c = (char) (*c - 'A' + 'a');
                *ret = text;
                return 0;
        }
        return -ENOENT;
}
