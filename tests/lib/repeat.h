/*
 * Long texts for limits.
 */
#pragma once

#include <stddef.h>

/* n times the text, with a head and a tail. */
char *repeat(const char *head, const char *text, size_t n, const char *tail);
