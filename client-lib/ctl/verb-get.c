/*
 * get: one call for the whole life of a job. Interrupted, it leaves the job to the service; the
 * same call again finds it. Where a server does not have one of several files, the others are
 * fetched all the same.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "ctl/ctl.h"
#include "ctl/file-options.h"
#include "ctl/proxy-environment.h"
#include "ctl/screen.h"
#include "ctl/url-list.h"

typedef enum GetState {
        GET_WANTED,
        GET_FETCHED,
        GET_FAILED,
} GetState;

typedef struct Get {
        Ctl *ctl;
        Screen screen;
        UrlList list;
        dosvc_values **options;  /* owned; of each file; NULL: none has any */
        GetState *states;        /* owned; of each file of the list */
        char **reasons;          /* owned; of each file that failed, for JSON */
        char id[DOSVC_ID_SIZE];  /* of the present job */
        char state[32];          /* its last one */
        bool joined;             /* it was there before */
        uint64_t until_usec;     /* DOSVC_FOREVER = no limit */
        ExitStatus first_status; /* of the first file that failed */
} Get;

static uint64_t get_now(void)
{
        struct timespec now;

        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}

static uint64_t get_time_left(const Get *get)
{
        uint64_t now = get_now();

        if (get->until_usec == DOSVC_FOREVER)
                return DOSVC_FOREVER;
        return get->until_usec > now ? get->until_usec - now : 0;
}

static size_t get_count(const Get *get, GetState state)
{
        size_t n = 0;

        for (size_t i = 0; i < get->list.n; i++)
                n += get->states[i] == state;
        return n;
}

/* The name that the job gets in lists, unless --name says another: its first file. */
static const char *get_label(const Get *get)
{
        return get->ctl->name ? get->ctl->name : strrchr(get->list.local_names[0], '/') + 1;
}

/* ----------------------------------------------------------------- files to fetch */

static ExitStatus get_check_exists(const Get *get)
{
        const char *exists = get->ctl->exists;

        if (strcmp(exists, "fail") != 0)
                return EXIT_DONE;
        for (size_t i = 0; i < get->list.n; i++) {
                struct stat st;

                if (lstat(get->list.local_names[i], &st) < 0)
                        continue;
                ctl_error("%s is there already, and is kept.", get->list.local_names[i]);
                return EXIT_FAILED;
        }
        return EXIT_DONE;
}

static ExitStatus get_collect(Get *get, int argc, char **argv)
{
        Ctl *ctl = get->ctl;
        ExitStatus status = EXIT_DONE;

        if (ctl->output_file && strcmp(ctl->output_file, "-") == 0) {
                ctl_error("The service writes files; it cannot write to the standard output. To "
                          "write to a file of that name: -o ./-");
                return EXIT_USAGE;
        }
        if (ctl->output_file && strstr(ctl->output_file, "://")) {
                ctl_error("-o and -O take the name of a file before the URL, as with wget: "
                          "get -O FILE URL");
                return EXIT_USAGE;
        }
        if (argc == 0 && !ctl->from_file) {
                ctl_error("Give a URL, or a list of them: -i FILE");
                return EXIT_USAGE;
        }
        if (ctl->output_file && (argc > 1 || ctl->from_file)) {
                ctl_error("-o names one file; for several URLs use -d DIRECTORY.");
                return EXIT_USAGE;
        }
        for (int i = 0; status == EXIT_DONE && i < argc; i++)
                status = url_list_add(ctl, &get->list, argv[i], NULL);
        if (status == EXIT_DONE && ctl->from_file)
                status = url_list_read(ctl, &get->list, ctl->from_file);
        if (status == EXIT_DONE)
                status = url_list_number(ctl, &get->list, strcmp(ctl->exists, "number") == 0);
        if (status == EXIT_DONE)
                status = get_check_exists(get);
        if (status != EXIT_DONE)
                return status;
        status = file_options_read(ctl, get->list.n, &get->options);
        if (status != EXIT_DONE)
                return status;
        get->states = calloc(get->list.n, sizeof(*get->states));
        get->reasons = calloc(get->list.n, sizeof(*get->reasons));
        return get->states && get->reasons ? EXIT_DONE : ctl_out_of_memory();
}

static void get_print_plan(const Get *get)
{
        for (size_t i = 0; i < get->list.n; i++)
                (void) printf("%s\t%s\n", get->list.urls[i], get->list.local_names[i]);
}

/* ------------------------------------------------------------------------ the job */

