#include "worker/http/fetch.h"

#include <errno.h>
#include <time.h>

#include "base/log.h"
#include "base/str.h"

#include "model/enums.h"
#include "model/error-code.h"
#include "model/file-record.h"
#include "model/url.h"
#include "worker/http/logins.h"
#include "worker/http/origins.h"
#include "worker/http/redirect.h"
#include "worker/http/request.h"
#include "worker/http/resume.h"
#include "worker/http/route.h"
#include "worker/http/session.h"
#include "worker/http/status.h"
#include "worker/parts.h"

typedef struct Fetch {
        Source source;            /* what the transfer sees */
        Session *session;         /* borrowed */
        const FileRecord *record; /* borrowed */
        const SourceEvents *events;
        void *userdata;
        Logins *logins;
        Route route;
        Request *request;
        char *url;         /* of the request that runs or comes next */
        uint64_t position; /* bytes that the temporary file holds */
        ResumePlan plan;
        ResumeValidator validator;  /* the first one that the next request may use */
        ResumeDecision decision;    /* on the last answer that could be a body */
        const char *restart_reason; /* why the bytes on disk are lost, if they are */
        bool restarted;             /* the whole is asked for; that reason is the first answer's */
        unsigned redirects;
        bool downgraded; /* a redirect led from https to http: nothing is confidential any more */
        bool whole_only; /* no parts are asked for: nothing would prove that they fit together */
        bool accepted;   /* the answer's body is passed on */
        bool enough;     /* the rest of the body is not wanted */
        bool refused;    /* the receiver of the events has failed */
        Failure failure;
} Fetch;

static const RequestEvents request_events;

static void finish(Fetch *fetch)
{
        fetch->events->done(fetch->userdata, fetch->failure.code ? &fetch->failure : NULL);
}

static void fail_internal(Fetch *fetch, int error)
{
        failure_set_internal(&fetch->failure, error);
        finish(fetch);
}

/* Remembers what an event returned. */
static int heed(Fetch *fetch, int r)
{
        fetch->refused |= r < 0;
        return r;
}

/*
 * The owner named one origin: no credential, header or certificate goes to another, nor over a
 * connection that others can read.
 */
static bool is_owners_origin(const Fetch *fetch)
{
        return !fetch->downgraded &&
               url_same_origin(fetch->url, file_record_owners_name(fetch->record));
}

/* Requests ------------------------------------------------------------------------------- */

static ResumePlan make_plan(const Fetch *fetch)
{
        ResumeValidator known = origins_find(fetch->session->origins, fetch->url);
        ResumePlan plan = resume_plan(fetch->record,
                                      fetch->position,
                                      fetch->url,
                                      fetch->validator > known ? fetch->validator : known);

        if (fetch->whole_only && !plan.continues)
                plan.from = plan.length_bytes = 0;
        return plan;
}

static int send_request(Fetch *fetch)
{
        const char *proxy = route_proxy(&fetch->route), *owners = NULL;
        RequestSpec spec = {
                .url = fetch->url,
                .proxy = proxy,
                .from = fetch->plan.from,
                .length_bytes = fetch->plan.length_bytes,
                .if_range = fetch->plan.if_range,
                .proxy_login = logins_get(fetch->logins, AUTH_TARGET_PROXY, proxy),
                .tls = fetch->session->tls,
                .owners_origin = is_owners_origin(fetch),
                .headers = fetch->session->settings->headers,
        };

        if (spec.owners_origin) {
                owners = file_record_owners_name(fetch->record);
                spec.server_login = logins_get(fetch->logins, AUTH_TARGET_SERVER, owners);
        }
        return request_new(fetch->session->loop, &spec, &request_events, fetch, &fetch->request);
}

