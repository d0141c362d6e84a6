/*
 * Properties of the service as people, scripts and JSON see them. Names, units and types follow
 * from what the service says, not from a list, so that a property that came after this program is
 * shown and set like all others. No output, no bus.
 */
#pragma once

#include <dosvc.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* The unit of a number, which follows from the name of its property. */
typedef enum PropertyUnit {
        PROPERTY_PLAIN,
        PROPERTY_SIZE,  /* "MaximumRate", "BytesTotal": bytes */
        PROPERTY_SPAN,  /* "MinimumRetryDelay", "MaximumDownloadTime": seconds */
        PROPERTY_POINT, /* "CreationTime": microseconds since the epoch */
        PROPERTY_MODE,  /* "UMask": bits of a file's mode, octal */
} PropertyUnit;

PropertyUnit property_unit(const char *name);

/* "ca_certificate" of "CACertificate", or with '-' in place of '_'. Owned; NULL without memory. */
char *property_words(const char *name, char separator);

/* Whether key is that name, or its words with '-'. */
bool property_is_called(const char *name, const char *key);

/*
 * The value for scripts: numbers as they are, points in time in UTC, lists with spaces, nothing for
 * what is unknown or never was. Owned, not safe for a terminal; NULL without memory.
 */
char *property_text(const dosvc_values *values, const char *name);
json_t *property_json(const dosvc_values *values, const char *name);

/* One thing to show: a property, or a member of one that has names for its members. */
typedef struct PropertyRow {
        const char *name;     /* "ErrorCode" */
        const char *property; /* "Error" */
        const dosvc_values *values;
        const char *member; /* in values */
} PropertyRow;

/* Calls row() for all properties, and for the members of "Error" and "ProxySettings" instead of
 * them. */
void property_each(const dosvc_values *values,
                   void (*row)(void *userdata, const PropertyRow *row),
                   void *userdata);

/* A number with the units of the property: "90s", "2h", "64K". -EINVAL. */
int property_parse_number(const char *name, const char *text, uint64_t *ret);
/* Describes such a number in an error message: "a time span; write 90s, 5min or 2h". */
const char *property_number_form(const char *name);
/* "yes", "no", "true", "false", "on", "off", "1", "0". -EINVAL. */
int property_parse_boolean(const char *text, int *ret);
/* Splits text, which is changed, at commas and spaces. The list is owned; NULL without memory. */
const char **property_split(char *text);
