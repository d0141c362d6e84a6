#include "manager/credentials-bus.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#include "manager/bus-error.h"
#include "manager/secret-bus.h"
#include "model/enums.h"
#include "model/secret-rules.h"

/* The arguments of SetCredentials besides the secret. */
typedef struct Request {
        AuthTarget target;
        AuthScheme scheme;
        char *user_name; /* owned; NULL: absent */
} Request;

static void request_free(void *userdata)
{
        Request *request = userdata;

        if (request)
                free(request->user_name);
        free(request);
}

static int
read_pair(sd_bus_message *m, AuthTarget *ret_target, AuthScheme *ret_scheme, sd_bus_error *error)
{
        const char *target_text, *scheme_text;
        int target, scheme, r;

        r = sd_bus_message_read(m, "ss", &target_text, &scheme_text);
        if (r < 0)
                return r;
        target = auth_target_from_string(target_text);
        if (target < 0)
                return bus_error_set(error,
                                     -EDESTADDRREQ,
                                     "Unknown target '%s': expected server or proxy",
                                     target_text);
        scheme = auth_scheme_from_string(scheme_text);
        if (scheme < 0)
                return bus_error_set(error,
                                     -EPROTONOSUPPORT,
                                     "Unknown scheme '%s': expected basic, digest, ntlm, "
                                     "negotiate, passport or bearer",
                                     scheme_text);
        *ret_target = (AuthTarget) target;
        *ret_scheme = (AuthScheme) scheme;
        return 0;
}

/* bus_entry_t: one key of the dictionary into the call. */
static int read_key(void *userdata, const char *key, sd_bus_message *m, sd_bus_error *error)
{
        SecretCall *call = userdata;
        Request *request = call->request;
        bool bearer = request->scheme == AUTH_SCHEME_BEARER;
        const char *text;
        int r;

        if (!bearer && strcmp(key, "user-name") == 0) {
                if (request->user_name)
                        return bus_error_set(error, -EINVAL, "Key '%s' is given twice", key);
                r = sd_bus_message_read(m, "v", "s", &text);
                return r < 0 ? r : str_set(&request->user_name, text);
        }
        r = secret_call_read(call,
                             key,
                             bearer ? "token" : "password",
                             bearer ? "token-fd" : "password-fd",
                             m,
                             error);
        return r != 0 ? r
                      : bus_error_set(error,
                                      -EINVAL,
                                      "Unknown key '%s' for scheme %s: expected %s",
                                      key,
                                      auth_scheme_to_string(request->scheme),
                                      bearer ? "token or token-fd"
                                             : "user-name, password or password-fd");
}

/* Tells which of user name and password may be absent (spec sections 1.1, 1.3). */
static int check_presence(const SecretCall *call, sd_bus_error *error)
{
        const Request *request = call->request;
        bool secret = call->secret || call->fd >= 0;
        bool implicit_possible =
                request->scheme == AUTH_SCHEME_NTLM || request->scheme == AUTH_SCHEME_NEGOTIATE;

        if (request->scheme == AUTH_SCHEME_BEARER)
                return secret ? 0
                              : bus_error_set(error,
                                              -EINVAL,
                                              "Scheme bearer needs token or token-fd");
        if (request->user_name && secret)
                return 0;
        if (!request->user_name && !secret && implicit_possible)
                return 0;
        return bus_error_set(error,
                             -EINVAL,
                             implicit_possible ? "Scheme %s needs both user-name and password, or "
                                                 "neither for the implicit credentials of the owner"
                                               : "Scheme %s needs both user-name and password",
                             auth_scheme_to_string(request->scheme));
}

static int check_user_name(const Request *request, sd_bus_error *error)
{
        const char *reason = NULL;
        int r = request->user_name
                        ? secret_rules_check_user_name(request->scheme, request->user_name, &reason)
                        : 0;

        return r < 0 ? bus_error_set(error, r, "%s", reason) : 0;
}

