#include "worker/transfer.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/str.h"

#include "model/error-code.h"
#include "model/limits.h"
#include "worker/destinations.h"
#include "worker/digest.h"
#include "worker/http/logins.h"
#include "worker/http/origins.h"
#include "worker/http/redirect.h"
#include "worker/http/request.h"
#include "worker/http/resume.h"
#include "worker/http/route.h"
#include "worker/parts.h"
#include "worker/sink.h"
#include "worker/version.h"

/* Of the file on disk, read again in one turn of the loop: about a millisecond. */
#define REREAD_BYTES (1024U * 1024)

/* How often one file may begin again before the server gets a rest. */
#define MAX_RESTARTS 5

struct Transfer {
        TransferPlace place;
        FileRecord *record; /* borrowed */
        const TransferFacts *facts;
        void *userdata;
        sd_event_source *report; /* defer: tells the end */
        sd_event_source *reread; /* defer: an earlier worker's bytes go into the digest */
        Sink *sink;
        Digest *digest;        /* NULL: nothing is to be compared */
        uint64_t reread_bytes; /* so far */
        Request *request;
        char *url; /* of the request that runs or comes next */
        Route route;
        ResumePlan plan;
        ResumeValidator rung;   /* of the ladder, to begin the next request with */
        ResumeDecision verdict; /* on the last answer that could be a body */
        const char *reason;     /* for starting over, should it come to that */
        uint64_t file_size;     /* of the remote file, as far as known */
        uint64_t body_at;       /* where the body's next byte lies in the remote file */
        uint64_t body_end;      /* where it has to end, if that is known */
        bool whole_only;        /* no parts: nothing would prove that they belong together */
        bool enough;            /* the rest of the body is not wanted */
        Logins *logins;
        unsigned redirects;
        unsigned restarts;
        bool searching;  /* for proxies */
        bool downgraded; /* a redirect led from https to http: nothing is confidential any more */
        bool accepted;   /* the answer's body goes to the sink */
        Failure failure;
};

static const RequestEvents request_events;

/* Tells the end from the loop, whatever is on the stack now. */
static void end(Transfer *transfer)
{
        transfer_halt(transfer);
        (void) sd_event_source_set_enabled(transfer->report, SD_EVENT_ONESHOT);
}

static void end_internal(Transfer *transfer, int error)
{
        failure_set_internal(&transfer->failure, error);
        end(transfer);
}

static int on_report(sd_event_source *source, void *userdata)
{
        Transfer *transfer = userdata;

        transfer->facts->ended(transfer->userdata,
                               transfer,
                               transfer->failure.code ? &transfer->failure : NULL);
        return 0;
}

static int record_temp(Transfer *transfer)
{
        SinkFile file = sink_file(transfer->sink);

        transfer->record->inode = file.inode;
        return str_set(&transfer->record->temp_name, file.temp_name);
}

/* Bytes that were fetched are thrown away. */
static int count_restart(Transfer *transfer, const char *reason)
{
        FileRecord *record = transfer->record;

        if (record->offset_bytes == 0 && sink_position(transfer->sink) == 0)
                return 0;
        record->restarts += record->restarts < UINT32_MAX;
        transfer->restarts++;
        return str_set(&record->restart_reason, reason);
}

/*
 * Nothing of the bytes on disk is worth keeping. The next version gets another file under
 * another name: a record that a crash left behind can then never vouch for bytes that
 * it does not describe.
 */
static int start_over(Transfer *transfer, const char *reason)
{
        int r = count_restart(transfer, reason);

        if (r >= 0)
                r = version_forget(transfer->record);
        if (r >= 0 && transfer->digest)
                r = digest_restart(transfer->digest);
        if (r < 0)
                return r;
        r = sink_create(transfer->sink);
        destination_changed(transfer->place.destination);
        if (r < 0) {
                failure_set_local(&transfer->failure, r, transfer->record->local_name);
                return r;
        }
        r = record_temp(transfer);
        transfer->facts->begun(transfer->userdata, transfer);
        if (r >= 0 && transfer->restarts > MAX_RESTARTS) {
                failure_set(&transfer->failure,
                            (uint32_t) ERROR_CODE_REMOTE_FILE_CHANGED,
                            true,
                            ERROR_CONTEXT_REMOTE_FILE,
                            transfer->url,
                            "The file at %s does not stay the same for long enough.",
                            log_url(transfer->url));
                r = -EAGAIN;
        }
        return r;
}

