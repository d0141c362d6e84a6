/*
 * The options of the command line: one table, from which they are read and from which the help is
 * made.
 */
#include "ctl/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/format.h"

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
        const char *verbs;    /* those that take it, with spaces; NULL = all */
        const char *help;
        int value;
} Option;

/* clang-format off */
static const Option options[] = {
        { "help", NULL, NULL, "Show this help", 'h' },
        { "version", NULL, NULL, "Show the version", OPTION_VERSION },
        { "system", NULL, NULL, "The service of the system (unless said otherwise)", OPTION_SYSTEM },
        { "user", NULL, NULL, "The service of the user's session", OPTION_USER },
        { "no-start", NULL, NULL, "Fail instead of starting the service", OPTION_NO_START },
        { "quiet", NULL, NULL, "No progress and no remarks, errors only", 'q' },
        { "json", "short|pretty|off", NULL, "Print JSON", OPTION_JSON },
        { "", NULL, NULL, "JSON, pretty on a terminal, short otherwise", 'j' },
        { "no-legend", NULL, NULL, "Tables without their first line", OPTION_NO_LEGEND },
        { "output-file", "FILE", "get add", "Name of the file to be", 'o' },
        { "", "FILE", "get add", "The same, as wget has it", 'O' },
        { "directory", "DIR", "get add", "Where files go, named as in their URLs", 'd' },
        { "", "DIR", "get add", "The same, as wget has it", 'P' },
        { "name", "NAME", "get create", "Name of the job", 'n' },
        { "description", "TEXT", "get create", "Remark on the job", OPTION_DESCRIPTION },
        { "priority", "PRIORITY", "get create", "foreground, high, normal or low", OPTION_PRIORITY },
        { "proxy", "URL", "get create", "Proxy, or none, preconfig, autodetect", OPTION_PROXY },
        { "login", "NAME", "get create cred", "User name to log in with", OPTION_LOGIN },
        { "scheme", "SCHEME,...", "get create cred", "basic, digest, ntlm, negotiate, bearer", OPTION_SCHEME },
        { "target", "TARGET", "get create cred", "Who asks for it, server or proxy", OPTION_TARGET },
        { "ask-password", NULL, "get create cred", "Ask for the password on the terminal", OPTION_ASK_PASSWORD },
        { "no-ask-password", NULL, "get create cred", "Never ask", OPTION_NO_ASK_PASSWORD },
        { "password-fd", "N", "get create cred", "Read the password from descriptor N", OPTION_PASSWORD_FD },
        { "digest", "ALGORITHM:HEX", "get add", "The digest that the file must have", OPTION_DIGEST },
        { "checksum", "ALGORITHM:HEX", "get add", "The same as --digest", OPTION_DIGEST },
        { "range", "FIRST-LAST,...", "get add", "These bytes of the file only", OPTION_RANGE },
        { "from-file", "LIST", "get add", "Lines of URL and FILE; - is stdin", 'i' },
        { "header", "LINE", "get create", "'Name: value' to send; may be repeated", 'H' },
        { "user-agent", "TEXT", "get create", "The header User-Agent", 'U' },
        { "cacert", "FILE", "get create", "Authorities to trust, PEM", OPTION_CACERT },
        { "exists", "replace|fail|number", "get", "With a file that is there (replace)", OPTION_EXISTS },
        { "no-clobber", NULL, "get", "The same as --exists=fail", OPTION_NO_CLOBBER },
        { "continue", NULL, "get", "Nothing; it always goes on where it was", 'c' },
        { "retry", NULL, "get", "Keep trying a host that cannot be reached", OPTION_RETRY },
        { "keep", NULL, "get", "Keep the job of a file that failed", OPTION_KEEP },
        { "all-or-nothing", NULL, "get", "Stop at the first failure", OPTION_ALL_OR_NOTHING },
        { "dry-run", NULL, "get", "Print URLs and local names only", OPTION_DRY_RUN },
        { "no-complete", NULL, "get", "Leave the files to 'complete'", OPTION_NO_COMPLETE },
        { "partial", NULL, "complete", "Give up files that are not finished", OPTION_PARTIAL },
        { "progress", NULL, "wait", "Show the progress", OPTION_PROGRESS },
        { "from", "PREFIX", "edit-url", "The beginning of the URLs to change", OPTION_FROM },
        { "to", "PREFIX", "edit-url", "What takes its place", OPTION_TO },
        { "no-wait", NULL, "get", "Start the job, print its id, leave it to itself", OPTION_NO_WAIT },
        { "timeout", "TIME", "get wait", "At most that long (90s, 5min, 2h)", OPTION_TIMEOUT },
        { "state", "STATE", "list resume suspend cancel", "Jobs in that state only", OPTION_STATE },
        { "all-users", NULL, "list monitor", "Everybody's jobs (root)", OPTION_ALL_USERS },
        { "all", NULL, "resume suspend cancel", "All of one's own jobs", OPTION_ALL },
        { "property", "NAME", "show", "This property only; may be repeated", 'p' },
        { "value", NULL, "show", "Values without names", OPTION_VALUE },
};
/* clang-format on */

#define N_OPTIONS (sizeof(options) / sizeof(options[0]))

/* A word of the option's list, or with verb NULL an option of all verbs. */
static bool option_is_of(const Option *option, const char *verb)
{
        size_t length = verb ? strlen(verb) : 0;

        if (!option->verbs || !verb)
                return !option->verbs && !verb;
        for (const char *at = option->verbs; (at = strstr(at, verb)); at += length)
                if ((at == option->verbs || at[-1] == ' ') &&
                    (at[length] == ' ' || at[length] == '\0'))
                        return true;
        return false;
}

static void option_print(const Option *option, bool with_verbs)
{
        char left[64], letter[3] = "  ", verbs[64] = "";

        if (option->value < 256)
                (void) snprintf(letter, sizeof(letter), "-%c", option->value);
        (void) snprintf(left,
                        sizeof(left),
                        "%s %s%s%s%s",
                        letter,
                        *option->name ? "--" : "",
                        option->name,
                        option->argument && *option->name ? "=" : "",
                        option->argument ? option->argument : "");
        if (with_verbs && option->verbs)
                (void) snprintf(verbs, sizeof(verbs), "%s: ", option->verbs);
        (void) printf("  %-29s %s%s\n", left, verbs, option->help);
}

void options_print(void)
{
        for (size_t i = 0; i < N_OPTIONS; i++)
                option_print(&options[i], true);
}

void options_print_of(const char *verb)
{
        bool begun = false;

        for (size_t i = 0; i < N_OPTIONS; i++) {
                if (!option_is_of(&options[i], verb))
                        continue;
                if (!begun)
                        (void) puts("\nOptions:");
                begun = true;
                option_print(&options[i], false);
        }
}

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
ExitStatus options_parse(Ctl *ctl, int argc, char **argv, bool *ret_help)
{
        struct option long_options[N_OPTIONS + 1];
        char letters[3 * N_OPTIONS];
        int value;

        option_tables(long_options, letters);
        while ((value = getopt_long(argc, argv, letters, long_options, NULL)) >= 0) {
                if (value == '?')
                        return EXIT_USAGE;
                if (value == 'h')
                        *ret_help = true;
                if (value == OPTION_VERSION) {
                        (void) printf("dosvcctl %s\n", VERSION);
                        return EXIT_DONE;
                }
                if (value != 'h' && !option_apply(ctl, value, optarg))
                        return EXIT_USAGE;
        }
        return EXIT_STATUS_MAX;
}
