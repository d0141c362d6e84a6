/*
 * Paths of local files, judged from their text alone.
 */
#pragma once

/*
 * The name of a file to write must be an absolute path without "." and "..", without a slash at
 * the end and without control characters, and within PATH_MAX and NAME_MAX. -EINVAL; *ret_reason
 * says what was expected, as in model/url.h.
 */
int path_check_local_name(const char *s, const char **ret_reason);
