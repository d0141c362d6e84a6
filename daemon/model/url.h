/*
 * URLs of http and https: remote names, origins and proxies, judged from their text alone.
 *
 * A check, here and in its neighbours, returns 0 or a negative errno of dbus/dosvc-wire.h and puts
 * into *ret_reason, a static part of a sentence ("must be an absolute path"), what was expected.
 * The caller names the value that is wrong.
 */
#pragma once

#include <stdbool.h>

/*
 * A remote name is an http or https URL with a host, with legal characters only, and not longer
 * than LIMIT_REMOTE_NAME. -EINVAL.
 *
 * *ret_url is the URL without user info and fragment. *ret_user and *ret_password are the user
 * info, decoded, or NULL. The password is a plain string and not in locked memory, so the caller
 * hands it to the vault at once and erases it.
 */
int url_parse_remote_name(const char *s,
                          char **ret_url,
                          char **ret_user,
                          char **ret_password,
                          const char **ret_reason);

/*
 * An entry of a proxy list is [http=|https=][http://|https://]host[:port]. The first part says
 * which URLs the proxy is for (without it: for those that no other entry is for), the second which
 * protocol it speaks; there is no user info and no path. *ret_entry is the normal form,
 * "[http=|https=]scheme://host:port". -EINVAL.
 */
int url_parse_proxy(const char *s, char **ret_entry, const char **ret_reason);

/* "scheme://host:port/" of an http or https URL, always with the port. -EINVAL, -ENOMEM. */
int url_origin(const char *url, char **ret_origin);

/* Whether scheme, host and port are the same (RFC 6454 section 5). */
bool url_same_origin(const char *a, const char *b);
