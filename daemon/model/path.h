/*
 * Paths of local files, judged from their text alone. The check returns 0 or a negative errno of
 * dbus/dosvc-wire.h and puts into *ret_reason, a static part of a sentence ("must be an absolute
 * path"), what was expected; the caller names the value that is wrong.
 */
#pragma once

/* Absolute, no "." or ".." part, no trailing slash, PATH_MAX and NAME_MAX, no control characters.
 * -EINVAL. */
int path_check_local_name(const char *s, const char **ret_reason);
