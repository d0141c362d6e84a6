/*
 * Named values: the a{sv} of properties and options, decoded by the type that each value has on
 * the bus, so that this file need not know which properties there are.
 */
#include <stdio.h>
#include <string.h>

#include "internal.h"

typedef struct Range {
        uint64_t offset;
        uint64_t length;
} Range;

/* One of the members is set, the one of the type. */
typedef struct Value {
        char *name;
        int type;
        uint64_t number; /* a boolean's too */
        char *string;
        char **strings;
        Range *ranges;
        size_t n_ranges;
        dosvc_values *values;
} Value;

struct dosvc_values {
        Value *items;
        size_t n_items;
};

/* Options may hold secrets, CustomHeaders for one. */
static char *string_erase(char *s)
{
        if (s)
                explicit_bzero(s, strlen(s));
        free(s);
        return NULL;
}

static void value_done(Value *value)
{
        free(value->name);
        string_erase(value->string);
        for (size_t i = 0; value->strings && value->strings[i]; i++)
                string_erase(value->strings[i]);
        free(value->strings);
        free(value->ranges);
        dosvc_values_free(value->values);
        *value = (Value){ 0 };
}

EXPORT dosvc_values *dosvc_values_new(void)
{
        return calloc(1, sizeof(dosvc_values));
}

EXPORT dosvc_values *dosvc_values_free(dosvc_values *values)
{
        if (!values)
                return NULL;
        for (size_t i = 0; i < values->n_items; i++)
                value_done(&values->items[i]);
        free(values->items);
        free(values);
        return NULL;
}

static Value *values_find(const dosvc_values *values, const char *name)
{
        for (size_t i = 0; values && i < values->n_items; i++)
                if (strcmp(values->items[i].name, name) == 0)
                        return &values->items[i];
        return NULL;
}

/* Both take over what the value owns, also when there is no memory. */
static int values_add(dosvc_values *values, const char *name, Value *value)
{
        Value *items = reallocarray(values->items, values->n_items + 1, sizeof(*items));

        if (items)
                values->items = items;
        value->name = items ? strdup(name) : NULL;
        if (!value->name) {
                value_done(value);
                return -ENOMEM;
        }
        items[values->n_items++] = *value;
        return 0;
}

static int values_set(dosvc_values *values, const char *name, Value *value)
{
        Value *known = values_find(values, name);

        if (!known)
                return values_add(values, name, value);
        value->name = STEAL_PTR(known->name);
        value_done(known);
        *known = *value;
        return 0;
}

/* ---------------------------------------------------------------------- building */

EXPORT int dosvc_values_set_string(dosvc_values *values, const char *name, const char *value)
{
        Value string = { .type = DOSVC_TYPE_STRING, .string = strdup(value) };

        return string.string ? values_set(values, name, &string) : -ENOMEM;
}

EXPORT int
dosvc_values_set_strings(dosvc_values *values, const char *name, const char *const *strings)
{
        Value list = { .type = DOSVC_TYPE_STRINGS };
        size_t n = 0;

        while (strings && strings[n])
                n++;
        list.strings = calloc(n + 1, sizeof(*list.strings));
        for (size_t i = 0; list.strings && i < n; i++) {
                list.strings[i] = strdup(strings[i]);
                if (!list.strings[i]) {
                        value_done(&list);
                        return -ENOMEM;
                }
        }
        return list.strings ? values_set(values, name, &list) : -ENOMEM;
}

EXPORT int dosvc_values_set_number(dosvc_values *values, const char *name, uint64_t number)
{
        Value value = { .type = DOSVC_TYPE_NUMBER, .number = number };

        return values_set(values, name, &value);
}

EXPORT int dosvc_values_set_boolean(dosvc_values *values, const char *name, int boolean)
{
        Value value = { .type = DOSVC_TYPE_BOOLEAN, .number = boolean != 0 };

        return values_set(values, name, &value);
}

