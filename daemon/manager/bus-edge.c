#include "manager/bus-edge.h"

#include <errno.h>
#include <stdlib.h>

#include "manager/bus-error.h"

typedef struct Answer {
        sd_bus_message *call; /* owned references */
        sd_bus_message *reply;
} Answer;

static void send_answer(void *userdata, int result)
{
        Answer *answer = userdata;

        if (result >= 0) {
                (void) sd_bus_send(NULL, answer->reply, NULL);
        } else {
                sd_bus_error error = SD_BUS_ERROR_NULL;

                (void) bus_error_set_verb(&error, result, NULL);
                (void) sd_bus_reply_method_error(answer->call, &error);
                sd_bus_error_free(&error);
        }
        sd_bus_message_unref(answer->call);
        sd_bus_message_unref(answer->reply);
        free(answer);
}

int bus_reply_fail(BusEdge *edge, sd_bus_message *reply, int error)
{
        manager_fail_batch(edge->manager, error);
        sd_bus_message_unref(reply);
        return error;
}

int bus_reply_saved(BusEdge *edge, sd_bus_message *call, sd_bus_message *reply)
{
        Answer *answer = calloc(1, sizeof(*answer));
        int r = answer ? 0 : -ENOMEM;

        if (r >= 0 && !reply)
                r = sd_bus_message_new_method_return(call, &reply);
        if (r >= 0) {
                answer->call = sd_bus_message_ref(call);
                answer->reply = reply;
                r = manager_when_saved(edge->manager, send_answer, answer);
                if (r < 0)
                        sd_bus_message_unref(call);
        }
        if (r < 0) {
                free(answer);
                return bus_reply_fail(edge, reply, r);
        }
        return 1;
}

int bus_edge_each_entry(sd_bus_message *m,
                        const char *what,
                        bus_entry_t entry,
                        void *userdata,
                        sd_bus_error *error)
{
        int r = sd_bus_message_enter_container(m, 'a', "{sv}");

        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                const char *key = "";

                r = sd_bus_message_read(m, "s", &key);
                if (r >= 0)
                        r = entry(userdata, key, m, error);
                if (r == -ENXIO)
                        return bus_error_set(error,
                                             -EINVAL,
                                             "%s '%s' has the wrong type",
                                             what,
                                             key);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

BusEdge *bus_edge_of(sd_bus_message *m)
{
        return sd_bus_slot_get_userdata(sd_bus_get_current_slot(sd_bus_message_get_bus(m)));
}

int bus_edge_find_caller(BusEdge *edge, sd_bus_message *m, const Caller **ret, sd_bus_error *error)
{
        int r = callers_find(edge->callers, m, ret);

        return r < 0 ? bus_error_set_verb(error, r, NULL) : 0;
}
