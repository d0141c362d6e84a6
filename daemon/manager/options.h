/*
 * The command line of dosvcd(8).
 */
#pragma once

#include <stdbool.h>

#include "manager/service-paths.h"

typedef struct Options {
        bool user;          /* --user: serve this user on the session bus */
        ServicePaths paths; /* those that were given */
} Options;

/*
 * 1: the service shall run; 0: --version or --help was answered; -EINVAL: the arguments are wrong,
 * which stderr says; -ENOMEM.
 */
int options_parse(Options *options, int argc, char *argv[]);
void options_done(Options *options);
