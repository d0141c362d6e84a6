#include "worker/http/logins.h"

#include <errno.h>
#include <stdlib.h>

#include "base/str.h"

#include "worker/http/tickets.h"

/* A credential for each scheme that there is, and no more: a peer cannot make us loop. */
#define MAX_CHALLENGES (AUTH_SCHEMES_MAX + 1)

typedef struct Side {
        Login login;
        bool held;
        bool accepted;       /* since it was last refused */
        unsigned challenges; /* in a row */
        unsigned impossible; /* schemes that could not be tried, bits 1 << AuthScheme */
        char *reason;        /* why the last of them could not */
        char *peer;          /* whom all this is about */
} Side;

struct Logins {
        Tickets *tickets;
        const LoginsEvents *events;
        void *userdata;
        Side sides[AUTH_TARGETS_MAX];
        bool asking;
        AuthTarget asked;
        unsigned offered; /* in the challenge that is being answered */
        TicketRequest *errand;
};

int logins_new(Tickets *tickets, const LoginsEvents *events, void *userdata, Logins **ret)
{
        Logins *logins = calloc(1, sizeof(*logins));

        if (!logins)
                return -ENOMEM;
        logins->tickets = tickets;
        logins->events = events;
        logins->userdata = userdata;
        *ret = logins;
        return 0;
}

static void side_done(Side *side)
{
        login_done(&side->login);
        free(side->reason);
        free(side->peer);
        *side = (Side){ 0 };
}

void logins_forget(Logins *logins)
{
        logins->asking = false;
        logins->errand = ticket_request_free(logins->errand);
        for (size_t i = 0; i < AUTH_TARGETS_MAX; i++)
                side_done(&logins->sides[i]);
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
        const Side *side = &logins->sides[target];

        return side->held && str_equal(side->peer, peer) ? &side->login : NULL;
}

bool logins_is_asking(const Logins *logins)
{
        return logins->asking;
}

void logins_accepted(Logins *logins, AuthTarget target)
{
        Side *side = &logins->sides[target];

        side->accepted = side->held;
        side->challenges = 0;
}

static void ask_manager(Logins *logins)
{
        const Side *side = &logins->sides[logins->asked];

        logins->asking = true;
        logins->events->wanted(logins->userdata,
                               logins->asked,
                               logins->offered & ~side->impossible);
}

/* The scheme could not be tried: perhaps another can. */
static void try_next(Logins *logins, AuthScheme scheme, const char *reason)
{
        Side *side = &logins->sides[logins->asked];

        login_done(&side->login);
        side->impossible |= 1U << scheme;
        if (str_set(&side->reason, reason) < 0)
                logins->events->failed(logins->userdata, -ENOMEM);
        else
                ask_manager(logins);
}

static void hold(Logins *logins)
{
        logins->sides[logins->asked].held = true;
        logins->events->ready(logins->userdata);
}

static void refuse(Logins *logins, const char *reason)
{
        logins->events->refused(logins->userdata, logins->asked, reason);
}

static void on_ticket(void *userdata, int result, const char *text)
{
        Logins *logins = userdata;

        logins->errand = NULL;
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
        const Side *side = &logins->sides[logins->asked];
        _cleanup_free_ char *host = NULL;
        int r = request_host(side->peer, &host);

        if (r >= 0)
                r = tickets_get(logins->tickets,
                                &(TicketSpec){
                                        .host = host,
                                        .implicit = implicit,
                                        .user_name = side->login.user_name,
                                        .secret = side->login.secret,
                                },
                                on_ticket,
                                logins,
                                &logins->errand);
        if (r < 0)
                logins->events->failed(logins->userdata, r);
}

/* Makes of a credential what a request can carry. */
static void prepare(Logins *logins, bool implicit)
{
        Side *side = &logins->sides[logins->asked];
        Login *login = &side->login;

        switch (login->scheme) {
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
                         "The logon servers of Passport 1.4 are not there any more.");
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

void logins_challenge(Logins *logins, AuthTarget target, unsigned offered, const char *peer)
{
        Side *side = &logins->sides[target];

        if (side->peer && !str_equal(side->peer, peer))
                side_done(side);
        logins->asked = target;
        logins->offered = offered;
        if (side->held && side->accepted) {
                side->accepted = false;
                logins->events->ready(logins->userdata);
        } else if (side->held || offered == 0 || ++side->challenges > MAX_CHALLENGES) {
                refuse(logins, NULL);
        } else if (str_set(&side->peer, peer) < 0) {
                logins->events->failed(logins->userdata, -ENOMEM);
        } else {
                ask_manager(logins);
        }
}

void logins_answer(Logins *logins, const LoginsAnswer *answer)
{
        _cleanup_(secret_freep) Secret *secret = answer->secret;
        Side *side = &logins->sides[logins->asked];
        int r = answer->result;

        if (!logins->asking)
                return;
        logins->asking = false;
        if (r == -ENOENT) {
                refuse(logins, side->reason);
                return;
        }
        if (r >= 0 &&
            (side->impossible & 1U << answer->scheme || !(logins->offered & 1U << answer->scheme)))
                r = -EBADMSG;
        if (r >= 0)
                r = str_set(&side->login.user_name, answer->user_name);
        if (r < 0) {
                logins->events->failed(logins->userdata, r);
                return;
        }
        side->login.scheme = answer->scheme;
        side->login.secret = STEAL_PTR(secret);
        prepare(logins, answer->implicit);
}
