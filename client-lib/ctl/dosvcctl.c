/*
 * dosvcctl: downloads of dosvcd from the command line. This file has the tables of verbs and of
 * options, from which the help is made; the verbs themselves are in verb-*.c. It stands on the
 * public header of libdosvc alone, as every other program can.
 */
#include <getopt.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ctl/format.h"

typedef struct Verb {
        const char *name;
        const char *alias;
        const char *arguments;
        const char *help;
        int min_arguments;
        int max_arguments; /* -1 = any number */
        ExitStatus (*run)(Ctl *ctl, int argc, char **argv);
} Verb;

static const Verb verbs[] = {
        { "get", NULL, "URL...", "Fetch files now and put them in place", 0, -1, verb_get },
        { "create", NULL, "[NAME]", "Make an empty job and print its id", 0, 1, verb_create },
        { "add", NULL, "JOB URL [FILE]", "Add a file, or with --from-file many", 1, 3, verb_add },
        { "list", NULL, "[PATTERN]", "List jobs, those whose name fits", 0, 1, verb_list },
        { "show", NULL, "JOB", "Show the properties of a job", 1, 1, verb_show },
        { "files", NULL, "JOB", "List the files of a job", 1, 1, verb_files },
        { "status", NULL, "[JOB]", "Tell how a job, or the service, is doing", 0, 1, verb_status },
        { "explain",
          NULL,
          "JOB",
          "Say why a job waits or failed, and what to do",
          1,
          1,
          verb_explain },
        { "resume", "start", "JOB...", "Start, go on, or retry at once", 0, -1, verb_resume },
        { "suspend",
          "pause",
          "JOB...",
          "Stop, keeping what has been fetched",
          0,
          -1,
          verb_suspend },
        { "cancel",
          NULL,
          "JOB...",
          "Give up and remove what has been fetched",
          0,
          -1,
          verb_cancel },
        { "complete", NULL, "JOB...", "Put the finished files in place", 1, -1, verb_complete },
        { "set", NULL, "JOB [KEY=VALUE...]", "Change a job, or list its keys", 1, -1, verb_set },
        { "edit-url",
          NULL,
          "JOB [NUMBER URL]",
          "Fetch files from other URLs",
          1,
          3,
          verb_edit_url },
        { "cred", NULL, "set|list|remove JOB", "Set, list or remove credentials", 2, 2, verb_cred },
        { "header", NULL, "set|show|remove JOB", "Headers to send, from stdin", 2, 2, verb_header },
        { "cert",
          NULL,
          "set|remove JOB ...",
          "Set or remove a client certificate",
          2,
          4,
          verb_cert },
        { "take-ownership", NULL, "JOB...", "Become the owner (root)", 1, -1, verb_take_ownership },
        { "reload", NULL, "", "Have the configuration read again (root)", 0, 0, verb_reload },
        { "attach", NULL, "JOB", "Show the progress of a job until it is done", 1, 1, verb_attach },
        { "wait", NULL, "JOB...", "Wait until jobs are done or have failed", 1, -1, verb_wait },
        { "monitor", NULL, "[JOB]", "Show what happens, as it happens", 0, 1, verb_monitor },
};

#define N_VERBS (sizeof(verbs) / sizeof(verbs[0]))

enum {
        OPTION_VERSION = 256,
        OPTION_USER,
        OPTION_SYSTEM,
        OPTION_JSON,
        OPTION_NO_LEGEND,
        OPTION_NO_START,
        OPTION_ALL,
        OPTION_ALL_USERS,
        OPTION_STATE,
        OPTION_VALUE,
        OPTION_DESCRIPTION,
        OPTION_PRIORITY,
        OPTION_PROXY,
        OPTION_LOGIN,
        OPTION_TARGET,
        OPTION_SCHEME,
        OPTION_ASK_PASSWORD,
        OPTION_NO_ASK_PASSWORD,
        OPTION_PASSWORD_FD,
        OPTION_DIGEST,
        OPTION_RANGE,
        OPTION_FROM,
        OPTION_TO,
        OPTION_NO_WAIT,
        OPTION_RETRY,
        OPTION_KEEP,
        OPTION_ALL_OR_NOTHING,
        OPTION_EXISTS,
        OPTION_NO_CLOBBER,
        OPTION_DRY_RUN,
        OPTION_CACERT,
        OPTION_PROGRESS,
        OPTION_PARTIAL,
        OPTION_NO_COMPLETE,
        OPTION_TIMEOUT,
};

