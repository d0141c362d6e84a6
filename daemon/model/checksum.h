/*
 * The digest that a file must have, judged from its text alone.
 */
#pragma once

/*
 * The digest that a file must have, as hexadecimal digits, for "sha256", "sha512", "sha1" or
 * "md5"; *ret is "algorithm:digits" in lower case. -ENOENT: another algorithm; -EINVAL: not such
 * a digest; -ENOMEM.
 */
int checksum_parse(const char *algorithm, const char *digits, char **ret, const char **ret_reason);
