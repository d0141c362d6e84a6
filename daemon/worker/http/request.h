/*
 * One request of one URL: a fresh handle of libcurl with every option that security asks for,
 * and what came back as plain facts. The only file that knows those options. No redirect is
 * followed here, no credential is sent unless the caller gives it, together with the one
 * scheme to use it in.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"
#include "base/secret.h"

#include "model/spec.h"
#include "worker/failure.h"
#include "worker/http/head.h"

typedef struct CurlLoop CurlLoop;
typedef struct Request Request;
typedef struct Tls Tls;

/*
 * A credential in use. For Negotiate neither name nor secret is looked at: the ticket must be in
 * the ccache that GSSAPI uses (tickets.h).
 */
typedef struct Login {
        AuthScheme scheme;
        char *user_name; /* owned; unused for Bearer */
        Secret *secret;  /* owned; password or token */
} Login;

void login_done(Login *login);

/* Everything is copied; strings may be "", never NULL unless said. */
typedef struct RequestSpec {
        const char *url;
        const char *proxy;        /* "scheme://host:port"; "" = direct */
        uint64_t from;            /* Range; both 0: none */
        uint64_t length_bytes;    /* 0: to the end */
        const char *if_range;     /* NULL: no If-Range */
        const Login *server;      /* NULL: none */
        const Login *proxy_login; /* NULL: none */
        Tls *tls;                 /* borrowed, outlives the connections */
        bool own;                 /* url is of the origin that the owner named */
        const Secret *headers;    /* lines for that origin, each ends in "\n"; NULL: none */
} RequestSpec;

/* What came of it. */
typedef struct RequestResult {
        const Head *head;        /* of the last answer; status 0 if there was none */
        bool whole;              /* the answer came to its end */
        bool aborted;            /* one of the events below said so */
        bool unreached;          /* neither proxy nor server: there was no connection at all */
        unsigned tunnel_status;  /* of the proxy's answer to CONNECT; 0: there was none */
        unsigned server_offered; /* schemes in the challenges, bits 1 << AuthScheme */
        unsigned proxy_offered;
        bool wants_certificate; /* the server asked for one, and there was none to show */
} RequestResult;

/*
 * Events, from the loop. head: once, when the last answer's head is there, before its body;
 * 0: the body is wanted, 1: it is not, negative: abort. body: 0, or negative: abort. The
 * request may be freed in done only.
 */
typedef struct RequestEvents {
        int (*head)(void *userdata, const Head *head);
        int (*body)(void *userdata, const void *data, size_t size_bytes);
        void (*done)(void *userdata, const RequestResult *result);
} RequestEvents;

/* -ENOMEM; -EOPNOTSUPP: Passport; -EILSEQ: an NTLM login that does not fit into ISO 8859-1. */
int request_new(CurlLoop *loop,
                const RequestSpec *spec,
                const RequestEvents *events,
                void *userdata,
                Request **ret);
Request *request_free(Request *request); /* ends it */
DEFINE_CLEANUP(Request *, request_free);

/* Fills failure with why the answer did not come whole, in done() only. */
void request_explain(const Request *request, Failure *failure);

/* Host of a URL as Kerberos names its service, without brackets. -EINVAL, -ENOMEM. */
int request_host(const char *url, char **ret);

/*
 * The URL that location names as seen from base, http or https, without user info and
 * fragment. -EINVAL: none; -EPROTONOSUPPORT: another scheme; -ENOMEM.
 */
int request_resolve(const char *base, const char *location, char **ret_url);
