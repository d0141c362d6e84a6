/*
 * Applies a job's settings to TLS: which authorities and defects of a server's certificate are
 * accepted, whether revocation lists are checked, and which certificate the owner shows. Explains
 * failed handshakes (spec section 4.3). In a proxy's certificate the same defects are tolerated,
 * but its authorities are the system's, its name must be right, and it is shown no certificate. The
 * files that the settings name are read once, as the owner. The only file that speaks to OpenSSL
 * about connections.
 */
#pragma once

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/macro.h"

#include "model/failure.h"
#include "model/job-settings.h"

typedef struct Tls Tls;
/* Observes the handshakes that one request causes. */
typedef struct TlsWatch TlsWatch;

/*
 * Reads and checks the files. -EBADMSG: one of them cannot be used, failure says which and why;
 * -ENOMEM. settings are borrowed and outlive it.
 */
int tls_new(const JobSettings *settings, Tls **ret, Failure *failure);
/* After all connections have been closed. */
Tls *tls_free(Tls *tls);
DEFINE_CLEANUP(Tls *, tls_free);

/*
 * Prepares a fresh handle. owners_origin: the request is for the origin that the owner named; no
 * other is shown the owner's certificate. -ENOMEM.
 */
int tls_set_up(Tls *tls, CURL *easy, bool owners_origin, TlsWatch **ret);
TlsWatch *tls_watch_free(TlsWatch *watch);
DEFINE_CLEANUP(TlsWatch *, tls_watch_free);

/* A peer asked for a certificate, and there was none to show. */
bool tls_wants_certificate(const TlsWatch *watch);

/*
 * The code of model/error-code.h, and the beginning of a sentence, for a handshake that ended with
 * result. Returns 0 if that was not about certificates; all others are fatal.
 */
uint32_t tls_explain(const TlsWatch *watch, CURLcode result, const char **ret_text);
