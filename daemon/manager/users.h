/*
 * The names of uids, as the user database has them. One look-up serves everybody who waits for
 * the same uid, and its answer is kept for a while: each look-up forks the manager, and a client
 * that connects anew for every call would make it do nothing else.
 */
#pragma once

#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/clock.h"
#include "base/macro.h"

/* How old an answer may be: a user who is renamed is known by the new name after this time. */
#define USERS_NAME_AGE_USEC (60 * USEC_PER_SEC)

/* "There is no such user" is kept for less, for the database may just have been out of reach. */
#define USERS_ABSENT_AGE_USEC (2 * USEC_PER_SEC)

typedef struct Users Users;

/* Called once from the loop. name: borrowed for the call; NULL: no entry, or no answer in time. */
typedef void (*users_answer_t)(void *userdata, const char *name);

/* Embedded in whoever waits; list_remove(&wait.link) gives up waiting, at any time. */
typedef struct UsersWait {
        List link; /* initialised with list_init() */
        users_answer_t answer;
        void *userdata;
} UsersWait;

int users_new(sd_event *event, const Clock *clock, Users **ret);
/* Nobody may wait any more. */
Users *users_free(Users *users);
DEFINE_CLEANUP(Users *, users_free);

/*
 * 1: *ret_name is the name, borrowed until the loop goes on, or NULL if there is no such user.
 * 0: the answer comes later, to wait->answer. -ENOMEM; errors of pipe2(2) and fork(2).
 */
int users_find(Users *users, uint32_t uid, UsersWait *wait, const char **ret_name);
