/*
 * dosvcctl: downloads of dosvcd from the command line. This file has the table of verbs, from which
 * the help is made; the verbs themselves are in verb-*.c, the options in options.c. It stands on
 * the public header of libdosvc alone, as every other program can.
 */
#include <getopt.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ctl/options.h"

typedef struct Verb {
        const char *name;
        const char *alias;
        const char *arguments;
        const char *help;
        int min_arguments;
        int max_arguments; /* -1 = any number */
        ExitStatus (*run)(Ctl *ctl, int argc, char **argv);
        const char *examples; /* lines */
} Verb;

static const Verb verbs[] = {
        { "get",
          NULL,
          "URL...",
          "Fetch files now and put them in place",
          0,
          -1,
          verb_get,
          "dosvcctl get https://example.com/image.iso -d ~/Downloads\n"
          "dosvcctl get --login=alice --checksum=sha256:HEX https://example.com/a.zip\n"
          "dosvcctl get -i urls.txt --no-wait" },
        { "create",
          NULL,
          "[NAME]",
          "Make an empty job and print its id",
          0,
          1,
          verb_create,
          "job=$(dosvcctl create nightly --priority=low)" },
        { "add",
          NULL,
          "JOB URL [FILE]",
          "Add a file, or with --from-file many",
          1,
          3,
          verb_add,
          "dosvcctl add $job https://example.com/a.iso /srv/a.iso\n"
          "dosvcctl add nightly --from-file=list" },
        { "list",
          NULL,
          "[PATTERN]",
          "List jobs, those whose name fits",
          0,
          1,
          verb_list,
          "dosvcctl list --state=error\n"
          "dosvcctl list 'nightly*'" },
        { "show",
          NULL,
          "JOB",
          "Show the properties of a job",
          1,
          1,
          verb_show,
          "dosvcctl show $job\n"
          "dosvcctl show -p State --value nightly" },
        { "files",
          NULL,
          "JOB",
          "List the files of a job",
          1,
          1,
          verb_files,
          "dosvcctl files nightly" },
        { "status",
          NULL,
          "[JOB]",
          "Tell how a job, or the service, is doing",
          0,
          1,
          verb_status,
          "dosvcctl status\n"
          "dosvcctl status nightly" },
        { "explain",
          NULL,
          "JOB",
          "Say why a job waits or failed, and what to do",
          1,
          1,
          verb_explain,
          "dosvcctl explain nightly" },
        { "resume",
          "start",
          "JOB...",
          "Start, go on, or retry at once",
          0,
          -1,
          verb_resume,
          "dosvcctl resume nightly\n"
          "dosvcctl resume --all --state=error" },
        { "suspend",
          "pause",
          "JOB...",
          "Stop, keeping what has been fetched",
          0,
          -1,
          verb_suspend,
          "dosvcctl suspend --all" },
        { "cancel",
          NULL,
          "JOB...",
          "Give up and remove what has been fetched",
          0,
          -1,
          verb_cancel,
          "dosvcctl cancel nightly\n"
          "dosvcctl cancel --state=error" },
        { "complete",
          NULL,
          "JOB...",
          "Put the finished files in place",
          1,
          -1,
          verb_complete,
          "dosvcctl complete nightly\n"
          "dosvcctl complete --partial nightly" },
        { "set",
          NULL,
          "JOB [KEY=VALUE...]",
          "Change a job, or list its keys",
          1,
          -1,
          verb_set,
          "dosvcctl set $job\n"
          "dosvcctl set $job priority=high retry-delay=5min proxy=none" },
        { "edit-url",
          NULL,
          "JOB [NUMBER URL]",
          "Fetch files from other URLs",
          1,
          3,
          verb_edit_url,
          "dosvcctl edit-url $job --from=http://old.example/ --to=https://new.example/\n"
          "dosvcctl edit-url $job 0 https://example.com/other.iso" },
        { "cred",
          NULL,
          "set|list|remove JOB",
          "Set, list or remove credentials",
          2,
          2,
          verb_cred,
          "dosvcctl cred set $job --login=alice\n"
          "dosvcctl cred set $job --scheme=bearer --password-fd=3 3<token\n"
          "dosvcctl cred list $job" },
        { "header",
          NULL,
          "set|show|remove JOB",
          "Headers to send, from stdin",
          2,
          2,
          verb_header,
          "dosvcctl header set $job <headers.txt" },
        { "cert",
          NULL,
          "set|remove JOB ...",
          "Set or remove a client certificate",
          2,
          4,
          verb_cert,
          "dosvcctl cert set $job client.pem client.key --ask-password" },
        { "take-ownership",
          NULL,
          "JOB...",
          "Become the owner (root)",
          1,
          -1,
          verb_take_ownership,
          "dosvcctl take-ownership $job" },
        { "reload",
          NULL,
          "",
          "Have the configuration read again (root)",
          0,
          0,
          verb_reload,
          "dosvcctl reload" },
        { "attach",
          NULL,
          "JOB",
          "Show the progress of a job until it is done",
          1,
          1,
          verb_attach,
          "dosvcctl attach nightly" },
        { "wait",
          NULL,
          "JOB...",
          "Wait until jobs are done or have failed",
          1,
          -1,
          verb_wait,
          "dosvcctl wait --timeout=2h nightly && dosvcctl complete nightly" },
        { "monitor",
          NULL,
          "[JOB]",
          "Show what happens, as it happens",
          0,
          1,
          verb_monitor,
          "dosvcctl -j monitor" },
};

