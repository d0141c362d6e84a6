/*
 * Compares what is found after a cut with what was answered before it. Two looks: at the disk
 * before anything runs on it, and at the service that is started there, which then goes on to the
 * end of every job. Each deviation fails the running test with a sentence.
 */
#pragma once

#include "tests/power-cut/content.h"
#include "tests/power-cut/history.h"
#include "tests/power-cut/load.h"

/* Sums over all cuts; shared by the processes of the tests. */
typedef struct Figures {
        uint64_t cuts;
        uint64_t answered;  /* changes that were answered before the cut, and compared */
        uint64_t open;      /* in the middle of which the cut came */
        uint64_t jobs;      /* found after cuts */
        uint64_t offsets;   /* recorded ones, whose bytes were compared */
        uint64_t published; /* files under final names that were compared, before the start */
        uint64_t whole;     /* files that were fetched to their end afterwards */
        uint64_t active;    /* files that were coming when the cut came */
        uint64_t lost_bytes, most_lost_bytes; /* sent to them, and not recorded */
        uint64_t clone_usec;                  /* the longest */
} Figures;

/* A file as it is found on the disk. */
typedef struct Found {
        bool recorded;
        bool continues; /* bytes of it are kept */
        uint32_t restarts;
} Found;

typedef struct Verdict {
        Load *load; /* borrowed */
        const Cut *cut;
        const uint64_t *positions; /* of the server, when the cut began */
        const char *state_dir;
        const char *work_dir; /* for a copy of the database */
        Figures *figures;
        Found found[HISTORY_JOBS][HISTORY_JOB_FILES];
} Verdict;

void verdict_disk(Verdict *verdict);
void verdict_service(Verdict *verdict);
