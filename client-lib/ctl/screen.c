#include "ctl/screen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

/* Redraws that nobody could see are left out. */
#define REDRAW_USEC       100000U
#define BAR_INTERVAL_MSEC 200
#define WIDTH_DEFAULT     80

/* A line is printed after this time, or when this much more has come. */
#define LINE_USEC          (10 * 1000000ULL)
#define LINE_PER_CENT      10
#define LINE_INTERVAL_MSEC 1000

/* The name of the file that is being fetched: how often it is looked up, and in how many files. */
#define LIST_USEC 1000000U
#define LIST_MAX  100

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

static bool screen_can_redraw(void)
{
        const char *term = getenv("TERM");

        return isatty(STDERR_FILENO) && term && *term && strcmp(term, "dumb") != 0;
}

void screen_init(Screen *screen, const Ctl *ctl)
{
        *screen = (Screen){ .ctl = ctl, .progress.total_bytes = DOSVC_UNKNOWN_SIZE };
        screen->progress.state = screen->state;
        if (ctl->quiet || ctl->json)
                screen->mode = SCREEN_NONE;
        else
                screen->mode = screen_can_redraw() ? SCREEN_BAR : SCREEN_LINES;
}

void screen_done(Screen *screen)
{
        free(screen->name);
        free(screen->label);
}

void screen_end(Screen *screen)
{
        if (screen->drawn && screen->mode == SCREEN_BAR)
                (void) fputc('\n', stderr);
        screen->drawn = false;
}

static uint64_t screen_per_cent(const Progress *progress)
{
        if (progress->total_bytes == DOSVC_UNKNOWN_SIZE || progress->total_bytes == 0)
                return 0;
        return (uint64_t) (100.0 * (double) progress->done_bytes / (double) progress->total_bytes);
}

/* Whether enough has happened since the last time for something to be drawn again. */
static bool screen_is_due(const Screen *screen, uint64_t now)
{
        uint64_t span = now - screen->drawn_usec;

        if (screen->mode == SCREEN_BAR)
                return !screen->drawn || span >= REDRAW_USEC;
        return span >= LINE_USEC ||
               screen_per_cent(&screen->progress) >= screen->drawn_per_cent + LINE_PER_CENT;
}

static void screen_draw(Screen *screen, bool always)
{
        uint64_t now = screen_now();
        char *line;

        if (screen->mode == SCREEN_NONE || (!always && !screen_is_due(screen, now)))
                return;
        screen->progress.label = screen->label ? screen->label : screen->name;
        line = screen->mode == SCREEN_BAR ? format_progress(&screen->progress, screen_width())
                                          : format_progress_line(&screen->progress);
        if (!line)
                return;
        if (screen->mode == SCREEN_BAR)
                (void) fprintf(stderr, "\r\033[K%s", line);
        else
                (void) fprintf(stderr, "%s\n", line);
        (void) fflush(stderr);
        free(line);
        screen->drawn = true;
        screen->drawn_usec = now;
        screen->drawn_per_cent = screen_per_cent(&screen->progress);
}

static void screen_set_state(Screen *screen, const char *state)
{
        (void) snprintf(screen->state, sizeof(screen->state), "%s", state);
}

/* The first file that has begun and is not whole, clean and owned; NULL if there is none. */
static char *screen_current_file(const Screen *screen)
{
        dosvc_file_list *files;
        char *name = NULL;

        if (dosvc_job_list_files(screen->ctl->connection, screen->id, &files) < 0)
                return NULL;
        for (size_t i = 0; !name && i < dosvc_file_list_size(files); i++) {
                const char *path = dosvc_file_list_local_name(files, i);

                if (dosvc_file_list_bytes_transferred(files, i) > 0 &&
                    !dosvc_file_list_completed(files, i))
                        name = ctl_clean(screen->ctl, strrchr(path, '/') + 1);
        }
        dosvc_file_list_free(files);
        return name;
}

/* "3 of 8, name" for a job of several files. */
static void screen_set_label(Screen *screen, const dosvc_job_info *info)
{
        uint32_t total = dosvc_job_info_files_total(info);
        uint32_t done = dosvc_job_info_files_transferred(info);
        char *file = NULL, *label = NULL;

        if (total <= 1)
                return;
        if (total <= LIST_MAX)
                file = screen_current_file(screen);
        if (asprintf(&label,
                     "%u of %u%s%s",
                     done < total ? done + 1 : total,
                     total,
                     file ? ", " : "",
                     file ? file : "") >= 0) {
                free(screen->label);
                screen->label = label;
        }
        free(file);
}