static void ask(Fetch *fetch)
{
        int r;

        if (route_is_outdated(&fetch->route))
                logins_forget_peer(fetch->logins, AUTH_TARGET_PROXY);
        r = route_find(&fetch->route, fetch->url);
        if (r == 0)
                return; /* on_proxies_found() goes on */
        if (r > 0) {
                fetch->accepted = fetch->enough = false;
                fetch->decision = RESUME_INVALID;
                fetch->plan = make_plan(fetch);
                r = send_request(fetch);
        }
        if (r < 0)
                fail_internal(fetch, r);
}

/* ProxiesWaiter.found */
static void on_proxies_found(void *userdata, const char *reason)
{
        Fetch *fetch = userdata;

        if (!reason) {
                ask(fetch);
                return;
        }
        failure_set(&fetch->failure,
                    (uint32_t) ERROR_CODE_PROXY_DETECTION_FAILED,
                    true,
                    ERROR_CONTEXT_GENERAL_TRANSPORT,
                    fetch->url,
                    "The proxy for %s could not be found: %s",
                    log_url(fetch->url),
                    reason);
        finish(fetch);
}

/* Answers -------------------------------------------------------------------------------- */

/* The answer shows that the remote file does not have all the parts that are wanted. */
static bool is_out_of_range(const Fetch *fetch, const Head *head)
{
        uint64_t ignored;

        if (fetch->record->n_ranges == 0 || !head->has_range || head->bad_range ||
            head->range.total == DOSVC_SIZE_UNKNOWN)
                return head->status == 416 && fetch->record->n_ranges > 0;
        return (head->status == 206 || head->status == 416) &&
               parts_total(fetch->record, head->range.total, &ignored) < 0;
}

/*
 * The bytes after this part can be asked for, since its end is known, and will be proved to be of
 * the same version.
 */
static bool can_be_followed(const Fetch *fetch, const Head *head)
{
        uint64_t total;

        return resume_is_provable(head) &&
               (head->status != 206 ||
                (parts_total(fetch->record, head->range.total, &total) >= 0 &&
                 total != DOSVC_SIZE_UNKNOWN));
}

/*
 * The first of several parts has come, or some of it, and the next ones could not be fetched in
 * answers of their own: then they have to come in this one. -ECANCELED: ask for that.
 */
static int check_provable(Fetch *fetch, const Head *head)
{
        if ((fetch->record->n_ranges < 2 && !resume_is_short(&fetch->plan, head)) ||
            can_be_followed(fetch, head))
                return 0;
        if (!parts_ascend(fetch->record)) {
                failure_set(&fetch->failure,
                            (uint32_t) ERROR_CODE_INSUFFICIENT_RANGE_SUPPORT,
                            false,
                            ERROR_CONTEXT_REMOTE_FILE,
                            fetch->url,
                            "The server does not tell the versions of %s apart, so that its "
                            "parts cannot be fetched in that order.",
                            log_url(fetch->url));
                return -EOPNOTSUPP;
        }
        if (head->status != 206)
                return 0;
        fetch->whole_only = true;
        fetch->decision = RESUME_RESTART;
        return -ECANCELED;
}

/* Passes the answer on; its body is coming. */
static int accept_body(Fetch *fetch, const Head *head)
{
        bool is_part = head->status == 206;
        uint64_t size = resume_file_size(head);
        SourceAnswer answer;
        int r;

        if (size == DOSVC_SIZE_UNKNOWN && fetch->decision != RESUME_FROM_START)
                size = resume_recorded_size(fetch->record);
        answer = (SourceAnswer){
                .continues = fetch->decision != RESUME_FROM_START,
                .joins = fetch->plan.joins,
                .reason = fetch->restart_reason,
                .url = fetch->url,
                .etag = head->etag ? head->etag : "",
                .last_modified = head->last_modified ? head->last_modified : "",
                .coding = head->coding ? head->coding : "",
                .headers = head->text ? head->text : "",
                .body_begin = is_part ? head->range.first : 0,
                .body_end = is_part ? head->range.last + 1 : size,
                .file_size_bytes = size,
        };
        r = fetch->events->begin(fetch->userdata, &answer);
        if (r >= 0 && redirect_policy_reports(fetch->session->settings->redirect_policy))
                r = fetch->events->relocated(fetch->userdata, fetch->url);
        fetch->accepted = r >= 0;
        return heed(fetch, r);
}

