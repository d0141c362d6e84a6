#include "tests/torture/fault.h"

#include <check.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/macro.h"

#include "tests/lib/client.h"
#include "tests/lib/process.h"
#include "tests/lib/service-fixture.h"
#include "tests/lib/temp-dir.h"
#include "tests/torture/expected-state.h"
#include "tests/torture/random.h"

#define WORKERS_MAX 64

/* A moment in which something happens, and one in which a worker comes to its end. */
#define MOMENT_USEC 20000
#define TASK_MSEC   250

#define ATTACH_MSEC 5000

/* A worker lives for about that many system calls after its sandbox; the others come so far. */
#define WORKER_CALLS  500
#define MANAGER_CALLS 200
#define SPAWNER_CALLS 30

static void (*count_loss)(uint64_t bytes);

void fault_count_loss(void (*count)(uint64_t bytes))
{
        count_loss = count;
}

/* ---- on its feet again ----------------------------------------------------------------------- */

/* What the dead leave to us, who are their subreaper. */
static void reap_orphans(void)
{
        siginfo_t dead = { 0 };

        while (waitid(P_ALL, 0, &dead, WEXITED | WNOHANG | WNOWAIT) == 0 && dead.si_pid > 0 &&
               dead.si_pid != fixture.daemon.pid && dead.si_pid != fixture.bus.pid) {
                (void) waitpid(dead.si_pid, NULL, 0);
                dead.si_pid = 0;
        }
}

/* Sometimes the next one does not come to its first turn either. */
static void start_manager(void)
{
        if (random_chance(15)) {
                daemon_launch(&fixture.daemon);
                random_nap(MOMENT_USEC);
                daemon_kill(&fixture.daemon);
        }
        daemon_start(&fixture.daemon);
        reap_orphans();
}

static void kill_manager(void)
{
        static uint64_t losses[WORKERS_MAX];
        unsigned n;

        daemon_kill(&fixture.daemon);
        n = expected_measure_loss(losses, WORKERS_MAX);
        for (unsigned i = 0; count_loss && i < n; i++)
                count_loss(losses[i]);
        expected_settle();
        start_manager();
}

static bool has_workers(void)
{
        pid_t pid;

        return process_descendants(getpid(), "dosvc-worker", &pid, 1) > 0;
}

/* A manager that started without systemd has no way to another spawner. */
static void replace_spawner(void)
{
        ck_assert_msg(PROCESS_WAIT_UNTIL(5000, !has_workers()), "a worker outlives its spawner");
        expected_settle();
        expected_check();
        if (random_chance(50)) {
                kill_manager();
                return;
        }
        daemon_stop(&fixture.daemon);
        start_manager();
}

/* ---- kills at any moment --------------------------------------------------------------------- */

static void kill_a_worker(void)
{
        pid_t pids[WORKERS_MAX];
        size_t n = 0;

        (void) PROCESS_WAIT_UNTIL(
                1000,
                (n = process_descendants(getpid(), "dosvc-worker", pids, WORKERS_MAX)) > 0);
        if (n > 0) {
                pid_t pid = pids[random_below((uint32_t) n)];

                random_nap(MOMENT_USEC);
                (void) kill(pid, SIGKILL);
                process_nap_msec(2);
                ck_assert(PROCESS_WAIT_UNTIL(5000, !process_is_alive(pid)));
        }
}

static void kill_the_manager(void)
{
        expected_send(4);
        random_nap(MOMENT_USEC);
        kill_manager();
}

static void kill_the_spawner(void)
{
        pid_t pid = daemon_find(&fixture.daemon, "dosvc-spawn", 5000);

        ck_assert_int_gt(pid, 0);
        expected_send(2);
        random_nap(MOMENT_USEC);
        (void) kill(pid, SIGKILL);
        replace_spawner();
}

/* ---- strace ---------------------------------------------------------------------------------- */

static bool status_says(pid_t pid, const char *text)
{
        char path[64];
        _cleanup_free_ char *status = NULL;

        (void) snprintf(path, sizeof(path), "/proc/%d/status", (int) pid);
        status = temp_dir_read(path, NULL);
        return strstr(status, text) != NULL;
}

