#include "worker/http/resume.h"

#include <string.h>
#include <strings.h>

#include "base/str.h"

#include "model/url.h"
#include "worker/http/date.h"
#include "worker/parts.h"

/* Scheme, authority and path are equal. */
static bool is_same_resource(const char *a, const char *b)
{
        size_t size = strcspn(a, "?#");

        return size == strcspn(b, "?#") && memcmp(a, b, size) == 0;
}

/* One without quotes is taken as its server means it. */
static bool is_strong_etag(const char *etag)
{
        return !str_is_empty(etag) && !str_starts_with(etag, "W/");
}

/* The text between the quotes, if there are any. */
static const char *opaque_tag(const char *etag, size_t *ret_size)
{
        size_t size = strlen(etag);

        if (size >= 2 && etag[0] == '"' && etag[size - 1] == '"') {
                *ret_size = size - 2;
                return etag + 1;
        }
        *ret_size = size;
        return etag;
}

static bool is_same_etag(const char *a, const char *b)
{
        size_t a_size, b_size;
        bool weak = str_starts_with(a, "W/");

        if (weak != str_starts_with(b, "W/"))
                return false;
        a = opaque_tag(a + (weak ? 2 : 0), &a_size);
        b = opaque_tag(b + (weak ? 2 : 0), &b_size);
        return a_size == b_size && memcmp(a, b, a_size) == 0;
}

