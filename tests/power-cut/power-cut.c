/*
 * The power goes at any moment. A round is a life of the service on a disk of its own (disk.h)
 * with people at work (load.h) and some cuts at random moments; afterwards each of them is looked
 * at as the machine would after its next boot (verdict.h): once on the same device, once as a disk
 * that comes up under another number.
 *
 *   ROUNDS  how many lives (5)
 *   SEED    of what people do and when the power goes; a round that fails names its own
 *
 * A seed repeats what is asked for, not the moments: those are the machine's.
 */
#include <check.h>
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/macro.h"

#include "tests/lib/bus-fixture.h"
#include "tests/lib/daemon-fixture.h"
#include "tests/lib/http-server.h"
#include "tests/lib/process.h"
#include "tests/lib/service-fixture.h"
#include "tests/lib/temp-dir.h"
#include "tests/lib/users.h"
#include "tests/power-cut/content.h"
#include "tests/power-cut/disk.h"
#include "tests/power-cut/history.h"
#include "tests/power-cut/load.h"
#include "tests/power-cut/verdict.h"

#define CUTS_PER_LIFE 6

/* The first cut comes when something is under way. */
#define WARM_UP_MSEC 600U
#define PAUSE_MSEC   1500U

#define ROUND_SEC 300

/* A disk that is found under another number: nobody else has so many. */
#define OTHER_LOOP 64U

static const char config[] = "[Service]\nIdleExitSec=0\nMinimumRetryDelaySec=1\n";

/* Written by the process that cuts, read when it has ended. */
typedef struct CutRecord {
        Cut cut;
        uint64_t positions[CONTENT_FILES];
} CutRecord;

static Figures *figures;
static CutRecord *records;
static unsigned long first_seed;

static void *share(size_t size)
{
        void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

        if (memory == MAP_FAILED)
                err(EXIT_FAILURE, "shared memory");
        return memory;
}

static unsigned long setting(const char *name, unsigned long otherwise)
{
        const char *text = getenv(name);
        unsigned long value = text && *text ? strtoul(text, NULL, 10) : 0;

        return value ? value : otherwise;
}

static void nap_usec(unsigned usec)
{
        struct timespec nap = { .tv_sec = usec / 1000000,
                                .tv_nsec = (long) (usec % 1000000) * 1000 };

        (void) nanosleep(&nap, NULL);
}

/* Another process, so that a cut may come in the middle of a call. */
static pid_t start_cutting(const Disk *disk, const int fds[static CUTS_PER_LIFE], uint64_t seed)
{
        Load choices = { .random = seed };
        pid_t parent = getpid(), pid = fork();

        ck_assert_int_ge(pid, 0);
        if (pid > 0)
                return pid;
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
                _exit(EXIT_FAILURE);
        process_nap_msec(WARM_UP_MSEC);
        for (unsigned i = 0; i < CUTS_PER_LIFE; i++) {
                CutRecord *record = &records[i];

                nap_usec(load_random(&choices, PAUSE_MSEC * 1000));
                content_positions(record->positions);
                record->cut.began_nsec = history_now_nsec();
                record->cut.result = disk_cut(disk, fds[i]);
                record->cut.ended_nsec = history_now_nsec();
        }
        _exit(EXIT_SUCCESS);
}

static void make_homes(void)
{
        temp_dir_make(USERS_ALICE_HOME, 0700, USERS_ALICE_UID);
        temp_dir_make(USERS_BOB_HOME, 0700, USERS_BOB_UID);
}

/* The service lives on the disk, with its state and its key. */
static void start_service(Daemon *daemon, const Bus *bus)
{
        daemon_init(daemon, DAEMON_SYSTEM, bus, DISK_SERVICE_DIR "/daemon", config, true);
        daemon_start(daemon);
}

static void live(Load *load, const Bus *bus, Disk *disk, char *cuts[static CUTS_PER_LIFE])
{
        int fds[CUTS_PER_LIFE];
        Daemon daemon;
        pid_t cutter;

        disk_insert(disk, disk->image, 0);
        make_homes();
        start_service(&daemon, bus);
        content_set_fast(false);
        for (unsigned i = 0; i < CUTS_PER_LIFE; i++)
                cuts[i] = disk_prepare_cut(disk, i, &fds[i]);
        /* The machine was not born a moment ago. */
        sync();
        cutter = start_cutting(disk, fds, load->random);
        while (waitpid(cutter, NULL, WNOHANG) == 0) {
                load_step(load);
                nap_usec(load_random(load, 3000));
        }
        for (unsigned i = 0; i < CUTS_PER_LIFE; i++)
                (void) close(fds[i]);
        daemon_kill(&daemon);
        daemon_done(&daemon);
        disk_eject(disk);
}

