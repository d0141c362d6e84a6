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
 * A date has a resolution of one second. It is strong only if the answer that carried it was made
 * in a later second than the file (RFC 9110 section 8.8.2.2).
 */
static bool is_strong_date(const char *last_modified, const char *headers)
{
        _cleanup_free_ char *date = head_find_field(headers, "Date");
        int64_t modified, answered;

        return date && date_parse(last_modified, &modified) >= 0 &&
               date_parse(date, &answered) >= 0 && answered > modified;
}

static bool has_strong_date(const FileRecord *record)
{
        return is_strong_date(record->last_modified, record->headers);
}

/* Size of the remote file as the answer with these headers says. */
static uint64_t size_in_headers(const char *headers)
{
        _cleanup_free_ char *range = head_find_field(headers, "Content-Range");
        _cleanup_free_ char *length = NULL;
        HeadRange found;
        uint64_t size;

        if (range)
                return head_parse_range(range, &found) >= 0 ? found.total : DOSVC_SIZE_UNKNOWN;
        length = head_find_field(headers, "Content-Length");
        return length && str_parse_u64(length, INT64_MAX, &size) >= 0 ? size : DOSVC_SIZE_UNKNOWN;
}

/* total_bytes counts only the parts that are wanted, if not the whole file is. */
uint64_t resume_recorded_size(const FileRecord *record)
{
        return record->n_ranges > 0 ? size_in_headers(record->headers) : record->total_bytes;
}

static bool supports(const FileRecord *record, ResumeValidator validator)
{
        bool sized = resume_recorded_size(record) != DOSVC_SIZE_UNKNOWN;

        switch (validator) {
        case RESUME_VALIDATOR_ETAG:
                return is_strong_etag(record->etag);
        case RESUME_VALIDATOR_DATE:
                /* The answer need not repeat the date, so its size has to be compared as well. */
                return sized && has_strong_date(record);
        case RESUME_VALIDATOR_COMPARISON:
                return sized && (is_strong_etag(record->etag) || has_strong_date(record));
        case RESUME_VALIDATORS_MAX:
                break;
        }
        return false;
}

/* Either of the first two validators would do; the third one takes no less than they do. */
bool resume_is_provable(const Head *head)
{
        if (head->etag && is_strong_etag(head->etag))
                return true;
        return head->last_modified && head->text &&
               size_in_headers(head->text) != DOSVC_SIZE_UNKNOWN &&
               is_strong_date(head->last_modified, head->text);
}

ResumeValidator resume_next_validator(const FileRecord *record, ResumeValidator validator)
{
        do
                validator++;
        while (validator < RESUME_VALIDATORS_MAX && !supports(record, validator));
        return validator;
}

/* The given validator or the nearest weaker one that the record supports, else a stronger one. */
static ResumeValidator nearest_validator(const FileRecord *record, ResumeValidator validator)
{
        ResumeValidator found =
                supports(record, validator) ? validator : resume_next_validator(record, validator);

        while (found == RESUME_VALIDATORS_MAX && validator > 0)
                if (supports(record, --validator))
                        found = validator;
        return found;
}

ResumePlan
resume_plan(const FileRecord *record, uint64_t position, const char *url, ResumeValidator validator)
{
        ResumePlan plan = { .validator = RESUME_VALIDATORS_MAX };
        uint64_t size = resume_recorded_size(record);
        Part part = { .to_end = true };

        if (position > 0 && is_same_resource(record->effective_url, url))
                plan.validator = nearest_validator(record, validator);
        plan.continues = plan.validator != RESUME_VALIDATORS_MAX;
        (void) parts_next(record, size, plan.continues ? position : 0, &part);
        plan.from = part.from;
        plan.length_bytes = part.to_end ? 0 : part.length_bytes;
        if (plan.validator == RESUME_VALIDATOR_ETAG)
                plan.if_range = record->etag;
        else if (plan.validator == RESUME_VALIDATOR_DATE)
                plan.if_range = record->last_modified;
        return plan;
}

/* A partial answer may leave a field out (RFC 9110 section 15.3.7), but not change it. */
static bool contradicts(const char *answered, const char *recorded)
{
        return answered && !str_equal(answered, recorded);
}

/* The bytes are stored as they come, so in another coding it is another file. */
static bool is_recoded(const FileRecord *record, const Head *head)
{
        _cleanup_free_ char *now = head_find_field(head->text, "Content-Encoding");
        _cleanup_free_ char *then = head_find_field(record->headers, "Content-Encoding");

        return now && !str_equal(now, then);
}

