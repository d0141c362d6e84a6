#include "ctl/property.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/format.h"

#define USEC_PER_SEC 1000000ULL

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* ------------------------------------------------------------------------- names */

static bool name_begins(const char *name, const char *start)
{
        return strncmp(name, start, strlen(start)) == 0;
}

static bool name_ends(const char *name, const char *end)
{
        size_t length = strlen(name), end_length = strlen(end);

        return length >= end_length && strcmp(name + length - end_length, end) == 0;
}

PropertyUnit property_unit(const char *name)
{
        bool is_limit = name_begins(name, "Maximum") || name_begins(name, "Minimum");

        if (name_ends(name, "Mask"))
                return PROPERTY_MODE;
        if (name_ends(name, "Delay") || name_ends(name, "Timeout"))
                return PROPERTY_SPAN;
        if (name_ends(name, "Time"))
                return is_limit ? PROPERTY_SPAN : PROPERTY_POINT;
        if (name_ends(name, "Rate") || name_ends(name, "Size") || name_begins(name, "Bytes"))
                return PROPERTY_SIZE;
        return PROPERTY_PLAIN;
}

/*
 * A word begins with a capital letter, but capitals in a row are one word up to its last; a single
 * one is no word ("UMask").
 */
static bool name_begins_word(const char *name, size_t i)
{
        if (i == 0 || !isupper((unsigned char) name[i]))
                return false;
        return !isupper((unsigned char) name[i - 1]) ||
               (i > 1 && islower((unsigned char) name[i + 1]));
}

char *property_words(const char *name, char separator)
{
        char *words = malloc(2 * strlen(name) + 1), *at = words;

        for (size_t i = 0; words && name[i]; i++) {
                if (name_begins_word(name, i))
                        *at++ = separator;
                *at++ = (char) tolower((unsigned char) name[i]);
        }
        if (words)
                *at = '\0';
        return words;
}

bool property_is_called(const char *name, const char *key)
{
        char *words = property_words(name, '-');
        bool is_called = strcmp(name, key) == 0 || (words && strcmp(words, key) == 0);

        free(words);
        return is_called;
}

/* ------------------------------------------------------------------------ values */

static void text_put_members(FILE *out, const dosvc_values *members, char separator);

static void text_put_number(FILE *out, const char *name, uint64_t number)
{
        char buffer[FORMAT_SIZE];

        if (property_unit(name) == PROPERTY_POINT) {
                if (number != 0)
                        (void) fputs(format_time_utc(buffer, number), out);
        } else if (property_unit(name) == PROPERTY_MODE) {
                (void) fprintf(out, "%03" PRIo64, number);
        } else if (number != DOSVC_UNKNOWN_SIZE) {
                (void) fprintf(out, "%" PRIu64, number);
        }
}

static void text_put_strings(FILE *out, const char *const *strings)
{
        for (size_t i = 0; strings[i]; i++)
                (void) fprintf(out, "%s%s", i > 0 ? " " : "", strings[i]);
}

/* As --range takes them. */
static void text_put_ranges(FILE *out, const dosvc_values *values, const char *name)
{
        uint64_t offset, length;

        for (size_t i = 0; dosvc_values_get_range(values, name, i, &offset, &length) > 0; i++) {
                (void) fprintf(out, "%s%" PRIu64 "-", i > 0 ? "," : "", offset);
                if (length != DOSVC_UNKNOWN_SIZE)
                        (void) fprintf(out, "%" PRIu64, offset + length - 1);
        }
}

static void text_put(FILE *out, const dosvc_values *values, const char *name)
{
        const char *string, *const *strings;
        const dosvc_values *members;
        uint64_t number;
        int boolean;

        if (dosvc_values_get_string(values, name, &string) >= 0)
                (void) fputs(string, out);
        else if (dosvc_values_get_strings(values, name, &strings) >= 0)
                text_put_strings(out, strings);
        else if (dosvc_values_get_number(values, name, &number) >= 0)
                text_put_number(out, name, number);
        else if (dosvc_values_get_boolean(values, name, &boolean) >= 0)
                (void) fputs(boolean ? "yes" : "no", out);
        else if (dosvc_values_get_values(values, name, &members) >= 0)
                text_put_members(out, members, ' ');
        else
                text_put_ranges(out, values, name);
}

