/*
 * What an error means for whoever runs dosvcctl: its exit status and what to do about it.
 * Tables only.
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

/* "no such job" */
const char *advice_exit_meaning(ExitStatus status);

/* For a call that failed with that negative errno. */
ExitStatus advice_exit_of_call(int r);
/* What to do about it, a sentence or "". */
const char *advice_hint_of_call(int r);

/* For a job whose property Error has that name ("http-401"). */
ExitStatus advice_exit_of_job(const char *error_name);
/* What to do about it: sentences in which every "%s" is the job's id, or "". */
const char *advice_hint_of_job(const char *error_name);

/* What the state means, without the job's name; "" for one that is not known here. */
const char *advice_meaning_of_state(const char *state);