/*
 * The first of several parts, and no way to prove that the next ones will be of the same
 * version: then they have to come in one answer.
 */
static int check_provable(Transfer *transfer, const Head *head)
{
        FileRecord *record = transfer->record;

        if (record->n_ranges < 2 ||
            resume_plan(record, 1, transfer->url, RESUME_VALIDATOR_ETAG).continues)
                return 0;
        if (!parts_ascend(record)) {
                failure_set(&transfer->failure,
                            (uint32_t) ERROR_CODE_INSUFFICIENT_RANGE_SUPPORT,
                            false,
                            ERROR_CONTEXT_REMOTE_FILE,
                            transfer->url,
                            "The server does not tell the versions of %s apart, so that its "
                            "parts cannot be fetched in that order.",
                            log_url(transfer->url));
                return -EOPNOTSUPP;
        }
        if (head->status != 206)
                return 0;
        transfer->whole_only = true;
        transfer->verdict = RESUME_RESTART;
        return -ECANCELED;
}

/* Where the body lies in the remote file, and how much that makes. */
static int place_body(Transfer *transfer, const Head *head)
{
        FileRecord *record = transfer->record;
        uint64_t total;

        transfer->file_size = resume_file_size(head);
        if (transfer->file_size == DOSVC_SIZE_UNKNOWN && transfer->verdict == RESUME_FROM_WHOLE)
                transfer->file_size = parts_file_size(record);
        transfer->body_at = head->status == 206 ? head->range.first : 0;
        /* Without a length the version on disk says where a body of it has to end. */
        transfer->body_end = head->status == 206 ? head->range.last + 1 : transfer->file_size;
        if (parts_total(record, transfer->file_size, &total) < 0) {
                failure_set_no_ranges(&transfer->failure, transfer->url);
                return -ERANGE;
        }
        record->total_bytes = total;
        return 0;
}

static int report_place(Transfer *transfer, const char *url)
{
        int r = redirect_report(transfer->record, url);

        if (r > 0)
                transfer->facts->begun(transfer->userdata, transfer);
        return r;
}

/* The body is coming: the record says of what. */
static int accept_body(Transfer *transfer, const Head *head)
{
        int r = 0;

        if (transfer->verdict == RESUME_FROM_START) {
                r = start_over(transfer, transfer->reason);
                if (r >= 0)
                        r = version_take(transfer->record, head, transfer->url);
                if (r >= 0)
                        r = check_provable(transfer, head);
                if (r == -ECANCELED)
                        return r;
        }
        /* Validators and the date that makes them strong stay those of the first bytes. */
        if (r >= 0)
                r = place_body(transfer, head);
        if (r < 0) {
                failure_set_internal(&transfer->failure, r);
                return r;
        }
        if (redirect_policy_reports(transfer->place.settings->redirect_policy))
                r = report_place(transfer, transfer->url);
        if (r < 0) {
                failure_set_internal(&transfer->failure, r);
                return r;
        }
        if (transfer->record->total_bytes != DOSVC_SIZE_UNKNOWN)
                r = sink_reserve(transfer->sink,
                                 transfer->record->total_bytes,
                                 transfer->place.settings->disk_reserve_bytes);
        else
                r = sink_check_room(transfer->sink, transfer->place.settings->disk_reserve_bytes);
        transfer->facts->begun(transfer->userdata, transfer);
        if (r < 0)
                failure_set_local(&transfer->failure, r, transfer->record->local_name);
        else
                transfer->accepted = true;
        return r;
}

/* Only what the climb showed: a file without an ETag says nothing of the server. */
static void learn_rung(Transfer *transfer)
{
        if (transfer->rung > RESUME_VALIDATOR_ETAG)
                origins_learn(transfer->place.rungs, transfer->url, transfer->rung);
}

/* The first part is not in the file, or not all of it. */
static bool is_out_of_range(const Transfer *transfer, const Head *head)
{
        uint64_t ignored;

        if (transfer->record->n_ranges == 0 || !head->has_range || head->bad_range ||
            head->range.total == DOSVC_SIZE_UNKNOWN)
                return head->status == 416 && transfer->record->n_ranges > 0;
        return (head->status == 206 || head->status == 416) &&
               parts_total(transfer->record, head->range.total, &ignored) < 0;
}

