#include "manager/user-names.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "dbus/spawn-wire.h"

#include "base/child.h"
#include "base/clock.h"
#include "base/fd.h"

#define LOOKUP_TIMEOUT_USEC (5 * USEC_PER_SEC)

struct UserLookup {
        user_lookup_t callback;
        void *userdata;
        pid_t pid;
        int fd;
        sd_event_source *io;
        sd_event_source *deadline;
        char name[SPAWN_USER_MAX];
        size_t size;
};

/*
 * The modules of the user database are foreign code: they get neither the key of the vault nor
 * the descriptors of this process, and the signals that the loop has blocked work again. The
 * answer goes to stdout, which is the pipe.
 */
static int prepare_child(int pipe_fd)
{
        int r = child_leave_keyring();

        if (r == 0)
                r = child_reset_signals();
        if (r == 0)
                r = child_arrange_descriptors(&(ChildDescriptors){
                        .output = pipe_fd,
                        .link = -EBADF,
                        .program = -EBADF,
                        .status = -EBADF,
                });
        return r;
}

_noreturn_ static void run_child(uint32_t uid, int pipe_fd)
{
        char buffer[16384];
        struct passwd entry, *found = NULL;

        if (prepare_child(pipe_fd) == 0 &&
            getpwuid_r(uid, &entry, buffer, sizeof(buffer), &found) == 0 && found)
                (void) fd_write_all(STDOUT_FILENO, found->pw_name, strlen(found->pw_name));
        _exit(0);
}

static void report(UserLookup *lookup, const char *name)
{
        user_lookup_t callback = lookup->callback;

        lookup->callback = NULL;
        if (callback)
                callback(lookup->userdata, name); /* may free the lookup */
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        UserLookup *lookup = userdata;
        size_t room = sizeof(lookup->name) - 1 - lookup->size;
        ssize_t n = read(fd, lookup->name + lookup->size, room);

        if (n > 0) {
                lookup->size += (size_t) n;
                return 0;
        }
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return 0;
        (void) sd_event_source_set_enabled(source, SD_EVENT_OFF);
        report(lookup, n == 0 && lookup->size > 0 ? lookup->name : NULL);
        return 0;
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata)
{
        report(userdata, NULL);
        return 0;
}

int user_lookup_new(sd_event *event,
                    uint32_t uid,
                    user_lookup_t callback,
                    void *userdata,
                    UserLookup **ret)
{
        _cleanup_(user_lookup_freep) UserLookup *lookup = calloc(1, sizeof(*lookup));
        _cleanup_close_ int theirs = -EBADF;
        int pipe_fds[2], r;

        if (!lookup)
                return -ENOMEM;
        lookup->callback = callback;
        lookup->userdata = userdata;
        lookup->fd = -EBADF;
        if (pipe2(pipe_fds, O_CLOEXEC) < 0)
                return -errno;
        lookup->fd = pipe_fds[0];
        theirs = pipe_fds[1];
        if (fcntl(lookup->fd, F_SETFL, O_NONBLOCK) < 0)
                return -errno;

        r = sd_event_add_io(event, &lookup->io, lookup->fd, EPOLLIN, on_readable, lookup);
        if (r >= 0)
                r = sd_event_add_time_relative(event,
                                               &lookup->deadline,
                                               CLOCK_BOOTTIME,
                                               LOOKUP_TIMEOUT_USEC,
                                               0,
                                               on_deadline,
                                               lookup);
        if (r < 0)
                return r;

        lookup->pid = fork();
        if (lookup->pid < 0) {
                lookup->pid = 0;
                return -errno;
        }
        if (lookup->pid == 0)
                run_child(uid, theirs);
        *ret = STEAL_PTR(lookup);
        return 0;
}

UserLookup *user_lookup_free(UserLookup *lookup)
{
        if (!lookup)
                return NULL;
        sd_event_source_disable_unref(lookup->io);
        sd_event_source_disable_unref(lookup->deadline);
        if (lookup->pid > 0) {
                /* The child has answered or is killed here, so this wait is short. */
                (void) kill(lookup->pid, SIGKILL);
                (void) waitpid(lookup->pid, NULL, 0);
        }
        (void) macro_close(lookup->fd);
        free(lookup);
        return NULL;
}