static void
judge(Load *load, const Bus *bus, Disk *disk, const char *dir, unsigned number, const char *image)
{
        const CutRecord *record = &records[number];
        uint64_t usec = (record->cut.ended_nsec - record->cut.began_nsec) / 1000;
        Daemon daemon;
        Verdict verdict = {
                .load = load,
                .cut = &record->cut,
                .positions = record->positions,
                .state_dir = DISK_SERVICE_DIR "/daemon/state",
                .work_dir = dir,
                .figures = figures,
        };

        ck_assert_int_eq(record->cut.result, 0);
        if (usec > figures->clone_usec)
                figures->clone_usec = usec;
        disk_insert(disk, image, number % 2 ? OTHER_LOOP : 0);
        verdict_disk(&verdict);
        start_service(&daemon, bus);
        verdict_service(&verdict);
        daemon_done(&daemon);
        disk_eject(disk);
}

START_TEST(what_was_answered_survives_a_power_cut)
{
        char *dir = temp_dir_new(), *cuts[CUTS_PER_LIFE];
        unsigned long seed = first_seed + (unsigned long) _i;
        Load load = { .random = seed * 0x9e3779b97f4a7c15ULL | 1 };
        HttpServer server;
        Disk disk;
        Bus bus;

        printf("note: round %d, SEED=%lu\n", _i + 1, seed);
        disk_make(&disk, dir);
        http_server_start(&server, content_serve, dir);
        bus_start(&bus, BUS_SYSTEM, dir, 0);
        load.history = history_new();
        load.server = &server;
        load.alice = bus_open(&bus, USERS_ALICE_UID);
        load.bob = bus_open(&bus, USERS_BOB_UID);

        live(&load, &bus, &disk, cuts);
        content_set_fast(true);
        for (unsigned i = 0; i < CUTS_PER_LIFE; i++)
                judge(&load, &bus, &disk, dir, i, cuts[i]);

        load.bob = sd_bus_flush_close_unref(load.bob);
        load.alice = sd_bus_flush_close_unref(load.alice);
        bus_stop(&bus);
        http_server_stop(&server);
}
END_TEST

static void print_figures(void)
{
        printf("note: %llu cuts: %llu answered changes compared, %llu open in a cut, %llu jobs "
               "found\n"
               "note: %llu recorded offsets and %llu published files compared, %llu files fetched "
               "to their end\n"
               "note: a cut costs %llu KiB of a file that is coming (at most %llu KiB, of %llu "
               "files); a copy takes at most %llu us\n",
               (unsigned long long) figures->cuts,
               (unsigned long long) figures->answered,
               (unsigned long long) figures->open,
               (unsigned long long) figures->jobs,
               (unsigned long long) figures->offsets,
               (unsigned long long) figures->published,
               (unsigned long long) figures->whole,
               (unsigned long long) (figures->active ? figures->lost_bytes / figures->active / 1024
                                                     : 0),
               (unsigned long long) figures->most_lost_bytes / 1024,
               (unsigned long long) figures->active,
               (unsigned long long) figures->clone_usec);
}

static Suite *make_suite(int rounds)
{
        Suite *suite = suite_create("power cut");
        TCase *tcase = tcase_create("lives");

        tcase_set_timeout(tcase, ROUND_SEC);
        tcase_add_loop_test(tcase, what_was_answered_survives_a_power_cut, 0, rounds);
        suite_add_tcase(suite, tcase);
        return suite;
}

int main(void)
{
        int status;

        (void) setvbuf(stdout, NULL, _IOLBF, 0);
        figures = share(sizeof(*figures));
        records = share(CUTS_PER_LIFE * sizeof(*records));
        content_setup();
        first_seed = setting("SEED", (unsigned long) time(NULL));
        status = fixture_play(make_suite((int) setting("ROUNDS", 5)), 0);
        print_figures();
        return status;
}
