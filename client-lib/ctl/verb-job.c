/*
 * create, add and the verbs that move a job from state to state.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/local-name.h"

/* A job that got only half of what it should have is of no use to anybody. */
static ExitStatus job_give_up(Ctl *ctl, const char *id, ExitStatus status)
{
        if (status != EXIT_DONE)
                (void) dosvc_job_cancel(ctl->connection, id);
        return status;
}

ExitStatus verb_create(Ctl *ctl, int argc, char **argv)
{
        const char *name = argc > 0 ? argv[0] : ctl->name;
        char id[DOSVC_ID_SIZE];
        ExitStatus status;
        int r;

        status = ctl_connect(ctl);
        if (status == EXIT_DONE)
                status = ctl_read_credentials(ctl);
        if (status != EXIT_DONE)
                return status;
        r = dosvc_job_create(ctl->connection, name, id);
        if (r < 0)
                return ctl_fail(ctl, r, "Cannot create a job");
        status = ctl_set_options(ctl, id);
        if (status == EXIT_DONE)
                status = ctl_set_credentials(ctl, id);
        if (status != EXIT_DONE)
                return job_give_up(ctl, id, status);
        if (ctl->json)
                ctl_print_json(ctl,
                               json_pack("{sissss}", "schema", 1, "id", id, "state", "suspended"));
        else
                (void) puts(id);
        return EXIT_DONE;
}

/* Pairs of names that grow together. */
typedef struct Pairs {
        char **remote;
        char **local;
        size_t n;
} Pairs;

static void pairs_done(Pairs *pairs)
{
        for (size_t i = 0; i < pairs->n; i++) {
                free(pairs->remote[i]);
                free(pairs->local[i]);
        }
        free(pairs->remote);
        free(pairs->local);
}

static int pairs_add(Pairs *pairs, const char *url, const char *destination)
{
        char **remote = reallocarray(pairs->remote, pairs->n + 1, sizeof(*remote)), **local;
        int r;

        if (!remote)
                return -ENOMEM;
        pairs->remote = remote;
        local = reallocarray(pairs->local, pairs->n + 1, sizeof(*local));
        if (!local)
                return -ENOMEM;
        pairs->local = local;
        remote[pairs->n] = strdup(url);
        if (!remote[pairs->n])
                return -ENOMEM;
        r = local_name_resolve(destination, url, &local[pairs->n]);
        if (r < 0)
                free(remote[pairs->n]);
        else
                pairs->n++;
        return r;
}

static ExitStatus pairs_fail(int r, const char *url, const char *destination)
{
        if (r == -ENOMEM)
                return ctl_out_of_memory();
        if (r == -EINVAL)
                ctl_error("%s does not end with a file name; say which: -o FILE", url);
        else
                ctl_error("The directory of %s cannot be used: %s.", destination, strerror(-r));
        return r == -EINVAL ? EXIT_USAGE : EXIT_FAILED;
}

/* "URL [FILE]" a line; empty lines and those that begin with # are comments. */
static ExitStatus pairs_read(const Ctl *ctl, FILE *in, Pairs *pairs)
{
        const char *directory = ctl->directory ? ctl->directory : ".";
        ExitStatus status = EXIT_DONE;
        char *line = NULL;
        size_t room = 0;

        while (status == EXIT_DONE && getline(&line, &room, in) >= 0) {
                char *url = line + strspn(line, " \t"), *file;
                int r;

                url[strcspn(url, "\n")] = '\0';
                if (*url == '\0' || *url == '#')
                        continue;
                file = url + strcspn(url, " \t");
                if (*file) {
                        *file++ = '\0';
                        file += strspn(file, " \t");
                }
                r = pairs_add(pairs, url, *file ? file : directory);
                if (r < 0)
                        status = pairs_fail(r, url, *file ? file : directory);
        }
        free(line);
        return status;
}

static ExitStatus pairs_read_list(const Ctl *ctl, Pairs *pairs)
{
        ExitStatus status;
        FILE *in;

        if (strcmp(ctl->from_file, "-") == 0)
                return pairs_read(ctl, stdin, pairs);
        in = fopen(ctl->from_file, "re");
        if (!in) {
                ctl_error("Cannot read %s: %s.", ctl->from_file, strerror(errno));
                return EXIT_FAILED;
        }
        status = pairs_read(ctl, in, pairs);
        (void) fclose(in);
        return status;
}

static ExitStatus job_add_pairs(Ctl *ctl, const char *id, const Pairs *pairs)
{
        int r;

        if (pairs->n == 0) {
                ctl_error("The list names no file.");
                return EXIT_USAGE;
        }
        if (pairs->n == 1)
                r = dosvc_job_add_file(ctl->connection,
                                       id,
                                       pairs->remote[0],
                                       pairs->local[0],
                                       NULL);
        else
                r = dosvc_job_add_files(ctl->connection,
                                        id,
                                        (const char *const *) pairs->remote,
                                        (const char *const *) pairs->local,
                                        pairs->n);
        if (r < 0)
                return ctl_fail(ctl, r, "Cannot add %s", pairs->n == 1 ? "the file" : "the files");
        return EXIT_DONE;
}

