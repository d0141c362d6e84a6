/*
 * The rules for values of settings that model/text.h and model/url.h do not have: paths, ticket
 * caches, proxy bypasses and header lines. A check answers 0 or a negative errno, and in
 * *ret_reason what was expected.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/secret.h"

/* At most LIMIT_DISPLAY_NAME and LIMIT_DESCRIPTION characters; errors of text_check_label(). */
int setting_check_display_name(const char *s, const char **ret_reason);
int setting_check_description(const char *s, const char **ret_reason);

/* A file's path: absolute, at most LIMIT_LOCAL_NAME bytes, no control characters. -EINVAL. */
int setting_check_path(const char *s, const char **ret_reason);

/*
 * An absolute path, or the name of a cache that outlives its process: FILE: and DIR: with an
 * absolute path, KEYRING:, KCM:, API:. -EINVAL; -EOPNOTSUPP: MEMORY: and other kinds.
 */
int setting_check_ticket_cache(const char *s, const char **ret_reason);

/* A rule of model/bypass.h is its own normal form. -EINVAL, -ENOMEM. */
int setting_normalize_bypass(const char *s, char **ret, const char **ret_reason);

/*
 * One header line, "Name: value" (RFC 9110 section 5): the name is a token and not one that the
 * service sets itself or that changes what an answer means, the value has no control characters.
 * -EINVAL; *ret_name is the length of the name then, as far as it is one.
 */
int setting_check_header(const char *line,
                         size_t size_bytes,
                         size_t *ret_name,
                         const char **ret_reason);

/* Length of a line for LIMIT_HEADERS: UTF-16 units, its end counted. -EILSEQ: not UTF-8. */
int setting_header_units(const char *line, size_t size_bytes, size_t *ret_units);

/* Header lines that end in "\n" each: all good, and within LIMIT_HEADERS. */
bool setting_are_headers(const Secret *headers);
