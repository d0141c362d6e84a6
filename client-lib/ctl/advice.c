#include "ctl/advice.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const exit_meanings[EXIT_STATUS_MAX] = {
        [EXIT_DONE] = "success",
        [EXIT_FAILED] = "the job failed, or another failure",
        [EXIT_USAGE] = "wrong usage or arguments",
        [EXIT_NO_JOB] = "no such job",
        [EXIT_NOT_PERMITTED] = "not permitted",
        [EXIT_NO_SERVICE] = "the service cannot be reached",
        [EXIT_TIMED_OUT] = "timed out",
        [EXIT_INTERRUPTED] = "interrupted, the job continues in the background",
        [EXIT_CREDENTIALS] = "credentials needed or refused",
        [EXIT_NO_SPACE] = "no space left",
        [EXIT_INTEGRITY] = "the remote file changed or is damaged",
        [EXIT_REMOTE_NOT_FOUND] = "the remote file is not there",
        [EXIT_NETWORK] = "network, name resolution or TLS failure",
        [EXIT_INVALID_STATE] = "not possible in the job's state",
        [EXIT_QUOTA] = "a limit is reached",
};

const char *advice_exit_meaning(ExitStatus status)
{
        return exit_meanings[status];
}

typedef struct CallAdvice {
        int error;
        ExitStatus status;
        const char *hint;
} CallAdvice;

#define ROOT_MAY "Only the job's owner may do that, and root some of it."

static const CallAdvice call_advice[] = {
        { EINVAL, EXIT_USAGE, "" },
        { E2BIG, EXIT_USAGE, "" },
        { ENAMETOOLONG, EXIT_USAGE, "" },
        { EMSGSIZE, EXIT_USAGE, "" },
        { EILSEQ, EXIT_USAGE, "" },
        { EDESTADDRREQ, EXIT_USAGE, "Targets are: server, proxy." },
        { EPROTONOSUPPORT,
          EXIT_USAGE,
          "Schemes are: basic, digest, ntlm, negotiate, passport, bearer." },
        { EOPNOTSUPP, EXIT_USAGE, "" },
        { ERANGE, EXIT_USAGE, "" },
        { EOVERFLOW, EXIT_USAGE, "" },
        { ETOOMANYREFS, EXIT_QUOTA, "" },
        { EBADR, EXIT_FAILED, "The service that runs is of another version than dosvcctl." },
        { ENOENT, EXIT_NO_JOB, "'dosvcctl list' shows the jobs that are there." },
        { EACCES, EXIT_NOT_PERMITTED, ROOT_MAY },
        { EPERM, EXIT_NOT_PERMITTED, ROOT_MAY },
        { EHOSTUNREACH,
          EXIT_NO_SERVICE,
          "Is dosvcd installed and enabled? The user instance is reached with --user." },
        { ENOMEDIUM, EXIT_NO_SERVICE, "There is no session bus here." },
        { ECONNREFUSED,
          EXIT_NO_SERVICE,
          "The bus does not answer. Is dbus running? In a container or chroot there is often "
          "none." },
        { ECONNRESET, EXIT_NO_SERVICE, "The bus closed the connection." },
        { ENOTCONN, EXIT_NO_SERVICE, "The bus closed the connection." },
        { ETIMEDOUT, EXIT_TIMED_OUT, "" },
        { EINTR, EXIT_INTERRUPTED, "" },
        { ENOSPC, EXIT_NO_SPACE, "Make room and try again." },
        { EBADFD, EXIT_INVALID_STATE, "'dosvcctl status JOB' tells the state." },
        { ENODATA, EXIT_INVALID_STATE, "Add a file first: dosvcctl add JOB URL FILE" },
        { EUSERS, EXIT_QUOTA, "Complete or cancel jobs that are not needed." },
        { EMFILE, EXIT_QUOTA, "Use several jobs." },
        { ENOBUFS, EXIT_QUOTA, "" },
};

static const CallAdvice *advice_find_call(int r)
{
        static const CallAdvice other = { 0, EXIT_FAILED, "" };

        for (size_t i = 0; i < COUNT(call_advice); i++)
                if (call_advice[i].error == -r)
                        return &call_advice[i];
        return &other;
}

ExitStatus advice_exit_of_call(int r)
{
        return advice_find_call(r)->status;
}

