#include "manager/secret-bus.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "manager/bus-error.h"
#include "manager/secret-reader.h"
#include "model/limits.h"

SecretCall *secret_call_free(SecretCall *call)
{
        if (!call)
                return NULL;
        list_remove(&call->link);
        secret_reader_free(call->reader);
        secret_free(call->secret);
        sd_bus_message_unref(call->call);
        call->kind->free_request(call->request);
        free(call);
        return NULL;
}

void secret_bus_drop(BusEdge *edge)
{
        LIST_FOREACH_SAFE (link, after, &edge->secret_calls)
                secret_call_free(CONTAINER_OF(link, SecretCall, link));
}

int secret_call_new(BusEdge *edge,
                    Job *job,
                    sd_bus_message *m,
                    const SecretCallKind *kind,
                    void *request,
                    sd_bus_error *error,
                    SecretCall **ret)
{
        SecretCall *call = request ? calloc(1, sizeof(*call)) : NULL;
        const Caller *caller;
        int r;

        (void) sd_bus_message_sensitive(m);
        if (!call) {
                kind->free_request(request);
                return -ENOMEM;
        }
        list_init(&call->link);
        call->kind = kind;
        call->request = request;
        call->edge = edge;
        call->call = sd_bus_message_ref(m);
        call->job = job->id;
        call->fd = -EBADF;
        r = callers_find(edge->callers, m, &caller);
        if (r >= 0)
                r = manager_begin(edge->manager, caller, kind->verb, job);
        if (r < 0) {
                secret_call_free(call);
                return bus_error_set_verb(error, r, job);
        }
        call->uid = caller->uid;
        *ret = call;
        return 0;
}

int secret_call_read(SecretCall *call,
                     const char *key,
                     const char *text_key,
                     const char *fd_key,
                     sd_bus_message *m,
                     sd_bus_error *error)
{
        bool is_text = strcmp(key, text_key) == 0;
        const char *text;
        int r;

        if (!is_text && strcmp(key, fd_key) != 0)
                return 0;
        if (call->secret || call->fd >= 0)
                return bus_error_set(error,
                                     -EINVAL,
                                     "More than one of %s and %s is given",
                                     text_key,
                                     fd_key);
        if (is_text) {
                r = sd_bus_message_read(m, "v", "s", &text);
                if (r >= 0)
                        r = secret_new_copy(text, strlen(text), &call->secret);
        } else {
                r = sd_bus_message_read(m, "v", "h", &call->fd);
        }
        return r < 0 ? r : 1;
}

static int check_secret(const SecretCall *call, sd_bus_error *error)
{
        const char *reason = NULL;
        int r = 0;

        if (call->secret)
                r = call->kind->check_secret(call, &reason);
        return r < 0 ? bus_error_set(error, r, "%s", reason) : 0;
}

/* The last step: caller and state are checked and the change is made without an event between. */
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
                r = call->kind->apply(call, caller, job);
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
                                  "the %s must have at most 65536 UTF-16 units",
                                  call->kind->name);
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

int secret_call_run(SecretCall *owned, sd_bus_error *error)
{
        _cleanup_(secret_call_freep) SecretCall *call = owned;
        int r = call->kind->check(call, error);

        if (r >= 0)
                r = check_secret(call, error);
        if (r >= 0 && call->fd < 0)
                return store_it(call, error);
        if (r >= 0)
                r = read_descriptor(call, error);
        if (r < 0)
                return r;
        list_append(&call->edge->secret_calls, &call->link);
        call = NULL; /* on_secret() frees it */
        return 1;
}
