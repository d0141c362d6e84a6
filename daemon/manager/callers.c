#include "manager/callers.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/dosvc-wire.h"

#include "base/hash.h"
#include "base/str.h"

#include "manager/users.h"
#include "model/limits.h"

typedef enum SenderState {
        SENDER_ASKED,    /* uid or name is awaited; messages are held */
        SENDER_RELEASED, /* known; held messages are coming in again, new ones queue up behind */
        SENDER_KNOWN,
} SenderState;

typedef struct Sender {
        Callers *callers; /* borrowed */
        char *name;       /* key: unique name on the bus; owned */
        SenderState state;
        Caller caller;
        char *user_name; /* owned */
        sd_bus_slot *question;
        UsersWait name_wait;
        sd_bus_message *held[LIMIT_HELD_MESSAGES]; /* a ring */
        size_t first, n_held;
        UT_hash_handle hh;
} Sender;

struct Callers {
        sd_bus *bus;  /* borrowed */
        Users *users; /* borrowed */
        Sender *senders;
        callers_gone_t gone;
        void *userdata;
        sd_bus_slot *filter;
        sd_bus_slot *match;
};

static sd_bus_message *pop_held(Sender *sender)
{
        sd_bus_message *m = sender->held[sender->first];

        sender->held[sender->first] = NULL;
        sender->first = (sender->first + 1) % LIMIT_HELD_MESSAGES;
        sender->n_held--;
        return m;
}

static void forget(Sender *sender)
{
        HASH_DEL(sender->callers->senders, sender);
        while (sender->n_held > 0)
                sd_bus_message_unref(pop_held(sender));
        sd_bus_slot_unref(sender->question);
        list_remove(&sender->name_wait.link);
        free(sender->user_name);
        free(sender->name);
        free(sender);
}

/* True: held; false: one too many, and refused. */
static bool hold(Sender *sender, sd_bus_message *m)
{
        if (sender->n_held == LIMIT_HELD_MESSAGES) {
                (void) sd_bus_reply_method_errorf(m,
                                                  DOSVC_ERROR_PREFIX "LimitExceeded",
                                                  "More than %d calls before the first answer",
                                                  LIMIT_HELD_MESSAGES);
                return false;
        }
        sender->held[(sender->first + sender->n_held) % LIMIT_HELD_MESSAGES] =
                sd_bus_message_ref(m);
        sender->n_held++;
        return true;
}

/* Answers what waits with a refusal; the next message of that sender asks anew. */
static void refuse(Sender *sender)
{
        while (sender->n_held > 0) {
                sd_bus_message *m = pop_held(sender);

                (void) sd_bus_reply_method_errorf(m,
                                                  SD_BUS_ERROR_ACCESS_DENIED,
                                                  "The bus does not say who you are");
                sd_bus_message_unref(m);
        }
        forget(sender);
}

static void release(Sender *sender)
{
        sender->state = sender->n_held > 0 ? SENDER_RELEASED : SENDER_KNOWN;
        for (size_t i = 0; i < sender->n_held; i++) {
                sd_bus_message *m = sender->held[(sender->first + i) % LIMIT_HELD_MESSAGES];

                if (sd_bus_enqueue_for_read(sender->callers->bus, m) < 0) {
                        refuse(sender);
                        return;
                }
        }
}

static void on_name(void *userdata, const char *name)
{
        Sender *sender = userdata;

        if (name && str_set(&sender->user_name, name) >= 0)
                sender->caller.user_name = sender->user_name;
        release(sender);
}