/* value is a short option's letter where it has one. */
typedef struct Option {
        const char *name;
        const char *argument; /* NULL = takes none */
        const char *help;
        int value;
} Option;

static const Option options[] = {
        { "help", NULL, "Show this help", 'h' },
        { "version", NULL, "Show the version", OPTION_VERSION },
        { "system", NULL, "The service of the system (unless said otherwise)", OPTION_SYSTEM },
        { "user", NULL, "The service of the user's session", OPTION_USER },
        { "no-start", NULL, "Fail instead of starting the service", OPTION_NO_START },
        { "quiet", NULL, "No progress and no remarks, errors only", 'q' },
        { "json", "short|pretty|off", "Print JSON", OPTION_JSON },
        { "", NULL, "JSON, pretty on a terminal, short otherwise", 'j' },
        { "no-legend", NULL, "Tables without their first line", OPTION_NO_LEGEND },
        { "output-file", "FILE", "get, add: name of the file to be", 'o' },
        { "", "FILE", "The same, as wget has it", 'O' },
        { "directory", "DIR", "get, add: where files go, named as in their URLs", 'd' },
        { "", "DIR", "The same, as wget has it", 'P' },
        { "name", "NAME", "get, create: name of the job", 'n' },
        { "description", "TEXT", "get, create: remark on the job", OPTION_DESCRIPTION },
        { "priority", "PRIORITY", "get, create: foreground, high, normal or low", OPTION_PRIORITY },
        { "proxy", "URL", "get, create: proxy; none, preconfig, autodetect", OPTION_PROXY },
        { "login", "NAME", "get, create, cred set: user name to log in with", OPTION_LOGIN },
        { "scheme", "SCHEME,...", "...: basic, digest, ntlm, negotiate, bearer", OPTION_SCHEME },
        { "target", "TARGET", "...: who asks for it, server or proxy", OPTION_TARGET },
        { "ask-password", NULL, "...: ask for the password on the terminal", OPTION_ASK_PASSWORD },
        { "no-ask-password", NULL, "...: never ask", OPTION_NO_ASK_PASSWORD },
        { "password-fd", "N", "...: read the password from descriptor N", OPTION_PASSWORD_FD },
        { "digest",
          "ALGORITHM:HEX",
          "get, add: the digest that the file must have",
          OPTION_DIGEST },
        { "checksum", "ALGORITHM:HEX", "the same as --digest", OPTION_DIGEST },
        { "range", "FIRST-LAST,...", "get, add: these bytes of the file only", OPTION_RANGE },
        { "from-file", "LIST", "get, add: lines of URL and FILE; - is stdin", 'i' },
        { "header", "LINE", "get, create: 'Name: value' to send; may be repeated", 'H' },
        { "user-agent", "TEXT", "get, create: the header User-Agent", 'U' },
        { "cacert", "FILE", "get, create: authorities to trust, PEM", OPTION_CACERT },
        { "exists", "replace|fail|number", "get: a file that is there (replace)", OPTION_EXISTS },
        { "no-clobber", NULL, "get: the same as --exists=fail", OPTION_NO_CLOBBER },
        { "continue", NULL, "get: nothing; it always goes on where it was", 'c' },
        { "retry", NULL, "get: keep trying a host that cannot be reached", OPTION_RETRY },
        { "keep", NULL, "get: keep the job of a file that failed", OPTION_KEEP },
        { "all-or-nothing", NULL, "get: stop at the first failure", OPTION_ALL_OR_NOTHING },
        { "dry-run", NULL, "get: print URLs and local names only", OPTION_DRY_RUN },
        { "no-complete", NULL, "get: leave the files to 'complete'", OPTION_NO_COMPLETE },
        { "partial", NULL, "complete: give up files that are not finished", OPTION_PARTIAL },
        { "progress", NULL, "wait: show the progress", OPTION_PROGRESS },
        { "from", "PREFIX", "edit-url: URLs that begin with this", OPTION_FROM },
        { "to", "PREFIX", "edit-url: get this beginning instead", OPTION_TO },
        { "no-wait", NULL, "get: start the job, print its id, leave it to itself", OPTION_NO_WAIT },
        { "timeout", "TIME", "get, wait: at most that long (90s, 5min, 2h)", OPTION_TIMEOUT },
        { "state", "STATE", "list, cancel: jobs in that state only", OPTION_STATE },
        { "all-users", NULL, "list, monitor: everybody's jobs (root)", OPTION_ALL_USERS },
        { "all", NULL, "resume, suspend, cancel: all of one's own jobs", OPTION_ALL },
        { "property", "NAME", "show: this property only; may be repeated", 'p' },
        { "value", NULL, "show: values without names", OPTION_VALUE },
};

