/* Dates of HTTP headers (RFC 9110 section 5.6.7), including the two obsolete forms. */
#pragma once

#include <stdint.h>

/* Seconds since the epoch. -EINVAL: not such a date, or before 1970. */
int date_parse(const char *s, int64_t *ret_sec);