/* RequestEvents.head */
static int on_head(void *userdata, const Head *head)
{
        Transfer *transfer = userdata;

        if (head->status != 200 && head->status != 203 && head->status != 206 &&
            head->status != 412 && head->status != 416)
                return 1;
        if (!transfer->plan.continues && is_out_of_range(transfer, head)) {
                failure_set_no_ranges(&transfer->failure, transfer->url);
                return -ERANGE;
        }
        if ((head->status == 412 || head->status == 416) && !transfer->plan.continues)
                return 1;
        transfer->verdict = resume_decide(transfer->record, &transfer->plan, head);
        transfer->reason = resume_restart_reason(transfer->record, &transfer->plan, head);
        switch (transfer->verdict) {
        case RESUME_APPEND:
                learn_rung(transfer);
                return accept_body(transfer, head);
        case RESUME_FROM_WHOLE:
        case RESUME_FROM_START:
                return accept_body(transfer, head);
        case RESUME_COMPLETE:
                return 1;
        case RESUME_TRY_NEXT:
        case RESUME_RESTART:
                return -ECANCELED;
        case RESUME_INVALID:
                break;
        }
        failure_set_bad_answer(&transfer->failure,
                               transfer->url,
                               head->status == 206
                                       ? "holds a part of the file that was not asked for"
                                       : "contradicts itself about its length");
        return -EBADMSG;
}

static int write_bytes(Transfer *transfer, const char *data, size_t size_bytes)
{
        int r = sink_write(transfer->sink, data, size_bytes);

        if (r < 0) {
                failure_set_local(&transfer->failure, r, transfer->record->local_name);
                return r;
        }
        r = transfer->digest ? digest_update(transfer->digest, data, size_bytes) : 0;
        if (r < 0)
                failure_set_internal(&transfer->failure, r);
        return r;
}

static size_t at_most(uint64_t bytes, size_t limit)
{
        return bytes < limit ? (size_t) bytes : limit;
}

/* RequestEvents.body: keeps what belongs to the parts wanted, in their order. */
static int on_body(void *userdata, const void *data, size_t size_bytes)
{
        Transfer *transfer = userdata;
        const char *at = data, *end = at + size_bytes;

        if (size_bytes > transfer->body_end - transfer->body_at) {
                failure_set_bad_answer(&transfer->failure, transfer->url, "is longer than it said");
                return -EBADMSG;
        }
        while (at < end) {
                size_t left = (size_t) (end - at), n;
                Part part;
                int r = parts_next(transfer->record,
                                   transfer->file_size,
                                   sink_position(transfer->sink),
                                   &part);

                if (r == 0 || part.from < transfer->body_at) {
                        transfer->enough = true;
                        return -ECANCELED;
                }
                if (part.from > transfer->body_at) {
                        n = at_most(part.from - transfer->body_at, left);
                } else {
                        n = at_most(part.length_bytes, left);
                        r = write_bytes(transfer, at, n);
                        if (r < 0)
                                return r;
                }
                at += n;
                transfer->body_at += n;
        }
        return 0;
}

/*
 * The owner named one origin: no credential, header or certificate of his goes to another, nor over
 * a way that others see.
 */
static bool is_at_home(const Transfer *transfer)
{
        return !transfer->downgraded &&
               spec_same_origin(transfer->url, file_record_owners_name(transfer->record));
}

static ResumeValidator first_rung(const Transfer *transfer)
{
        ResumeValidator known = origins_find(transfer->place.rungs, transfer->url);

        return transfer->rung > known ? transfer->rung : known;
}

/* Where to the URL; true when that is known now, else it will be, or the transfer ends. */
static bool find_way(Transfer *transfer)
{
        int r = route_find(&transfer->route, transfer->place.proxies, transfer->url);

        transfer->searching = r == -EAGAIN;
        if (transfer->searching)
                transfer->facts->searching(transfer->userdata, transfer, transfer->url);
        else if (r < 0)
                end_internal(transfer, r);
        return r >= 0;
}

