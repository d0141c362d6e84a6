#include "worker/http/resume.h"

#include <string.h>
#include <strings.h>

#include "base/str.h"

#include "worker/http/date.h"
#include "worker/parts.h"

/* Scheme, authority and path are equal. */
static bool is_same_resource(const char *a, const char *b)
{
        size_t size = strcspn(a, "?#");

        return size == strcspn(b, "?#") && memcmp(a, b, size) == 0;
}

static bool is_strong_etag(const char *etag)
{
        return etag[0] == '"';
}

/*
 * A date has a resolution of a second: it is strong only if the answer that carried it was
 * made in a later second than the file (RFC 9110 section 8.8.2.2).
 */
static bool is_strong_date(const FileRecord *record)
{
        _cleanup_free_ char *date = head_find_field(record->headers, "Date");
        int64_t modified, answered;

        return date && date_parse(record->last_modified, &modified) >= 0 &&
               date_parse(date, &answered) >= 0 && answered > modified;
}

/* The record has what the rung takes. */
static bool applies(const FileRecord *record, ResumeValidator rung)
{
        bool sized = parts_file_size(record) != DOSVC_SIZE_UNKNOWN;

        switch (rung) {
        case RESUME_VALIDATOR_ETAG:
                return is_strong_etag(record->etag);
        case RESUME_VALIDATOR_DATE:
                /* The answer need not repeat the date, so the size has to bear witness. */
                return sized && is_strong_date(record);
        case RESUME_VALIDATOR_COMPARISON:
                return sized && (is_strong_etag(record->etag) || is_strong_date(record));
        case RESUME_VALIDATORS_MAX:
                break;
        }
        return false;
}

ResumeValidator resume_next_validator(const FileRecord *record, ResumeValidator rung)
{
        do
                rung++;
        while (rung < RESUME_VALIDATORS_MAX && !applies(record, rung));
        return rung;
}

/* That rung, else one above, else one below. */
static ResumeValidator nearest_rung(const FileRecord *record, ResumeValidator rung)
{
        ResumeValidator found = applies(record, rung) ? rung : resume_next_validator(record, rung);

        while (found == RESUME_VALIDATORS_MAX && rung > 0)
                if (applies(record, --rung))
                        found = rung;
        return found;
}

ResumePlan
resume_plan(const FileRecord *record, uint64_t position, const char *url, ResumeValidator rung)
{
        ResumePlan plan = { .rung = RESUME_VALIDATORS_MAX };
        Part part = { .to_end = true };

        if (position > 0 && is_same_resource(record->effective_url, url))
                plan.rung = nearest_rung(record, rung);
        plan.continues = plan.rung != RESUME_VALIDATORS_MAX;
        (void) parts_next(record, parts_file_size(record), plan.continues ? position : 0, &part);
        plan.from = part.from;
        plan.length_bytes = part.to_end ? 0 : part.length_bytes;
        if (plan.rung == RESUME_VALIDATOR_ETAG)
                plan.if_range = record->etag;
        else if (plan.rung == RESUME_VALIDATOR_DATE)
                plan.if_range = record->last_modified;
        return plan;
}

/* Two values of a field; a partial answer may leave fields out (RFC 9110 section 15.3.7). */
static bool contradicts(const char *answered, const char *recorded)
{
        return answered && !str_equal(answered, recorded);
}

/* The bytes are stored as they come, so another coding is another file. */
static bool is_recoded(const FileRecord *record, const Head *head)
{
        _cleanup_free_ char *now = head_find_field(head->text, "Content-Encoding");
        _cleanup_free_ char *then = head_find_field(record->headers, "Content-Encoding");

        return now && !str_equal(now, then);
}

/* Something that the answer says of the version is not what the record says. */
static bool is_other_version(const FileRecord *record, const Head *head)
{
        return head->bad_etag || head->bad_modified || contradicts(head->etag, record->etag) ||
               contradicts(head->last_modified, record->last_modified) || is_recoded(record, head);
}

/*
 * What the answer says of the version is what the record says, and enough of it. A server that
 * answers If-Range with a part need not repeat the date, but one that ignores If-Range does
 * the same: only what is repeated is proved.
 */
static bool is_same_version(const FileRecord *record, const Head *head)
{
        if (is_other_version(record, head) || (!str_is_empty(record->etag) && !head->etag))
                return false;
        return is_strong_etag(record->etag) || head->last_modified;
}

