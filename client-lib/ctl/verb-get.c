/*
 * get: one call for the whole life of a job. Interrupted, it leaves the job to the service.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ctl/file-options.h"
#include "ctl/format.h"
#include "ctl/local-name.h"

/* Redraws that nobody could see are left out. */
#define REDRAW_USEC            100000
#define PROGRESS_INTERVAL_MSEC 200
#define WIDTH_DEFAULT          80

/* The progress line on the terminal. */
typedef struct Screen {
        const Ctl *ctl;
        bool on;
        bool drawn;
        char *label; /* owned */
        char state[32];
        Progress progress;
        uint64_t drawn_at;
} Screen;

static size_t screen_width(void)
{
        struct winsize size;

        if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col < 20)
                return WIDTH_DEFAULT;
        return size.ws_col - 1u;
}

static uint64_t screen_now(void)
{
        struct timespec now;

        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}

static void screen_draw(Screen *screen, bool always)
{
        uint64_t now = screen_now();
        char *line;

        if (!screen->on || (!always && screen->drawn && now - screen->drawn_at < REDRAW_USEC))
                return;
        line = format_progress(&screen->progress, screen_width());
        if (!line)
                return;
        (void) fprintf(stderr, "\r\033[K%s", line);
        (void) fflush(stderr);
        free(line);
        screen->drawn = true;
        screen->drawn_at = now;
}

static void screen_end(Screen *screen)
{
        if (screen->drawn)
                (void) fputc('\n', stderr);
        screen->drawn = false;
}

static void screen_set_state(Screen *screen, const char *state)
{
        (void) snprintf(screen->state, sizeof(screen->state), "%s", state);
        screen->progress.state = screen->state;
}

/* An obstacle is reported once each time it comes up, also where there is no bar. */
static void screen_tell_obstacle(Screen *screen, const char *id)
{
        dosvc_job_info *info;
        char *sentence;

        if (screen->ctl->quiet || dosvc_job_get_info(screen->ctl->connection, id, &info) < 0)
                return;
        sentence = ctl_clean(screen->ctl, dosvc_job_info_status(info));
        screen_end(screen);
        ctl_note(screen->ctl, "%s", sentence);
        free(sentence);
        dosvc_job_info_free(info);
}

static void screen_on_event(void *userdata, const dosvc_event *event)
{
        Screen *screen = userdata;

        switch (dosvc_event_type(event)) {
        case DOSVC_EVENT_PROGRESS:
                screen->progress.done_bytes = dosvc_event_bytes_transferred(event);
                screen->progress.total_bytes = dosvc_event_bytes_total(event);
                screen->progress.rate_bps = dosvc_event_rate(event);
                screen_draw(screen, false);
                break;
        case DOSVC_EVENT_STATE:
                screen_set_state(screen, dosvc_event_state(event));
                if (strcmp(screen->state, "transient-error") == 0)
                        screen_tell_obstacle(screen, dosvc_event_job(event));
                screen_draw(screen, true);
                break;
        case DOSVC_EVENT_SERVICE_GONE:
                screen_set_state(screen, "waiting for the service");
                screen_draw(screen, true);
                break;
        default:
                break;
        }
}

/* ----------------------------------------------------------------------- the job */

static ExitStatus get_local_name(const Ctl *ctl, const char *url, char **ret)
{
        const char *destination = ctl->output_file ? ctl->output_file
                                  : ctl->directory ? ctl->directory
                                                   : ".";
        char *path;
        int r;

        /* A directory that is not there must not be taken for a file. */
        if (!ctl->output_file) {
                if (asprintf(&path, "%s/", destination) < 0)
                        return ctl_out_of_memory();
                r = local_name_resolve(path, url, ret);
                free(path);
        } else {
                r = local_name_resolve(destination, url, ret);
        }
        if (r >= 0)
                return EXIT_DONE;
        if (r == -ENOMEM)
                return ctl_out_of_memory();
        if (r == -EINVAL)
                ctl_error("%s does not end with a file name; say which: -o FILE", url);
        else
                ctl_error("The directory of %s cannot be used: %s.", destination, strerror(-r));
        return r == -EINVAL ? EXIT_USAGE : EXIT_FAILED;
}

/* The files of the command line: each is one URL, one local name, and perhaps options. */
typedef struct Files {
        size_t n;
        char **urls;
        char **local_names;     /* owned */
        dosvc_values **options; /* owned; NULL = none has any */
} Files;

static ExitStatus get_add_files(Ctl *ctl, const char *id, const Files *files)
{
        size_t i = 0;
        int r = 0;

        if (!files->options)
                r = dosvc_job_add_files(ctl->connection,
                                        id,
                                        (const char *const *) files->urls,
                                        (const char *const *) files->local_names,
                                        files->n);
        for (; files->options && i < files->n; i++) {
                r = dosvc_job_add_file_with(ctl->connection,
                                            id,
                                            files->urls[i],
                                            files->local_names[i],
                                            files->options[i],
                                            NULL);
                if (r < 0)
                        break;
        }
        if (r < 0)
                return ctl_fail(ctl,
                                r,
                                "Cannot add %s",
                                files->options || files->n == 1 ? files->urls[i] : "the files");
        return EXIT_DONE;
}

static ExitStatus get_prepare(Ctl *ctl, const char *id, const Files *files)
{
        ExitStatus status = ctl_set_options(ctl, id);
        int r;

        if (status == EXIT_DONE)
                status = ctl_set_credentials(ctl, id);
        if (status == EXIT_DONE)
                status = get_add_files(ctl, id, files);
        if (status != EXIT_DONE)
                return status;
        r = dosvc_job_resume(ctl->connection, id);
        return r < 0 ? ctl_fail(ctl, r, "Cannot start the job") : EXIT_DONE;
}