static bool members_have_keys(const dosvc_values *members)
{
        return dosvc_values_size(members) > 0 && strcmp(dosvc_values_name(members, 0), "0") != 0;
}

/* "server:basic proxy:ntlm", "key=value other=value". */
static void text_put_members(FILE *out, const dosvc_values *members, char separator)
{
        bool keys = members_have_keys(members);

        for (size_t i = 0; i < dosvc_values_size(members); i++) {
                const char *name = dosvc_values_name(members, i);
                const dosvc_values *inner;

                if (i > 0)
                        (void) fputc(separator, out);
                if (keys)
                        (void) fprintf(out, "%s=", name);
                if (dosvc_values_get_values(members, name, &inner) >= 0)
                        text_put_members(out, inner, ':');
                else
                        text_put(out, members, name);
        }
}

char *property_text(const dosvc_values *values, const char *name)
{
        char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);

        if (!out)
                return NULL;
        text_put(out, values, name);
        (void) fclose(out);
        return text;
}

static json_t *json_of_number(const char *name, uint64_t number)
{
        return property_unit(name) == PROPERTY_POINT ? ctl_json_time(number)
                                                     : ctl_json_size(number);
}

static json_t *json_of_ranges(const dosvc_values *values, const char *name)
{
        json_t *array = json_array();
        uint64_t offset, length;

        for (size_t i = 0; dosvc_values_get_range(values, name, i, &offset, &length) > 0; i++)
                (void) json_array_append_new(array,
                                             json_pack("{so so}",
                                                       "offset",
                                                       ctl_json_size(offset),
                                                       "length",
                                                       ctl_json_size(length)));
        return array;
}

static json_t *json_of_members(const dosvc_values *members)
{
        bool keys = members_have_keys(members);
        json_t *all = keys ? json_object() : json_array();

        for (size_t i = 0; i < dosvc_values_size(members); i++) {
                const char *name = dosvc_values_name(members, i);
                json_t *value = property_json(members, name);

                (void) (keys ? json_object_set_new(all, name, value)
                             : json_array_append_new(all, value));
        }
        return all;
}

json_t *property_json(const dosvc_values *values, const char *name)
{
        const char *string, *const *strings;
        const dosvc_values *members;
        uint64_t number;
        int boolean;

        if (dosvc_values_get_string(values, name, &string) >= 0)
                return json_string(string);
        if (dosvc_values_get_strings(values, name, &strings) >= 0)
                return ctl_json_strings(strings);
        if (dosvc_values_get_number(values, name, &number) >= 0)
                return json_of_number(name, number);
        if (dosvc_values_get_boolean(values, name, &boolean) >= 0)
                return json_boolean(boolean);
        if (dosvc_values_get_values(values, name, &members) >= 0)
                return json_of_members(members);
        if (dosvc_values_type(values, name) == DOSVC_TYPE_RANGES)
                return json_of_ranges(values, name);
        return json_null();
}

/* -------------------------------------------------------------------------- rows */

#define MEMBERS_MAX 8

/* Structures whose members have been shown under these names since the first version. */
static const struct {
        const char *property;
        const char *members[MEMBERS_MAX];
} structures[] = {
        { "ProxySettings", { "ProxyUsage", "Proxies", "ProxyBypass" } },
        { "Error",
          { "ErrorCode",
            "ErrorName",
            "ErrorContext",
            "ErrorDescription",
            "ErrorUrl",
            "ErrorFile" } },
};

