/*
 * NULL-terminated lists of strings, and the "as" that they are on the bus.
 */
#include <string.h>

#include "internal.h"

int string_list_append(sd_bus_message *m, const char *const *strings)
{
        int r;

        r = sd_bus_message_open_container(m, 'a', "s");
        for (; r >= 0 && strings && *strings; strings++)
                r = sd_bus_message_append_basic(m, 's', *strings);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int string_list_read(sd_bus_message *m, char ***ret)
{
        return sd_bus_message_read_strv(m, ret);
}

char **string_list_free(char **strings)
{
        for (size_t i = 0; strings && strings[i]; i++)
                free(strings[i]);
        free(strings);
        return NULL;
}

const char *const *string_list_const(char *const *strings)
{
        static const char *const empty[] = { NULL };

        return strings ? (const char *const *) strings : empty;
}
