#include "worker/http/request.h"

#include <curl/curl.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"

#include "model/error-code.h"
#include "model/limits.h"
#include "model/text.h"
#include "worker/http/curl-loop.h"
#include "worker/http/tls.h"

/* Measured: a smaller buffer costs time, a larger one does not save any. */
#define RECEIVE_BUFFER_BYTES (512L * 1024)

/* How much of an unwanted body is read; one that is longer is no honest error page. */
#define UNWANTED_BODY_BYTES (64U * 1024)

/*
 * libcurl counts the rounds of one login as redirects. NTLM at proxy and server takes six; without
 * a limit a server whose nonce is always stale would keep us repeating for ever.
 */
#define MAX_ROUNDS 8L

#define CONNECT_TIMEOUT_SEC 60L
#define STALL_TIMEOUT_SEC   60L
#define KEEPALIVE_SEC       60L

struct Request {
        CurlLoop *loop; /* borrowed */
        CURL *easy;
        struct curl_slist *headers;
        struct curl_slist *proxy_headers;
        TlsWatch *watch;
        const RequestEvents *events;
        void *userdata;
        Head head;
        size_t unwanted_bytes;
        CURLcode result;
        char *proxy; /* owned; "": reached directly */
        bool head_reported;
        bool body_wanted;
        bool aborted;   /* an event returned a negative value */
        bool overflown; /* an unwanted body was cut off */
};

void login_done(Login *login)
{
        free(login->user_name);
        secret_free(login->secret);
        *login = (Login){ 0 };
}

/* Our schemes and libcurl's. Its NTLM_WB is left out because it runs a program. */
static const struct {
        AuthScheme scheme;
        unsigned long bit;
} schemes[] = {
        { AUTH_SCHEME_BASIC, CURLAUTH_BASIC },   { AUTH_SCHEME_DIGEST, CURLAUTH_DIGEST },
        { AUTH_SCHEME_NTLM, CURLAUTH_NTLM },     { AUTH_SCHEME_NEGOTIATE, CURLAUTH_NEGOTIATE },
        { AUTH_SCHEME_BEARER, CURLAUTH_BEARER },
};

/* libcurl's bit for a scheme; 0: it has none. */
static long scheme_bit(AuthScheme scheme)
{
        for (size_t i = 0; i < ARRAY_SIZE(schemes); i++)
                if (schemes[i].scheme == scheme)
                        return (long) schemes[i].bit;
        return 0;
}

static unsigned offered_schemes(CURL *easy, CURLINFO info)
{
        unsigned offered = 0;
        long bits = 0;

        if (curl_easy_getinfo(easy, info, &bits) != CURLE_OK)
                return 0;
        for (size_t i = 0; i < ARRAY_SIZE(schemes); i++)
                if ((unsigned long) bits & schemes[i].bit)
                        offered |= 1U << schemes[i].scheme;
        return offered;
}

/* Reports the head unless that was done; returns true if the body is wanted. */
static bool report_head(Request *request)
{
        if (!request->head_reported) {
                int r = request->events->head(request->userdata, &request->head);

                request->head_reported = true;
                request->body_wanted = r == 0;
                request->aborted = r < 0;
        }
        return request->body_wanted;
}

/* CURLOPT_HEADERFUNCTION */
static size_t on_header(char *line, size_t one, size_t size, void *userdata)
{
        Request *request = userdata;

        /* Lines after the head are trailers, which are ignored. */
        if (!request->head_reported && head_add_line(&request->head, line, size) < 0)
                return 0;
        return size;
}

/* CURLOPT_WRITEFUNCTION; returning anything but size ends the transfer. */
static size_t on_body(char *data, size_t one, size_t size, void *userdata)
{
        Request *request = userdata;

        if (report_head(request)) {
                request->aborted = request->events->body(request->userdata, data, size) < 0;
                return request->aborted ? 0 : size;
        }
        if (request->aborted)
                return 0;
        request->unwanted_bytes += size;
        request->overflown = request->unwanted_bytes > UNWANTED_BODY_BYTES;
        return request->overflown ? 0 : size;
}

