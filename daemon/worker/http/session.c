#include "worker/http/session.h"

#include <errno.h>

#include "worker/http/curl-loop.h"
#include "worker/http/origins.h"
#include "worker/http/proxies.h"
#include "worker/http/tickets.h"
#include "worker/http/tls.h"

/* Measured: more connections to one host do not make a download faster. */
#define MAX_HOST_CONNECTIONS 8

int session_new(const SourceContext *context, Failure *failure, Session **ret)
{
        _cleanup_(session_freep) Session *session = calloc(1, sizeof(*session));
        const JobSettings *settings = context->settings;
        int r;

        if (!session)
                return -ENOMEM;
        session->settings = settings;
        session->questions = context->questions;
        r = tls_new(settings, &session->tls, failure);
        if (r >= 0)
                r = origins_new(&session->origins);
        if (r >= 0)
                r = proxies_new(settings, context->questions, &session->proxies);
        if (r >= 0)
                r = tickets_new(context->event,
                                settings->ticket_cache ? settings->ticket_cache : "",
                                &session->tickets);
        if (r >= 0)
                r = curl_loop_new(context->event, MAX_HOST_CONNECTIONS, &session->loop);
        if (r < 0)
                return r;
        *ret = STEAL_PTR(session);
        return 0;
}

void session_change(Session *session, SettingSet changed)
{
        if (changed & SETTINGS_OF_PROXIES)
                proxies_forget(session->proxies);
}

Session *session_free(Session *session)
{
        if (!session)
                return NULL;
        /* Connections refer to certificates until they are closed. */
        curl_loop_free(session->loop);
        tls_free(session->tls);
        tickets_free(session->tickets);
        proxies_free(session->proxies);
        origins_free(session->origins);
        free(session);
        return NULL;
}
