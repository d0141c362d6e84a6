/*
 * Finds the files of the service. The command line counts first, then STATE_DIRECTORY, which
 * systemd sets; without them the files are in the directories of the system or, for a user
 * instance, in the XDG base directories. Failures are logged here.
 */
#pragma once

#include <stdbool.h>

/* Owned strings; NULL: not known yet. */
typedef struct ServicePaths {
        char *state_directory;
        char *config; /* the file dosvcd.conf */
} ServicePaths;

/*
 * Fills in what is NULL, and for a user instance makes the directories above the state directory.
 * -ENOENT: the environment does not say where this user's files are; -ENOMEM.
 */
int service_paths_find(ServicePaths *paths, bool user);

/* Makes the state directory if it is missing and opens it. Returns a descriptor. */
int service_paths_open_state(const ServicePaths *paths);

/* The directory of the running program, where dosvc-spawn and dosvc-secret are, too (O_PATH). */
int service_paths_open_programs(void);

void service_paths_done(ServicePaths *paths);