/* The same files, with the same names, in the same order. */
static bool get_is_same(const Get *get, const dosvc_file_list *files)
{
        if (dosvc_file_list_size(files) != get->list.n)
                return false;
        for (size_t i = 0; i < get->list.n; i++)
                if (strcmp(dosvc_file_list_remote_name(files, i), get->list.urls[i]) != 0 ||
                    strcmp(dosvc_file_list_local_name(files, i), get->list.local_names[i]) != 0)
                        return false;
        return true;
}

/* Looks for a job of the caller's that fetches these files already. True: get->id is its id. */
static bool get_find_same(Get *get)
{
        dosvc_connection *c = get->ctl->connection;
        dosvc_job_list *jobs;

        /* The list of files does not show what such a job has to verify. */
        if (get->options || dosvc_list_jobs(c, 0, NULL, &jobs) < 0)
                return false;
        for (size_t i = 0; !get->joined && i < dosvc_job_list_size(jobs); i++) {
                const char *id = dosvc_job_list_id(jobs, i);
                dosvc_file_list *files;

                if (strcmp(dosvc_job_list_display_name(jobs, i), get_label(get)) != 0 ||
                    dosvc_job_list_files(c, id, &files) < 0)
                        continue;
                get->joined = get_is_same(get, files);
                dosvc_file_list_free(files);
                if (get->joined)
                        memcpy(get->id, id, DOSVC_ID_SIZE);
        }
        dosvc_job_list_free(jobs);
        return get->joined;
}

/* Adds the files that are still wanted, each with its options. */
static ExitStatus get_add_with_options(Get *get)
{
        for (size_t i = 0; i < get->list.n; i++) {
                int r = get->states[i] != GET_WANTED
                                ? 0
                                : dosvc_job_add_file_with(get->ctl->connection,
                                                          get->id,
                                                          get->list.urls[i],
                                                          get->list.local_names[i],
                                                          get->options[i],
                                                          NULL);

                if (r < 0)
                        return ctl_fail(get->ctl, r, "Cannot add %s", get->list.urls[i]);
        }
        return EXIT_DONE;
}

/* The same for files without options, all or none. */
static ExitStatus get_add_files(Get *get)
{
        const char **urls = calloc(get->list.n, sizeof(*urls));
        const char **local_names = calloc(get->list.n, sizeof(*local_names));
        size_t n = 0;
        int r = -ENOMEM;

        for (size_t i = 0; urls && local_names && i < get->list.n; i++)
                if (get->states[i] == GET_WANTED) {
                        urls[n] = get->list.urls[i];
                        local_names[n++] = get->list.local_names[i];
                }
        if (urls && local_names)
                r = dosvc_job_add_files(get->ctl->connection, get->id, urls, local_names, n);
        free(urls);
        free(local_names);
        if (r == -ENOMEM)
                return ctl_out_of_memory();
        if (r < 0)
                return ctl_fail(get->ctl,
                                r,
                                "Cannot add %s",
                                n == 1 ? get->list.urls[0] : "the files");
        return EXIT_DONE;
}

static ExitStatus get_start(Get *get)
{
        int r = dosvc_job_resume(get->ctl->connection, get->id);

        /* A job that was there already may be whole, or be gone by now because it was. */
        if (r >= 0 || (get->joined && (r == -EBADFD || r == -ENOENT)))
                return EXIT_DONE;
        return ctl_fail(get->ctl, r, "Cannot start the job");
}

static ExitStatus get_follow(Get *get)
{
        int r = screen_follow(&get->screen, get->id, get_label(get));

        return r < 0 ? ctl_fail(get->ctl, r, "Cannot follow %s", get->id) : EXIT_DONE;
}

static ExitStatus get_join(Get *get)
{
        ExitStatus status;

        ctl_note(get->ctl, "This goes on with the job that is there already: %s", get->id);
        status = ctl_set_credentials(get->ctl, get->id);
        if (status == EXIT_DONE)
                status = get_follow(get);
        return status == EXIT_DONE ? get_start(get) : status;
}