/* Exactly the bytes that the plan has, of a file of the right size. */
static bool is_part_asked_for(const FileRecord *record, const ResumePlan *plan, const Head *head)
{
        uint64_t size = parts_file_size(record), last;
        const HeadRange *range = &head->range;

        if (!head->has_range || head->bad_range || !range->satisfied || head->conflicting_length ||
            range->total == DOSVC_SIZE_UNKNOWN || (plan->from == 0 && plan->length_bytes == 0))
                return false;
        last = plan->length_bytes > 0 ? plan->from + plan->length_bytes - 1 : range->total - 1;
        if (range->first != plan->from || range->last != last)
                return false;
        if (head->content_length != DOSVC_SIZE_UNKNOWN &&
            head->content_length != range->last - range->first + 1)
                return false;
        return !plan->continues || size == DOSVC_SIZE_UNKNOWN || range->total == size;
}

/* A range that begins at the end of the file: everything is here already. */
static bool is_at_end(const FileRecord *record, const ResumePlan *plan, const Head *head)
{
        return record->n_ranges == 0 && head->has_range && !head->bad_range &&
               !head->range.satisfied && head->range.total == plan->from &&
               (record->total_bytes == DOSVC_SIZE_UNKNOWN || record->total_bytes == plan->from) &&
               is_strong_etag(record->etag) && is_same_version(record, head);
}

/*
 * A whole file that looks like the version on disk comes from a server that did not
 * understand the question, and may understand another.
 */
static bool is_worth_climbing(const FileRecord *record, const ResumePlan *plan, const Head *head)
{
        uint64_t size = parts_file_size(record);
        _cleanup_free_ char *ranges = head_find_field(head->text, "Accept-Ranges");

        if (resume_next_validator(record, plan->rung) == RESUME_VALIDATORS_MAX)
                return false;
        if (head->status == 412)
                return true;
        if (head->conflicting_length || is_other_version(record, head) ||
            (!head->etag && !head->last_modified) || (ranges && strcasecmp(ranges, "none") == 0))
                return false;
        return head->content_length == DOSVC_SIZE_UNKNOWN || size == DOSVC_SIZE_UNKNOWN ||
               head->content_length == size;
}

/* A whole file, proved to be of the version on disk. */
static bool is_same_whole(const FileRecord *record, const Head *head)
{
        uint64_t size = parts_file_size(record);

        if (head->conflicting_length || is_other_version(record, head) ||
            (size != DOSVC_SIZE_UNKNOWN && head->content_length != DOSVC_SIZE_UNKNOWN &&
             head->content_length != size))
                return false;
        if (is_strong_etag(record->etag))
                return head->etag;
        return is_strong_date(record) && head->last_modified && head->content_length == size &&
               size != DOSVC_SIZE_UNKNOWN && (str_is_empty(record->etag) || head->etag);
}

/* The right bytes; are they of the right version? */
static ResumeDecision judge_part(const FileRecord *record, const ResumePlan *plan, const Head *head)
{
        if (!plan->continues)
                return RESUME_FROM_START;
        if (is_same_version(record, head))
                return RESUME_APPEND;
        /* To a Range alone a server has to tell its validators. */
        return !is_other_version(record, head) &&
                               resume_next_validator(record, plan->rung) != RESUME_VALIDATORS_MAX
                       ? RESUME_TRY_NEXT
                       : RESUME_RESTART;
}

ResumeDecision resume_decide(const FileRecord *record, const ResumePlan *plan, const Head *head)
{
        ResumeDecision otherwise = plan->continues ? RESUME_RESTART : RESUME_INVALID;

        if (plan->continues &&
            (head->status == 200 || head->status == 203 || head->status == 412) &&
            is_worth_climbing(record, plan, head))
                return RESUME_TRY_NEXT;
        switch (head->status) {
        case 206:
                return is_part_asked_for(record, plan, head) ? judge_part(record, plan, head)
                                                             : otherwise;
        case 416:
                return plan->continues && is_at_end(record, plan, head) ? RESUME_COMPLETE
                                                                        : otherwise;
        case 412:
                return otherwise;
        default:
                break;
        }
        if (head->conflicting_length)
                return RESUME_INVALID;
        return plan->continues && record->n_ranges > 0 && is_same_whole(record, head)
                       ? RESUME_FROM_WHOLE
                       : RESUME_FROM_START;
}

const char *
resume_restart_reason(const FileRecord *record, const ResumePlan *plan, const Head *head)
{
        if (!plan->continues)
                return "Nothing proved that the server still has the version on disk.";
        if (head->status == 416)
                return "The remote file has no bytes behind those on disk.";
        if (is_other_version(record, head) || (head->status == 206 && head->range.satisfied &&
                                               head->range.total != parts_file_size(record)))
                return "The remote file has changed.";
        return head->status == 206 ? "The server sent another part than was asked for."
                                   : "The server sent the whole file instead of the rest.";
}

uint64_t resume_file_size(const Head *head)
{
        return head->status == 206 ? head->range.total : head->content_length;
}
