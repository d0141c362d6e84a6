/* URLs as libcurl itself reads them, so that what is decided here is true of its requests. */
#pragma once

/*
 * The host of a URL, without the brackets of an IPv6 address. -EINVAL: the URL has none, or its
 * scheme is unknown; -ENOMEM.
 */
int url_host(const char *url, char **ret);

/*
 * The URL that location means as seen from base: http or https, without user info and fragment.
 * -EINVAL: location is no URL; -EPROTONOSUPPORT: it has another scheme; -ENOMEM.
 */
int url_resolve(const char *base, const char *location, char **ret_url);
