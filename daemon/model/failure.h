/*
 * Why a file could not be fetched or published, as one value: it is filled where the failure
 * happens and passed on unchanged until the owner reads it as property Error of the job. Between
 * the processes model/wire-failure.h carries it. Transient or fatal follows spec section 3.4 and
 * RFC 9110. Descriptions are sentences for people and never hold the query or the user info of a
 * URL.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"

#include "model/enums.h"

/* The failure is not about one file of the job. */
#define FAILURE_NO_FILE UINT32_MAX

typedef struct Failure {
        uint32_t code; /* model/error-code.h; 0: there is no failure */
        bool transient;
        ErrorContext context;
        uint32_t file;            /* its index in the job, or FAILURE_NO_FILE */
        uint64_t retry_after_sec; /* the pause that the server asked for; 0: none */
        char *description;        /* owned; NULL if there was no memory for it */
        char *url;                /* owned; NULL: the failure is not about a URL */
} Failure;

/* The initial value. */
#define FAILURE_NONE ((Failure){ .file = FAILURE_NO_FILE })

/* Frees the strings; the failure is FAILURE_NONE afterwards. */
void failure_done(Failure *failure);
/* Deep copy into uninitialised memory. -ENOMEM. */
int failure_copy(Failure *failure, const Failure *from);
/* Hands the value over; the failure is FAILURE_NONE afterwards. */
Failure failure_steal(Failure *failure);
/* The description, or "" if there is none. */
const char *failure_text(const Failure *failure);

/*
 * The functions below fill an empty failure, all but its file. One that is filled already keeps
 * its first reason.
 */
void failure_set(Failure *failure,
                 uint32_t code,
                 bool transient,
                 ErrorContext context,
                 const char *url,
                 const char *format,
                 ...) _printf_(6, 7);

/* The remote file does not have all the parts that are wanted. */
void failure_set_no_ranges(Failure *failure, const char *url);

/* The server contradicts itself. predicate ends the sentence "The server's answer for URL …". */
void failure_set_bad_answer(Failure *failure, const char *url, const char *predicate);

/* A local file cannot be written. error: a negative errno, with the meanings of worker/sink.h. */
void failure_set_local(Failure *failure, int error, const char *local_name);

/* The process itself cannot go on, for example for lack of memory. error: a negative errno. */
void failure_set_internal(Failure *failure, int error);

/* Appends another sentence to the description. */
void failure_add(Failure *failure, const char *sentence);
/* Appends the sentence "WHAT: NAME, NAME." of a set of schemes, bits 1 << AuthScheme. */
void failure_add_schemes(Failure *failure, const char *what, unsigned schemes);

/* Reason ("the disk is full") and code of a negative errno, as failure_set_local() has them. */
const char *failure_local_reason(int error);
uint32_t failure_local_code(int error);

/* The failures of several files. */
typedef struct FailureList {
        Failure *entries; /* owned */
        size_t n_entries;
} FailureList;

void failure_list_done(FailureList *list);
/* Takes the failure over, which is FAILURE_NONE afterwards, unless there is no memory. -ENOMEM. */
int failure_list_add(FailureList *list, Failure *failure);
