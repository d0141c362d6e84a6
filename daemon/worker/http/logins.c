#include "worker/http/logins.h"

#include <errno.h>
#include <stdlib.h>

#include "base/str.h"

#include "worker/http/tickets.h"
#include "worker/http/url.h"
#include "worker/questions.h"

/* One credential for each scheme that exists, so that a peer cannot keep us asking for ever. */
#define MAX_CHALLENGES (AUTH_SCHEMES_MAX + 1)

/* How far the login at the server or at the proxy has come. */
typedef struct LoginState {
        Login login;
        bool held;
        bool accepted;       /* since it was last refused */
        unsigned challenges; /* in a row */
        unsigned impossible; /* schemes that could not be tried, bits 1 << AuthScheme */
        char *reason;        /* why the last of them could not be tried */
        char *peer;          /* URL of the server or proxy that all this is about */
} LoginState;

struct Logins {
        uint32_t file;
        Questions *questions; /* borrowed */
        Tickets *tickets;     /* borrowed */
        const LoginsEvents *events;
        void *userdata;
        LoginState states[AUTH_TARGETS_MAX];
        /* The challenge that was answered last or is being answered. */
        AuthTarget target;
        unsigned offered;
        Question *question;            /* the manager is asked; NULL: it is not */
        TicketRequest *ticket_request; /* NULL: none is under way */
};

int logins_new(uint32_t file,
               Questions *questions,
               Tickets *tickets,
               const LoginsEvents *events,
               void *userdata,
               Logins **ret)
{
        Logins *logins = calloc(1, sizeof(*logins));

        if (!logins)
                return -ENOMEM;
        logins->file = file;
        logins->questions = questions;
        logins->tickets = tickets;
        logins->events = events;
        logins->userdata = userdata;
        *ret = logins;
        return 0;
}

static void login_state_done(LoginState *state)
{
        login_done(&state->login);
        free(state->reason);
        free(state->peer);
        *state = (LoginState){ 0 };
}

/* The state that the challenge is about. */
static LoginState *current(Logins *logins)
{
        return &logins->states[logins->target];
}

void logins_forget_peer(Logins *logins, AuthTarget target)
{
        login_state_done(&logins->states[target]);
}

void logins_forget(Logins *logins)
{
        logins->question = question_free(logins->question);
        logins->ticket_request = ticket_request_free(logins->ticket_request);
        for (size_t i = 0; i < AUTH_TARGETS_MAX; i++)
                login_state_done(&logins->states[i]);
}

Logins *logins_free(Logins *logins)
{
        if (!logins)
                return NULL;
        logins_forget(logins);
        free(logins);
        return NULL;
}

const Login *logins_get(const Logins *logins, AuthTarget target, const char *peer)
{
        const LoginState *state = &logins->states[target];

        return state->held && str_equal(state->peer, peer) ? &state->login : NULL;
}

void logins_accepted(Logins *logins, AuthTarget target)
{
        LoginState *state = &logins->states[target];

        state->accepted = state->held;
        state->challenges = 0;
}

static void on_credential(void *userdata, int result, Credential *credential);

static void authenticate(Logins *logins)
{
        int r = questions_authenticate(logins->questions,
                                       logins->file,
                                       logins->target,
                                       logins->offered & ~current(logins)->impossible,
                                       on_credential,
                                       logins,
                                       &logins->question);

        if (r < 0)
                logins->events->failed(logins->userdata, r);
}

/* The scheme could not be tried here, but perhaps another one can. */
static void try_next(Logins *logins, AuthScheme scheme, const char *reason)
{
        LoginState *state = current(logins);

        login_done(&state->login);
        state->impossible |= 1U << scheme;
        if (str_set(&state->reason, reason) < 0)
                logins->events->failed(logins->userdata, -ENOMEM);
        else
                authenticate(logins);
}

static void hold(Logins *logins)
{
        current(logins)->held = true;
        logins->events->ready(logins->userdata);
}

static void refuse(Logins *logins, const char *reason)
{
        logins->events->refused(logins->userdata, logins->target, logins->offered, reason);
}

/* ticket_done_t */
static void on_ticket(void *userdata, int result, const char *text)
{
        Logins *logins = userdata;

        logins->ticket_request = NULL;
        if (result == 0)
                hold(logins);
        else if (result == -EACCES)
                refuse(logins, text);
        else if (result == -ENOMEM)
                logins->events->failed(logins->userdata, result);
        else
                try_next(logins, AUTH_SCHEME_NEGOTIATE, text);
}

static void get_ticket(Logins *logins, bool implicit)
{
        const LoginState *state = current(logins);
        _cleanup_free_ char *host = NULL;
        int r = url_host(state->peer, &host);

        if (r >= 0)
                r = tickets_get(logins->tickets,
                                &(TicketSpec){
                                        .host = host,
                                        .implicit = implicit,
                                        .user_name = state->login.user_name,
                                        .secret = state->login.secret,
                                },
                                on_ticket,
                                logins,
                                &logins->ticket_request);
        if (r < 0)
                logins->events->failed(logins->userdata, r);
}

/* Turns a credential into something that a request can carry. */
static void prepare(Logins *logins, bool implicit)
{
        switch (current(logins)->login.scheme) {
        case AUTH_SCHEME_NEGOTIATE:
                get_ticket(logins, implicit);
                return;
        case AUTH_SCHEME_NTLM:
                if (implicit)
                        try_next(logins,
                                 AUTH_SCHEME_NTLM,
                                 "NTLM has no implicit credentials on this system: set a user name "
                                 "and a password, or use Negotiate.");
                else
                        hold(logins);
                return;
        case AUTH_SCHEME_PASSPORT:
                try_next(logins,
                         AUTH_SCHEME_PASSPORT,
                         "The logon servers of Passport 1.4 no longer exist.");
                return;
        case AUTH_SCHEME_BASIC:
        case AUTH_SCHEME_DIGEST:
        case AUTH_SCHEME_BEARER:
                hold(logins);
                return;
        case AUTH_SCHEMES_MAX:
        default:
                logins->events->failed(logins->userdata, -EBADMSG);
        }
}

/* question_credential_t */
static void on_credential(void *userdata, int result, Credential *credential)
{
        Logins *logins = userdata;
        LoginState *state = current(logins);

        logins->question = NULL;
        if (result == -ENOENT) {
                refuse(logins, state->reason);
                return;
        }
        if (result >= 0 && !(logins->offered & ~state->impossible & 1U << credential->scheme))
                result = -EBADMSG;
        if (result >= 0)
                result = str_set(&state->login.user_name, credential->user_name);
        if (result < 0) {
                logins->events->failed(logins->userdata, result);
                return;
        }
        state->login.scheme = credential->scheme;
        state->login.secret = STEAL_PTR(credential->secret);
        prepare(logins, credential->implicit);
}

void logins_challenge(Logins *logins, AuthTarget target, unsigned offered, const char *peer)
{
        LoginState *state = &logins->states[target];

        if (state->peer && !str_equal(state->peer, peer))
                login_state_done(state);
        logins->target = target;
        logins->offered = offered;
        if (state->held && state->accepted) {
                state->accepted = false;
                logins->events->ready(logins->userdata);
        } else if (state->held || offered == 0 || ++state->challenges > MAX_CHALLENGES) {
                refuse(logins, NULL);
        } else if (str_set(&state->peer, peer) < 0) {
                logins->events->failed(logins->userdata, -ENOMEM);
        } else {
                authenticate(logins);
        }
}
