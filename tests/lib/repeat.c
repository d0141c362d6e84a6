#include "tests/lib/repeat.h"

#include <check.h>
#include <stdio.h>

char *repeat(const char *head, const char *text, size_t n, const char *tail)
{
        char *s = NULL;
        size_t size;
        FILE *out = open_memstream(&s, &size);

        ck_assert_ptr_nonnull(out);
        (void) fputs(head, out);
        for (size_t i = 0; i < n; i++)
                (void) fputs(text, out);
        (void) fputs(tail, out);
        ck_assert_int_eq(fclose(out), 0);
        return s;
}