/*
 * Remembers for the next file which validators this server ignores. A file that has no ETag of its
 * own says nothing about the server.
 */
static void learn_validator(Fetch *fetch)
{
        if (fetch->validator > RESUME_VALIDATOR_ETAG)
                origins_learn(fetch->session->origins, fetch->url, fetch->validator);
}

static int decide(Fetch *fetch, const Head *head)
{
        int r = 0;

        fetch->decision = resume_decide(fetch->record, &fetch->plan, head);
        if (!fetch->restarted)
                fetch->restart_reason = resume_restart_reason(fetch->record, &fetch->plan, head);
        switch (fetch->decision) {
        case RESUME_APPEND:
                learn_validator(fetch);
                return accept_body(fetch, head);
        case RESUME_FROM_WHOLE:
                return accept_body(fetch, head);
        case RESUME_FROM_START:
                r = check_provable(fetch, head);
                return r < 0 ? r : accept_body(fetch, head);
        case RESUME_COMPLETE:
                return 1;
        case RESUME_TRY_NEXT:
        case RESUME_RESTART:
                return -ECANCELED;
        case RESUME_REFUSE:
                failure_set_bad_answer(&fetch->failure,
                                       fetch->url,
                                       "is no version of the file that was begun, but perhaps a "
                                       "page that the network wants to be answered first; what was "
                                       "fetched is kept");
                return -EBADMSG;
        case RESUME_INVALID:
                break;
        }
        failure_set_bad_answer(&fetch->failure,
                               fetch->url,
                               head->status == 206
                                       ? "holds a part of the file that was not asked for"
                                       : "contradicts itself about its length");
        return -EBADMSG;
}

/* RequestEvents.head */
static int on_head(void *userdata, const Head *head)
{
        Fetch *fetch = userdata;

        if (head->status != 200 && head->status != 203 && head->status != 206 &&
            head->status != 412 && head->status != 416)
                return 1;
        if (!fetch->plan.continues && is_out_of_range(fetch, head)) {
                failure_set_no_ranges(&fetch->failure, fetch->url);
                return -ERANGE;
        }
        if ((head->status == 412 || head->status == 416) && !fetch->plan.continues)
                return 1;
        return decide(fetch, head);
}

/* RequestEvents.body */
static int on_body(void *userdata, const void *data, size_t size_bytes)
{
        Fetch *fetch = userdata;
        int r = heed(fetch, fetch->events->body(fetch->userdata, data, size_bytes));

        fetch->enough = r > 0;
        return r > 0 ? -ECANCELED : r;
}

/* Refusals and challenges ---------------------------------------------------------------- */

static void fail_status(Fetch *fetch, const RequestResult *result)
{
        const Head *head = result->head;
        bool tunnel = result->tunnel_status >= 300;

        /* nginx and IIS finish the handshake without a certificate and refuse the request. */
        if (result->wants_certificate && (head->status == 400 || head->status == 403))
                status_set_no_certificate(&fetch->failure, head->status, fetch->url);
        status_set_failure(&fetch->failure,
                           tunnel ? result->tunnel_status : head->status,
                           fetch->url,
                           tunnel || head->status == 407,
                           head_retry_after_sec(head, time(NULL)));
        finish(fetch);
}

/* LoginsEvents.refused */
static void on_login_refused(void *userdata, AuthTarget target, unsigned offered, const char *text)
{
        Fetch *fetch = userdata;
        bool proxy = target == AUTH_TARGET_PROXY;

        if (proxy && route_is_outdated(&fetch->route)) {
                ask(fetch);
                return;
        }
        status_set_failure(&fetch->failure, proxy ? 407 : 401, fetch->url, proxy, 0);
        failure_add_schemes(&fetch->failure, "It offers", offered);
        if (text)
                failure_add(&fetch->failure, text);
        finish(fetch);
}

