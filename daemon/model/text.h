/*
 * Text that clients choose: UTF-8, its length in the units of the original, and ISO 8859-1.
 */
#pragma once

#include <stddef.h>

/*
 * The length in UTF-16 code units, which are the "characters" of the original. -EILSEQ: the text is
 * not UTF-8, which has neither surrogates nor overlong forms.
 */
int text_utf16_length(const char *s, size_t size_bytes, size_t *ret_units);

/*
 * Converts UTF-8 to ISO 8859-1, which is never longer. ret may be NULL, to find out only whether it
 * is possible. -EILSEQ: the text is not UTF-8, or has characters that ISO 8859-1 has not.
 */
int text_to_latin1(const char *s, size_t size_bytes, char *ret, size_t *ret_size);

/*
 * A display name or a description must be UTF-8 without control characters (-EINVAL), and not
 * longer than the limit (-E2BIG). *ret_reason says what was expected, as in model/url.h.
 */
int text_check_label(const char *s, size_t limit_units, const char **ret_reason);
