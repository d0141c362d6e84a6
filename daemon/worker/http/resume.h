/*
 * Resuming: what to ask of a server for a file of which some bytes are on disk already, and what
 * its answer means for them. Bytes of two versions, or of two codings, never meet in one file:
 * unless an answer is proved to continue the version on disk, the file starts again from 0. It does
 * so when the answer that begins again has come, and only if that can be a version of the file: the
 * login page of a hotel's network is not.
 *
 * There are three ways to prove it, from strong to weak. An answer that may be of the version on
 * disk, but is not the part asked for or does not say enough, makes us try the next one:
 *
 *   If-Range with the strong ETag ─► If-Range with the date ─► Range alone, and the answer's
 *   size, ETag and date must be the recorded ones ─► the whole file
 *
 * A part may be shorter than was asked for (RFC 9110 section 15.3.7): the rest is asked for next.
 * A part without a total is one of a file of the recorded size, if everything else is as recorded.
 *
 * If only parts of the file are wanted (worker/parts.h), each is asked for by itself, and the same
 * validators prove that it is of the version that the first one was of.
 *
 * Pure: compares a FileRecord with a Head (RFC 9110 sections 8.8, 13.1.5, 14, 15.3.7).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model/file-record.h"
#include "worker/http/head.h"

typedef enum ResumeValidator {
        RESUME_VALIDATOR_ETAG,
        RESUME_VALIDATOR_DATE,
        RESUME_VALIDATOR_COMPARISON,
        RESUME_VALIDATORS_MAX, /* there is none */
} ResumeValidator;

/* The contents of a request. */
typedef struct ResumePlan {
        bool continues;            /* the answer must be of the version on disk */
        bool joins;                /* it does so at another resource: the checksum has to judge */
        bool elsewhere;            /* the origin is another than the recorded one */
        ResumeValidator validator; /* of a plan that continues */
        uint64_t from;             /* Range; both 0: none */
        uint64_t length_bytes;     /* 0: to the end */
        const char *if_range;      /* borrowed from the record; NULL: no If-Range */
} ResumePlan;

typedef enum ResumeDecision {
        RESUME_APPEND,     /* the body continues at plan.from */
        RESUME_FROM_WHOLE, /* parts are wanted, and the body is the whole version on disk */
        RESUME_FROM_START, /* the body begins with the first bytes wanted: the old ones are lost */
        RESUME_COMPLETE,   /* the bytes on disk are the whole file */
        RESUME_TRY_NEXT,   /* the answer proves nothing: ask again with the next validator */
        RESUME_RESTART,    /* the answer is unusable: ask again from 0, and keep the bytes so far */
        RESUME_REFUSE,     /* the answer is something else than the file: fail, keep the bytes */
        RESUME_INVALID,    /* the answer is unusable, and it is one to a request from 0: fail */
} ResumeDecision;

/*
 * The plan for a request of url. position: bytes of the file that are there; some are missing. The
 * validator is the first one to be considered; if the record does not support it, the nearest one
 * that it does support is taken. A validator proves nothing about another resource: only the URL
 * that the bytes came from (apart from its query, which signed redirects change) is asked to
 * continue them. With a strong ETag and a checksum any URL is, because the checksum tells whether
 * the bytes belong together.
 */
ResumePlan resume_plan(const FileRecord *record,
                       uint64_t position,
                       const char *url,
                       ResumeValidator validator);

/* For the statuses 200, 203, 206, 412 and 416. */
ResumeDecision resume_decide(const FileRecord *record, const ResumePlan *plan, const Head *head);

/* The next weaker validator that the record supports. */
ResumeValidator resume_next_validator(const FileRecord *record, ResumeValidator validator);

/* The part is shorter than the one that was asked for. */
bool resume_is_short(const ResumePlan *plan, const Head *head);

/* Whether a later answer could be proved to be of the version that this answer is of. */
bool resume_is_provable(const Head *head);

/* Why the answer costs the bytes on disk: a sentence. */
const char *
resume_restart_reason(const FileRecord *record, const ResumePlan *plan, const Head *head);

/* Size of the whole remote file: as an answer with a body says, and as the record does. */
uint64_t resume_file_size(const Head *head);
uint64_t resume_recorded_size(const FileRecord *record);
