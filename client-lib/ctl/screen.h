/*
 * How a job is shown while somebody waits for it: a bar that is redrawn on a terminal, a line now
 * and then where output is kept (a log, a dumb terminal), or nothing.
 */
#pragma once

#include <dosvc.h>
#include <stdbool.h>
#include <stdint.h>

#include "ctl/ctl.h"
#include "ctl/format.h"

typedef enum ScreenMode {
        SCREEN_NONE,
        SCREEN_LINES,
        SCREEN_BAR,
} ScreenMode;

typedef struct Screen {
        const Ctl *ctl;
        ScreenMode mode;
        const char *id; /* borrowed */
        char *name;     /* owned: of the job, clean */
        char *label;    /* owned: what stands before the bar */
        char state[32];
        Progress progress;
        bool drawn;
        bool was_gone;
        bool silent; /* about obstacles: the caller reports them */
        uint64_t drawn_usec;
        uint64_t drawn_per_cent;
        uint64_t listed_usec; /* when the files were read */
} Screen;

/* The mode that suits stderr and the options. */
void screen_init(Screen *screen, const Ctl *ctl);
void screen_done(Screen *screen);

/*
 * Subscribes to the job, so that dosvc_job_wait() shows it; id is borrowed as long. name may be
 * NULL: the one that the job has. Returns what dosvc_subscribe() does.
 */
int screen_follow(Screen *screen, const char *id, const char *name);

/* Says what keeps the job from going on. */
void screen_report_obstacle(Screen *screen);

/* Ends the line that is being redrawn, before something else is printed. */
void screen_end(Screen *screen);
