/*
 * One request of one URL: a fresh handle of libcurl with every option that security asks for, and
 * its result in plain values. The only file that knows those options. No redirect is followed here,
 * and no credential is sent unless the caller gives it, together with the one scheme to use it in.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"
#include "base/secret.h"

#include "model/enums.h"
#include "model/failure.h"
#include "worker/http/head.h"

typedef struct CurlLoop CurlLoop;
typedef struct Request Request;
typedef struct Tls Tls;

/*
 * A credential that a request carries. Negotiate uses neither name nor secret: its ticket must be
 * in the credential cache that GSSAPI uses (worker/http/tickets.h).
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
        const char *proxy;         /* "scheme://host:port"; "" = direct */
        uint64_t from;             /* Range; both 0: none */
        uint64_t length_bytes;     /* 0: to the end */
        const char *if_range;      /* NULL: no If-Range */
        const Login *server_login; /* NULL: none */
        const Login *proxy_login;  /* NULL: none */
        Tls *tls;                  /* borrowed, outlives the connections */
        bool owners_origin;        /* url is of the origin that the owner named */
        const Secret *headers;     /* lines for that origin, each ends in "\n"; NULL: none */
} RequestSpec;

typedef struct RequestResult {
        const Head *head;        /* of the last answer; status 0 if there was none */
        bool whole;              /* the answer came to its end */
        bool aborted;            /* an event returned a negative value */
        bool unreached;          /* neither the proxy nor the server could be connected to */
        unsigned tunnel_status;  /* of the proxy's answer to CONNECT; 0: there was none */
        unsigned server_offered; /* schemes in the challenges, bits 1 << AuthScheme */
        unsigned proxy_offered;
        bool wants_certificate; /* the server asked for one, and there was none to show */
} RequestResult;

/* From the loop. Negative return values abort the request. */
typedef struct RequestEvents {
        /* Once, before the last answer's body. Returns 0 if the body is wanted, 1 if it is not. */
        int (*head)(void *userdata, const Head *head);
        int (*body)(void *userdata, const void *data, size_t size_bytes);
        /* The request may be freed, only here. */
        void (*done)(void *userdata, const RequestResult *result);
} RequestEvents;

/* -ENOMEM; -EOPNOTSUPP: Passport; -EILSEQ: an NTLM login that does not fit into ISO 8859-1. */
int request_new(CurlLoop *loop,
                const RequestSpec *spec,
                const RequestEvents *events,
                void *userdata,
                Request **ret);
/* Ends it without an event. */
Request *request_free(Request *request);
DEFINE_CLEANUP(Request *, request_free);

/* Fills failure with the reason why the answer is not whole. In done() only. */
void request_explain(const Request *request, Failure *failure);
