#include "tests/lib/fake-tickets.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

struct TicketRequest {
        ticket_done_t done;
        void *userdata;
};

static TicketRequest *under_way;
static char wish_text[256];

int tickets_get(Tickets *tickets,
                const TicketSpec *wish,
                ticket_done_t done,
                void *userdata,
                TicketRequest **ret)
{
        ck_assert_ptr_null(under_way);
        under_way = calloc(1, sizeof(*under_way));
        ck_assert_ptr_nonnull(under_way);
        *under_way = (TicketRequest){ .done = done, .userdata = userdata };
        if (wish->implicit)
                (void) snprintf(wish_text, sizeof(wish_text), "%s implicit", wish->host);
        else
                (void) snprintf(wish_text,
                                sizeof(wish_text),
                                "%s %s %s",
                                wish->host,
                                wish->user_name,
                                secret_data(wish->secret));
        *ret = under_way;
        return 0;
}

TicketRequest *ticket_request_free(TicketRequest *errand)
{
        if (!errand)
                return NULL;
        ck_assert_ptr_eq(errand, under_way);
        free(errand);
        under_way = NULL;
        return NULL;
}

const char *fake_tickets_wish(void)
{
        return under_way ? wish_text : "";
}

void fake_tickets_finish(int result, const char *text)
{
        TicketRequest errand = *under_way;

        ticket_request_free(under_way);
        errand.done(errand.userdata, result, text);
}