/* SecretCallKind.check */
static int check_call(const SecretCall *call, sd_bus_error *error)
{
        int r = check_presence(call, error);

        return r < 0 ? r : check_user_name(call->request, error);
}

/* SecretCallKind.check_secret */
static int check_secret(const SecretCall *call, const char **ret_reason)
{
        const Request *request = call->request;

        return secret_rules_check_password(request->scheme,
                                           secret_data(call->secret),
                                           secret_size(call->secret),
                                           ret_reason);
}

/* SecretCallKind.apply */
static int set_credentials(SecretCall *call, const Caller *caller, Job *job)
{
        const Request *request = call->request;

        return manager_set_credentials(call->edge->manager,
                                       caller,
                                       job,
                                       request->target,
                                       request->scheme,
                                       request->user_name,
                                       call->secret);
}

static const SecretCallKind credentials_kind = {
        .verb = VERB_SET_CREDENTIALS,
        .name = "password",
        .check = check_call,
        .check_secret = check_secret,
        .apply = set_credentials,
        .free_request = request_free,
};

int credentials_bus_set(BusEdge *edge, Job *job, sd_bus_message *m, sd_bus_error *error)
{
        _cleanup_(secret_call_freep) SecretCall *call = NULL;
        Request *request = calloc(1, sizeof(*request));
        int r = secret_call_new(edge, job, m, &credentials_kind, request, error, &call);

        if (r >= 0)
                r = read_pair(m, &request->target, &request->scheme, error);
        if (r >= 0)
                r = bus_edge_each_entry(m, "Key", read_key, call, error);
        return r < 0 ? r : secret_call_run(STEAL_PTR(call), error);
}

int credentials_bus_remove(BusEdge *edge, Job *job, sd_bus_message *m, sd_bus_error *error)
{
        sd_bus_message *reply = NULL;
        const Caller *caller;
        AuthTarget target = AUTH_TARGET_SERVER;
        AuthScheme scheme = AUTH_SCHEME_BASIC;
        int removed, r;

        r = callers_find(edge->callers, m, &caller);
        if (r >= 0)
                r = manager_begin(edge->manager, caller, VERB_REMOVE_CREDENTIALS, job);
        if (r < 0)
                return bus_error_set_verb(error, r, job);
        r = read_pair(m, &target, &scheme, error);
        if (r < 0)
                return r;
        removed = manager_remove_credentials(edge->manager, caller, job, target, scheme);
        if (removed < 0)
                return bus_error_set_verb(error, removed, job);

        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "b", removed);
        return r < 0 ? bus_reply_fail(edge, reply, r) : bus_reply_saved(edge, m, reply);
}

/* ---- property CredentialSlots ---------------------------------------------------------------- */

static int append_slots(AuthTarget target, unsigned schemes, sd_bus_message *reply)
{
        int r = 0;

        for (unsigned scheme = 0; r >= 0 && scheme < AUTH_SCHEMES_MAX; scheme++)
                if (schemes & 1U << scheme)
                        r = sd_bus_message_append(reply,
                                                  "(ss)",
                                                  auth_target_to_string(target),
                                                  auth_scheme_to_string((AuthScheme) scheme));
        return r;
}

int credentials_bus_get_slots(BusEdge *edge,
                              const Caller *caller,
                              const Job *job,
                              sd_bus_message *reply,
                              sd_bus_error *error)
{
        unsigned schemes[AUTH_TARGETS_MAX];
        int r = manager_get_credential_slots(edge->manager, caller, job, schemes);

        if (r < 0)
                return bus_error_set_verb(error, r, job);
        r = sd_bus_message_open_container(reply, 'a', "(ss)");
        for (unsigned target = 0; r >= 0 && target < AUTH_TARGETS_MAX; target++)
                r = append_slots((AuthTarget) target, schemes[target], reply);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}