/* The answer contradicts the record about the version. */
static bool is_other_version(const FileRecord *record, const Head *head)
{
        return head->bad_etag || head->bad_modified || contradicts(head->etag, record->etag) ||
               contradicts(head->last_modified, record->last_modified) || is_recoded(record, head);
}

/*
 * The answer repeats the recorded validators, and enough of them. A server that answers If-Range
 * with a part need not repeat the date, but neither does one that ignores If-Range: only what is
 * repeated is proved.
 */
static bool is_same_version(const FileRecord *record, const Head *head)
{
        if (is_other_version(record, head) || (!str_is_empty(record->etag) && !head->etag))
                return false;
        return is_strong_etag(record->etag) || head->last_modified;
}

/* The answer holds exactly the bytes that were asked for, of a file of the right size. */
static bool is_part_asked_for(const FileRecord *record, const ResumePlan *plan, const Head *head)
{
        uint64_t size = resume_recorded_size(record), last;
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

/* The range that was asked for begins at the end of the file: everything is on disk already. */
static bool is_at_end(const FileRecord *record, const ResumePlan *plan, const Head *head)
{
        return record->n_ranges == 0 && head->has_range && !head->bad_range &&
               !head->range.satisfied && head->range.total == plan->from &&
               (record->total_bytes == DOSVC_SIZE_UNKNOWN || record->total_bytes == plan->from) &&
               is_strong_etag(record->etag) && is_same_version(record, head);
}

/*
 * The answer is a whole file that looks like the version on disk: the server did not understand
 * this validator, but may understand the next one.
 */
static bool
is_worth_next_validator(const FileRecord *record, const ResumePlan *plan, const Head *head)
{
        uint64_t size = resume_recorded_size(record);
        _cleanup_free_ char *ranges = head_find_field(head->text, "Accept-Ranges");

        if (resume_next_validator(record, plan->validator) == RESUME_VALIDATORS_MAX)
                return false;
        if (head->status == 412)
                return true;
        if (head->conflicting_length || is_other_version(record, head) ||
            (!head->etag && !head->last_modified) || (ranges && strcasecmp(ranges, "none") == 0))
                return false;
        return head->content_length == DOSVC_SIZE_UNKNOWN || size == DOSVC_SIZE_UNKNOWN ||
               head->content_length == size;
}

/* The answer is a whole file that is proved to be of the version on disk. */
static bool is_same_whole(const FileRecord *record, const Head *head)
{
        uint64_t size = resume_recorded_size(record);

        if (head->conflicting_length || is_other_version(record, head) ||
            (size != DOSVC_SIZE_UNKNOWN && head->content_length != DOSVC_SIZE_UNKNOWN &&
             head->content_length != size))
                return false;
        if (is_strong_etag(record->etag))
                return head->etag;
        return has_strong_date(record) && head->last_modified && head->content_length == size &&
               size != DOSVC_SIZE_UNKNOWN && (str_is_empty(record->etag) || head->etag);
}

/* The answer holds the bytes that were asked for: decides whether they are of the same version. */
static ResumeDecision
decide_on_part(const FileRecord *record, const ResumePlan *plan, const Head *head)
{
        if (!plan->continues)
                return RESUME_FROM_START;
        if (is_same_version(record, head))
                return RESUME_APPEND;
        /* In an answer to a Range without If-Range a server has to name its validators. */
        return !is_other_version(record, head) && resume_next_validator(record, plan->validator) !=
                                                          RESUME_VALIDATORS_MAX
                       ? RESUME_TRY_NEXT
                       : RESUME_RESTART;
}

ResumeDecision resume_decide(const FileRecord *record, const ResumePlan *plan, const Head *head)
{
        ResumeDecision unusable = plan->continues ? RESUME_RESTART : RESUME_INVALID;

        if (plan->continues &&
            (head->status == 200 || head->status == 203 || head->status == 412) &&
            is_worth_next_validator(record, plan, head))
                return RESUME_TRY_NEXT;
        switch (head->status) {
        case 206:
                return is_part_asked_for(record, plan, head) ? decide_on_part(record, plan, head)
                                                             : unusable;
        case 416:
                return plan->continues && is_at_end(record, plan, head) ? RESUME_COMPLETE
                                                                        : unusable;
        case 412:
                return unusable;
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
                return "The remote file has no bytes after those on disk.";
        if (is_other_version(record, head) || (head->status == 206 && head->range.satisfied &&
                                               head->range.total != resume_recorded_size(record)))
                return "The remote file has changed.";
        return head->status == 206 ? "The server sent another part than was asked for."
                                   : "The server sent the whole file instead of the rest.";
}

uint64_t resume_file_size(const Head *head)
{
        return head->status == 206 ? head->range.total : head->content_length;
}
