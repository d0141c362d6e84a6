#include "worker/questions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include "dbus/worker-wire.h"

#include "base/clock.h"
#include "base/str.h"

#include "model/limits.h"
#include "model/url.h"
#include "model/wire-codec.h"

/* A list of LIMIT_PROXY_LIST characters holds no more proxies than that. */
#define MAX_PROXIES LIMIT_PROXY_LIST

/* The manager answers from memory and the kernel's keyring. */
#define AUTHENTICATE_TIMEOUT_USEC (60 * USEC_PER_SEC)

/* The manager ends a search before this. */
#define FIND_PROXIES_TIMEOUT_USEC (90 * USEC_PER_SEC)

struct Questions {
        sd_bus *bus; /* borrowed */
};

struct Question {
        sd_bus_slot *slot; /* owned: the call that is under way */
        union {
                question_credential_t credential;
                question_proxies_t proxies;
        } answered;
        void *userdata;
};

int questions_new(sd_bus *bus, Questions **ret)
{
        Questions *questions = malloc(sizeof(*questions));

        if (!questions)
                return -ENOMEM;
        questions->bus = bus;
        *ret = questions;
        return 0;
}

Questions *questions_free(Questions *questions)
{
        free(questions);
        return NULL;
}

Question *question_free(Question *question)
{
        if (!question)
                return NULL;
        sd_bus_slot_unref(question->slot);
        free(question);
        return NULL;
}
DEFINE_CLEANUP(Question *, question_free);

/* The question is over, and what it calls may ask another one. */
static Question take_answered(void *userdata)
{
        Question copy = *(Question *) userdata;

        question_free(userdata);
        return copy;
}

static int new_call(Questions *questions, const char *member, sd_bus_message **ret)
{
        return sd_bus_message_new_method_call(questions->bus,
                                              ret,
                                              NULL,
                                              WORKER_PATH,
                                              WORKER_INTERFACE,
                                              member);
}

/* Sends what was built, r being the result of building it; consumes the message. */
static int ask(Questions *questions,
               int r,
               sd_bus_message *m,
               sd_bus_message_handler_t on_reply,
               uint64_t timeout_usec,
               Question *question)
{
        if (r >= 0)
                r = sd_bus_call_async(questions->bus,
                                      &question->slot,
                                      m,
                                      on_reply,
                                      question,
                                      timeout_usec);
        sd_bus_message_unref(m);
        return r < 0 ? r : 0;
}

/* Reads the manager's reply. The user name lives in the message. */
static int read_credential(sd_bus_message *reply, Credential *credential)
{
        const char *scheme;
        int implicit, fd, value, r;

        if (sd_bus_message_is_method_error(reply, NULL))
                return sd_bus_message_is_method_error(reply, DOSVC_ERROR_PREFIX "NotFound")
                               ? -ENOENT
                               : -EREMOTEIO;
        r = sd_bus_message_read(reply,
                                WORKER_AUTHENTICATE_REPLY_SIGNATURE,
                                &scheme,
                                &implicit,
                                &credential->user_name,
                                &fd);
        if (r < 0)
                return -EBADMSG;
        value = auth_scheme_from_string(scheme);
        if (value < 0 || strlen(credential->user_name) > LIMIT_USER_NAME * 3)
                return -EBADMSG;
        credential->scheme = (AuthScheme) value;
        credential->implicit = implicit != 0;
        return secret_read_fd(fd, LIMIT_PASSWORD_BYTES, &credential->secret);
}

static int on_credential(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        Question question = take_answered(userdata);
        Credential credential = { 0 };
        int r = read_credential(reply, &credential);

        question.answered.credential(question.userdata, r, r < 0 ? NULL : &credential);
        secret_free(credential.secret);
        return 0;
}

static int append_schemes(sd_bus_message *m, unsigned offered)
{
        int r = sd_bus_message_open_container(m, 'a', "s");

        for (unsigned scheme = 0; r >= 0 && scheme < AUTH_SCHEMES_MAX; scheme++)
                if (offered & (1U << scheme))
                        r = sd_bus_message_append(m,
                                                  "s",
                                                  auth_scheme_to_string((AuthScheme) scheme));
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int questions_authenticate(Questions *questions,
                           uint32_t file,
                           AuthTarget target,
                           unsigned offered,
                           question_credential_t answered,
                           void *userdata,
                           Question **ret)
{
        _cleanup_(question_freep) Question *question = calloc(1, sizeof(*question));
        sd_bus_message *m = NULL;
        int r;

        if (!question)
                return -ENOMEM;
        question->answered.credential = answered;
        question->userdata = userdata;
        r = new_call(questions, WORKER_AUTHENTICATE, &m);
        if (r >= 0)
                r = sd_bus_message_append(m, "us", file, auth_target_to_string(target));
        if (r >= 0)
                r = append_schemes(m, offered);
        r = ask(questions, r, m, on_credential, AUTHENTICATE_TIMEOUT_USEC, question);
        if (r >= 0)
                *ret = STEAL_PTR(question);
        return r;
}

static int on_proxies(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        _cleanup_(strings_freep) char **proxies = NULL;
        Question question = take_answered(userdata);
        const char *reason = "The answer cannot be read.";
        int r = -EREMOTEIO;

        if (sd_bus_message_is_method_error(reply, NULL))
                reason = sd_bus_message_get_error(reply)->message;
        else
                r = wire_read_strings(reply, MAX_PROXIES, &proxies);
        question.answered.proxies(question.userdata, r < 0 ? r : 0, proxies, reason ? reason : "");
        return 0;
}

int questions_find_proxies(Questions *questions,
                           const char *url,
                           question_proxies_t answered,
                           void *userdata,
                           Question **ret)
{
        _cleanup_(question_freep) Question *question = calloc(1, sizeof(*question));
        _cleanup_free_ char *origin = NULL;
        sd_bus_message *m = NULL;
        int r = question ? url_origin(url, &origin) : -ENOMEM;

        if (r < 0)
                return r;
        question->answered.proxies = answered;
        question->userdata = userdata;
        r = new_call(questions, WORKER_FIND_PROXIES, &m);
        if (r >= 0)
                r = sd_bus_message_append(m, "s", origin);
        r = ask(questions, r, m, on_proxies, FIND_PROXIES_TIMEOUT_USEC, question);
        if (r >= 0)
                *ret = STEAL_PTR(question);
        return r;
}