const char *advice_hint_of_call(int r)
{
        return advice_find_call(r)->hint;
}

typedef struct JobAdvice {
        const char *error_name;
        ExitStatus status;
        const char *hint;
} JobAdvice;

#define TRY_AGAIN "To try again: dosvcctl resume %s"
#define OTHER_URL                                                                                  \
        "To change the URL: dosvcctl edit-url %s --from=PREFIX --to=PREFIX\n"                      \
        "Then: dosvcctl resume %s"
#define TRUST "Ask the operator of the server to correct its certificate, then: dosvcctl resume %s"

static const JobAdvice job_advice[] = {
        { "http-401",
          EXIT_CREDENTIALS,
          "The server wants a user name and password, or refused those it got. "
          "Set others: dosvcctl cred set %s --login=NAME\n"
          "Then: dosvcctl resume %s" },
        { "http-407",
          EXIT_CREDENTIALS,
          "The proxy wants a user name and password, or refused those it got. "
          "Set others: dosvcctl cred set %s --target=proxy --login=NAME\n"
          "Then: dosvcctl resume %s" },
        { "http-403",
          EXIT_FAILED,
          "The server refuses the file to this job, or to everybody. " OTHER_URL },
        { "http-404", EXIT_REMOTE_NOT_FOUND, "The server has no such file. " OTHER_URL },
        { "http-410", EXIT_REMOTE_NOT_FOUND, "The file is gone for good. " OTHER_URL },
        { "disk-full", EXIT_NO_SPACE, "Make room, then: dosvcctl resume %s" },
        { "access-denied",
          EXIT_FAILED,
          "The owner of the job may not write there. Change the rights of the directory, "
          "then: dosvcctl resume %s" },
        { "temporary-file-gone",
          EXIT_FAILED,
          "If a disk is to be mounted, mount it. To look again, and fetch what is gone: "
          "dosvcctl resume %s\nTo do without it: dosvcctl complete %s" },
        { "path-not-found", EXIT_FAILED, "Make the directory, then: dosvcctl resume %s" },
        { "not-a-regular-file",
          EXIT_FAILED,
          "Something else has that name. Move it away, then: dosvcctl resume %s" },
        { "read-only-file-system",
          EXIT_FAILED,
          "The file system takes no writes. Make it writable, then: dosvcctl resume %s" },
        { "io-error", EXIT_FAILED, "The disk reports errors: 'dmesg' says more. " TRY_AGAIN },
        { "remote-file-changed",
          EXIT_INTEGRITY,
          "The file changed on the server while it was fetched. "
          "Start again: dosvcctl resume %s" },
        { "invalid-server-response",
          EXIT_INTEGRITY,
          "The server, or something on the way to it, breaks the rules of HTTP, or does not send "
          "the file. Does this network want you to log in first? " OTHER_URL },
        { "connect-failure",
          EXIT_NETWORK,
          "Is the server up? If so, its name or port may be wrong. " OTHER_URL },
        { "connection-closed",
          EXIT_NETWORK,
          "The server or the network closed the connection too early. " TRY_AGAIN },
        { "name-resolution-failure",
          EXIT_NETWORK,
          "No server is known by that name, or no name server answers. " OTHER_URL },
        { "proxy-name-resolution-failure",
          EXIT_NETWORK,
          "Is the proxy's name right? Change it: dosvcctl set %s proxy=URL\n"
          "Then: dosvcctl resume %s" },
        { "proxy-detection-failed",
          EXIT_NETWORK,
          "Name the proxy instead: dosvcctl set %s proxy=URL (or none)\n"
          "Then: dosvcctl resume %s" },
        { "invalid-proxy-info",
          EXIT_NETWORK,
          "The proxy's URL cannot be used. Change it: dosvcctl set %s proxy=URL\n"
          "Then: dosvcctl resume %s" },
        { "secure-channel-failure",
          EXIT_NETWORK,
          "No TLS connection could be made: does that port speak TLS, and a version that is still "
          "allowed? " TRY_AGAIN },
        { "trust-failure",
          EXIT_NETWORK,
          "The server's certificate is not trusted here. Install the authority that signed "
          "it, then: dosvcctl resume %s" },
        { "timeout",
          EXIT_NETWORK,
          "The server did not answer in time, or stopped sending. " TRY_AGAIN },
        { "validation-failed",
          EXIT_INTEGRITY,
          "The file does not have the checksum that was asked for. If the server has the right "
          "file "
          "now: dosvcctl resume %s" },
        { "invalid-range",
          EXIT_FAILED,
          "The remote file is shorter than the ranges that were asked for. Make a new job with "
          "other ranges, or when the file has grown: dosvcctl resume %s" },
        { "insufficient-range-support",
          EXIT_FAILED,
          "The server cannot send these ranges. Make a new job that fetches the whole file." },
        { "maximum-download-time",
          EXIT_FAILED,
          "The job took longer than its MaximumDownloadTime allows. To allow more: dosvcctl set %s "
          "maximum-download-time=TIME\n"
          "To give it the same time again: dosvcctl resume %s" },
        { "worker-failed",
          EXIT_FAILED,
          "The service's log says more: journalctl -u dosvcd. Then: dosvcctl resume %s" },
        { "file-in-use",
          EXIT_FAILED,
          "Another process uses the temporary file. When it has ended: dosvcctl resume %s" },
        { "transport-error",
          EXIT_NETWORK,
          "The transfer failed in a way that has no name of its own. " TRY_AGAIN },
        { "client-certificate-needed",
          EXIT_CREDENTIALS,
          "The server wants a certificate. Set one: dosvcctl cert set %s FILE [KEYFILE]\n"
          "Then: dosvcctl resume %s" },
        { "client-key-unusable",
          EXIT_CREDENTIALS,
          "Set certificate, key and password again: dosvcctl cert set %s FILE [KEYFILE]\n"
          "Then: dosvcctl resume %s" },
        { "credentials-lost",
          EXIT_CREDENTIALS,
          "The service cannot open what was stored. Set it again: dosvcctl header set %s, or "
          "dosvcctl cert set\n"
          "Then: dosvcctl resume %s" },
        { "certificate-file-unusable",
          EXIT_FAILED,
          "The file of ca-certificate or of the client certificate holds no certificate in PEM, or "
          "is too large. " TRY_AGAIN },
        { "certificate-date-invalid", EXIT_NETWORK, TRUST },
        { "certificate-name-invalid", EXIT_NETWORK, TRUST },
        { "certificate-wrong-usage", EXIT_NETWORK, TRUST },
        { "certificate-revoked", EXIT_NETWORK, "Do not trust this server." },
        { "revocation-check-failed",
          EXIT_NETWORK,
          "Give the job a revocation list, in the file of ca-certificate. "
          "Then: dosvcctl resume %s" },
        { "unknown-certificate-authority",
          EXIT_NETWORK,
          "If its authority is yours: dosvcctl set %s ca-certificate=FILE\n"
          "Then: dosvcctl resume %s" },
        { "redirect-failed",
          EXIT_NETWORK,
          "Change the URL to the one that it should lead to. " OTHER_URL },
};

