/*
 * Strings: prefixes, strict numbers, formatted copies, lists of strings.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"

bool str_starts_with(const char *s, const char *prefix);
bool str_is_empty(const char *s); /* NULL or "" */
bool str_equal(const char *a, const char *b);

/* Any C0 control or DEL; bytes above 0x7f are left to text_utf16_length(). */
bool str_has_control(const char *s, size_t size_bytes);

/* Decimal digits only, the whole string. -EINVAL, -ERANGE over max. */
int str_parse_u64(const char *s, uint64_t max, uint64_t *ret);

/* asprintf(3) that returns 0 or -ENOMEM. */
int str_format(char **ret, const char *format, ...) _printf_(2, 3);

/* Replaces an owned string by a copy. -ENOMEM leaves it as it was. */
int str_set(char **owned, const char *s);

/* NULL-terminated arrays of owned strings. */
char **strings_free(char **strings);
int strings_copy(char *const *strings, char ***ret);
size_t strings_count(char *const *strings);
int strings_append(char ***strings, const char *s);

/* "a\nb\n" and back, for strings without line ends; NULL is an empty array. -ENOMEM. */
int strings_to_lines(char *const *strings, char **ret);
int strings_from_lines(const char *text, char ***ret);

static inline void strings_freep(char ***p)
{
        if (*p)
                strings_free(*p);
}