static void screen_take_info(Screen *screen, const dosvc_job_info *info)
{
        screen_set_state(screen, dosvc_job_info_state(info));
        screen->progress.done_bytes = dosvc_job_info_bytes_transferred(info);
        screen->progress.total_bytes = dosvc_job_info_bytes_total(info);
        screen->progress.rate_bps = dosvc_job_info_rate(info);
        if (!screen->name)
                screen->name = ctl_clean(screen->ctl, dosvc_job_info_display_name(info));
        screen_set_label(screen, info);
}

static int screen_read(Screen *screen)
{
        dosvc_job_info *info;
        int r = dosvc_job_get_info(screen->ctl->connection, screen->id, &info);

        if (r < 0)
                return r;
        screen->listed_usec = screen_now();
        screen_take_info(screen, info);
        dosvc_job_info_free(info);
        return 0;
}

void screen_report_obstacle(Screen *screen)
{
        dosvc_job_info *info;
        char *sentence;

        if (dosvc_job_get_info(screen->ctl->connection, screen->id, &info) < 0)
                return;
        sentence = ctl_clean(screen->ctl, dosvc_job_info_status(info));
        screen_end(screen);
        ctl_note(screen->ctl, "%s", sentence);
        free(sentence);
        dosvc_job_info_free(info);
}

static void screen_report_service(Screen *screen, bool is_gone)
{
        screen_end(screen);
        screen->was_gone = is_gone;
        if (is_gone) {
                ctl_note(screen->ctl, "The service was stopped; this goes on when it is back.");
                screen_set_state(screen, "waiting for the service");
        } else {
                ctl_note(screen->ctl, "The service is back.");
                (void) screen_read(screen);
        }
}

static void screen_take_progress(Screen *screen, const dosvc_event *event)
{
        screen->progress.done_bytes = dosvc_event_bytes_transferred(event);
        screen->progress.total_bytes = dosvc_event_bytes_total(event);
        screen->progress.rate_bps = dosvc_event_rate(event);
        if (screen->mode == SCREEN_BAR && screen->label &&
            screen_now() - screen->listed_usec >= LIST_USEC)
                (void) screen_read(screen);
}

static void screen_on_event(void *userdata, const dosvc_event *event)
{
        Screen *screen = userdata;

        switch (dosvc_event_type(event)) {
        case DOSVC_EVENT_PROGRESS:
                screen_take_progress(screen, event);
                screen_draw(screen, false);
                break;
        case DOSVC_EVENT_STATE:
                screen_set_state(screen, dosvc_event_state(event));
                if (!screen->silent && strcmp(screen->state, "transient-error") == 0)
                        screen_report_obstacle(screen);
                if (screen->mode == SCREEN_BAR)
                        screen_draw(screen, true);
                break;
        case DOSVC_EVENT_CHANGED: /* another file is there, or whole */
                if (screen->mode == SCREEN_BAR)
                        (void) screen_read(screen);
                break;
        case DOSVC_EVENT_SERVICE_GONE:
                screen_report_service(screen, true);
                break;
        case DOSVC_EVENT_SERVICE_BACK:
                if (screen->was_gone)
                        screen_report_service(screen, false);
                break;
        default:
                break;
        }
}

int screen_follow(Screen *screen, const char *id, const char *name)
{
        static const uint64_t intervals_msec[] = {
                [SCREEN_NONE] = 0,
                [SCREEN_LINES] = LINE_INTERVAL_MSEC,
                [SCREEN_BAR] = BAR_INTERVAL_MSEC,
        };
        int r;

        screen->id = id;
        if (name && !screen->name)
                screen->name = ctl_clean(screen->ctl, name);
        r = dosvc_subscribe(screen->ctl->connection,
                            0,
                            id,
                            intervals_msec[screen->mode],
                            screen_on_event,
                            screen);
        if (r >= 0)
                r = screen_read(screen);
        screen->drawn_usec = screen_now();
        return r;
}
