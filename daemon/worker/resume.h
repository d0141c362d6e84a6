/*
 * Resuming: what to ask of a server for a file of which some bytes are here already, and what
 * its answer means for them. Bytes of two versions never meet in one file: whatever is not
 * proved to continue the version on disk starts again from 0.
 *
 * Pure: judges a FileRecord against a Head (RFC 9110 sections 8.8, 13.1.5, 14, 15.3.7).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model/spec.h"
#include "worker/head.h"

/* What the request says. */
typedef struct ResumePlan {
        uint64_t from;        /* Range: bytes=<from>-; 0 = the whole file, no Range */
        const char *if_range; /* borrowed from the record; NULL when from is 0 */
} ResumePlan;

typedef enum ResumeVerdict {
        RESUME_APPEND,     /* the body continues at plan.from */
        RESUME_FROM_START, /* the body is the whole file: nothing of the old bytes stays */
        RESUME_WHOLE,      /* the bytes on disk are the whole file */
        RESUME_ASK_AGAIN,  /* worthless: forget the old bytes, ask for the whole file */
        RESUME_REFUSE,     /* worthless, and the whole file was asked for */
} ResumeVerdict;

/*
 * The plan for a request of url; the offset of the record is what is really on disk. A
 * validator proves nothing about another resource: only the URL that the bytes came from
 * (its query apart, which signed redirects change) is asked to continue them.
 */
ResumePlan resume_plan(const FileRecord *record, const char *url);

/* For the statuses 200, 203, 206 and 416. */
ResumeVerdict resume_judge(const FileRecord *record, const ResumePlan *plan, const Head *head);

/* Size of the whole file as the answer to an APPEND or FROM_START tells it. */
uint64_t resume_total_bytes(const ResumePlan *plan, const Head *head);