#define N_OPTIONS (sizeof(options) / sizeof(options[0]))

/* -------------------------------------------------------------------------- help */

static void help_print_verbs(void)
{
        for (size_t i = 0; i < N_VERBS; i++) {
                const char *alias = verbs[i].alias ? verbs[i].alias : "";
                char left[64];

                (void) snprintf(left,
                                sizeof(left),
                                "%s%s%s %s",
                                verbs[i].name,
                                *alias ? "|" : "",
                                alias,
                                verbs[i].arguments);
                (void) printf("  %-26s %s\n", left, verbs[i].help);
        }
}

static void help_print_options(void)
{
        for (size_t i = 0; i < N_OPTIONS; i++) {
                char left[64], letter[3] = "  ";

                if (options[i].value < 256)
                        (void) snprintf(letter, sizeof(letter), "-%c", options[i].value);
                (void) snprintf(left,
                                sizeof(left),
                                "%s %s%s%s%s",
                                letter,
                                *options[i].name ? "--" : "",
                                options[i].name,
                                options[i].argument && *options[i].name ? "=" : "",
                                options[i].argument ? options[i].argument : "");
                (void) printf("  %-29s %s\n", left, options[i].help);
        }
}

static void help_print(void)
{
        (void) puts("dosvcctl [OPTION...] VERB ...\n\n"
                    "Downloads that survive log-off, crash and reboot.\n\n"
                    "Verbs:");
        help_print_verbs();
        (void) puts("\nJOB is an id, the beginning of one (four digits or more), or a name.\n"
                    "Keys of set are what the service lets change of a job, as in: priority=high\n"
                    "retry-delay=5min proxy=none; 'dosvcctl set JOB' lists them all.\n\nOptions:");
        help_print_options();
        (void) puts("\nExit status:");
        for (int i = 0; i < EXIT_STATUS_MAX; i++)
                (void) printf("  %2d  %s\n", i, advice_exit_meaning((ExitStatus) i));
        (void) puts("\nMore in dosvcctl(1).");
}

/* ----------------------------------------------------------------------- options */

static bool option_parse_json(Ctl *ctl, const char *argument)
{
        static const char *const modes[] = { "off", "short", "pretty" };

        for (size_t i = 0; i < 3; i++) {
                if (strcmp(argument, modes[i]) != 0)
                        continue;
                ctl->json = (JsonMode) i;
                return true;
        }
        ctl_error("--json= is short, pretty or off, not '%s'.", argument);
        return false;
}

static bool option_parse_fd(Ctl *ctl, const char *argument)
{
        size_t digits = strspn(argument, "0123456789");

        if (digits == 0 || digits > 6 || argument[digits] != '\0') {
                ctl_error("--password-fd= is the number of an open descriptor, not '%s'.",
                          argument);
                return false;
        }
        ctl->password_fd = (int) strtoul(argument, NULL, 10);
        return true;
}

static bool option_parse_timeout(Ctl *ctl, const char *argument)
{
        if (format_parse_span(argument, &ctl->timeout_usec) >= 0)
                return true;
        ctl_error("'%s' is not a time span; write 90s, 5min or 1h 30min.", argument);
        return false;
}

