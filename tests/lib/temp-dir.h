/*
 * Directories of a test below $TMPDIR or /tmp: readable for every uid (0755), since daemons and
 * servers of other users work in them, and removed with all they hold. Never for threads.
 */
#pragma once

#include <stddef.h>

#include "base/macro.h"

/* A new empty directory; ends the program on failure. Freed and removed by temp_dir_remove(). */
char *temp_dir_new(void);

/* Removes the tree and frees the string; accepts NULL. */
char *temp_dir_remove(char *dir);
DEFINE_CLEANUP(char *, temp_dir_remove);

/* dir/name as a new string. */
char *temp_dir_path(const char *dir, const char *name);

/* A file with that text, replaced if it is there. */
void temp_dir_write(const char *path, const char *text);

/* A directory; one that is there is taken as it is. */
void temp_dir_make(const char *path, unsigned mode, unsigned uid);

/* The whole file as a string (an empty one when there is no file); *ret_size may be NULL. */
char *temp_dir_read(const char *path, size_t *ret_size);