static int value_add_range(Value *value, uint64_t offset, uint64_t length)
{
        Range *ranges = reallocarray(value->ranges, value->n_ranges + 1, sizeof(*ranges));

        if (!ranges)
                return -ENOMEM;
        ranges[value->n_ranges++] = (Range){ offset, length };
        value->ranges = ranges;
        return 0;
}

EXPORT int
dosvc_values_add_range(dosvc_values *values, const char *name, uint64_t offset, uint64_t length)
{
        Value *known = values_find(values, name), value = { .type = DOSVC_TYPE_RANGES };

        if (known && known->type == DOSVC_TYPE_RANGES)
                return value_add_range(known, offset, length);
        if (value_add_range(&value, offset, length) < 0)
                return -ENOMEM;
        return values_set(values, name, &value);
}

/* ----------------------------------------------------------------------- reading */

EXPORT size_t dosvc_values_size(const dosvc_values *values)
{
        return values->n_items;
}

EXPORT const char *dosvc_values_name(const dosvc_values *values, size_t i)
{
        return values->items[i].name;
}

EXPORT int dosvc_values_type(const dosvc_values *values, const char *name)
{
        const Value *value = values_find(values, name);

        return value ? value->type : DOSVC_TYPE_NONE;
}

static int values_get(const dosvc_values *values, const char *name, int type, const Value **ret)
{
        *ret = values_find(values, name);
        if (!*ret)
                return -ENOENT;
        return (*ret)->type == type ? 0 : -EPROTOTYPE;
}

EXPORT int dosvc_values_get_string(const dosvc_values *values, const char *name, const char **ret)
{
        const Value *value;
        int r = values_get(values, name, DOSVC_TYPE_STRING, &value);

        if (r >= 0)
                *ret = value->string;
        return r;
}

EXPORT int
dosvc_values_get_strings(const dosvc_values *values, const char *name, const char *const **ret)
{
        const Value *value;
        int r = values_get(values, name, DOSVC_TYPE_STRINGS, &value);

        if (r >= 0)
                *ret = string_list_const(value->strings);
        return r;
}

EXPORT int dosvc_values_get_number(const dosvc_values *values, const char *name, uint64_t *ret)
{
        const Value *value;
        int r = values_get(values, name, DOSVC_TYPE_NUMBER, &value);

        if (r >= 0)
                *ret = value->number;
        return r;
}

EXPORT int dosvc_values_get_boolean(const dosvc_values *values, const char *name, int *ret)
{
        const Value *value;
        int r = values_get(values, name, DOSVC_TYPE_BOOLEAN, &value);

        if (r >= 0)
                *ret = value->number != 0;
        return r;
}

EXPORT int dosvc_values_get_range(const dosvc_values *values,
                                  const char *name,
                                  size_t i,
                                  uint64_t *ret_offset,
                                  uint64_t *ret_length)
{
        const Value *value;
        int r = values_get(values, name, DOSVC_TYPE_RANGES, &value);

        if (r < 0 || i >= value->n_ranges)
                return r;
        *ret_offset = value->ranges[i].offset;
        *ret_length = value->ranges[i].length;
        return 1;
}

EXPORT int
dosvc_values_get_values(const dosvc_values *values, const char *name, const dosvc_values **ret)
{
        const Value *value;
        int r = values_get(values, name, DOSVC_TYPE_VALUES, &value);

        if (r >= 0)
                *ret = value->values;
        return r;
}

int values_move(dosvc_values *from, const char *name, dosvc_values *to)
{
        Value *known = values_find(from, name), value;
        size_t i;

        if (!known)
                return -ENOENT;
        free(known->name);
        value = *known;
        i = (size_t) (known - from->items);
        memmove(known, known + 1, (--from->n_items - i) * sizeof(*known));
        return values_add(to, name, &value);
}

const char *values_text(const dosvc_values *values, const char *name)
{
        const char *text = "";

        (void) dosvc_values_get_string(values, name, &text);
        return text;
}

