#include "worker/transfer.h"

#include <errno.h>

#include "base/log.h"
#include "base/str.h"

#include "model/enums.h"
#include "model/error-code.h"
#include "worker/partial.h"
#include "worker/parts.h"
#include "worker/record.h"
#include "worker/sources.h"

/* How often one file may begin again before the server gets a rest. */
#define MAX_RESTARTS 5

struct Transfer {
        TransferContext context;
        FileRecord *record; /* borrowed */
        const TransferEvents *events;
        void *userdata;
        sd_event_source *report; /* defer: reports the end */
        sd_event_source *reread; /* defer: bytes of an earlier worker are read again */
        Partial *partial;        /* NULL: it could not be opened */
        Source *source;
        char *url;          /* where the last answer came from; at first the remote name */
        uint64_t file_size; /* of the remote file, as far as known */
        uint64_t body_at;   /* offset in the remote file of the body's next byte */
        uint64_t body_end;  /* offset at which the body has to end, if that is known */
        bool receiving;     /* an answer's body is written */
        bool enough;        /* the rest of the body is not wanted */
        bool joined;        /* the bytes are of two places, and only the checksum proves them */
        Failure failure;
};

/* Reports the end from the loop, whatever is on the stack now. */
static void end(Transfer *transfer)
{
        transfer_halt(transfer);
        (void) sd_event_source_set_enabled(transfer->report, SD_EVENT_ONESHOT);
}

static int on_report(sd_event_source *source, void *userdata)
{
        Transfer *transfer = userdata;

        transfer->events->ended(transfer->userdata,
                                transfer,
                                transfer->failure.code ? &transfer->failure : NULL);
        return 0;
}

static int fail_internally(Transfer *transfer, int error)
{
        failure_set_internal(&transfer->failure, error);
        return error;
}

static int fail_bad_answer(Transfer *transfer, const char *predicate)
{
        failure_set_bad_answer(&transfer->failure, transfer->url, predicate);
        return -EBADMSG;
}

static int fail_no_ranges(Transfer *transfer)
{
        failure_set_no_ranges(&transfer->failure, transfer->url);
        return -ERANGE;
}

static int check_restarts(Transfer *transfer)
{
        if (partial_restarts(transfer->partial) <= MAX_RESTARTS)
                return 0;
        failure_set(&transfer->failure,
                    (uint32_t) ERROR_CODE_REMOTE_FILE_CHANGED,
                    true,
                    ERROR_CONTEXT_REMOTE_FILE,
                    transfer->url,
                    "The file at %s does not stay the same for long enough.",
                    log_url(transfer->url));
        return -EAGAIN;
}

/* Goes on when the temporary file is a new one, or could not be made. */
static int begin_again(Transfer *transfer, int r)
{
        if (r < 0)
                return r;
        transfer->joined = false;
        transfer->events->begun(transfer->userdata, transfer);
        return check_restarts(transfer);
}

static int start_over(Transfer *transfer, const char *reason)
{
        return begin_again(transfer,
                           partial_start_over(transfer->partial, reason, &transfer->failure));
}

/* Events of the source ------------------------------------------------------------------- */

/* SourceEvents.relocated */
static int on_relocated(void *userdata, const char *url)
{
        Transfer *transfer = userdata;
        int r = record_relocate(transfer->record, url);

        if (r > 0)
                transfer->events->begun(transfer->userdata, transfer);
        return r < 0 ? fail_internally(transfer, r) : 0;
}

/* SourceEvents.begin: the record says which version is coming, and the disk has room for it. */
static int on_begin(void *userdata, const SourceAnswer *answer)
{
        Transfer *transfer = userdata;
        FileRecord *record = transfer->record;
        int r = str_set(&transfer->url, answer->url);

        if (r < 0)
                return fail_internally(transfer, r);
        if (!answer->continues) {
                r = begin_again(
                        transfer,
                        partial_replace(transfer->partial, answer->reason, &transfer->failure));
                if (r < 0)
                        return r;
                /* Later answers change neither the validators nor the date that goes with them. */
                r = record_set_version(record, answer);
                if (r < 0)
                        return fail_internally(transfer, r);
        }
        transfer->joined |= answer->joins;
        transfer->file_size = answer->file_size_bytes;
        transfer->body_at = answer->body_begin;
        transfer->body_end = answer->body_end;
        if (parts_total(record, transfer->file_size, &record->total_bytes) < 0)
                return fail_no_ranges(transfer);
        r = partial_reserve(transfer->partial,
                            transfer->context.disk_reserve_bytes,
                            &transfer->failure);
        transfer->events->begun(transfer->userdata, transfer);
        transfer->receiving = r >= 0;
        return r;
}

