/*
 * The writable properties of a job, which only its introspection tells. What sd-bus writes is read
 * here, tags and attributes: no entities, comments or processing instructions are in it.
 */
#include <string.h>

#include "internal.h"

/* Text between the quotes of an attribute of the tag; NULL if the tag has none of that name. */
static const char *tag_attribute(const char *tag, size_t size, const char *name, size_t *ret_length)
{
        size_t name_length = strlen(name);

        for (const char *at = tag; (at = memmem(at, size - (size_t) (at - tag), name, name_length));
             at += name_length) {
                const char *value = at + name_length + 2, *end = tag + size, *close;

                if (value > end || at[-1] != ' ' || at[name_length] != '=')
                        continue;
                close = memchr(value, value[-1], (size_t) (end - value));
                if (!close)
                        return NULL;
                *ret_length = (size_t) (close - value);
                return value;
        }
        return NULL;
}

static bool tag_attribute_is(const char *tag, size_t size, const char *name, const char *value)
{
        size_t length;
        const char *found = tag_attribute(tag, size, name, &length);

        return found && length == strlen(value) && memcmp(found, value, length) == 0;
}

static bool tag_is(const char *tag, const char *start)
{
        return strncmp(tag, start, strlen(start)) == 0;
}

bool introspection_next_writable(Introspection *in,
                                 const char *interface,
                                 char name[static NAME_SIZE])
{
        const char *tag, *end;

        for (; (tag = strchr(in->at, '<')) && (end = strchr(tag, '>')); in->at = end) {
                size_t size = (size_t) (end - tag), length;
                const char *found;

                if (tag_is(tag, "<interface "))
                        in->is_in_interface = tag_attribute_is(tag, size, "name", interface);
                if (!in->is_in_interface || !tag_is(tag, "<property ") ||
                    tag_attribute_is(tag, size, "access", "read"))
                        continue;
                found = tag_attribute(tag, size, "name", &length);
                if (!found || length >= NAME_SIZE)
                        continue;
                memcpy(name, found, length);
                name[length] = '\0';
                in->at = end;
                return true;
        }
        return false;
}
