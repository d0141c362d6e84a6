#include "confine/rights.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/fd.h"
#include "base/macro.h"
#include "base/str.h"

/* Giving up ------------------------------------------------------------------------------- */

int rights_keep_capabilities(uint64_t kept)
{
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {
                { .effective = (uint32_t) kept, .permitted = (uint32_t) kept },
                { .effective = (uint32_t) (kept >> 32), .permitted = (uint32_t) (kept >> 32) },
        };

        /* A kernel older than 4.3 has no ambient set (EINVAL). */
        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 && errno != EINVAL)
                return -errno;
        return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

int rights_bound_capabilities(uint64_t kept)
{
        for (int capability = 0; capability < 64; capability++) {
                if (kept & RIGHTS_CAPABILITY(capability) || prctl(PR_CAPBSET_READ, capability) != 1)
                        continue;
                if (prctl(PR_CAPBSET_DROP, capability) < 0)
                        return -errno;
        }
        return 0;
}

int rights_become_user(const char *name, uid_t uid, gid_t gid)
{
        int r;

        if (geteuid() == 0 && (initgroups(name, gid) < 0 || setresgid(gid, gid, gid) < 0 ||
                               setresuid(uid, uid, uid) < 0))
                return -errno;
        r = rights_keep_capabilities(0);
        if (r < 0)
                return r;
        /* The proof: none of the steps above has left a way back. */
        return uid != 0 && setresuid(0, 0, 0) == 0 ? -EPERM : 0;
}

int rights_forbid_dumps(void)
{
        const struct rlimit none = { 0, 0 };

        if (setrlimit(RLIMIT_CORE, &none) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
                return -errno;
        return 0;
}

int rights_forbid_gain(void)
{
        return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

/* Checking -------------------------------------------------------------------------------- */

static const struct {
        const char *line; /* of /proc/self/status, proc(5) */
        const char *value;
        const char *reason;
} required[] = {
        { "\nTracerPid:\t", "0\n", "it is being traced" },
        { "\nCapInh:\t", "0000000000000000\n", "it has inheritable capabilities" },
        { "\nCapPrm:\t", "0000000000000000\n", "it has permitted capabilities" },
        { "\nCapEff:\t", "0000000000000000\n", "it has effective capabilities" },
        { "\nCapAmb:\t", "0000000000000000\n", "it has ambient capabilities" },
        { "\nNoNewPrivs:\t", "1\n", "it could gain rights (no_new_privs is off)" },
};

int rights_check_status(const char *status, const char **ret_reason)
{
        for (size_t i = 0; i < ARRAY_SIZE(required); i++) {
                const char *at = strstr(status, required[i].line);

                if (!at || !str_starts_with(at + strlen(required[i].line), required[i].value)) {
                        *ret_reason = required[i].reason;
                        return -EPERM;
                }
        }
        return 0;
}

static int read_status(char *buffer, size_t size)
{
        _cleanup_close_ int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
        size_t length;
        int r;

        if (fd < 0)
                return -errno;
        r = fd_read_all(fd, buffer, size - 1, &length);
        if (r < 0)
                return r;
        buffer[length] = '\0';
        return 0;
}

/* Real, effective and saved ids must be one: a saved one could be returned to. NULL: they are. */
static const char *find_wrong_identity(void)
{
        uid_t ruid, euid, suid;
        gid_t rgid, egid, sgid;

        if (getresuid(&ruid, &euid, &suid) < 0 || ruid != euid || ruid != suid)
                return "its user ids differ";
        if (getresgid(&rgid, &egid, &sgid) < 0 || rgid != egid || rgid != sgid)
                return "its group ids differ";
        return NULL;
}

int rights_check_self(int link_fd, const char **ret_reason)
{
        char status[8192];
        struct stat st;
        const char *wrong = NULL;

        if (rights_forbid_dumps() < 0 || prctl(PR_GET_DUMPABLE) != 0)
                wrong = "it can be dumped";
        else if (fstat(link_fd, &st) < 0 || !S_ISSOCK(st.st_mode))
                wrong = "it was given no link";
        else if (read_status(status, sizeof(status)) < 0)
                wrong = "it cannot read its own status";
        else
                wrong = find_wrong_identity();
        if (wrong) {
                *ret_reason = wrong;
                return -EPERM;
        }
        return rights_check_status(status, ret_reason);
}