const char *const *values_list(const dosvc_values *values, const char *name)
{
        const char *const *list = string_list_const(NULL);

        (void) dosvc_values_get_strings(values, name, &list);
        return list;
}

uint64_t values_number(const dosvc_values *values, const char *name)
{
        uint64_t number = 0;

        (void) dosvc_values_get_number(values, name, &number);
        return number;
}

const dosvc_values *values_inner(const dosvc_values *values, const char *name)
{
        const dosvc_values *inner = NULL;

        (void) dosvc_values_get_values(values, name, &inner);
        return inner;
}

/* ------------------------------------------------------------------------ the bus */

static int value_append_ranges(const Value *value, sd_bus_message *m)
{
        int r = sd_bus_message_open_container(m, 'a', "(tt)");

        for (size_t i = 0; r >= 0 && i < value->n_ranges; i++)
                r = sd_bus_message_append(m,
                                          "(tt)",
                                          value->ranges[i].offset,
                                          value->ranges[i].length);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int value_append(const Value *value, sd_bus_message *m)
{
        int boolean = value->number != 0;

        switch (value->type) {
        case DOSVC_TYPE_STRING:
                return sd_bus_message_append_basic(m, 's', value->string);
        case DOSVC_TYPE_STRINGS:
                return string_list_append(m, string_list_const(value->strings));
        case DOSVC_TYPE_NUMBER:
                return sd_bus_message_append_basic(m, 't', &value->number);
        case DOSVC_TYPE_BOOLEAN:
                return sd_bus_message_append_basic(m, 'b', &boolean);
        default:
                return value_append_ranges(value, m);
        }
}

/* Signature of a value that was set; NULL for one that can only be read. */
static const char *value_signature(const Value *value)
{
        static const char *const signatures[] = {
                [DOSVC_TYPE_STRING] = "s",     [DOSVC_TYPE_STRINGS] = "as",
                [DOSVC_TYPE_NUMBER] = "t",     [DOSVC_TYPE_BOOLEAN] = "b",
                [DOSVC_TYPE_RANGES] = "a(tt)",
        };

        return value->type < (int) ARRAY_SIZE(signatures) ? signatures[value->type] : NULL;
}

static int value_append_entry(const Value *value, sd_bus_message *m)
{
        const char *signature = value_signature(value);
        int r;

        if (!signature)
                return -EINVAL;
        r = sd_bus_message_open_container(m, 'e', "sv");
        if (r >= 0)
                r = sd_bus_message_append_basic(m, 's', value->name);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'v', signature);
        if (r >= 0)
                r = value_append(value, m);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int values_append(sd_bus_message *m, const dosvc_values *values, int without_type)
{
        int r = sd_bus_message_open_container(m, 'a', "{sv}");

        for (size_t i = 0; r >= 0 && values && i < values->n_items; i++)
                if (values->items[i].type != without_type)
                        r = value_append_entry(&values->items[i], m);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int value_read(sd_bus_message *m, Value *value);

static int value_read_string(sd_bus_message *m, char type, Value *value)
{
        const char *string;
        int r = sd_bus_message_read_basic(m, type, &string);

        if (r < 0)
                return r;
        value->type = DOSVC_TYPE_STRING;
        value->string = strdup(string);
        return value->string ? 0 : -ENOMEM;
}

static int value_read_number(sd_bus_message *m, char type, Value *value)
{
        union {
                uint8_t y;
                uint16_t q;
                uint32_t u;
                uint64_t t;
                int b;
        } number = { 0 };
        int r = sd_bus_message_read_basic(m, type, &number);

        value->type = type == 'b' ? DOSVC_TYPE_BOOLEAN : DOSVC_TYPE_NUMBER;
        value->number = type == 'y'   ? number.y
                        : type == 'q' ? number.q
                        : type == 'u' ? number.u
                        : type == 't' ? number.t
                                      : number.b != 0;
        return r;
}

static int value_read_ranges(sd_bus_message *m, Value *value)
{
        uint64_t offset, length;
        int r = sd_bus_message_enter_container(m, 'a', "(tt)");

        value->type = DOSVC_TYPE_RANGES;
        while (r >= 0 && (r = sd_bus_message_read(m, "(tt)", &offset, &length)) > 0)
                r = value_add_range(value, offset, length);
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

/* Entries of a dictionary have its keys as names, all other members their position. */
static int values_read_member(sd_bus_message *m, dosvc_values *values)
{
        Value value = { 0 };
        const char *key;
        char position[32];
        int r, is_entry;

        is_entry = sd_bus_message_enter_container(m, 'e', NULL);
        (void) snprintf(position, sizeof(position), "%zu", values->n_items);
        key = position;
        r = is_entry > 0 ? sd_bus_message_read_basic(m, 's', &key) : 0;
        if (r >= 0)
                r = value_read(m, &value);
        if (r >= 0 && is_entry > 0)
                r = sd_bus_message_exit_container(m);
        if (r >= 0)
                return values_add(values, key, &value);
        value_done(&value);
        return r;
}

static int value_read_members(sd_bus_message *m, char type, const char *contents, Value *value)
{
        int r;

        value->type = DOSVC_TYPE_VALUES;
        value->values = dosvc_values_new();
        if (!value->values)
                return -ENOMEM;
        r = sd_bus_message_enter_container(m, type, contents);
        while (r >= 0 && (r = sd_bus_message_at_end(m, 0)) == 0)
                r = values_read_member(m, value->values);
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int value_read_variant(sd_bus_message *m, const char *contents, Value *value)
{
        int r = sd_bus_message_enter_container(m, 'v', contents);

        if (r >= 0)
                r = value_read(m, value);
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int value_read_array(sd_bus_message *m, const char *contents, Value *value)
{
        if (strcmp(contents, "s") == 0 || strcmp(contents, "o") == 0) {
                value->type = DOSVC_TYPE_STRINGS;
                return string_list_read(m, &value->strings);
        }
        if (strcmp(contents, "(tt)") == 0)
                return value_read_ranges(m, value);
        /* Keys that are no strings make no names. */
        if (contents[0] == '{' && contents[1] != 's') {
                value->type = DOSVC_TYPE_OTHER;
                return sd_bus_message_skip(m, NULL);
        }
        return value_read_members(m, 'a', contents, value);
}

static int value_read(sd_bus_message *m, Value *value)
{
        const char *contents;
        char type;
        int r = sd_bus_message_peek_type(m, &type, &contents);

        if (r <= 0)
                return r < 0 ? r : -EBADMSG;
        switch (type) {
        case 's':
        case 'o':
        case 'g':
                return value_read_string(m, type, value);
        case 'y':
        case 'q':
        case 'u':
        case 't':
        case 'b':
                return value_read_number(m, type, value);
        case 'a':
                return value_read_array(m, contents, value);
        case 'r':
                return value_read_members(m, type, contents, value);
        case 'v':
                return value_read_variant(m, contents, value);
        default:
                value->type = DOSVC_TYPE_OTHER;
                return sd_bus_message_skip(m, NULL);
        }
}

int values_read(sd_bus_message *m, dosvc_values **ret)
{
        Value value = { 0 };
        int r = value_read_members(m, 'a', "{sv}", &value);

        if (r >= 0)
                *ret = STEAL_PTR(value.values);
        value_done(&value);
        return r;
}

int values_read_variant(sd_bus_message *m, const char *name, dosvc_values **ret)
{
        _cleanup_values_ dosvc_values *values = dosvc_values_new();
        Value value = { 0 };
        int r = values ? value_read(m, &value) : -ENOMEM;

        if (r >= 0)
                r = values_add(values, name, &value);
        else
                value_done(&value);
        if (r >= 0)
                *ret = STEAL_PTR(values);
        return r;
}
