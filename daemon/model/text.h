/*
 * Text that clients choose: UTF-8, counted as the original counts it, and ISO 8859-1.
 */
#pragma once

#include <stddef.h>

/*
 * Length in UTF-16 code units, the "characters" of the original. -EILSEQ: not UTF-8
 * (surrogates and overlong forms included).
 */
int text_utf16_length(const char *s, size_t size_bytes, size_t *ret_units);

/*
 * UTF-8 as ISO 8859-1, never longer; ret NULL: only looks. -EILSEQ: not UTF-8, or with other
 * characters.
 */
int text_to_latin1(const char *s, size_t size_bytes, char *ret, size_t *ret_size);

/* Display name and description: UTF-8 without control characters. -EILSEQ is -EINVAL here; -E2BIG.
 */
int text_check_label(const char *s, size_t limit_units, const char **ret_reason);
