/*
 * Everything that the HTTP requests of a download share: connections, certificates, proxies,
 * Kerberos tickets, and knowledge about servers. A process has one session, so neither connections
 * nor identities are ever shared between jobs. The files of this room use the members.
 */
#pragma once

#include "worker/source.h"

typedef struct CurlLoop CurlLoop;
typedef struct Origins Origins;
typedef struct Proxies Proxies;
typedef struct Tickets Tickets;
typedef struct Tls Tls;

typedef struct Session {
        const JobSettings *settings; /* borrowed */
        Questions *questions;        /* borrowed */
        CurlLoop *loop;              /* owned, as are all below */
        Origins *origins;
        Proxies *proxies;
        Tickets *tickets;
        Tls *tls;
} Session;

/* As sources_new(). */
int session_new(const SourceContext *context, Failure *failure, Session **ret);
/* As sources_change(). */
void session_change(Session *session, SettingSet changed);
/* After all requests have been freed. */
Session *session_free(Session *session);
DEFINE_CLEANUP(Session *, session_free);