/* A person who sets http_proxy expects it to be used, although the service does not see it. */
static ExitStatus get_set_proxy(const Get *get)
{
        dosvc_connection *c = get->ctl->connection;
        ProxyEnvironment environment;
        int r;

        if (get->ctl->proxy)
                return EXIT_DONE;
        r = proxy_environment_read(&environment);
        if (r < 0) {
                ctl_error("Cannot use http_proxy and no_proxy: %s.", strerror(-r));
                return EXIT_FAILED;
        }
        if (!environment.proxies[0]) {
                proxy_environment_done(&environment);
                return EXIT_DONE;
        }
        ctl_note(get->ctl,
                 "Using the proxy of the environment, %s; not with --proxy=preconfig.",
                 strchr(environment.proxies[0], '=') + 1);
        r = dosvc_job_set_proxy(c,
                                get->id,
                                "override",
                                (const char *const *) environment.proxies,
                                (const char *const *) environment.bypass);
        for (size_t i = 0; r >= 0 && environment.user_name && i < 2; i++)
                r = dosvc_job_set_credentials(c,
                                              get->id,
                                              "proxy",
                                              i == 0 ? "basic" : "digest",
                                              environment.user_name,
                                              environment.password,
                                              strlen(environment.password));
        proxy_environment_done(&environment);
        return r < 0 ? ctl_fail(get->ctl, r, "Cannot use the proxy of the environment") : EXIT_DONE;
}

/* So that the files get their names also if nobody waits any more. */
static ExitStatus get_set_auto_complete(const Get *get)
{
        int r = 0;

        if (!get->ctl->no_complete)
                r = dosvc_job_set_boolean(get->ctl->connection, get->id, "AutoComplete", true);
        /* An older service completes a job when it is told to. */
        return r < 0 && r != -EINVAL && r != -EBADR
                       ? ctl_fail(get->ctl, r, "Cannot have the job completed")
                       : EXIT_DONE;
}

static ExitStatus get_prepare(Get *get)
{
        ExitStatus status = ctl_set_options(get->ctl, get->id);

        if (status == EXIT_DONE)
                status = get_set_auto_complete(get);

        if (status == EXIT_DONE)
                status = get_set_proxy(get);
        if (status == EXIT_DONE)
                status = ctl_set_credentials(get->ctl, get->id);
        if (status == EXIT_DONE)
                status = get_follow(get);
        if (status == EXIT_DONE)
                status = get->options ? get_add_with_options(get) : get_add_files(get);
        return status == EXIT_DONE ? get_start(get) : status;
}

static ExitStatus get_create(Get *get)
{
        ExitStatus status;
        int r = dosvc_job_create(get->ctl->connection, get_label(get), get->id);

        if (r < 0)
                return ctl_fail(get->ctl, r, "Cannot create a job");
        status = get_prepare(get);
        if (status != EXIT_DONE)
                (void) dosvc_job_cancel(get->ctl->connection, get->id);
        return status;
}

/* ------------------------------------------------------------------------- waiting */

/*
 * An obstacle that a person has most likely typed. The service tries such a job again for a long
 * time, which nobody who waits at a terminal expects.
 */
static bool get_is_likely_typo(const dosvc_job_info *info)
{
        static const char *const names[] = {
                "name-resolution-failure", "proxy-name-resolution-failure", "connect-failure",
                "invalid-proxy-info",      "proxy-detection-failed",
        };

        if (dosvc_job_info_bytes_transferred(info) > 0)
                return false;
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
                if (strcmp(dosvc_job_info_error_name(info), names[i]) == 0)
                        return true;
        return false;
}

/* Waits for the end of the job; an obstacle that will pass is waited for as well. */
static int get_wait(Get *get)
{
        static const char *const end[] = { "error",
                                           "transferred",
                                           "cancelled",
                                           "transient-error",
                                           NULL };
        const char *const patient[] = { "error", "transferred", "cancelled", NULL };
        const char *const *states = get->ctl->retry ? patient : end;
        const char *state;

        get->screen.silent = !get->ctl->retry;
        for (;;) {
                bool is_likely_typo;
                dosvc_job_info *info;
                int r = dosvc_job_wait(get->ctl->connection,
                                       get->id,
                                       states,
                                       get_time_left(get),
                                       &state);

                if (r < 0)
                        return r;
                (void) snprintf(get->state, sizeof(get->state), "%s", state);
                if (strcmp(state, "transient-error") != 0)
                        return 0;
                r = dosvc_job_get_info(get->ctl->connection, get->id, &info);
                if (r < 0)
                        return r;
                is_likely_typo = get_is_likely_typo(info);
                dosvc_job_info_free(info);
                if (is_likely_typo)
                        return 0;
                screen_report_obstacle(&get->screen);
                get->screen.silent = false;
                states = patient;
        }
}

/* ------------------------------------------------------------------------- results */

static void get_mark_fetched(Get *get, const dosvc_file_list *files)
{
        size_t at = 0;

        for (size_t i = 0; i < get->list.n && at < dosvc_file_list_size(files); i++)
                if (get->states[i] == GET_WANTED && dosvc_file_list_completed(files, at++))
                        get->states[i] = GET_FETCHED;
}

