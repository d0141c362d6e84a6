/*
 * The checksum that the owner of a job gives for a file.
 */
#pragma once

/*
 * The algorithm is "sha256", "sha512", "sha1" or "md5", the digits are hexadecimal, and *ret is
 * "algorithm:digits" in lower case. -ENOENT: another algorithm; -EINVAL: the digits are not those
 * of such a digest, and *ret_reason says what was expected, as in model/url.h; -ENOMEM.
 */
int checksum_parse(const char *algorithm, const char *digits, char **ret, const char **ret_reason);