/* There was no connection to the proxy or, without a proxy, to the server. */
static bool is_unreached(CURL *easy, CURLcode code)
{
        curl_off_t connected_usec = 0;

        if (code == CURLE_COULDNT_RESOLVE_PROXY || code == CURLE_COULDNT_RESOLVE_HOST ||
            code == CURLE_COULDNT_CONNECT)
                return true;
        return code == CURLE_OPERATION_TIMEDOUT &&
               curl_easy_getinfo(easy, CURLINFO_CONNECT_TIME_T, &connected_usec) == CURLE_OK &&
               connected_usec == 0;
}

static void on_done(void *userdata, CURLcode code)
{
        Request *request = userdata;
        long tunnel_status = 0;
        RequestResult result;

        request->result = code;
        /* The answer has no body, or one that does not matter, since it is no success. */
        if (!request->head_reported && request->head.complete &&
            (code == CURLE_OK || request->head.status >= 300))
                (void) report_head(request);
        (void) curl_easy_getinfo(request->easy, CURLINFO_HTTP_CONNECTCODE, &tunnel_status);
        result = (RequestResult){
                .head = &request->head,
                .whole = code == CURLE_OK && !request->aborted,
                .aborted = request->aborted,
                .unreached = is_unreached(request->easy, code),
                .tunnel_status = (unsigned) tunnel_status,
                .server_offered = offered_schemes(request->easy, CURLINFO_HTTPAUTH_AVAIL),
                .proxy_offered = offered_schemes(request->easy, CURLINFO_PROXYAUTH_AVAIL),
                .wants_certificate = tls_wants_certificate(request->watch),
        };
        if (request->head.server_passport)
                result.server_offered |= 1U << AUTH_SCHEME_PASSPORT;
        if (request->head.proxy_passport)
                result.proxy_offered |= 1U << AUTH_SCHEME_PASSPORT;
        request->events->done(request->userdata, &result);
}

/*
 * Options that every request needs. Each of the first block prevents a leak or a bomb that some
 * advisory describes: the environment's proxies, netrc files, other protocols, credentials that
 * follow a redirect, HTTP/0.9, compressed bodies, user names in URLs.
 */
static CURLcode set_defaults(Request *request)
{
        CURL *easy = request->easy;
        CURLcode bad = CURLE_OK;

        bad |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
        bad |= curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
        bad |= curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
        bad |= curl_easy_setopt(easy, CURLOPT_MAXREDIRS, MAX_ROUNDS);
        bad |= curl_easy_setopt(easy, CURLOPT_UNRESTRICTED_AUTH, 0L);
        bad |= curl_easy_setopt(easy, CURLOPT_HTTPAUTH, (long) CURLAUTH_NONE);
        bad |= curl_easy_setopt(easy, CURLOPT_PROXYAUTH, (long) CURLAUTH_NONE);
        bad |= curl_easy_setopt(easy, CURLOPT_NETRC, (long) CURL_NETRC_IGNORED);
        bad |= curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
        bad |= curl_easy_setopt(easy, CURLOPT_HEADEROPT, (long) CURLHEADER_SEPARATE);
        bad |= curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
        bad |= curl_easy_setopt(easy, CURLOPT_AUTOREFERER, 0L);
        bad |= curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
        bad |= curl_easy_setopt(easy, CURLOPT_HTTP_CONTENT_DECODING, 0L);
        bad |= curl_easy_setopt(easy, CURLOPT_FAILONERROR, 0L);
        bad |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        bad |= curl_easy_setopt(easy, CURLOPT_USERAGENT, "dosvc/" VERSION);

        bad |= curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, RECEIVE_BUFFER_BYTES);
        bad |= curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_2TLS);
        bad |= curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT_SEC);
        bad |= curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
        bad |= curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, STALL_TIMEOUT_SEC);
        bad |= curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
        bad |= curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, KEEPALIVE_SEC);
        bad |= curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, KEEPALIVE_SEC);

        bad |= curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
        bad |= curl_easy_setopt(easy, CURLOPT_HEADERDATA, request);
        bad |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
        bad |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, request);
        return bad;
}

