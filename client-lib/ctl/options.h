/*
 * The options of the command line, which may stand before and behind the verb.
 */
#pragma once

#include "ctl/ctl.h"

/*
 * Reads all of them; optind is then the first word that is none. EXIT_STATUS_MAX: go on with the
 * verb. *ret_help: help was asked for.
 */
ExitStatus options_parse(Ctl *ctl, int argc, char **argv, bool *ret_help);

/* All of them, each with the verbs that take it; or those of one verb. */
void options_print(void);
void options_print_of(const char *verb);
