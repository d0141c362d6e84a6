#include "tests/power-cut/history.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/macro.h"

#define NSEC_PER_SEC 1000000000ULL

/* The states of a job that was resumed: nothing here makes one fail for good. */
#define STATES_RESUMED                                                                             \
        (STATE_BIT(JOB_QUEUED) | STATE_BIT(JOB_CONNECTING) | STATE_BIT(JOB_TRANSFERRING) |         \
         STATE_BIT(JOB_TRANSIENT_ERROR) | STATE_BIT(JOB_TRANSFERRED))

/* Suspend has no effect on a job that has all its files. */
#define STATES_SUSPENDED (STATE_BIT(JOB_SUSPENDED) | STATE_BIT(JOB_TRANSFERRED))

typedef struct Change {
        Verb verb;
        unsigned job;
        int value;
        uint64_t asked_nsec;
        uint64_t answered_nsec; /* 0: not yet */
} Change;

struct History {
        WantedJob jobs[HISTORY_JOBS];
        unsigned n_jobs;
        Change changes[HISTORY_CHANGES]; /* in the order of time, at most the last is open */
        size_t n_changes;
};

uint64_t history_now_nsec(void)
{
        struct timespec now;

        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t) now.tv_sec * NSEC_PER_SEC + (uint64_t) now.tv_nsec;
}

History *history_new(void)
{
        History *history = calloc(1, sizeof(*history));

        ck_assert_ptr_nonnull(history);
        return history;
}

History *history_free(History *history)
{
        for (unsigned i = 0; history && i < history->n_jobs; i++) {
                for (unsigned k = 0; k < history->jobs[i].n_files; k++)
                        free(history->jobs[i].files[k].local);
                free(history->jobs[i].path);
        }
        free(history);
        return NULL;
}

unsigned history_add_job(History *history, uint32_t uid)
{
        ck_assert_uint_lt(history->n_jobs, HISTORY_JOBS);
        history->jobs[history->n_jobs].uid = uid;
        return history->n_jobs++;
}

unsigned history_n_jobs(const History *history)
{
        return history->n_jobs;
}

WantedJob *history_job(History *history, unsigned job)
{
        return &history->jobs[job];
}

void history_ask(History *history, Verb verb, unsigned job, int value)
{
        ck_assert_uint_lt(history->n_changes, HISTORY_CHANGES);
        history->changes[history->n_changes++] = (Change){
                .verb = verb,
                .job = job,
                .value = value,
                .asked_nsec = history_now_nsec(),
        };
}

void history_answered(History *history, int value)
{
        Change *change = &history->changes[history->n_changes - 1];

        change->value = value;
        change->answered_nsec = history_now_nsec();
}

static bool is_certain(const Change *change, const Cut *cut)
{
        return change->answered_nsec != 0 && change->answered_nsec < cut->began_nsec;
}

static void expect_certain(Expectation *e, const Change *change)
{
        switch (change->verb) {
        case VERB_CREATE:
                e->must_exist = e->may_exist = true;
                e->states = STATE_BIT(JOB_SUSPENDED);
                break;
        case VERB_ADD_FILE:
                e->files_min = ++e->files_max;
                break;
        case VERB_SET_CREDENTIALS:
                e->has_password = true;
                break;
        case VERB_DESCRIBE:
                e->text = change->value;
                e->texts_from = e->texts_end = (unsigned) change->value + 1;
                break;
        case VERB_RESUME:
                e->states = STATES_RESUMED;
                e->active = true;
                break;
        case VERB_SUSPEND:
                e->states = STATES_SUSPENDED;
                e->active = false;
                break;
        case VERB_LOOK:
                if (change->value == JOB_TRANSFERRED)
                        e->states = STATE_BIT(JOB_TRANSFERRED);
                break;
        case VERB_COMPLETE:
                e->completed = e->may_be_completed = true;
                e->must_exist = e->may_exist = e->active = false;
                break;
        case VERB_CANCEL:
                /* It may be listed until its files are removed. */
                e->may_be_cancelled = true;
                e->must_exist = e->active = false;
                e->states = STATE_BIT(JOB_CANCELLED);
                break;
        }
}

static void expect_possible(Expectation *e, const Change *change)
{
        switch (change->verb) {
        case VERB_CREATE:
                e->may_exist = true;
                e->states = STATE_BIT(JOB_SUSPENDED);
                break;
        case VERB_ADD_FILE:
                e->files_max++;
                break;
        case VERB_DESCRIBE:
                e->texts_end = (unsigned) change->value + 1;
                break;
        case VERB_RESUME:
                e->states |= STATES_RESUMED;
                break;
        case VERB_SUSPEND:
                e->states |= STATES_SUSPENDED;
                e->active = false;
                break;
        case VERB_COMPLETE:
                e->may_be_completed = true;
                e->must_exist = e->active = false;
                break;
        case VERB_CANCEL:
                e->may_be_cancelled = true;
                e->must_exist = e->active = false;
                e->states |= STATE_BIT(JOB_CANCELLED);
                break;
        case VERB_SET_CREDENTIALS:
        case VERB_LOOK:
                break;
        }
}

Expectation history_expect(const History *history, const Cut *cut, unsigned job)
{
        Expectation e = { .text = -1 };

        for (size_t i = 0; i < history->n_changes; i++) {
                const Change *change = &history->changes[i];

                if (change->job != job || change->asked_nsec > cut->ended_nsec)
                        continue;
                if (is_certain(change, cut))
                        expect_certain(&e, change);
                else
                        expect_possible(&e, change);
        }
        return e;
}

void history_count(const History *history, const Cut *cut, size_t *ret_certain, size_t *ret_open)
{
        *ret_certain = *ret_open = 0;
        for (size_t i = 0; i < history->n_changes; i++) {
                const Change *change = &history->changes[i];

                if (change->verb == VERB_LOOK)
                        continue;
                if (is_certain(change, cut))
                        ++*ret_certain;
                else if (change->asked_nsec <= cut->ended_nsec)
                        ++*ret_open;
        }
}