/* The peer answered 401 or 407. */
static void answer_challenge(Fetch *fetch, AuthTarget target, const RequestResult *result)
{
        const char *proxy = route_proxy(&fetch->route);

        /* A server that was reached directly has no business to answer as a proxy. */
        if (target == AUTH_TARGET_PROXY && !str_is_empty(proxy))
                logins_challenge(fetch->logins, target, result->proxy_offered, proxy);
        else if (target == AUTH_TARGET_SERVER && is_owners_origin(fetch))
                logins_challenge(fetch->logins,
                                 target,
                                 result->server_offered,
                                 file_record_owners_name(fetch->record));
        else if (target == AUTH_TARGET_SERVER)
                on_login_refused(fetch,
                                 target,
                                 result->server_offered,
                                 "Credentials are for the origin of the file's own URL only.");
        else
                fail_status(fetch, result);
}

/* LoginsEvents.ready */
static void on_login_ready(void *userdata)
{
        ask(userdata);
}

/* LoginsEvents.failed */
static void on_login_failed(void *userdata, int error)
{
        fail_internal(userdata, error);
}

static const LoginsEvents login_events = {
        .ready = on_login_ready,
        .refused = on_login_refused,
        .failed = on_login_failed,
};

/* A proxy or server that let the request pass has accepted the credential. */
static void confirm_logins(Fetch *fetch, unsigned status)
{
        if (status != 0 && status != 407)
                logins_accepted(fetch->logins, AUTH_TARGET_PROXY);
        if (status != 0 && status != 407 && status != 401 && is_owners_origin(fetch))
                logins_accepted(fetch->logins, AUTH_TARGET_SERVER);
}

/* Reactions to an answer ----------------------------------------------------------------- */

static void go_to(Fetch *fetch, char *url)
{
        fetch->downgraded |= redirect_is_downgrade(fetch->url, url);
        free(fetch->url);
        fetch->url = url;
        route_forget(&fetch->route);
        ask(fetch);
}

static void follow_redirect(Fetch *fetch, const Head *head)
{
        RedirectPolicy policy = fetch->session->settings->redirect_policy;
        _cleanup_free_ char *url = NULL;
        int r = redirect_resolve(head, fetch->url, &url, &fetch->failure);

        if (r >= 0)
                r = redirect_check(head,
                                   fetch->url,
                                   url,
                                   policy,
                                   ++fetch->redirects,
                                   &fetch->failure);
        if (url && policy == REDIRECT_POLICY_DISALLOW)
                (void) heed(fetch, fetch->events->relocated(fetch->userdata, url));
        if (r < 0)
                fail_internal(fetch, r); /* unless the failure has a better reason already */
        else
                go_to(fetch, STEAL_PTR(url));
}

/* The bytes on disk cannot be continued: asks for the whole file, which may come or not. */
static void restart(Fetch *fetch)
{
        fetch->restarted = true;
        fetch->position = 0;
        ask(fetch);
}

/* The answer proved nothing: asks for the same bytes by another validator. */
static void try_next_validator(Fetch *fetch)
{
        fetch->validator = resume_next_validator(fetch->record, fetch->plan.validator);
        learn_validator(fetch);
        ask(fetch);
}

/* The answer is complete enough for its status to say why there is no file. */
static bool is_refusal(const Fetch *fetch, const RequestResult *result)
{
        const Head *head = result->head;

        if (head->status == 0)
                return result->tunnel_status >= 300;
        return !fetch->accepted && head->complete &&
               (head->status >= 300 || (head->status >= 200 && result->whole));
}

static bool is_challenge_of_proxy(const RequestResult *result)
{
        return result->head->status == 407 ||
               (result->head->status == 0 && result->tunnel_status == 407);
}

