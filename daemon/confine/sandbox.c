#include "confine/sandbox.h"

#include <fcntl.h>
#include <linux/keyctl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/fd.h"
#include "base/macro.h"

#include "confine/rights.h"

/* Each directory takes a descriptor, and a job of 10,000 files may name as many directories. */
#define MAX_FDS 16384

/* Fields and rights that are younger than the headers of the build, landlock(7). */
#define ACCESS_FS_REFER     (1ULL << 13) /* version 2 */
#define ACCESS_FS_TRUNCATE  (1ULL << 14) /* version 3 */
#define ACCESS_FS_IOCTL_DEV (1ULL << 15) /* version 5 */
#define ACCESS_NET_BIND_TCP (1ULL << 0)  /* version 4 */
#define SCOPE_ABSTRACT_UNIX (1ULL << 0)  /* version 6 */
#define SCOPE_SIGNAL        (1ULL << 1)  /* version 6 */

typedef struct RulesetAttr {
        uint64_t handled_access_fs;
        uint64_t handled_access_net; /* version 4 */
        uint64_t scoped;             /* version 6 */
} RulesetAttr;

/* A download does this in its destination directories. */
#define ALLOWED_BELOW                                                                              \
        (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |                             \
         LANDLOCK_ACCESS_FS_REMOVE_FILE | ACCESS_FS_TRUNCATE)

/* A download does this nowhere. */
#define NEVER_ALLOWED                                                                              \
        (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_REMOVE_DIR |                              \
         LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |                              \
         LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |                             \
         LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM | ACCESS_FS_REFER |           \
         ACCESS_FS_IOCTL_DEV)

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WITH_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define WITH_SANITIZER 1
#endif
#endif

#ifdef WITH_SANITIZER

/* The sanitizer makes system calls of its own, which change with its version. */
static int limit_system_calls(void)
{
        return 0;
}

#else

/* All that a download, its TLS, its name resolution and its log call. */
static const int allowed[] = {
        /* memory, and the threads of the resolver */
        SCMP_SYS(brk),
        SCMP_SYS(futex),
        SCMP_SYS(get_robust_list),
        SCMP_SYS(madvise),
        SCMP_SYS(membarrier),
        SCMP_SYS(mlock),
        SCMP_SYS(mlock2),
        SCMP_SYS(mmap),
        SCMP_SYS(mprotect),
        SCMP_SYS(mremap),
        SCMP_SYS(munlock),
        SCMP_SYS(munmap),
        SCMP_SYS(rseq),
        SCMP_SYS(sched_getaffinity),
        SCMP_SYS(sched_yield),
        SCMP_SYS(set_robust_list),
        SCMP_SYS(set_tid_address),
        /* the own identity, the clocks, random numbers */
        SCMP_SYS(clock_getres),
        SCMP_SYS(clock_gettime),
        SCMP_SYS(clock_nanosleep),
        SCMP_SYS(getegid),
        SCMP_SYS(geteuid),
        SCMP_SYS(getgid),
        SCMP_SYS(getgroups),
        SCMP_SYS(getpid),
        SCMP_SYS(getrandom),
        SCMP_SYS(getresgid),
        SCMP_SYS(getresuid),
        SCMP_SYS(getrlimit),
        SCMP_SYS(gettid),
        SCMP_SYS(gettimeofday),
        SCMP_SYS(getuid),
        SCMP_SYS(nanosleep),
        SCMP_SYS(sysinfo),
        SCMP_SYS(time),
        SCMP_SYS(uname),
        /* the event loop */
        SCMP_SYS(epoll_create1),
        SCMP_SYS(epoll_ctl),
        SCMP_SYS(epoll_pwait),
        SCMP_SYS(epoll_pwait2),
        SCMP_SYS(epoll_wait),
        SCMP_SYS(eventfd2),
        SCMP_SYS(pipe2),
        SCMP_SYS(poll),
        SCMP_SYS(ppoll),
        SCMP_SYS(timerfd_create),
        SCMP_SYS(timerfd_gettime),
        SCMP_SYS(timerfd_settime),
        /* files: Landlock limits where */
        SCMP_SYS(access),
        SCMP_SYS(close),
        SCMP_SYS(dup),
        SCMP_SYS(dup3),
        SCMP_SYS(faccessat),
        SCMP_SYS(faccessat2),
        SCMP_SYS(fallocate),
        SCMP_SYS(fchmod),
        SCMP_SYS(fcntl),
        SCMP_SYS(fdatasync),
        SCMP_SYS(fgetxattr),
        SCMP_SYS(flock),
        SCMP_SYS(fremovexattr),
        SCMP_SYS(fsetxattr),
        SCMP_SYS(fstat),
        SCMP_SYS(fstatfs),
        SCMP_SYS(fsync),
        SCMP_SYS(ftruncate),
        SCMP_SYS(getcwd),
        SCMP_SYS(getdents64),
        SCMP_SYS(lseek),
        SCMP_SYS(lstat),
        SCMP_SYS(memfd_create),
        SCMP_SYS(newfstatat),
        SCMP_SYS(open),
        SCMP_SYS(openat),
        SCMP_SYS(pread64),
        SCMP_SYS(pwrite64),
        SCMP_SYS(read),
        SCMP_SYS(readlink),
        SCMP_SYS(readlinkat),
        SCMP_SYS(readv),
        SCMP_SYS(rename),
        SCMP_SYS(renameat),
        SCMP_SYS(renameat2),
        SCMP_SYS(stat),
        SCMP_SYS(statfs),
        SCMP_SYS(statx),
        SCMP_SYS(sync_file_range),
        SCMP_SYS(umask),
        SCMP_SYS(unlink),
        SCMP_SYS(unlinkat),
        SCMP_SYS(utimensat),
        SCMP_SYS(write),
        SCMP_SYS(writev),
        /* the network and the link: the families are listed below */
        SCMP_SYS(accept4),
        SCMP_SYS(bind),
        SCMP_SYS(connect),
        SCMP_SYS(getpeername),
        SCMP_SYS(getsockname),
        SCMP_SYS(getsockopt),
        SCMP_SYS(recvfrom),
        SCMP_SYS(recvmmsg),
        SCMP_SYS(recvmsg),
        SCMP_SYS(sendmmsg),
        SCMP_SYS(sendmsg),
        SCMP_SYS(sendto),
        SCMP_SYS(setsockopt),
        SCMP_SYS(shutdown),
        SCMP_SYS(socketpair),
        /* handlers of signals, and the end of the process */
        SCMP_SYS(exit),
        SCMP_SYS(exit_group),
        SCMP_SYS(restart_syscall),
        SCMP_SYS(rt_sigaction),
        SCMP_SYS(rt_sigprocmask),
        SCMP_SYS(rt_sigreturn),
        SCMP_SYS(sigaltstack),
        /* the second stage of this sandbox */
        SCMP_SYS(landlock_add_rule),
        SCMP_SYS(landlock_create_ruleset),
        SCMP_SYS(landlock_restrict_self),
};

