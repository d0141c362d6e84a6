/*
 * URLs of http and https: remote names, origins and proxies, judged from their text alone. A
 * check returns 0 or a negative errno and puts into *ret_reason, a static part of a sentence, what
 * was expected; the caller names the value that is wrong.
 */
#pragma once

#include <stdbool.h>

/*
 * http or https URL with a host, only legal characters, at most LIMIT_REMOTE_NAME. -EINVAL.
 * Moves user info out of the URL: *ret_url is without it (and without fragment); *ret_user and
 * *ret_password are decoded, NULL when absent; the password is in locked memory's stead a
 * plain string only for this moment: hand it to the vault and erase it.
 */
int url_parse_remote_name(const char *s,
                          char **ret_url,
                          char **ret_user,
                          char **ret_password,
                          const char **ret_reason);

/*
 * One entry of a proxy list, [http=|https=][http://|https://]host[:port]: for URLs of which
 * protocol (without: for those that no other entry names), how the proxy is spoken to, and where
 * it is, without user info or path. *ret_entry is its normal form, "[http=|https=]scheme://
 * host:port". -EINVAL.
 */
int url_parse_proxy(const char *s, char **ret_entry, const char **ret_reason);

/* "scheme://host:port/" of an http or https URL, the default port filled in. -EINVAL, -ENOMEM. */
int url_origin(const char *url, char **ret_origin);

/* scheme://host:port of both URLs are equal, default ports filled in (RFC 6454 section 5). */
bool url_same_origin(const char *a, const char *b);