/*
 * The request has come to nothing because of its proxy, and there is another one. A challenge of a
 * proxy that the settings do not name any more is not answered.
 */
static bool takes_other_route(Fetch *fetch, const RequestResult *result)
{
        return route_next(&fetch->route, result->unreached) ||
               (is_challenge_of_proxy(result) && route_is_outdated(&fetch->route));
}

/* Nothing more is missing of what the request was made for. */
static bool is_served(const Fetch *fetch, const RequestResult *result)
{
        return (result->aborted && fetch->enough) ||
               (result->whole && (fetch->accepted || fetch->decision == RESUME_COMPLETE));
}

/* RequestEvents.done */
static void on_done(void *userdata, const RequestResult *result)
{
        Fetch *fetch = userdata;
        /* The result points into the request, which is freed when that has been used. */
        _cleanup_(request_freep) Request *request = STEAL_PTR(fetch->request);
        bool other_route = takes_other_route(fetch, result);

        confirm_logins(fetch, result->head->status);
        if (fetch->failure.code || fetch->refused || is_served(fetch, result))
                finish(fetch);
        else if (other_route)
                ask(fetch);
        else if (result->aborted && fetch->decision == RESUME_RESTART)
                restart(fetch);
        else if (result->aborted && fetch->decision == RESUME_TRY_NEXT)
                try_next_validator(fetch);
        else if (is_challenge_of_proxy(result))
                answer_challenge(fetch, AUTH_TARGET_PROXY, result);
        else if (result->head->status == 401)
                answer_challenge(fetch, AUTH_TARGET_SERVER, result);
        else if (redirect_is_one(result->head))
                follow_redirect(fetch, result->head);
        else if (is_refusal(fetch, result))
                fail_status(fetch, result);
        else {
                request_explain(request, &fetch->failure);
                finish(fetch);
        }
}

static const RequestEvents request_events = {
        .head = on_head,
        .body = on_body,
        .done = on_done,
};

/* The source --------------------------------------------------------------------------- */

static Fetch *fetch_of(Source *source)
{
        return CONTAINER_OF(source, Fetch, source);
}

/* SourceMethods.fetch */
static void start_fetch(Source *source, uint64_t position)
{
        Fetch *fetch = fetch_of(source);

        fetch->position = position;
        fetch->restarted = false;
        ask(fetch);
}

/* SourceMethods.halt */
static void halt_fetch(Source *source)
{
        Fetch *fetch = fetch_of(source);

        fetch->request = request_free(fetch->request);
        route_forget(&fetch->route);
        logins_forget(fetch->logins);
}

/* SourceMethods.free */
static void free_fetch(Source *source)
{
        Fetch *fetch = fetch_of(source);

        request_free(fetch->request);
        route_forget(&fetch->route);
        logins_free(fetch->logins);
        failure_done(&fetch->failure);
        free(fetch->url);
        free(fetch);
}

static const SourceMethods methods = {
        .fetch = start_fetch,
        .halt = halt_fetch,
        .free = free_fetch,
};

int fetch_new(Session *session,
              const FileRecord *record,
              const SourceEvents *events,
              void *userdata,
              Source **ret)
{
        Fetch *fetch = calloc(1, sizeof(*fetch));
        _cleanup_(source_freep) Source *source = fetch ? &fetch->source : NULL;
        int r;

        if (!fetch)
                return -ENOMEM;
        fetch->source.methods = &methods;
        fetch->session = session;
        fetch->record = record;
        fetch->events = events;
        fetch->userdata = userdata;
        fetch->failure = FAILURE_NONE;
        route_init(&fetch->route, session->proxies, on_proxies_found, fetch);
        r = str_set(&fetch->url, record->remote_name);
        if (r >= 0)
                r = logins_new(record->index,
                               session->questions,
                               session->tickets,
                               &login_events,
                               fetch,
                               &fetch->logins);
        if (r < 0)
                return r;
        *ret = STEAL_PTR(source);
        return 0;
}
