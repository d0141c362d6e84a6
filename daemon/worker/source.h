/*
 * The interface between the file on disk and the protocol that its bytes come by. A Transfer
 * (worker/transfer.h) decides which bytes are wanted and keeps them. A Source speaks the protocol:
 * it finds the way to the server, logs in, follows redirects and proves that an answer belongs to
 * the version on disk.
 *
 *   transfer                              source
 *     │ source_fetch(position) ─────────────► asks for the bytes that come next
 *     │ ◄───────────────────── begin(answer)  an answer belongs to the file
 *     │ ◄───────────────────── body(bytes)    as often as bytes arrive
 *     │ ◄───────────────────── done(failure)  once for each source_fetch()
 *
 * Each protocol has a room of its own beside worker/http/. Rooms see this header,
 * worker/questions.h and worker/parts.h of what is around them, and only worker/sources.c, which
 * chooses between protocols, sees the rooms.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/macro.h"

#include "model/failure.h"
#include "model/job-settings.h"

typedef struct Questions Questions;
typedef struct Source Source;

/* Everything that the sources of a download work with; borrowed, and it outlives them. */
typedef struct SourceContext {
        sd_event *event;
        Questions *questions;
        const JobSettings *settings; /* they may change: sources_change() */
} SourceContext;

/* An answer whose body belongs to the file. Strings are borrowed and never NULL. */
typedef struct SourceAnswer {
        /*
         * True: the body is of the version that the record describes. False: it is of another
         * version and begins with the first byte wanted; the fields below describe that version,
         * and reason is a sentence that says why the bytes on disk, if there are any, are lost.
         */
        bool continues;
        bool joins; /* it continues bytes of another place, and only the checksum proves it */
        const char *reason;
        const char *url; /* where the answer came from, after redirects */
        const char *etag;
        const char *last_modified;
        const char *coding;
        const char *headers;
        /* Offsets in the remote file: of the body's first byte, and of the one after its last. */
        uint64_t body_begin;
        uint64_t body_end;        /* DOSVC_SIZE_UNKNOWN */
        uint64_t file_size_bytes; /* of the whole remote file; DOSVC_SIZE_UNKNOWN */
} SourceAnswer;

/*
 * Events, from the loop or from within source_fetch(). A negative return value means that the
 * receiver has failed: it knows its reason, and done() follows without one.
 */
typedef struct SourceEvents {
        /* The owner wants to know that a redirect led to url (RedirectPolicy). */
        int (*relocated)(void *userdata, const char *url);
        int (*begin)(void *userdata, const SourceAnswer *answer);
        /* Returns 1 if the rest of the body is not wanted. */
        int (*body)(void *userdata, const void *data, size_t size_bytes);
        /*
         * The answer has come to its end, or what was wanted of it. failure: NULL, or the
         * receiver's to steal. The source may be asked again or halted, but not freed.
         */
        void (*done)(void *userdata, Failure *failure);
} SourceEvents;

typedef struct SourceMethods {
        void (*fetch)(Source *source, uint64_t position);
        void (*halt)(Source *source);
        void (*free)(Source *source);
} SourceMethods;

/* The first member of what a protocol allocates for one file. */
struct Source {
        const SourceMethods *methods;
};

/*
 * Asks for the bytes that the file needs next. position: bytes that the temporary file holds. The
 * source reads the record that it was opened with, which must describe the version of these bytes.
 */
static inline void source_fetch(Source *source, uint64_t position)
{
        source->methods->fetch(source, position);
}

/* Ends the request without an event and forgets credentials. */
static inline void source_halt(Source *source)
{
        source->methods->halt(source);
}

static inline Source *source_free(Source *source)
{
        if (source)
                source->methods->free(source);
        return NULL;
}
DEFINE_CLEANUP(Source *, source_free);
