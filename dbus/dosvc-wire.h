/*
 * The public contract in C: names, enumerations and errors, spelled once for the
 * daemon, the library and the tests. Macros only; org.dosvc1.*.xml beside this
 * file documents each member. Order and strings are part of the contract: new
 * values go to the end of a list.
 */
#pragma once

#define DOSVC_BUS_NAME          "org.dosvc1"
#define DOSVC_MANAGER_PATH      "/org/dosvc1"
#define DOSVC_JOB_PREFIX        "/org/dosvc1/job"
#define DOSVC_MANAGER_INTERFACE "org.dosvc1.Manager"
#define DOSVC_JOB_INTERFACE     "org.dosvc1.Job"
#define DOSVC_FILE_INTERFACE    "org.dosvc1.File"

/* Sizes that are not known (BG_SIZE_UNKNOWN) and "to the end" (BG_LENGTH_TO_EOF). */
#define DOSVC_SIZE_UNKNOWN UINT64_MAX

/* BG_JOB_STATE, spec section 3.1; the position is the number of the original. */
#define DOSVC_JOB_STATES(X)                                                                        \
        X(QUEUED, "queued")                                                                        \
        X(CONNECTING, "connecting")                                                                \
        X(TRANSFERRING, "transferring")                                                            \
        X(SUSPENDED, "suspended")                                                                  \
        X(ERROR, "error")                                                                          \
        X(TRANSIENT_ERROR, "transient-error")                                                      \
        X(TRANSFERRED, "transferred")                                                              \
        X(ACKNOWLEDGED, "acknowledged")                                                            \
        X(CANCELLED, "cancelled")

/* BG_JOB_PRIORITY. */
#define DOSVC_PRIORITIES(X)                                                                        \
        X(FOREGROUND, "foreground")                                                                \
        X(HIGH, "high")                                                                            \
        X(NORMAL, "normal")                                                                        \
        X(LOW, "low")

/* BG_AUTH_TARGET less one. */
#define DOSVC_AUTH_TARGETS(X)                                                                      \
        X(SERVER, "server")                                                                        \
        X(PROXY, "proxy")

/* BG_AUTH_SCHEME less one, and bearer (RFC 6750). */
#define DOSVC_AUTH_SCHEMES(X)                                                                      \
        X(BASIC, "basic")                                                                          \
        X(DIGEST, "digest")                                                                        \
        X(NTLM, "ntlm")                                                                            \
        X(NEGOTIATE, "negotiate")                                                                  \
        X(PASSPORT, "passport")                                                                    \
        X(BEARER, "bearer")

/* BG_JOB_PROXY_USAGE. */
#define DOSVC_PROXY_USAGES(X)                                                                      \
        X(PRECONFIG, "preconfig")                                                                  \
        X(NONE, "none")                                                                            \
        X(OVERRIDE, "override")                                                                    \
        X(AUTODETECT, "autodetect")

/* BG_HTTP_REDIRECT_POLICY_*, spec section 4.2. */
#define DOSVC_REDIRECT_POLICIES(X)                                                                 \
        X(ALLOW_SILENT, "allow-silent")                                                            \
        X(ALLOW_REPORT, "allow-report")                                                            \
        X(DISALLOW, "disallow")                                                                    \
        X(ALLOW_SILENT_DOWNGRADE, "allow-silent+https-to-http")                                    \
        X(ALLOW_REPORT_DOWNGRADE, "allow-report+https-to-http")

/* BG_SSL_*, spec section 4.3; 1 << position is the number of the original. */
#define DOSVC_SECURITY_FLAGS(X)                                                                    \
        X(ENABLE_CRL_CHECK, "enable-crl-check")                                                    \
        X(IGNORE_CERT_CN_INVALID, "ignore-cert-cn-invalid")                                        \
        X(IGNORE_CERT_DATE_INVALID, "ignore-cert-date-invalid")                                    \
        X(IGNORE_UNKNOWN_CA, "ignore-unknown-ca")                                                  \
        X(IGNORE_CERT_WRONG_USAGE, "ignore-cert-wrong-usage")

/* BG_ERROR_CONTEXT. */
#define DOSVC_ERROR_CONTEXTS(X)                                                                    \
        X(NONE, "none")                                                                            \
        X(UNKNOWN, "unknown")                                                                      \
        X(GENERAL_QUEUE_MANAGER, "queue-manager")                                                  \
        X(QUEUE_MANAGER_NOTIFICATION, "notification")                                              \
        X(LOCAL_FILE, "local-file")                                                                \
        X(REMOTE_FILE, "remote-file")                                                              \
        X(GENERAL_TRANSPORT, "transport")                                                          \
        X(REMOTE_APPLICATION, "remote-application")

/*
 * Errors of method calls: D-Bus name, errno, number of the original. One errno a name,
 * so that sd_bus_error_add_map() carries an errno across the bus unchanged: inside the
 * daemon a failed call is -errno, and a client of libdosvc gets the same value back.
 * AccessDenied (EACCES) and InvalidArgs (EINVAL) are D-Bus' own names.
 */
#define DOSVC_ERROR_PREFIX "org.dosvc1.Error."

#define DOSVC_ERRORS(X)                                                                            \
        X("org.dosvc1.Error.NotFound", ENOENT, 0x80200001u)                                        \
        X("org.dosvc1.Error.InvalidState", EBADFD, 0x80200002u)                                    \
        X("org.dosvc1.Error.Empty", ENODATA, 0x80200003u)                                          \
        X("org.dosvc1.Error.StringTooLong", E2BIG, 0x80200021u)                                    \
        X("org.dosvc1.Error.UserNameTooLarge", ENAMETOOLONG, 0x80200025u)                          \
        X("org.dosvc1.Error.PasswordTooLarge", EMSGSIZE, 0x80200026u)                              \
        X("org.dosvc1.Error.InvalidAuthTarget", EDESTADDRREQ, 0x80200027u)                         \
        X("org.dosvc1.Error.InvalidAuthScheme", EPROTONOSUPPORT, 0x80200028u)                      \
        X("org.dosvc1.Error.InvalidRange", ERANGE, 0x8020002Bu)                                    \
        X("org.dosvc1.Error.OverlappingRanges", EOVERFLOW, 0x8020002Cu)                            \
        X("org.dosvc1.Error.InvalidCredentials", EILSEQ, 0x80200040u)                              \
        X("org.dosvc1.Error.TooManyJobs", EUSERS, 0x80200049u)                                     \
        X("org.dosvc1.Error.TooManyFiles", EMFILE, 0x80200051u)                                    \
        X("org.dosvc1.Error.TooManyRanges", ETOOMANYREFS, 0x80200052u)                             \
        X("org.dosvc1.Error.NotSupported", EOPNOTSUPP, 0x80004001u)                                \
        X("org.dosvc1.Error.CredentialStoreUnavailable", ENOKEY, 0x8007000Eu)                      \
        X("org.dosvc1.Error.LimitExceeded", ENOBUFS, 0x8007000Eu)                                  \
        X("org.dosvc1.Error.NoSpace", ENOSPC, 0x80070070u)                                         \
        X("org.dosvc1.Error.Failed", EIO, 0x80004005u)
