#include "manager/users.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/str.h"

#include "manager/user-names.h"
#include "model/limits.h"

typedef struct User {
        Users *users; /* borrowed */
        uint32_t uid; /* key */
        char *name;   /* owned; NULL: there is none, or it is not known yet */
        uint64_t known_usec;
        List waiters; /* UsersWait.link */
        UserLookup *lookup;
        UT_hash_handle hh; /* in the order of the questions, the oldest first */
} User;

struct Users {
        sd_event *event; /* borrowed */
        const Clock *clock;
        User *by_uid;
};

static void forget(User *user)
{
        HASH_DEL(user->users->by_uid, user);
        user_lookup_free(user->lookup);
        free(user->name);
        free(user);
}

static bool is_fresh(const User *user)
{
        uint64_t age = clock_boottime(user->users->clock) - user->known_usec;

        return age < (user->name ? USERS_NAME_AGE_USEC : USERS_ABSENT_AGE_USEC);
}

static void on_name(void *userdata, const char *name)
{
        User *user = userdata;

        if (name)
                (void) str_set(&user->name, name);
        user->known_usec = clock_boottime(user->users->clock);
        while (!list_is_empty(&user->waiters)) {
                UsersWait *wait = CONTAINER_OF(user->waiters.next, UsersWait, link);

                list_remove(&wait->link);
                wait->answer(wait->userdata, user->name);
        }
        user->lookup = user_lookup_free(user->lookup);
}

/* Forgets who was asked about first, unless the answer is still awaited. */
static void make_room(Users *users)
{
        User *user, *after;

        HASH_ITER (hh, users->by_uid, user, after) {
                if (HASH_COUNT(users->by_uid) < LIMIT_USERS)
                        return;
                if (!user->lookup)
                        forget(user);
        }
}

static int add(Users *users, uint32_t uid, User **ret)
{
        User *user = calloc(1, sizeof(*user));

        if (!user)
                return -ENOMEM;
        user->users = users;
        user->uid = uid;
        list_init(&user->waiters);
        HASH_ADD(hh, users->by_uid, uid, sizeof(user->uid), user);
        if (!HASH_WAS_ADDED(user)) {
                free(user);
                return -ENOMEM;
        }
        *ret = user;
        return 0;
}

int users_find(Users *users, uint32_t uid, UsersWait *wait, const char **ret_name)
{
        User *user = NULL;
        int r;

        HASH_FIND(hh, users->by_uid, &uid, sizeof(uid), user);
        if (user && !user->lookup) {
                if (is_fresh(user)) {
                        *ret_name = user->name;
                        return 1;
                }
                forget(user);
                user = NULL;
        }
        if (!user) {
                make_room(users);
                r = add(users, uid, &user);
                if (r < 0)
                        return r;
                r = user_lookup_new(users->event, uid, on_name, user, &user->lookup);
                if (r < 0) {
                        forget(user);
                        return r;
                }
        }
        list_append(&user->waiters, &wait->link);
        return 0;
}

int users_new(sd_event *event, const Clock *clock, Users **ret)
{
        Users *users = calloc(1, sizeof(*users));

        if (!users)
                return -ENOMEM;
        *users = (Users){ .event = event, .clock = clock };
        *ret = users;
        return 0;
}

Users *users_free(Users *users)
{
        User *user, *after;

        if (!users)
                return NULL;
        HASH_ITER (hh, users->by_uid, user, after)
                forget(user);
        free(users);
        return NULL;
}
