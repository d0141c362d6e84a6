#include "tests/torture/random.h"

#include <time.h>

static uint64_t state;

void random_seed(uint64_t seed)
{
        state = seed;
}

/* splitmix64: every seed is as good as any other. */
static uint64_t next(void)
{
        uint64_t z = state += 0x9e3779b97f4a7c15ULL;

        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        return z ^ (z >> 31);
}

uint32_t random_below(uint32_t n)
{
        return n ? (uint32_t) (next() % n) : 0;
}

bool random_chance(unsigned percent)
{
        return random_below(100) < percent;
}

void random_nap(uint32_t most_usec)
{
        uint32_t usec = random_below(most_usec + 1);
        struct timespec nap = { .tv_sec = usec / 1000000,
                                .tv_nsec = (long) (usec % 1000000) * 1000 };

        (void) nanosleep(&nap, NULL);
}
