/*
 * First the fake worker, which collects what it finds and writes it at once; then its readers.
 */
#include "tests/lib/fake-worker.h"

#include <check.h>
#include <err.h>
#include <fcntl.h>
#include <grp.h>
#include <keyutils.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/macro.h"
#include "base/str.h"

#include "tests/lib/temp-dir.h"

/* The fake worker -------------------------------------------------------------------------- */

static void report_groups(FILE *out)
{
        gid_t groups[32];
        int n = getgroups(32, groups);

        (void) fprintf(out, "groups=");
        for (int i = 0; i < n; i++)
                (void) fprintf(out, i ? " %u" : "%u", groups[i]);
        (void) fprintf(out, "\n");
}

/* /proc/self is root's when the process is not dumpable, so numbers are tried one by one. */
static void report_descriptors(FILE *out, int own_fd)
{
        struct stat null, st;

        (void) fprintf(out, "fds=");
        for (int fd = 0; fd < 1024; fd++)
                if (fd != own_fd && fcntl(fd, F_GETFD) >= 0)
                        (void) fprintf(out, fd ? " %d" : "%d", fd);
        (void) fprintf(out,
                       "\nstdin-null=%d\n",
                       fstat(0, &st) == 0 && stat("/dev/null", &null) == 0 &&
                               st.st_rdev == null.st_rdev);
        (void) fprintf(out, "link-is-socket=%d\n", fstat(3, &st) == 0 && S_ISSOCK(st.st_mode));
}

static void report_keyring(FILE *out)
{
        char *text = NULL;
        long found = keyctl_search(KEY_SPEC_SESSION_KEYRING, "user", FAKE_WORKER_KEY, 0);

        (void) fprintf(out, "vault-key=%s\n", found < 0 ? strerror(errno) : "found");
        (void) fprintf(out, "session=%d\n", keyctl_get_keyring_ID(KEY_SPEC_SESSION_KEYRING, 0));
        if (keyctl_describe_alloc(KEY_SPEC_SESSION_KEYRING, &text) >= 0)
                (void) fprintf(out, "keyring=%s\n", text);
        free(text);
}

/* Lines of /proc/self/status as "Name=value". */
static void report_status(FILE *out)
{
        char line[256], name[64], value[128];
        FILE *status = fopen("/proc/self/status", "re");

        while (status && fgets(line, sizeof(line), status))
                if (sscanf(line, "%63[^:]: %127[^\n]", name, value) == 2)
                        (void) fprintf(out, "%s=%s\n", name, value);
        if (status)
                (void) fclose(status);
}

static void report_identity(FILE *out)
{
        uid_t r, e, s;
        gid_t gr, ge, gs;

        (void) getresuid(&r, &e, &s);
        (void) getresgid(&gr, &ge, &gs);
        (void) fprintf(out, "uids=%u %u %u\ngids=%u %u %u\n", r, e, s, gr, ge, gs);
        (void) fprintf(out, "back-to-root=%d\n", setresuid(0, 0, 0) == 0);
        report_groups(out);
}

static void report_rest(FILE *out, int argc, char **argv, char **environment)
{
        struct rlimit core;
        char cwd[64] = "";
        int death = 0;

        (void) fprintf(out, "argc=%d\nargv0=%s\nenvironment=", argc, argv[0]);
        for (char **entry = environment; *entry; entry++)
                (void) fprintf(out, "%s;", *entry);
        (void) prctl(PR_GET_PDEATHSIG, &death);
        (void) getrlimit(RLIMIT_CORE, &core);
        (void) fprintf(out, "\ndumpable=%d\ndeath=%d\n", prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), death);
        (void) fprintf(out,
                       "core=%lu %lu\n",
                       (unsigned long) core.rlim_cur,
                       (unsigned long) core.rlim_max);
        (void) fprintf(out, "cwd=%s\numask=%03o\n", getcwd(cwd, sizeof(cwd)), umask(0));
        (void) fprintf(out,
                       "pid=%d\nleader=%d\n",
                       getpid(),
                       getsid(0) == getpid() && getpgrp() == getpid());
}