/* Puts in place what is whole; what is not goes with the job. */
static ExitStatus get_keep_whole_files(Get *get)
{
        dosvc_connection *c = get->ctl->connection;
        dosvc_file_list *files;
        int r = dosvc_job_list_files(c, get->id, &files);

        if (r >= 0) {
                r = dosvc_job_complete_partial(c, get->id);
                if (r >= 0)
                        get_mark_fetched(get, files);
                dosvc_file_list_free(files);
        }
        return r < 0 ? ctl_fail(get->ctl, r, "Cannot put the files in place") : EXIT_DONE;
}

/* The file of the list that is the index-th one of the present job. */
static size_t get_find_file(const Get *get, int64_t index)
{
        for (size_t i = 0; i < get->list.n; i++)
                if (get->states[i] == GET_WANTED && index-- == 0)
                        return i;
        return get->list.n;
}

static void get_set_failed(Get *get, size_t file, const dosvc_job_info *info, ExitStatus status)
{
        if (file < get->list.n) {
                get->states[file] = GET_FAILED;
                get->reasons[file] = strdup(dosvc_job_info_error_description(info));
        }
        if (get->first_status == EXIT_DONE)
                get->first_status = status;
}

/* The server refuses this file, which says nothing of the others. */
static bool get_can_go_on(const Get *get, const dosvc_job_info *info)
{
        return !get->ctl->all_or_nothing && get_count(get, GET_WANTED) > 1 &&
               strcmp(get->state, "error") == 0 && dosvc_job_info_error_file(info) >= 0 &&
               strcmp(dosvc_job_info_error_context(info), "remote-file") == 0 &&
               advice_exit_of_job(dosvc_job_info_error_name(info)) != EXIT_CREDENTIALS;
}

/* One line for a file that failed, beside others that have not. */
static void get_report_file(const Get *get, size_t file, const dosvc_job_info *info)
{
        char *url = ctl_clean(get->ctl, get->list.urls[file]);
        char *description = ctl_clean(get->ctl, dosvc_job_info_error_description(info));

        ctl_error("%s: %s [%s]", url, description, dosvc_job_info_error_name(info));
        free(url);
        free(description);
}

/* Nothing has been fetched, so nothing is lost with the job; else it stays, to be resumed. */
static ExitStatus get_end_failed(Get *get, const dosvc_job_info *info)
{
        bool keep = get->ctl->keep || get->joined || dosvc_job_info_bytes_transferred(info) > 0;
        ExitStatus status;

        status = keep ? ctl_explain_error(get->ctl, info) : ctl_print_error(get->ctl, info);
        get_set_failed(get, get_find_file(get, dosvc_job_info_error_file(info)), info, status);
        if (keep) {
                ctl_note(get->ctl,
                         "What has been fetched is kept. To give it up: dosvcctl cancel %s",
                         get->id);
                return status;
        }
        (void) dosvc_job_cancel(get->ctl->connection, get->id);
        if (status == EXIT_CREDENTIALS)
                ctl_note(get->ctl,
                         "To log in: --login=NAME, for a proxy with --target=proxy besides.");
        ctl_note(get->ctl, "Nothing was fetched, so the job is gone; --keep would have kept it.");
        return status;
}

/* The job has failed. True: it is done with, and another one shall fetch the rest. */
static bool get_take_failure(Get *get, ExitStatus *ret_status)
{
        dosvc_job_info *info;
        size_t file;
        int r = dosvc_job_get_info(get->ctl->connection, get->id, &info);
        bool goes_on = false;

        if (r < 0) {
                *ret_status = ctl_fail(get->ctl, r, "Cannot look at %s", get->id);
                return false;
        }
        file = get_find_file(get, dosvc_job_info_error_file(info));
        if (get_can_go_on(get, info) && file < get->list.n) {
                get_report_file(get, file, info);
                *ret_status = get_keep_whole_files(get);
                get_set_failed(get,
                               file,
                               info,
                               advice_exit_of_job(dosvc_job_info_error_name(info)));
                goes_on = *ret_status == EXIT_DONE && get_count(get, GET_WANTED) > 0;
        } else {
                *ret_status = get_end_failed(get, info);
        }
        dosvc_job_info_free(info);
        return goes_on;
}

