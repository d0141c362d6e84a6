#include "worker/http/origins.h"

#include <errno.h>
#include <stdlib.h>

#include "base/str.h"

#include "model/url.h"

/* A job's files come from one server and a few mirrors. */
#define MAX_ORIGINS 16

struct Origins {
        struct {
                char *url; /* owned: any URL of the origin; NULL: the entry is free */
                ResumeValidator validator;
        } entries[MAX_ORIGINS];
        size_t next; /* index of the entry that is overwritten next */
};

int origins_new(Origins **ret)
{
        Origins *origins = calloc(1, sizeof(*origins));

        if (!origins)
                return -ENOMEM;
        *ret = origins;
        return 0;
}

Origins *origins_free(Origins *origins)
{
        if (!origins)
                return NULL;
        for (size_t i = 0; i < MAX_ORIGINS; i++)
                free(origins->entries[i].url);
        free(origins);
        return NULL;
}

static size_t find(const Origins *origins, const char *url)
{
        size_t i = 0;

        while (i < MAX_ORIGINS &&
               !(origins->entries[i].url && url_same_origin(origins->entries[i].url, url)))
                i++;
        return i;
}

ResumeValidator origins_find(const Origins *origins, const char *url)
{
        size_t i = find(origins, url);

        return i < MAX_ORIGINS ? origins->entries[i].validator : RESUME_VALIDATOR_ETAG;
}

void origins_learn(Origins *origins, const char *url, ResumeValidator validator)
{
        size_t i = find(origins, url);

        if (i == MAX_ORIGINS) {
                if (str_set(&origins->entries[origins->next].url, url) < 0)
                        return;
                i = origins->next;
                origins->next = (origins->next + 1) % MAX_ORIGINS;
        }
        origins->entries[i].validator = validator;
}