#define N_VERBS (sizeof(verbs) / sizeof(verbs[0]))

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

static void help_print(void)
{
        (void) puts("dosvcctl [OPTION...] VERB ...\n\n"
                    "Downloads that survive log-off, crash and reboot.\n\n"
                    "Verbs:");
        help_print_verbs();
        (void) puts("\nJOB is an id, the beginning of one (four digits or more), or a name.\n"
                    "Keys of set are what the service lets change of a job, as in: priority=high\n"
                    "retry-delay=5min proxy=none; 'dosvcctl set JOB' lists them all.\n\nOptions:");
        options_print();
        (void) puts("\nExit status:");
        for (int i = 0; i < EXIT_STATUS_MAX; i++)
                (void) printf("  %2d  %s\n", i, advice_exit_meaning((ExitStatus) i));
        (void) puts("\n'dosvcctl help VERB' has examples. More in dosvcctl(1).");
}

static const Verb *verb_find(const char *name)
{
        for (size_t i = 0; i < N_VERBS; i++)
                if (strcmp(verbs[i].name, name) == 0 ||
                    (verbs[i].alias && strcmp(verbs[i].alias, name) == 0))
                        return &verbs[i];
        ctl_error("There is no verb '%s'; 'dosvcctl --help' lists them.", name);
        return NULL;
}

static void help_print_verb(const Verb *verb)
{
        const char *line = verb->examples, *end;

        (void) printf("dosvcctl [OPTION...] %s %s\n\n%s.\n",
                      verb->name,
                      verb->arguments,
                      verb->help);
        options_print_of(verb->name);
        (void) puts("\nExamples:");
        for (; *line; line = end + (*end == '\n')) {
                end = line + strcspn(line, "\n");
                (void) printf("  %.*s\n", (int) (end - line), line);
        }
        (void) puts("\n'dosvcctl --help' has the options of all verbs.");
}

/* "help", "help VERB", "--help", "VERB ... --help". */
static ExitStatus help_run(const char *name)
{
        const Verb *verb = name ? verb_find(name) : NULL;

        if (name && !verb)
                return EXIT_USAGE;
        if (verb)
                help_print_verb(verb);
        else
                help_print();
        return EXIT_DONE;
}

static ExitStatus verb_run(Ctl *ctl, int argc, char **argv)
{
        const Verb *verb = verb_find(argv[0]);

        if (!verb)
                return EXIT_USAGE;
        argc--;
        argv++;
        if (argc < verb->min_arguments ||
            (verb->max_arguments >= 0 && argc > verb->max_arguments)) {
                ctl_error("Usage: dosvcctl %s %s\n'dosvcctl help %s' says more.",
                          verb->name,
                          verb->arguments,
                          verb->name);
                return EXIT_USAGE;
        }
        return verb->run(ctl, argc, argv);
}

static ExitStatus run(Ctl *ctl, int argc, char **argv)
{
        bool help = false;
        ExitStatus status = options_parse(ctl, argc, argv, &help);
        int left;

        if (status != EXIT_STATUS_MAX)
                return status;
        left = argc - optind;
        argv += optind;
        if (left > 0 && strcmp(argv[0], "help") == 0)
                return help_run(left > 1 ? argv[1] : NULL);
        if (help)
                return help_run(left > 0 ? argv[0] : NULL);
        if (left == 0) {
                ctl_error("Say what to do; 'dosvcctl --help' lists the verbs.");
                return EXIT_USAGE;
        }
        return verb_run(ctl, left, argv);
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
