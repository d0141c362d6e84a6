/*
 * Keeps what the service was asked for and what it answered, in this process, so outside of the
 * disk that loses its power. A change is certain at a cut if its answer had arrived before the
 * cut began; it is possible if it had been asked for before the cut ended; any other must not be
 * there.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/enums.h"

#define HISTORY_JOBS      128
#define HISTORY_CHANGES   8192
#define HISTORY_JOB_FILES 3

typedef enum Verb {
        VERB_CREATE,
        VERB_ADD_FILE,
        VERB_SET_CREDENTIALS,
        VERB_DESCRIBE, /* writes property Description; value: which text */
        VERB_RESUME,
        VERB_SUSPEND,
        VERB_LOOK, /* reads property State; value: what it was */
        VERB_COMPLETE,
        VERB_CANCEL,
} Verb;

typedef struct WantedFile {
        unsigned number; /* of its content */
        uint64_t size_bytes;
        char *local; /* owned */
} WantedFile;

typedef struct WantedJob {
        char *path; /* owned; NULL until CreateJob was answered */
        uint32_t uid;
        bool closed; /* the server asks for the password */
        WantedFile files[HISTORY_JOB_FILES];
        unsigned n_files;
        unsigned n_planned;
        /* Known to the load. */
        bool has_password, resumed, over;
} WantedJob;

/* The moments between which the disk was copied, of process_now_nsec(). */
typedef struct Cut {
        uint64_t began_nsec;
        uint64_t ended_nsec;
        int result;
} Cut;

typedef struct History History;

History *history_new(void);
History *history_free(History *history);

/* A job that nobody was asked for yet; its number. */
unsigned history_add_job(History *history, uint32_t uid);
unsigned history_n_jobs(const History *history);
WantedJob *history_job(History *history, unsigned job);

/* Around each call: what is asked for, and that the answer is here. */
void history_ask(History *history, Verb verb, unsigned job, int value);
void history_answered(History *history, int value);

/* Nanoseconds of the clock that all processes share. */
uint64_t history_now_nsec(void);

#define STATE_BIT(state) (1u << (unsigned) (state))

/* Everything that may be found of a job after a cut. */
typedef struct Expectation {
        bool must_exist, may_exist;
        bool completed, may_be_completed; /* Complete: certain, possible */
        bool may_be_cancelled;
        unsigned files_min, files_max;
        bool has_password;
        unsigned states;     /* STATE_BIT of each that is right */
        int text;            /* of the latest certain Description, -1: none */
        unsigned texts_from; /* texts from this one on are possible too ... */
        unsigned texts_end;  /* ... up to here */
        bool active;         /* goes on by itself */
} Expectation;

Expectation history_expect(const History *history, const Cut *cut, unsigned job);

/* How many changes were answered before the cut, and how many were open in it. */
void history_count(const History *history, const Cut *cut, size_t *ret_certain, size_t *ret_open);
