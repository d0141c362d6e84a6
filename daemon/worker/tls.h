/*
 * What a job's settings mean for TLS: which authorities and defects of a server's certificate are
 * accepted, whether revocation lists are asked, which certificate the owner shows; and what a
 * handshake failed of (spec section 4.3). Of a proxy the same defects are tolerated, but its
 * authorities are the system's, its name counts, and it is shown no certificate. The files that
 * the settings name are read once, as the owner. The only file that speaks to OpenSSL about
 * connections.
 */
#pragma once

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/macro.h"

#include "model/job-settings.h"
#include "worker/failure.h"

typedef struct Tls Tls;
/* One request's eyes on the handshakes that it causes. */
typedef struct TlsWatch TlsWatch;

/*
 * Reads and checks the files. -EBADMSG: one of them cannot be used, failure says which and why;
 * -ENOMEM. settings are borrowed and outlive it.
 */
int tls_new(const JobSettings *settings, Tls **ret, Failure *failure);
/* After all connections. */
Tls *tls_free(Tls *tls);
DEFINE_CLEANUP(Tls *, tls_free);

/*
 * Prepares a fresh handle; own: the request is for the origin that the owner named, which alone
 * is shown his certificate. -ENOMEM.
 */
int tls_set_up(Tls *tls, CURL *easy, bool own, TlsWatch **ret);
TlsWatch *tls_watch_free(TlsWatch *watch);
DEFINE_CLEANUP(TlsWatch *, tls_watch_free);

/* A peer asked for a certificate, and there was none to show. */
bool tls_wants_certificate(const TlsWatch *watch);

/*
 * The code of model/error-code.h and a sentence's beginning for a handshake that ended with
 * result; 0 if it was not about certificates. All of these are fatal.
 */
uint32_t tls_explain(const TlsWatch *watch, CURLcode result, const char **ret_text);
