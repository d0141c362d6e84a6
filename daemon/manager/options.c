#include "manager/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>

#include "base/macro.h"
#include "base/str.h"

static const char usage[] =
        "dosvcd [OPTION...]\n\n"
        "The background download service; started by systemd over the bus as org.dosvc1.\n\n"
        "  --user                  serve this user on the session bus\n"
        "  --state-directory=DIR   where jobs are kept\n"
        "  --config=FILE           configuration; drop-ins are in FILE.d\n"
        "  --version, --help\n\n"
        "See dosvcd(8).\n";

enum { USER = 256, STATE, CONFIG, SHOW_VERSION, HELP };

static const struct option known[] = {
        { "user", no_argument, NULL, USER },
        { "state-directory", required_argument, NULL, STATE },
        { "config", required_argument, NULL, CONFIG },
        { "version", no_argument, NULL, SHOW_VERSION },
        { "help", no_argument, NULL, HELP },
        { NULL, 0, NULL, 0 },
};

/* Results of options_parse(). */
static int apply(Options *options, int option, const char *argument)
{
        int r = 0;

        switch (option) {
        case USER:
                options->user = true;
                break;
        case STATE:
                r = str_set(&options->paths.state_directory, argument);
                break;
        case CONFIG:
                r = str_set(&options->paths.config, argument);
                break;
        case SHOW_VERSION:
                (void) printf("dosvcd %s\n", VERSION);
                return 0;
        case HELP:
                (void) fputs(usage, stdout);
                return 0;
        default:
                return -EINVAL; /* getopt_long(3) has said why */
        }
        return r < 0 ? r : 1;
}

int options_parse(Options *options, int argc, char *argv[])
{
        int option, r = 1;

        while (r > 0 && (option = getopt_long(argc, argv, "", known, NULL)) >= 0)
                r = apply(options, option, optarg);
        if (r > 0 && optind < argc) {
                (void) fprintf(stderr, "dosvcd: unexpected argument '%s'\n", argv[optind]);
                return -EINVAL;
        }
        return r;
}

void options_done(Options *options)
{
        service_paths_done(&options->paths);
}
