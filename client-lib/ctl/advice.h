/*
 * The exit status and the advice for each error that a user of dosvcctl can meet. Tables only.
 */
#pragma once

/* Exit statuses are a promise to scripts: the help and the manual list them. */
typedef enum ExitStatus {
        EXIT_DONE = 0,
        EXIT_FAILED = 1,
        EXIT_USAGE = 2,
        EXIT_NO_JOB = 3,
        EXIT_NOT_PERMITTED = 4,
        EXIT_NO_SERVICE = 5,
        EXIT_TIMED_OUT = 6,
        EXIT_INTERRUPTED = 7,
        EXIT_CREDENTIALS = 8,
        EXIT_NO_SPACE = 9,
        EXIT_INTEGRITY = 10,
        EXIT_REMOTE_NOT_FOUND = 11,
        EXIT_NETWORK = 12,
        EXIT_INVALID_STATE = 13,
        EXIT_QUOTA = 14,
        EXIT_STATUS_MAX,
} ExitStatus;

/* The meaning of an exit status, as "no such job". */
const char *advice_exit_meaning(ExitStatus status);

/* The exit status for a call that failed with that negative errno. */
ExitStatus advice_exit_of_call(int r);
/* Advice on what to do about it: a sentence, or "" if there is none. */
const char *advice_hint_of_call(int r);

/* The exit status for a job whose property Error has that name ("http-401"). */
ExitStatus advice_exit_of_job(const char *error_name);
/* Advice on it: sentences in which every "%s" stands for the job's id, or "". */
const char *advice_hint_of_job(const char *error_name);

/* The end of a sentence that begins with the job's name; "" for a state that is not known here. */
const char *advice_meaning_of_state(const char *state);