/* The list that collects the arguments of an option which may be given several times. */
static Words *option_words(Ctl *ctl, int value)
{
        switch (value) {
        case 'p':
                return &ctl->properties;
        case OPTION_DIGEST:
                return &ctl->digests;
        case OPTION_RANGE:
                return &ctl->ranges;
        case 'H':
                return &ctl->headers;
        default:
                return NULL;
        }
}

static bool option_check_exists(const char *argument)
{
        if (strcmp(argument, "replace") == 0 || strcmp(argument, "fail") == 0 ||
            strcmp(argument, "number") == 0)
                return true;
        ctl_error("--exists= is replace, fail or number, not '%s'.", argument);
        return false;
}

/* The variable that the argument of an option goes to, if that is all that the option does. */
static const char **option_text(Ctl *ctl, int value)
{
        switch (value) {
        case 'o':
        case 'O':
                return &ctl->output_file;
        case 'd':
        case 'P':
                return &ctl->directory;
        case 'n':
                return &ctl->name;
        case OPTION_DESCRIPTION:
                return &ctl->description;
        case OPTION_PRIORITY:
                return &ctl->priority;
        case OPTION_PROXY:
                return &ctl->proxy;
        case OPTION_LOGIN:
                return &ctl->login;
        case OPTION_TARGET:
                return &ctl->target;
        case OPTION_SCHEME:
                return &ctl->scheme;
        case OPTION_STATE:
                return &ctl->state;
        case 'i':
                return &ctl->from_file;
        case OPTION_EXISTS:
                return &ctl->exists;
        case OPTION_CACERT:
                return &ctl->ca_certificate;
        case 'U':
                return &ctl->user_agent;
        case OPTION_FROM:
                return &ctl->from;
        case OPTION_TO:
                return &ctl->to;
        default:
                return NULL;
        }
}

static bool *option_flag(Ctl *ctl, int value)
{
        switch (value) {
        case 'q':
                return &ctl->quiet;
        case OPTION_NO_LEGEND:
                return &ctl->no_legend;
        case OPTION_ALL:
                return &ctl->all;
        case OPTION_ALL_USERS:
                return &ctl->all_users;
        case OPTION_VALUE:
                return &ctl->value_only;
        case OPTION_ASK_PASSWORD:
                return &ctl->ask_password;
        case OPTION_NO_ASK_PASSWORD:
                return &ctl->no_ask_password;
        case OPTION_NO_WAIT:
                return &ctl->no_wait;
        case OPTION_RETRY:
                return &ctl->retry;
        case OPTION_KEEP:
                return &ctl->keep;
        case OPTION_ALL_OR_NOTHING:
                return &ctl->all_or_nothing;
        case OPTION_DRY_RUN:
                return &ctl->dry_run;
        case OPTION_PROGRESS:
                return &ctl->progress;
        case OPTION_PARTIAL:
                return &ctl->partial;
        case OPTION_NO_COMPLETE:
                return &ctl->no_complete;
        default:
                return NULL;
        }
}

static bool option_apply(Ctl *ctl, int value, const char *argument)
{
        const char **text = option_text(ctl, value);
        bool *flag = option_flag(ctl, value);
        Words *words = option_words(ctl, value);

        if (value == OPTION_EXISTS && !option_check_exists(argument))
                return false;
        if (text)
                *text = argument;
        else if (words)
                words->words[words->n++] = argument;
        else if (flag)
                *flag = true;
        else if (value == OPTION_USER)
                ctl->open_flags |= DOSVC_OPEN_USER;
        else if (value == OPTION_SYSTEM)
                ctl->open_flags &= ~DOSVC_OPEN_USER;
        else if (value == OPTION_NO_START)
                ctl->open_flags |= DOSVC_OPEN_NO_START;
        else if (value == OPTION_NO_CLOBBER)
                ctl->exists = "fail";
        else if (value == 'j')
                ctl->json = isatty(STDOUT_FILENO) ? JSON_PRETTY : JSON_SHORT;
        else if (value == OPTION_JSON)
                return option_parse_json(ctl, argument);
        else if (value == OPTION_PASSWORD_FD)
                return option_parse_fd(ctl, argument);
        else if (value == OPTION_TIMEOUT)
                return option_parse_timeout(ctl, argument);
        return true;
}

