#include "base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool str_starts_with(const char *s, const char *prefix)
{
        return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_is_empty(const char *s)
{
        return !s || s[0] == '\0';
}

bool str_equal(const char *a, const char *b)
{
        return a == b || (a && b && strcmp(a, b) == 0);
}

bool str_has_control(const char *s, size_t size_bytes)
{
        for (size_t i = 0; i < size_bytes; i++) {
                unsigned char c = (unsigned char) s[i];

                if (c < 0x20 || c == 0x7f)
                        return true;
        }
        return false;
}

int str_parse_u64(const char *s, uint64_t max, uint64_t *ret)
{
        uint64_t value = 0;

        if (str_is_empty(s))
                return -EINVAL;
        for (; *s; s++) {
                unsigned digit = (unsigned) (*s - '0');

                if (*s < '0' || *s > '9')
                        return -EINVAL;
                if (value > (max - digit) / 10 || digit > max)
                        return -ERANGE;
                value = value * 10 + digit;
        }
        *ret = value;
        return 0;
}

int str_format(char **ret, const char *format, ...)
{
        va_list args;
        char *s = NULL;
        int n;

        va_start(args, format);
        n = vasprintf(&s, format, args);
        va_end(args);
        if (n < 0)
                return -ENOMEM;
        *ret = s;
        return 0;
}

int str_set(char **owned, const char *s)
{
        char *copy = NULL;

        if (s) {
                copy = strdup(s);
                if (!copy)
                        return -ENOMEM;
        }
        free(*owned);
        *owned = copy;
        return 0;
}

char **strings_free(char **strings)
{
        if (strings)
                for (char **s = strings; *s; s++)
                        free(*s);
        free(strings);
        return NULL;
}

size_t strings_count(char *const *strings)
{
        size_t n = 0;

        while (strings && strings[n])
                n++;
        return n;
}

int strings_append(char ***strings, const char *s)
{
        size_t n = strings_count(*strings);
        char **grown;
        char *copy = strdup(s);

        if (!copy)
                return -ENOMEM;
        grown = realloc(*strings, (n + 2) * sizeof(*grown));
        if (!grown) {
                free(copy);
                return -ENOMEM;
        }
        grown[n] = copy;
        grown[n + 1] = NULL;
        *strings = grown;
        return 0;
}

int strings_copy(char *const *strings, char ***ret)
{
        _cleanup_(strings_freep) char **copy = calloc(1, sizeof(*copy));

        if (!copy)
                return -ENOMEM;
        for (; strings && *strings; strings++) {
                int r = strings_append(&copy, *strings);

                if (r < 0)
                        return r;
        }
        *ret = STEAL_PTR(copy);
        return 0;
}

int strings_to_lines(char *const *strings, char **ret)
{
        _cleanup_free_ char *text = strdup("");
        int r = text ? 0 : -ENOMEM;

        for (; r >= 0 && strings && *strings; strings++) {
                char *longer = NULL;

                r = str_format(&longer, "%s%s\n", text, *strings);
                if (r >= 0) {
                        free(text);
                        text = longer;
                }
        }
        if (r < 0)
                return r;
        *ret = STEAL_PTR(text);
        return 0;
}

int strings_from_lines(const char *text, char ***ret)
{
        _cleanup_(strings_freep) char **strings = NULL;
        int r = strings_copy(NULL, &strings);

        while (r >= 0 && *text) {
                _cleanup_free_ char *line = strndup(text, strcspn(text, "\n"));

                if (!line)
                        return -ENOMEM;
                r = strings_append(&strings, line);
                text += strlen(line);
                text += *text == '\n';
        }
        if (r < 0)
                return r;
        *ret = STEAL_PTR(strings);
        return 0;
}
