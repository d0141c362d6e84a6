/*
 * The steps that a child takes between fork(2) and exec(2), so that the program it becomes, or
 * the foreign code that it calls, gets nothing of this process by accident: no signal that is
 * blocked or ignored, no key, no descriptor.
 *
 * All functions are async-signal-safe, so they may follow a fork() of any process. Each of them
 * can fail, and a child that could not take one of the steps must exit instead of going on.
 * Follows signal-safety(7), keyrings(7), close_range(2).
 */
#pragma once

/* The descriptors of a child, besides 0 to 2; all above are closed. */
enum {
        CHILD_LINK_FD = 3,     /* the program's connection to the process that started it */
        CHILD_PROGRAM_FD,      /* until exec: the program, or the directory that it is in */
        CHILD_STATUS_FD,       /* until exec: for a report of what went wrong */
        CHILD_FIRST_CLOSED_FD, /* this one and all above are closed */
};

/* Borrowed descriptors of the parent; a negative one leaves its number closed. */
typedef struct ChildDescriptors {
        int output;  /* becomes stdout; negative: stdout is where stderr is, the log */
        int link;    /* becomes CHILD_LINK_FD */
        int program; /* becomes CHILD_PROGRAM_FD, which exec closes */
        int status;  /* becomes CHILD_STATUS_FD, which exec closes */
} ChildDescriptors;

/* Default actions for all signals, none of them blocked. */
int child_reset_signals(void);

/*
 * Leaves the session keyring, which fork(2) and exec(2) hand on and which in the manager holds the
 * key of the vault, for an empty one. A kernel that has no keys, or a filter that hides them from
 * this process, counts as success: then there is nothing to inherit.
 */
int child_leave_keyring(void);

/*
 * Makes stdin /dev/null, keeps stderr, puts the given descriptors where ChildDescriptors says and
 * closes all others.
 */
int child_arrange_descriptors(const ChildDescriptors *given);

/* Closes what was opened since child_arrange_descriptors(). */
int child_close_others(void);
