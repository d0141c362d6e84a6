#include "tests/lib/replace-text.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *replace_text(char *text, const char *from, const char *to)
{
        char *result = NULL, *rest = text, *found;
        size_t size;
        FILE *out = open_memstream(&result, &size);

        ck_assert_ptr_nonnull(out);
        while ((found = strstr(rest, from))) {
                (void) fprintf(out, "%.*s%s", (int) (found - rest), rest, to);
                rest = found + strlen(from);
        }
        (void) fputs(rest, out);
        ck_assert_int_eq(fclose(out), 0);
        free(text);
        return result;
}