/* The same second, in whichever of its forms. */
static bool is_same_date(const char *a, const char *b)
{
        int64_t first, second;

        return str_equal(a, b) ||
               (date_parse(a, &first) >= 0 && date_parse(b, &second) >= 0 && first == second);
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

/* The record says of which version the bytes are, or would be. */
static bool is_on_record(const FileRecord *record)
{
        return !str_is_empty(record->effective_url);
}

/* Bytes that have this ETag anywhere are the same bytes, or the checksum finds out. */
static bool has_etag_and_checksum(const FileRecord *record)
{
        return is_on_record(record) && is_strong_etag(record->etag) &&
               !str_is_empty(record->checksum);
}

ResumePlan
resume_plan(const FileRecord *record, uint64_t position, const char *url, ResumeValidator validator)
{
        ResumePlan plan = { .validator = RESUME_VALIDATORS_MAX };
        uint64_t size = resume_recorded_size(record);
        Part part = { .to_end = true };

        plan.joins = !is_same_resource(record->effective_url, url);
        if (position > 0 && (!plan.joins || has_etag_and_checksum(record)))
                plan.validator = nearest_validator(record, validator);
        plan.continues = plan.validator != RESUME_VALIDATORS_MAX;
        plan.joins &= plan.continues;
        plan.elsewhere = is_on_record(record) && !url_same_origin(record->effective_url, url);
        (void) parts_next(record, size, plan.continues ? position : 0, &part);
        plan.from = part.from;
        plan.length_bytes = part.to_end ? 0 : part.length_bytes;
        if (plan.validator == RESUME_VALIDATOR_ETAG)
                plan.if_range = record->etag;
        else if (plan.validator == RESUME_VALIDATOR_DATE)
                plan.if_range = record->last_modified;
        return plan;
}

/* The bytes are stored as they come, so in another coding it is another file. */
static bool is_recoded(const FileRecord *record, const Head *head)
{
        if (str_is_empty(head->coding) && str_is_empty(record->coding))
                return false;
        return !str_equal(head->coding, record->coding) ||
               str_equal(head->coding, HEAD_CODING_UNKNOWN);
}

/*
 * The answer contradicts the record about the version. A partial answer may leave a validator out
 * (RFC 9110 section 15.3.7), but not change it.
 */
static bool is_other_version(const FileRecord *record, const Head *head)
{
        return head->conflicting_etag || head->conflicting_modified ||
               (head->etag && !is_same_etag(head->etag, record->etag)) ||
               (head->last_modified && !is_same_date(head->last_modified, record->last_modified)) ||
               is_recoded(record, head);
}

/*
 * The answer repeats the recorded validators, and enough of them. A server that answers If-Range
 * with a part need not repeat the date, but neither does one that ignores If-Range: only what is
 * repeated is proved. Where the ETag cannot be read, the date has to be as strong as one.
 */
static bool is_same_version(const FileRecord *record, const Head *head)
{
        if (is_other_version(record, head))
                return false;
        if (!str_is_empty(record->etag) && !head->etag)
                return head->malformed_etag && head->last_modified && has_strong_date(record);
        return is_strong_etag(record->etag) || head->last_modified;
}

/* The offset after the last byte that was asked for; unknown if that is the end of the file. */
static uint64_t end_of_plan(const ResumePlan *plan, uint64_t size)
{
        return plan->length_bytes > 0 ? plan->from + plan->length_bytes : size;
}

bool resume_is_short(const ResumePlan *plan, const Head *head)
{
        uint64_t end = end_of_plan(plan, head->range.total);

        return head->status == 206 && head->range.satisfied && end != DOSVC_SIZE_UNKNOWN &&
               head->range.last + 1 < end;
}

/*
 * The answer begins with the first byte that was asked for, and holds no byte that was not, of a
 * file of the right size.
 */
static bool is_part_asked_for(const FileRecord *record, const ResumePlan *plan, const Head *head)
{
        const HeadRange *range = &head->range;
        uint64_t size = plan->continues ? resume_recorded_size(record) : DOSVC_SIZE_UNKNOWN;
        uint64_t end = end_of_plan(plan, range->total != DOSVC_SIZE_UNKNOWN ? range->total : size);

        if (!head->has_range || head->bad_range || !range->satisfied || head->conflicting_length ||
            end == DOSVC_SIZE_UNKNOWN || (plan->from == 0 && plan->length_bytes == 0))
                return false;
        if (range->first != plan->from || range->last >= end)
                return false;
        if (head->content_length != DOSVC_SIZE_UNKNOWN &&
            head->content_length != range->last - range->first + 1)
                return false;
        return size == DOSVC_SIZE_UNKNOWN || range->total == DOSVC_SIZE_UNKNOWN ||
               range->total == size;
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

static bool is_page(const char *media_type)
{
        return str_equal(media_type, "text/html") || str_equal(media_type, "application/xhtml+xml");
}

/*
 * The answer is something else in the place of the file, as networks that want their visitors to
 * log in first put there: a page, or what names no version although the file did, and is of another
 * size, type or origin. What has the recorded size is taken for the file.
 */
static bool is_impostor(const FileRecord *record, const ResumePlan *plan, const Head *head)
{
        _cleanup_free_ char *recorded = head_find_field(record->headers, "Content-Type");
        _cleanup_free_ char *type = recorded ? head_media_type(recorded) : NULL;
        uint64_t size = resume_file_size(head), before = resume_recorded_size(record);
        bool other_type = !str_equal(head->media_type, type);

        if (!is_on_record(record) || (size == before && size != DOSVC_SIZE_UNKNOWN))
                return false;
        /* Such a page may have been taken for the file at first: then anything else is better. */
        if (is_page(head->media_type) != is_page(type))
                return is_page(head->media_type);
        return (!str_is_empty(record->etag) || !str_is_empty(record->last_modified)) &&
               !head->etag && !head->last_modified &&
               (other_type || plan->elsewhere ||
                (size != DOSVC_SIZE_UNKNOWN && before != DOSVC_SIZE_UNKNOWN));
}

static ResumeDecision decide(const FileRecord *record, const ResumePlan *plan, const Head *head)
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

ResumeDecision resume_decide(const FileRecord *record, const ResumePlan *plan, const Head *head)
{
        ResumeDecision decision = decide(record, plan, head);

        return decision == RESUME_FROM_START && is_impostor(record, plan, head) ? RESUME_REFUSE
                                                                                : decision;
}

const char *
resume_restart_reason(const FileRecord *record, const ResumePlan *plan, const Head *head)
{
        if (!plan->continues)
                return "Nothing proved that the server still has the version on disk.";
        if (head->status == 416)
                return "The remote file has no bytes after those on disk.";
        if (is_recoded(record, head))
                return "The server sends the file in another coding.";
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