static void ask(Transfer *transfer)
{
        bool home = is_at_home(transfer);
        RequestSpec spec = {
                .url = transfer->url,
                .server = home ? logins_get(transfer->logins,
                                            AUTH_TARGET_SERVER,
                                            file_record_owners_name(transfer->record))
                               : NULL,
                .tls = transfer->place.tls,
                .own = home,
                .headers = transfer->place.settings->headers,
        };
        int r;

        if (!find_way(transfer))
                return;
        spec.proxy = route_proxy(&transfer->route);
        spec.proxy_login = logins_get(transfer->logins, AUTH_TARGET_PROXY, spec.proxy);
        transfer->plan = (ResumePlan){ .rung = RESUME_VALIDATORS_MAX };
        if (!transfer->whole_only)
                transfer->plan = resume_plan(transfer->record,
                                             sink_position(transfer->sink),
                                             transfer->url,
                                             first_rung(transfer));
        transfer->accepted = transfer->enough = false;
        transfer->verdict = RESUME_INVALID;
        spec.from = transfer->plan.from;
        spec.length_bytes = transfer->plan.length_bytes;
        spec.if_range = transfer->plan.if_range;
        r = request_new(transfer->place.loop, &spec, &request_events, transfer, &transfer->request);
        if (r < 0)
                end_internal(transfer, r);
}

void transfer_find_proxies(Transfer *transfer, const char *reason)
{
        if (!transfer->searching)
                return;
        if (reason) {
                failure_set_detection(&transfer->failure, transfer->url, reason);
                end(transfer);
        } else {
                ask(transfer);
        }
}

static void fail_status(Transfer *transfer, const RequestResult *result)
{
        bool tunnel = result->tunnel_status >= 300;

        /* nginx and IIS finish the handshake and refuse the request instead. */
        if (result->wants_certificate &&
            (result->head->status == 400 || result->head->status == 403))
                failure_set_no_certificate(&transfer->failure, result->head->status, transfer->url);
        failure_set_status(&transfer->failure,
                           tunnel ? result->tunnel_status : result->head->status,
                           transfer->url,
                           tunnel || result->head->status == 407,
                           head_retry_after_sec(result->head, time(NULL)));
        end(transfer);
}

/* 401 or 407: which of the offered schemes shall it be? */
static void challenge(Transfer *transfer, AuthTarget target, const RequestResult *result)
{
        const char *proxy = route_proxy(&transfer->route);

        if (target == AUTH_TARGET_PROXY && !str_is_empty(proxy)) /* no server is a proxy */
                logins_challenge(transfer->logins, target, result->proxy_offered, proxy);
        else if (target == AUTH_TARGET_SERVER && is_at_home(transfer))
                logins_challenge(transfer->logins,
                                 target,
                                 result->server_offered,
                                 file_record_owners_name(transfer->record));
        else
                fail_status(transfer, result);
}

/* LoginsEvents.wanted */
static void on_login_wanted(void *userdata, AuthTarget target, unsigned offered)
{
        Transfer *transfer = userdata;

        transfer->facts->challenged(transfer->userdata, transfer, target, offered);
}

/* LoginsEvents.ready */
static void on_login_ready(void *userdata)
{
        ask(userdata);
}

/* LoginsEvents.refused */
static void on_login_refused(void *userdata, AuthTarget target, const char *text)
{
        Transfer *transfer = userdata;
        bool proxy = target == AUTH_TARGET_PROXY;

        failure_set_status(&transfer->failure, proxy ? 407 : 401, transfer->url, proxy, 0);
        if (text)
                failure_add(&transfer->failure, text);
        end(transfer);
}

/* LoginsEvents.failed */
static void on_login_failed(void *userdata, int error)
{
        end_internal(userdata, error);
}

static const LoginsEvents login_events = {
        .wanted = on_login_wanted,
        .ready = on_login_ready,
        .refused = on_login_refused,
        .failed = on_login_failed,
};

/* Whoever let the request pass liked its credential. */
static void learn_logins(Transfer *transfer, const RequestResult *result)
{
        unsigned status = result->head->status;

        if (status != 0 && status != 407)
                logins_accepted(transfer->logins, AUTH_TARGET_PROXY);
        if (status != 0 && status != 407 && status != 401 && is_at_home(transfer))
                logins_accepted(transfer->logins, AUTH_TARGET_SERVER);
}