/* Netlink is how getaddrinfo(3) asks which addresses the machine has. */
static const scmp_datum_t families[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK };

/* No controls of terminals and devices: only these two, which sockets and pipes have. */
static const scmp_datum_t ioctls[] = { 0x5421 /* FIONBIO */, 0x541b /* FIONREAD */ };

/* Enough to read a Kerberos ticket out of the owner's keyrings (ccache type KEYRING). */
static const scmp_datum_t key_operations[] = {
        KEYCTL_GET_KEYRING_ID, KEYCTL_DESCRIBE, KEYCTL_LINK,
        KEYCTL_SEARCH,         KEYCTL_READ,     KEYCTL_GET_PERSISTENT,
};

/* A file may be given to another group, not to another user. */
static const scmp_datum_t new_owners[] = { (uid_t) -1 };

/* Limits may be read but not set: the new limit has to be NULL. */
static const scmp_datum_t new_limits[] = { 0 };

/* A thread may name itself. */
static const scmp_datum_t process_operations[] = { PR_SET_NAME };

/* Calls of which only some values of one argument are allowed. */
static const struct {
        int call;
        unsigned argument;
        const scmp_datum_t *values;
        size_t n_values;
} allowed_values[] = {
        { SCMP_SYS(socket), 0, families, ARRAY_SIZE(families) },
        { SCMP_SYS(ioctl), 1, ioctls, ARRAY_SIZE(ioctls) },
        { SCMP_SYS(fchown), 1, new_owners, ARRAY_SIZE(new_owners) },
        { SCMP_SYS(keyctl), 0, key_operations, ARRAY_SIZE(key_operations) },
        { SCMP_SYS(prlimit64), 2, new_limits, ARRAY_SIZE(new_limits) },
        { SCMP_SYS(prctl), 0, process_operations, ARRAY_SIZE(process_operations) },
};

static int add_allowed_values(scmp_filter_ctx filter)
{
        for (size_t i = 0; i < ARRAY_SIZE(allowed_values); i++)
                for (size_t k = 0; k < allowed_values[i].n_values; k++) {
                        const struct scmp_arg_cmp is_value = {
                                .arg = allowed_values[i].argument,
                                .op = SCMP_CMP_EQ,
                                .datum_a = allowed_values[i].values[k],
                        };
                        int r = seccomp_rule_add_array(filter,
                                                       SCMP_ACT_ALLOW,
                                                       allowed_values[i].call,
                                                       1,
                                                       &is_value);

                        if (r < 0)
                                return r;
                }
        return 0;
}

