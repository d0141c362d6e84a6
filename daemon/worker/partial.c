#include "worker/partial.h"

#include <errno.h>

#include "base/log.h"
#include "base/str.h"

#include "model/enums.h"
#include "model/error-code.h"
#include "worker/destinations.h"
#include "worker/digest.h"
#include "worker/record.h"
#include "worker/sink.h"

#define REREAD_BYTES (1024U * 1024)

struct Partial {
        Destination *destination; /* borrowed */
        FileRecord *record;       /* borrowed */
        Sink *sink;
        Digest *digest;        /* NULL: the file has no checksum */
        uint64_t reread_bytes; /* bytes of an earlier attempt that the digest has */
        unsigned restarts;
        Sink *before; /* the version before, NULL: none is kept; with its record: */
        FileRecord before_record;
        bool returned; /* the record is that of the version before, and was not reported since */
};

static int fail_locally(const Partial *partial, int error, Failure *failure)
{
        failure_set_local(failure, error, partial->record->local_name);
        return error;
}

static int fail_internally(int error, Failure *failure)
{
        failure_set_internal(failure, error);
        return error;
}

/* Bytes that were fetched are given up. */
static int count_restart(Partial *partial, const char *reason)
{
        if (partial->record->offset_bytes == 0 && sink_position(partial->sink) == 0)
                return 0;
        partial->restarts++;
        return record_add_restart(partial->record, reason);
}

static int open_temp(Partial *partial)
{
        FileRecord *record = partial->record;
        const SinkFile file = {
                .temp_name = record->temp_name,
                .inode = record->inode,
                .size_bytes = record->offset_bytes,
        };
        int r;

        if (str_is_empty(record->temp_name))
                return record_forget_version(record);
        r = sink_continue(partial->sink, &file, record->offset_bytes);
        if (r != -ESTALE)
                return r;
        r = count_restart(partial, "The temporary file was gone or not the one recorded.");
        if (r >= 0)
                r = str_set(&record->temp_name, "");
        record->inode = 0;
        return r < 0 ? r : record_forget_version(record);
}

static int make_digest(Partial *partial, Failure *failure)
{
        const FileRecord *record = partial->record;
        int r = str_is_empty(record->checksum) ? 0 : digest_new(record->checksum, &partial->digest);

        if (r == -EINVAL || r == -EOPNOTSUPP)
                failure_set(failure,
                            (uint32_t) ERROR_CODE_VALIDATION_FAILED,
                            false,
                            ERROR_CONTEXT_REMOTE_FILE,
                            record->remote_name,
                            "The checksum %s cannot be computed on this system.",
                            record->checksum);
        return r < 0 ? fail_internally(r, failure) : 0;
}

int partial_open(Destination *destination,
                 sd_id128_t job,
                 FileRecord *record,
                 Failure *failure,
                 Partial **ret)
{
        _cleanup_(partial_freep) Partial *partial = calloc(1, sizeof(*partial));
        int r;

        if (!partial)
                return fail_internally(-ENOMEM, failure);
        partial->destination = destination;
        partial->record = record;
        r = sink_new(destination_fd(destination),
                     destination_entry(record->local_name),
                     sink_tag(job, record->index),
                     &partial->sink);
        if (r >= 0)
                r = open_temp(partial);
        if (r < 0)
                return fail_locally(partial, r, failure);
        r = make_digest(partial, failure);
        if (r < 0)
                return r;
        *ret = STEAL_PTR(partial);
        return 0;
}

static void remove_temp(Partial *partial, const Sink *sink)
{
        const SinkFile file = sink_file(sink);

        /* If this fails, the next worker of the job that sweeps removes it. */
        (void) sink_clean(destination_fd(partial->destination), &file);
        destination_changed(partial->destination);
}

/* Gives up the version before. */
static void drop_before(Partial *partial)
{
        if (!partial->before)
                return;
        remove_temp(partial, partial->before);
        partial->before = sink_free(partial->before);
        file_record_done(&partial->before_record);
}

Partial *partial_free(Partial *partial)
{
        if (!partial)
                return NULL;
        partial_settle(partial);
        sink_free(partial->sink);
        digest_free(partial->digest);
        free(partial);
        return NULL;
}

int partial_reread(Partial *partial, Failure *failure)
{
        static unsigned char slice[REREAD_BYTES];
        uint64_t left = partial->record->offset_bytes - partial->reread_bytes;
        size_t size = left < sizeof(slice) ? (size_t) left : sizeof(slice);
        int r;

        if (!partial->digest || left == 0)
                return 0;
        r = sink_read(partial->sink, partial->reread_bytes, slice, size);
        if (r < 0)
                return fail_locally(partial, r, failure);
        r = digest_update(partial->digest, slice, size);
        if (r < 0)
                return fail_internally(r, failure);
        partial->reread_bytes += size;
        return left > size;
}