static const JobAdvice *advice_find_job(const char *error_name)
{
        static const JobAdvice other = { "", EXIT_FAILED, TRY_AGAIN };

        for (size_t i = 0; i < COUNT(job_advice); i++)
                if (strcmp(job_advice[i].error_name, error_name) == 0)
                        return &job_advice[i];
        return &other;
}

ExitStatus advice_exit_of_job(const char *error_name)
{
        return advice_find_job(error_name)->status;
}

const char *advice_hint_of_job(const char *error_name)
{
        return advice_find_job(error_name)->hint;
}

const char *advice_meaning_of_state(const char *state)
{
        static const char *const meanings[][2] = {
                { "queued", "waits for its turn" },
                { "connecting", "is connecting to the server" },
                { "transferring", "is being fetched" },
                { "suspended", "is suspended and waits for 'dosvcctl resume'" },
                { "error", "has failed and waits for somebody to mend it" },
                { "transient-error", "has met an obstacle and will be tried again" },
                { "transferred", "has been fetched and waits for 'dosvcctl complete'" },
                { "acknowledged", "has been completed" },
                { "cancelled", "has been cancelled" },
        };

        for (size_t i = 0; i < COUNT(meanings); i++)
                if (strcmp(meanings[i][0], state) == 0)
                        return meanings[i][1];
        return "";
}