static const char *const *structure_members(const char *property)
{
        for (size_t i = 0; i < ARRAY_SIZE(structures); i++)
                if (strcmp(structures[i].property, property) == 0)
                        return structures[i].members;
        return NULL;
}

void property_each(const dosvc_values *values,
                   void (*row)(void *userdata, const PropertyRow *row),
                   void *userdata)
{
        for (size_t i = 0; i < dosvc_values_size(values); i++) {
                const char *property = dosvc_values_name(values, i);
                const char *const *names = structure_members(property);
                const dosvc_values *members;

                if (!names || dosvc_values_get_values(values, property, &members) < 0) {
                        row(userdata, &(PropertyRow){ property, property, values, property });
                        continue;
                }
                for (size_t j = 0; j < dosvc_values_size(members); j++) {
                        const char *member = dosvc_values_name(members, j);
                        const char *name = j < MEMBERS_MAX && names[j] ? names[j] : member;

                        row(userdata, &(PropertyRow){ name, property, members, member });
                }
        }
}

/* ------------------------------------------------------------------------- input */

static int parse_size(const char *text, uint64_t *ret)
{
        static const char units[] = "KMGTP";
        const char *unit;
        uint64_t number;
        char *end;

        if (!isdigit((unsigned char) *text))
                return -EINVAL;
        errno = 0;
        number = strtoull(text, &end, 10);
        if (errno)
                return -EINVAL;
        if (*end) {
                unsigned int shift;

                unit = strchr(units, toupper((unsigned char) *end));
                if (!unit || end[1])
                        return -EINVAL;
                shift = 10 * (unsigned int) (unit - units + 1);
                if (number > UINT64_MAX >> shift)
                        return -EINVAL;
                number <<= shift;
        }
        *ret = number;
        return 0;
}

static int parse_span(const char *text, uint64_t *ret)
{
        uint64_t usec;
        int r = format_parse_span(text, &usec);

        if (r >= 0)
                *ret = usec / USEC_PER_SEC;
        return r;
}

static int parse_mode(const char *text, uint64_t *ret)
{
        if (!*text || strlen(text) > 4 || text[strspn(text, "01234567")])
                return -EINVAL;
        *ret = strtoul(text, NULL, 8);
        return 0;
}

int property_parse_number(const char *name, const char *text, uint64_t *ret)
{
        switch (property_unit(name)) {
        case PROPERTY_SPAN:
                return parse_span(text, ret);
        case PROPERTY_SIZE:
                return parse_size(text, ret);
        case PROPERTY_MODE:
                return parse_mode(text, ret);
        case PROPERTY_PLAIN:
        case PROPERTY_POINT:
        default:
                return text[strspn(text, "0123456789")] ? -EINVAL : parse_size(text, ret);
        }
}

const char *property_number_form(const char *name)
{
        switch (property_unit(name)) {
        case PROPERTY_SPAN:
                return "a time span; write 90s, 5min or 2h";
        case PROPERTY_SIZE:
                return "a size; write 500000, 64K or 2M";
        case PROPERTY_MODE:
                return "permissions in octal; write 022 or 077";
        case PROPERTY_PLAIN:
        case PROPERTY_POINT:
        default:
                return "a number";
        }
}

int property_parse_boolean(const char *text, int *ret)
{
        static const char *const words[][2] = {
                { "no", "yes" },
                { "false", "true" },
                { "off", "on" },
                { "0", "1" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(words); i++)
                for (int value = 0; value < 2; value++)
                        if (strcasecmp(words[i][value], text) == 0) {
                                *ret = value;
                                return 0;
                        }
        return -EINVAL;
}

const char **property_split(char *text)
{
        /* A word and what separates it from the next take two characters. */
        const char **list = calloc(strlen(text) / 2 + 2, sizeof(*list));
        char *rest = NULL;
        size_t n = 0;

        if (!list)
                return NULL;
        for (char *word = strtok_r(text, ", ", &rest); word; word = strtok_r(NULL, ", ", &rest))
                list[n++] = word;
        return list;
}