void transfer_answer(Transfer *transfer, const LoginsAnswer *answer)
{
        logins_answer(transfer->logins, answer);
}

static void refuse_redirect(Transfer *transfer, const char *text)
{
        redirect_refuse(&transfer->failure, transfer->url, text);
        end(transfer);
}

static void disallow_redirect(Transfer *transfer, unsigned status, const char *url)
{
        int r = report_place(transfer, url);

        if (r < 0)
                failure_set_internal(&transfer->failure, r);
        redirect_disallow(&transfer->failure, status, transfer->url);
        end(transfer);
}

static void go_to(Transfer *transfer, char *url, bool downgrade)
{
        free(transfer->url);
        transfer->url = url;
        transfer->downgraded |= downgrade;
        route_forget(&transfer->route);
        ask(transfer);
}

static void follow(Transfer *transfer, const Head *head)
{
        RedirectPolicy policy = transfer->place.settings->redirect_policy;
        _cleanup_free_ char *url = NULL;
        bool downgrade;
        int r = request_resolve(transfer->url, head->location, &url);

        if (r == -ENOMEM) {
                end_internal(transfer, r);
        } else if (r < 0) {
                refuse_redirect(transfer,
                                r == -EPROTONOSUPPORT ? "it leads to another protocol than HTTP"
                                                      : "it leads to no URL");
        } else if (policy == REDIRECT_POLICY_DISALLOW) {
                disallow_redirect(transfer, head->status, url);
        } else if (++transfer->redirects > LIMIT_REDIRECTS) {
                refuse_redirect(transfer, "there are too many redirects");
        } else {
                downgrade = redirect_is_downgrade(transfer->url, url);
                if (downgrade && !redirect_policy_allows_downgrade(policy))
                        refuse_redirect(transfer, "it leads from a secure to an insecure server");
                else
                        go_to(transfer, STEAL_PTR(url), downgrade);
        }
}

/* The owner knows better what it should be: nothing of it is kept, nothing is retried. */
static void refuse_content(Transfer *transfer)
{
        const FileRecord *record = transfer->record;

        failure_set(&transfer->failure,
                    (uint32_t) ERROR_CODE_VALIDATION_FAILED,
                    false,
                    ERROR_CONTEXT_REMOTE_FILE,
                    transfer->url,
                    "What came from %s does not have the checksum %s.",
                    log_url(transfer->url),
                    record->checksum);
        (void) start_over(transfer, "The file did not have the checksum that was given.");
        end(transfer);
}

/* All bytes that were announced are written. */
static void end_of_body(Transfer *transfer)
{
        uint64_t position = sink_position(transfer->sink);
        int matches = 1;

        if (transfer->record->total_bytes == DOSVC_SIZE_UNKNOWN)
                transfer->record->total_bytes = position;
        if (position != transfer->record->total_bytes)
                failure_set_bad_answer(&transfer->failure,
                                       transfer->url,
                                       "is shorter than it said");
        else if (transfer->digest)
                matches = digest_finish(transfer->digest);
        if (matches == 0)
                refuse_content(transfer);
        else if (matches < 0)
                end_internal(transfer, matches);
        else
                end(transfer);
}

/* The answer has come to its end, or to that of what is wanted of it. */
static void end_of_answer(Transfer *transfer)
{
        FileRecord *record = transfer->record;
        int r = 0;

        if (transfer->accepted && !transfer->enough) {
                if (transfer->body_end == DOSVC_SIZE_UNKNOWN)
                        r = parts_total(record, transfer->body_at, &record->total_bytes);
                else if (transfer->body_at < transfer->body_end)
                        failure_set_bad_answer(&transfer->failure,
                                               transfer->url,
                                               "is shorter than it said");
        }
        if (r < 0)
                failure_set_no_ranges(&transfer->failure, transfer->url);
        if (transfer->failure.code)
                end(transfer);
        else if (record->n_ranges > 0 && sink_position(transfer->sink) < record->total_bytes)
                ask(transfer);
        else
                end_of_body(transfer);
}

