#include "base/child.h"

#include <fcntl.h>
#include <linux/keyctl.h>
#include <signal.h>
#include <sys/syscall.h>

#include "base/fd.h"
#include "base/macro.h"

int child_reset_signals(void)
{
        const struct sigaction action = { .sa_handler = SIG_DFL };
        sigset_t none;

        /* EINVAL: SIGKILL, SIGSTOP and the two that glibc keeps for itself cannot be set. */
        for (int signal_number = 1; signal_number < NSIG; signal_number++)
                if (sigaction(signal_number, &action, NULL) < 0 && errno != EINVAL)
                        return -errno;
        (void) sigemptyset(&none);
        return sigprocmask(SIG_SETMASK, &none, NULL) < 0 ? -errno : 0;
}

int child_leave_keyring(void)
{
        if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS &&
            errno != EPERM)
                return -errno;
        return 0;
}

int child_arrange_descriptors(const ChildDescriptors *given)
{
        const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
        const struct {
                int from, to, flags;
        } moves[] = {
                { null, STDIN_FILENO, 0 },
                { given->output < 0 ? STDERR_FILENO : given->output, STDOUT_FILENO, 0 },
                { given->link, CHILD_LINK_FD, 0 },
                { given->program, CHILD_PROGRAM_FD, O_CLOEXEC },
                { given->status, CHILD_STATUS_FD, O_CLOEXEC },
        };
        int copies[ARRAY_SIZE(moves)];

        if (null < 0)
                return -errno;
        /* First all go above the numbers to fill, since one may have the number of another. */
        for (size_t i = 0; i < ARRAY_SIZE(moves); i++) {
                copies[i] = moves[i].from < 0
                                    ? -EBADF
                                    : fcntl(moves[i].from, F_DUPFD_CLOEXEC, CHILD_FIRST_CLOSED_FD);
                if (copies[i] < 0 && moves[i].from >= 0)
                        return -errno;
        }
        for (size_t i = 0; i < ARRAY_SIZE(moves); i++)
                if (copies[i] < 0)
                        (void) close(moves[i].to);
                else if (dup3(copies[i], moves[i].to, moves[i].flags) < 0)
                        return -errno;
        return child_close_others();
}

int child_close_others(void)
{
        return fd_close_from(CHILD_FIRST_CLOSED_FD);
}