/*
 * Threads, but no processes. A filter cannot see the flags of clone3, so it is answered as if the
 * kernel did not have it, and libc falls back to clone.
 */
static int add_threads(scmp_filter_ctx filter)
{
        int r = seccomp_rule_add(filter,
                                 SCMP_ACT_ALLOW,
                                 SCMP_SYS(clone),
                                 1,
                                 SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));

        return r < 0 ? r : seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}

/* A failed assertion must end the process, so abort(3) may send SIGABRT, to this process only. */
static int add_abort(scmp_filter_ctx filter)
{
        return seccomp_rule_add(filter,
                                SCMP_ACT_ALLOW,
                                SCMP_SYS(tgkill),
                                2,
                                SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t) getpid(), 0),
                                SCMP_A2(SCMP_CMP_EQ, SIGABRT, 0));
}

static int limit_system_calls(void)
{
        scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
        int r = 0;

        if (!filter)
                return -ENOMEM;
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(allowed); i++)
                r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
        if (r >= 0)
                r = add_allowed_values(filter);
        if (r >= 0)
                r = add_threads(filter);
        /* ENOSYS instead of EPERM lets libraries fall back to openat. */
        if (r >= 0)
                r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(openat2), 0);
        if (r >= 0)
                r = add_abort(filter);
        if (r >= 0)
                r = seccomp_load(filter);
        seccomp_release(filter);
        return r;
}

#endif

int sandbox_enter(int link_fd)
{
        int r;

        /* Variables such as SSL_CERT_FILE or KRB5CCNAME would change what the libraries do. */
        if (clearenv() != 0 || setenv("PATH", "/usr/bin:/bin", 1) < 0 ||
            setenv("LANG", "C.UTF-8", 1) < 0)
                return -ENOMEM;
        (void) umask(0077);
        r = fd_close_from(link_fd + 1);
        if (r == 0)
                r = rights_forbid_dumps();
        if (r == 0)
                r = fd_set_limit(MAX_FDS);
        return r < 0 ? r : limit_system_calls();
}

/* An older version of Landlock refuses fields and bits that it does not know: they are left out. */
static size_t fit_version(RulesetAttr *attr, int version)
{
        if (version < 2)
                attr->handled_access_fs &= ~ACCESS_FS_REFER;
        if (version < 3)
                attr->handled_access_fs &= ~ACCESS_FS_TRUNCATE;
        if (version < 5)
                attr->handled_access_fs &= ~ACCESS_FS_IOCTL_DEV;
        if (version < 4)
                return offsetof(RulesetAttr, handled_access_net);
        return version < 6 ? offsetof(RulesetAttr, scoped) : sizeof(*attr);
}

static int allow_below(int ruleset_fd, int dir_fd, uint64_t access)
{
        struct landlock_path_beneath_attr rule = { .allowed_access = access, .parent_fd = dir_fd };

        return syscall(SYS_landlock_add_rule, ruleset_fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0
                       ? -errno
                       : 0;
}

#ifdef COVERAGE_DIR

/* The counters of the coverage build are files beside the objects, written when a process ends. */
static int allow_counters(int ruleset_fd, uint64_t access)
{
        _cleanup_close_ int dir_fd = open(COVERAGE_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);

        return dir_fd < 0 ? -errno : allow_below(ruleset_fd, dir_fd, access);
}

#else

static int allow_counters(int ruleset_fd, uint64_t access)
{
        return 0;
}

#endif

int sandbox_confine(const int *dir_fds, size_t n_dir_fds)
{
        RulesetAttr attr = {
                .handled_access_fs = ALLOWED_BELOW | NEVER_ALLOWED,
                .handled_access_net = ACCESS_NET_BIND_TCP,
                .scoped = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL,
        };
        _cleanup_close_ int ruleset_fd = -EBADF;
        int version, r = 0;
        size_t size;

        version = (int)
                syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
        if (version < 0)
                return errno == ENOSYS || errno == EOPNOTSUPP ? 0 : -errno;

        size = fit_version(&attr, version);
        ruleset_fd = (int) syscall(SYS_landlock_create_ruleset, &attr, size, 0);
        if (ruleset_fd < 0)
                return -errno;
        for (size_t i = 0; r >= 0 && i < n_dir_fds; i++)
                r = allow_below(ruleset_fd, dir_fds[i], ALLOWED_BELOW & attr.handled_access_fs);
        if (r >= 0)
                r = allow_counters(ruleset_fd, ALLOWED_BELOW & attr.handled_access_fs);
        if (r < 0)
                return r;
        if (syscall(SYS_landlock_restrict_self, ruleset_fd, 0) < 0)
                return -errno;
        return version;
}
