/*
 * Looks up the name of a uid in the user database without blocking: a module of NSS may wait for
 * the network, so a forked child asks, and the answer comes through a pipe.
 */
#pragma once

#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/macro.h"

typedef struct UserLookup UserLookup;

/* Called once from the loop; name is NULL when there is no entry or no answer in time. */
typedef void (*user_lookup_t)(void *userdata, const char *name);

/* Errors of pipe2(2) and fork(2), -ENOMEM. */
int user_lookup_new(sd_event *event,
                    uint32_t uid,
                    user_lookup_t callback,
                    void *userdata,
                    UserLookup **ret);
UserLookup *user_lookup_free(UserLookup *lookup); /* cancels it if it has not ended */
DEFINE_CLEANUP(UserLookup *, user_lookup_free);