/* The tables that getopt_long(3) wants, made of ours. */
static void option_tables(struct option long_options[static N_OPTIONS + 1],
                          char letters[static 3 * N_OPTIONS])
{
        size_t n = 0;

        for (size_t i = 0; i < N_OPTIONS; i++) {
                if (options[i].value < 256) {
                        *letters++ = (char) options[i].value;
                        if (options[i].argument)
                                *letters++ = ':';
                }
                if (*options[i].name)
                        long_options[n++] = (struct option){
                                .name = options[i].name,
                                .has_arg = options[i].argument ? required_argument : no_argument,
                                .val = options[i].value,
                        };
        }
        *letters = '\0';
        long_options[n] = (struct option){ 0 };
}

/* EXIT_STATUS_MAX: go on with the verb. */
static ExitStatus options_parse(Ctl *ctl, int argc, char **argv)
{
        struct option long_options[N_OPTIONS + 1];
        char letters[3 * N_OPTIONS];
        int value;

        option_tables(long_options, letters);
        while ((value = getopt_long(argc, argv, letters, long_options, NULL)) >= 0) {
                if (value == '?')
                        return EXIT_USAGE;
                if (value == 'h') {
                        help_print();
                        return EXIT_DONE;
                }
                if (value == OPTION_VERSION) {
                        (void) printf("dosvcctl %s\n", VERSION);
                        return EXIT_DONE;
                }
                if (!option_apply(ctl, value, optarg))
                        return EXIT_USAGE;
        }
        return EXIT_STATUS_MAX;
}

static ExitStatus verb_run(Ctl *ctl, int argc, char **argv)
{
        const Verb *verb = NULL;

        if (strcmp(argv[0], "help") == 0) {
                help_print();
                return EXIT_DONE;
        }
        for (size_t i = 0; i < N_VERBS && !verb; i++)
                if (strcmp(verbs[i].name, argv[0]) == 0 ||
                    (verbs[i].alias && strcmp(verbs[i].alias, argv[0]) == 0))
                        verb = &verbs[i];
        if (!verb) {
                ctl_error("There is no verb '%s'; 'dosvcctl --help' lists them.", argv[0]);
                return EXIT_USAGE;
        }
        argc--;
        argv++;
        if (argc < verb->min_arguments ||
            (verb->max_arguments >= 0 && argc > verb->max_arguments)) {
                ctl_error("Usage: dosvcctl %s %s", verb->name, verb->arguments);
                return EXIT_USAGE;
        }
        return verb->run(ctl, argc, argv);
}

static ExitStatus run(Ctl *ctl, int argc, char **argv)
{
        ExitStatus status = options_parse(ctl, argc, argv);

        if (status != EXIT_STATUS_MAX)
                return status;
        if (optind == argc) {
                ctl_error("Say what to do; 'dosvcctl --help' lists the verbs.");
                return EXIT_USAGE;
        }
        return verb_run(ctl, argc - optind, argv + optind);
}

int main(int argc, char **argv)
{
        Ctl ctl = { .password_fd = -1, .timeout_usec = DOSVC_FOREVER, .exists = "replace" };
        Words *const all_words[] = { &ctl.properties, &ctl.digests, &ctl.ranges, &ctl.headers };
        ExitStatus status;

        (void) setlocale(LC_ALL, "");
        ctl.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
        for (size_t i = 0; i < sizeof(all_words) / sizeof(all_words[0]); i++) {
                all_words[i]->words = calloc((size_t) argc + 1, sizeof(*all_words[i]->words));
                if (!all_words[i]->words)
                        return (int) ctl_out_of_memory();
        }
        status = run(&ctl, argc, argv);
        for (size_t i = 0; i < sizeof(all_words) / sizeof(all_words[0]); i++)
                free(all_words[i]->words);
        password_done(&ctl.password);
        dosvc_close(ctl.connection);
        if (fflush(stdout) != 0 && status == EXIT_DONE)
                status = EXIT_FAILED;
        return (int) status;
}
