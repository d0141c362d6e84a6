#include "manager/waiters.h"

#include <errno.h>
#include <stdlib.h>

#include "model/limits.h"

typedef struct Waiter {
        List link; /* Waiters.list */
        Job *job;  /* borrowed; its waiters are answered before it is freed */
        waiters_done_t done;
        void *userdata;
} Waiter;

void waiters_init(Waiters *waiters)
{
        list_init(&waiters->list);
}

static void drop(Waiter *waiter)
{
        list_remove(&waiter->link);
        waiter->job->n_waiters--;
        free(waiter);
}

static void answer(Waiter *waiter, int result, bool partial, const char *text)
{
        waiters_done_t done = waiter->done;
        void *userdata = waiter->userdata;

        drop(waiter);
        done(userdata, result, partial, text);
}

int waiters_add(Waiters *waiters, Job *job, waiters_done_t done, void *userdata)
{
        Waiter *waiter;

        if (job->n_waiters == LIMIT_WAITERS_PER_JOB)
                return -ENOBUFS;
        waiter = calloc(1, sizeof(*waiter));
        if (!waiter)
                return -ENOMEM;
        job->n_waiters++;
        *waiter = (Waiter){ .job = job, .done = done, .userdata = userdata };
        list_append(&waiters->list, &waiter->link);
        return 0;
}

void waiters_drop_last(Waiters *waiters)
{
        drop(CONTAINER_OF(waiters->list.prev, Waiter, link));
}

void waiters_answer(Waiters *waiters, Job *job, int result, bool partial, const char *text)
{
        if (job->n_waiters == 0)
                return;
        LIST_FOREACH_SAFE (link, after, &waiters->list) {
                Waiter *waiter = CONTAINER_OF(link, Waiter, link);

                if (waiter->job == job)
                        answer(waiter, result, partial, text);
        }
}

void waiters_answer_stopping(Waiters *waiters)
{
        LIST_FOREACH_SAFE (link, after, &waiters->list) {
                Waiter *waiter = CONTAINER_OF(link, Waiter, link);

                if (!waiter->job->work.run)
                        answer(waiter, -ECANCELED, false, "The service is stopping");
        }
}

bool waiters_is_empty(const Waiters *waiters)
{
        return list_is_empty(&waiters->list);
}
