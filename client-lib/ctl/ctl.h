/*
 * Shared by the verbs of dosvcctl: options, the connection, finding jobs, reporting errors. Each
 * verb is one function that returns an exit status; dosvcctl.c has their table.
 */
#pragma once

#include <dosvc.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "ctl/advice.h"
#include "ctl/password.h"

typedef enum JsonMode {
        JSON_OFF,
        JSON_SHORT,
        JSON_PRETTY,
} JsonMode;

/* Arguments of an option that may be given again and again, in their order. */
typedef struct Words {
        const char **words; /* owned, with room for every argument of the command line */
        size_t n;
} Words;

typedef struct Ctl {
        dosvc_connection *connection; /* opened by ctl_connect() */
        unsigned int open_flags;
        JsonMode json;
        bool quiet;
        bool no_legend;
        bool all;
        bool all_users;
        bool value_only;
        bool ask_password;
        bool no_ask_password;
        bool no_wait;
        bool retry;
        bool keep;
        bool all_or_nothing;
        bool dry_run;
        bool progress;
        bool partial;
        bool no_complete;
        bool utf8;
        const char *output_file;
        const char *directory;
        const char *name;
        const char *description;
        const char *priority;
        const char *proxy;
        const char *login;
        const char *target;
        const char *scheme;
        const char *state;
        const char *from_file;
        const char *exists; /* what get does with a file that is there: "replace" unless set */
        const char *ca_certificate;
        const char *from;  /* edit-url: prefix to replace */
        const char *to;    /* edit-url: what takes its place */
        int password_fd;   /* -1 = none */
        Password password; /* filled by ctl_read_credentials(), erased by main() */
        uint64_t timeout_usec;
        Words properties; /* show: only these */
        Words digests;    /* add, get: one a file */
        Words ranges;     /* likewise */
        Words headers;    /* get, create: lines */
        const char *user_agent;
} Ctl;

/* "dosvcctl: " and the sentence on stderr, never silenced. */
void ctl_error(const char *format, ...) __attribute__((__format__(__printf__, 1, 2)));
/* Sentences for people on stderr, none with --quiet. */
void ctl_note(const Ctl *ctl, const char *format, ...)
        __attribute__((__format__(__printf__, 2, 3)));

/* Opens the connection, once. EXIT_DONE, or the status; then the error has been printed. */
ExitStatus ctl_connect(Ctl *ctl);

/* Prints what the last call, which returned r, could not do and why; returns the status for it. */
ExitStatus ctl_fail(const Ctl *ctl, int r, const char *format, ...)
        __attribute__((__format__(__printf__, 3, 4)));
ExitStatus ctl_out_of_memory(void);

/*
 * Connects and finds the job that an argument means: its id, the beginning of the id (four digits
 * or more), or its display name. Prints what is wrong, also that several jobs fit.
 */
ExitStatus ctl_find_job(Ctl *ctl, const char *argument, char id[static DOSVC_ID_SIZE]);

/* A hint of advice.h with the job's id put in, for the caller to free; NULL without memory. */
char *ctl_hint_text(const char *hint, const char *id);
/* Prints it; nothing with --quiet. */
void ctl_hint(const Ctl *ctl, FILE *out, const char *hint, const char *id);

/* Text that came from the service, made safe for the terminal. Exits without memory. */
char *ctl_clean(const Ctl *ctl, const char *s);

/* Escape sequence for a state, "" where there are no colours on stdout. */
const char *ctl_state_color(const char *state);

/* One value as the JSON mode wants it, with a newline, flushed; takes over the reference. */
void ctl_print_json(const Ctl *ctl, json_t *value);
/* null for an unknown size, a number otherwise. */
json_t *ctl_json_size(uint64_t bytes);
/* null for never, RFC 3339 in UTC otherwise. */
json_t *ctl_json_time(uint64_t usec);
json_t *ctl_json_strings(const char *const *strings);

/* Prints what the job's property Error says; returns the exit status that fits. */
ExitStatus ctl_print_error(const Ctl *ctl, const dosvc_job_info *info);
/* The same with advice what to do with the job. */
ExitStatus ctl_explain_error(const Ctl *ctl, const dosvc_job_info *info);

/*
 * verb-credentials.c, for --login, --scheme, --target and the like. The first asks for the
 * password, before there is a job that could be left behind; the second sets the credentials. Both
 * do nothing if no option is about credentials.
 */
ExitStatus ctl_read_credentials(Ctl *ctl);
ExitStatus ctl_set_credentials(Ctl *ctl, const char *id);

/* verb-set.c: --priority, --description, --proxy, --cacert and --header of a new job. */
ExitStatus ctl_set_options(Ctl *ctl, const char *id);

/* verb-show.c: all that the service says of a job, or of itself, as an object. */
json_t *ctl_json_properties(const dosvc_values *properties);

/*
 * When the process is interrupted from now on, it says that the job goes on in the background, how
 * to see it again and, unless it completes itself, how to complete it, and ends with
 * EXIT_INTERRUPTED.
 */
void ctl_leave_running(const char *id, bool completes_itself);

ExitStatus verb_get(Ctl *ctl, int argc, char **argv);
ExitStatus verb_create(Ctl *ctl, int argc, char **argv);
ExitStatus verb_add(Ctl *ctl, int argc, char **argv);
ExitStatus verb_list(Ctl *ctl, int argc, char **argv);
ExitStatus verb_show(Ctl *ctl, int argc, char **argv);
ExitStatus verb_files(Ctl *ctl, int argc, char **argv);
ExitStatus verb_status(Ctl *ctl, int argc, char **argv);
ExitStatus verb_explain(Ctl *ctl, int argc, char **argv);
ExitStatus verb_resume(Ctl *ctl, int argc, char **argv);
ExitStatus verb_suspend(Ctl *ctl, int argc, char **argv);
ExitStatus verb_cancel(Ctl *ctl, int argc, char **argv);
ExitStatus verb_complete(Ctl *ctl, int argc, char **argv);
ExitStatus verb_edit_url(Ctl *ctl, int argc, char **argv);
ExitStatus verb_set(Ctl *ctl, int argc, char **argv);
ExitStatus verb_cred(Ctl *ctl, int argc, char **argv);
ExitStatus verb_header(Ctl *ctl, int argc, char **argv);
ExitStatus verb_cert(Ctl *ctl, int argc, char **argv);
ExitStatus verb_reload(Ctl *ctl, int argc, char **argv);
ExitStatus verb_take_ownership(Ctl *ctl, int argc, char **argv);
ExitStatus verb_attach(Ctl *ctl, int argc, char **argv);
ExitStatus verb_wait(Ctl *ctl, int argc, char **argv);
ExitStatus verb_monitor(Ctl *ctl, int argc, char **argv);