static ExitStatus get_tell_failure(Ctl *ctl, const char *id, const char *state)
{
        dosvc_job_info *info;
        ExitStatus status;
        int r;

        if (strcmp(state, "error") != 0) {
                ctl_error("The job %s %s.", id, advice_meaning_of_state(state));
                return EXIT_FAILED;
        }
        r = dosvc_job_get_info(ctl->connection, id, &info);
        if (r < 0)
                return ctl_fail(ctl, r, "Cannot look at %s", id);
        status = ctl_explain_error(ctl, info);
        ctl_note(ctl, "What has been fetched is kept. To give it up: dosvcctl cancel %s", id);
        dosvc_job_info_free(info);
        return status;
}

static ExitStatus get_wait(Ctl *ctl, const char *id, Screen *screen)
{
        static const char *const states[] = { "error", "transferred", NULL };
        const char *state;
        ExitStatus status = EXIT_DONE;
        int r;

        r = dosvc_job_wait(ctl->connection, id, states, ctl->timeout_usec, &state);
        if (r >= 0)
                screen_set_state(screen, state);
        if (r >= 0 && strcmp(state, "transferred") == 0)
                r = dosvc_job_complete(ctl->connection, id);
        else if (r >= 0 && strcmp(state, "acknowledged") != 0) {
                screen_end(screen);
                return get_tell_failure(ctl, id, screen->state);
        }
        screen_end(screen);
        if (r == -ETIMEDOUT && !*dosvc_last_error_name(ctl->connection)) {
                ctl_error("The job is not done yet, and goes on in the background: %s", id);
                return EXIT_TIMED_OUT;
        }
        if (r < 0)
                status = ctl_fail(ctl, r, "Cannot finish %s", id);
        return status;
}

static void get_print_result(const Ctl *ctl, const char *id, const Files *files)
{
        json_t *names;

        if (!ctl->json) {
                for (size_t i = 0; i < files->n; i++)
                        ctl_note(ctl, "%s", files->local_names[i]);
                return;
        }
        names = json_array();
        for (size_t i = 0; i < files->n; i++)
                (void) json_array_append_new(names, json_string(files->local_names[i]));
        ctl_print_json(ctl,
                       json_pack("{si ss ss so si}",
                                 "schema",
                                 1,
                                 "id",
                                 id,
                                 "state",
                                 "acknowledged",
                                 "files",
                                 names,
                                 "exit_code",
                                 EXIT_DONE));
}

/* The name that the job gets in lists, unless --name says another: its first file. */
static const char *get_label(const Ctl *ctl, const char *local_name)
{
        return ctl->name ? ctl->name : strrchr(local_name, '/') + 1;
}

static ExitStatus get_run(Ctl *ctl, const Files *files, Screen *screen)
{
        char id[DOSVC_ID_SIZE];
        ExitStatus status;
        int r;

        r = dosvc_job_create(ctl->connection, get_label(ctl, files->local_names[0]), id);
        if (r < 0)
                return ctl_fail(ctl, r, "Cannot create a job");
        r = dosvc_subscribe(ctl->connection,
                            0,
                            id,
                            screen->on ? PROGRESS_INTERVAL_MSEC : 0,
                            screen_on_event,
                            screen);
        if (r < 0)
                status = ctl_fail(ctl, r, "Cannot subscribe");
        else
                status = get_prepare(ctl, id, files);
        if (status != EXIT_DONE) {
                (void) dosvc_job_cancel(ctl->connection, id);
                return status;
        }
        if (ctl->no_wait) {
                (void) puts(id);
                return EXIT_DONE;
        }
        ctl_leave_running(id);
        status = get_wait(ctl, id, screen);
        if (status == EXIT_DONE)
                get_print_result(ctl, id, files);
        return status;
}

static ExitStatus get_files(Ctl *ctl, Files *files)
{
        Screen screen = { .ctl = ctl, .progress.total_bytes = DOSVC_UNKNOWN_SIZE };
        ExitStatus status = file_options_read(ctl, files->n, &files->options);

        for (size_t i = 0; status == EXIT_DONE && i < files->n; i++)
                status = get_local_name(ctl, files->urls[i], &files->local_names[i]);
        if (status == EXIT_DONE)
                status = ctl_connect(ctl);
        if (status == EXIT_DONE)
                status = ctl_read_credentials(ctl);
        if (status != EXIT_DONE)
                return status;
        screen.on = !ctl->quiet && !ctl->json && isatty(STDERR_FILENO);
        screen.label = ctl_clean(ctl, get_label(ctl, files->local_names[0]));
        screen.progress.label = screen.label;
        screen_set_state(&screen, "queued");
        status = get_run(ctl, files, &screen);
        free(screen.label);
        return status;
}

ExitStatus verb_get(Ctl *ctl, int argc, char **argv)
{
        Files files = { .n = (size_t) argc, .urls = argv };
        ExitStatus status;

        if (ctl->output_file && argc > 1) {
                ctl_error("-o names one file; for several URLs use -d DIRECTORY.");
                return EXIT_USAGE;
        }
        files.local_names = calloc(files.n, sizeof(*files.local_names));
        if (!files.local_names)
                return ctl_out_of_memory();
        status = get_files(ctl, &files);
        for (size_t i = 0; i < files.n; i++)
                free(files.local_names[i]);
        free(files.local_names);
        file_options_free(files.options, files.n);
        return status;
}