ExitStatus verb_add(Ctl *ctl, int argc, char **argv)
{
        const char *directory = ctl->directory ? ctl->directory : ".";
        Pairs pairs = { 0 };
        char id[DOSVC_ID_SIZE];
        ExitStatus status;
        int r;

        if (ctl->from_file ? argc != 1 : argc < 2) {
                ctl_error("Give a job, a URL and a file, or a job and --from-file=LIST.");
                return EXIT_USAGE;
        }
        status = ctl_find_job(ctl, argv[0], id);
        if (status != EXIT_DONE)
                return status;
        if (ctl->from_file) {
                status = pairs_read_list(ctl, &pairs);
        } else {
                const char *destination = argc > 2           ? argv[2]
                                          : ctl->output_file ? ctl->output_file
                                                             : directory;

                r = pairs_add(&pairs, argv[1], destination);
                if (r < 0)
                        status = pairs_fail(r, argv[1], destination);
        }
        if (status == EXIT_DONE)
                status = job_add_pairs(ctl, id, &pairs);
        pairs_done(&pairs);
        return status;
}

/* The same call for each job named, or for all; the first failure is the exit status. */
typedef int (*job_call_t)(dosvc_connection *connection, const char *job);

static ExitStatus job_call_all(Ctl *ctl, job_call_t call, const char *what)
{
        ExitStatus status, first = EXIT_DONE;
        dosvc_job_list *list;
        int r;

        status = ctl_connect(ctl);
        if (status != EXIT_DONE)
                return status;
        r = dosvc_list_jobs(ctl->connection, 0, ctl->state, &list);
        if (r < 0)
                return ctl_fail(ctl, r, "Cannot list the jobs");
        for (size_t i = 0; i < dosvc_job_list_size(list); i++) {
                const char *id = dosvc_job_list_id(list, i);

                r = call(ctl->connection, id);
                /* Gone meanwhile, or nothing to do for it. */
                if (r >= 0 || r == -ENOENT || r == -ENODATA)
                        continue;
                status = ctl_fail(ctl, r, "Cannot %s %s", what, id);
                if (first == EXIT_DONE)
                        first = status;
        }
        dosvc_job_list_free(list);
        return first;
}

static ExitStatus job_call_each(Ctl *ctl, int argc, char **argv, job_call_t call, const char *what)
{
        ExitStatus first = EXIT_DONE;

        if (ctl->all && argc == 0)
                return job_call_all(ctl, call, what);
        if (argc == 0) {
                ctl_error("Name the job to %s.", what);
                return EXIT_USAGE;
        }
        for (int i = 0; i < argc; i++) {
                char id[DOSVC_ID_SIZE];
                ExitStatus status = ctl_find_job(ctl, argv[i], id);
                int r;

                if (status == EXIT_DONE) {
                        r = call(ctl->connection, id);
                        if (r < 0)
                                status = ctl_fail(ctl, r, "Cannot %s %s", what, argv[i]);
                }
                if (first == EXIT_DONE)
                        first = status;
        }
        return first;
}

ExitStatus verb_resume(Ctl *ctl, int argc, char **argv)
{
        return job_call_each(ctl, argc, argv, dosvc_job_resume, "resume");
}

ExitStatus verb_suspend(Ctl *ctl, int argc, char **argv)
{
        return job_call_each(ctl, argc, argv, dosvc_job_suspend, "suspend");
}

/* --state=error alone means all jobs in that state: to give up is the one thing to do with them. */
ExitStatus verb_cancel(Ctl *ctl, int argc, char **argv)
{
        if (argc == 0 && ctl->state)
                ctl->all = true;
        return job_call_each(ctl, argc, argv, dosvc_job_cancel, "cancel");
}

ExitStatus verb_take_ownership(Ctl *ctl, int argc, char **argv)
{
        return job_call_each(ctl, argc, argv, dosvc_job_take_ownership, "take over");
}

ExitStatus verb_complete(Ctl *ctl, int argc, char **argv)
{
        ExitStatus first = EXIT_DONE;

        for (int i = 0; i < argc; i++) {
                char id[DOSVC_ID_SIZE];
                ExitStatus status = ctl_find_job(ctl, argv[i], id);
                int r = 0;

                if (status == EXIT_DONE)
                        r = dosvc_job_complete(ctl->connection, id);
                if (r < 0)
                        status = ctl_fail(ctl, r, "Cannot complete %s", argv[i]);
                if (r > 0)
                        ctl_note(ctl,
                                 "%s: not all files were finished; those that were not are gone.",
                                 argv[i]);
                if (first == EXIT_DONE)
                        first = status;
        }
        return first;
}
