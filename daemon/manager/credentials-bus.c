#include "manager/credentials-bus.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#include "manager/bus-error.h"
#include "manager/secret-reader.h"
#include "model/limits.h"

/* A SetCredentials on its way; waits in BusEdge.secret_calls when it reads a descriptor. */
typedef struct SecretCall {
        List link;
        BusEdge *edge;        /* borrowed */
        sd_bus_message *call; /* owned reference, sensitive */
        sd_id128_t job;
        uint32_t uid;
        AuthTarget target;
        AuthScheme scheme;
        char *user_name; /* NULL: absent */
        Secret *secret;  /* NULL: absent, or not read yet */
        int fd;          /* borrowed from the call; -EBADF: none */
        SecretReader *reader;
} SecretCall;

static void secret_call_free(SecretCall *call)
{
        list_remove(&call->link);
        secret_reader_free(call->reader);
        secret_free(call->secret);
        sd_bus_message_unref(call->call);
        free(call->user_name);
        free(call);
}
DEFINE_CLEANUP(SecretCall *, secret_call_free);

void credentials_bus_drop(BusEdge *edge)
{
        LIST_FOREACH_SAFE (link, after, &edge->secret_calls)
                secret_call_free(CONTAINER_OF(link, SecretCall, link));
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

/* One key of the dictionary into the call. */
static int read_key(SecretCall *call, const char *key, sd_bus_message *m, sd_bus_error *error)
{
        bool bearer = call->scheme == AUTH_SCHEME_BEARER;
        const char *text;
        int r;

        if (!bearer && strcmp(key, "user-name") == 0) {
                if (call->user_name)
                        return bus_error_set(error, -EINVAL, "Key '%s' is given twice", key);
                r = sd_bus_message_read(m, "v", "s", &text);
                return r < 0 ? r : str_set(&call->user_name, text);
        }
        if (strcmp(key, bearer ? "token" : "password") != 0 &&
            strcmp(key, bearer ? "token-fd" : "password-fd") != 0)
                return bus_error_set(error,
                                     -EINVAL,
                                     "Unknown key '%s' for scheme %s: expected %s",
                                     key,
                                     auth_scheme_to_string(call->scheme),
                                     bearer ? "token or token-fd"
                                            : "user-name, password or password-fd");
        if (call->secret || call->fd >= 0)
                return bus_error_set(error,
                                     -EINVAL,
                                     "More than one of %s is given",
                                     bearer ? "token and token-fd" : "password and password-fd");
        if (strcmp(key, bearer ? "token" : "password") == 0) {
                r = sd_bus_message_read(m, "v", "s", &text);
                return r < 0 ? r : secret_new_copy(text, strlen(text), &call->secret);
        }
        r = sd_bus_message_read(m, "v", "h", &call->fd);
        return r < 0 ? r : 0;
}

static int read_dictionary(SecretCall *call, sd_bus_message *m, sd_bus_error *error)
{
        int r = sd_bus_message_enter_container(m, 'a', "{sv}");

        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                const char *key = "";

                r = sd_bus_message_read(m, "s", &key);
                if (r >= 0)
                        r = read_key(call, key, m, error);
                if (r == -ENXIO)
                        return bus_error_set(error, -EINVAL, "Key '%s' has the wrong type", key);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

/* Which of user name and password may be absent (spec section 1.1, 1.3). */
static int check_presence(const SecretCall *call, sd_bus_error *error)
{
        bool secret = call->secret || call->fd >= 0;
        bool implicit_possible =
                call->scheme == AUTH_SCHEME_NTLM || call->scheme == AUTH_SCHEME_NEGOTIATE;

        if (call->scheme == AUTH_SCHEME_BEARER)
                return secret ? 0
                              : bus_error_set(error,
                                              -EINVAL,
                                              "Scheme bearer needs token or token-fd");
        if (call->user_name && secret)
                return 0;
        if (!call->user_name && !secret && implicit_possible)
                return 0;
        return bus_error_set(error,
                             -EINVAL,
                             implicit_possible ? "Scheme %s needs both user-name and password, or "
                                                 "neither for the implicit credentials of the owner"
                                               : "Scheme %s needs both user-name and password",
                             auth_scheme_to_string(call->scheme));
}

static int check_user_name(const SecretCall *call, sd_bus_error *error)
{
        const char *reason = NULL;
        int r = call->user_name ? spec_check_user_name(call->scheme, call->user_name, &reason) : 0;

        return r < 0 ? bus_error_set(error, r, "%s", reason) : 0;
}

static int check_secret(const SecretCall *call, sd_bus_error *error)
{
        const char *reason = NULL;
        int r = 0;

        if (call->secret)
                r = spec_check_password(call->scheme,
                                        secret_data(call->secret),
                                        secret_size(call->secret),
                                        &reason);
        return r < 0 ? bus_error_set(error, r, "%s", reason) : 0;
}

/* The last step, in one turn of the loop: who, in which state, then the change. */
static int store_it(SecretCall *call, sd_bus_error *error)
{
        BusEdge *edge = call->edge;
        const Caller *caller;
        Job *job = NULL;
        int r;

        r = callers_find(edge->callers, call->call, &caller);
        if (r >= 0)
                r = manager_find_job(edge->manager, caller, call->job, &job);
        if (r == -ENOENT)
                return sd_bus_error_set(error, SD_BUS_ERROR_UNKNOWN_OBJECT, "There is no such job");
        if (r >= 0)
                r = manager_set_credentials(edge->manager,
                                            caller,
                                            job,
                                            call->target,
                                            call->scheme,
                                            call->user_name,
                                            call->secret);
        return r < 0 ? bus_error_set_verb(error, r, job) : bus_reply_saved(edge, call->call, NULL);
}

static void on_secret(void *userdata, int result, Secret *secret)
{
        SecretCall *call = userdata;
        sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        call->secret = secret;
        if (result == -EMSGSIZE)
                r = bus_error_set(&error,
                                  -EMSGSIZE,
                                  "the password must have at most 65536 UTF-16 units");
        else if (result < 0)
                r = bus_error_set(&error,
                                  -EILSEQ,
                                  result == -ETIMEDOUT
                                          ? "The descriptor was not written and closed in time"
                                          : "The descriptor cannot be read");
        else
                r = check_secret(call, &error);
        if (r >= 0)
                r = store_it(call, &error);
        if (r < 0)
                (void) sd_bus_reply_method_errno(call->call, r, &error);
        sd_bus_error_free(&error);
        secret_call_free(call);
}

static unsigned count_readers(const BusEdge *edge, uint32_t uid)
{
        unsigned n = 0;

        LIST_FOREACH (link, &edge->secret_calls)
                n += CONTAINER_OF(link, SecretCall, link)->uid == uid;
        return n;
}

static int read_descriptor(SecretCall *call, sd_bus_error *error)
{
        int r;

        if (count_readers(call->edge, call->uid) >= LIMIT_SECRET_READERS_PER_USER)
                return bus_error_set(error,
                                     -ENOBUFS,
                                     "More than %d descriptors of this user are being read",
                                     LIMIT_SECRET_READERS_PER_USER);
        r = secret_reader_new(call->edge->event,
                              call->fd,
                              LIMIT_PASSWORD_BYTES,
                              LIMIT_SECRET_FD_USEC,
                              on_secret,
                              call,
                              &call->reader);
        if (r == -EBADF || r == -EINVAL)
                return bus_error_set(error,
                                     -EILSEQ,
                                     "The descriptor must be readable: a FIFO, or a memfd sealed "
                                     "against writing (F_SEAL_WRITE)");
        return r;
}

int credentials_bus_set(BusEdge *edge, Job *job, sd_bus_message *m, sd_bus_error *error)
{
        _cleanup_(secret_call_freep) SecretCall *call = NULL;
        const Caller *caller;
        int r;

        (void) sd_bus_message_sensitive(m);
        r = callers_find(edge->callers, m, &caller);
        if (r >= 0)
                r = manager_begin(caller, VERB_SET_CREDENTIALS, job);
        if (r < 0)
                return bus_error_set_verb(error, r, job);

        call = calloc(1, sizeof(*call));
        if (!call)
                return -ENOMEM;
        list_init(&call->link);
        call->edge = edge;
        call->call = sd_bus_message_ref(m);
        call->job = job->id;
        call->uid = caller->uid;
        call->fd = -EBADF;

        r = read_pair(m, &call->target, &call->scheme, error);
        if (r >= 0)
                r = read_dictionary(call, m, error);
        if (r >= 0)
                r = check_presence(call, error);
        if (r >= 0)
                r = check_user_name(call, error);
        if (r >= 0)
                r = check_secret(call, error);
        if (r >= 0 && call->fd < 0)
                return store_it(call, error);
        if (r >= 0)
                r = read_descriptor(call, error);
        if (r < 0)
                return r;
        list_append(&edge->secret_calls, &call->link);
        call = NULL; /* on_secret() frees it */
        return 1;
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
                r = manager_begin(caller, VERB_REMOVE_CREDENTIALS, job);
        if (r < 0)
                return bus_error_set_verb(error, r, job);
        r = read_pair(m, &target, &scheme, error);
        if (r < 0)
                return r;
        removed = manager_remove_credentials(edge->manager, caller, job, target, scheme);
        if (removed < 0)
                return bus_error_set_verb(error, removed, job);

        r = bus_reply_new(m, &reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "b", removed);
        return r < 0 ? bus_reply_fail(edge, reply, r) : bus_reply_saved(edge, m, reply);
}