void fake_worker_main(int argc, char **argv, char **environment)
{
        char *text = NULL;
        size_t size = 0;
        FILE *out;
        char byte;

        if (!str_equal(argv[0], "dosvc-worker") && !str_equal(argv[0], "dosvc-proxy"))
                return;

        out = open_memstream(&text, &size);
        if (!out)
                _exit(1);
        report_descriptors(out, -1);
        report_rest(out, argc, argv, environment);
        report_status(out);
        report_keyring(out);
        report_identity(out);
        (void) fprintf(out, "end\n");
        (void) fclose(out);

        (void) fd_write_all(3, text, size);
        /* Not exit(): a leak checker would want to trace what must not be traceable. */
        _exit(read(3, &byte, 1) < 0 ? 1 : FAKE_WORKER_EXIT);
}

/* Facts of a worker ----------------------------------------------------------------------- */

void fake_worker_patience(int fd)
{
        const struct timeval patience = { .tv_sec = FAKE_WORKER_PATIENCE_SEC };

        ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
}

/* ours is kept, theirs is handed to a worker. */
void fake_worker_link(int *ret_ours, int *ret_theirs)
{
        int pair[2];

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        fake_worker_patience(pair[0]);
        *ret_ours = pair[0];
        *ret_theirs = pair[1];
}

const char *fake_worker_read(int link)
{
        static char text[16384];
        size_t size = 0;

        while (size < 4 || strcmp(text + size - 4, "end\n") != 0) {
                ssize_t n = read(link, text + size, sizeof(text) - 1 - size);

                ck_assert_msg(n > 0,
                              "no facts came from the worker: %s",
                              n < 0 ? strerror(errno) : "EOF");
                size += (size_t) n;
                text[size] = '\0';
        }
        return text;
}

const char *fake_worker_fact(const char *facts, const char *name)
{
        static char values[4][1024];
        static unsigned turn;
        char *value = values[turn++ % 4];
        size_t length = strlen(name);

        for (const char *line = facts; line; line = strchr(line, '\n')) {
                line += *line == '\n';
                if (strncmp(line, name, length) == 0 && line[length] == '=') {
                        (void) snprintf(value,
                                        sizeof(values[0]),
                                        "%.*s",
                                        (int) strcspn(line + length + 1, "\n"),
                                        line + length + 1);
                        return value;
                }
        }
        ck_abort_msg("the worker says nothing of %s", name);
}

pid_t fake_worker_pid(const char *facts)
{
        uint64_t pid;

        ck_assert_int_eq(str_parse_u64(fake_worker_fact(facts, "pid"), INT32_MAX, &pid), 0);
        return (pid_t) pid;
}

/* True once nothing is at the other end of a link; facts not read yet are skipped. */
bool fake_worker_is_gone(int link)
{
        char text[4096];
        ssize_t n;

        do
                n = read(link, text, sizeof(text));
        while (n > 0);
        return n == 0 || errno == ECONNRESET;
}

/* Installing ------------------------------------------------------------------------------- */

static void copy_program(const char *from, const char *dir, const char *name, mode_t mode)
{
        _cleanup_free_ char *to = temp_dir_path(dir, name);
        _cleanup_close_ int in = open(from, O_RDONLY | O_CLOEXEC);
        _cleanup_close_ int out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, mode);
        ssize_t n;

        do
                n = sendfile(out, in, NULL, 1 << 20);
        while (n > 0);
        if (n < 0 || fchmod(out, mode) < 0)
                err(EXIT_FAILURE, "%s to %s", from, to);
}

char *fake_worker_install(void)
{
        _cleanup_free_ char *self = realpath("/proc/self/exe", NULL), *spawn = NULL;
        char *dir = temp_dir_new();

        for (int up = 0; up < 3; up++)
                *strrchr(self, '/') = '\0';
        spawn = temp_dir_path(self, "dosvc-spawn");
        copy_program(spawn, dir, "dosvc-spawn", 0755);
        copy_program("/proc/self/exe", dir, "dosvc-worker", 0711);
        copy_program("/proc/self/exe", dir, "dosvc-proxy", 0711);
        return dir;
}