/* Lets strace do that to the system calls of a process; 0 when the process was gone before. */
static pid_t trace(pid_t pid, const char *calls, const char *what)
{
        _cleanup_free_ char *injection = NULL, *of = NULL, *log = NULL, *set = NULL;
        pid_t tracer;

        ck_assert_int_gt(asprintf(&injection, "inject=%s:%s", calls, what), 0);
        ck_assert_int_gt(asprintf(&set, "trace=%s", calls), 0);
        ck_assert_int_gt(asprintf(&of, "%d", (int) pid), 0);
        log = temp_dir_path(fixture.dir, "strace.log");
        tracer = process_start(&(ProcessSpec){
                .argv = PROCESS_ARGV("strace",
                                     "-qq",
                                     "-o",
                                     "/dev/null",
                                     "-e",
                                     set,
                                     "-e",
                                     injection,
                                     "-p",
                                     of),
                .output = log,
        });
        if (PROCESS_WAIT_UNTIL(ATTACH_MSEC,
                               !status_says(pid, "\nTracerPid:\t0\n") || !process_is_alive(pid) ||
                                       !process_is_alive(tracer)) &&
            process_is_alive(pid) && process_is_alive(tracer))
                return tracer;
        ck_assert_msg(!process_is_alive(pid),
                      "strace does not get hold of process %d: %s",
                      (int) pid,
                      temp_dir_read(log, NULL));
        process_stop(&tracer);
        return 0;
}

static void make_kill(char *text, size_t size, unsigned calls)
{
        (void) snprintf(text, size, "signal=KILL:when=%u", 1 + random_below(calls));
}

static void make_error(char *text, size_t size)
{
        static const char *const errors[] = { "EIO", "ENOSPC", "EDQUOT", "EROFS", "ENOMEM" };
        unsigned first = random_chance(60) ? 1 : 1 + random_below(4),
                 last = first + (random_chance(50) ? 0 : random_below(20));

        (void) snprintf(text,
                        size,
                        "error=%s:when=%u..%u",
                        errors[random_below(ARRAY_SIZE(errors))],
                        first,
                        last);
}

/* ---- a worker under strace ------------------------------------------------------------------- */

static bool is_among(pid_t pid, const pid_t *pids, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (pids[i] == pid)
                        return true;
        return false;
}

/* The first worker that was not there before, 0 if none comes. */
static pid_t find_new_worker(pid_t spawner, const pid_t *before, size_t n_before)
{
        uint64_t deadline = process_now_msec() + TASK_MSEC;

        do {
                pid_t now[WORKERS_MAX];
                size_t n = process_descendants(spawner, "dosvc-worker", now, WORKERS_MAX);

                for (size_t i = 0; i < n; i++)
                        if (!is_among(now[i], before, n_before))
                                return now[i];
        } while (process_now_msec() < deadline);
        return 0;
}

/* Has its sandbox and waits for its order, which does not come while the manager is stopped. */
static bool is_ready(pid_t pid)
{
        return !process_is_alive(pid) ||
               (status_says(pid, "\nState:\tS") && status_says(pid, "\nNoNewPrivs:\t1"));
}

/*
 * A new worker meets what is injected from its order on: nobody is slow enough to be caught at
 * that moment, so the manager is stopped until strace holds the worker.
 */
static void trace_a_worker(const char *const *sets, const char *what)
{
        pid_t before[WORKERS_MAX], pid, tracer = 0;
        pid_t spawner = daemon_find(&fixture.daemon, "dosvc-spawn", 5000);
        ExpectedTask task = (ExpectedTask) random_below(EXPECTED_TASKS_MAX);
        size_t n_before;

        ck_assert_int_gt(spawner, 0);
        n_before = process_descendants(spawner, "dosvc-worker", before, WORKERS_MAX);
        task = expected_send_for(task);
        pid = find_new_worker(spawner, before, n_before);
        ck_assert_int_eq(kill(fixture.daemon.pid, SIGSTOP), 0);
        if (pid > 0) {
                (void) PROCESS_WAIT_UNTIL(200, is_ready(pid));
                tracer = trace(pid, sets[task], what);
        }
        ck_assert_int_eq(kill(fixture.daemon.pid, SIGCONT), 0);
        if (tracer > 0) {
                (void) PROCESS_WAIT_UNTIL(TASK_MSEC, !process_is_alive(pid));
                process_stop(&tracer);
        }
        expected_settle();
}