/* The old bytes cannot be continued: the whole file, please. */
static void ask_again(Transfer *transfer)
{
        int r = start_over(transfer, transfer->reason);

        if (r < 0)
                end_internal(transfer, r);
        else
                ask(transfer);
}

/* The answer was no part; the same question in other words. */
static void climb(Transfer *transfer)
{
        transfer->rung = resume_next_validator(transfer->record, transfer->plan.rung);
        learn_rung(transfer);
        ask(transfer);
}

/* The status says what there is to say; an error page may be cut. */
static bool is_refusal(const Transfer *transfer, const RequestResult *result)
{
        const Head *head = result->head;

        if (head->status == 0)
                return result->tunnel_status >= 300;
        return !transfer->accepted && head->complete &&
               (head->status >= 300 || (head->status >= 200 && result->whole));
}

/* RequestEvents.done */
static void on_done(void *userdata, const RequestResult *result)
{
        Transfer *transfer = userdata;
        /* The facts in result are of the request: it goes when they have been used. */
        _cleanup_(request_freep) Request *request = STEAL_PTR(transfer->request);
        const Head *head = result->head;
        bool other_way = route_next(&transfer->route, transfer->place.proxies, result->unreached);

        learn_logins(transfer, result);
        if (transfer->failure.code)
                end(transfer);
        else if (other_way)
                ask(transfer);
        else if (result->aborted && transfer->verdict == RESUME_RESTART)
                ask_again(transfer);
        else if (result->aborted && transfer->verdict == RESUME_TRY_NEXT)
                climb(transfer);
        else if (head->status == 407 || (head->status == 0 && result->tunnel_status == 407))
                challenge(transfer, AUTH_TARGET_PROXY, result);
        else if (head->status == 401)
                challenge(transfer, AUTH_TARGET_SERVER, result);
        else if (redirect_is_one(head))
                follow(transfer, head);
        else if ((result->aborted && transfer->enough) ||
                 (result->whole && (transfer->accepted || transfer->verdict == RESUME_COMPLETE)))
                end_of_answer(transfer);
        else if (is_refusal(transfer, result))
                fail_status(transfer, result);
        else {
                request_explain(request, &transfer->failure);
                end(transfer);
        }
}

static const RequestEvents request_events = {
        .head = on_head,
        .body = on_body,
        .done = on_done,
};

/* Finds the bytes of an earlier attempt; without them the file starts from 0. */
static int open_place(Transfer *transfer)
{
        FileRecord *record = transfer->record;
        SinkFile file = {
                .temp_name = record->temp_name,
                .inode = record->inode,
        };
        int r;

        r = sink_new(destination_fd(transfer->place.destination),
                     destination_entry(record->local_name),
                     sink_tag(transfer->place.job, record->index),
                     &transfer->sink);
        if (r < 0 || str_is_empty(record->temp_name))
                return r < 0 ? r : version_forget(record);
        r = sink_continue(transfer->sink, &file, record->offset_bytes);
        if (r != -ESTALE)
                return r;
        r = count_restart(transfer, "The temporary file was gone or not the one recorded.");
        if (r >= 0)
                r = str_set(&record->temp_name, "");
        record->inode = 0;
        return r < 0 ? r : version_forget(record);
}

static void begin(Transfer *transfer)
{
        const FileRecord *record = transfer->record;

        if (record->offset_bytes > 0 && record->offset_bytes == record->total_bytes)
                end_of_body(transfer); /* only the word was missing */
        else
                ask(transfer);
}

/* The next slice of an earlier worker's bytes. */
static int on_reread(sd_event_source *source, void *userdata)
{
        static unsigned char slice[REREAD_BYTES];
        Transfer *transfer = userdata;
        uint64_t left = transfer->record->offset_bytes - transfer->reread_bytes;
        size_t size = left < sizeof(slice) ? (size_t) left : sizeof(slice);
        int r = sink_read(transfer->sink, transfer->reread_bytes, slice, size);

        if (r < 0) {
                failure_set_local(&transfer->failure, r, transfer->record->local_name);
                end(transfer);
                return 0;
        }
        transfer->reread_bytes += size;
        r = digest_update(transfer->digest, slice, size);
        if (r < 0) {
                end_internal(transfer, r);
        } else if (transfer->reread_bytes == transfer->record->offset_bytes) {
                (void) sd_event_source_set_enabled(source, SD_EVENT_OFF);
                begin(transfer);
        }
        return 0;
}

