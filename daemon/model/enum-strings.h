/*
 * The two directions between the values of an enumeration and their names, out of its X-macro
 * list. Included by the .c file that defines them; the header declares
 *
 *   const char *prefix_to_string(Type value);     the value must be in range
 *   int prefix_from_string(const char *s);        -EINVAL
 */
#pragma once

#include <errno.h>
#include <string.h>

#include "base/macro.h"

#define ENUM_TEXT(name, text) text,
#define ENUM_DEFINE_STRINGS(type, prefix, list)                                                    \
        static const char *const prefix##_texts[] = { list(ENUM_TEXT) };                           \
        const char *prefix##_to_string(type value)                                                 \
        {                                                                                          \
                return prefix##_texts[value];                                                      \
        }                                                                                          \
        int prefix##_from_string(const char *s)                                                    \
        {                                                                                          \
                for (size_t i = 0; i < ARRAY_SIZE(prefix##_texts); i++)                            \
                        if (strcmp(prefix##_texts[i], s) == 0)                                     \
                                return (int) i;                                                    \
                return -EINVAL;                                                                    \
        }                                                                                          \
        struct macro_swallow_semicolon