static size_t at_most(uint64_t bytes, size_t limit)
{
        return bytes < limit ? (size_t) bytes : limit;
}

/* SourceEvents.body: keeps what belongs to the parts that are wanted, in their order. */
static int on_body(void *userdata, const void *data, size_t size_bytes)
{
        Transfer *transfer = userdata;
        const char *at = data, *last = at + size_bytes;

        if (size_bytes > transfer->body_end - transfer->body_at)
                return fail_bad_answer(transfer, "is longer than it said");
        while (at < last) {
                size_t left = (size_t) (last - at), n;
                Part part;
                int r = parts_next(transfer->record,
                                   transfer->file_size,
                                   partial_position(transfer->partial),
                                   &part);

                if (r == 0 || part.from < transfer->body_at) {
                        transfer->enough = true;
                        return 1;
                }
                if (part.from > transfer->body_at) {
                        n = at_most(part.from - transfer->body_at, left);
                } else {
                        n = at_most(part.length_bytes, left);
                        r = partial_write(transfer->partial, at, n, &transfer->failure);
                        if (r < 0)
                                return r;
                }
                at += n;
                transfer->body_at += n;
        }
        return 0;
}

static void ask(Transfer *transfer)
{
        transfer->receiving = transfer->enough = false;
        source_fetch(transfer->source, partial_position(transfer->partial));
}

/*
 * The owner knows what the file should be, so nothing is tried again, and nothing of this version
 * is kept. One that it was to replace is: it may be the right one.
 */
static void refuse_content(Transfer *transfer)
{
        const FileRecord *record = transfer->record;

        failure_set(&transfer->failure,
                    (uint32_t) ERROR_CODE_VALIDATION_FAILED,
                    false,
                    ERROR_CONTEXT_REMOTE_FILE,
                    transfer->url,
                    "The file that came from %s does not have the checksum %s.%s",
                    log_url(transfer->url),
                    record->checksum,
                    partial_has_before(transfer->partial)
                            ? " The bytes of another version that were there before are kept."
                            : "");
        if (partial_has_before(transfer->partial))
                partial_return(transfer->partial);
        else
                (void) start_over(transfer, "The file did not have the checksum that was given.");
}

/*
 * The bytes do not have the checksum. If they are of two places with one ETag, that was a
 * coincidence, and the file begins again. Returns true if it does.
 */
static bool try_from_one_place(Transfer *transfer)
{
        if (!transfer->joined ||
            start_over(transfer,
                       "The bytes of two servers with one ETag did not have the checksum.") < 0)
                return false;
        ask(transfer);
        return true;
}

/* All bytes that were announced are written. */
static void end_of_file(Transfer *transfer)
{
        FileRecord *record = transfer->record;
        uint64_t position = partial_position(transfer->partial);
        int r = 1;

        if (record->total_bytes == DOSVC_SIZE_UNKNOWN)
                record->total_bytes = position;
        if (position != record->total_bytes)
                (void) fail_bad_answer(transfer, "is shorter than it said");
        else
                r = partial_verify(transfer->partial, &transfer->failure);
        if (r == 0 && try_from_one_place(transfer))
                return;
        if (r == 0)
                refuse_content(transfer);
        end(transfer);
}

/* The body has ended by itself: checks that it is as long as was announced. */
static void check_end_of_body(Transfer *transfer)
{
        FileRecord *record = transfer->record;

        if (transfer->body_end != DOSVC_SIZE_UNKNOWN) {
                if (transfer->body_at < transfer->body_end)
                        (void) fail_bad_answer(transfer, "is shorter than it said");
        } else if (parts_total(record, transfer->body_at, &record->total_bytes) < 0) {
                (void) fail_no_ranges(transfer);
        }
}

/* Another of several parts is missing, or the server gave less of one than was asked for. */
static bool is_more_wanted(const Transfer *transfer)
{
        const FileRecord *record = transfer->record;

        return (record->n_ranges > 0 || record->total_bytes != DOSVC_SIZE_UNKNOWN) &&
               partial_position(transfer->partial) < record->total_bytes;
}