static int on_credentials(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Sender *sender = userdata;
        bool found = false;
        const char *name;
        int r;

        sender->question = sd_bus_slot_unref(sender->question);
        if (sd_bus_message_is_method_error(m, NULL)) {
                refuse(sender);
                return 0;
        }
        r = sd_bus_message_enter_container(m, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                const char *key;

                r = sd_bus_message_read(m, "s", &key);
                if (r >= 0 && strcmp(key, "UnixUserID") == 0) {
                        r = sd_bus_message_read(m, "v", "u", &sender->caller.uid);
                        found = r >= 0;
                } else if (r >= 0) {
                        r = sd_bus_message_skip(m, "v");
                }
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        if (r < 0 || !found || sender->caller.uid == UINT32_MAX) {
                refuse(sender);
                return 0;
        }

        r = users_find(sender->callers->users, sender->caller.uid, &sender->name_wait, &name);
        if (r < 0)
                refuse(sender);
        else if (r > 0)
                on_name(sender, name);
        return 0;
}

static Sender *find(const Callers *callers, const char *name)
{
        Sender *sender = NULL;

        HASH_FIND_STR(callers->senders, name, sender);
        return sender;
}

static int ask(Callers *callers, sd_bus_message *m, const char *name)
{
        Sender *sender = calloc(1, sizeof(*sender));
        int r;

        if (!sender)
                return -ENOMEM;
        sender->callers = callers;
        sender->caller.uid = UINT32_MAX;
        sender->name_wait = (UsersWait){ .answer = on_name, .userdata = sender };
        list_init(&sender->name_wait.link);
        sender->name = strdup(name);
        if (!sender->name) {
                free(sender);
                return -ENOMEM;
        }
        HASH_ADD_KEYPTR(hh, callers->senders, sender->name, strlen(sender->name), sender);
        if (!HASH_WAS_ADDED(sender)) {
                free(sender->name);
                free(sender);
                return -ENOMEM;
        }
        r = sd_bus_call_method_async(callers->bus,
                                     &sender->question,
                                     "org.freedesktop.DBus",
                                     "/org/freedesktop/DBus",
                                     "org.freedesktop.DBus",
                                     "GetConnectionCredentials",
                                     on_credentials,
                                     sender,
                                     "s",
                                     name);
        if (r >= 0)
                (void) hold(sender, m); /* the first: there is room */
        else
                forget(sender);
        return r;
}

static int on_message(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Callers *callers = userdata;
        const char *name = sd_bus_message_get_sender(m);
        Sender *sender;
        uint8_t type;

        if (sd_bus_message_get_type(m, &type) < 0 || type != SD_BUS_MESSAGE_METHOD_CALL)
                return 0;
        /* Passwords come with SetCredentials, and in URLs with user info. */
        if (str_starts_with(sd_bus_message_get_path(m), DOSVC_JOB_PREFIX "/"))
                (void) sd_bus_message_sensitive(m);
        if (!name)
                return sd_bus_error_set(error, SD_BUS_ERROR_ACCESS_DENIED, "A call without sender");

        sender = find(callers, name);
        if (!sender) {
                int r = ask(callers, m, name);

                return r < 0 ? sd_bus_error_set_errno(error, r) : 1;
        }
        if (sender->state == SENDER_RELEASED && sender->held[sender->first] == m) {
                sd_bus_message_unref(pop_held(sender));
                if (sender->n_held == 0)
                        sender->state = SENDER_KNOWN;
                return 0;
        }
        if (sender->state == SENDER_KNOWN)
                return 0;
        if (hold(sender, m) && sender->state == SENDER_RELEASED &&
            sd_bus_enqueue_for_read(callers->bus, m) < 0)
                refuse(sender);
        return 1;
}

static int on_name_gone(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Callers *callers = userdata;
        const char *name;
        Sender *sender;

        if (sd_bus_message_read(m, "s", &name) < 0 || !(sender = find(callers, name)))
                return 0;
        if (callers->gone)
                callers->gone(callers->userdata, name);
        forget(sender);
        return 0;
}

int callers_find(Callers *callers, sd_bus_message *m, const Caller **ret)
{
        const char *name = m ? sd_bus_message_get_sender(m) : NULL;
        Sender *sender = name ? find(callers, name) : NULL;

        if (!sender || sender->state == SENDER_ASKED || sender->caller.uid == UINT32_MAX)
                return -EACCES;
        *ret = &sender->caller;
        return 0;
}

bool callers_is_asking(const Callers *callers)
{
        Sender *sender, *after;

        HASH_ITER (hh, callers->senders, sender, after)
                if (sender->n_held > 0)
                        return true;
        return false;
}

int callers_new(sd_bus *bus, Users *users, callers_gone_t gone, void *userdata, Callers **ret)
{
        _cleanup_(callers_freep) Callers *callers = calloc(1, sizeof(*callers));
        int r;

        if (!callers)
                return -ENOMEM;
        callers->bus = bus;
        callers->users = users;
        callers->gone = gone;
        callers->userdata = userdata;
        r = sd_bus_add_filter(bus, &callers->filter, on_message, callers);
        if (r >= 0) /* arg2 empty: a name without new owner */
                r = sd_bus_add_match_async(bus,
                                           &callers->match,
                                           "type='signal',sender='org.freedesktop.DBus',"
                                           "path='/org/freedesktop/DBus',"
                                           "interface='org.freedesktop.DBus',"
                                           "member='NameOwnerChanged',arg2=''",
                                           on_name_gone,
                                           NULL,
                                           callers);
        if (r < 0)
                return r;
        *ret = STEAL_PTR(callers);
        return 0;
}

Callers *callers_free(Callers *callers)
{
        Sender *sender, *after;

        if (!callers)
                return NULL;
        HASH_ITER (hh, callers->senders, sender, after)
                forget(sender);
        sd_bus_slot_unref(callers->filter);
        sd_bus_slot_unref(callers->match);
        free(callers);
        return NULL;
}
