#include "worker/resume.h"

#include <string.h>

#include "base/str.h"

#include "worker/http-date.h"

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

        return date && http_date_parse(record->last_modified, &modified) >= 0 &&
               http_date_parse(date, &answered) >= 0 && answered > modified;
}

ResumePlan resume_plan(const FileRecord *record, const char *url)
{
        ResumePlan plan = { 0 };

        if (record->offset_bytes == 0 || !is_same_resource(record->effective_url, url))
                return plan;
        if (is_strong_etag(record->etag)) {
                plan.if_range = record->etag;
        } else if (str_is_empty(record->etag) && record->total_bytes != DOSVC_SIZE_UNKNOWN &&
                   is_strong_date(record)) {
                /* The answer need not repeat the date, so the size has to bear witness. */
                plan.if_range = record->last_modified;
        }
        if (plan.if_range)
                plan.from = record->offset_bytes;
        return plan;
}

/* What the answer says of the version is what the record says. */
static bool is_same_version(const FileRecord *record, const ResumePlan *plan, const Head *head)
{
        if (head->bad_etag || head->bad_modified)
                return false;
        if (plan->if_range == record->etag)
                return str_equal(head->etag, record->etag);
        return !head->etag &&
               (!head->last_modified || str_equal(head->last_modified, record->last_modified));
}

static bool continues(const FileRecord *record, const ResumePlan *plan, const Head *head)
{
        const HeadRange *range = &head->range;

        if (!head->has_range || head->bad_range || !range->satisfied || head->conflicting_length)
                return false;
        if (range->first != plan->from || range->total == DOSVC_SIZE_UNKNOWN ||
            range->last != range->total - 1)
                return false;
        if (record->total_bytes != DOSVC_SIZE_UNKNOWN && range->total != record->total_bytes)
                return false;
        if (head->content_length != DOSVC_SIZE_UNKNOWN &&
            head->content_length != range->last - range->first + 1)
                return false;
        return is_same_version(record, plan, head);
}

/* A range that begins at the end of the file: everything is here already. */
static bool is_at_end(const FileRecord *record, const ResumePlan *plan, const Head *head)
{
        return head->has_range && !head->bad_range && !head->range.satisfied &&
               head->range.total == plan->from &&
               (record->total_bytes == DOSVC_SIZE_UNKNOWN || record->total_bytes == plan->from) &&
               plan->if_range == record->etag && is_same_version(record, plan, head);
}

ResumeVerdict resume_judge(const FileRecord *record, const ResumePlan *plan, const Head *head)
{
        ResumeVerdict otherwise = plan->from > 0 ? RESUME_ASK_AGAIN : RESUME_REFUSE;

        if (head->status == 206)
                return plan->from > 0 && continues(record, plan, head) ? RESUME_APPEND : otherwise;
        if (head->status == 416)
                return plan->from > 0 && is_at_end(record, plan, head) ? RESUME_WHOLE : otherwise;
        return head->conflicting_length ? RESUME_REFUSE : RESUME_FROM_START;
}

uint64_t resume_total_bytes(const ResumePlan *plan, const Head *head)
{
        return plan->from > 0 && head->status == 206 ? head->range.total : head->content_length;
}