/* Waits for the present job and takes what it brought. True: the rest needs another job. */
static bool get_finish(Get *get, ExitStatus *ret_status)
{
        int r;

        ctl_leave_running(get->id, !get->ctl->no_complete);
        r = get_wait(get);
        screen_end(&get->screen);
        if (r >= 0 && strcmp(get->state, "cancelled") == 0) {
                ctl_error("The job %s %s.", get->id, advice_meaning_of_state(get->state));
                *ret_status = EXIT_FAILED;
                return false;
        }
        if (r >= 0 && strcmp(get->state, "error") != 0 &&
            strcmp(get->state, "transient-error") != 0) {
                if (strcmp(get->state, "transferred") == 0 && !get->ctl->no_complete)
                        r = dosvc_job_complete(get->ctl->connection, get->id);
                /* It may have put its files in place by itself. */
                if (r == -ENOENT)
                        r = 0;
        } else if (r >= 0) {
                return get_take_failure(get, ret_status);
        }
        if (r == -ETIMEDOUT && !*dosvc_last_error_name(get->ctl->connection)) {
                ctl_error("The job is not done yet, and goes on in the background: %s", get->id);
                *ret_status = EXIT_TIMED_OUT;
                return false;
        }
        *ret_status = r < 0 ? ctl_fail(get->ctl, r, "Cannot finish %s", get->id) : EXIT_DONE;
        for (size_t i = 0; r >= 0 && i < get->list.n; i++)
                if (get->states[i] == GET_WANTED)
                        get->states[i] = GET_FETCHED;
        if (!get->ctl->no_complete)
                (void) snprintf(get->state, sizeof(get->state), "acknowledged");
        else if (r >= 0)
                ctl_note(get->ctl, "To put the files in place: dosvcctl complete %s", get->id);
        return false;
}

static void get_print_json(const Get *get, ExitStatus status)
{
        json_t *files = json_array(), *failed = json_array();

        for (size_t i = 0; i < get->list.n; i++)
                if (get->states[i] == GET_FETCHED)
                        (void) json_array_append_new(files, json_string(get->list.local_names[i]));
                else if (get->states[i] == GET_FAILED)
                        (void) json_array_append_new(failed,
                                                     json_pack("{ssss*}",
                                                               "url",
                                                               get->list.urls[i],
                                                               "description",
                                                               get->reasons[i]));
        ctl_print_json(get->ctl,
                       json_pack("{si ss ss so so si}",
                                 "schema",
                                 1,
                                 "id",
                                 get->id,
                                 "state",
                                 get->state,
                                 "files",
                                 files,
                                 "failed",
                                 failed,
                                 "exit_code",
                                 (int) status));
}

static void get_print_result(const Get *get, ExitStatus status)
{
        if (get->ctl->json) {
                get_print_json(get, status);
                return;
        }
        for (size_t i = 0; i < get->list.n; i++)
                if (get->states[i] == GET_FETCHED)
                        ctl_note(get->ctl, "%s", get->list.local_names[i]);
}

static ExitStatus get_run(Get *get)
{
        ExitStatus status = get_find_same(get) ? get_join(get) : get_create(get);

        if (status != EXIT_DONE)
                return status;
        if (get->ctl->no_wait) {
                (void) puts(get->id);
                return EXIT_DONE;
        }
        while (get_finish(get, &status)) {
                get->joined = false;
                status = get_create(get);
                if (status != EXIT_DONE)
                        break;
        }
        if (get->first_status != EXIT_DONE)
                status = get->first_status;
        get_print_result(get, status);
        return status;
}

static void get_done(Get *get)
{
        for (size_t i = 0; get->reasons && i < get->list.n; i++)
                free(get->reasons[i]);
        free(get->reasons);
        file_options_free(get->options, get->list.n);
        free(get->states);
        url_list_done(&get->list);
        screen_done(&get->screen);
}

ExitStatus verb_get(Ctl *ctl, int argc, char **argv)
{
        Get get = { .ctl = ctl, .until_usec = DOSVC_FOREVER };
        ExitStatus status;

        screen_init(&get.screen, ctl);
        if (ctl->timeout_usec != DOSVC_FOREVER)
                get.until_usec = get_now() + ctl->timeout_usec;
        status = get_collect(&get, argc, argv);
        if (status == EXIT_DONE && ctl->dry_run) {
                get_print_plan(&get);
        } else {
                if (status == EXIT_DONE)
                        status = ctl_connect(ctl);
                if (status == EXIT_DONE)
                        status = ctl_read_credentials(ctl);
                if (status == EXIT_DONE)
                        status = get_run(&get);
        }
        get_done(&get);
        return status;
}
