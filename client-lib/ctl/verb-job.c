/*
 * create, add and the verbs that move a job from state to state.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/file-options.h"
#include "ctl/url-list.h"

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

static ExitStatus job_add_list(Ctl *ctl, const char *job)
{
        char id[DOSVC_ID_SIZE];
        UrlList list = { 0 };
        ExitStatus status;

        if (ctl->digests.n > 0 || ctl->ranges.n > 0) {
                ctl_error("--digest and --range are for one URL, not for a list.");
                return EXIT_USAGE;
        }
        status = ctl_find_job(ctl, job, id);
        if (status == EXIT_DONE)
                status = url_list_read(ctl, &list, ctl->from_file);
        if (status == EXIT_DONE) {
                int r = dosvc_job_add_files(ctl->connection,
                                            id,
                                            (const char *const *) list.urls,
                                            (const char *const *) list.local_names,
                                            list.n);

                if (r < 0)
                        status = ctl_fail(ctl, r, "Cannot add the files");
        }
        url_list_done(&list);
        return status;
}

static ExitStatus job_add_file(Ctl *ctl, const char *id, const UrlList *list, dosvc_values *options)
{
        int r = dosvc_job_add_file_with(ctl->connection,
                                        id,
                                        list->urls[0],
                                        list->local_names[0],
                                        options,
                                        NULL);

        return r < 0 ? ctl_fail(ctl, r, "Cannot add the file") : EXIT_DONE;
}

/* file is NULL where the command line has none. */
static ExitStatus job_add_url(Ctl *ctl, const char *job, const char *url, const char *file)
{
        dosvc_values **options = NULL;
        char id[DOSVC_ID_SIZE];
        UrlList list = { 0 };
        ExitStatus status;

        status = file_options_read(ctl, 1, &options);
        if (status == EXIT_DONE)
                status = ctl_find_job(ctl, job, id);
        if (status == EXIT_DONE)
                status = url_list_add(ctl, &list, url, file);
        if (status == EXIT_DONE)
                status = job_add_file(ctl, id, &list, options ? options[0] : NULL);
        file_options_free(options, 1);
        url_list_done(&list);
        return status;
}

ExitStatus verb_add(Ctl *ctl, int argc, char **argv)
{
        if (ctl->from_file ? argc != 1 : argc < 2) {
                ctl_error("Give a job, a URL and a file, or a job and --from-file=LIST.");
                return EXIT_USAGE;
        }
        if (ctl->from_file)
                return job_add_list(ctl, argv[0]);
        return job_add_url(ctl, argv[0], argv[1], argc > 2 ? argv[2] : NULL);
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

static ExitStatus job_fail_to_complete(const Ctl *ctl, int r, const char *job)
{
        ExitStatus status = ctl_fail(ctl, r, "Cannot complete %s", job);

        if (r == -EBADFD && !ctl->partial)
                ctl_note(ctl,
                         "To give up what is not finished: dosvcctl complete --partial %s",
                         job);
        return status;
}

ExitStatus verb_reload(Ctl *ctl, int argc, char **argv)
{
        ExitStatus status = ctl_connect(ctl);
        int r = status == EXIT_DONE ? dosvc_reload(ctl->connection) : 0;

        return r < 0 ? ctl_fail(ctl, r, "Cannot read the configuration again") : status;
}

ExitStatus verb_complete(Ctl *ctl, int argc, char **argv)
{
        ExitStatus first = EXIT_DONE;

        for (int i = 0; i < argc; i++) {
                char id[DOSVC_ID_SIZE];
                ExitStatus status = ctl_find_job(ctl, argv[i], id);
                int r = 0;

                if (status == EXIT_DONE)
                        r = ctl->partial ? dosvc_job_complete_partial(ctl->connection, id)
                                         : dosvc_job_complete(ctl->connection, id);
                if (r < 0)
                        status = job_fail_to_complete(ctl, r, argv[i]);
                if (r > 0)
                        ctl_note(ctl,
                                 "%s: not all files were finished; those that were not are gone.",
                                 argv[i]);
                if (first == EXIT_DONE)
                        first = status;
        }
        return first;
}
