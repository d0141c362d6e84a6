/*
 * A whole a{sv} of properties into a struct, by a table; what a later service adds is skipped.
 */
#include <string.h>

#include "internal.h"

static const PropertyField *
properties_find(const PropertyField *fields, size_t n_fields, const char *name)
{
        for (size_t i = 0; i < n_fields; i++)
                if (strcmp(fields[i].name, name) == 0)
                        return &fields[i];
        return NULL;
}

static int properties_read_string(sd_bus_message *m, char **into)
{
        const char *s;
        char *copy;
        int r;

        r = sd_bus_message_read_basic(m, 's', &s);
        if (r < 0)
                return r;
        copy = strdup(s);
        if (!copy)
                return -ENOMEM;
        free(*into);
        *into = copy;
        return 0;
}

static int properties_read_list(sd_bus_message *m, char ***into)
{
        char **strings = NULL;
        int r;

        r = string_list_read(m, &strings);
        if (r < 0)
                return r;
        string_list_free(*into);
        *into = strings;
        return 0;
}

static int properties_read_value(sd_bus_message *m, const PropertyField *field, void *into)
{
        void *at = (char *) into + field->offset;

        if (field->read)
                return field->read(m, at);
        if (strcmp(field->type, "s") == 0)
                return properties_read_string(m, at);
        if (strcmp(field->type, "as") == 0)
                return properties_read_list(m, at);
        return sd_bus_message_read_basic(m, field->type[0], at);
}

static int
properties_read_entry(sd_bus_message *m, const PropertyField *fields, size_t n_fields, void *into)
{
        const PropertyField *field;
        const char *name;
        int r;

        r = sd_bus_message_read_basic(m, 's', &name);
        if (r < 0)
                return r;
        field = properties_find(fields, n_fields, name);
        if (!field)
                return sd_bus_message_skip(m, "v");
        r = sd_bus_message_enter_container(m, 'v', field->type);
        if (r < 0)
                return r;
        r = properties_read_value(m, field, into);
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

int properties_read(sd_bus_message *m, const PropertyField *fields, size_t n_fields, void *into)
{
        int r;

        r = sd_bus_message_enter_container(m, 'a', "{sv}");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                r = properties_read_entry(m, fields, n_fields, into);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
                if (r < 0)
                        return r;
        }
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

void properties_done(const PropertyField *fields, size_t n_fields, void *into)
{
        for (size_t i = 0; i < n_fields; i++) {
                void *at = (char *) into + fields[i].offset;

                if (fields[i].read)
                        continue;
                if (strcmp(fields[i].type, "s") == 0)
                        free(*(char **) at);
                else if (strcmp(fields[i].type, "as") == 0)
                        string_list_free(*(char ***) at);
        }
}
