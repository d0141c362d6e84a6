/*
 * Decides which hosts are reached without a proxy: the rules of ProxySettings and of
 * dosvcd.conf(5), spec section 4.4. A rule is one of
 *
 *   host.example.com        that host
 *   *.example.com           every host below that domain, not the domain itself
 *   .example.com            both, as no_proxy variables have it
 *   *                       every host
 *   <local>                 every name without a dot
 *   192.0.2.1  [2001:db8::1]     that address, brackets or not
 *   192.0.2.0/24  2001:db8::/32  every address that begins with so many of its bits
 *
 * Addresses match URLs that are written with an address: no name is looked up for a rule. The
 * port of a URL does not matter, and no rule has one.
 */
#pragma once

#include <stdbool.h>

/* -EINVAL: *ret_reason says what it has to be. */
int bypass_check(const char *rule, const char **ret_reason);

/* host: as in a URL, an IPv6 address with or without brackets. A rule that is none matches nothing.
 */
bool bypass_matches(const char *rule, const char *host);
