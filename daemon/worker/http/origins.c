#include "worker/http/origins.h"

#include <errno.h>
#include <stdlib.h>

#include "base/str.h"

/* A job's files come from one server and a few mirrors. */
#define MAX_ORIGINS 16

struct Origins {
        struct {
                char *url; /* owned: any of that origin */
                ResumeValidator rung;
        } origins[MAX_ORIGINS];
        size_t next; /* to be overwritten */
};

int origins_new(Origins **ret)
{
        Origins *rungs = calloc(1, sizeof(*rungs));

        if (!rungs)
                return -ENOMEM;
        *ret = rungs;
        return 0;
}

Origins *origins_free(Origins *rungs)
{
        if (!rungs)
                return NULL;
        for (size_t i = 0; i < MAX_ORIGINS; i++)
                free(rungs->origins[i].url);
        free(rungs);
        return NULL;
}

static size_t find(const Origins *rungs, const char *url)
{
        size_t i = 0;

        while (i < MAX_ORIGINS &&
               !(rungs->origins[i].url && spec_same_origin(rungs->origins[i].url, url)))
                i++;
        return i;
}

ResumeValidator origins_find(const Origins *rungs, const char *url)
{
        size_t i = find(rungs, url);

        return i < MAX_ORIGINS ? rungs->origins[i].rung : RESUME_VALIDATOR_ETAG;
}

void origins_learn(Origins *rungs, const char *url, ResumeValidator rung)
{
        size_t i = find(rungs, url);

        if (i == MAX_ORIGINS) {
                if (str_set(&rungs->origins[rungs->next].url, url) < 0)
                        return;
                i = rungs->next;
                rungs->next = (rungs->next + 1) % MAX_ORIGINS;
        }
        rungs->origins[i].rung = rung;
}
