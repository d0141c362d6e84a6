/*
 * Resuming: what to ask of a server for a file of which some bytes are here already, and what
 * its answer means for them. Bytes of two versions never meet in one file: whatever is not
 * proved to continue the version on disk starts again from 0.
 *
 * A ladder, climbed one rung for each answer that may be of the version on disk without being
 * the part asked for, or without saying enough:
 *
 *   If-Range with the strong ETag ─► If-Range with the date ─► Range alone, and the answer's
 *   size, ETag and date must be the recorded ones ─► the whole file
 *
 * Where only parts of the file are wanted (worker/parts.h), each is asked for by itself, and
 * the same ladder proves that it is of the version that the first was of.
 *
 * Pure: judges a FileRecord against a Head (RFC 9110 sections 8.8, 13.1.5, 14, 15.3.7).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model/spec.h"
#include "worker/http/head.h"

typedef enum ResumeValidator {
        RESUME_VALIDATOR_ETAG,
        RESUME_VALIDATOR_DATE,
        RESUME_VALIDATOR_COMPARISON,
        RESUME_VALIDATORS_MAX, /* there is none */
} ResumeValidator;

/* What the request says. */
typedef struct ResumePlan {
        bool continues;        /* the answer must be of the version on disk */
        ResumeValidator rung;  /* of a plan that continues */
        uint64_t from;         /* Range; both 0: none */
        uint64_t length_bytes; /* 0: to the end */
        const char *if_range;  /* borrowed from the record; NULL = no If-Range */
} ResumePlan;

typedef enum ResumeDecision {
        RESUME_APPEND,     /* the body continues at plan.from */
        RESUME_FROM_WHOLE, /* the version on disk, but all of it, where parts are wanted */
        RESUME_FROM_START, /* the body has the first bytes wanted: nothing of the old stays */
        RESUME_COMPLETE,   /* the bytes on disk are the whole file */
        RESUME_TRY_NEXT,   /* not wanted: ask again from the next rung */
        RESUME_RESTART,    /* worthless: forget the old bytes, ask for the first ones */
        RESUME_INVALID,    /* worthless, and the first ones were asked for */
} ResumeDecision;

/*
 * The plan for a request of url; position: bytes that are there, not all. Begins with rung where
 * the record has what that takes, else with the nearest. A validator proves nothing about another
 * resource: only the URL that the bytes came from (its query apart, which signed redirects change)
 * is asked to continue them.
 */
ResumePlan
resume_plan(const FileRecord *record, uint64_t position, const char *url, ResumeValidator rung);

/* For the statuses 200, 203, 206, 412 and 416. */
ResumeDecision resume_decide(const FileRecord *record, const ResumePlan *plan, const Head *head);

/* The rung after that one for which the record has what it takes. */
ResumeValidator resume_next_validator(const FileRecord *record, ResumeValidator rung);

/* Why the answer costs the bytes on disk: a sentence. */
const char *
resume_restart_reason(const FileRecord *record, const ResumePlan *plan, const Head *head);

/* Size of the whole remote file as an answer that is wanted tells it. */
uint64_t resume_file_size(const Head *head);
