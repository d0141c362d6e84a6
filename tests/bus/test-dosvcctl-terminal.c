/*
 * dosvcctl on a terminal: prompts, the progress bar, Ctrl-C.
 */
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <stdbool.h>
#include <string.h>
#include <termios.h>

#include "base/fd.h"
#include "base/macro.h"

#include "tests/lib/client-fixture.h"
#include "tests/lib/dosvcctl-fixture.h"
#include "tests/lib/file-hash.h"
#include "tests/lib/install-root.h"
#include "tests/lib/process.h"
#include "tests/lib/service-fixture.h"
#include "tests/lib/users.h"

/* A dosvcctl of alice's on a terminal of its own; what it shows is collected here. */
typedef struct Terminal {
        pid_t pid;
        int fd;
        char shown[65536];
        size_t n_shown;
} Terminal;

/* dosvcctl get with that option and URL. */
static void terminal_start(Terminal *terminal, const char *option, const char *url)
{
        const struct winsize size = { .ws_row = 24, .ws_col = 80 };
        const char *program = install_root_command("dosvcctl"),
                   *library = install_root_library_path();

        *terminal = (Terminal){ 0 };
        terminal->pid = forkpty(&terminal->fd, NULL, NULL, &size);
        ck_assert_int_ge(terminal->pid, 0);
        if (terminal->pid == 0) {
                users_become(USERS_ALICE_UID);
                (void) setenv("DBUS_SYSTEM_BUS_ADDRESS", fixture.bus.address, 1);
                (void) setenv("LD_LIBRARY_PATH", strchr(library, '=') + 1, 1);
                (void) setenv("TERM", "xterm", 1);
                (void) execl(program, "dosvcctl", "get", option, url, NULL);
                _exit(127);
        }
}

/* Collects until the text is there or, with NULL, until the program is gone. */
static bool terminal_wait(Terminal *terminal, const char *text)
{
        uint64_t deadline = process_now_msec() + 20000;

        while (process_now_msec() < deadline) {
                struct pollfd pollfd = { .fd = terminal->fd, .events = POLLIN };
                ssize_t n;

                if (text && strstr(terminal->shown, text))
                        return true;
                if (poll(&pollfd, 1, 100) <= 0)
                        continue;
                n = read(terminal->fd,
                         terminal->shown + terminal->n_shown,
                         sizeof(terminal->shown) - terminal->n_shown - 1);
                if (n <= 0)
                        return !text;
                terminal->n_shown += (size_t) n;
        }
        return false;
}

static void terminal_type(const Terminal *terminal, const char *text)
{
        ck_assert_int_eq(fd_write_all(terminal->fd, text, strlen(text)), 0);
}

static int terminal_end(Terminal *terminal)
{
        int status = -1;

        ck_assert(terminal_wait(terminal, NULL));
        ck_assert(process_wait(terminal->pid, 5000, &status));
        (void) close(terminal->fd);
        return status;
}

START_TEST(a_password_is_asked_for_without_echo)
{
        _cleanup_free_ char *url = servers_url(SITE_BASIC, "small");
        _cleanup_free_ char *original = servers_file("small"),
                            *fetched = fixture_alice_file("small");
        struct termios settings;
        Terminal terminal;

        terminal_start(&terminal, "--login=" SERVERS_USER, url);
        ck_assert(terminal_wait(&terminal, "Password of " SERVERS_USER));
        ck_assert_int_eq(tcgetattr(terminal.fd, &settings), 0);
        ck_assert_uint_eq(settings.c_lflag & ECHO, 0);
        terminal_type(&terminal, SERVERS_PASSWORD "\n");
        ck_assert_int_eq(terminal_end(&terminal), 0);
        ck_assert_ptr_null(strstr(terminal.shown, SERVERS_PASSWORD));
        file_hash_assert_same(fetched, original);
        (void) unlink(fetched);
}
END_TEST

START_TEST(an_interrupted_prompt_restores_the_terminal_and_leaves_no_job)
{
        struct termios settings;
        Terminal terminal;
        int slave;

        terminal_start(&terminal, "--login=x", "http://127.0.0.1:1/x");
        slave = open(ptsname(terminal.fd), O_RDWR | O_NOCTTY | O_CLOEXEC);
        ck_assert(terminal_wait(&terminal, "Password of x"));
        terminal_type(&terminal, "half\003");
        ck_assert(process_wait(terminal.pid, 5000, NULL));
        ck_assert_int_eq(tcgetattr(slave, &settings), 0);
        ck_assert_uint_ne(settings.c_lflag & ECHO, 0);
        ck_assert_uint_eq(count_jobs(alice, 0, NULL), 1);
        (void) close(slave);
        (void) close(terminal.fd);
}
END_TEST

START_TEST(a_terminal_gets_a_progress_bar)
{
        _cleanup_free_ char *url = servers_url(SITE_SLOW, "medium");
        _cleanup_free_ char *fetched = fixture_alice_file("medium");
        size_t redraws = 0;
        Terminal terminal;

        terminal_start(&terminal, "--login=" SERVERS_USER, url);
        ck_assert(terminal_wait(&terminal, "Password of"));
        terminal_type(&terminal, SERVERS_PASSWORD "\n");
        ck_assert_int_eq(terminal_end(&terminal), 0);
        ck_assert_ptr_nonnull(strstr(terminal.shown, "medium ["));
        ck_assert_ptr_nonnull(strstr(terminal.shown, "100% 5.0M/5.0M transferred"));
        for (const char *at = terminal.shown; (at = strchr(at, '\r')); at++)
                redraws++;
        /* Less than a second of transfer at ten a second, and the states. */
        ck_assert_uint_lt(redraws, 40);
        (void) unlink(fetched);
}
END_TEST

START_TEST(ctrl_c_leaves_the_job_to_the_service)
{
        _cleanup_free_ char *url = servers_url(SITE_OPEN, "small");
        Terminal terminal;

        /* A proxy that is not there keeps the job from ending. */
        ck_assert_int_eq(setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
        terminal_start(&terminal, "--retry", url);
        ck_assert(terminal_wait(&terminal, "transient-error"));
        terminal_type(&terminal, "\003");
        ck_assert_int_eq(terminal_end(&terminal), 7);
        ck_assert_ptr_nonnull(strstr(terminal.shown, "goes on in the background"));
        ck_assert_ptr_nonnull(strstr(terminal.shown, "puts its files in place by itself"));
        ck_assert_uint_eq(count_jobs(alice, 0, "transient-error"), 1);
}
END_TEST

static Suite *make_suite(void)
{
        Suite *suite = suite_create("dosvcctl-terminal");
        TCase *terminal = client_case(suite, "terminal");

        tcase_add_test(terminal, a_password_is_asked_for_without_echo);
        tcase_add_test(terminal, an_interrupted_prompt_restores_the_terminal_and_leaves_no_job);
        tcase_add_test(terminal, a_terminal_gets_a_progress_bar);
        tcase_add_test(terminal, ctrl_c_leaves_the_job_to_the_service);
        return suite;
}

int main(void)
{
        return fixture_play(make_suite(), SERVERS_NGINX | SERVERS_APACHE);
}