static int record_temp(Partial *partial)
{
        const SinkFile file = sink_file(partial->sink);

        partial->record->inode = file.inode;
        return str_set(&partial->record->temp_name, file.temp_name);
}

/*
 * The name changes so that a record that a crash left behind can never vouch for bytes that it
 * does not describe.
 */
int partial_start_over(Partial *partial, const char *reason, Failure *failure)
{
        int r = count_restart(partial, reason);

        if (r >= 0)
                r = record_forget_version(partial->record);
        if (r >= 0 && partial->digest)
                r = digest_restart(partial->digest);
        if (r < 0)
                return fail_internally(r, failure);
        r = sink_create(partial->sink);
        destination_changed(partial->destination);
        if (r < 0)
                return fail_locally(partial, r, failure);
        r = record_temp(partial);
        return r < 0 ? fail_internally(r, failure) : 0;
}

/* Sets the version before aside, with the sink that goes on from here. */
static int keep_before(Partial *partial)
{
        Sink *sink;
        int r = file_record_copy(&partial->before_record, partial->record);

        if (r < 0)
                return r;
        r = sink_new_beside(partial->sink, &sink);
        if (r < 0) {
                file_record_done(&partial->before_record);
                return r;
        }
        partial->before = partial->sink;
        partial->sink = sink;
        return 0;
}

int partial_replace(Partial *partial, const char *reason, Failure *failure)
{
        bool worth = partial->digest && !partial->before && sink_position(partial->sink) > 0;
        int r = worth ? keep_before(partial) : 0;

        return r < 0 ? fail_locally(partial, r, failure)
                     : partial_start_over(partial, reason, failure);
}

FileRecord *partial_record(Partial *partial)
{
        return partial->before ? &partial->before_record : partial->record;
}

bool partial_has_before(const Partial *partial)
{
        return partial->before;
}

void partial_return(Partial *partial)
{
        remove_temp(partial, partial->sink);
        sink_free(partial->sink);
        partial->sink = partial->before;
        partial->before = NULL;
        file_record_done(partial->record);
        *partial->record = partial->before_record;
        partial->before_record = (FileRecord){ 0 };
        partial->returned = true;
}

void partial_settle(Partial *partial)
{
        if (!partial->before)
                return;
        if (sink_position(partial->sink) > sink_position(partial->before))
                drop_before(partial);
        else
                partial_return(partial);
}

unsigned partial_restarts(const Partial *partial)
{
        return partial->restarts;
}

static int reserve(const Partial *partial, uint64_t disk_reserve_bytes)
{
        uint64_t total = partial->record->total_bytes;

        return total == DOSVC_SIZE_UNKNOWN ? sink_check_room(partial->sink, disk_reserve_bytes)
                                           : sink_reserve(partial->sink, total, disk_reserve_bytes);
}

int partial_reserve(Partial *partial, uint64_t disk_reserve_bytes, Failure *failure)
{
        int r = reserve(partial, disk_reserve_bytes);

        /* There is no room for both, and the one that comes is what the server has now. */
        if ((r == -ENOSPC || r == -ENOSR || r == -EDQUOT) && partial->before) {
                drop_before(partial);
                r = reserve(partial, disk_reserve_bytes);
        }
        return r < 0 ? fail_locally(partial, r, failure) : 0;
}

int partial_check_room(const Partial *partial, uint64_t disk_reserve_bytes)
{
        return sink_check_room(partial->sink, disk_reserve_bytes);
}

int partial_write(Partial *partial, const void *data, size_t size_bytes, Failure *failure)
{
        int r = sink_write(partial->sink, data, size_bytes);

        if (r < 0)
                return fail_locally(partial, r, failure);
        r = partial->digest ? digest_update(partial->digest, data, size_bytes) : 0;
        return r < 0 ? fail_internally(r, failure) : 0;
}

int partial_verify(Partial *partial, Failure *failure)
{
        int r = partial->digest ? digest_finish(partial->digest) : 1;

        if (r > 0)
                drop_before(partial);
        return r < 0 ? fail_internally(r, failure) : r;
}

uint64_t partial_position(const Partial *partial)
{
        return sink_position(partial->sink);
}

void partial_start_sync(Partial *partial)
{
        sink_start_sync(partial->sink);
}

int partial_sync(Partial *partial)
{
        FileRecord *record = partial->record;
        bool returned = partial->returned;
        uint64_t offset;
        int r;

        /* Nothing of a version is reported that may be given up again. */
        if (partial->before)
                return 0;
        partial->returned = false;
        /* Nothing was opened: the record goes on describing an earlier attempt. */
        if (str_is_empty(sink_file(partial->sink).temp_name))
                return 0;
        r = sink_sync(partial->sink);
        if (r < 0)
                return r;
        offset = sink_synced(partial->sink);
        if (offset == record->offset_bytes)
                return returned;
        record->offset_bytes = offset;
        return 1;
}
