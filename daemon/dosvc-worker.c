/*
 * dosvc-worker: a process for one task of one job, which runs as the job's owner. dosvc-spawn
 * starts it with the link to the manager as descriptor 3. It checks that it was given no right
 * that it should not have, gives up what it does not need, sends Ready, works, and ends when the
 * manager hangs up.
 */
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <systemd/sd-event.h>

#include "dbus/worker-wire.h"

#include "base/log.h"
#include "base/macro.h"

#include "confine/rights.h"
#include "confine/sandbox.h"
#include "worker/link.h"

/* Exit statuses besides 0, which means that the manager has hung up. */
enum {
        EXIT_FAILED = 1,
        EXIT_WRONG_RIGHTS = 2,
        EXIT_NO_SANDBOX = 3,
};

static int run(void)
{
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        _cleanup_(link_freep) Link *link = NULL;
        int r = sd_event_new(&event);

        if (r >= 0)
                r = link_new(event, WORKER_LINK_FD, &link);
        if (r >= 0)
                r = link_report_ready(link);
        if (r >= 0)
                r = sd_event_loop(event);
        /* A manager that is gone before its first message has hung up as well. */
        if (r < 0 && r != -ECONNRESET) {
                log_errno(LOG_ERR, r, "The worker fails");
                return EXIT_FAILED;
        }
        return 0;
}

int main(void)
{
        const char *reason = NULL;
        int r = rights_check_self(WORKER_LINK_FD, &reason);

        log_open("dosvc-worker");
        /* Kernels before 6.14 name a program that is run through a descriptor after its number. */
        (void) prctl(PR_SET_NAME, "dosvc-worker");
        if (r < 0) {
                log_err("The worker was not started as it should be, and ends: %s", reason);
                return EXIT_WRONG_RIGHTS;
        }
        r = sandbox_enter(WORKER_LINK_FD);
        if (r < 0) {
                log_errno(LOG_ERR, r, "The worker cannot enter its sandbox and ends");
                return EXIT_NO_SANDBOX;
        }
        (void) signal(SIGPIPE, SIG_IGN);
        return run();
}
