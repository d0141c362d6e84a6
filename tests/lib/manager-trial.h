/*
 * Verbs of the manager of tests/lib/manager-fixture while each allocation fails in turn: what is in
 * memory is what is in the store, whatever has failed. Linked only by those tests.
 */
#pragma once

#include <stdbool.h>

#include "manager/job.h"

/* A job, and a verb that is tried on it. */
typedef struct Trial {
        Job *job;
        int (*verb)(Job *job);
        void (*undo)(Job *job); /* undoes what the verb did */
        bool (*is_done)(Job *job);
        int done_result; /* result of Complete or Cancel; 1: not called back yet */
} Trial;

/*
 * Whichever allocation fails, the verb either returns -ENOMEM and changes nothing, or succeeds and
 * changes everything. With memory again it succeeds.
 */
void manager_trial_run(const char *name, Trial *trial);

#define TORTURE(the_job, what)                                                                     \
        manager_trial_run(#what,                                                                   \
                          &(Trial){ .job = (the_job),                                              \
                                    .verb = what,                                                  \
                                    .undo = undo_##what,                                           \
                                    .is_done = is_done_##what })

/* The check of a scenario whose userdata is a Trial: the verb is done if and only if it succeeded.
 */
void manager_trial_check(void *userdata, int result);

/* There is memory again, and everything that was put off for lack of it is due now. */
void manager_trial_expire_timers(void);

/* Fails the test unless memory and disk agree, and no change is pending. */
void manager_trial_check_agreement(void);
