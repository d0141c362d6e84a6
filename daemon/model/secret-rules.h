/*
 * What a user name and a password may hold for each scheme. The check returns 0 or a negative errno
 * of dbus/dosvc-wire.h and puts into *ret_reason, a static part of a sentence ("must be an absolute
 * path"), what was expected; the caller names the value that is wrong.
 */
#pragma once

#include <stddef.h>

#include "model/enums.h"

/*
 * User name for a scheme: UTF-16 limit -ENAMETOOLONG; control characters, bad UTF-8, a colon for
 * basic or what is not in ISO 8859-1 for ntlm -EILSEQ.
 */
int secret_rules_check_user_name(AuthScheme scheme, const char *s, const char **ret_reason);

/*
 * Password or token for a scheme, not NUL-terminated: -EMSGSIZE over the limit; NUL, control
 * characters, bad UTF-8, what is not in ISO 8859-1 for ntlm or no token for bearer -EILSEQ.
 */
int secret_rules_check_password(AuthScheme scheme,
                                const char *s,
                                size_t size_bytes,
                                const char **ret_reason);
