#include "manager/certificate-bus.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#include "manager/bus-error.h"
#include "manager/secret-bus.h"
#include "model/secret-rules.h"
#include "model/setting-checks.h"

/* Longer ones are cut by OpenSSL (PEM_BUFSIZE, with its NUL). */
#define KEY_PASSWORD_BYTES 1023

/* The paths of a SetClientCertificate. */
typedef struct Paths {
        char *certificate; /* owned; NULL: absent */
        char *key;         /* owned; NULL: absent */
} Paths;

static void paths_free(void *userdata)
{
        Paths *paths = userdata;

        if (paths) {
                free(paths->certificate);
                free(paths->key);
        }
        free(paths);
}

static int read_path(char **path, const char *key, sd_bus_message *m, sd_bus_error *error)
{
        const char *text, *reason;
        int r;

        if (*path)
                return bus_error_set(error, -EINVAL, "Key '%s' is given twice", key);
        r = sd_bus_message_read(m, "v", "s", &text);
        if (r < 0)
                return r;
        /* The worker's sandbox has no place for the modules and daemons behind a token. */
        if (strncasecmp(text, "pkcs11:", strlen("pkcs11:")) == 0)
                return bus_error_set(error,
                                     -EOPNOTSUPP,
                                     "Key '%s': a certificate or key on a PKCS#11 token is not "
                                     "available here; expected the path of a PEM file",
                                     key);
        if (setting_check_path(text, &reason) < 0)
                return bus_error_set(error, -EINVAL, "Key '%s' %s: '%s'", key, reason, text);
        return str_set(path, text);
}

/* bus_entry_t */
static int read_key(void *userdata, const char *key, sd_bus_message *m, sd_bus_error *error)
{
        SecretCall *call = userdata;
        Paths *paths = call->request;
        int r;

        if (strcmp(key, "certificate") == 0)
                return read_path(&paths->certificate, key, m, error);
        if (strcmp(key, "key") == 0)
                return read_path(&paths->key, key, m, error);
        r = secret_call_read(call, key, "password", "password-fd", m, error);
        return r != 0 ? r
                      : bus_error_set(error,
                                      -EINVAL,
                                      "Unknown key '%s': expected certificate, key, password or "
                                      "password-fd",
                                      key);
}

/* SecretCallKind.check */
static int check_call(const SecretCall *call, sd_bus_error *error)
{
        const Paths *paths = call->request;

        return paths->certificate
                       ? 0
                       : bus_error_set(error,
                                       -EINVAL,
                                       "Key 'certificate' is missing: expected the path of a PEM "
                                       "file");
}

/* SecretCallKind.check_secret: the rules for Basic are those that hold for every password. */
static int check_secret(const SecretCall *call, const char **ret_reason)
{
        return secret_rules_check_password(AUTH_SCHEME_BASIC,
                                           secret_data(call->secret),
                                           secret_size(call->secret),
                                           ret_reason);
}

/* SecretCallKind.apply */
static int set_certificate(SecretCall *call, const Caller *caller, Job *job)
{
        const Paths *paths = call->request;

        if (call->secret && secret_size(call->secret) > KEY_PASSWORD_BYTES)
                return -EMSGSIZE;
        return manager_set_client_certificate(call->edge->manager,
                                              caller,
                                              job,
                                              paths->certificate,
                                              paths->key,
                                              call->secret);
}

static const SecretCallKind certificate_kind = {
        .verb = VERB_SET_CERTIFICATE,
        .name = "password",
        .check = check_call,
        .check_secret = check_secret,
        .apply = set_certificate,
        .free_request = paths_free,
};

int certificate_bus_set(BusEdge *edge, Job *job, sd_bus_message *m, sd_bus_error *error)
{
        _cleanup_(secret_call_freep) SecretCall *call = NULL;
        Paths *paths = calloc(1, sizeof(*paths));
        int r = secret_call_new(edge, job, m, &certificate_kind, paths, error, &call);

        if (r >= 0)
                r = bus_edge_each_entry(m, "Key", read_key, call, error);
        return r < 0 ? r : secret_call_run(STEAL_PTR(call), error);
}

int certificate_bus_remove(BusEdge *edge, Job *job, sd_bus_message *m, sd_bus_error *error)
{
        sd_bus_message *reply = NULL;
        const Caller *caller;
        int removed, r;

        r = bus_edge_find_caller(edge, m, &caller, error);
        if (r < 0)
                return r;
        removed = manager_remove_client_certificate(edge->manager, caller, job);
        if (removed < 0)
                return bus_error_set_verb(error, removed, job);
        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "b", removed);
        return r < 0 ? bus_reply_fail(edge, reply, r) : bus_reply_saved(edge, m, reply);
}