/*
 * Over TLS a request waits for the handshake of another one, in case both can share its connection
 * by HTTP/2. Without TLS libcurl would hold it until the other transfer has ended.
 */
static CURLcode set_url(CURL *easy, const char *url)
{
        return curl_easy_setopt(easy, CURLOPT_URL, url) |
               curl_easy_setopt(easy, CURLOPT_PIPEWAIT, str_starts_with(url, "https:") ? 1L : 0L);
}

static CURLcode add_header(Request *request, const char *line)
{
        struct curl_slist *headers = curl_slist_append(request->headers, line);

        if (!headers)
                return CURLE_OUT_OF_MEMORY;
        request->headers = headers;
        return CURLE_OK;
}

static CURLcode set_range(Request *request, const RequestSpec *spec)
{
        char range[48], line[LIMIT_VALIDATOR + 16];

        if (spec->from == 0 && spec->length_bytes == 0)
                return CURLE_OK;
        if (spec->length_bytes == 0)
                (void) snprintf(range, sizeof(range), "%" PRIu64 "-", spec->from);
        else
                (void) snprintf(range,
                                sizeof(range),
                                "%" PRIu64 "-%" PRIu64,
                                spec->from,
                                spec->from + spec->length_bytes - 1);
        if (curl_easy_setopt(request->easy, CURLOPT_RANGE, range) != CURLE_OK)
                return CURLE_OUT_OF_MEMORY;
        if (!spec->if_range)
                return CURLE_OK;
        (void) snprintf(line, sizeof(line), "If-Range: %s", spec->if_range);
        return add_header(request, line);
}

/* libcurl leaves a header out if it is given as "Name:"; an empty one is given as "Name;". */
static CURLcode add_owners_header(Request *request, const char *line, size_t size)
{
        _cleanup_(secret_freep) Secret *copy = NULL;
        const char *colon = memchr(line, ':', size);
        size_t name = (size_t) (colon - line), value = name + 1;

        if (secret_new_copy(line, size, &copy) < 0)
                return CURLE_OUT_OF_MEMORY;
        while (value < size && (line[value] == ' ' || line[value] == '\t'))
                value++;
        if (value == size) {
                secret_data_writable(copy)[name] = ';';
                secret_truncate(copy, name + 1);
        }
        return add_header(request, secret_data(copy));
}

/*
 * Asks for the bytes as they are; the option of libcurl for that would let it decode others. Then
 * the headers that the owner wants sent, only to the origin that the owner named. A login takes the
 * place of the owner's own Authorization.
 */
static CURLcode set_headers(Request *request, const RequestSpec *spec)
{
        static const char login[] = "Authorization:";
        const char *line = spec->headers ? secret_data(spec->headers) : "";
        const char *end = spec->headers ? line + secret_size(spec->headers) : line;
        CURLcode bad = add_header(request, "Accept-Encoding: identity");

        while (spec->owners_origin && bad == CURLE_OK && line < end) {
                const char *stop = memchr(line, '\n', (size_t) (end - line));

                if (!stop)
                        break;
                if (!spec->server_login || strncasecmp(line, login, strlen(login)) != 0)
                        bad = add_owners_header(request, line, (size_t) (stop - line));
                line = stop + 1;
        }
        return bad != CURLE_OK
                       ? bad
                       : curl_easy_setopt(request->easy, CURLOPT_HTTPHEADER, request->headers);
}

