/*
 * The service under kills and failing system calls. A round is one fault in the midst of a dozen
 * downloads, the recovery from it, and a look at all that the service has acknowledged and
 * delivered. Two hundred rounds share a bus, a server and a database; after them, left in peace,
 * every job has to end and nothing may lie about.
 *
 *   ROUNDS  how many (1000)
 *   SEED    of the choices (another one each time)
 *   BATCH   only this one of the two hundreds
 */
#include <check.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "base/macro.h"

#include "tests/lib/process.h"
#include "tests/lib/service-fixture.h"
#include "tests/lib/temp-dir.h"
#include "tests/torture/expected-state.h"
#include "tests/torture/fault.h"
#include "tests/torture/random.h"
#include "tests/torture/source.h"

#define ROUNDS          1000U
#define ROUNDS_IN_BATCH 200U

#define BATCH_SEC  300
#define DRAIN_MSEC 45000

#define KINDS_MAX  16
#define LOSSES_MAX 100000U

/* What came of it; shared with the processes of the batches. */
typedef struct Tally {
        uint32_t rounds, published;
        uint32_t blows[KINDS_MAX];
        uint64_t fault_msec[KINDS_MAX];
        uint32_t n_losses;
        uint64_t losses[LOSSES_MAX];
} Tally;

static uint64_t seed;
static unsigned n_rounds;
static Tally *tally;
static HttpServer server;

static void start(void)
{
        fixture_start();
        /* A few of each user's jobs wait for their turn. */
        temp_dir_write(fixture.daemon.config,
                       "[Limits]\nMaxActiveJobsPerUser=5\n"
                       "[Service]\nMinimumRetryDelaySec=1\nMaximumRetryDelaySec=2\n");
        fixture_restart();
        http_server_start(&server, source_serve, fixture.dir);
        expected_open(&server);
}

static void stop(void)
{
        http_server_stop(&server);
}

static void count_loss(uint64_t bytes)
{
        if (tally->n_losses < LOSSES_MAX)
                tally->losses[tally->n_losses++] = bytes;
}

static void play_round(void)
{
        uint64_t began;
        size_t kind;

        expected_fill();
        if (random_chance(50))
                source_change(&server, random_below(SOURCES));
        began = process_now_msec();
        kind = fault_deal();
        expected_sweep();
        tally->rounds++;
        tally->blows[kind]++;
        tally->fault_msec[kind] += process_now_msec() - began;
}

START_TEST(nothing_is_lost_or_wrong)
{
        unsigned first = (unsigned) _i * ROUNDS_IN_BATCH;
        unsigned n = n_rounds - first < ROUNDS_IN_BATCH ? n_rounds - first : ROUNDS_IN_BATCH;

        (void) fprintf(stderr, "SEED=%llu BATCH=%d\n", (unsigned long long) seed, _i);
        random_seed(seed + 0x100000001b3ULL * (unsigned) _i);
        fault_count_loss(count_loss);
        for (unsigned i = 0; i < n; i++)
                play_round();
        expected_drain(DRAIN_MSEC);
        tally->published += expected_n_published();
}
END_TEST

/* ---- around it ------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
        uint64_t x = *(const uint64_t *) a, y = *(const uint64_t *) b;

        return x < y ? -1 : x > y;
}

static void print_losses(void)
{
        uint32_t n = tally->n_losses;
        const uint64_t *losses = tally->losses;

        if (n == 0)
                return;
        qsort(tally->losses, n, sizeof(*losses), compare);
        (void) fprintf(stderr,
                       "received and not recorded when the manager was killed, bytes a file, %u "
                       "files: median %llu, 90 %% %llu, 99 %% %llu, most %llu\n",
                       n,
                       (unsigned long long) losses[n / 2],
                       (unsigned long long) losses[n - 1 - n / 10],
                       (unsigned long long) losses[n - 1 - n / 100],
                       (unsigned long long) losses[n - 1]);
}

static void print_tally(uint64_t msec)
{
        (void) fprintf(stderr,
                       "%u rounds in %u s, %u jobs published\n",
                       tally->rounds,
                       (unsigned) (msec / 1000),
                       tally->published);
        for (size_t i = 0; i < fault_kinds(); i++)
                (void) fprintf(stderr,
                               "%6u %-28s %5u ms each\n",
                               tally->blows[i],
                               fault_name(i),
                               (unsigned) (tally->fault_msec[i] /
                                           (tally->blows[i] ? tally->blows[i] : 1)));
        print_losses();
}

/* A number from the environment. */
static uint64_t number_from_environment(const char *name, uint64_t otherwise)
{
        const char *text = getenv(name);
        char *end;
        uint64_t number;

        if (!text || !*text)
                return otherwise;
        number = strtoull(text, &end, 10);
        if (*end)
                errx(EXIT_FAILURE, "%s=%s is no number", name, text);
        return number;
}

static void prepare(void)
{
        if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
                err(EXIT_FAILURE, "getrandom");
        seed = number_from_environment("SEED", seed % 1000000000);
        n_rounds = (unsigned) number_from_environment("ROUNDS", ROUNDS);
        tally = mmap(NULL,
                     sizeof(*tally),
                     PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS,
                     -1,
                     0);
        if (tally == MAP_FAILED)
                err(EXIT_FAILURE, "memory");
        (void) fprintf(stderr, "ROUNDS=%u SEED=%llu\n", n_rounds, (unsigned long long) seed);
}

int main(void)
{
        Suite *suite = suite_create("torture");
        TCase *tcase = fixture_case(suite, "torture", start);
        uint64_t began = process_now_msec();
        int batches, first, status;

        prepare();
        batches = (int) ((n_rounds + ROUNDS_IN_BATCH - 1) / ROUNDS_IN_BATCH);
        first = (int) number_from_environment("BATCH", UINT64_MAX);
        tcase_set_timeout(tcase, BATCH_SEC);
        tcase_add_checked_fixture(tcase, NULL, stop);
        tcase_add_loop_test(tcase,
                            nothing_is_lost_or_wrong,
                            first < 0 ? 0 : first,
                            first < 0 ? batches : first + 1);
        status = fixture_play(suite, 0);
        print_tally(process_now_msec() - began);
        if (status != EXIT_SUCCESS)
                (void) fprintf(stderr,
                               "again: make torture ROUNDS=%u SEED=%llu [BATCH=n]\n",
                               n_rounds,
                               (unsigned long long) seed);
        return status;
}
