/*
 * Why a file could not be had: the verdict that goes to the manager, transient or fatal as
 * spec section 3.4 and RFC 9110 have it, with a sentence for people. Sentences never hold
 * the query or the user info of a URL.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/macro.h"

#include "model/spec.h"

typedef struct Failure {
        uint32_t code; /* model/error-code.h; 0: no failure */
        bool transient;
        ErrorContext context;
        uint64_t retry_after_sec; /* what the server asked for; 0 = nothing */
        char *description;        /* owned; may be NULL for lack of memory */
        char *url;                /* owned; NULL = none */
} Failure;

void failure_done(Failure *failure);

/* Moves: from is empty afterwards. */
void failure_move(Failure *failure, Failure *from);

/* Fills an empty failure; one that is filled already keeps its first reason. */
void failure_set(Failure *failure,
                 uint32_t code,
                 bool transient,
                 ErrorContext context,
                 const char *url,
                 const char *format,
                 ...) _printf_(6, 7);

/* An answer that is no success; by_proxy: the proxy refused, the server was not reached. */
void failure_set_status(Failure *failure,
                        unsigned status,
                        const char *url,
                        bool by_proxy,
                        uint64_t retry_after_sec);

/* An answer that is no success because the server saw no client certificate. */
void failure_set_no_certificate(Failure *failure, unsigned status, const char *url);

/* The file has not all the parts that are wanted. */
void failure_set_no_ranges(Failure *failure, const char *url);

/* The server's answer "is", "has" …: text goes on. */
void failure_set_bad_answer(Failure *failure, const char *url, const char *text);

/* Another sentence behind those that it has. */
void failure_add(Failure *failure, const char *sentence);

/* The proxies for a URL could not be found; reason is a sentence. */
void failure_set_detection(Failure *failure, const char *url, const char *reason);

/* A local error: error is a negative errno of worker/sink.h. */
void failure_set_local(Failure *failure, int error, const char *local_name);

/* The reason alone, "the disk is full", and the code, for a negative errno of worker/sink.h. */
const char *failure_local_reason(int error);
uint32_t failure_local_code(int error);

/* The worker itself is at its end (memory, descriptors): transient. */
void failure_set_internal(Failure *failure, int error);