/* What comes before the first request when there is a checksum. */
static int prepare_digest(Transfer *transfer)
{
        int r = digest_new(transfer->record->checksum, &transfer->digest);

        if (r == -EINVAL || r == -EOPNOTSUPP) {
                failure_set(&transfer->failure,
                            (uint32_t) ERROR_CODE_VALIDATION_FAILED,
                            false,
                            ERROR_CONTEXT_REMOTE_FILE,
                            transfer->url,
                            "The checksum %s cannot be computed here.",
                            transfer->record->checksum);
                return r;
        }
        if (r < 0 || transfer->record->offset_bytes == 0)
                return r;
        r = sd_event_add_defer(transfer->place.event, &transfer->reread, on_reread, transfer);
        return r < 0 ? r : sd_event_source_set_enabled(transfer->reread, SD_EVENT_ON);
}

int transfer_new(const TransferPlace *place,
                 FileRecord *record,
                 const TransferFacts *facts,
                 void *userdata,
                 Transfer **ret)
{
        _cleanup_(transfer_freep) Transfer *transfer = calloc(1, sizeof(*transfer));
        int r;

        if (!transfer)
                return -ENOMEM;
        transfer->place = *place;
        transfer->record = record;
        transfer->facts = facts;
        transfer->userdata = userdata;
        r = logins_new(place->tickets, &login_events, transfer, &transfer->logins);
        if (r >= 0)
                r = sd_event_add_defer(place->event, &transfer->report, on_report, transfer);
        if (r >= 0)
                r = sd_event_source_set_enabled(transfer->report, SD_EVENT_OFF);
        if (r >= 0)
                r = str_set(&transfer->url, record->remote_name);
        if (r < 0)
                return r;

        r = open_place(transfer);
        if (r < 0)
                failure_set_local(&transfer->failure, r, record->local_name);
        else if (!str_is_empty(record->checksum))
                r = prepare_digest(transfer);
        if (r < 0)
                end_internal(transfer, r);
        else if (!transfer->reread)
                begin(transfer);
        *ret = STEAL_PTR(transfer);
        return 0;
}

Transfer *transfer_free(Transfer *transfer)
{
        if (!transfer)
                return NULL;
        transfer_halt(transfer);
        logins_free(transfer->logins);
        sd_event_source_disable_unref(transfer->report);
        sink_free(transfer->sink);
        digest_free(transfer->digest);
        failure_done(&transfer->failure);
        route_forget(&transfer->route);
        free(transfer->url);
        free(transfer);
        return NULL;
}

void transfer_halt(Transfer *transfer)
{
        transfer->request = request_free(transfer->request);
        transfer->reread = sd_event_source_disable_unref(transfer->reread);
        transfer->searching = false;
        if (transfer->logins)
                logins_forget(transfer->logins);
}

void transfer_start_sync(Transfer *transfer)
{
        sink_start_sync(transfer->sink);
}

int transfer_sync(Transfer *transfer)
{
        FileRecord *record = transfer->record;
        uint64_t offset;
        int r;

        /* Nothing was opened: what the record says of an earlier attempt stays as it is. */
        if (!transfer->sink || str_is_empty(sink_file(transfer->sink).temp_name))
                return 0;
        r = sink_sync(transfer->sink);
        if (r < 0) {
                (void) start_over(transfer, "The disk failed to keep what was written to it.");
                return r;
        }
        offset = sink_synced(transfer->sink);
        if (offset == record->offset_bytes)
                return 0;
        record->offset_bytes = offset;
        return 1;
}

int transfer_check_room(const Transfer *transfer)
{
        return transfer->accepted ? sink_check_room(transfer->sink,
                                                    transfer->place.settings->disk_reserve_bytes)
                                  : 0;
}

FileRecord *transfer_record(Transfer *transfer)
{
        return transfer->record;
}

uint64_t transfer_received(const Transfer *transfer)
{
        return transfer->sink ? sink_position(transfer->sink) : 0;
}

bool transfer_is_asking(const Transfer *transfer)
{
        return logins_is_asking(transfer->logins);
}

bool transfer_is_searching(const Transfer *transfer)
{
        return transfer->searching;
}