/* libcurl's options for the parts of a login, at the server and at the proxy. */
static const struct {
        CURLoption scheme, user_name, password;
} login_options[AUTH_TARGETS_MAX] = {
        [AUTH_TARGET_SERVER] = { CURLOPT_HTTPAUTH, CURLOPT_USERNAME, CURLOPT_PASSWORD },
        [AUTH_TARGET_PROXY] = { CURLOPT_PROXYAUTH, CURLOPT_PROXYUSERNAME, CURLOPT_PROXYPASSWORD },
};

static int set_name_and_password(CURL *easy, AuthTarget target, const char *name, const char *pw)
{
        return curl_easy_setopt(easy, login_options[target].user_name, name) == CURLE_OK &&
                               curl_easy_setopt(easy, login_options[target].password, pw) ==
                                       CURLE_OK
                       ? 0
                       : -ENOMEM;
}

/* libcurl makes two bytes of UTF-16 of each byte, so each byte must be one character. */
static int set_ntlm(CURL *easy, AuthTarget target, const Login *login)
{
        _cleanup_(secret_freep) Secret *password = NULL;
        _cleanup_free_ char *name = strdup(login->user_name);
        size_t name_size = 0, size = 0;
        int r = name ? secret_new(secret_size(login->secret), &password) : -ENOMEM;

        if (r >= 0)
                r = text_to_latin1(login->user_name, strlen(login->user_name), name, &name_size);
        if (r >= 0)
                r = text_to_latin1(secret_data(login->secret),
                                   secret_size(login->secret),
                                   secret_data_writable(password),
                                   &size);
        if (r < 0)
                return r;
        name[name_size] = '\0';
        secret_truncate(password, size);
        return set_name_and_password(easy, target, name, secret_data(password));
}

/* libcurl knows Bearer for servers only, so for a proxy the header is made here. */
static int set_proxy_bearer(Request *request, const Login *login)
{
        _cleanup_(secret_freep) Secret *line = NULL;
        static const char name[] = "Proxy-Authorization: Bearer ";
        int r;

        r = secret_new(sizeof(name) - 1 + secret_size(login->secret), &line);
        if (r < 0)
                return r;
        memcpy(mempcpy(secret_data_writable(line), name, sizeof(name) - 1),
               secret_data(login->secret),
               secret_size(login->secret));
        request->proxy_headers = curl_slist_append(NULL, secret_data(line));
        return request->proxy_headers && curl_easy_setopt(request->easy,
                                                          CURLOPT_PROXYHEADER,
                                                          request->proxy_headers) == CURLE_OK
                       ? 0
                       : -ENOMEM;
}

/* Sets exactly one scheme, so that libcurl takes no other, whatever is offered. */
static int set_login(Request *request, AuthTarget target, const Login *login)
{
        CURL *easy = request->easy;

        if (!login)
                return 0;
        if (login->scheme == AUTH_SCHEME_BEARER && target == AUTH_TARGET_PROXY)
                return set_proxy_bearer(request, login);
        if (curl_easy_setopt(easy, login_options[target].scheme, scheme_bit(login->scheme)) !=
            CURLE_OK)
                return -ENOMEM;
        switch (login->scheme) {
        case AUTH_SCHEME_BASIC:
        case AUTH_SCHEME_DIGEST:
                return set_name_and_password(easy,
                                             target,
                                             login->user_name,
                                             secret_data(login->secret));
        case AUTH_SCHEME_NTLM:
                return set_ntlm(easy, target, login);
        case AUTH_SCHEME_NEGOTIATE: /* without a name libcurl does not try */
                return set_name_and_password(easy, target, "", "");
        case AUTH_SCHEME_BEARER:
                return curl_easy_setopt(easy, CURLOPT_XOAUTH2_BEARER, secret_data(login->secret)) ==
                                       CURLE_OK
                               ? 0
                               : -ENOMEM;
        case AUTH_SCHEME_PASSPORT:
        case AUTH_SCHEMES_MAX:
        default:
                return -EOPNOTSUPP;
        }
}

