/*
 * The rules for user names and passwords, which depend on the scheme that they are used with. A
 * check returns 0 or a negative errno and puts into *ret_reason, a static clause that names the
 * value ("the password must ..."), what was expected.
 */
#pragma once

#include <stddef.h>

#include "model/enums.h"

/*
 * -ENAMETOOLONG: longer than LIMIT_USER_NAME. -EILSEQ: not UTF-8, or with characters that must not
 * be in it: control characters, a colon for basic, any that ISO 8859-1 has not for ntlm.
 */
int secret_rules_check_user_name(AuthScheme scheme, const char *s, const char **ret_reason);

/*
 * A password, or a token for bearer, which need not end in NUL. -EMSGSIZE: longer than
 * LIMIT_PASSWORD. -EILSEQ: not UTF-8, or with characters that must not be in it: NUL and control
 * characters, any that ISO 8859-1 has not for ntlm, any that a token has not for bearer.
 */
int secret_rules_check_password(AuthScheme scheme,
                                const char *s,
                                size_t size_bytes,
                                const char **ret_reason);
