#include "model/secret-rules.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/str.h"

#include "model/limits.h"
#include "model/text.h"

/* NTLM needs UTF-16, and libcurl makes it by widening each byte, which is right for ISO 8859-1. */
static bool fits_scheme(AuthScheme scheme, const char *s, size_t size_bytes)
{
        size_t ignored;

        return scheme != AUTH_SCHEME_NTLM || text_to_latin1(s, size_bytes, NULL, &ignored) >= 0;
}

int secret_rules_check_user_name(AuthScheme scheme, const char *s, const char **ret_reason)
{
        size_t units;

        if (text_utf16_length(s, strlen(s), &units) < 0 || str_has_control(s, strlen(s))) {
                *ret_reason = "user-name must be UTF-8 text without control characters";
                return -EILSEQ;
        }
        if (units > LIMIT_USER_NAME) {
                *ret_reason = "user-name must have at most 300 UTF-16 units";
                return -ENAMETOOLONG;
        }
        if (scheme == AUTH_SCHEME_BASIC && strchr(s, ':')) {
                *ret_reason = "user-name must not hold a colon for basic (RFC 7617 section 2)";
                return -EILSEQ;
        }
        if (!fits_scheme(scheme, s, strlen(s))) {
                *ret_reason = "user-name must have characters of ISO 8859-1 only for ntlm";
                return -EILSEQ;
        }
        return 0;
}

static bool is_token(const char *s, size_t size_bytes)
{
        for (size_t i = 0; i < size_bytes; i++)
                if (s[i] <= 0x20 || s[i] > 0x7e)
                        return false;
        return size_bytes > 0;
}

int secret_rules_check_password(AuthScheme scheme,
                                const char *s,
                                size_t size_bytes,
                                const char **ret_reason)
{
        size_t units = 0;
        int r = text_utf16_length(s, size_bytes, &units);

        if (size_bytes > LIMIT_PASSWORD_BYTES || (r >= 0 && units > LIMIT_PASSWORD)) {
                *ret_reason = "the password must have at most 65536 UTF-16 units";
                return -EMSGSIZE;
        }
        if (r < 0 || str_has_control(s, size_bytes)) {
                *ret_reason = "the password must be UTF-8 text without control characters";
                return -EILSEQ;
        }
        if (scheme == AUTH_SCHEME_BEARER && !is_token(s, size_bytes)) {
                *ret_reason = "the token must be visible ASCII characters (RFC 6750 section 2.1)";
                return -EILSEQ;
        }
        if (!fits_scheme(scheme, s, size_bytes)) {
                *ret_reason = "the password must have characters of ISO 8859-1 only for ntlm";
                return -EILSEQ;
        }
        return 0;
}
