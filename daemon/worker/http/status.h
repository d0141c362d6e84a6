/*
 * Failures that an HTTP status stands for: which ones may pass by themselves (spec section 3.4,
 * RFC 9110 section 15) and the sentence for people.
 */
#pragma once

#include "model/failure.h"

/*
 * An answer that is no success. by_proxy: it came from the proxy, and the server was not reached.
 * retry_after_sec: the pause that the peer asked for; it matters only if the failure may pass.
 */
void status_set_failure(Failure *failure,
                        unsigned status,
                        const char *url,
                        bool by_proxy,
                        uint64_t retry_after_sec);

/* The server refuses the request because it was shown no client certificate. */
void status_set_no_certificate(Failure *failure, unsigned status, const char *url);