/* SourceEvents.done */
static void on_done(void *userdata, Failure *failure)
{
        Transfer *transfer = userdata;

        if (failure && !transfer->failure.code)
                transfer->failure = failure_steal(failure);
        else if (!failure && !transfer->failure.code && transfer->receiving && !transfer->enough)
                check_end_of_body(transfer);
        if (transfer->failure.code)
                end(transfer);
        else if (is_more_wanted(transfer))
                ask(transfer);
        else
                end_of_file(transfer);
}

static const SourceEvents source_events = {
        .relocated = on_relocated,
        .begin = on_begin,
        .body = on_body,
        .done = on_done,
};

/* The start ------------------------------------------------------------------------------ */

static void begin(Transfer *transfer)
{
        const FileRecord *record = transfer->record;

        if (record->offset_bytes > 0 && record->offset_bytes == record->total_bytes)
                end_of_file(transfer); /* an earlier worker had it all and could not report it */
        else
                ask(transfer);
}

static int on_reread(sd_event_source *source, void *userdata)
{
        Transfer *transfer = userdata;
        int r = partial_reread(transfer->partial, &transfer->failure);

        if (r > 0)
                return 0;
        (void) sd_event_source_set_enabled(source, SD_EVENT_OFF);
        if (r < 0)
                end(transfer);
        else
                begin(transfer);
        return 0;
}

static int prepare(Transfer *transfer)
{
        int r = partial_open(transfer->context.destination,
                             transfer->context.job,
                             transfer->record,
                             &transfer->failure,
                             &transfer->partial);

        if (r < 0)
                return r;
        r = sources_open(transfer->context.sources,
                         transfer->record,
                         &source_events,
                         transfer,
                         &transfer->source);
        if (r >= 0)
                r = sd_event_add_defer(transfer->context.event,
                                       &transfer->reread,
                                       on_reread,
                                       transfer);
        if (r >= 0)
                r = sd_event_source_set_enabled(transfer->reread, SD_EVENT_ON);
        return r < 0 ? fail_internally(transfer, r) : 0;
}

int transfer_new(const TransferContext *context,
                 FileRecord *record,
                 const TransferEvents *events,
                 void *userdata,
                 Transfer **ret)
{
        _cleanup_(transfer_freep) Transfer *transfer = calloc(1, sizeof(*transfer));
        int r;

        if (!transfer)
                return -ENOMEM;
        transfer->context = *context;
        transfer->record = record;
        transfer->events = events;
        transfer->userdata = userdata;
        transfer->failure = FAILURE_NONE;
        r = sd_event_add_defer(context->event, &transfer->report, on_report, transfer);
        if (r >= 0)
                r = sd_event_source_set_enabled(transfer->report, SD_EVENT_OFF);
        if (r >= 0)
                r = str_set(&transfer->url, record->remote_name);
        if (r < 0)
                return r;

        if (prepare(transfer) < 0)
                end(transfer);
        *ret = STEAL_PTR(transfer);
        return 0;
}

Transfer *transfer_free(Transfer *transfer)
{
        if (!transfer)
                return NULL;
        transfer_halt(transfer);
        source_free(transfer->source);
        sd_event_source_disable_unref(transfer->report);
        partial_free(transfer->partial);
        failure_done(&transfer->failure);
        free(transfer->url);
        free(transfer);
        return NULL;
}

void transfer_halt(Transfer *transfer)
{
        transfer->reread = sd_event_source_disable_unref(transfer->reread);
        if (transfer->source)
                source_halt(transfer->source);
        if (transfer->partial)
                partial_settle(transfer->partial);
}

void transfer_start_sync(Transfer *transfer)
{
        partial_start_sync(transfer->partial);
}

int transfer_sync(Transfer *transfer)
{
        int r = transfer->partial ? partial_sync(transfer->partial) : 0;

        if (r < 0)
                (void) start_over(transfer, "The disk failed to keep what was written to it.");
        return r;
}

int transfer_check_room(const Transfer *transfer)
{
        return transfer->receiving
                       ? partial_check_room(transfer->partial, transfer->context.disk_reserve_bytes)
                       : 0;
}

FileRecord *transfer_record(Transfer *transfer)
{
        return transfer->partial ? partial_record(transfer->partial) : transfer->record;
}

uint64_t transfer_total(const Transfer *transfer)
{
        return transfer->record->total_bytes;
}

uint64_t transfer_received(const Transfer *transfer)
{
        return transfer->partial ? partial_position(transfer->partial) : 0;
}