int request_new(CurlLoop *loop,
                const RequestSpec *spec,
                const RequestEvents *events,
                void *userdata,
                Request **ret)
{
        _cleanup_(request_freep) Request *request = NULL;
        int r;

        request = calloc(1, sizeof(*request));
        if (!request)
                return -ENOMEM;
        request->events = events;
        request->userdata = userdata;
        request->proxy = strdup(spec->proxy);
        head_init(&request->head);
        request->easy = curl_easy_init();
        if (!request->proxy || !request->easy)
                return -ENOMEM;
        if (set_defaults(request) != CURLE_OK || set_url(request->easy, spec->url) != CURLE_OK ||
            curl_easy_setopt(request->easy, CURLOPT_PROXY, spec->proxy) != CURLE_OK ||
            curl_easy_setopt(request->easy, CURLOPT_NOPROXY, "") != CURLE_OK ||
            set_range(request, spec) != CURLE_OK || set_headers(request, spec) != CURLE_OK)
                return -ENOMEM;
        r = set_login(request, AUTH_TARGET_SERVER, spec->server_login);
        if (r >= 0)
                r = set_login(request, AUTH_TARGET_PROXY, spec->proxy_login);
        if (r >= 0)
                r = tls_set_up(spec->tls, request->easy, spec->owners_origin, &request->watch);
        if (r < 0)
                return r;
        r = curl_loop_add(loop, request->easy, on_done, request);
        if (r < 0)
                return r;
        request->loop = loop;
        *ret = STEAL_PTR(request);
        return 0;
}

Request *request_free(Request *request)
{
        if (!request)
                return NULL;
        if (request->loop)
                curl_loop_remove(request->loop, request->easy);
        curl_easy_cleanup(request->easy);
        curl_slist_free_all(request->headers);
        curl_slist_free_all(request->proxy_headers);
        tls_watch_free(request->watch);
        head_done(&request->head);
        free(request->proxy);
        free(request);
        return NULL;
}

/* A result of libcurl that is not in the table is a transport error that may pass. */
static const struct {
        CURLcode result;
        int code;
        bool transient;
        const char *text;
} errors[] = {
        { CURLE_COULDNT_RESOLVE_HOST,
          ERROR_CODE_NAME_RESOLUTION_FAILURE,
          true,
          "The name of the server cannot be resolved" },
        { CURLE_COULDNT_RESOLVE_PROXY,
          ERROR_CODE_PROXY_NAME_RESOLUTION_FAILURE,
          true,
          "The name of the proxy cannot be resolved" },
        { CURLE_COULDNT_CONNECT,
          ERROR_CODE_CONNECT_FAILURE,
          true,
          "No connection to the server could be made" },
        { CURLE_PROXY,
          ERROR_CODE_INVALID_PROXY_INFO,
          false,
          "The proxy does not follow its protocol" },
        { CURLE_UNSUPPORTED_PROTOCOL,
          ERROR_CODE_INVALID_SERVER_RESPONSE,
          true,
          "The server does not speak HTTP/1.0 or later" },
        { CURLE_WEIRD_SERVER_REPLY,
          ERROR_CODE_INVALID_SERVER_RESPONSE,
          true,
          "The server's answer cannot be understood" },
        /* libcurl also returns this for a header without an end. */
        { CURLE_OUT_OF_MEMORY,
          ERROR_CODE_INVALID_SERVER_RESPONSE,
          true,
          "The server's answer is too large to be understood" },
        { CURLE_PARTIAL_FILE,
          ERROR_CODE_CONNECTION_CLOSED,
          true,
          "The connection ended before the whole file had arrived" },
        { CURLE_GOT_NOTHING,
          ERROR_CODE_CONNECTION_CLOSED,
          true,
          "The server closed the connection without an answer" },
        { CURLE_SEND_ERROR, ERROR_CODE_CONNECTION_CLOSED, true, "The connection was interrupted" },
        { CURLE_RECV_ERROR, ERROR_CODE_CONNECTION_CLOSED, true, "The connection was interrupted" },
        { CURLE_HTTP2,
          ERROR_CODE_CONNECTION_CLOSED,
          true,
          "The HTTP/2 connection was interrupted" },
        { CURLE_HTTP2_STREAM,
          ERROR_CODE_CONNECTION_CLOSED,
          true,
          "The HTTP/2 stream was interrupted" },
        { CURLE_OPERATION_TIMEDOUT, ERROR_CODE_TIMEOUT, true, "The server did not answer in time" },
        { CURLE_SSL_CONNECT_ERROR,
          ERROR_CODE_SECURE_CHANNEL_FAILURE,
          true,
          "No secure connection could be made" },
        { CURLE_SSL_CIPHER,
          ERROR_CODE_SECURE_CHANNEL_FAILURE,
          false,
          "No cipher is acceptable to both sides" },
        { CURLE_PEER_FAILED_VERIFICATION,
          ERROR_CODE_TRUST_FAILURE,
          false,
          "The server's certificate is not trusted" },
        { CURLE_SSL_ISSUER_ERROR,
          ERROR_CODE_TRUST_FAILURE,
          false,
          "The issuer of the server's certificate is not trusted" },
        { CURLE_SSL_CACERT_BADFILE,
          ERROR_CODE_TRUST_FAILURE,
          false,
          "The certificates of this system cannot be read" },
        { CURLE_SSL_INVALIDCERTSTATUS,
          ERROR_CODE_TRUST_FAILURE,
          false,
          "The server's certificate has no good revocation status" },
};

