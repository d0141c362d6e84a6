#include "tests/lib/fake-tickets.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

struct TicketRequest {
        ticket_done_t done;
        void *userdata;
};

static TicketRequest *under_way;
static char text_of_spec[256];

int tickets_get(Tickets *tickets,
                const TicketSpec *spec,
                ticket_done_t done,
                void *userdata,
                TicketRequest **ret)
{
        ck_assert_ptr_null(under_way);
        under_way = calloc(1, sizeof(*under_way));
        ck_assert_ptr_nonnull(under_way);
        *under_way = (TicketRequest){ .done = done, .userdata = userdata };
        if (spec->implicit)
                (void) snprintf(text_of_spec, sizeof(text_of_spec), "%s implicit", spec->host);
        else
                (void) snprintf(text_of_spec,
                                sizeof(text_of_spec),
                                "%s %s %s",
                                spec->host,
                                spec->user_name,
                                secret_data(spec->secret));
        *ret = under_way;
        return 0;
}

TicketRequest *ticket_request_free(TicketRequest *request)
{
        if (!request)
                return NULL;
        ck_assert_ptr_eq(request, under_way);
        free(request);
        under_way = NULL;
        return NULL;
}

const char *fake_tickets_requested(void)
{
        return under_way ? text_of_spec : "";
}

void fake_tickets_finish(int result, const char *text)
{
        TicketRequest request = *under_way;

        ticket_request_free(under_way);
        request.done(request.userdata, result, text);
}
