#include "ctl/password.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

/* 65536 UTF-16 units of UTF-8, and the newline; rounded up to pages. */
#define PASSWORD_ROOM (49 * 4096)

static const int password_signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };

#define N_SIGNALS (sizeof(password_signals) / sizeof(password_signals[0]))

static volatile sig_atomic_t password_signal;

static void password_on_signal(int number)
{
        password_signal = number;
}

static int password_init(Password *password)
{
        void *data = mmap(NULL,
                          PASSWORD_ROOM,
                          PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS,
                          -1,
                          0);

        if (data == MAP_FAILED)
                return -ENOMEM;
        /* More than RLIMIT_MEMLOCK allows: then it may reach the swap, and nothing else. */
        (void) mlock(data, PASSWORD_ROOM);
        (void) madvise(data, PASSWORD_ROOM, MADV_DONTDUMP);
        *password = (Password){ .data = data, .room = PASSWORD_ROOM };
        return 0;
}

void password_done(Password *password)
{
        if (!password->data)
                return;
        explicit_bzero(password->data, password->room);
        (void) munmap(password->data, password->room);
        *password = (Password){ 0 };
}

/* Reads a line while signals are let through, so that none is missed between test and read. */
static int password_read_line(int tty, const sigset_t *open_mask, Password *password)
{
        struct pollfd pollfd = { .fd = tty, .events = POLLIN };

        while (password->size < password->room) {
                ssize_t n;

                if (ppoll(&pollfd, 1, NULL, open_mask) < 0)
                        return -errno;
                n = read(tty, password->data + password->size, password->room - password->size);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                password->size += (size_t) n;
                if (n == 0)
                        return 0;
                if (password->data[password->size - 1] == '\n') {
                        password->size--;
                        return 0;
                }
        }
        return -EMSGSIZE;
}

static int password_ask_once(int tty, const char *prompt, const sigset_t *open_mask, Password *ret)
{
        struct termios before, silent;
        int r;

        if (tcgetattr(tty, &before) < 0)
                return -errno;
        silent = before;
        silent.c_lflag &= ~(tcflag_t) (ECHO | ECHOE | ECHOK);
        silent.c_lflag |= ICANON | ECHONL;
        if (tcsetattr(tty, TCSAFLUSH, &silent) < 0)
                return -errno;
        (void) dprintf(tty, "%s", prompt);
        ret->size = 0;
        r = password_read_line(tty, open_mask, ret);
        if (r < 0)
                (void) dprintf(tty, "\n");
        (void) tcsetattr(tty, TCSAFLUSH, &before);
        return r;
}

static void password_catch(struct sigaction *before, sigset_t *mask_before)
{
        struct sigaction action = { .sa_handler = password_on_signal };
        sigset_t all;

        sigemptyset(&all);
        for (size_t i = 0; i < N_SIGNALS; i++) {
                (void) sigaction(password_signals[i], NULL, &before[i]);
                if (before[i].sa_handler != SIG_IGN)
                        (void) sigaction(password_signals[i], &action, NULL);
                sigaddset(&all, password_signals[i]);
        }
        (void) sigprocmask(SIG_BLOCK, &all, mask_before);
}

static void password_release(const struct sigaction *before, const sigset_t *mask_before)
{
        for (size_t i = 0; i < N_SIGNALS; i++)
                (void) sigaction(password_signals[i], &before[i], NULL);
        (void) sigprocmask(SIG_SETMASK, mask_before, NULL);
}

int password_ask(const char *prompt, Password *ret)
{
        int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
        struct sigaction before[N_SIGNALS];
        Password password = { 0 };
        sigset_t mask_before;
        int r;

        if (tty < 0)
                return -ENXIO;
        r = password_init(&password);
        while (r >= 0) {
                password_signal = 0;
                password_catch(before, &mask_before);
                r = password_ask_once(tty, prompt, &mask_before, &password);
                password_release(before, &mask_before);
                if (r >= 0)
                        break;
                /* The terminal is as it was: now the signal may do what it wanted. */
                if (password_signal)
                        (void) raise(password_signal);
                /* Stopped, and here again: ask once more. */
                if (password_signal == SIGTSTP)
                        r = 0;
        }
        (void) close(tty);
        if (r < 0)
                password_done(&password);
        else
                *ret = password;
        return r;
}

int password_read(int fd, Password *ret)
{
        Password password = { 0 };
        int r = password_init(&password);

        while (r >= 0) {
                ssize_t n = read(fd, password.data + password.size, password.room - password.size);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        r = -errno;
                if (n <= 0)
                        break;
                password.size += (size_t) n;
                if (password.size == password.room)
                        r = -EMSGSIZE;
        }
        if (r < 0) {
                password_done(&password);
                return r;
        }
        if (password.size > 0 && password.data[password.size - 1] == '\n')
                password.size--;
        *ret = password;
        return 0;
}
