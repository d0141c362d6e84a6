/*
 * The two questions of a download that only the manager can answer: which credential fits a
 * challenge, and through which proxies an origin is reached. The module that needs the answer asks
 * here and gets it by callback, so that no module in between passes anything on. Each question is
 * one method call of dbus/worker-wire.h and has the name of that method.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/macro.h"
#include "base/secret.h"

#include "model/enums.h"

typedef struct sd_bus sd_bus;
typedef struct Question Question;
typedef struct Questions Questions;

/* The bus is borrowed and outlives the questions. -ENOMEM. */
int questions_new(sd_bus *bus, Questions **ret);
/* Each Question must have been answered or freed. */
Questions *questions_free(Questions *questions);
DEFINE_CLEANUP(Questions *, questions_free);

/* Drops a question that has not been answered; its callback is not called any more. */
Question *question_free(Question *question);

typedef struct Credential {
        AuthScheme scheme;
        bool implicit;         /* what the owner's own programs would use; no name, no secret */
        const char *user_name; /* borrowed */
        Secret *secret;        /* password or token; the receiver may steal it */
} Credential;

/*
 * An answer, once and from the loop, after which the Question is gone. result: 0; -ENOENT: no
 * credential fits; other errnos: there was no usable answer. credential is NULL unless 0.
 */
typedef void (*question_credential_t)(void *userdata, int result, Credential *credential);
/* result: 0 or a negative errno; reason is a sentence that says why there are no proxies then. */
typedef void (*question_proxies_t)(void *userdata,
                                   int result,
                                   char *const *proxies,
                                   const char *reason);

/* offered: schemes of the challenge, bits 1 << AuthScheme. -ENOMEM, -ENOTCONN. */
int questions_authenticate(Questions *questions,
                           uint32_t file,
                           AuthTarget target,
                           unsigned offered,
                           question_credential_t answered,
                           void *userdata,
                           Question **ret);

/* For the origin of url. The manager takes one such question at a time. -ENOMEM, -ENOTCONN. */
int questions_find_proxies(Questions *questions,
                           const char *url,
                           question_proxies_t answered,
                           void *userdata,
                           Question **ret);
