/*
 * The examples of the documentation, with a test's own values in the place of the reader's.
 */
#pragma once

/* Replaces every from by to; takes over text, and returns a new string. */
char *replace_text(char *text, const char *from, const char *to);
