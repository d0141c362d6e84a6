#include "tests/lib/fake-source.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

typedef struct FakeSource {
        Source source;
        const SourceEvents *events;
        void *userdata;
        unsigned fetches;
        uint64_t position;
        bool halted;
} FakeSource;

static FakeSource *opened;

static void fetch(Source *source, uint64_t position)
{
        opened->fetches++;
        opened->position = position;
        opened->halted = false;
}

static void halt(Source *source)
{
        opened->halted = true;
}

static void free_source(Source *source)
{
        free(opened);
        opened = NULL;
}

static const SourceMethods methods = { .fetch = fetch, .halt = halt, .free = free_source };

int sources_open(Sources *sources,
                 const FileRecord *record,
                 const SourceEvents *events,
                 void *userdata,
                 Source **ret)
{
        ck_assert_ptr_null(opened);
        opened = calloc(1, sizeof(*opened));
        ck_assert_ptr_nonnull(opened);
        opened->source.methods = &methods;
        opened->events = events;
        opened->userdata = userdata;
        *ret = &opened->source;
        return 0;
}

unsigned fake_source_fetches(void)
{
        return opened ? opened->fetches : 0;
}

uint64_t fake_source_position(void)
{
        return opened->position;
}

bool fake_source_is_halted(void)
{
        return opened->halted;
}

int fake_source_relocated(const char *url)
{
        return opened->events->relocated(opened->userdata, url);
}

int fake_source_begin(const SourceAnswer *answer)
{
        return opened->events->begin(opened->userdata, answer);
}

int fake_source_body(const char *text)
{
        return opened->events->body(opened->userdata, text, strlen(text));
}

void fake_source_done(Failure *failure)
{
        opened->events->done(opened->userdata, failure);
}
