/*
 * The destination directories of a task. Each is opened once, with O_PATH, before the process is
 * confined to them, and stays open until the task ends.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/macro.h"

typedef struct Destinations Destinations;
typedef struct Destination Destination;

int destinations_new(Destinations **ret);
Destinations *destinations_free(Destinations *destinations);
DEFINE_CLEANUP(Destinations *, destinations_free);

/*
 * Opens the directory of an absolute path, unless it is open already. *ret belongs to the set.
 * Errnos of open(2); -EINVAL: the path is not absolute.
 */
int destinations_add(Destinations *destinations, const char *local_name, Destination **ret);

/* Gives up the right to write anywhere else. Returns what sandbox_confine() does. */
int destinations_confine(Destinations *destinations);

/*
 * Syncs the directories whose entries changed since the last time. Errnos of fsync(2): after one of
 * them it always fails, since the kernel reports each failure only once.
 */
int destinations_sync(Destinations *destinations);

int destination_fd(const Destination *destination); /* borrowed */

/* An entry was made, renamed or removed in it. */
void destination_changed(Destination *destination);

/* The last component of an absolute path, borrowed. */
const char *destination_entry(const char *local_name);