/* A failure before there is a connection is not about the remote file (spec section 3.3). */
static bool is_before_connection(CURLcode result)
{
        return result == CURLE_COULDNT_RESOLVE_PROXY || result == CURLE_COULDNT_RESOLVE_HOST ||
               result == CURLE_COULDNT_CONNECT || result == CURLE_PROXY;
}

void request_explain(const Request *request, Failure *failure)
{
        const char *url = NULL, *text = NULL, *detail, *about;
        int code = ERROR_CODE_UNKNOWN_ERROR;
        bool transient = true;
        long error = 0;
        uint32_t about_tls;

        (void) curl_easy_getinfo(request->easy, CURLINFO_EFFECTIVE_URL, &url);
        (void) curl_easy_getinfo(request->easy, CURLINFO_OS_ERRNO, &error);
        about = url ? url : "";
        about_tls = tls_explain(request->watch, request->result, &text);
        if (about_tls) {
                failure_set(failure,
                            about_tls,
                            false,
                            ERROR_CONTEXT_REMOTE_FILE,
                            url,
                            "%s: %s.",
                            text,
                            log_url(url ? url : ""));
                return;
        }
        for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
                if (errors[i].result == request->result) {
                        code = errors[i].code;
                        transient = errors[i].transient;
                        text = errors[i].text;
                }
        if (!str_is_empty(request->proxy) && is_before_connection(request->result)) {
                about = request->proxy;
                if (request->result == CURLE_COULDNT_CONNECT)
                        text = "No connection to the proxy could be made";
        }
        /* The reason of the socket, if there is one, says more than libcurl's. */
        detail = error > 0 && code == ERROR_CODE_CONNECT_FAILURE ? strerrordesc_np((int) error)
                                                                 : NULL;
        failure_set(failure,
                    (uint32_t) code,
                    transient,
                    is_before_connection(request->result) ? ERROR_CONTEXT_GENERAL_TRANSPORT
                                                          : ERROR_CONTEXT_REMOTE_FILE,
                    url,
                    "%s%s%s%s: %s.",
                    text ? text : curl_easy_strerror(request->result),
                    detail ? " (" : "",
                    detail ? detail : "",
                    detail ? ")" : "",
                    log_url(about));
}