static void kill_a_worker_at_a_call(void)
{
        static const char *const sets[EXPECTED_TASKS_MAX] = { "all", "all", "all" };
        char what[64];

        make_kill(what, sizeof(what), random_chance(50) ? WORKER_CALLS : WORKER_CALLS / 10);
        trace_a_worker(sets, what);
}

static void fail_a_call_of_a_worker(void)
{
        static const char *const downloading[] = {
                "fdatasync", "pwrite64",  "openat", "fsync,fdatasync",
                "fallocate", "ftruncate", "fsync",  "sync_file_range",
        };
        static const char *const publishing[] = { "rename,renameat,renameat2", "fsync", "openat" };
        static const char *const cleaning[] = { "unlink,unlinkat", "fsync", "openat" };
        const char *const sets[EXPECTED_TASKS_MAX] = {
                [EXPECTED_DOWNLOAD] = downloading[random_below(ARRAY_SIZE(downloading))],
                [EXPECTED_PUBLISH] = publishing[random_below(ARRAY_SIZE(publishing))],
                [EXPECTED_CLEAN] = cleaning[random_below(ARRAY_SIZE(cleaning))],
        };
        char what[64];

        make_error(what, sizeof(what));
        trace_a_worker(sets, what);
}

/* ---- the others under strace ----------------------------------------------------------------- */

static void kill_the_manager_at_a_call(void)
{
        char what[64];
        pid_t tracer;

        make_kill(what, sizeof(what), MANAGER_CALLS);
        tracer = trace(fixture.daemon.pid, "all", what);
        expected_send(EXPECTED_CALLS);
        (void) PROCESS_WAIT_UNTIL(TASK_MSEC, !process_is_alive(fixture.daemon.pid));
        process_stop(&tracer);
        kill_manager();
}

/* The store fails for a while; what was acknowledged all the same must survive a kill. */
static void fail_a_call_of_the_manager(void)
{
        static const char *const sets[] = { "pwrite64",
                                            "fdatasync",
                                            "fsync",
                                            "pwrite64,fsync,fdatasync" };
        char what[64];
        pid_t tracer;

        make_error(what, sizeof(what));
        tracer = trace(fixture.daemon.pid, sets[random_below(ARRAY_SIZE(sets))], what);
        expected_send(EXPECTED_CALLS);
        expected_settle();
        process_stop(&tracer);
        ck_assert_msg(process_is_alive(fixture.daemon.pid), "dosvcd ended when its store failed");
        if (random_chance(50))
                kill_manager();
}

static void kill_the_spawner_at_a_call(void)
{
        char what[64];
        pid_t pid = daemon_find(&fixture.daemon, "dosvc-spawn", 5000), tracer;

        ck_assert_int_gt(pid, 0);
        make_kill(what, sizeof(what), SPAWNER_CALLS);
        tracer = trace(pid, "all", what);
        expected_send(4);
        (void) PROCESS_WAIT_UNTIL(TASK_MSEC, !process_is_alive(pid));
        (void) kill(pid, SIGKILL);
        process_stop(&tracer);
        replace_spawner();
}

/* ---- the choice ------------------------------------------------------------------------------ */

static const struct {
        const char *name;
        void (*deal)(void);
        unsigned percent;
} blows[] = {
        { "kill a worker", kill_a_worker, 67 },
        { "kill the manager", kill_the_manager, 17 },
        { "kill the spawner", kill_the_spawner, 5 },
        { "kill a worker at a call", kill_a_worker_at_a_call, 3 },
        { "kill the manager at a call", kill_the_manager_at_a_call, 2 },
        { "kill the spawner at a call", kill_the_spawner_at_a_call, 1 },
        { "a worker's call fails", fail_a_call_of_a_worker, 3 },
        { "a call of the manager fails", fail_a_call_of_the_manager, 2 },
};

size_t fault_kinds(void)
{
        return ARRAY_SIZE(blows);
}

const char *fault_name(size_t kind)
{
        return blows[kind].name;
}

size_t fault_deal(void)
{
        unsigned number = random_below(100);
        size_t kind = 0;

        expected_look();
        while (kind + 1 < ARRAY_SIZE(blows) && number >= blows[kind].percent)
                number -= blows[kind++].percent;
        blows[kind].deal();
        reap_orphans();
        return kind;
}
